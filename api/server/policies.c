/* A tenant's policy document: read it, put another in its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/policy_difference.h"
#include "api/server/policy_document.h"
#include "api/server/policy_surroundings.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "ca/base/clock.h"
#include "store/policies.h"

/* One document put, from its text to the answer. */
struct change {
	const struct server_tenant *tenant; /* the snapshot's */
	const char *text;                   /* the request's body */
	const char *condition;              /* If-Match; NULL: none */
	struct store_policy old;            /* what it takes the place of */
	int64_t version;
};

static void change_free(void *state)
{
	struct change *change = state;

	if (!change)
		return;
	store_policy_clear(&change->old);
	free(change);
}

/* ---- reading ---- */

static void set_etag(struct server_request *request, int64_t version)
{
	snprintf(request->etag, sizeof(request->etag), "\"%lld\"", (long long)version);
}

static int read_policy(
    struct server_request *request, const struct server_tenant *tenant, struct store_policy *out)
{
	struct store_tx *tx = NULL;
	int r = store_read_begin(request->server->store, &tx);

	if (!r)
		r = store_policy_get(tx, tenant->row.id, out);
	store_read_end(tx);
	return r;
}

int server_policy_show(struct server_request *request)
{
	const struct server_tenant *tenant;
	struct store_policy policy = { 0 };
	int r = server_tenant_of(request, server_request_query(request, "tenant"), &tenant);

	if (!r)
		r = read_policy(request, tenant, &policy);
	if (!r)
		r = server_answer_octets(
		    request, 200, "application/json", policy.document, strlen(policy.document));
	if (!r)
		set_etag(request, policy.version);
	store_policy_clear(&policy);
	return r;
}

/* ---- the answer to a change ---- */

static json_t *load(const char *text)
{
	return json_loadb(text, strlen(text), 0, NULL);
}

static int answer(struct server_request *request, bool dry_run)
{
	const struct change *change = request->state;
	json_t *from = load(change->old.document), *to = load(change->text);
	json_t *body = from && to ? server_policy_difference(from, to) : NULL;
	bool changed = strcmp(change->old.document, change->text) != 0;
	int r;

	json_decref(from);
	json_decref(to);
	if (body &&
	    json_object_update_new(body,
		json_pack("{s:s, s:I, s:b, s:b}", "tenant", change->tenant->row.name, "version",
		    (json_int_t)change->version, "changed", changed, "dry_run", dry_run))) {
		json_decref(body);
		body = NULL;
	}
	r = server_answer_json(request, 200, body);
	if (!r)
		set_etag(request, change->version);
	return r;
}

static int answer_applied(struct server_request *request)
{
	const struct change *change = request->state;
	int r = 0;

	if (change->version != change->old.version)
		r = server_snapshot_reload(request->server);
	return r ? r : answer(request, false);
}

/* ---- putting ---- */

/* Does If-Match (RFC 9110, section 13.1.1) let this version be changed? A weak tag matches none. */
static bool meets(const char *condition, int64_t version)
{
	char tag[24];

	snprintf(tag, sizeof(tag), "\"%lld\"", (long long)version);
	while (*condition) {
		size_t len;

		condition += strspn(condition, " \t,");
		len = strcspn(condition, " \t,");
		if ((len == 1 && *condition == '*') ||
		    (len == strlen(tag) && !memcmp(condition, tag, len)))
			return true;
		condition += len;
	}
	return false;
}

static int check_condition(struct server_request *request, const struct change *change)
{
	if (!change->condition || meets(change->condition, change->old.version))
		return 0;
	return ca_refuse(&request->why, CA_EPRECONDITION,
	    "the policy of the tenant %s is at version %lld by now", change->tenant->row.name,
	    (long long)change->old.version);
}

static int run_put(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct change *change = request->state;
	int r;

	store_policy_clear(&change->old);
	r = store_policy_get(tx, change->tenant->row.id, &change->old);
	if (!r)
		r = check_condition(request, change);
	change->version = change->old.version;
	if (!r && strcmp(change->old.document, change->text) != 0)
		r = store_policy_put(tx, change->tenant->row.id, change->old.version, change->text,
		    request->identity.operator_.id, ca_now(), &change->version);
	return r;
}

static int try_put(struct server_request *request, struct change *change)
{
	int r = read_policy(request, change->tenant, &change->old);

	if (!r)
		r = check_condition(request, change);
	change->version = change->old.version;
	return r ? r : answer(request, true);
}

static int check_document(struct server_request *request, const struct change *change)
{
	const struct server_policy_context context =
	    server_policy_surroundings(request->snapshot, change->tenant);
	struct server_policy_error error;
	struct ca_document document = { 0 };
	int r = server_policy_parse(change->text, request->body.len, &context, &document, &error);

	ca_document_clear(&document);
	return r ? server_policy_problem(request, r, &error) : 0;
}

static int dry_run_parameter(struct server_request *request, bool *out)
{
	const char *text = server_request_query(request, "dry_run");

	if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return ca_refuse(&request->why, CA_EQUERY, "dry_run is true or false");
	*out = text && strcmp(text, "true") == 0;
	return 0;
}

int server_policy_apply(struct server_request *request)
{
	struct change *change = calloc(1, sizeof(*change));
	bool dry_run = false;
	int r;

	if (!change)
		return CA_ENOMEM;
	request->state = change; /* transferred */
	request->free_state = change_free;
	request->resume = answer_applied;
	change->text = ca_buf_text(&request->body);
	change->condition = server_request_header(request, MHD_HTTP_HEADER_IF_MATCH);
	r = dry_run_parameter(request, &dry_run);
	if (!r)
		r = server_tenant_of(
		    request, server_request_query(request, "tenant"), &change->tenant);
	if (!r && request->body.len == 0)
		r = CA_EBODYEMPTY;
	if (!r)
		r = check_document(request, change);
	if (r)
		return r;
	return dry_run ? try_put(request, change) : server_request_write(request, run_put);
}
