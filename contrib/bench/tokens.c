#include "contrib/bench/tokens.h"
#include "contrib/bench/connection.h"
#include "contrib/bench/csrs.h"
#include "contrib/bench/parallel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256 /* made over one connection */

struct making {
	const struct bench_target *target;
	const size_t *name_of;
	struct bench_pieces tokens;
};

static int token_request(const struct making *m, size_t i, char *out, size_t size)
{
	char name[BENCH_NAME_MAX], body[BENCH_NAME_MAX + 64];
	int len;

	bench_csr_name(m->name_of[i], name);
	len = snprintf(body, sizeof(body), "{\"dns\":[\"%s\"],\"ttl\":\"24h\"}", name);
	return snprintf(out, size,
	    "POST /v1/tokens HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    m->target->authority, len, body);
}

/* The token in an answer, as piece i. 0, or -1 when there is none. */
static int token_take(const struct bench_answer *answer, struct bench_pieces *tokens, size_t i)
{
	static const char key[] = "\"token\"";
	const char *at = strstr(answer->body, key);

	if (answer->status != 201 || !at)
		return -1;
	at += sizeof(key) - 1;
	at += strspn(at, ": \"");
	return bench_pieces_set(tokens, i, at, strcspn(at, "\""));
}

/* Token i into m. 0, or -1 after a message. */
static int make_one(
    struct making *m, size_t i, struct bench_connection *connection, struct bench_answer *answer)
{
	char request[1024];
	int len = token_request(m, i, request, sizeof(request));

	answer->status = 0;
	answer->body[0] = '\0';
	if (bench_exchange(connection, request, (size_t)len, answer) == BENCH_ANSWERED &&
	    !token_take(answer, &m->tokens, i))
		return 0;
	fprintf(stderr, "load: no token: status %d: %.300s\n", answer->status, answer->body);
	return -1;
}

static int make_batch(size_t batch, void *arg)
{
	struct making *m = arg;
	struct bench_connection *connection = NULL;
	struct bench_answer *answer = calloc(1, sizeof(*answer));
	const char *why = "out of memory";
	int r = 0;

	if (!answer || bench_connect(m->target, &connection, &why)) {
		fprintf(stderr, "load: %s\n", why);
		free(answer);
		return -1;
	}
	for (size_t i = batch * BATCH; i < m->tokens.n && i < (batch + 1) * BATCH && !r; i++)
		r = make_one(m, i, connection, answer);
	bench_disconnect(connection);
	free(answer);
	return r;
}

int bench_tokens_make(
    const struct bench_target *target, const size_t *name_of, size_t n, struct bench_pieces *out)
{
	struct making making = { .target = target, .name_of = name_of };

	if (bench_pieces_room(n, &making.tokens))
		return -1;
	if (bench_parallel((n + BATCH - 1) / BATCH, make_batch, &making)) {
		bench_pieces_free(&making.tokens);
		return -1;
	}
	*out = making.tokens;
	return 0;
}
