#include <stdlib.h>
#include <string.h>

#include "api/server/policy_document.h"
#include "api/server/server.h"
#include "api/server/snapshot.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/keyring.h"
#include "ca/tenant.h"
#include "store/policies.h"
#include "store/sources.h"

enum { IN_STEP = 0, BEHIND, BEHIND_ALL }; /* the authorities, too */

static void tenant_clear(struct server_tenant *tenant)
{
	store_tenant_settings_clear(&tenant->settings);
	ca_constraints_clear(&tenant->constraints);
	if (!tenant->sharers || atomic_fetch_sub(tenant->sharers, 1) > 1)
		return;
	ca_document_clear(&tenant->document);
	free(tenant->sharers);
}

static void snapshot_free(struct server_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->tenants_len; i++)
		tenant_clear(&snapshot->tenants[i]);
	for (size_t i = 0; i < snapshot->sources_len; i++)
		server_source_release(snapshot->sources[i]);
	free(snapshot->tenants);
	free(snapshot->sources);
	ca_installation_free(snapshot->installation);
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

/* A document on record was good when it was put. One that this program cannot take any more grants
 * nothing, and keeps nobody else's from being served. */
static int parse_policy(const struct store_policy *policy, struct server_tenant *tenant)
{
	struct server_policy_error error = { 0 };
	int r;

	tenant->sharers = malloc(sizeof(*tenant->sharers));
	if (!tenant->sharers)
		return CA_ENOMEM;
	atomic_init(tenant->sharers, 1);
	r = server_policy_parse(
	    policy->document, strlen(policy->document), NULL, &tenant->document, &error);
	if (r && r != CA_ENOMEM) {
		ca_logf(CA_LOG_ERROR, "the policy of the tenant %s cannot be read: %s",
		    tenant->row.name, error.detail.text);
		r = 0;
	}
	return r;
}

/* One that stayed as it was is not taken apart again: a tenant's change costs no more for all that
 * the others wrote. */
static int read_policy(
    struct store_tx *tx, const struct server_snapshot *before, struct server_tenant *tenant)
{
	const struct server_tenant *old =
	    before ? server_snapshot_tenant(before, tenant->row.id) : NULL;
	struct store_policy policy = { 0 };
	int r = store_policy_get(tx, tenant->row.id, &policy);

	if (r)
		return r;
	tenant->policy_version = policy.version;
	if (old && old->policy_version == policy.version) {
		tenant->document = old->document;
		tenant->sharers = old->sharers;
		atomic_fetch_add(tenant->sharers, 1);
	} else {
		r = parse_policy(&policy, tenant);
	}
	store_policy_clear(&policy);
	return r;
}

static int read_tenant(struct store_tx *tx, const struct server_snapshot *before,
    const struct store_tenant *row, struct server_tenant *tenant)
{
	struct ca_detail why = { "" };
	int r;

	*tenant = (struct server_tenant){ .row = *row };
	r = store_tenant_settings_get(tx, row->id, &tenant->settings);
	if (!r)
		r = ca_tenant_constraints(&tenant->settings, &tenant->constraints, &why);
	if (!r)
		r = read_policy(tx, before, tenant);
	tenant->ceiling = (struct ca_ceiling){
		.max_lifetime = tenant->settings.max_lifetime,
		.allowed = tenant->settings.allowed,
	};
	if (r)
		ca_logf(CA_LOG_ERROR, "the tenant %s cannot be read: %s (%s)", row->name, why.text,
		    ca_error_code(r));
	return r;
}

struct reading {
	struct store_tx *tx;
	const struct server_snapshot *before; /* NULL: this is the first */
	struct server_snapshot *snapshot;
};

static int add_tenant(const struct store_tenant *row, void *arg)
{
	struct reading *reading = arg;
	struct server_snapshot *snapshot = reading->snapshot;
	struct server_tenant *tenants =
	    reallocarray(snapshot->tenants, snapshot->tenants_len + 1, sizeof(*tenants));

	if (!tenants)
		return CA_ENOMEM;
	snapshot->tenants = tenants; /* transferred */
	return read_tenant(reading->tx, reading->before, row, &tenants[snapshot->tenants_len++]);
}

/* One that stayed as it was keeps what it knows of its issuer's keys. */
static struct server_source *same_source(
    const struct server_snapshot *before, const struct store_source *row)
{
	for (size_t i = 0; before && i < before->sources_len; i++) {
		struct server_source *source = before->sources[i];

		if (source->id == row->id && source->version == row->version)
			return server_source_hold(source);
	}
	return NULL;
}

static int add_source(
    struct server *server, struct server_snapshot *snapshot, const struct store_source *row)
{
	struct server_source **list =
	    reallocarray(snapshot->sources, snapshot->sources_len + 1, sizeof(*list));
	struct ca_detail why = { "" };
	struct server_source *source;
	int r;

	if (!list)
		return CA_ENOMEM;
	snapshot->sources = list; /* transferred */
	source = same_source(server->snapshots.current, row);
	r = source ? 0
		   : server_source_create(row, server->options->credentials, NULL, &source, &why);
	if (!r)
		list[snapshot->sources_len++] = source; /* transferred */
	else if (r != CA_ENOMEM)
		ca_logf(CA_LOG_ERROR, "the source %s cannot be read, and is not believed: %s",
		    row->name, why.text[0] ? why.text : ca_error_text(r));
	/* Its settings stay what they are; a lack of descriptors passes. */
	if (r && r != CA_EFIELD)
		atomic_store(&server->snapshots.behind, BEHIND);
	return r == CA_ENOMEM ? r : 0;
}

static int read_sources(
    struct server *server, struct store_tx *tx, struct server_snapshot *snapshot)
{
	struct store_source row = { 0 };
	int64_t after = 0;
	int r;

	while ((r = store_source_next(tx, after, &row)) == 0) {
		after = row.id;
		if (!row.removed_at)
			r = add_source(server, snapshot, &row);
		store_source_clear(&row);
		if (r)
			return r;
	}
	return r == CA_ENOTFOUND ? 0 : r;
}

/* Under the lock `loading`, while nobody else changes what is current. */
static int read_rest(struct server *server, struct server_snapshot *snapshot)
{
	struct reading reading = { .before = server->snapshots.current, .snapshot = snapshot };
	int r = store_read_begin(server->store, &reading.tx);

	if (!r)
		r = store_tenant_each(reading.tx, add_tenant, &reading);
	if (!r)
		r = read_sources(server, reading.tx, snapshot);
	store_read_end(reading.tx);
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
	int behind, r;

	pthread_mutex_lock(&all->loading);
	behind = atomic_exchange(&all->behind, IN_STEP);
	/* Nobody else puts another one there while this lock is held. */
	r = load(server, ca_installation_keep(all->current->installation));
	if (behind == BEHIND_ALL || r)
		atomic_store(&all->behind, behind == BEHIND_ALL ? behind : BEHIND);
	pthread_mutex_unlock(&all->loading);
	return r ? failed(r) : 0;
}

static int read_master_key(struct server *server, struct ca_master_key *out, struct ca_detail *why)
{
	const struct server_options *options = server->options;
	char *path = options->master_key ? strdup(options->master_key)
					 : ca_path_join(options->state, CA_STATE_MASTER_KEY);
	int r = path ? ca_master_key_read(path, out, why) : CA_ENOMEM;

	free(path);
	return r;
}

/* What another key had sealed would never open beside the rest. */
static int check_master_key(
    struct server *server, const struct ca_master_key *master, struct ca_detail *why)
{
	struct ca_keyring *ring = NULL;
	struct store_tx *tx = NULL;
	int r = store_read_begin(server->store, &tx);

	if (!r)
		r = ca_keyring_open(tx, master, &ring, why);
	store_read_end(tx);
	ca_keyring_free(ring);
	return r;
}

int server_master_key_read(struct server *server, struct ca_master_key *out, struct ca_detail *why)
{
	struct ca_master_key master;
	int r = read_master_key(server, &master, why);

	if (!r)
		r = check_master_key(server, &master, why);
	if (!r)
		*out = master;
	ca_wipe(&master, sizeof(master));
	return r;
}

static int load_installation(
    struct server *server, struct ca_installation **out, struct ca_detail *why)
{
	struct ca_master_key master;
	int r = read_master_key(server, &master, why);

	if (!r)
		r = ca_installation_load(
		    server->store, &master, server->options->rsa_backend, out, why);
	ca_wipe(&master, sizeof(master));
	return r;
}

int server_snapshot_reload_all(struct server *server, struct ca_detail *why)
{
	struct server_snapshots *all = &server->snapshots;
	struct ca_installation *installation = NULL;
	int r;

	pthread_mutex_lock(&all->loading);
	atomic_store(&all->behind, IN_STEP);
	r = load_installation(server, &installation, why);
	if (!r)
		r = load(server, installation);
	if (r)
		atomic_store(&all->behind, BEHIND_ALL);
	pthread_mutex_unlock(&all->loading);
	return r;
}

void server_snapshot_catch_up(struct server *server)
{
	struct ca_detail why = { "" };
	int r;

	switch (atomic_load(&server->snapshots.behind)) {
	case BEHIND:
		(void)server_snapshot_reload(server);
		break;
	case BEHIND_ALL:
		r = server_snapshot_reload_all(server, &why);
		if (r)
			ca_logf(CA_LOG_ERROR,
			    "what was changed cannot be read back, and is not yet in force: %s "
			    "(%s)",
			    why.text, ca_error_code(r));
		break;
	default:
		break;
	}
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

struct server_source *server_snapshot_source_issuer(
    const struct server_snapshot *snapshot, const char *issuer)
{
	for (size_t i = 0; i < snapshot->sources_len; i++)
		if (strcmp(snapshot->sources[i]->issuer, issuer) == 0)
			return snapshot->sources[i];
	return NULL;
}

struct server_source *server_snapshot_source_name(
    const struct server_snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->sources_len; i++)
		if (strcmp(snapshot->sources[i]->name, name) == 0)
			return snapshot->sources[i];
	return NULL;
}
