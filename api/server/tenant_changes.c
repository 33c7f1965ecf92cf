/* Tenants: making them, setting what they may, removing them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/health.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "api/server/tenant_json.h"
#include "ca/base/clock.h"
#include "ca/tenant.h"
#include "ca/tenant_policy.h"

/* A change that is under way, or what became of it. */
struct tenant_state {
	json_t *body;                          /* owned; NULL for a removal */
	struct store_tenant row;               /* of the tenant that there is, or was made */
	struct store_tenant_settings settings; /* owned */
	enum ca_key_type key_type, root_key_type;
	int64_t issuer_lifetime, root_lifetime;
	struct ca_tenant_draft *draft; /* owned */
	struct store_authority issuer; /* owned; id 0: its certificate stays */
	unsigned char old_serial[STORE_SERIAL_MAX];
	size_t old_serial_len;
};

/* One change of a tenant at a time: each begins with what the one before it left. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static void tenant_state_free(void *arg)
{
	struct tenant_state *state = arg;

	if (!state)
		return;
	json_decref(state->body);
	store_tenant_settings_clear(&state->settings);
	ca_tenant_draft_free(state->draft);
	store_authority_clear(&state->issuer);
	free(state);
}

static int state_make(struct server_request *request, struct tenant_state **out)
{
	struct tenant_state *state = calloc(1, sizeof(*state));

	if (!state)
		return CA_ENOMEM;
	request->state = state; /* transferred */
	request->free_state = tenant_state_free;
	*out = state;
	return 0;
}

/* ---- what changes have in common ---- */

/* The tenant as it stands now, judged by what is in force now. */
static int answer(struct server_request *request, unsigned status)
{
	struct tenant_state *state = request->state;
	struct server_snapshot *now = server_snapshot_take(request->server);
	json_t *body = server_tenant_json(now->installation, &state->row, &state->settings);

	server_snapshot_release(now);
	return server_answer_json(request, status, body);
}

/* Commit on a worker's thread: the right to it is checked once more, as for every change. */
static int commit(struct server_request *request, int (*run)(struct store_tx *tx, void *request))
{
	int r = store_write(request->server->store, run, request);

	if (r == CA_ETENANTREMOVED)
		ca_refuse(&request->why, r, "the tenant was removed");
	return r;
}

/* ---- making one ---- */

static int key_type_field(
    const json_t *body, const char *key, enum ca_key_type *out, struct ca_detail *why)
{
	const char *text;
	int r = server_json_string(body, key, false, &text, why);

	if (r || !text)
		return r;
	*out = ca_key_type_parse(text);
	if (*out == CA_KEY_NONE)
		return ca_refuse(why, CA_EFIELD,
		    "the field %s is one of: rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384", key);
	return 0;
}

static struct ca_tenant_options options_of(const struct tenant_state *state)
{
	return (struct ca_tenant_options){
		.name = state->row.name,
		.settings = &state->settings,
		.key_type = state->key_type,
		.root_key_type = state->root_key_type,
		.root_lifetime = state->root_lifetime,
		.issuer_lifetime = state->issuer_lifetime,
	};
}

static int parse_new(struct server_request *request, struct tenant_state *state)
{
	static const char *const known[] = { "name", "key_type", "root_key_type", "lifetime",
		"root_lifetime", SERVER_TENANT_SETTINGS, NULL };
	struct ca_detail *why = &request->why;
	struct ca_tenant_options options;
	const char *name;
	int r = server_json_parse(&request->body, known, &state->body, why);

	if (!r)
		r = server_json_string(state->body, "name", true, &name, why);
	if (!r)
		r = ca_tenant_name_check(name, why);
	if (r)
		return r;
	memcpy(state->row.name, name, strlen(name) + 1);
	r = key_type_field(state->body, "key_type", &state->key_type, why);
	if (!r)
		r = key_type_field(state->body, "root_key_type", &state->root_key_type, why);
	if (!r)
		r = server_json_duration(state->body, "lifetime", &state->issuer_lifetime, why);
	if (!r)
		r = server_json_duration(state->body, "root_lifetime", &state->root_lifetime, why);
	if (!r)
		r = server_tenant_settings(state->body, &state->settings, why);
	options = options_of(state);
	return r ? r : ca_tenant_options_check(&options, why);
}

/* Better to hear so now than when the keys are made. */
static int check_unused(struct server_request *request, const char *name)
{
	struct store_tenant row;
	struct store_tx *tx = NULL;
	int r = store_read_begin(request->server->store, &tx);

	if (!r)
		r = store_tenant_get_name(tx, name, &row);
	store_read_end(tx);
	if (r)
		return r == CA_ENOTFOUND ? 0 : r;
	return ca_refuse(&request->why, CA_EEXIST,
	    "there is a tenant %s, or was one: a name is never used again", name);
}

static int run_create(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct tenant_state *state = request->state;
	int r = server_identity_recheck(&request->identity, tx);

	return r ? r : ca_tenant_draft_record(tx, state->draft);
}

static int draft(struct server_request *request, struct tenant_state *state)
{
	const struct ca_tenant_options options = options_of(state);
	struct ca_master_key master;
	int r = server_master_key_read(request->server, &master, &request->why);

	if (!r)
		r = ca_tenant_draft_make(&options, &master, request->snapshot->installation,
		    ca_now(), &state->draft, &request->why);
	ca_wipe(&master, sizeof(master));
	return r;
}

static int work_create(struct server_request *request)
{
	struct tenant_state *state = request->state;
	int r = draft(request, state);

	if (r)
		return r;
	r = commit(request, run_create);
	if (r == CA_EEXIST)
		request->why = *ca_tenant_draft_why(state->draft);
	if (r)
		return r;
	state->row = *ca_tenant_draft_row(state->draft);
	return server_snapshot_reload_all(request->server, &request->why);
}

static int answer_created(struct server_request *request)
{
	const struct tenant_state *state = request->state;

	if (asprintf(&request->location, "/v1/tenants/%s", state->row.name) < 0) {
		request->location = NULL;
		return CA_ENOMEM;
	}
	return answer(request, 201);
}

int server_tenants_create(struct server_request *request)
{
	struct tenant_state *state;
	int r = state_make(request, &state);

	if (r)
		return r;
	state->settings = (struct store_tenant_settings)SERVER_TENANT_DEFAULTS;
	r = parse_new(request, state);
	if (!r)
		r = check_unused(request, state->row.name);
	if (r)
		return r;
	request->resume = answer_created;
	return server_request_work(request, work_create);
}

/* ---- setting ---- */

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_constraints(
    const struct store_tenant_settings *a, const struct store_tenant_settings *b)
{
	return same(a->trust_domain, b->trust_domain) && same(a->dns_suffixes, b->dns_suffixes) &&
	       same(a->ip_ranges, b->ip_ranges);
}

/* It is needed to take the certificate into use: better to miss it before anything is changed. */
static int check_master_key(struct server_request *request)
{
	struct ca_master_key master;
	int r = server_master_key_read(request->server, &master, &request->why);

	ca_wipe(&master, sizeof(master));
	return r;
}

/* The issuer's certificate with the new constraints. */
static int reissue(struct server_request *request, struct tenant_state *state)
{
	struct server_snapshot *now = server_snapshot_take(request->server);
	const struct ca_authority *issuer =
	    ca_installation_authority(now->installation, state->row.id, STORE_AUTHORITY_ISSUER);
	struct ca_constraints constraints = { 0 };
	int r = issuer ? check_master_key(request) : CA_ETENANTREMOVED;

	if (!r)
		r = ca_tenant_constraints(&state->settings, &constraints, &request->why);
	if (!r)
		r = ca_tenant_reissue(now->installation, issuer, &constraints, &state->issuer);
	if (!r) {
		memcpy(state->old_serial, issuer->serial, sizeof(state->old_serial));
		state->old_serial_len = issuer->serial_len;
	}
	if (r == CA_ENOTFOUND)
		ca_refuse(&request->why, r, "the root above the issuer of %s no longer signs",
		    state->row.name);
	ca_constraints_clear(&constraints);
	server_snapshot_release(now);
	return r;
}

/* The settings there are, and over them what the body says. */
static int prepare(struct server_request *request, struct tenant_state *state)
{
	struct store_tenant_settings old = { 0 };
	struct store_tx *tx = NULL;
	int r = store_read_begin(request->server->store, &tx);

	if (!r)
		r = store_tenant_settings_get(tx, state->row.id, &old);
	if (!r)
		r = store_tenant_settings_get(tx, state->row.id, &state->settings);
	store_read_end(tx);
	if (!r)
		r = server_tenant_settings(state->body, &state->settings, &request->why);
	if (!r && !same_constraints(&old, &state->settings))
		r = reissue(request, state);
	store_tenant_settings_clear(&old);
	return r;
}

static int run_set(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct tenant_state *state = request->state;
	const int64_t now = ca_now();
	int r = server_identity_recheck(&request->identity, tx);

	if (!r)
		r = store_tenant_settings_set(tx, state->row.id, &state->settings, now);
	if (r == CA_EEXIST)
		ca_refuse(&request->why, r, "the trust domain %.150s is another tenant's",
		    state->settings.trust_domain);
	if (!r && state->issuer.id)
		r = store_authority_replace_certificate(
		    tx, &state->issuer, state->old_serial, state->old_serial_len, now);
	return r;
}

static int work_set(struct server_request *request)
{
	struct tenant_state *state = request->state;
	int r;

	pthread_mutex_lock(&changing);
	r = prepare(request, state);
	if (!r)
		r = commit(request, run_set);
	if (!r)
		r = state->issuer.id ? server_snapshot_reload_all(request->server, &request->why)
				     : server_snapshot_reload(request->server);
	pthread_mutex_unlock(&changing);
	return r;
}

static int answer_set(struct server_request *request)
{
	return answer(request, 200);
}

/* The tenant of the path, which must be there, into request->state. */
static int begin_change(struct server_request *request, struct tenant_state **out)
{
	struct store_tx *tx = NULL;
	int r = state_make(request, out);

	if (r)
		return r;
	r = store_read_begin(request->server->store, &tx);
	if (!r)
		r = server_tenant_find(request, tx, &(*out)->row);
	store_read_end(tx);
	if (!r && (*out)->row.removed_at)
		r = ca_refuse(&request->why, CA_ETENANTREMOVED, "the tenant %s was removed",
		    (*out)->row.name);
	return r;
}

int server_tenants_set(struct server_request *request)
{
	static const char *const known[] = { SERVER_TENANT_SETTINGS, NULL };
	struct tenant_state *state;
	int r = begin_change(request, &state);

	if (!r)
		r = server_json_parse(&request->body, known, &state->body, &request->why);
	if (r)
		return r;
	request->resume = answer_set;
	return server_request_work(request, work_set);
}

/* ---- removing ---- */

static int run_remove(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	const struct tenant_state *state = request->state;
	int r = server_identity_recheck(&request->identity, tx);

	return r ? r : store_tenant_remove(tx, state->row.id, ca_now());
}

static int work_remove(struct server_request *request)
{
	int r;

	/* Its authorities stay open: a removal must not fail for want of the master key, and who
	 * was removed gets nothing signed anyway. */
	pthread_mutex_lock(&changing);
	r = commit(request, run_remove);
	if (!r)
		r = server_snapshot_reload(request->server);
	pthread_mutex_unlock(&changing);
	if (!r)
		server_health_wake(request->server->health);
	return r;
}

static int answer_removed(struct server_request *request)
{
	request->status = 204;
	return 0;
}

int server_tenants_remove(struct server_request *request)
{
	struct tenant_state *state;
	int r = begin_change(request, &state);

	if (!r && state->row.id == STORE_TENANT_DEFAULT)
		r = ca_refuse(&request->why, CA_EINVAL,
		    "the tenant default belongs to the installation and cannot be removed");
	if (r)
		return r;
	request->resume = answer_removed;
	return server_request_work(request, work_remove);
}
