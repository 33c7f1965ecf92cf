/* A keep-alive HTTP connection of a load generator: one request, one answer, again. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include <stddef.h>

#include "contrib/bench/target.h"

#define BENCH_BODY_MAX 16384

struct bench_connection;

/* Connect and shake hands in full (no session is ever resumed), the server's chain and name checked
 * when the target says so. 0, or -1 (*why: a few words, not to be freed). */
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
