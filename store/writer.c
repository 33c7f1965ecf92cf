#include <signal.h>
#include <string.h>
#include <time.h>

#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "store/db.h"
#include "store/writer.h"

#define QUEUE_MAX 1024
#define GROUP_MAX 256        /* jobs in one transaction */
#define WAL_IDLE_PAGES 500   /* new in the WAL: move them into the database when nothing waits */
#define WAL_BOUND_PAGES 4000 /* the same, whatever waits */
#define WAL_LARGE_PAGES 8000 /* give the file's space back when nothing waits */

#define JOB_US_MAX 50000 /* what a job is taken to cost at most, from one group */

#define SPOILT 1 /* what run_and_commit() may say beside errors */

void store_writer_init(struct store_writer *writer, size_t queue_max)
{
	pthread_condattr_t attributes;

	writer->queue_max = queue_max ? queue_max : QUEUE_MAX;
	writer->last = &writer->first;
	writer->wanted = 1;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

void store_writer_destroy(struct store_writer *writer)
{
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
}

/* ---- the thread ---- */
static void finish(struct store_writer *writer, struct store_job *job, int result)
{
	pthread_mutex_lock(&writer->lock);
	writer->stats.queued--;
	if (result == 0)
		writer->stats.jobs++;
	pthread_mutex_unlock(&writer->lock);
	job->done(job->arg, result); /* the job is the caller's again */
}

static void count_commit(struct store_writer *writer, bool committed)
{
	pthread_mutex_lock(&writer->lock);
	if (committed)
		writer->stats.commits++;
	else
		writer->stats.failed++;
	pthread_mutex_unlock(&writer->lock);
}

/*
 * Run jobs in the transaction that has begun, and commit it. 0: results[] stand. Otherwise nothing
 * was changed: the database failed, or (SPOILT) a job that refused had written before, which only a
 * rollback of all takes back.
 */
static int run_and_commit(
    struct store_writer *writer, struct store_job *const jobs[], size_t n, int results[])
{
	struct store_tx *tx = writer->tx;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		int64_t before = store_db_changes_total(tx);

		results[i] = jobs[i]->run(tx, jobs[i]->arg);
		if (tx->failed)
			rc = tx->failed;
		else if (results[i] && store_db_changes_total(tx) != before)
			rc = SPOILT;
	}
	if (rc == 0) {
		bool rights =
		    tx->rights_changed; /* also when it fails: better one time too often */

		rc = store_db_commit(tx);
		if (rights)
			atomic_fetch_add(&writer->rights, 1);
		count_commit(writer, rc == 0);
		return rc;
	}
	if (rc != SPOILT)
		count_commit(writer, false);
	store_db_rollback(tx);
	return rc;
}

/*
 * Run jobs in one transaction, or each in its own. A transaction that cannot begin (somebody else
 * holds the file) is no one job's fault, and no sooner to be had for the next: all that are left
 * fail.
 */
static void run_jobs(
    struct store_writer *writer, struct store_job *const jobs[], size_t n, bool together)
{
	int results[GROUP_MAX] = { 0 };
	size_t step = together ? n : 1;
	int begun = 0;
	int rc;

	for (size_t i = 0; i < n; i += step) {
		if (begun == 0) {
			begun = store_db_begin(writer->tx, true);
			if (begun)
				count_commit(writer, false);
		}
		rc = begun;
		if (rc == 0)
			rc = run_and_commit(writer, jobs + i, step, results);
		if (rc && !begun && step > 1) {
			run_jobs(writer, jobs, n, false);
			return;
		}
		for (size_t k = 0; k < step; k++)
			finish(writer, jobs[i + k], rc < 0 ? rc : results[k]);
	}
}

/* Up to GROUP_MAX of the jobs that wait; the lock is held. */
static size_t take_jobs(struct store_writer *writer, struct store_job *jobs[])
{
	size_t n = 0;

	while (writer->first && n < GROUP_MAX) {
		jobs[n++] = writer->first;
		writer->first = writer->first->next;
	}
	if (!writer->first)
		writer->last = &writer->first;
	return n;
}

/* Checkpoint if it is time. What stands in the way, a reader or the disk, is tried again after as
 * many pages more. */
static bool settle(struct store_writer *writer, bool idle)
{
	struct store_tx *tx = writer->tx;

	if (tx->wal_pages < writer->settled_pages)
		writer->settled_pages = 0; /* the WAL began anew */
	if (tx->wal_pages - writer->settled_pages < (idle ? WAL_IDLE_PAGES : WAL_BOUND_PAGES))
		return false;
	(void)store_db_checkpoint(tx, idle && tx->wal_pages >= WAL_LARGE_PAGES);
	writer->settled_pages = tx->wal_pages;
	return true;
}

static struct timespec in_a_moment(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += STORE_GATHER_PAUSE_MS * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* There is a job: wait for as many as are worth a commit, as long as they keep coming. The lock is
 * held. */
static void gather(struct store_writer *writer, size_t target)
{
	size_t before = 0;

	writer->wanted = target;
	for (int i = 0; i < STORE_GATHER_PAUSES && writer->stats.queued > before; i++) {
		const struct timespec until = in_a_moment();

		before = writer->stats.queued;
		while (writer->stats.queued < target && !writer->stopping)
			if (pthread_cond_timedwait(&writer->wake, &writer->lock, &until))
				break;
	}
	writer->wanted = 1;
}

/* Those of the queue that wait in vain, taken out of it. The lock is held. */
static struct store_job *take_overdue(struct store_writer *writer)
{
	struct store_job *out = NULL, **at = &writer->first;
	int64_t now = ca_monotonic_ms();

	while (*at) {
		struct store_job *job = *at;

		if (job->deadline_ms && job->deadline_ms < now) {
			*at = job->next;
			job->next = out;
			out = job;
		} else {
			at = &job->next;
		}
	}
	writer->last = at;
	return out;
}

void store_writer_expire(struct store_writer *writer)
{
	struct store_job *job, *next;

	pthread_mutex_lock(&writer->lock);
	next = take_overdue(writer);
	pthread_mutex_unlock(&writer->lock);
	while ((job = next)) {
		next = job->next;
		finish(writer, job, CA_EOVERLOADED);
	}
}

/* Wait for a job, or the end. The lock is held. */
static void wait_for_one(struct store_writer *writer)
{
	while (!writer->first && !writer->stopping) {
		bool settled;

		pthread_mutex_unlock(&writer->lock);
		settled = settle(writer, true);
		pthread_mutex_lock(&writer->lock);
		if (!settled && !writer->first && !writer->stopping)
			pthread_cond_wait(&writer->wake, &writer->lock);
	}
}

/* The next group; none: the store is closing. */
static size_t next_group(struct store_writer *writer, struct store_job *jobs[])
{
	size_t target, n;

	pthread_mutex_lock(&writer->lock);
	/* The first job has to wait for this thread to start: that says nothing about load. */
	target = store_gather_target(&writer->gather, writer->awake && writer->first != NULL);
	writer->awake = true;
	do {
		wait_for_one(writer);
		if (target > 1)
			gather(writer, target);
		pthread_mutex_unlock(&writer->lock);
		store_writer_expire(writer);
		pthread_mutex_lock(&writer->lock);
		/* Those that were there may all have been ended, here or by somebody else. */
	} while (!writer->first && !writer->stopping);
	n = take_jobs(writer, jobs);
	pthread_mutex_unlock(&writer->lock);
	store_gather_learn(&writer->gather, target, n);
	return n;
}

/* A group begins (n is 0), or n jobs are over. */
static void keep_time(struct store_writer *writer, size_t n)
{
	int64_t now = ca_monotonic_ms();

	pthread_mutex_lock(&writer->lock);
	if (n) {
		int64_t us = (now - writer->began_ms) * 1000 / (int64_t)n;

		/* Of a disk that halts for once no more is to be feared than of a slow one. */
		if (us > JOB_US_MAX)
			us = JOB_US_MAX;
		writer->job_us += (us - writer->job_us) / 8;
		writer->began_ms = 0;
	} else {
		writer->began_ms = now;
	}
	pthread_mutex_unlock(&writer->lock);
}

static void *writer_main(void *arg)
{
	struct store_job *jobs[GROUP_MAX];
	struct store_writer *writer = arg;
	size_t n;

	while ((n = next_group(writer, jobs)) > 0) {
		keep_time(writer, 0);
		run_jobs(writer, jobs, n, true);
		(void)settle(writer, false);
		keep_time(writer, n);
	}
	return NULL;
}

/* ---- everybody's side ---- */

/* The lock is held. Signals are the main thread's. */
static int start_writer(struct store_writer *writer)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&writer->thread, NULL, writer_main, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		ca_logf(CA_LOG_ERROR, "database: start the writer: %s", strerror(rc));
		return CA_ENOMEM;
	}
	writer->running = true;
	return 0;
}

/*
 * Is there room, and time? A group that has been under way for a while is expected to take as long
 * again. The lock is held.
 */
static int admit(const struct store_writer *writer, int64_t deadline_ms)
{
	int64_t now = ca_monotonic_ms(), wait = writer->began_ms ? now - writer->began_ms : 0;

	if (writer->stopping)
		return CA_ESTOPPING;
	if (writer->stats.queued >= writer->queue_max)
		return CA_EOVERLOADED;
	wait += (int64_t)writer->stats.queued * writer->job_us / 1000;
	return deadline_ms && now + wait > deadline_ms ? CA_EOVERLOADED : 0;
}

int store_writer_admits(struct store_writer *writer, int64_t deadline_ms)
{
	int rc;

	pthread_mutex_lock(&writer->lock);
	rc = admit(writer, deadline_ms);
	pthread_mutex_unlock(&writer->lock);
	return rc;
}

int store_writer_submit(struct store_writer *writer, struct store_job *job)
{
	int rc;

	pthread_mutex_lock(&writer->lock);
	rc = admit(writer, job->deadline_ms);
	if (!rc && !writer->running)
		rc = start_writer(writer);
	if (rc == 0) {
		job->next = NULL;
		*writer->last = job;
		writer->last = &job->next;
		if (++writer->stats.queued >= writer->wanted)
			pthread_cond_signal(&writer->wake);
	}
	pthread_mutex_unlock(&writer->lock);
	return rc;
}

void store_writer_stats(struct store_writer *writer, struct store_stats *out)
{
	pthread_mutex_lock(&writer->lock);
	*out = writer->stats;
	pthread_mutex_unlock(&writer->lock);
}

void store_writer_stop(struct store_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
	if (writer->running)
		pthread_join(writer->thread, NULL);
}
