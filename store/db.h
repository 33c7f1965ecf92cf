/*
 * One connection to the database, its transactions, and its prepared statements. Private to store/.
 * The only files that see sqlite3 types are those of this folder.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "ca/base/error.h"
#include "ca/base/names.h"
#include "store/statements.h"

struct store;

/* A connection. What callers of store.h hold is one inside a transaction. */
struct store_tx {
	sqlite3 *db;
	sqlite3_stmt *prepared[STORE_STATEMENTS]; /* each NULL until it is first used */
	/*
	 * The first failure of the database in this transaction, or 0. SQLite may have rolled back
	 * by itself then, so that a further statement would commit alone: none is run any more.
	 */
	int failed;
	int wal_pages;       /* in the WAL after the last commit */
	bool rights_changed; /* this transaction changed or removed a row that rights follow from */
	int logged; /* the failure logged last, and when: a dead disk is one line a second */
	int64_t logged_at;
	struct store *store;   /* whose reader it is */
	struct store_tx *next; /* in the list of idle readers */
};

/* A new connection to a database that exists; a reader refuses to write. CA_ENOTFOUND. */
int store_db_open(const char *path, bool reader, int busy_ms, struct store_tx **out);
void store_db_close(struct store_tx *tx); /* NULL is fine */

/* SQL that is run once: schema, settings. */
int store_db_exec(struct store_tx *tx, const char *sql);

/* SQL that yields one number. */
int store_db_pragma(struct store_tx *tx, const char *sql, int64_t *out);

int store_db_begin(struct store_tx *tx, bool write);
void store_db_rollback(struct store_tx *tx);

/* 0: durable. Otherwise rolled back, and no crash brings it back. */
int store_db_commit(struct store_tx *tx);

/* Move the WAL into the database; with truncate, and nobody reading, empty it too. Never waits for
 * a reader. */
int store_db_checkpoint(struct store_tx *tx, bool truncate);

/* Rows changed by this connection since it was opened, and by the statement run last. */
int64_t store_db_changes_total(struct store_tx *tx);
int64_t store_db_changes(struct store_tx *tx);
int64_t store_db_last_id(struct store_tx *tx);

/*
 * A statement under way:
 *	store_query_start(&q, tx, STORE_SQL_X);
 *	store_put_int(&q, id);			values in the order of ?1, ?2 …; they stay the
 *caller's until the end rc = store_query_first(&q);		0 with a row, CA_ENOTFOUND without,
 *or an error if (rc == 0) n = store_take_int(&q);		columns in their order return
 *store_query_end(&q, rc);		rc, or else what went wrong while values were put and taken
 */
struct store_query {
	struct store_tx *tx;
	sqlite3_stmt *stmt; /* borrowed from tx->prepared; NULL when it could not be had */
	int error;          /* sticky */
	int put;            /* values put */
	int taken;          /* columns taken */
};

void store_query_start(struct store_query *q, struct store_tx *tx, enum store_statement which);
int store_query_first(struct store_query *q);
int store_query_next(struct store_query *q); /* 1: a row, 0: no more, or an error */
int store_query_end(struct store_query *q, int rc);

/* Run a statement that yields no row, to its end. CA_EEXIST: the row stands there already. */
int store_query_run(struct store_query *q);

void store_put_int(struct store_query *q, int64_t value);
void store_put_id(struct store_query *q, int64_t id);                     /* 0 is NULL */
void store_put_text(struct store_query *q, const char *text);             /* NULL is NULL */
void store_put_blob(struct store_query *q, const void *data, size_t len); /* NULL is NULL */

int64_t store_take_int(struct store_query *q);  /* NULL is 0 */
bool store_take_present(struct store_query *q); /* not NULL */
void store_take_text(struct store_query *q, char *out, size_t size);
char *store_take_string(struct store_query *q); /* allocated; NULL is NULL */
void store_take_octets(struct store_query *q, unsigned char *out, size_t max, size_t *len);
void store_take_hash(
    struct store_query *q, unsigned char *out); /* STORE_HASH octets; NULL is zeroes */
void store_take_blob(
    struct store_query *q, unsigned char **out, size_t *len); /* allocated; NULL is NULL */
void store_take_names(struct store_query *q, struct ca_names *out);

#endif
