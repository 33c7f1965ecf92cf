#include <stdlib.h>

#include "api/server/worker.h"
#include "ca/base/clock.h"
#include "ca/base/error.h"
#include "ca/base/log.h"

void server_workers_init(struct server_workers *workers)
{
	*workers = (struct server_workers){ 0 };
	workers->last = &workers->first;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->wake, NULL);
}

/* Where the first stands that may be begun; where NULL stands: there is none. Under the lock. */
static struct server_task **eligible(struct server_workers *workers)
{
	struct server_task **at = &workers->first;

	if (workers->stopping || workers->strangers_served < SERVER_WORKERS_STRANGERS_MAX)
		return at;
	while (*at && (*at)->stranger)
		at = &(*at)->next;
	return at;
}

/* The first that waits, or NULL when there is none and will be none. Under the lock. */
static struct server_task *next_task(struct server_workers *workers)
{
	struct server_task **at, *task;

	while (!*(at = eligible(workers)) && !workers->stopping) {
		workers->idle++;
		pthread_cond_wait(&workers->wake, &workers->lock);
		workers->idle--;
	}
	task = *at;
	if (!task)
		return NULL;
	*at = task->next;
	if (!*at)
		workers->last = at;
	workers->waiting--;
	workers->strangers_waiting -= task->stranger;
	workers->strangers_served += task->stranger;
	return task;
}

static int fate(const struct server_workers *workers, const struct server_task *task)
{
	if (workers->stopping)
		return CA_ESTOPPING;
	return ca_monotonic_ms() > task->deadline_ms ? CA_EOVERLOADED : 0;
}

static void *work(void *arg)
{
	struct server_workers *workers = arg;
	struct server_task *task;

	pthread_mutex_lock(&workers->lock);
	while ((task = next_task(workers))) {
		int result = fate(workers, task);
		bool stranger = task->stranger;

		pthread_mutex_unlock(&workers->lock);
		task->run(task->arg, result); /* the task may be gone afterwards */
		pthread_mutex_lock(&workers->lock);
		workers->strangers_served -= stranger;
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

/* One more thread, unless enough of them have nothing to do. Under the lock. */
static int hire(struct server_workers *workers)
{
	size_t n = workers->threads_len;

	if (workers->idle > workers->waiting || n == SERVER_WORKERS_MAX)
		return 0;
	if (pthread_create(&workers->threads[n], NULL, work, workers) == 0) {
		workers->threads_len++;
		return 0;
	}
	ca_logf(CA_LOG_ERROR, "a thread cannot be made");
	return n ? 0 : CA_EOVERLOADED;
}

int server_workers_submit(struct server_workers *workers, struct server_task *task)
{
	int r = 0;

	pthread_mutex_lock(&workers->lock);
	if (workers->stopping)
		r = CA_ESTOPPING;
	else if (workers->waiting == SERVER_TASKS_MAX ||
		 (task->stranger && workers->strangers_waiting == SERVER_TASKS_STRANGERS_MAX))
		r = CA_EOVERLOADED;
	else
		r = hire(workers);
	if (!r) {
		task->next = NULL;
		*workers->last = task;
		workers->last = &task->next;
		workers->waiting++;
		workers->strangers_waiting += task->stranger;
		pthread_cond_signal(&workers->wake);
	}
	pthread_mutex_unlock(&workers->lock);
	return r;
}

void server_workers_stop(struct server_workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
	for (size_t i = 0; i < workers->threads_len; i++)
		pthread_join(workers->threads[i], NULL);
}
