/*
 * Threads for what takes long: asking a cluster, making a CA's key. They come as they are needed,
 * and libmicrohttpd's go on serving.
 */
#ifndef API_SERVER_WORKER_H
#define API_SERVER_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_WORKERS_MAX 8
#define SERVER_TASKS_MAX 512 /* that may wait */
/* Of them, for those whom nobody knows yet: an admin must not have to wait for what strangers ask
 * of a cluster that answers slowly. */
#define SERVER_WORKERS_STRANGERS_MAX 6
#define SERVER_TASKS_STRANGERS_MAX 448

struct server_task {
	/* On a worker's thread, once: result is 0, or CA_EOVERLOADED when the deadline passed
	 * first, or CA_ESTOPPING; then there is nothing to do but to say so. */
	void (*run)(void *arg, int result);
	void *arg;
	int64_t deadline_ms;      /* of ca_monotonic_ms(); not begun after it */
	bool stranger;            /* on behalf of somebody whom nobody knows yet */
	struct server_task *next; /* the workers', while it waits */
};

struct server_workers {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct server_task *first, **last;
	size_t waiting, strangers_waiting, strangers_served;
	pthread_t threads[SERVER_WORKERS_MAX];
	size_t threads_len, idle;
	bool stopping;
};

void server_workers_init(struct server_workers *workers);

/* Queue a task, which stays the caller's until it is run. CA_EOVERLOADED, CA_ESTOPPING: it will not
 * be. */
int server_workers_submit(struct server_workers *workers, struct server_task *task);

/* End what waits with CA_ESTOPPING, wait for what is under way; nothing is taken any more. */
void server_workers_stop(struct server_workers *workers);

#endif
