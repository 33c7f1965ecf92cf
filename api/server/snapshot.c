#include <stdlib.h>
#include <string.h>

#include "api/server/server.h"
#include "api/server/snapshot.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

static void snapshot_free(struct server_snapshot *snapshot)
{
	ca_installation_free(snapshot->installation);
	free(snapshot->tenants);
	free(snapshot);
}

struct server_snapshot *server_snapshot_take(struct server *server)
{
	struct server_snapshots *all = &server->snapshots;
	struct server_snapshot *snapshot;

	pthread_mutex_lock(&all->lock);
	snapshot = all->current;
	if (snapshot)
		atomic_fetch_add(&snapshot->references, 1);
	pthread_mutex_unlock(&all->lock);
	return snapshot;
}

void server_snapshot_release(struct server_snapshot *snapshot)
{
	if (snapshot && atomic_fetch_sub(&snapshot->references, 1) == 1)
		snapshot_free(snapshot);
}

/* ---- reading ---- */

static int add_tenant(const struct store_tenant *row, void *arg)
{
	struct server_snapshot *snapshot = arg;
	struct server_tenant *tenants =
	    reallocarray(snapshot->tenants, snapshot->tenants_len + 1, sizeof(*tenants));

	if (!tenants)
		return CA_ENOMEM;
	snapshot->tenants = tenants; /* transferred */
	tenants[snapshot->tenants_len++] = (struct server_tenant){ .row = *row };
	return 0;
}

static int read_rest(struct server *server, struct server_snapshot *snapshot)
{
	struct store_tx *tx = NULL;
	int r = store_read_begin(server->store, &tx);

	if (!r)
		r = store_tenant_each(tx, add_tenant, snapshot);
	store_read_end(tx);
	return r;
}

static void take_into_use(struct server_snapshots *all, struct server_snapshot *fresh)
{
	struct server_snapshot *old;

	pthread_mutex_lock(&all->lock);
	old = all->current;
	all->current = fresh; /* transferred */
	pthread_mutex_unlock(&all->lock);
	server_snapshot_release(old);
}

/* installation is transferred, also on failure. Under the lock `loading`. */
static int load(struct server *server, struct ca_installation *installation)
{
	struct server_snapshot *fresh = calloc(1, sizeof(*fresh));
	int r;

	if (!fresh) {
		ca_installation_free(installation);
		return CA_ENOMEM;
	}
	atomic_init(&fresh->references, 1);
	fresh->installation = installation; /* transferred */
	r = read_rest(server, fresh);
	if (r)
		server_snapshot_release(fresh);
	else
		take_into_use(&server->snapshots, fresh); /* transferred */
	return r;
}

static int failed(int error)
{
	ca_logf(CA_LOG_ERROR, "what was changed cannot be read back, and is not yet in force: %s",
	    ca_error_code(error));
	return error;
}

int server_snapshot_reload(struct server *server)
{
	struct server_snapshots *all = &server->snapshots;
	int r;

	pthread_mutex_lock(&all->loading);
	/* Nobody else puts another one there while this lock is held. */
	r = load(server, ca_installation_keep(all->current->installation));
	pthread_mutex_unlock(&all->loading);
	return r ? failed(r) : 0;
}

static int load_installation(
    struct server *server, struct ca_installation **out, struct ca_detail *why)
{
	const struct server_options *options = server->options;
	struct ca_master_key master;
	char *path = options->master_key ? strdup(options->master_key)
					 : ca_path_join(options->state, CA_STATE_MASTER_KEY);
	int r = path ? ca_master_key_read(path, &master, why) : CA_ENOMEM;

	if (!r)
		r = ca_installation_load(server->store, &master, options->rsa_backend, out, why);
	ca_wipe(&master, sizeof(master));
	free(path);
	return r;
}

int server_snapshot_reload_all(struct server *server, struct ca_detail *why)
{
	struct server_snapshots *all = &server->snapshots;
	struct ca_installation *installation = NULL;
	int r;

	pthread_mutex_lock(&all->loading);
	r = load_installation(server, &installation, why);
	if (!r)
		r = load(server, installation);
	pthread_mutex_unlock(&all->loading);
	return r;
}

void server_snapshots_clear(struct server_snapshots *snapshots)
{
	server_snapshot_release(snapshots->current);
	snapshots->current = NULL;
	pthread_mutex_destroy(&snapshots->lock);
	pthread_mutex_destroy(&snapshots->loading);
}

/* ---- asking ---- */

const struct server_tenant *server_snapshot_tenant(
    const struct server_snapshot *snapshot, int64_t id)
{
	for (size_t i = 0; i < snapshot->tenants_len; i++)
		if (snapshot->tenants[i].row.id == id && id != STORE_TENANT_SYSTEM)
			return &snapshot->tenants[i];
	return NULL;
}

const struct server_tenant *server_snapshot_tenant_name(
    const struct server_snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->tenants_len; i++) {
		const struct store_tenant *row = &snapshot->tenants[i].row;

		if (row->id != STORE_TENANT_SYSTEM && strcmp(row->name, name) == 0)
			return &snapshot->tenants[i];
	}
	return NULL;
}
