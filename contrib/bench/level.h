/* One measurement: so many requests over so many connections at once. */
#ifndef BENCH_LEVEL_H
#define BENCH_LEVEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "contrib/bench/measure.h"
#include "contrib/bench/requests.h"
#include "contrib/bench/target.h"

#define BENCH_CONNECTIONS_MAX 1024

/* What all its connections share, and what came of it. */
struct bench_level {
	const struct bench_target *target;
	const struct bench_request *requests; /* borrowed: texts of them, used in turn */
	size_t texts;
	size_t total; /* requests to send */
	size_t connections;
	bool handshakes; /* a connection of its own for every request */
	FILE *serials;   /* NULL: not wanted */

	atomic_size_t next;
	atomic_size_t answered;    /* 2xx */
	atomic_size_t refused;     /* another status */
	atomic_size_t unanswered;  /* sent, and the connection ended first */
	atomic_size_t unconnected; /* not sent: no connection could be made */
	atomic_size_t cut;         /* the connection ended within the answer */
	int64_t *latency_ns;       /* of request i; 0: not answered by a 2xx; owned by the caller */
	pthread_barrier_t start;
	double seconds;
	double cpu_ms;        /* of the server, all in all; negative when unknown */
	double client_cpu_ms; /* of this process */
	struct bench_memory memory;
};

/* pid: the server's process, or 0. 0, or -1 when not every request was answered by a 2xx. */
int bench_level_run(struct bench_level *level, pid_t pid);

#endif
