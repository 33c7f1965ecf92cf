#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "api/server/worker.h"
#include "ca/base/clock.h"
#include "ca/base/error.h"
#include "tests/unit/support.h"

#define FOREVER INT64_MAX

/* A task that says so when it began, and ends when it is let go. */
struct job {
	struct server_task task;
	pthread_mutex_t *lock;
	pthread_cond_t *wake;
	unsigned *under_way, *ended;
	const bool *go;
	int result;
	atomic_bool done;
};

static void run(void *arg, int result)
{
	struct job *job = arg;

	job->result = result;
	pthread_mutex_lock(job->lock);
	(*job->under_way)++;
	pthread_cond_broadcast(job->wake);
	while (!*job->go && !result)
		pthread_cond_wait(job->wake, job->lock);
	(*job->under_way)--;
	(*job->ended)++;
	pthread_cond_broadcast(job->wake);
	atomic_store(&job->done, true);
	pthread_mutex_unlock(job->lock);
}

struct bench {
	struct server_workers workers;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned under_way, ended;
	bool go;
	struct job jobs[SERVER_TASKS_MAX + SERVER_WORKERS_MAX + 1];
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	server_workers_init(&b->workers);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int submit_as(struct bench *b, size_t i, int64_t deadline_ms, bool stranger)
{
	struct job *job = &b->jobs[i];

	job->task = (struct server_task){
		.run = run, .arg = job, .deadline_ms = deadline_ms, .stranger = stranger
	};
	job->lock = &b->lock;
	job->wake = &b->wake;
	job->under_way = &b->under_way;
	job->ended = &b->ended;
	job->go = &b->go;
	job->result = 1;
	return server_workers_submit(&b->workers, &job->task);
}

static int submit(struct bench *b, size_t i, int64_t deadline_ms)
{
	return submit_as(b, i, deadline_ms, false);
}

static void wait_for(struct bench *b, const unsigned *what, unsigned n)
{
	pthread_mutex_lock(&b->lock);
	while (*what < n)
		pthread_cond_wait(&b->wake, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static void let_go(struct bench *b)
{
	pthread_mutex_lock(&b->lock);
	b->go = true;
	pthread_cond_broadcast(&b->wake);
	pthread_mutex_unlock(&b->lock);
}

static void test_at_once(void **state)
{
	struct bench *b = *state;

	/* Each holds its thread: all of them must come to be. */
	for (size_t i = 0; i < SERVER_WORKERS_MAX; i++)
		assert_int_equal(submit(b, i, FOREVER), 0);
	wait_for(b, &b->under_way, SERVER_WORKERS_MAX);
	/* One more has to wait for one of them. */
	assert_int_equal(submit(b, SERVER_WORKERS_MAX, FOREVER), 0);
	assert_false(atomic_load(&b->jobs[SERVER_WORKERS_MAX].done));
	let_go(b);
	wait_for(b, &b->ended, SERVER_WORKERS_MAX + 1);
	server_workers_stop(&b->workers);
	assert_int_equal(b->workers.threads_len, SERVER_WORKERS_MAX);
	for (size_t i = 0; i <= SERVER_WORKERS_MAX; i++)
		assert_int_equal(b->jobs[i].result, 0);
}

static void test_one_after_the_other(void **state)
{
	struct bench *b = *state;

	let_go(b);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(submit(b, i, FOREVER), 0);
		wait_for(b, &b->ended, i + 1);
	}
	server_workers_stop(&b->workers);
	assert_int_equal(b->ended, 20);
}

static void test_deadline(void **state)
{
	struct bench *b = *state;
	int64_t past = ca_monotonic_ms() - 1;

	assert_int_equal(submit(b, 0, past), 0);
	wait_for(b, &b->ended, 1);
	server_workers_stop(&b->workers);
	assert_int_equal(b->jobs[0].result, CA_EOVERLOADED);
}

static void test_overload_and_stop(void **state)
{
	struct bench *b = *state;
	size_t n = SERVER_WORKERS_MAX + SERVER_TASKS_MAX;

	for (size_t i = 0; i < SERVER_WORKERS_MAX; i++)
		assert_int_equal(submit(b, i, FOREVER), 0);
	wait_for(b, &b->under_way, SERVER_WORKERS_MAX);
	for (size_t i = SERVER_WORKERS_MAX; i < n; i++)
		assert_int_equal(submit(b, i, FOREVER), 0);
	assert_int_equal(submit(b, n, FOREVER), CA_EOVERLOADED);

	pthread_mutex_lock(&b->workers.lock);
	b->workers.stopping = true; /* as stop() has it, while all are held */
	pthread_mutex_unlock(&b->workers.lock);
	assert_int_equal(submit(b, n, FOREVER), CA_ESTOPPING);
	let_go(b);
	server_workers_stop(&b->workers);
	assert_int_equal(b->ended, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(b->jobs[i].result, i < SERVER_WORKERS_MAX ? 0 : CA_ESTOPPING);
}

static void test_stop_before_anything(void **state)
{
	struct bench *b = *state;

	server_workers_stop(&b->workers);
	assert_int_equal(submit(b, 0, FOREVER), CA_ESTOPPING);
}

/* Any number of strangers leaves threads, and room to wait, for others. */
static void test_strangers(void **state)
{
	const size_t n = SERVER_WORKERS_STRANGERS_MAX + SERVER_TASKS_STRANGERS_MAX;
	struct bench *b = *state;

	for (size_t i = 0; i < SERVER_WORKERS_STRANGERS_MAX; i++)
		assert_int_equal(submit_as(b, i, FOREVER, true), 0);
	wait_for(b, &b->under_way, SERVER_WORKERS_STRANGERS_MAX);
	for (size_t i = SERVER_WORKERS_STRANGERS_MAX; i < n; i++)
		assert_int_equal(submit_as(b, i, FOREVER, true), 0);
	assert_int_equal(submit_as(b, n, FOREVER, true), CA_EOVERLOADED);
	assert_int_equal(submit(b, n, FOREVER), 0);
	assert_int_equal(submit(b, n + 1, FOREVER), 0);
	wait_for(b, &b->under_way, SERVER_WORKERS_MAX);
	assert_int_equal(b->jobs[n].result, 0);
	assert_int_equal(b->jobs[n + 1].result, 0);
	let_go(b);
	wait_for(b, &b->ended, (unsigned)n + 2);
	/* The last in the queue was taken out of its middle: it still has an end. */
	assert_int_equal(submit_as(b, n + 2, FOREVER, true), 0);
	wait_for(b, &b->ended, (unsigned)n + 3);
	server_workers_stop(&b->workers);
	assert_int_equal(b->workers.waiting, 0);
	assert_int_equal(b->workers.strangers_served, 0);
	assert_int_equal(b->workers.strangers_waiting, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overload_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_before_anything, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
