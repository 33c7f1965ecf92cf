/*
 * The store: what Mica remembers. It opens the database, hands out reading transactions, and runs
 * every change through one writing thread that commits in groups. It knows rows, not X.509:
 * certificates are octets to it.
 *
 * Threads: a `struct store` may be used by any thread; a `struct store_tx` by the one that holds
 * it. Errors: CA_ESTORE (the database failed), CA_ESTOREFULL (no space), CA_ENOMEM; what else a
 * function returns, it says.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/error.h"

struct store;
struct store_tx;

struct store_options {
	size_t queue_max; /* jobs that may wait or be under way before store_submit() says
			     CA_EOVERLOADED; 0: 1024 */
	int busy_ms;      /* how long to wait for somebody else's lock on the file; 0: 5000 */
};

/* Make a new database at path (which must not exist: CA_EEXIST) with the newest schema. It is
 * closed again. */
int store_create(const char *path);

/*
 * Open, and bring the schema up to date. options may be NULL. No thread is started before the first
 * store_submit(). CA_ENOTFOUND: no such file. CA_ESTORESCHEMA: not ours, or newer than this
 * program; *why says which.
 */
int store_open(const char *path, const struct store_options *options, struct store **out,
    struct ca_detail *why);

/* Runs the jobs that wait, stops the writer, checkpoints, closes. NULL is fine. No transaction may
 * be held. */
void store_close(struct store *store);

/* ---- reading ---- */

/* A consistent view of the database; many at once. Hold it for moments, never across a wait. */
int store_read_begin(struct store *store, struct store_tx **out);
void store_read_end(struct store_tx *tx); /* NULL is fine */

/*
 * A number that grows whenever a committed change takes rights away or alters them: a
 * certificate's, operator's, tenant's or identity's row was changed or removed. It has grown before
 * that change's done() is called. What was read after asking for the number still holds while the
 * number is the same. Only for what this process writes; nobody else may write while it holds the
 * state directory.
 */
uint64_t store_rights_version(const struct store *store);

/* ---- writing ---- */

/*
 * One atomic change. run() is called on the writer's thread inside a transaction that it may share
 * with other jobs; it checks first and writes after, and returns 0 to have its changes committed,
 * or an error to have none of them. It may be called again (a group that failed is run anew, job by
 * job), so it must not keep what the earlier call did. done() is called exactly once, on the
 * writer's thread (or that of store_expire()), after the change is durable or has failed: with 0,
 * with what run() returned, or with CA_ESTORE / CA_ESTOREFULL when the commit failed, with
 * CA_EOVERLOADED when its deadline passed first. It must be quick and must not submit and wait.
 */
struct store_job {
	int (*run)(struct store_tx *tx, void *arg);
	void (*done)(void *arg, int result);
	void *arg;
	int64_t deadline_ms;    /* of ca_monotonic_ms(): not begun after it; 0: none */
	struct store_job *next; /* the store's, while the job is submitted */
};

/*
 * Queue a job; *job belongs to the store until done() is called. CA_EOVERLOADED: the queue is full,
 * or, by what jobs have taken of late, the deadline would pass; CA_ESTOPPING: the store is closing;
 * then done() is not called. A job whose deadline passes while it waits is not run: its done() gets
 * CA_EOVERLOADED.
 */
int store_submit(struct store *store, struct store_job *job);

/* Would a job with this deadline be taken now? 0, or what store_submit() would return. To be asked
 * before work that a refusal would waste. */
int store_admits(struct store *store, int64_t deadline_ms);

/*
 * End the waiting of those whose deadline has passed, on the caller's thread. The writer does so
 * between its groups, but a disk may hold it for longer: to be called now and then.
 */
void store_expire(struct store *store);

/* Submit and wait. Not from the writer's thread. */
int store_write(struct store *store, int (*run)(struct store_tx *tx, void *arg), void *arg);

struct store_stats {
	uint64_t commits; /* transactions committed since open */
	uint64_t jobs;    /* jobs committed in them */
	uint64_t failed;  /* commits that failed */
	size_t queued;    /* jobs waiting or under way now */
};

void store_stats(struct store *store, struct store_stats *out);

/* ---- the whole database ---- */

/*
 * The number of certificates on record, of every tenant; a figure for people (it scans an index).
 */
int store_certificate_count(struct store_tx *tx, int64_t *out);

#endif
