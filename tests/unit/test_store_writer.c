#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/unit/support.h"

#include "ca/base/clock.h"
#include "store/db.h"
#include "store/installation.h"
#include "store/operators.h"
#include "store/store.h"

static char *dir;
static char *path;
static struct store *store;

static sem_t held;     /* the writer is inside a job, */
static sem_t release;  /* and goes on */
static sem_t finished; /* once for each job done */

/* ---- a disk that fails when told to: SQLite's own file layer, with the WAL's fsync in our hands
 * ---- */

static sqlite3_vfs *real_vfs;
static sqlite3_vfs failing_vfs;
static sqlite3_io_methods wal_methods;
static int (*real_sync)(sqlite3_file *file, int flags);
static atomic_bool syncs_fail;

static int sync_wal(sqlite3_file *file, int flags)
{
	int rc = real_sync(file, flags);

	return syncs_fail ? SQLITE_IOERR_FSYNC : rc;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	int rc = real_vfs->xOpen(real_vfs, name, file, flags, out);

	(void)vfs;
	if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
		if (!real_sync) { /* all have the same methods; the first is opened by one thread */
			wal_methods = *file->pMethods;
			real_sync = wal_methods.xSync;
			wal_methods.xSync = sync_wal;
		}
		file->pMethods = &wal_methods;
	}
	return rc;
}

static int use_failing_disk(void **state)
{
	(void)state;
	real_vfs = sqlite3_vfs_find(NULL);
	failing_vfs = *real_vfs;
	failing_vfs.pNext = NULL;
	failing_vfs.zName = "failing";
	failing_vfs.xOpen = open_file;
	return sqlite3_vfs_register(&failing_vfs, 1);
}

/* ---- fixture: rows are tenants ---- */

static int setup(void **state)
{
	static const struct store_options options = { .queue_max = 8, .busy_ms = 100 };

	(void)state;
	sem_init(&held, 0, 0);
	sem_init(&release, 0, 0);
	sem_init(&finished, 0, 0);
	dir = support_mkdir();
	path = support_path(dir, "mica.db");
	assert_int_equal(store_create(path), 0);
	assert_int_equal(store_open(path, &options, &store, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	syncs_fail = false;
	sem_post(&release); /* a failed test may have left the writer held */
	store_close(store);
	store = NULL;
	free(path);
	support_rmdir(dir);
	return 0;
}

static int add(struct store_tx *tx, void *arg)
{
	struct store_tenant tenant = { 0 };

	(void)snprintf(tenant.name, sizeof(tenant.name), "%s", (const char *)arg);
	return store_tenant_add(tx, &tenant);
}

static int put(const char *name)
{
	char copy[STORE_TENANT_NAME];

	(void)snprintf(copy, sizeof(copy), "%s", name);
	return store_write(store, add, copy);
}

static bool there_in(struct store_tx *tx, const char *name)
{
	struct store_tenant tenant;
	int rc = store_tenant_get_name(tx, name, &tenant);

	assert_true(rc == 0 || rc == CA_ENOTFOUND);
	return rc == 0;
}

static bool there(const char *name)
{
	struct store_tx *tx;
	bool found;

	assert_int_equal(store_read_begin(store, &tx), 0);
	found = there_in(tx, name);
	store_read_end(tx);
	return found;
}

/* A job that remembers what became of it. */
struct tried {
	struct store_job job;
	char name[STORE_TENANT_NAME];
	atomic_int runs, dones;
	int result;
	int refuse; /* with this, after writing */
	bool big;   /* writes more than fits */
};

static int run_tried(struct store_tx *tx, void *arg)
{
	struct tried *t = arg;
	int rc;

	t->runs++;
	if (t->big)
		rc = store_db_exec(
		    tx, "INSERT INTO secrets VALUES (1, 'big', zeroblob(10000000), 0)");
	else
		rc = add(tx, t->name);
	return rc ? rc : t->refuse;
}

static void done_tried(void *arg, int result)
{
	struct tried *t = arg;

	t->dones++;
	t->result = result;
	sem_post(&finished);
}

static struct tried *try_name(struct tried *t, const char *name)
{
	*t = (struct tried){ .job = { .run = run_tried, .done = done_tried } };
	t->job.arg = t;
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

/* Hold the writer inside a job, so that what is submitted meanwhile makes one group. */
static int hold(struct store_tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	sem_post(&held);
	sem_wait(&release);
	return 0;
}

static void hold_done(void *arg, int result)
{
	(void)arg;
	(void)result;
	sem_post(&finished);
}

static struct store_job hold_job = { .run = hold, .done = hold_done };

static void hold_writer(void)
{
	assert_int_equal(store_submit(store, &hold_job), 0);
	sem_wait(&held);
}

static void run_group(struct tried *t, size_t n)
{
	hold_writer();
	for (size_t i = 0; i < n; i++)
		assert_int_equal(store_submit(store, &t[i].job), 0);
	sem_post(&release);
	for (size_t i = 0; i < n + 1; i++)
		sem_wait(&finished);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(t[i].dones, 1);
}

static struct store_stats stats(void)
{
	struct store_stats s;

	store_stats(store, &s);
	return s;
}

/* ---- groups ---- */

static void what_waits_is_committed_together(void **state)
{
	struct tried t[5];
	char name[16];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "t%zu", i);
		try_name(&t[i], name);
	}
	run_group(t, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(t[i].result, 0);
		assert_int_equal(t[i].runs, 1);
		assert_true(there(t[i].name));
	}
	assert_int_equal(stats().commits, 2);
	assert_int_equal(stats().jobs, 6);
	assert_int_equal(stats().failed, 0);
	assert_int_equal(stats().queued, 0);
}

static void a_refusal_is_its_own(void **state)
{
	struct tried t[3];

	(void)state;
	try_name(&t[0], "a");
	try_name(&t[1], "a");
	try_name(&t[2], "b");
	run_group(t, 3);
	assert_int_equal(t[0].result, 0);
	assert_int_equal(t[1].result, CA_EEXIST);
	assert_int_equal(t[2].result, 0);
	assert_int_equal(t[2].runs, 1);
	assert_true(there("a") && there("b"));
	assert_int_equal(stats().commits, 2);
}

static void a_refusal_after_writing_leaves_nothing(void **state)
{
	struct tried t[3];

	(void)state;
	try_name(&t[0], "a");
	try_name(&t[1], "b")->refuse = CA_EFORBIDDEN;
	try_name(&t[2], "c");
	run_group(t, 3);
	assert_int_equal(t[0].result, 0);
	assert_int_equal(t[1].result, CA_EFORBIDDEN);
	assert_int_equal(t[2].result, 0);
	assert_int_equal(t[0].runs, 2);
	assert_true(there("a") && there("c"));
	assert_false(there("b"));
	assert_int_equal(stats().failed, 0);
	/* The same alone. */
	try_name(&t[1], "b")->refuse = CA_EFORBIDDEN;
	run_group(&t[1], 1);
	assert_int_equal(t[1].result, CA_EFORBIDDEN);
	assert_int_equal(t[1].runs, 1);
	assert_false(there("b"));
}

static void the_queue_is_bounded(void **state)
{
	struct tried t[8];

	(void)state;
	hold_writer();
	for (size_t i = 0; i < 8; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "t%zu", i);
		/* The job that holds the writer counts too. */
		assert_int_equal(
		    store_submit(store, &try_name(&t[i], name)->job), i < 7 ? 0 : CA_EOVERLOADED);
	}
	assert_int_equal(stats().queued, 8);
	sem_post(&release);
	for (size_t i = 0; i < 8; i++)
		sem_wait(&finished);
	assert_int_equal(t[7].dones, 0);
	assert_int_equal(put("later"), 0);
}

/* ---- the end ---- */

static int late_result;

static void submit_late(void *arg, int result)
{
	static struct tried late;

	(void)arg;
	(void)result;
	/* By now the store is closing: see below. */
	late_result = store_submit(store, &try_name(&late, "late")->job);
	sem_post(&finished);
}

static void *release_soon(void *arg)
{
	(void)arg;
	usleep(50000);
	sem_post(&release);
	return NULL;
}

static void close_runs_what_waits(void **state)
{
	struct store_job last = { .run = add, .done = submit_late, .arg = (char[]){ "last" } };
	struct tried t;
	pthread_t thread;

	(void)state;
	hold_writer();
	assert_int_equal(store_submit(store, &try_name(&t, "waits")->job), 0);
	assert_int_equal(store_submit(store, &last), 0);
	assert_int_equal(pthread_create(&thread, NULL, release_soon, NULL), 0);
	store_close(store);
	pthread_join(thread, NULL);
	assert_int_equal(t.dones, 1);
	assert_int_equal(t.result, 0);
	assert_int_equal(late_result, CA_ESTOPPING);
	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	assert_true(there("waits") && there("last"));
	assert_false(there("late"));
}

static void close_without_a_write_is_fine(void **state)
{
	(void)state;
	store_close(NULL);
	assert_false(there("nobody"));
}

/* ---- reading while others write ---- */

static void a_reader_keeps_its_view(void **state)
{
	struct store_tx *before, *after;

	(void)state;
	assert_int_equal(put("a"), 0);
	assert_int_equal(store_read_begin(store, &before), 0);
	assert_true(there_in(before, "a"));
	assert_int_equal(put("b"), 0);
	assert_int_equal(store_read_begin(store, &after), 0);
	assert_false(there_in(before, "b"));
	assert_true(there_in(after, "b"));
	store_read_end(before);
	store_read_end(after);
	store_read_end(NULL);
}

static void a_reader_cannot_write(void **state)
{
	struct store_tx *tx;

	(void)state;
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(add(tx, (char[]){ "sneaked" }), CA_ESTORE);
	store_read_end(tx);
	assert_false(there("sneaked"));
}

#define WRITERS 4
#define EACH 50

static void *write_many(void *arg)
{
	size_t me = *(size_t *)arg;
	char name[32];
	size_t failed = 0;

	for (size_t i = 0; i < EACH; i++) {
		(void)snprintf(name, sizeof(name), "w%zu-%zu", me, i);
		failed += put(name) != 0 || !there(name);
	}
	*(size_t *)arg = failed;
	return NULL;
}

static void many_threads_write_and_read(void **state)
{
	pthread_t threads[WRITERS];
	size_t args[WRITERS];

	(void)state;
	for (size_t i = 0; i < WRITERS; i++) {
		args[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &args[i]), 0);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(args[i], 0);
	}
	assert_int_equal(stats().jobs, WRITERS * EACH);
}

static long wal_size(void)
{
	char *wal = support_path(dir, "mica.db-wal");
	struct stat st;
	long size = stat(wal, &st) == 0 ? (long)st.st_size : 0;

	free(wal);
	return size;
}

static int add_much(struct store_tx *tx, void *arg)
{
	(void)arg;
	return store_db_exec(
	    tx, "INSERT OR REPLACE INTO secrets VALUES (1, 'much', zeroblob(4000000), 0)");
}

/* A hundred megabytes go through the log; it does not keep them. */
static void the_log_stays_bounded(void **state)
{
	(void)state;
	assert_int_equal(put("a"), 0);
	for (int i = 0; i < 25; i++)
		assert_int_equal(store_write(store, add_much, NULL), 0);
	assert_true(wal_size() > 0);
	assert_true(wal_size() < 50000000);
	store_close(store);
	assert_int_equal(wal_size(), 0);
	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	assert_true(there("a"));
}

/* ---- what goes wrong ---- */

static void somebody_elses_lock_is_an_error_for_as_long(void **state)
{
	static const char *const locks[] = { "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE" };
	struct tried t[3];
	sqlite3 *other;

	(void)state;
	assert_int_equal(put("before"), 0);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sqlite3_exec(other, locks[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(put("during"), CA_ESTORE);
		assert_true(there("before"));
		assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(put("after"), 0);
	assert_false(there("during"));
	assert_int_equal(stats().failed, 2);
	/* A group fails at once, not job by job. */
	assert_int_equal(sqlite3_exec(other, locks[0], NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < 3; i++) {
		try_name(&t[i], "group");
		assert_int_equal(store_submit(store, &t[i].job), 0);
	}
	for (size_t i = 0; i < 3; i++)
		sem_wait(&finished);
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(t[i].result, CA_ESTORE);
		assert_int_equal(t[i].runs, 0);
	}
	sqlite3_close(other);
}

static int limit_pages(struct store_tx *tx, void *arg)
{
	char pragma[64];
	int64_t pages = 0;
	int rc = store_db_pragma(tx, "PRAGMA page_count", &pages);

	pages += *(int *)arg;
	(void)snprintf(pragma, sizeof(pragma), "PRAGMA max_page_count = %lld", (long long)pages);
	return rc ? rc : store_db_exec(tx, pragma);
}

static void a_full_disk_fails_whom_it_must(void **state)
{
	struct tried t[3];
	int little = 4, much = 100000;

	(void)state;
	assert_int_equal(put("first"), 0);
	assert_int_equal(store_write(store, limit_pages, &little), 0);
	try_name(&t[0], "a");
	try_name(&t[1], "big")->big = true;
	try_name(&t[2], "c");
	run_group(t, 3);
	assert_int_equal(t[0].result, 0);
	assert_int_equal(t[1].result, CA_ESTOREFULL);
	assert_int_equal(t[2].result, 0);
	assert_true(there("a") && there("c"));
	assert_int_equal(store_write(store, limit_pages, &much), 0);
	try_name(&t[1], "big")->big = true;
	run_group(&t[1], 1);
	assert_int_equal(t[1].result, 0);
}

static int ignore_failure(struct store_tx *tx, void *arg)
{
	(void)store_db_exec(tx, "INSERT INTO secrets VALUES (1, 'big', zeroblob(10000000), 0)");
	(void)add(tx, arg);
	return 0;
}

/* A job that does not look at its errors commits nothing, and is told so. */
static void a_failure_cannot_be_ignored(void **state)
{
	int little = 4;

	(void)state;
	assert_int_equal(put("first"), 0);
	assert_int_equal(store_write(store, limit_pages, &little), 0);
	assert_int_equal(store_write(store, ignore_failure, (char[]){ "ignored" }), CA_ESTOREFULL);
	assert_false(there("ignored"));
	assert_int_equal(put("next"), 0);
}

/* The kernel refuses to let files grow: SQLite sees a write that fails. */
static void failing_writes_come_and_go(void **state)
{
	struct rlimit before, low;
	char name[16];
	int rc = 0;

	(void)state;
	assert_int_equal(put("before"), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = (rlim_t)wal_size() + 20000;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (int i = 0; rc == 0 && i < 100; i++) {
		(void)snprintf(name, sizeof(name), "t%d", i);
		rc = put(name);
	}
	assert_int_equal(rc, CA_ESTORE);
	assert_int_equal(put("during"), CA_ESTORE);
	assert_true(there("before"));
	assert_false(there(name) || there("during"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(put("after"), 0);
	assert_true(there("after"));
}

/* What a crash at this moment would leave, opened. */
static bool there_after_a_crash(const char *name)
{
	char *copy = support_path(dir, "crashed.db");
	struct store *mine = store;
	bool found;

	assert_int_equal(
	    support_run(NULL, "cp %s %s && cp %s-wal %s-wal", path, copy, path, copy), 0);
	assert_int_equal(store_open(copy, NULL, &store, NULL), 0);
	found = there(name);
	store_close(store);
	store = mine;
	assert_int_equal(support_run(NULL, "rm -f %s %s-wal %s-shm", copy, copy, copy), 0);
	free(copy);
	return found;
}

/*
 * The fsync fails, though all was written: the change is reported as failed, and stays failed even
 * when the process is killed right then and what was written is found again.
 */
static void a_failed_fsync_stays_failed(void **state)
{
	struct tried t[2];

	(void)state;
	assert_int_equal(put("before"), 0);
	syncs_fail = true;
	assert_int_equal(put("failed"), CA_ESTORE);
	assert_false(there("failed"));
	assert_true(there_after_a_crash("before"));
	assert_false(there_after_a_crash("failed"));
	hold_writer();
	assert_int_equal(store_submit(store, &try_name(&t[0], "one")->job), 0);
	assert_int_equal(store_submit(store, &try_name(&t[1], "two")->job), 0);
	sem_post(&release);
	for (int i = 0; i < 3; i++)
		sem_wait(&finished);
	assert_int_equal(t[0].result, CA_ESTORE);
	assert_int_equal(t[1].result, CA_ESTORE);
	assert_false(there_after_a_crash("one"));
	assert_false(there_after_a_crash("two"));
	syncs_fail = false;
	assert_int_equal(put("after"), 0);
	assert_true(there_after_a_crash("after"));
	assert_false(there_after_a_crash("failed"));
	assert_true(there("before"));
}

static int add_and_die(struct store_tx *tx, void *arg)
{
	(void)add(tx, arg);
	(void)raise(SIGKILL);
	return 0;
}

/* A child writes, and is killed inside the next write. */
static void a_kill_leaves_whole_changes(void **state)
{
	struct ca_buf check = CA_BUF_INIT;
	int status;
	pid_t pid;

	(void)state;
	store_close(store);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (store_open(path, NULL, &store, NULL) == 0 && put("durable") == 0)
			(void)store_write(store, add_and_die, (char[]){ "torn" });
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	assert_true(there("durable"));
	assert_false(there("torn"));
	assert_int_equal(put("torn"), 0);
	assert_int_equal(support_run(&check, "sqlite3 %s 'PRAGMA integrity_check'", path), 0);
	assert_string_equal(ca_buf_text(&check), "ok\n");
	ca_buf_free(&check);
}

/* ---- deadlines ---- */

static void submit_until(struct tried *t, const char *name, int64_t deadline_ms)
{
	try_name(t, name)->job.deadline_ms = deadline_ms;
	assert_int_equal(store_submit(store, &t->job), 0);
}

static void release_writer(int jobs)
{
	sem_post(&release);
	while (jobs-- > 0)
		sem_wait(&finished);
}

static void who_waits_too_long_is_not_run(void **state)
{
	struct tried late, patient, again;

	(void)state;
	hold_writer();
	submit_until(&late, "late", ca_monotonic_ms() + 1000);
	submit_until(&patient, "patient", 0);
	store_expire(store);
	assert_int_equal(late.dones, 0);
	usleep(1100000);
	store_expire(store); /* the writer is held all the while */
	assert_int_equal(late.dones, 1);
	assert_int_equal(late.result, CA_EOVERLOADED);
	assert_int_equal(patient.dones, 0);
	submit_until(&again, "again", ca_monotonic_ms() + 100000);
	release_writer(4);
	assert_int_equal(late.runs, 0);
	assert_int_equal(patient.result, 0);
	assert_int_equal(again.result, 0);
	assert_true(there("patient") && there("again"));
	assert_false(there("late"));
	assert_int_equal(stats().queued, 0);
}

static void the_last_that_waits_too_long_leaves_a_whole_queue(void **state)
{
	struct tried first, last, next;

	(void)state;
	hold_writer();
	submit_until(&first, "first", 0);
	submit_until(&last, "last", ca_monotonic_ms() + 500);
	usleep(600000);
	store_expire(store);
	assert_int_equal(last.dones, 1);
	submit_until(&next, "next", 0);
	release_writer(4);
	assert_true(there("first") && there("next"));
}

static void the_writer_drops_who_is_overdue(void **state)
{
	struct tried late;

	(void)state;
	hold_writer();
	submit_until(&late, "late", ca_monotonic_ms() + 500);
	usleep(600000);
	release_writer(2);
	assert_int_equal(late.runs, 0);
	assert_int_equal(late.result, CA_EOVERLOADED);
	assert_int_equal(put("next"), 0);
}

/* A group that has taken a while is expected to take as long again. */
static void who_cannot_be_in_time_is_refused_at_once(void **state)
{
	struct store_job job = { .deadline_ms = ca_monotonic_ms() + 1500 };

	(void)state;
	assert_int_equal(store_admits(store, job.deadline_ms), 0);
	hold_writer();
	usleep(1000000);
	assert_int_equal(store_admits(store, job.deadline_ms), CA_EOVERLOADED);
	assert_int_equal(store_submit(store, &job), CA_EOVERLOADED);
	assert_int_equal(store_admits(store, ca_monotonic_ms() + 100000), 0);
	assert_int_equal(store_admits(store, 0), 0);
	release_writer(1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(put((char[]){ 'a', (char)('a' + i), '\0' }), 0);
	/* What took long is not held against those who come later for ever. */
	assert_int_equal(store_admits(store, ca_monotonic_ms() + 1000), 0);
}

static bool finished_within(int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return sem_timedwait(&finished, &until) == 0;
}

/* The writer gathers, and all that it gathered for is taken from under it. */
static void a_queue_that_expires_while_it_gathers_does_not_end_the_writer(void **state)
{
	struct tried t[2], late;
	char name[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		/* Two that wait teach it to gather. */
		(void)snprintf(name, sizeof(name), "a%d", i);
		try_name(&t[0], name);
		(void)snprintf(name, sizeof(name), "b%d", i);
		try_name(&t[1], name);
		run_group(t, 2);
		(void)snprintf(name, sizeof(name), "c%d", i);
		try_name(&late, name)->job.deadline_ms = ca_monotonic_ms() + 1;
		if (store_submit(store, &late.job))
			continue;
		while (late.dones == 0) {
			store_expire(store);
			usleep(100);
		}
		sem_wait(&finished);
		(void)snprintf(name, sizeof(name), "d%d", i);
		try_name(&late, name);
		assert_int_equal(store_submit(store, &late.job), 0);
		assert_true(finished_within(10)); /* the writer lives */
	}
}

/* ---- what rights follow from ---- */

static int add_operator(struct store_tx *tx, void *arg)
{
	struct store_operator operator_ = { .role = STORE_ROLE_ADMIN, .created_at = 1 };
	int rc;

	(void)snprintf(operator_.name, sizeof(operator_.name), "somebody");
	rc = store_operator_add(tx, &operator_);
	*(int64_t *)arg = operator_.id;
	return rc;
}

static int remove_operator(struct store_tx *tx, void *arg)
{
	return store_operator_remove(tx, *(int64_t *)arg, 2);
}

static int remove_and_refuse(struct store_tx *tx, void *arg)
{
	int rc = remove_operator(tx, arg);

	return rc ? rc : CA_EFORBIDDEN;
}

static void rights_taken_away_are_noticed(void **state)
{
	uint64_t before = store_rights_version(store);
	int64_t id = 0;

	(void)state;
	assert_int_equal(store_write(store, add_operator, &id), 0);
	assert_int_equal(put("a row more"), 0);
	assert_int_equal(store_rights_version(store), before);
	assert_int_equal(store_write(store, remove_and_refuse, &id), CA_EFORBIDDEN);
	assert_int_equal(store_rights_version(store), before);
	assert_int_equal(store_write(store, remove_operator, &id), 0);
	assert_true(store_rights_version(store) > before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_waits_is_committed_together, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_is_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_refusal_after_writing_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_queue_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(close_runs_what_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(close_without_a_write_is_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_keeps_its_view, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_cannot_write, setup, teardown),
		cmocka_unit_test_setup_teardown(many_threads_write_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_stays_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    somebody_elses_lock_is_an_error_for_as_long, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_fails_whom_it_must, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failure_cannot_be_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(failing_writes_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_fsync_stays_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits_too_long_is_not_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_last_that_waits_too_long_leaves_a_whole_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(the_writer_drops_who_is_overdue, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    who_cannot_be_in_time_is_refused_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_queue_that_expires_while_it_gathers_does_not_end_the_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(rights_taken_away_are_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kill_leaves_whole_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, use_failing_disk, NULL);
}
