/* Tenants: looking at them. */
#include <stdio.h>
#include <string.h>

#include "api/server/cursor.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "api/server/tenant_json.h"

static int add_json(struct server_request *request, struct store_tx *tx,
    const struct store_tenant *row, json_t *list)
{
	struct store_tenant_settings settings = { 0 };
	int r = store_tenant_settings_get(tx, row->id, &settings);

	if (!r && json_array_append_new(
		      list, server_tenant_json(request->snapshot->installation, row, &settings)))
		r = CA_ENOMEM;
	store_tenant_settings_clear(&settings);
	return r;
}

int server_tenants_show(struct server_request *request)
{
	struct store_tenant row;
	struct store_tx *tx = NULL;
	json_t *list = json_array();
	int r = store_read_begin(request->server->store, &tx);

	if (!r)
		r = server_tenant_find(request, tx, &row);
	if (!r)
		r = add_json(request, tx, &row, list);
	store_read_end(tx);
	if (!r)
		r = server_answer_json(request, 200, json_incref(json_array_get(list, 0)));
	json_decref(list);
	return r;
}

/* What ?removed= says; false without it. */
static int removed_parameter(struct server_request *request, bool *out)
{
	const char *text = server_request_query(request, "removed");

	if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return ca_refuse(&request->why, CA_EQUERY, "removed is true or false");
	*out = text && strcmp(text, "true") == 0;
	return 0;
}

/* A cursor is the name of the last tenant of the page before. */
static int cursor_parameter(struct server_request *request, struct store_tx *tx, int64_t *after)
{
	const char *text = server_request_query(request, "cursor");
	const int64_t own = request->identity.tenant_id;
	struct store_tenant row;
	int r;

	*after = STORE_TENANT_SYSTEM;
	if (!text)
		return 0;
	r = store_tenant_get_name(tx, text, &row);
	if (r == CA_ENOTFOUND || (!r && own && own != row.id))
		return ca_refuse(&request->why, CA_EQUERY, "the cursor is not one of this listing");
	if (!r)
		*after = row.id;
	return r;
}

/* Up to limit tenants behind after; *last is assigned when there are more. */
static int add_page(struct server_request *request, struct store_tx *tx, int64_t after,
    size_t limit, json_t *list, char last[STORE_TENANT_NAME])
{
	const int64_t own = request->identity.tenant_id;
	struct store_tenant row = { .id = after };
	bool removed = false;
	int r = removed_parameter(request, &removed);

	while (!r && (r = store_tenant_next(tx, row.id, &row)) == 0) {
		if ((own && own != row.id) || (row.removed_at && !removed))
			continue;
		if (json_array_size(list) == limit) {
			const json_t *end = json_array_get(list, limit - 1);

			(void)snprintf(last, STORE_TENANT_NAME, "%s",
			    json_string_value(json_object_get(end, "name")));
			return 0;
		}
		r = add_json(request, tx, &row, list);
	}
	return r == CA_ENOTFOUND ? 0 : r;
}

int server_tenants_list(struct server_request *request)
{
	char last[STORE_TENANT_NAME] = "";
	struct store_tx *tx = NULL;
	json_t *list = json_array();
	int64_t after = 0;
	size_t limit = 0;
	int r = server_limit_parameter(request, &limit);

	if (!r)
		r = store_read_begin(request->server->store, &tx);
	if (!r)
		r = cursor_parameter(request, tx, &after);
	if (!r)
		r = add_page(request, tx, after, limit, list, last);
	store_read_end(tx);
	if (!r)
		r = server_answer_json(request, 200,
		    json_pack("{s:O, s:s?}", "tenants", list, "next", *last ? last : NULL));
	json_decref(list);
	return r;
}
