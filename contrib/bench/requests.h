/* What a load generator sends, written in full before anything is measured. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include <stddef.h>

/*
 * How a request for a certificate looks to the server at hand. In headers and body, %s stands for
 * the request's PEM (with JSON's escapes when the content type says JSON), %n for its DNS name, %t
 * for the token or other text that goes with it, %% for a percent sign.
 */
struct bench_shape {
	const char *authority; /* host:port, for the Host header */
	const char *path;
	const char *content_type;
	const char *headers; /* further lines, each ended by CR LF; NULL is fine */
	const char *body;
};

/* A micad's. */
#define BENCH_PATH "/v1/certificates"
#define BENCH_CONTENT_TYPE "application/json"
#define BENCH_BODY "{\"csr\":\"%s\"}"

struct bench_request {
	char *text; /* head and body; owned */
	size_t len;
};

/* One POST with pem, name and token (NULL: none) filled in. 0, or -1. */
int bench_request_make(const struct bench_shape *shape, const char *pem, const char *name,
    const char *token, struct bench_request *out);

struct bench_requests {
	struct bench_request *v;
	size_t n;
};

/* n of them for a micad at host (the Host header), each with a key of its own. 0, or -1 after a
 * message. */
int bench_requests_make(size_t n, const char *host, struct bench_requests *out);

void bench_requests_free(struct bench_requests *requests);

#endif
