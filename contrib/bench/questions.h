/* What contrib/bench/queries asks, and the connection it asks through. */
#ifndef BENCH_QUESTIONS_H
#define BENCH_QUESTIONS_H

#include <jansson.h>
#include <stddef.h>

/* ---- an operator's connection ---- */

struct bench_session;

/* 0, or -1 after a message, as all that follow. */
int bench_session_open(const char *home, const char *url, struct bench_session **out);
void bench_session_close(struct bench_session *session); /* NULL is fine */

/* GET path; anything but status 200 is an error. */
int bench_session_get(struct bench_session *session, const char *path);

/* The certificates in the answer that came last, counted without parsing it. */
size_t bench_session_rows(const struct bench_session *session);

/* That answer, parsed: a new reference, or NULL after a message. */
json_t *bench_session_json(const struct bench_session *session);

/* ---- questions ---- */

#define BENCH_QUESTIONS_MAX 32
#define BENCH_PATHS_MAX 300

struct bench_paths {
	char *v[BENCH_PATHS_MAX]; /* owned */
	size_t n;
};

struct bench_question {
	const char *name;         /* static */
	struct bench_paths paths; /* at least one; they are asked in turn */
};

struct bench_questions {
	struct bench_question v[BENCH_QUESTIONS_MAX];
	size_t n;
};

int bench_questions_make(struct bench_session *session, struct bench_questions *out);
void bench_questions_free(struct bench_questions *questions);

#endif
