#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/server/cursor.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/source_settings.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/text.h"
#include "ca/url.h"

struct source_state {
	struct store_source row;
};

static void source_state_free(void *state)
{
	struct source_state *source = state;

	if (!source)
		return;
	store_source_clear(&source->row);
	free(source);
}

static struct source_state *state_create(struct server_request *request)
{
	struct source_state *state = calloc(1, sizeof(*state));

	request->state = state; /* transferred */
	request->free_state = source_state_free;
	return state;
}

static int missing(struct server_request *request, const char *name)
{
	return ca_refuse(&request->why, CA_ENOTFOUND, "there is no source %.64s", name);
}

/* The row of the path's source, unless it was removed. */
static int get_row(struct server_request *request, struct store_tx *tx, struct store_source *out)
{
	struct store_source row = { 0 };
	int r = store_source_get_name(tx, request->parameter, &row);

	if (r == CA_ENOTFOUND || (r == 0 && row.removed_at))
		r = missing(request, request->parameter);
	if (r)
		store_source_clear(&row);
	else
		*out = row;
	return r;
}

/* What a tenant's admin needs to write a rule, and, for an admin, the rest. */
static json_t *source_json(const struct store_source *row, bool whole)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "name", row->name, "kind",
	    store_source_kind_text(row->kind), "issuer", row->issuer);
	json_t *settings;

	if (!json || !whole)
		return json;
	settings = json_loads(row->settings, 0, NULL);
	json_object_update(json, settings);
	json_decref(settings);
	json_object_set_new(json, "version", json_integer(row->version));
	json_object_set_new(json, "created", server_json_time(row->created_at));
	return json;
}

static bool sees_all(const struct server_request *request)
{
	return request->identity.who & SERVER_ADMIN;
}

/* ---- what a body says ---- */

/* A name as tenants, profiles and rules have them. */
static int name_field(struct server_request *request, const json_t *body, struct store_source *row)
{
	const char *name;
	int r = server_json_string(body, "name", true, &name, &request->why);
	size_t len;

	if (r)
		return r;
	len = strlen(name);
	if (len == 0 || len >= sizeof(row->name) || name[0] == '-' || name[len - 1] == '-' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return ca_refuse(&request->why, CA_EFIELD,
		    "the field name is not 1 to %zu of a-z, 0-9 and \"-\"", sizeof(row->name) - 1);
	memcpy(row->name, name, len + 1);
	return 0;
}

static int kind_field(struct server_request *request, const json_t *body, struct store_source *row)
{
	const char *kind;
	int r = server_json_string(body, "kind", true, &kind, &request->why);

	if (r)
		return r;
	row->kind = store_source_kind_parse(kind);
	return row->kind ? 0
			 : ca_refuse(&request->why, CA_EFIELD,
			       "the field kind is neither kubernetes nor oidc");
}

/* OpenID Connect Discovery 1.0, section 3: an https URL; a cluster's may be any name. */
static int issuer_field(
    struct server_request *request, const json_t *body, struct store_source *row)
{
	char *url = NULL;
	const char *issuer;
	int r = server_json_string(body, "issuer", true, &issuer, &request->why);

	if (r)
		return r;
	if (!*issuer || strlen(issuer) > STORE_SOURCE_ISSUER_MAX)
		return ca_refuse(&request->why, CA_EFIELD,
		    "the field issuer is not a text of 1 to %d octets", STORE_SOURCE_ISSUER_MAX);
	for (const char *p = issuer; *p; p++)
		if (*p <= ' ' || *p > '~')
			return ca_refuse(&request->why, CA_EFIELD,
			    "the field issuer holds something other than visible ASCII");
	if (strcmp(issuer, request->server->public_url) == 0)
		return ca_refuse(&request->why, CA_EFIELD, "the issuer is this CA itself");
	if (row->kind == STORE_SOURCE_OIDC) {
		r = ca_url_check(issuer, "https", &url, NULL, &request->why);
		free(url);
	}
	if (r)
		return r == CA_ENOMEM ? r : CA_EFIELD;
	row->issuer = strdup(issuer);
	return row->issuer ? 0 : CA_ENOMEM;
}

/* Better to hear now that the file is not there than when a pod starts. */
static int check_bearer(struct server_request *request, const char *name)
{
	const char *directory = request->server->options->credentials;
	char *path;
	int r = 0;

	if (!directory)
		return ca_refuse(&request->why, CA_EFIELD,
		    "the field bearer names a file, and micad was started without --credentials");
	path = ca_path_join(directory, name);
	if (!path)
		return CA_ENOMEM;
	if (access(path, R_OK))
		r = ca_refuse(&request->why, CA_EFIELD,
		    "micad has no file %s in its directory of credentials", name);
	free(path);
	return r;
}

/* Check the settings in the body, and keep them as text. */
static int settings_fields(
    struct server_request *request, const json_t *body, struct store_source *row)
{
	static const char *const members[] = { "audiences", "token_review", "jwks" };
	struct server_source_settings settings = { 0 };
	json_t *kept = NULL;
	int r = server_source_settings_read(body, row->kind, &settings, &request->why);

	if (!r && settings.bearer)
		r = check_bearer(request, settings.bearer);
	server_source_settings_clear(&settings);
	if (r)
		return r;
	kept = json_object();
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_t *value = json_object_get(body, members[i]);

		if (value && !json_is_null(value))
			json_object_set(kept, members[i], value);
	}
	free(row->settings);
	row->settings = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
	json_decref(kept);
	return row->settings ? 0 : CA_ENOMEM;
}

/* ---- making one ---- */

static int parse_body(struct server_request *request, struct store_source *row)
{
	static const char *const known[] = { "name", "kind", "issuer", "audiences", "token_review",
		"jwks", NULL };
	json_t *body = NULL;
	int r = server_json_parse(&request->body, known, &body, &request->why);

	if (!r)
		r = name_field(request, body, row);
	if (!r)
		r = kind_field(request, body, row);
	if (!r)
		r = issuer_field(request, body, row);
	if (!r)
		r = settings_fields(request, body, row);
	json_decref(body);
	return r;
}

static int run_add(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct source_state *state = request->state;

	return store_source_add(tx, &state->row, &request->why);
}

/* The change is on record; from here on it is judged by. */
static int answer_row(struct server_request *request, unsigned status)
{
	const struct source_state *state = request->state;
	int r = server_snapshot_reload(request->server);

	return r ? r : server_answer_json(request, status, source_json(&state->row, true));
}

static int answer_added(struct server_request *request)
{
	return answer_row(request, 201);
}

int server_sources_create(struct server_request *request)
{
	struct source_state *state = state_create(request);
	int r;

	if (!state)
		return CA_ENOMEM;
	request->resume = answer_added;
	state->row.created_at = ca_now();
	r = parse_body(request, &state->row);
	return r ? r : server_request_write(request, run_add);
}

/* ---- looking ---- */

int server_sources_show(struct server_request *request)
{
	struct store_source row = { 0 };
	struct store_tx *tx = NULL;
	int r = store_read_begin(request->server->store, &tx);

	if (!r)
		r = get_row(request, tx, &row);
	if (!r)
		r = server_answer_json(request, 200, source_json(&row, sees_all(request)));
	store_read_end(tx);
	store_source_clear(&row);
	return r;
}

/* The next one that was not removed. */
static int next_row(struct store_tx *tx, int64_t *after, struct store_source *out)
{
	int r;

	while ((r = store_source_next(tx, *after, out)) == 0) {
		*after = out->id;
		if (!out->removed_at)
			break;
		store_source_clear(out);
	}
	return r;
}

/* The row that the cursor, a name, stands for. */
static int find_cursor(struct server_request *request, struct store_tx *tx, int64_t *after)
{
	const char *name = server_request_query(request, "cursor");
	struct store_source row = { 0 };
	int r = name ? store_source_get_name(tx, name, &row) : 0;

	*after = row.id;
	store_source_clear(&row);
	return r == CA_ENOTFOUND
		   ? ca_refuse(&request->why, CA_EQUERY, "the cursor is not one of this listing")
		   : r;
}

/* A page behind `after`. */
static int fill_page(struct store_tx *tx, int64_t after, size_t limit, json_t *list, json_t *page)
{
	struct store_source row = { 0 };
	char last[STORE_SOURCE_NAME] = "";
	int r;

	while ((r = next_row(tx, &after, &row)) == 0) {
		if (json_array_size(list) == limit) {
			store_source_clear(&row);
			return json_object_set_new(page, "next", json_string(last)) ? CA_ENOMEM : 0;
		}
		memcpy(last, row.name, sizeof(last));
		if (json_array_append_new(list, source_json(&row, false)))
			r = CA_ENOMEM;
		store_source_clear(&row);
		if (r)
			return r;
	}
	return r == CA_ENOTFOUND ? 0 : r;
}

int server_sources_list(struct server_request *request)
{
	json_t *list = json_array(), *page = json_pack("{s:O?, s:n}", "sources", list, "next");
	struct store_tx *tx = NULL;
	int64_t after = 0;
	size_t limit = 0;
	int r = server_limit_parameter(request, &limit);

	if (!r)
		r = page ? store_read_begin(request->server->store, &tx) : CA_ENOMEM;
	if (!r)
		r = find_cursor(request, tx, &after);
	if (!r)
		r = fill_page(tx, after, limit, list, page);
	if (!r)
		r = server_answer_json(request, 200, json_incref(page));
	store_read_end(tx);
	json_decref(page);
	json_decref(list);
	return r;
}

/* ---- changing one ---- */

static int parse_settings(struct server_request *request, struct store_source *row)
{
	static const char *const known[] = { "audiences", "token_review", "jwks", NULL };
	json_t *body = NULL;
	int r = server_json_parse(&request->body, known, &body, &request->why);

	if (!r)
		r = settings_fields(request, body, row);
	json_decref(body);
	return r;
}

static int run_set(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct source_state *state = request->state;
	struct store_source row = { 0 };
	int r = get_row(request, tx, &row);

	if (!r)
		r = store_source_set(tx, row.id, state->row.settings);
	if (!r)
		state->row.version = row.version + 1;
	store_source_clear(&row);
	return r;
}

static int answer_set(struct server_request *request)
{
	return answer_row(request, 200);
}

int server_sources_set(struct server_request *request)
{
	struct source_state *state = state_create(request);
	struct store_tx *tx = NULL;
	int r;

	if (!state)
		return CA_ENOMEM;
	request->resume = answer_set;
	r = store_read_begin(request->server->store, &tx);
	if (!r)
		r = get_row(request, tx, &state->row);
	store_read_end(tx);
	if (!r)
		r = parse_settings(request, &state->row);
	return r ? r : server_request_write(request, run_set);
}

static int run_remove(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct store_source row = { 0 };
	int r = get_row(request, tx, &row);

	if (!r)
		r = store_source_remove(tx, row.id, ca_now());
	store_source_clear(&row);
	return r;
}

static int answer_removed(struct server_request *request)
{
	request->status = 204;
	return server_snapshot_reload(request->server);
}

int server_sources_remove(struct server_request *request)
{
	request->resume = answer_removed;
	return server_request_write(request, run_remove);
}
