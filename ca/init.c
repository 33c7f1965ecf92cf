/*
 * Making an installation. All of it is built in STATE/init.partial; the rename of the database out
 * of it is the moment at which the installation exists. Before that, the next init sweeps up; after
 * it, the next init moves admin/ into place.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/foundation.h"
#include "ca/init_plan.h"
#include "ca/installation.h"

#define EARLIEST 1704067200 /* 2024-01-01: a clock before it was never set */

void ca_init_result_clear(struct ca_init_result *result)
{
	free(result->public_url);
	free(result->admin_home);
	free(result->master_key);
	memset(result, 0, sizeof(*result));
}

static int failed(const char *act, const char *path, struct ca_detail *why)
{
	ca_logf(CA_LOG_ERROR, "cannot %s %s: %s", act, path, strerror(errno));
	return ca_refuse(why, CA_EIO, "cannot %s %s", act, path);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int sweep(const struct ca_init_plan *plan, struct ca_detail *why)
{
	if (!exists(plan->partial))
		return 0;
	if (nftw(plan->partial, remove_one, 16, FTW_DEPTH | FTW_PHYS))
		return failed("remove", plan->partial, why);
	return 0;
}

/* ---- before the database is in place ---- */

/* Remains of an installation whose database was taken away: its journal would be replayed into the
 * new one. */
static int check_remains(const struct ca_init_plan *plan, struct ca_detail *why)
{
	static const char *const journals[] = { "-wal", "-shm", "-journal" };
	int r = 0;

	if (exists(plan->admin))
		return ca_refuse(why, CA_EINVAL,
		    "%s is there without a database: move it away first", plan->admin);
	for (size_t i = 0; i < 3 && !r; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s%s", plan->database, journals[i]) < 0)
			return CA_ENOMEM;
		if (exists(path))
			r = ca_refuse(why, CA_EINVAL,
			    "%s is there without its database: move it away first", path);
		free(path);
	}
	return r;
}

static int get_master_key(
    const struct ca_init_plan *plan, struct ca_master_key *out, struct ca_detail *why)
{
	if (!exists(plan->master_key)) {
		int r = ca_master_key_create(plan->master_key);

		if (r && r != CA_EEXIST)
			return ca_refuse(
			    why, r, "the master key %s cannot be written", plan->master_key);
	}
	return ca_master_key_read(plan->master_key, out, why);
}

/* The closed database must be whole by itself, and on the disk. */
static int settle_database(const char *path)
{
	char *wal = NULL;
	int fd, r = 0;

	if (asprintf(&wal, "%s-wal", path) < 0)
		return CA_ENOMEM;
	if (exists(wal)) {
		ca_logf(CA_LOG_ERROR, "the new database was not closed: %s is there", wal);
		r = CA_ESTORE;
	}
	free(wal);
	if (r)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		r = failed("sync", path, NULL);
	if (fd >= 0)
		close(fd);
	return r;
}

static int make_database(
    const struct ca_init_plan *plan, struct ca_foundation *foundation, struct ca_detail *why)
{
	struct store *store = NULL;
	int r;

	r = store_create(plan->partial_database);
	if (!r)
		r = store_open(plan->partial_database, NULL, &store, why);
	if (!r)
		r = store_write(store, ca_foundation_record, foundation);
	store_close(store);
	return r ? r : settle_database(plan->partial_database);
}

static int make_admin_home(const struct ca_init_plan *plan, const struct ca_foundation *foundation)
{
	int r = ca_dir_make(plan->partial_admin, 0700);

	if (!r)
		r = ca_admin_home_write(plan->partial_admin, &foundation->admin,
		    foundation->authorities[CA_NEW_OPERATORS], foundation->authorities[CA_NEW_ROOT],
		    plan->public_url);
	return r ? r : ca_dir_sync(plan->partial);
}

static int build(
    const struct ca_init_plan *plan, const struct ca_master_key *master, struct ca_detail *why)
{
	struct ca_foundation *foundation = NULL;
	int64_t now = ca_now();
	int r;

	if (now < EARLIEST)
		return ca_refuse(why, CA_ECLOCK, "the clock is not set");
	r = ca_dir_make(plan->partial, 0700);
	if (!r)
		r = ca_foundation_make(plan, master, now, &foundation, why);
	if (!r)
		r = make_database(plan, foundation, why);
	if (!r)
		r = make_admin_home(plan, foundation);
	ca_foundation_free(foundation);
	if (r == CA_EIO)
		ca_refuse(why, r, "%s cannot be written", plan->state);
	return r;
}

/* ---- after it ---- */

/* Whatever is left to do once the database is in place. */
static int finish(const struct ca_init_plan *plan, struct ca_detail *why)
{
	if (exists(plan->partial_admin)) {
		if (exists(plan->admin))
			return ca_refuse(why, CA_EEXIST, "%s is in the way of %s: move it away",
			    plan->admin, plan->partial_admin);
		if (rename(plan->partial_admin, plan->admin))
			return failed("make", plan->admin, why);
		if (ca_dir_sync(plan->state))
			return CA_EIO;
	}
	return sweep(plan, why);
}

static int create(const struct ca_init_plan *plan, struct ca_detail *why)
{
	struct ca_master_key master;
	int r;

	r = check_remains(plan, why);
	if (!r)
		r = sweep(plan, why);
	if (!r)
		r = get_master_key(plan, &master, why);
	if (r)
		return r;
	r = build(plan, &master, why);
	ca_wipe(&master, sizeof(master));
	if (!r && rename(plan->partial_database, plan->database))
		r = failed("make", plan->database, why);
	if (r) {
		sweep(plan, NULL);
		return r;
	}
	r = ca_dir_sync(plan->state);
	return r ? r : finish(plan, why);
}

/* ---- what there is to say about it ---- */

struct root_search {
	int64_t id; /* of the root, once the issuer has told */
	unsigned char *sha256;
};

static int find_issuer(const struct store_authority *row, void *arg)
{
	struct root_search *search = arg;

	if (row->tenant_id == STORE_TENANT_DEFAULT && row->kind == STORE_AUTHORITY_ISSUER &&
	    row->status == STORE_AUTHORITY_ACTIVE)
		search->id = row->parent_id;
	return 0;
}

static int hash_root(const struct store_authority *row, void *arg)
{
	struct root_search *search = arg;
	int g;

	if (row->id != search->id)
		return 0;
	g = gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, row->certificate.data, row->certificate.len, search->sha256);
	return g < 0 ? CA_EINTERNAL : 0;
}

static int read_result(struct store_tx *tx, struct ca_init_result *result)
{
	struct root_search search = { 0, result->root_sha256 };
	struct store_installation settings = { 0 };
	int r;

	r = store_installation_get(tx, &settings);
	if (!r)
		r = store_authority_each(tx, find_issuer, &search);
	if (!r)
		r = store_authority_each(tx, hash_root, &search);
	if (!r) {
		result->public_url = settings.public_url;
		settings.public_url = NULL; /* transferred */
	}
	store_installation_clear(&settings);
	return r;
}

static int describe(
    const struct ca_init_plan *plan, struct ca_init_result *result, struct ca_detail *why)
{
	struct store *store = NULL;
	struct store_tx *tx = NULL;
	int r;

	result->admin_home = strdup(plan->admin);
	result->master_key = strdup(plan->master_key);
	if (!result->admin_home || !result->master_key)
		return CA_ENOMEM;
	r = store_open(plan->database, NULL, &store, why);
	if (!r)
		r = store_read_begin(store, &tx);
	if (!r)
		r = read_result(tx, result);
	store_read_end(tx);
	store_close(store);
	if (r == CA_ENOTFOUND)
		r = ca_refuse(why, CA_ESTORE, "%s holds no installation", plan->database);
	return r;
}

int ca_init(
    const struct ca_init_options *options, struct ca_init_result *out, struct ca_detail *why)
{
	struct ca_init_plan plan = { 0 };
	struct ca_init_result result = { 0 };
	int lock = -1, r;

	r = ca_init_plan_make(options, &plan, why);
	if (r)
		goto out;
	r = ca_dir_make(plan.state, 0700);
	if (r) {
		ca_refuse(why, r, "the state directory %s cannot be made", plan.state);
		goto out;
	}
	r = ca_state_lock(plan.state, &lock, why);
	if (r)
		goto out;
	result.existed = exists(plan.database);
	r = result.existed ? finish(&plan, why) : create(&plan, why);
	if (!r)
		r = describe(&plan, &result, why);
	if (r)
		goto out;
	*out = result;
	memset(&result, 0, sizeof(result)); /* transferred */
out:
	if (lock >= 0)
		close(lock);
	ca_init_plan_clear(&plan);
	ca_init_result_clear(&result);
	return r;
}
