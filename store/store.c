#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/buf.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "store/db.h"
#include "store/gather.h"
#include "store/migrations.h"
#include "store/store.h"

#define QUEUE_MAX 1024
#define BUSY_MS 5000
#define GROUP_MAX 256        /* jobs in one transaction */
#define READERS_IDLE_MAX 8   /* reading connections kept open */
#define WAL_IDLE_PAGES 500   /* new in the WAL: move them into the database when nothing waits */
#define WAL_BOUND_PAGES 4000 /* the same, whatever waits */
#define WAL_LARGE_PAGES 8000 /* give the file's space back when nothing waits */

#define SPOILT 1 /* what run_and_commit() may say beside errors */

struct store {
	char *path;
	int busy_ms;
	atomic_uint_least64_t rights; /* see store_rights_version() */
	size_t queue_max;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;  /* the writer: as many jobs as it wants, or the end */
	size_t wanted;        /* jobs in the queue that the writer is woken for */
	struct store_job *first, **last;
	struct store_stats stats;
	bool running, stopping;
	pthread_t thread;      /* while running */
	struct store_tx *idle; /* readers */
	size_t n_idle;
	size_t held; /* readers handed out */

	/* the writer's thread's alone, while there is one */
	struct store_tx *writer;
	struct store_gather gather;
	int settled_pages; /* of the WAL, when a checkpoint was last tried */
};

/* ---- opening ---- */

/* Of 4096 octets two rows with a common certificate fill a page badly; 8192 waste little at any
 * size. */
#define PAGE_SIZE_SQL "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL"

static int lay_out(const char *path)
{
	struct store_tx *tx = NULL;
	int rc;

	rc = store_db_open(path, false, BUSY_MS, &tx);
	if (rc == 0)
		rc = store_db_exec(tx, PAGE_SIZE_SQL);
	if (rc == 0)
		rc = store_schema_create(tx);
	if (rc == 0)
		rc = store_db_checkpoint(tx, true);
	store_db_close(tx);
	return rc;
}

static void remove_all(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct ca_buf name = CA_BUF_INIT;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		ca_buf_clear(&name);
		ca_buf_addf(&name, "%s%s", path, suffixes[i]);
		(void)unlink(ca_buf_text(&name));
	}
	ca_buf_free(&name);
}

int store_create(const char *path)
{
	int fd;
	int rc;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		if (errno == EEXIST)
			return CA_EEXIST;
		ca_logf(CA_LOG_ERROR, "database: create %s: %s", path, strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? CA_ESTOREFULL : CA_ESTORE;
	}
	close(fd);
	rc = lay_out(path);
	if (rc == 0)
		rc = ca_parent_sync(path);
	if (rc)
		remove_all(path);
	return rc;
}

static int new_store(const char *path, const struct store_options *options, struct store **out)
{
	struct store *store = calloc(1, sizeof(*store));
	pthread_condattr_t attributes;

	if (!store)
		return CA_ENOMEM;
	store->path = strdup(path);
	if (!store->path) {
		free(store);
		return CA_ENOMEM;
	}
	store->busy_ms = options && options->busy_ms ? options->busy_ms : BUSY_MS;
	store->queue_max = options && options->queue_max ? options->queue_max : QUEUE_MAX;
	store->last = &store->first;
	store->wanted = 1;
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&store->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = store;
	return 0;
}

int store_open(const char *path, const struct store_options *options, struct store **out,
    struct ca_detail *why)
{
	struct store *store = NULL;
	int rc;

	rc = new_store(path, options, &store);
	if (rc == 0)
		rc = store_db_open(path, false, store->busy_ms, &store->writer);
	if (rc == CA_ESTORESCHEMA)
		(void)ca_refuse(why, rc, "the file is not a database");
	if (rc == 0)
		rc = store_schema_update(store->writer, why);
	if (rc == 0)
		rc = store_db_exec(store->writer, "PRAGMA journal_mode = WAL");
	if (rc)
		goto out;
	*out = store;
	store = NULL; /* transferred */
out:
	store_close(store);
	return rc;
}

/* ---- reading ---- */

static struct store_tx *take_idle(struct store *store)
{
	struct store_tx *tx;

	pthread_mutex_lock(&store->lock);
	tx = store->idle;
	if (tx) {
		store->idle = tx->next;
		store->n_idle--;
	}
	store->held++;
	pthread_mutex_unlock(&store->lock);
	return tx;
}

/* A connection that failed is not used again: a fresh one finds out whether the disk is back. */
static void give_back(struct store *store, struct store_tx *tx, bool usable)
{
	pthread_mutex_lock(&store->lock);
	store->held--;
	if (tx && usable && store->n_idle < READERS_IDLE_MAX) {
		tx->next = store->idle;
		store->idle = tx;
		store->n_idle++;
		tx = NULL; /* transferred */
	}
	pthread_mutex_unlock(&store->lock);
	store_db_close(tx);
}

int store_read_begin(struct store *store, struct store_tx **out)
{
	struct store_tx *tx = take_idle(store);
	int rc = 0;

	if (!tx)
		rc = store_db_open(store->path, true, store->busy_ms, &tx);
	if (rc == 0) {
		tx->store = store;
		rc = store_db_begin(tx, false);
	}
	if (rc) {
		give_back(store, tx, false);
		return rc == CA_ENOTFOUND ? CA_ESTORE : rc;
	}
	*out = tx;
	return 0;
}

void store_read_end(struct store_tx *tx)
{
	bool usable;

	if (!tx)
		return;
	usable = !tx->failed;
	store_db_rollback(tx);
	give_back(tx->store, tx, usable && !tx->failed);
}

uint64_t store_rights_version(const struct store *store)
{
	return atomic_load(&store->rights);
}

/* ---- writing: the writer's thread ---- */

static void finish(struct store *store, struct store_job *job, int result)
{
	pthread_mutex_lock(&store->lock);
	store->stats.queued--;
	if (result == 0)
		store->stats.jobs++;
	pthread_mutex_unlock(&store->lock);
	job->done(job->arg, result); /* the job is the caller's again */
}

static void count_commit(struct store *store, bool committed)
{
	pthread_mutex_lock(&store->lock);
	if (committed)
		store->stats.commits++;
	else
		store->stats.failed++;
	pthread_mutex_unlock(&store->lock);
}

/*
 * Run jobs in the transaction that has begun, and commit it. 0: results[] stand. Otherwise nothing
 * was changed: the database failed, or (SPOILT) a job that refused had written before, which only a
 * rollback of all takes back.
 */
static int run_and_commit(
    struct store *store, struct store_job *const jobs[], size_t n, int results[])
{
	struct store_tx *tx = store->writer;
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
		rc = store_db_commit(tx);
		if (tx->rights_changed)
			atomic_fetch_add(&store->rights, 1);
		count_commit(store, rc == 0);
		return rc;
	}
	if (rc != SPOILT)
		count_commit(store, false);
	store_db_rollback(tx);
	return rc;
}

/*
 * Run jobs in one transaction, or each in its own. A transaction that cannot begin (somebody else
 * holds the file) is no one job's fault, and no sooner to be had for the next: all that are left
 * fail.
 */
static void run_jobs(struct store *store, struct store_job *const jobs[], size_t n, bool together)
{
	int results[GROUP_MAX] = { 0 };
	size_t step = together ? n : 1;
	int begun = 0;
	int rc;

	for (size_t i = 0; i < n; i += step) {
		if (begun == 0) {
			begun = store_db_begin(store->writer, true);
			if (begun)
				count_commit(store, false);
		}
		rc = begun;
		if (rc == 0)
			rc = run_and_commit(store, jobs + i, step, results);
		if (rc && !begun && step > 1) {
			run_jobs(store, jobs, n, false);
			return;
		}
		for (size_t k = 0; k < step; k++)
			finish(store, jobs[i + k], rc < 0 ? rc : results[k]);
	}
}

/* Up to GROUP_MAX of the jobs that wait; the lock is held. */
static size_t take_jobs(struct store *store, struct store_job *jobs[])
{
	size_t n = 0;

	while (store->first && n < GROUP_MAX) {
		jobs[n++] = store->first;
		store->first = store->first->next;
	}
	if (!store->first)
		store->last = &store->first;
	return n;
}

/* Checkpoint if it is time. What stands in the way, a reader or the disk, is tried again after as
 * many pages more. */
static bool settle(struct store *store, bool idle)
{
	struct store_tx *tx = store->writer;

	if (tx->wal_pages < store->settled_pages)
		store->settled_pages = 0; /* the WAL began anew */
	if (tx->wal_pages - store->settled_pages < (idle ? WAL_IDLE_PAGES : WAL_BOUND_PAGES))
		return false;
	(void)store_db_checkpoint(tx, idle && tx->wal_pages >= WAL_LARGE_PAGES);
	store->settled_pages = tx->wal_pages;
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
static void gather(struct store *store, size_t target)
{
	size_t before = 0;

	store->wanted = target;
	for (int i = 0; i < STORE_GATHER_PAUSES && store->stats.queued > before; i++) {
		const struct timespec until = in_a_moment();

		before = store->stats.queued;
		while (store->stats.queued < target && !store->stopping)
			if (pthread_cond_timedwait(&store->wake, &store->lock, &until))
				break;
	}
	store->wanted = 1;
}

/* Wait for jobs; none: the store is closing. */
static size_t wait_for_jobs(struct store *store, struct store_job *jobs[])
{
	size_t target, n;

	pthread_mutex_lock(&store->lock);
	target = store_gather_target(&store->gather, store->first != NULL);
	while (!store->first && !store->stopping) {
		bool settled;

		pthread_mutex_unlock(&store->lock);
		settled = settle(store, true);
		pthread_mutex_lock(&store->lock);
		if (!settled && !store->first && !store->stopping)
			pthread_cond_wait(&store->wake, &store->lock);
	}
	if (target > 1)
		gather(store, target);
	n = take_jobs(store, jobs);
	pthread_mutex_unlock(&store->lock);
	store_gather_learn(&store->gather, target, n);
	return n;
}

static void *writer_main(void *arg)
{
	struct store_job *jobs[GROUP_MAX];
	struct store *store = arg;
	size_t n;

	while ((n = wait_for_jobs(store, jobs)) > 0) {
		run_jobs(store, jobs, n, true);
		(void)settle(store, false);
	}
	return NULL;
}

/* ---- writing: everybody's side ---- */

/* The lock is held. Signals are the main thread's. */
static int start_writer(struct store *store)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&store->thread, NULL, writer_main, store);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		ca_logf(CA_LOG_ERROR, "database: start the writer: %s", strerror(rc));
		return CA_ENOMEM;
	}
	store->running = true;
	return 0;
}

int store_submit(struct store *store, struct store_job *job)
{
	int rc = 0;

	pthread_mutex_lock(&store->lock);
	if (store->stopping)
		rc = CA_ESTOPPING;
	else if (store->stats.queued >= store->queue_max)
		rc = CA_EOVERLOADED;
	else if (!store->running)
		rc = start_writer(store);
	if (rc == 0) {
		job->next = NULL;
		*store->last = job;
		store->last = &job->next;
		if (++store->stats.queued >= store->wanted)
			pthread_cond_signal(&store->wake);
	}
	pthread_mutex_unlock(&store->lock);
	return rc;
}

/* A caller of store_write() who waits. */
struct waiter {
	int (*run)(struct store_tx *tx, void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* done */
	bool done;
	int result;
};

static int run_waiter(struct store_tx *tx, void *arg)
{
	struct waiter *waiter = arg;

	return waiter->run(tx, waiter->arg);
}

static void wake_waiter(void *arg, int result)
{
	struct waiter *waiter = arg;

	pthread_mutex_lock(&waiter->lock);
	waiter->result = result;
	waiter->done = true;
	pthread_cond_signal(&waiter->wake);
	pthread_mutex_unlock(&waiter->lock);
}

int store_write(struct store *store, int (*run)(struct store_tx *tx, void *arg), void *arg)
{
	struct waiter waiter = { .run = run,
		.arg = arg,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER };
	struct store_job job = { .run = run_waiter, .done = wake_waiter, .arg = &waiter };
	int rc;

	rc = store_submit(store, &job);
	if (rc)
		goto out;
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.done)
		pthread_cond_wait(&waiter.wake, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	rc = waiter.result;
out:
	pthread_cond_destroy(&waiter.wake);
	pthread_mutex_destroy(&waiter.lock);
	return rc;
}

void store_stats(struct store *store, struct store_stats *out)
{
	pthread_mutex_lock(&store->lock);
	*out = store->stats;
	pthread_mutex_unlock(&store->lock);
}

/* ---- the end ---- */

void store_close(struct store *store)
{
	struct store_tx *tx;

	if (!store)
		return;
	pthread_mutex_lock(&store->lock);
	store->stopping = true;
	pthread_cond_signal(&store->wake);
	pthread_mutex_unlock(&store->lock);
	if (store->running)
		pthread_join(store->thread, NULL);
	assert(store->held == 0);
	while ((tx = store->idle)) {
		store->idle = tx->next;
		store_db_close(tx);
	}
	if (store->writer)
		(void)store_db_checkpoint(store->writer, true);
	store_db_close(store->writer);
	pthread_cond_destroy(&store->wake);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}
