/* Requests to the CA. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "api/client/http.h"
#include "api/client/output.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "ca/base/text.h"

#define CONNECT_TIMEOUT_MS 10000L
#define ATTEMPT_TIMEOUT_MS                                                                         \
	10000 /* one attempt of several: an answer that got lost is asked for again */
#define PAUSE_FIRST_MS 250
#define PAUSE_LONGEST_MS 5000

struct client_http {
	CURL *curl;
	char *url; /* without a slash at the end */
	int64_t deadline;
	bool retry;
	bool stranger; /* the peer stays unknown */
};

static int curl_start(void)
{
	static bool started;

	if (!started && curl_global_init(CURL_GLOBAL_DEFAULT))
		return CA_EINTERNAL;
	started = true;
	return 0;
}

/* https, a host, and neither user, query nor fragment. */
static bool url_usable(const char *url)
{
	static const CURLUPart unwanted[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
		CURLUPART_FRAGMENT };
	CURLU *parts = curl_url();
	char *text = NULL;
	bool usable = parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
		      !curl_url_get(parts, CURLUPART_SCHEME, &text, 0) && !strcmp(text, "https");

	curl_free(text);
	for (size_t i = 0; usable && i < sizeof(unwanted) / sizeof(*unwanted); i++) {
		text = NULL;
		usable = curl_url_get(parts, unwanted[i], &text, 0) != CURLUE_OK;
		curl_free(text);
	}
	curl_url_cleanup(parts);
	return usable;
}

static size_t body_write(char *data, size_t size, size_t n, void *opaque)
{
	struct ca_buf *body = opaque;

	if (body->len + size * n > CLIENT_ANSWER_MAX)
		return 0;
	ca_buf_add(body, data, size * n);
	return ca_buf_error(body) ? 0 : size * n;
}

/*
 * Trust. Debian's libcurl has a default CAPATH that stays in force beside CAINFO, so that any
 * public CA would be believed: both are always set. No proxy: HTTPS_PROXY in the environment must
 * not decide who sees that this machine enrols.
 */
static CURLcode curl_setup(CURL *curl, const struct client_http_setup *setup)
{
	const struct {
		CURLoption option;
		const char *text;
	} texts[] = {
		{ CURLOPT_CAPATH, NULL },
		{ CURLOPT_CAINFO, setup->ca_file },
		{ CURLOPT_SSLCERT, setup->crt_file },
		{ CURLOPT_SSLKEY, setup->key_file },
		{ CURLOPT_PROTOCOLS_STR, "https" },
		{ CURLOPT_PROXY, "" },
		{ CURLOPT_NOPROXY, "*" },
		{ CURLOPT_USERAGENT, "mica/" PACKAGE_VERSION },
	};
	const struct {
		CURLoption option;
		long number;
	} numbers[] = {
		{ CURLOPT_SSL_VERIFYPEER, setup->ca_file ? 1 : 0 },
		{ CURLOPT_SSL_VERIFYHOST, setup->ca_file ? 2 : 0 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS },
	};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < sizeof(texts) / sizeof(*texts); i++)
		code = curl_easy_setopt(curl, texts[i].option, texts[i].text);
	for (size_t i = 0; !code && i < sizeof(numbers) / sizeof(*numbers); i++)
		code = curl_easy_setopt(curl, numbers[i].option, numbers[i].number);
	return code;
}

int client_http_open(
    const struct client_http_setup *setup, struct client_http **out, struct client_problem *problem)
{
	struct client_http *http;
	size_t len = strlen(setup->url);

	if (curl_start())
		return CA_EINTERNAL;
	if (!url_usable(setup->url))
		return client_fail(
		    problem, CA_EINVAL, "%s is not a URL like https://HOST:PORT", setup->url);
	http = calloc(1, sizeof(*http));
	if (!http)
		return CA_ENOMEM;
	while (len && setup->url[len - 1] == '/')
		len--;
	http->url = strndup(setup->url, len);
	http->curl = curl_easy_init();
	http->deadline = setup->deadline;
	http->retry = setup->retry;
	http->stranger = !setup->ca_file;
	if (!http->url || !http->curl || curl_setup(http->curl, setup)) {
		client_http_close(http);
		return CA_EINTERNAL;
	}
	*out = http;
	return 0;
}

void client_http_close(struct client_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	free(http->url);
	free(http);
}

static int header_add(struct curl_slist **list, const char *name, const char *value)
{
	struct ca_buf line = CA_BUF_INIT;
	struct curl_slist *grown;

	ca_buf_addf(&line, "%s: %s", name, value);
	grown = ca_buf_error(&line) ? NULL : curl_slist_append(*list, ca_buf_text(&line));
	ca_buf_free(&line);
	if (!grown)
		return CA_ENOMEM;
	*list = grown;
	return 0;
}

static void headers_free(struct curl_slist *list)
{
	for (struct curl_slist *at = list; at; at = at->next)
		ca_wipe(at->data, strlen(at->data));
	curl_slist_free_all(list);
}

static int headers_make(const struct client_request *request, struct curl_slist **out)
{
	struct ca_buf bearer = CA_BUF_INIT;
	int error;

	error = header_add(out, "Accept", request->accept ? request->accept : "application/json");
	if (!error && (request->body || request->octets))
		error = header_add(out, "Content-Type", "application/json");
	if (!error && request->if_match)
		error = header_add(out, "If-Match", request->if_match);
	if (!error && request->bearer) {
		ca_buf_addf(&bearer, "Bearer %s", request->bearer);
		error = header_add(out, "Authorization", ca_buf_text(&bearer));
	}
	ca_buf_free(&bearer);
	return error;
}

/* What went wrong below HTTP, in our own words; libcurl's are for --verbose. */
static int transport_fail(
    const struct client_http *http, CURLcode code, struct client_problem *problem)
{
	const char *url = http->url;

	ca_logf(CA_LOG_DEBUG, "%s: curl: %s", url, curl_easy_strerror(code));
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return client_fail(problem, CA_ETLS,
		    "%s did not prove to be the CA: its certificate has another name, another "
		    "root, or is not "
		    "valid by this machine's clock",
		    url);
	case CURLE_SSL_CACERT_BADFILE:
		return client_fail(problem, CA_ETLS, "the file of trusted roots cannot be used");
	case CURLE_SSL_CERTPROBLEM:
		return client_fail(problem, CA_ETLS, "our client certificate cannot be used");
	case CURLE_WRITE_ERROR:
		return client_fail(problem, CA_EANSWER, "the answer of %s is too large", url);
	case CURLE_OUT_OF_MEMORY:
		return CA_ENOMEM;
	case CURLE_COULDNT_RESOLVE_HOST:
		return client_fail(problem, CA_EUNREACHABLE, "the host name of %s is unknown", url);
	case CURLE_COULDNT_CONNECT:
		return client_fail(problem, CA_EUNREACHABLE, "nothing answers at %s", url);
	case CURLE_SSL_CONNECT_ERROR:
		return client_fail(
		    problem, CA_EUNREACHABLE, "the TLS handshake with %s broke off", url);
	case CURLE_OPERATION_TIMEDOUT:
		return client_fail(problem, CA_EUNREACHABLE, "%s did not answer in time", url);
	default:
		return client_fail(problem, CA_EUNREACHABLE, "the connection to %s broke off", url);
	}
}

/* The problem document of RFC 9457 that an error comes with. */
static int problem_read(
    const struct client_http *http, const struct ca_buf *body, struct client_problem *problem)
{
	json_t *document = json_loadb(ca_buf_text(body), body->len, JSON_REJECT_DUPLICATES, NULL);
	const char *code = client_json_text(document, "code");
	const char *detail = client_json_text(document, "detail");
	int error = ca_error_from_code(code);

	if (!*code) {
		client_fail(problem, CA_EANSWER, "%s answered %ld without an explanation",
		    http->url, problem->status);
	} else {
		client_fail(problem, error, "%s", *detail ? detail : ca_error_text(error));
		ca_refuse(&problem->next, error, "%s", client_json_text(document, "next"));
	}
	for (size_t i = 0; i < sizeof(problem->code) - 1 && code[i]; i++)
		problem->code[i] =
		    (char)(strchr("abcdefghijklmnopqrstuvwxyz0123456789-", code[i]) ? code[i]
										    : '?');
	json_decref(document);
	return error ? error : CA_EANSWER;
}

/* An error of a peer who has not proved to be the CA: neither his words nor his statuses are the
 * CA's. Only that he asks for patience is heard. */
static int stranger_fail(
    const struct client_http *http, long status, struct client_problem *problem)
{
	if (status != 503)
		return client_fail(problem, CA_EANSWER,
		    "%s, which has not proved to be the CA yet, answered %ld", http->url, status);
	problem->status = status;
	return client_fail(problem, CA_EUNREACHABLE,
	    "%s, which has not proved to be the CA yet, answered that it cannot serve now",
	    http->url);
}

static int answer_read(
    const struct client_http *http, const struct ca_buf *body, struct client_problem *problem)
{
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	ca_logf(CA_LOG_DEBUG, "%s: status %ld, %zu octets", http->url, status, body->len);
	if (status >= 200 && status < 300)
		return 0;
	curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &after);
	problem->retry_after = after > 0 && after < CA_DAY ? (long)after : 0;
	if (http->stranger)
		return stranger_fail(http, status, problem);
	problem->status = status;
	return problem_read(http, body, problem);
}

static CURLcode request_setup(const struct client_http *http, const struct client_request *request,
    const char *url, const char *text, size_t len, struct ca_buf *body)
{
	CURL *curl = http->curl;
	int64_t left = http->deadline - ca_monotonic_ms();
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);

	if (http->retry && left > ATTEMPT_TIMEOUT_MS)
		left = ATTEMPT_TIMEOUT_MS;
	code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (text) {
		code = code ? code : curl_easy_setopt(curl, CURLOPT_POST, 1L);
		code = code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
		code = code ? code
			    : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	}
	code = code ? code : curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left > 1 ? (long)left : 1L);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_write);
	return code ? code : curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
}

static int send_once(struct client_http *http, const struct client_request *request,
    struct ca_buf *body, struct client_problem *problem)
{
	char *dumped = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
	const char *text = request->octets ? ca_buf_text(request->octets) : dumped;
	size_t len = request->octets ? request->octets->len : dumped ? strlen(dumped) : 0;
	struct curl_slist *headers = NULL;
	struct ca_buf url = CA_BUF_INIT;
	CURLcode code;
	int error;

	ca_buf_clear(body);
	*problem = (struct client_problem){ 0 };
	ca_buf_addf(&url, "%s%s", http->url, request->path);
	error = headers_make(request, &headers);
	if (!error)
		error = ca_buf_error(&url);
	if (!error && request->body && !dumped)
		error = CA_ENOMEM;
	if (error)
		goto out;
	code = request_setup(http, request, ca_buf_text(&url), text, len, body);
	if (!code)
		code = curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	if (!code)
		code = curl_easy_perform(http->curl);
	error = code ? transport_fail(http, code, problem) : answer_read(http, body, problem);
out:
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
	headers_free(headers);
	ca_buf_free(&url);
	free(dumped);
	return error;
}

/* The pause before attempt n + 1: doubling, a random part of it, and no less than the server asks
 * for. */
static int64_t pause_ms(int n, long retry_after)
{
	int64_t most = PAUSE_FIRST_MS << (n < 8 ? n : 8);
	uint16_t dice = 0;

	if (most > PAUSE_LONGEST_MS)
		most = PAUSE_LONGEST_MS;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		dice = (uint16_t)ca_monotonic_ms();
	return (int64_t)retry_after * 1000 + most / 2 + (most / 2) * dice / UINT16_MAX;
}

int client_http_send(struct client_http *http, const struct client_request *request,
    struct ca_buf *body, struct client_problem *problem)
{
	for (int n = 0;; n++) {
		int error = send_once(http, request, body, problem);
		struct timespec nap;
		int64_t ms;

		if (!error || !http->retry)
			return error;
		if (problem->status ? problem->status != 503 : error != CA_EUNREACHABLE)
			return error;
		ms = pause_ms(n, problem->retry_after);
		if (ca_monotonic_ms() + ms >= http->deadline)
			return error;
		ca_logf(CA_LOG_DEBUG, "%s; again in %lld ms", problem->detail.text, (long long)ms);
		nap = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
		nanosleep(&nap, NULL);
	}
}

int client_json_parse(const struct ca_buf *text, json_t **out, struct client_problem *problem)
{
	json_t *document = json_loadb(ca_buf_text(text), text->len, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(document)) {
		json_decref(document);
		return client_fail(problem, CA_EANSWER, "the answer is not a JSON object");
	}
	*out = document;
	return 0;
}

int client_http_json(struct client_http *http, const struct client_request *request, json_t **out,
    struct client_problem *problem)
{
	struct ca_buf body = CA_BUF_INIT;
	int error = client_http_send(http, request, &body, problem);

	if (!error)
		error = client_json_parse(&body, out, problem);
	ca_buf_free(&body);
	return error;
}

void client_query_add(struct ca_buf *path, const char *key, const char *value)
{
	char *escaped;

	if (!value)
		return;
	escaped = curl_easy_escape(NULL, value, 0);
	if (!escaped) {
		path->failed = true;
		return;
	}
	ca_buf_addf(path, "%s%s=%s", strchr(ca_buf_text(path), '?') ? "&" : "?", key, escaped);
	curl_free(escaped);
}

int client_serial(const char *text, struct ca_buf *out, struct client_problem *problem)
{
	unsigned char octets[21]; /* RFC 5280, section 4.1.2.2: 20, and the zero that some tools
				     print before them */
	char hex[sizeof(octets) * 2 + 1];
	size_t len = 0, zeros = 0;

	if (ca_unhex(text, octets, sizeof(octets), &len) || !len)
		return client_fail(
		    problem, CA_EINVAL, "%s is not a serial number in hexadecimal", text);
	while (zeros + 1 < len && !octets[zeros])
		zeros++;
	ca_hex(octets + zeros, len - zeros, hex);
	ca_buf_add_str(out, hex);
	return ca_buf_error(out);
}
