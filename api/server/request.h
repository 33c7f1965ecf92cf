/*
 * One HTTP request: libmicrohttpd hands in headers and body, a route's handler makes the answer.
 *
 * A handler runs on one of libmicrohttpd's threads and returns 0 with an answer set, or a CA_E…
 * that becomes a problem document, or, when it has submitted a job to the store, SERVER_WAIT: then
 * the connection is suspended, and when the job is done the handler's continuation,
 * request->resume, runs on that thread again with request->job_result set.
 */
#ifndef API_SERVER_REQUEST_H
#define API_SERVER_REQUEST_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/server/identity.h"
#include "api/server/server.h"
#include "ca/base/buf.h"
#include "ca/base/error.h"
#include "store/store.h"

#define SERVER_WAIT 1

#define SERVER_REQUEST_ID 17 /* 8 random octets in hexadecimal, and the NUL */
#define SERVER_QUERY_MAX 16  /* query parameters of one request */

struct server_connection;
struct server_route;

struct server_query {
	const char *key, *value; /* libmicrohttpd's, alive as long as the request */
};

struct server_request {
	struct server *server;
	struct server_snapshot *snapshot; /* what it is judged by; owned, a reference */
	struct MHD_Connection *mhd;
	struct server_connection *connection;
	const struct server_route *route; /* NULL when none fits */
	char id[SERVER_REQUEST_ID];
	const char *method;
	char *path;
	char *parameter; /* what {…} in the route's path stands for; "" when it has none */
	struct server_query query[SERVER_QUERY_MAX];
	size_t query_len;

	struct ca_buf body;
	int64_t declared; /* the Content-Length; 0 without one, INT64_MAX for what is no number */
	bool chunked;
	size_t received; /* octets of body that came, kept or not */
	int refused; /* a CA_E… that stood before the body did; the body is drained, not kept */
	bool answered;
	int64_t began_ms, ready_ms; /* its headers were there, and its body */

	struct server_identity identity;
	struct ca_detail why;

	/* a job under way, if any */
	struct store_job job;
	struct server_task task;
	int (*run)(struct store_tx *tx, void *request);
	int (*work)(struct server_request *request);
	int job_result;
	bool waiting, resumed;
	int (*resume)(struct server_request *request);
	void *state; /* the handler's own, freed with free_state */
	void (*free_state)(void *state);

	/* the answer */
	unsigned status;
	const char *content_type;
	struct ca_buf answer;
	char allow[64];       /* the path's methods, when this was none of them */
	char *location;       /* owned; NULL: no such header */
	char etag[24];        /* with its quotes; "": no such header */
	size_t line;          /* of the body, where a problem's cause stands; 0: not told */
	char *pointer;        /* and the JSON pointer to it; owned */
	unsigned retry_after; /* seconds; 0: no such header */
};

/* For MHD_start_daemon(); cls is the struct server. */
enum MHD_Result server_request_handle(void *cls, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
    void **con_cls);

/* For MHD_OPTION_NOTIFY_COMPLETED. */
void server_request_completed(
    void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode why);

/*
 * Submit run(tx, request), before which the right to it is checked once more, and suspend until it
 * is done; request->resume must be set, and is called
 * only if the job succeeded. Returns SERVER_WAIT, also when the store takes no job: then that is
 * its result.
 */
int server_request_write(
    struct server_request *request, int (*run)(struct store_tx *tx, void *request));

/*
 * The same for what takes long and is no job of the store: run(request) on a worker's thread, which
 * returns the job's result.
 */
int server_request_work(struct server_request *request, int (*run)(struct server_request *request));

/* Would server_request_write() be in vain, for lack of room or time? 0, CA_EOVERLOADED,
 * CA_ESTOPPING. To be asked before a signature is spent. */
int server_request_admit(const struct server_request *request);

/* The answer's body, empty, to be appended to; its status and type are set. */
struct ca_buf *server_answer_begin(
    struct server_request *request, unsigned status, const char *content_type);

/* Set the answer: JSON (body is transferred, also on failure; NULL is CA_ENOMEM), or octets.
 * Returns 0 or CA_ENOMEM. */
int server_answer_json(struct server_request *request, unsigned status, json_t *body);
int server_answer_octets(struct server_request *request, unsigned status, const char *content_type,
    const void *data, size_t len);

/* A request header, or NULL. Borrowed. */
const char *server_request_header(const struct server_request *request, const char *name);

/* A query parameter, or NULL. Borrowed. */
const char *server_request_query(const struct server_request *request, const char *key);

/*
 * The first of the media types offered (NULL-terminated) that the Accept header takes best, by its
 * q-values (RFC 9110, section 12.5.1); without such a header the first. NULL: none,
 * CA_ENOTACCEPTABLE.
 */
const char *server_request_accept(const struct server_request *request, const char *const *offered);

/* Jobs that are submitted and not yet done, over all requests. */
unsigned server_requests_waiting(void);

#endif
