#include "contrib/bench/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define WORKERS_MAX 8

struct parallel {
	int (*run)(size_t i, void *arg);
	void *arg;
	size_t n;
	atomic_size_t next;
	atomic_int failed;
};

static void *worker(void *arg)
{
	struct parallel *p = arg;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n && !atomic_load(&p->failed)) {
		if (p->run(i, p->arg))
			atomic_store(&p->failed, 1);
	}
	return NULL;
}

int bench_parallel(size_t n, int (*run)(size_t i, void *arg), void *arg)
{
	struct parallel p = { .run = run, .arg = arg, .n = n };
	pthread_t threads[WORKERS_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int started = 0;

	while (started < WORKERS_MAX && started < cpus - 1 &&
	       !pthread_create(&threads[started], NULL, worker, &p))
		started++;
	worker(&p);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return atomic_load(&p.failed) ? -1 : 0;
}
