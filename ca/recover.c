/* A new admin, made with the state directory at hand: for whoever lost the last credential. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/admin_home.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/installation.h"

#define ADMINS_MAX 10000

static int failed(const char *path, struct ca_detail *why)
{
	ca_logf(CA_LOG_ERROR, "cannot make %s: %s", path, strerror(errno));
	return ca_refuse(why, CA_EIO, "%s cannot be made", path);
}

/* The first of admin-2, admin-3 … that nobody ever had. */
static int choose_name(struct store *store, char name[STORE_OPERATOR_NAME])
{
	struct store_operator op;
	struct store_tx *tx = NULL;
	int r;

	r = store_read_begin(store, &tx);
	for (int i = 2; i < ADMINS_MAX && !r; i++) {
		snprintf(name, STORE_OPERATOR_NAME, "admin-%d", i);
		r = store_operator_get_name(tx, name, &op);
	}
	store_read_end(tx);
	if (!r)
		return CA_EEXIST;
	return r == CA_ENOTFOUND ? 0 : r;
}

static int record_job(struct store_tx *tx, void *arg)
{
	return ca_admin_draft_record(tx, arg);
}

/* Written beside its place, recorded, and only then put there: what stands at out always works. */
static int write_home(struct store *store, struct ca_admin_draft *draft,
    const struct ca_installation *inst, const char *out, struct ca_detail *why)
{
	const struct ca_authority *operators =
	    ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_OPERATORS);
	const struct ca_authority *root = ca_installation_root(inst, STORE_TENANT_SYSTEM);
	char *partial = NULL;
	int r;

	if (!root)
		return CA_EINTERNAL;
	if (asprintf(&partial, "%s.XXXXXX", out) < 0)
		return CA_ENOMEM;
	if (!mkdtemp(partial)) {
		free(partial);
		return failed(out, why);
	}
	r = ca_admin_home_write(partial, draft, operators, root, inst->settings.public_url);
	if (!r)
		r = store_write(store, record_job, draft);
	if (!r && rename(partial, out))
		r = failed(out, why);
	if (r)
		ca_admin_home_remove(partial);
	free(partial);
	return r;
}

static int recover(
    struct store *store, const struct ca_installation *inst, const char *out, struct ca_detail *why)
{
	const struct ca_authority *operators =
	    ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_OPERATORS);
	const struct ca_urls urls = { inst->settings.revocation_url };
	struct ca_admin_draft draft = { 0 };
	char name[STORE_OPERATOR_NAME];
	int r;

	if (!operators)
		return ca_refuse(why, CA_ENOTFOUND, "there is no operators' CA that signs");
	r = choose_name(store, name);
	if (!r)
		r = ca_admin_draft_make(operators, name, &urls, ca_now(), &draft, why);
	if (!r)
		r = write_home(store, &draft, inst, out, why);
	ca_admin_draft_clear(&draft);
	return r;
}

/* out without trailing slashes; nothing may stand there. */
static int check_out(const char *out, char **path, struct ca_detail *why)
{
	size_t len = strlen(out);
	struct stat st;

	while (len > 1 && out[len - 1] == '/')
		len--;
	if (len == 0)
		return ca_refuse(why, CA_EINVAL, "no directory for the new context is given");
	*path = strndup(out, len);
	if (!*path)
		return CA_ENOMEM;
	if (lstat(*path, &st) == 0)
		return ca_refuse(why, CA_EEXIST, "%s is there already", *path);
	return 0;
}

static int open_store(const char *state, struct store **out, struct ca_detail *why)
{
	char *path = ca_path_join(state, CA_STATE_DB);
	int r;

	if (!path)
		return CA_ENOMEM;
	r = store_open(path, NULL, out, why);
	if (r == CA_ENOTFOUND)
		ca_refuse(why, r, "there is no installation in %s", state);
	free(path);
	return r;
}

static int read_master_key(
    const char *state, const char *given, struct ca_master_key *out, struct ca_detail *why)
{
	char *path = given ? strdup(given) : ca_path_join(state, CA_STATE_MASTER_KEY);
	int r = path ? ca_master_key_read(path, out, why) : CA_ENOMEM;

	free(path);
	return r;
}

int ca_recover_admin(
    const char *state, const char *master_key, const char *out, struct ca_detail *why)
{
	struct ca_installation *inst = NULL;
	struct ca_master_key master = { 0 };
	struct store *store = NULL;
	char *path = NULL;
	int lock = -1, r;

	r = check_out(out, &path, why);
	if (!r)
		r = ca_state_lock(state, &lock, why);
	if (!r)
		r = open_store(state, &store, why);
	if (!r)
		r = read_master_key(state, master_key, &master, why);
	if (!r)
		r = ca_installation_load(store, &master, &ca_key_gnutls, &inst, why);
	if (!r)
		r = recover(store, inst, path, why);
	ca_wipe(&master, sizeof(master));
	ca_installation_free(inst);
	store_close(store);
	if (lock >= 0)
		close(lock);
	free(path);
	return r;
}
