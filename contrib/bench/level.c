#include "contrib/bench/level.h"
#include "contrib/bench/connection.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void note_serial(FILE *file, const char *body)
{
	static const char key[] = "\"serial\"";
	const char *at = strstr(body, key);

	if (!file || !at)
		return;
	at += sizeof(key) - 1;
	at += strspn(at, ": \"");
	flockfile(file);
	fprintf(file, "%.*s\n", (int)strcspn(at, "\""), at);
	fflush(file);
	funlockfile(file);
}

/* Complain once a level, so that a flood of refusals stays readable. */
static void note_refusal(struct bench_level *level, const struct bench_answer *answer)
{
	if (atomic_fetch_add(&level->refused, 1) == 0)
		fprintf(stderr, "load: status %d: %.300s\n", answer->status, answer->body);
}

/* Request i, which began at the time given. Returns false when the connection is of no more use. */
static bool send_one(struct bench_level *level, size_t i, int64_t began,
    struct bench_connection *connection, struct bench_answer *answer)
{
	const struct bench_request *request = &level->requests[i % level->texts];

	switch (bench_exchange(connection, request->text, request->len, answer)) {
	case BENCH_CLOSED:
		atomic_fetch_add(&level->unanswered, 1);
		return false;
	case BENCH_CUT:
		atomic_fetch_add(&level->cut, 1);
		return false;
	case BENCH_ANSWERED:
		break;
	}
	if (answer->status >= 200 && answer->status < 300) {
		level->latency_ns[i] = bench_now_ns() - began;
		atomic_fetch_add(&level->answered, 1);
		note_serial(level->serials, answer->body);
	} else {
		note_refusal(level, answer);
	}
	return !answer->closing && !level->handshakes;
}

/* A connection that the server ends is made anew; one that cannot be made, or 503, ends or slows
 * this thread only. */
static void *connection_run(void *arg)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct bench_level *level = arg;
	struct bench_connection *connection = NULL;
	struct bench_answer *answer = calloc(1, sizeof(*answer));
	const char *why = "out of memory";
	int64_t began;
	size_t i;

	if (answer && !level->handshakes && bench_connect(level->target, &connection, &why))
		connection = NULL;
	pthread_barrier_wait(&level->start); /* all stand */
	pthread_barrier_wait(&level->start); /* and the clocks are read */
	while (answer && (i = atomic_fetch_add(&level->next, 1)) < level->total) {
		began = bench_now_ns();
		if (!connection && bench_connect(level->target, &connection, &why)) {
			connection = NULL;
			if (atomic_fetch_add(&level->unconnected, 1) == 0)
				fprintf(stderr, "load: %s\n", why);
			break;
		}
		if (!send_one(level, i, began, connection, answer)) {
			bench_disconnect(connection);
			connection = NULL;
		}
		if (answer->status == 503)
			nanosleep(&pause, NULL);
	}
	bench_disconnect(connection);
	free(answer);
	return NULL;
}

int bench_level_run(struct bench_level *level, pid_t pid)
{
	pthread_t threads[BENCH_CONNECTIONS_MAX];
	int64_t cpu = -1, own, start;
	size_t n;

	pthread_barrier_init(&level->start, NULL, (unsigned)level->connections + 1);
	for (n = 0; n < level->connections; n++) {
		if (pthread_create(&threads[n], NULL, connection_run, level)) {
			fprintf(stderr, "load: no thread for connection %zu\n", n + 1);
			exit(1); /* the others wait at the barrier for ever */
		}
	}
	/* When every connection stands: their handshakes are not measured. */
	pthread_barrier_wait(&level->start);
	if (pid)
		cpu = bench_process_cpu_ns(pid);
	own = bench_own_cpu_ns();
	start = bench_now_ns();
	pthread_barrier_wait(&level->start);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	level->seconds = (double)(bench_now_ns() - start) / 1e9;
	level->client_cpu_ms = (double)(bench_own_cpu_ns() - own) / 1e6;
	level->cpu_ms = cpu < 0 ? -1 : (double)(bench_process_cpu_ns(pid) - cpu) / 1e6;
	bench_process_memory(pid, &level->memory);
	pthread_barrier_destroy(&level->start);
	return atomic_load(&level->answered) == level->total ? 0 : -1;
}
