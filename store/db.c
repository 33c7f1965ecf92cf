#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "store/certificates.h"
#include "store/db.h"
#include "store/migrations.h"

/* ---- errors ---- */

static bool out_of_space(struct store_tx *tx, int code)
{
	int error;

	if ((code & 0xff) == SQLITE_FULL)
		return true;
	if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN)
		return false;
	error = sqlite3_system_errno(tx->db);
	return error == ENOSPC || error == EDQUOT;
}

static void log_failure(struct store_tx *tx, int code, const char *doing)
{
	int64_t now = ca_monotonic_ms() / 1000;

	if (tx->logged == code && tx->logged_at == now)
		return;
	tx->logged = code;
	tx->logged_at = now;
	ca_logf(CA_LOG_ERROR, "database: %s: %s (%d, errno %d)", doing, sqlite3_errmsg(tx->db),
	    code, sqlite3_system_errno(tx->db));
}

/* Translate a code of SQLite's, log it, and note it as the transaction's failure unless only the
 * statement failed. */
static int fail(struct store_tx *tx, int code, const char *doing)
{
	int rc = CA_ESTORE;

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
	    code == SQLITE_CONSTRAINT_ROWID)
		return CA_EEXIST;
	log_failure(tx, code, doing);
	if ((code & 0xff) == SQLITE_CONSTRAINT)
		return CA_EINTERNAL;
	if ((code & 0xff) == SQLITE_NOMEM)
		rc = CA_ENOMEM;
	else if ((code & 0xff) == SQLITE_NOTADB)
		rc = CA_ESTORESCHEMA;
	else if (out_of_space(tx, code))
		rc = CA_ESTOREFULL;
	if (!tx->failed)
		tx->failed = rc;
	return rc;
}

/* ---- connections ---- */

/* Called after every commit. What it returned would be the commit's result, though it stands:
 * always 0. */
static int note_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store_tx *tx = arg;

	(void)db;
	(void)name;
	tx->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * Who may do what follows from these tables. Watched here rather than noted by whoever writes: none
 * can be forgotten. A new row takes nothing away.
 */
static void note_change(
    void *arg, int operation, const char *schema, const char *table, sqlite3_int64 id)
{
	struct store_tx *tx = arg;

	(void)schema;
	(void)id;
	if (operation != SQLITE_INSERT &&
	    (strcmp(table, "certificates") == 0 || strcmp(table, "operators") == 0 ||
		strcmp(table, "tenants") == 0 || strcmp(table, "identities") == 0))
		tx->rights_changed = true;
}

static int configure(struct store_tx *tx, bool reader, int busy_ms)
{
	sqlite3_busy_timeout(tx->db, busy_ms);
	sqlite3_db_config(tx->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(tx->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(tx->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(tx->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	/* The writer's hook takes the place of SQLite's own checkpoint inside a commit. */
	sqlite3_wal_hook(tx->db, note_wal, tx);
	/* A reader's cache has room for the inner pages of the trees of a million rows. */
	if (reader)
		return store_db_exec(tx, "PRAGMA query_only = ON; PRAGMA cell_size_check = ON;"
					 "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048");
	sqlite3_update_hook(tx->db, note_change, tx);
	return store_db_exec(tx,
	    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;"
	    "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST; PRAGMA cache_size = -2048");
}

/* Counting every allocation takes a lock that all connections share. */
static void count_no_memory(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int store_db_open(const char *path, bool reader, int busy_ms, struct store_tx **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct store_tx *tx;
	int rc;

	pthread_once(&once, count_no_memory);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return CA_ENOTFOUND;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return CA_ENOMEM;
	rc = sqlite3_open_v2(path, &tx->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		rc = tx->db ? fail(tx, rc, "open") : CA_ENOMEM;
	else
		rc = configure(tx, reader, busy_ms);
	if (rc)
		goto out;
	*out = tx;
	tx = NULL; /* transferred */
out:
	store_db_close(tx);
	return rc;
}

void store_db_close(struct store_tx *tx)
{
	if (!tx)
		return;
	for (int i = 0; i < STORE_STATEMENTS; i++)
		sqlite3_finalize(tx->prepared[i]);
	if (sqlite3_close(tx->db) != SQLITE_OK)
		log_failure(tx, sqlite3_extended_errcode(tx->db), "close");
	free(tx);
}

int store_db_exec(struct store_tx *tx, const char *sql)
{
	int rc = sqlite3_exec(tx->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(tx, rc, "settings");
}

int store_db_pragma(struct store_tx *tx, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = sqlite3_prepare_v2(tx->db, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = 0;
	} else {
		rc = fail(tx, rc, sql);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int64_t store_db_changes_total(struct store_tx *tx)
{
	return sqlite3_total_changes64(tx->db);
}

int64_t store_db_changes(struct store_tx *tx)
{
	return sqlite3_changes64(tx->db);
}

int64_t store_db_last_id(struct store_tx *tx)
{
	return sqlite3_last_insert_rowid(tx->db);
}

/* ---- transactions ---- */

static int run(struct store_tx *tx, enum store_statement which)
{
	struct store_query q;

	store_query_start(&q, tx, which);
	return store_query_run(&q);
}

int store_db_begin(struct store_tx *tx, bool write)
{
	tx->failed = 0;
	tx->rights_changed = false;
	return run(tx, write ? STORE_SQL_BEGIN_WRITE : STORE_SQL_BEGIN_READ);
}

void store_db_rollback(struct store_tx *tx)
{
	tx->failed = 0;
	if (!sqlite3_get_autocommit(tx->db))
		(void)run(tx, STORE_SQL_ROLLBACK);
}

/*
 * A commit that failed in its fsync has left whole frames behind the WAL's valid end. This process
 * never reads them, but recovery after a crash would, and bring back what was reported as failed.
 * So a small transaction is written over them at once, not synced (the disk may still refuse):
 * after it the checksums of the frames behind no longer chain.
 */
static void bury_failed_commit(struct store_tx *tx)
{
	char pragma[48];
	int64_t version = 0;
	int rc;

	rc = store_db_exec(tx, "PRAGMA synchronous = OFF");
	if (rc == 0)
		rc = store_db_pragma(tx, "PRAGMA user_version", &version);
	if (rc == 0)
		rc = store_db_begin(tx, true);
	if (rc == 0) {
		/* Writes the first page, with the value that stands there. */
		(void)snprintf(
		    pragma, sizeof(pragma), "PRAGMA user_version = %lld", (long long)version);
		rc = store_db_exec(tx, pragma);
		if (rc == 0)
			(void)run(tx, STORE_SQL_COMMIT);
		store_db_rollback(tx);
	}
	(void)store_db_exec(tx, "PRAGMA synchronous = FULL");
}

int store_db_commit(struct store_tx *tx)
{
	int rc = run(tx, STORE_SQL_COMMIT);

	if (rc == 0)
		return 0;
	store_db_rollback(tx);
	bury_failed_commit(tx);
	return rc;
}

int store_db_checkpoint(struct store_tx *tx, bool truncate)
{
	int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	int busy_ms = 0;
	int rc;

	if (truncate) {
		int64_t ms;

		rc = store_db_pragma(tx, "PRAGMA busy_timeout", &ms);
		if (rc)
			return rc;
		busy_ms = (int)ms;
		sqlite3_busy_timeout(tx->db, 0);
	}
	rc = sqlite3_wal_checkpoint_v2(tx->db, NULL, mode, NULL, NULL);
	if (truncate)
		sqlite3_busy_timeout(tx->db, busy_ms);
	if (rc == SQLITE_OK && truncate)
		tx->wal_pages = 0;
	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? 0 : fail(tx, rc, "checkpoint");
}

/* ---- statements ---- */

void store_query_start(struct store_query *q, struct store_tx *tx, enum store_statement which)
{
	int rc;

	*q = (struct store_query){ .tx = tx, .error = tx->failed };
	if (q->error)
		return;
	if (!tx->prepared[which]) {
		rc = sqlite3_prepare_v3(tx->db, store_statement_sql(which), -1,
		    SQLITE_PREPARE_PERSISTENT, &tx->prepared[which], NULL);
		if (rc != SQLITE_OK) {
			q->error = fail(tx, rc, store_statement_sql(which));
			return;
		}
	}
	q->stmt = tx->prepared[which];
	assert(!sqlite3_stmt_busy(q->stmt)); /* a query was not ended */
}

int store_query_next(struct store_query *q)
{
	int rc;

	if (q->error)
		return q->error;
	q->taken = 0;
	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	q->error = fail(q->tx, rc, sqlite3_sql(q->stmt));
	return q->error;
}

int store_query_first(struct store_query *q)
{
	int rc = store_query_next(q);

	if (rc < 0)
		return rc;
	return rc ? 0 : CA_ENOTFOUND;
}

int store_query_end(struct store_query *q, int rc)
{
	if (q->stmt) {
		sqlite3_reset(q->stmt);
		sqlite3_clear_bindings(q->stmt);
		q->stmt = NULL;
	}
	return rc ? rc : q->error;
}

int store_query_run(struct store_query *q)
{
	int rc;

	do
		rc = store_query_next(q);
	while (rc == 1);
	return store_query_end(q, rc);
}

/* ---- values in ---- */

static void put(struct store_query *q, int rc)
{
	if (rc != SQLITE_OK && !q->error)
		q->error = fail(q->tx, rc, "bind");
}

void store_put_int(struct store_query *q, int64_t value)
{
	if (!q->error)
		put(q, sqlite3_bind_int64(q->stmt, ++q->put, value));
}

void store_put_id(struct store_query *q, int64_t id)
{
	if (id)
		store_put_int(q, id);
	else
		q->put++; /* what is not bound is NULL */
}

void store_put_text(struct store_query *q, const char *text)
{
	q->put++;
	if (!q->error && text)
		put(q, sqlite3_bind_text(q->stmt, q->put, text, -1, SQLITE_STATIC));
}

void store_put_blob(struct store_query *q, const void *data, size_t len)
{
	q->put++;
	if (!q->error && data)
		put(q, sqlite3_bind_blob64(q->stmt, q->put, data, len, SQLITE_STATIC));
}

/* ---- values out ---- */

/* A row that Mica did not write. */
static void corrupt(struct store_query *q)
{
	if (q->error)
		return;
	ca_logf(CA_LOG_ERROR, "database: column %d is not as Mica writes it: %s", q->taken - 1,
	    sqlite3_sql(q->stmt));
	q->error = CA_ESTORE;
}

int64_t store_take_int(struct store_query *q)
{
	return sqlite3_column_int64(q->stmt, q->taken++);
}

bool store_take_present(struct store_query *q)
{
	return sqlite3_column_type(q->stmt, q->taken++) != SQLITE_NULL;
}

/* The octets of a column; NULL, with q->error set, when they are not at hand. An empty one is not
 * NULL. */
static const void *octets(struct store_query *q, size_t *len)
{
	const void *data;
	int column = q->taken++;

	data = sqlite3_column_blob(q->stmt, column);
	*len = (size_t)sqlite3_column_bytes(q->stmt, column);
	if (data || q->error)
		return data;
	if (sqlite3_errcode(sqlite3_db_handle(q->stmt)) == SQLITE_NOMEM)
		q->error = CA_ENOMEM;
	return sqlite3_column_type(q->stmt, column) == SQLITE_NULL ? NULL : "";
}

void store_take_text(struct store_query *q, char *out, size_t size)
{
	size_t len;
	const void *data = octets(q, &len);

	if (!data || len >= size || memchr(data, '\0', len)) {
		corrupt(q);
		return;
	}
	memcpy(out, data, len);
	out[len] = '\0';
}

void store_take_octets(struct store_query *q, unsigned char *out, size_t max, size_t *len)
{
	size_t n;
	const void *data = octets(q, &n);

	if (!data || n > max) {
		corrupt(q);
		return;
	}
	memcpy(out, data, n);
	*len = n;
}

void store_take_hash(struct store_query *q, unsigned char *out)
{
	size_t len;
	const void *data = octets(q, &len);

	if (!data)
		memset(out, 0, STORE_HASH);
	else if (len == STORE_HASH)
		memcpy(out, data, STORE_HASH);
	else
		corrupt(q);
}

void store_take_blob(struct store_query *q, unsigned char **out, size_t *len)
{
	size_t n;
	const void *data = octets(q, &n);
	unsigned char *copy;

	if (!data)
		return;
	copy = malloc(n + 1);
	if (!copy) {
		q->error = CA_ENOMEM;
		return;
	}
	memcpy(copy, data, n);
	copy[n] = '\0';
	*out = copy;
	*len = n;
}

char *store_take_string(struct store_query *q)
{
	unsigned char *out = NULL;
	size_t len;

	store_take_blob(q, &out, &len);
	return (char *)out;
}

void store_take_names(struct store_query *q, struct ca_names *out)
{
	char *text = store_take_string(q);
	int rc = text ? ca_names_parse(text, out) : CA_ENAME;

	if (rc == CA_ENOMEM && !q->error)
		q->error = rc;
	else if (rc)
		corrupt(q);
	free(text);
}
