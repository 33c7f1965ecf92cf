/* /v1/identities: who was granted something from outside, and who is not to be any more. */
#include <string.h>

#include "api/server/cursor.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/tenancy.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "store/identities.h"

#define CURSOR_KIND 'i'
#define ALIVE_MAX 1000 /* certificates that are counted for one identity */

static int identity_json(struct server_request *request, struct store_tx *tx,
    const struct store_identity *row, json_t **out)
{
	const struct server_tenant *tenant =
	    server_snapshot_tenant(request->snapshot, row->tenant_id);
	int64_t alive = 0;
	int r = store_identity_alive(tx, row->id, ca_now(), ALIVE_MAX, &alive);

	if (r)
		return r;
	*out = json_pack("{s:I, s:s?, s:s, s:s, s:b, s:o, s:o, s:I}", "id", (json_int_t)row->id,
	    "tenant", tenant ? tenant->row.name : NULL, "source", row->source, "subject",
	    row->subject, "disabled", row->disabled_at != 0, "disabled_at",
	    server_json_time(row->disabled_at), "created", server_json_time(row->created_at),
	    "certificates", (json_int_t)alive);
	return *out ? 0 : CA_ENOMEM;
}

/* ---- listing ---- */

struct listing {
	struct server_request *request;
	struct store_tx *tx;
	json_t *list;
};

static int add_row(const struct store_identity *row, void *arg)
{
	struct listing *listing = arg;
	json_t *entry = NULL;
	int r = identity_json(listing->request, listing->tx, row, &entry);

	if (!r && json_array_append_new(listing->list, entry))
		r = CA_ENOMEM;
	return r;
}

static int disabled_parameter(struct server_request *request, int *out)
{
	const char *text = server_request_query(request, "disabled");

	*out = -1;
	if (!text)
		return 0;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return ca_refuse(&request->why, CA_EQUERY, "disabled is neither true nor false");
	*out = strcmp(text, "true") == 0;
	return 0;
}

static int filter_parameters(struct server_request *request, struct store_identity_filter *filter)
{
	int r = server_tenant_scope(request, &filter->tenant_id);

	filter->source = server_request_query(request, "source");
	filter->subject = server_request_query(request, "subject");
	return r ? r : disabled_parameter(request, &filter->disabled);
}

int server_identities_list(struct server_request *request)
{
	struct listing listing = { .request = request, .list = json_array() };
	struct store_identity_filter filter = { 0 };
	char next[SERVER_PLACE];
	int64_t after = 0;
	bool more = false;
	size_t limit = 0;
	int r = filter_parameters(request, &filter);

	if (!r)
		r = server_limit_parameter(request, &limit);
	if (!r)
		r = server_place_parameter(request, CURSOR_KIND, &after);
	if (!r)
		r = store_read_begin(request->server->store, &listing.tx);
	if (!r)
		r = store_identity_list(
		    listing.tx, &filter, limit, &after, &more, add_row, &listing);
	store_read_end(listing.tx);
	if (!r)
		r = server_answer_json(request, 200,
		    json_pack("{s:O, s:s?}", "identities", listing.list, "next",
			more ? server_place_text(CURSOR_KIND, after, next) : NULL));
	json_decref(listing.list);
	return r;
}

/* ---- out of use, and back ---- */

static int refuse_unknown(struct server_request *request)
{
	return ca_refuse(
	    &request->why, CA_ENOTFOUND, "there is no identity %.32s", request->parameter);
}

static int id_parameter(struct server_request *request, int64_t *id)
{
	return ca_parse_int(request->parameter, 1, INT64_MAX, id) ? refuse_unknown(request) : 0;
}

static int run_disable(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	int64_t id;
	int r = id_parameter(request, &id);

	if (!r)
		r = store_identity_disable(tx, request->identity.tenant_id, id, ca_now());
	return r == CA_ENOTFOUND ? refuse_unknown(request) : r;
}

static int run_enable(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	int64_t id;
	int r = id_parameter(request, &id);

	if (!r)
		r = store_identity_enable(tx, request->identity.tenant_id, id);
	return r == CA_ENOTFOUND ? refuse_unknown(request) : r;
}

static int answer_identity(struct server_request *request)
{
	struct store_identity row = { 0 };
	struct store_tx *tx = NULL;
	json_t *body = NULL;
	int64_t id;
	int r = id_parameter(request, &id);

	if (!r)
		r = store_read_begin(request->server->store, &tx);
	if (!r)
		r = store_identity_get(tx, request->identity.tenant_id, id, &row);
	if (!r)
		r = identity_json(request, tx, &row, &body);
	store_read_end(tx);
	store_identity_clear(&row);
	return r ? r : server_answer_json(request, 200, body);
}

static int change(struct server_request *request, int (*run)(struct store_tx *tx, void *request_))
{
	static const char *const known[] = { NULL };
	json_t *body = NULL;
	int r =
	    request->body.len ? server_json_parse(&request->body, known, &body, &request->why) : 0;

	json_decref(body);
	request->resume = answer_identity;
	return r ? r : server_request_write(request, run);
}

int server_identities_disable(struct server_request *request)
{
	return change(request, run_disable);
}

int server_identities_enable(struct server_request *request)
{
	return change(request, run_enable);
}
