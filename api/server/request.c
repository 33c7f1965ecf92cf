#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/server/connection.h"
#include "api/server/problem.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "ca/base/text.h"
#include "ca/seal.h"

/* A body that is not kept is read up to here, so that the client sees our answer rather than a
 * reset. */
#define DRAIN_MAX ((size_t)4 << 20)

#define ANSWER_ROOM 4095 /* a certificate with its chain fits */
#define LOG_PATH_MAX 200 /* octets of a path that a stranger chose */

static atomic_uint waiting;

unsigned server_requests_waiting(void)
{
	return atomic_load(&waiting);
}

/* ---- what came in ---- */

const char *server_request_header(const struct server_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *server_request_query(const struct server_request *request, const char *key)
{
	for (size_t i = 0; i < request->query_len; i++)
		if (strcmp(request->query[i].key, key) == 0)
			return request->query[i].value;
	return NULL;
}

/* Are all query parameters among those that the route takes, each once? */
static int check_query(struct server_request *request)
{
	static const char *const none[] = { NULL };
	const char *const *known = request->route->query ? request->route->query : none;

	for (size_t i = 0; i < request->query_len; i++) {
		const char *key = request->query[i].key;
		size_t k = 0;

		while (known[k] && strcmp(known[k], key) != 0)
			k++;
		if (!known[k])
			return ca_refuse(&request->why, CA_EQUERY,
			    "the query parameter %.64s is not known here", key);
		if (server_request_query(request, key) != request->query[i].value)
			return ca_refuse(&request->why, CA_EQUERY,
			    "the query parameter %.64s stands twice", key);
	}
	return 0;
}

static enum MHD_Result collect_query(
    void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct server_request *request = cls;

	(void)kind;
	if (request->query_len == SERVER_QUERY_MAX) {
		request->refused = CA_EQUERY;
		return MHD_NO;
	}
	request->query[request->query_len++] = (struct server_query){ key, value ? value : "" };
	return MHD_YES;
}

/* ---- what goes out ---- */

struct ca_buf *server_answer_begin(
    struct server_request *request, unsigned status, const char *content_type)
{
	request->status = status;
	request->content_type = content_type;
	ca_buf_clear(&request->answer);
	ca_buf_reserve(&request->answer, ANSWER_ROOM);
	return &request->answer;
}

int server_answer_json(struct server_request *request, unsigned status, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct ca_buf *out = server_answer_begin(request, status, "application/json");

	json_decref(body);
	if (!text)
		return CA_ENOMEM;
	ca_buf_addf(out, "%s\n", text);
	ca_wipe(text, strlen(text));
	free(text);
	return ca_buf_error(out);
}

int server_answer_octets(struct server_request *request, unsigned status, const char *content_type,
    const void *data, size_t len)
{
	struct ca_buf *out = server_answer_begin(request, status, content_type);

	ca_buf_add(out, data, len);
	return ca_buf_error(out);
}

static void add_headers(struct server_request *request, struct MHD_Response *response)
{
	char number[16];

	MHD_add_response_header(response, "X-Request-Id", request->id);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (request->content_type)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_TYPE, request->content_type);
	if (request->location)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, request->location);
	if (request->etag[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, request->etag);
	if (request->allow[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->allow);
	if (request->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (request->retry_after) {
		snprintf(number, sizeof(number), "%u", request->retry_after);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, number);
	}
	if (atomic_load(&request->server->stopping))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

static void log_answer(const struct server_request *request, int error)
{
	char status[16], ms[24], path[LOG_PATH_MAX];
	const struct ca_log_field fields[] = { { "request_id", request->id },
		{ "peer", server_connection_peer(request->connection) },
		{ "method", request->method }, { "path", path }, { "status", status }, { "ms", ms },
		{ "code", error ? ca_error_code(error) : NULL },
		{ "detail", error && request->why.text[0] ? request->why.text : NULL }, { 0 } };

	snprintf(path, sizeof(path), "%s", request->path);
	snprintf(status, sizeof(status), "%u", request->status);
	snprintf(ms, sizeof(ms), "%lld", (long long)(ca_monotonic_ms() - request->began_ms));
	/* A handler that answers 503 by itself (/readyz) is asked again and again, and has said why
	 * elsewhere. */
	ca_log_event(!error                   ? CA_LOG_DEBUG
		     : request->status >= 500 ? CA_LOG_ERROR
					      : CA_LOG_WARN,
	    "request", fields);
}

/* Queue the answer, or, with an error, the problem document. */
static enum MHD_Result reply(struct server_request *request, int error)
{
	struct MHD_Response *response;
	unsigned char *data;
	size_t len = 0;
	enum MHD_Result r;

	if (error)
		server_problem(request, error);
	request->answered = true;
	log_answer(request, error);
	data = ca_buf_take(&request->answer, &len);
	response = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(data);
		return MHD_NO;
	}
	add_headers(request, response);
	if (len && strcmp(request->method, MHD_HTTP_METHOD_HEAD) != 0)
		server_connection_answering(request->connection);
	r = MHD_queue_response(request->mhd, request->status, response);
	MHD_destroy_response(response);
	return r;
}

/* ---- a job under way ---- */

/* On the store's thread, the attendant's, or, when the store took no job, the connection's own. */
static void job_done(void *arg, int result)
{
	struct server_request *request = arg;

	request->job_result = result;
	/* From here on the request may be gone. Counted down last: libmicrohttpd is not stopped
	 * before. */
	MHD_resume_connection(request->mhd);
	atomic_fetch_sub(&waiting, 1);
}

static int64_t deadline_of(const struct server_request *request)
{
	return request->ready_ms + SERVER_ANSWER_MS;
}

int server_request_admit(const struct server_request *request)
{
	return store_admits(request->server->store, deadline_of(request));
}

static int run_job(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	int r = server_identity_recheck(&request->identity, tx);

	return r ? r : request->run(tx, request);
}

/* Suspended first: what is to come may be done before its submission returns. */
static void suspend(struct server_request *request)
{
	request->waiting = true;
	atomic_fetch_add(&waiting, 1);
	MHD_suspend_connection(request->mhd);
}

int server_request_write(
    struct server_request *request, int (*run)(struct store_tx *tx, void *request))
{
	int r;

	request->job = (struct store_job){ .run = run_job,
		.done = job_done,
		.arg = request,
		.deadline_ms = deadline_of(request) };
	request->run = run;
	suspend(request);
	r = atomic_load(&request->server->drained)
		? CA_ESTOPPING
		: store_submit(request->server->store, &request->job);
	if (r)
		job_done(request, r);
	return SERVER_WAIT;
}

static void run_task(void *arg, int result)
{
	struct server_request *request = arg;

	job_done(request, result ? result : request->work(request));
}

int server_request_work(struct server_request *request, int (*run)(struct server_request *request))
{
	int r;

	request->task = (struct server_task){
		.run = run_task,
		.arg = request,
		.deadline_ms = deadline_of(request),
		.stranger = request->identity.kind == SERVER_OUTSIDER,
	};
	request->work = run;
	suspend(request);
	r = server_workers_submit(&request->server->workers, &request->task);
	if (r)
		job_done(request, r);
	return SERVER_WAIT;
}

/* ---- the life of a request ---- */

static void request_free(struct server_request *request)
{
	if (!request)
		return;
	if (request->free_state)
		request->free_state(request->state);
	server_identity_clear(&request->identity);
	server_snapshot_release(request->snapshot);
	ca_buf_free(&request->body);
	ca_buf_free(&request->answer);
	free(request->location);
	free(request->pointer);
	free(request->parameter);
	free(request->path);
	free(request);
}

static struct server_request *request_create(
    struct server *server, struct MHD_Connection *mhd, const char *url, const char *method)
{
	struct server_request *request = calloc(1, sizeof(*request));
	unsigned char id[8];

	if (!request)
		return NULL;
	request->server = server;
	request->mhd = mhd;
	request->method = method;
	request->connection = server_connection_of(mhd);
	request->snapshot = server_snapshot_take(server);
	request->path = strdup(url);
	request->began_ms = ca_monotonic_ms();
	if (!request->path || !request->connection || ca_random(id, sizeof(id))) {
		request_free(request);
		return NULL;
	}
	ca_hex(id, sizeof(id), request->id);
	server_connection_heard(request->connection);
	MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, collect_query, request);
	return request;
}

/* A JSON body says so; parameters such as charset may follow. */
static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return content_type && strncasecmp(content_type, json, n) == 0 &&
	       (content_type[n] == '\0' || strchr("; \t", content_type[n]));
}

/* What the headers say of the body. */
static void measure_body(struct server_request *request)
{
	const char *length = server_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	request->chunked =
	    server_request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
	if (length && ca_parse_int(length, 0, INT64_MAX, &request->declared))
		request->declared = INT64_MAX;
}

/* What the headers alone decide. */
static int check_headers(struct server_request *request)
{
	const char *parameter;
	size_t parameter_len;
	int r = server_route_find(request->method, request->path, &request->route, &parameter,
	    &parameter_len, request->allow);

	if (r)
		return r;
	request->parameter = parameter ? strndup(parameter, parameter_len) : strdup("");
	if (!request->parameter)
		return CA_ENOMEM;
	r = server_identify(request);
	if (!r)
		r = check_query(request);
	if (r)
		return r;
	if (request->declared > (int64_t)request->route->body_max)
		return ca_refuse(
		    &request->why, CA_EBODYLARGE, "more than %zu octets", request->route->body_max);
	if (request->route->body_max && (request->declared > 0 || request->chunked) &&
	    !is_json(server_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE)))
		return CA_EMEDIATYPE;
	return 0;
}

/* The first call: headers only. Is there a body to read before an answer can be heard? */
static enum MHD_Result begin(struct server_request *request)
{
	int r = request->refused;

	measure_body(request);
	if (!r)
		r = check_headers(request);
	if (!r)
		return MHD_YES;
	request->refused = r;
	if ((request->chunked || request->declared > 0) && request->declared <= (int64_t)DRAIN_MAX)
		return MHD_YES;
	return reply(request, r);
}

static enum MHD_Result collect_body(struct server_request *request, const char *data, size_t *len)
{
	request->received += *len;
	if (!request->refused && request->received > request->route->body_max) {
		request->refused = ca_refuse(
		    &request->why, CA_EBODYLARGE, "more than %zu octets", request->route->body_max);
		ca_buf_free(&request->body);
	}
	if (!request->refused)
		ca_buf_add(&request->body, data, *len);
	*len = 0;
	return request->received > DRAIN_MAX ? MHD_NO : MHD_YES;
}

/* The body is complete, or a job is done. */
static enum MHD_Result advance(struct server_request *request)
{
	int r = request->refused;

	if (request->waiting) {
		request->waiting = false;
		r = request->job_result ? request->job_result : request->resume(request);
	} else if (!r) {
		request->ready_ms = ca_monotonic_ms();
		r = ca_buf_error(&request->body);
		if (!r)
			r = server_identity_verify(request);
		if (!r)
			r = request->route->handle(request);
	}
	return r == SERVER_WAIT ? MHD_YES : reply(request, r);
}

enum MHD_Result server_request_handle(void *cls, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
    void **con_cls)
{
	struct server_request *request = *con_cls;

	(void)version;
	if (!request) {
		request = request_create(cls, mhd, url, method);
		*con_cls = request;
		return request ? begin(request) : MHD_NO;
	}
	if (*upload_data_size)
		return collect_body(request, upload_data, upload_data_size);
	return request->answered ? MHD_YES : advance(request);
}

void server_request_completed(
    void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode why)
{
	struct server_request *request = *con_cls;

	(void)cls;
	(void)mhd;
	(void)why;
	*con_cls = NULL;
	if (!request)
		return;
	server_connection_idle(request->connection);
	request_free(request);
}
