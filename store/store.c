#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/buf.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "store/db.h"
#include "store/migrations.h"
#include "store/store.h"
#include "store/writer.h"

#define BUSY_MS 5000
#define READERS_IDLE_MAX 8 /* reading connections kept open */

struct store {
	char *path;
	int busy_ms;
	struct store_writer writer;

	pthread_mutex_t lock;  /* guards what follows */
	struct store_tx *idle; /* readers */
	size_t n_idle;
	size_t held; /* readers handed out */
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

	if (!store)
		return CA_ENOMEM;
	store->path = strdup(path);
	if (!store->path) {
		free(store);
		return CA_ENOMEM;
	}
	store->busy_ms = options && options->busy_ms ? options->busy_ms : BUSY_MS;
	pthread_mutex_init(&store->lock, NULL);
	store_writer_init(&store->writer, options ? options->queue_max : 0);
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
		rc = store_db_open(path, false, store->busy_ms, &store->writer.tx);
	if (rc == CA_ESTORESCHEMA)
		(void)ca_refuse(why, rc, "the file is not a database");
	if (rc == 0)
		rc = store_schema_update(store->writer.tx, why);
	if (rc == 0)
		rc = store_db_exec(store->writer.tx, "PRAGMA journal_mode = WAL");
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
	return atomic_load(&store->writer.rights);
}

/* ---- writing ---- */

int store_submit(struct store *store, struct store_job *job)
{
	return store_writer_submit(&store->writer, job);
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

int store_admits(struct store *store, int64_t deadline_ms)
{
	return store_writer_admits(&store->writer, deadline_ms);
}

void store_expire(struct store *store)
{
	store_writer_expire(&store->writer);
}

void store_stats(struct store *store, struct store_stats *out)
{
	store_writer_stats(&store->writer, out);
}

/* ---- the end ---- */

void store_close(struct store *store)
{
	struct store_tx *tx;

	if (!store)
		return;
	store_writer_stop(&store->writer);
	assert(store->held == 0);
	while ((tx = store->idle)) {
		store->idle = tx->next;
		store_db_close(tx);
	}
	if (store->writer.tx)
		(void)store_db_checkpoint(store->writer.tx, true);
	store_db_close(store->writer.tx);
	store_writer_destroy(&store->writer);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}
