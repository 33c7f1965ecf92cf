/* A keep-alive HTTPS connection of the load generator: one request, one answer, again. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include <gnutls/gnutls.h>
#include <stddef.h>

#define BENCH_BODY_MAX 16384
#define BENCH_HOST_MAX 256

/* An operator's context (tls.crt, tls.key, ca.crt, ca-url) and the server it leads to. */
struct bench_target {
	char host[BENCH_HOST_MAX]; /* as in the URL, for the certificate's check */
	char port[8];
	char authority[BENCH_HOST_MAX + 8];    /* host:port, for the Host header */
	gnutls_certificate_credentials_t cred; /* owned */
};

/* url may be NULL: the one in home/ca-url. 0, or -1 after a message. */
int bench_target_load(const char *home, const char *url, struct bench_target *out);
void bench_target_free(struct bench_target *target);

struct bench_connection;

/* Connect and shake hands, the server's chain and name checked. 0, or -1 (*why: a few words,
 * static). */
int bench_connect(
    const struct bench_target *target, struct bench_connection **out, const char **why);
void bench_disconnect(struct bench_connection *connection); /* NULL is fine */

enum bench_outcome {
	BENCH_ANSWERED, /* a complete answer came */
	BENCH_CLOSED,   /* the connection ended before the answer's first octet */
	BENCH_CUT,      /* the connection ended in the middle of the answer, or it was not HTTP */
};

struct bench_answer {
	int status;
	int closing; /* the server said Connection: close */
	size_t body_len;
	char body[BENCH_BODY_MAX]; /* NUL-terminated */
};

enum bench_outcome bench_exchange(
    struct bench_connection *connection, const char *request, size_t len, struct bench_answer *out);

#endif
