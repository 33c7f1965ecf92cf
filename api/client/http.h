/*
 * Requests to the CA, over libcurl: https only, TLS 1.2 or newer, no redirect followed, no proxy
 * ever used, nobody believed but the certificates in the one file named; bounded in time and size.
 * A connection is kept between requests.
 */
#ifndef API_CLIENT_HTTP_H
#define API_CLIENT_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/client/client.h"
#include "ca/base/buf.h"

#define CLIENT_ANSWER_MAX (8u << 20)

struct client_http;

/* Strings are copied. */
struct client_http_setup {
	const char *url;     /* https://HOST[:PORT][/PATH] */
	const char *ca_file; /* the roots to believe (PEM); NULL: the peer stays unknown, so send
				nothing secret and believe nothing: no word of an error it names
				is passed on */
	const char *crt_file, *key_file; /* our client certificate (PEM); NULL: none */
	int64_t deadline;                /* ca_monotonic_ms() at which all ends */
	bool retry; /* again, with a growing pause, while the CA cannot be reached or says 503 */
};

/* Strings are borrowed for the call. */
struct client_request {
	const char *method;
	const char *path;            /* with the query, "/v1/…" */
	const char *accept;          /* NULL: application/json */
	const char *bearer;          /* NULL: none */
	const json_t *body;          /* NULL: none */
	const struct ca_buf *octets; /* instead of body: JSON text, sent as it is; NULL: none */
	const char *if_match;        /* an entity tag with its quotes; NULL: none */
};

/* CA_EINVAL: not such a URL. */
int client_http_open(const struct client_http_setup *setup, struct client_http **out,
    struct client_problem *problem);
void client_http_close(struct client_http *http); /* NULL is fine */

/*
 * Send and wait for the answer, whose body replaces the content of *body. 0: the status was 2xx.
 * Otherwise *problem says why, and: CA_EUNREACHABLE, CA_ETLS, CA_EANSWER (too large, or an error
 * that is not one of Mica's, or any of a peer that stays unknown), or the error the server named.
 */
int client_http_send(struct client_http *http, const struct client_request *request,
    struct ca_buf *body, struct client_problem *problem);

/* The same for an answer that is a JSON object (a new reference). */
int client_http_json(struct client_http *http, const struct client_request *request, json_t **out,
    struct client_problem *problem);

/* Append "?key=value" (the first) or "&key=value", percent-encoded. A NULL value adds nothing. */
void client_query_add(struct ca_buf *path, const char *key, const char *value);

/* The certificates' URL has the serial as the CA writes it: lower case, no colons, no leading zero
 * octet. CA_EINVAL. */
int client_serial(const char *text, struct ca_buf *out, struct client_problem *problem);

/* An object out of JSON text, which must be all of it. CA_EANSWER. */
int client_json_parse(const struct ca_buf *text, json_t **out, struct client_problem *problem);

#endif
