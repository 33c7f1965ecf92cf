#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/cursor.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "api/server/token.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "ca/policy.h"

#define TOKEN_DEFAULT_TTL CA_HOUR
#define TOKEN_MAX_TTL CA_DAY
#define NAMES_LENGTH_MAX 3500 /* so that the token fits into a request's headers */

struct token_state {
	struct store_token row;
	const struct server_tenant *tenant; /* the snapshot's */
	const struct ca_profile *profile;   /* the tenant's */
};

static void token_state_free(void *state)
{
	struct token_state *token = state;

	if (!token)
		return;
	store_token_clear(&token->row);
	free(token);
}

/* jwt NULL: leave it out. */
static json_t *token_json(
    const struct store_token *row, const char *tenant, const char *maker, const char *jwt)
{
	json_t *key = row->bound ? server_json_hex(row->spki_sha256, CA_SHA256) : NULL;

	return json_pack(
	    "{s:s, s:s*, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:s*, s:i, s:i, s:s*, s:o*}", "id",
	    row->id, "token", jwt, "expires", server_json_time(row->expires_at), "created",
	    server_json_time(row->created_at), "profile", row->profile, "tenant", tenant, "dns",
	    server_json_names_of(&row->names, CA_NAME_DNS), "ip",
	    server_json_names_of(&row->names, CA_NAME_IP), "uri",
	    server_json_names_of(&row->names, CA_NAME_URI), "email",
	    server_json_names_of(&row->names, CA_NAME_EMAIL), "common_name",
	    row->common_name[0] ? row->common_name : NULL, "uses", row->uses_max, "uses_left",
	    row->uses_max - row->uses, "operator", maker, "spki_sha256", key);
}

/* ---- making one ---- */

static size_t length_of(const struct ca_names *names)
{
	size_t len = 0;

	for (size_t i = 0; i < names->n; i++)
		len += strlen(names->v[i].value) + 3; /* and how JSON sets it apart */
	return len;
}

static int profile_field(
    struct server_request *request, const json_t *body, struct token_state *token)
{
	struct store_token *row = &token->row;
	const struct ca_profile *profile;
	const char *name;
	int r = server_json_string(body, "profile", false, &name, &request->why);

	if (r)
		return r;
	if (!name)
		name = "service";
	profile = ca_document_profile(&token->tenant->document, name);
	if (!profile)
		return ca_refuse(&request->why, CA_EPROFILE, "there is no profile %.64s", name);
	if (profile->for_operators)
		return ca_refuse(&request->why, CA_EPROFILEREFUSED,
		    "no token makes an operator: an admin does, with the operator's request");
	snprintf(row->profile, sizeof(row->profile), "%s", name);
	token->profile = profile;
	return 0;
}

/* What can never be granted is better heard of now than when the token is used. */
static int check_names(struct server_request *request, const struct token_state *token)
{
	const struct ca_profile *profile = token->profile;
	const struct store_token *row = &token->row;
	const struct ca_policy_request policy = {
		.profile = profile,
		.constraints = &token->tenant->constraints,
		.ceiling = &token->tenant->ceiling,
		.reserved = &request->snapshot->installation->settings.names,
	};

	if (row->names.n == 0 && !row->common_name[0])
		return ca_refuse(&request->why, CA_ENONAMES, "a token grants at least one name");
	if (row->common_name[0] && profile->common_names.n == 0)
		return ca_refuse(&request->why, CA_ESUBJECT,
		    "the profile %s takes no common name that is no name of the certificate",
		    profile->name);
	if (length_of(&row->names) > NAMES_LENGTH_MAX)
		return ca_refuse(&request->why, CA_ETOOMANYNAMES,
		    "the names come to more than %d octets", NAMES_LENGTH_MAX);
	return ca_policy_check_names(&policy, &row->names, &request->why);
}

/* A CN that is no name: the text that the bearer may have for it, and no other. */
static int common_name_field(
    struct server_request *request, const json_t *body, struct store_token *row)
{
	const char *text;
	int r = server_json_string(body, "common_name", false, &text, &request->why);

	if (r || !text)
		return r;
	if (!text[0] || strlen(text) >= sizeof(row->common_name) || strchr(text, '*'))
		return ca_refuse(&request->why, CA_EFIELD,
		    "common_name is a text of 1 to %zu octets without a star",
		    sizeof(row->common_name) - 1);
	snprintf(row->common_name, sizeof(row->common_name), "%s", text);
	return 0;
}

/* The hash of the only public key that it shall be good for. */
static int key_field(struct server_request *request, const json_t *body, struct store_token *row)
{
	const char *hex;
	size_t len;
	int r = server_json_string(body, "spki_sha256", false, &hex, &request->why);

	if (r || !hex)
		return r;
	if (ca_unhex(hex, row->spki_sha256, sizeof(row->spki_sha256), &len) ||
	    len != sizeof(row->spki_sha256))
		return ca_refuse(&request->why, CA_EFIELD,
		    "spki_sha256 is not a SHA-256 in hexadecimal (64 digits)");
	row->bound = true;
	return 0;
}

static int lifetime_fields(
    struct server_request *request, const json_t *body, struct store_token *row)
{
	int64_t ttl = TOKEN_DEFAULT_TTL, uses = 1;
	int r = server_json_duration(body, "ttl", &ttl, &request->why);

	if (!r)
		r = server_json_int(body, "uses", 1, STORE_TOKEN_USES_MAX, &uses, &request->why);
	if (r)
		return r;
	if (ttl > TOKEN_MAX_TTL)
		return ca_refuse(&request->why, CA_ETTL, "a token lives for a day at most");
	row->created_at = ca_now();
	row->expires_at = row->created_at + ttl;
	row->uses_max = (int)uses;
	return 0;
}

static int parse_fields(
    struct server_request *request, const json_t *body, struct token_state *token)
{
	struct store_token *row = &token->row;
	const char *tenant;
	int r = server_json_string(body, "tenant", false, &tenant, &request->why);

	if (!r)
		r = server_tenant_of(request, tenant, &token->tenant);
	if (!r)
		r = server_json_names(body, &row->names, &request->why);
	if (!r)
		r = common_name_field(request, body, row);
	if (!r)
		r = profile_field(request, body, token);
	if (!r)
		r = check_names(request, token);
	if (!r)
		r = key_field(request, body, row);
	return r ? r : lifetime_fields(request, body, row);
}

static int parse_body(struct server_request *request, struct token_state *token)
{
	static const char *const known[] = { "tenant", "profile", "dns", "ip", "uri", "email",
		"common_name", "spki_sha256", "ttl", "uses", NULL };
	json_t *body = NULL;
	int r = server_json_parse(&request->body, known, &body, &request->why);

	if (!r)
		r = parse_fields(request, body, token);
	json_decref(body);
	if (!r)
		token->row.tenant_id = token->tenant->row.id;
	return r;
}

static int run_add(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct token_state *token = request->state;
	struct store_tenant tenant;
	int r = store_tenant_get(tx, token->row.tenant_id, &tenant);

	if (!r && tenant.removed_at)
		r = CA_ETENANTREMOVED;
	return r ? r : store_token_add(tx, &token->row);
}

static int answer_added(struct server_request *request)
{
	const struct token_state *token = request->state;
	const struct ca_installation *installation = request->snapshot->installation;
	/* What micad itself is known by, whichever tenant the token is of. */
	const struct ca_authority *root = ca_installation_root(installation, STORE_TENANT_SYSTEM);
	struct ca_buf jwt = CA_BUF_INIT;
	int r;

	if (!root)
		return CA_EINTERNAL;
	r = server_token_create(installation, request->server->public_url, token->tenant->row.name,
	    &token->row, root->sha256, &jwt);
	if (!r)
		r = server_answer_json(request, 201,
		    token_json(&token->row, token->tenant->row.name,
			request->identity.operator_.name, ca_buf_text(&jwt)));
	ca_buf_free(&jwt);
	return r;
}

int server_tokens_create(struct server_request *request)
{
	struct token_state *token = calloc(1, sizeof(*token));
	unsigned char id[16];
	int r;

	if (!token)
		return CA_ENOMEM;
	request->state = token; /* transferred */
	request->free_state = token_state_free;
	request->resume = answer_added;
	token->row.operator_id = request->identity.operator_.id;
	token->row.certificate_id = request->identity.certificate_id;
	r = parse_body(request, token);
	if (!r)
		r = ca_random(id, sizeof(id));
	if (r)
		return r;
	ca_hex(id, sizeof(id), token->row.id);
	return server_request_write(request, run_add);
}

/* ---- listing ---- */

struct listing {
	struct store_tx *tx;
	json_t *list;
	char last[STORE_TOKEN_ID];
};

static int add_row(const struct store_token *row, void *arg)
{
	struct listing *listing = arg;
	struct store_tenant tenant;
	struct store_operator maker;
	int r = store_tenant_get(listing->tx, row->tenant_id, &tenant);

	if (!r)
		r = store_operator_get(listing->tx, row->operator_id, &maker);
	if (r)
		return r;
	memcpy(listing->last, row->id, sizeof(listing->last));
	return json_array_append_new(listing->list, token_json(row, tenant.name, maker.name, NULL))
		   ? CA_ENOMEM
		   : 0;
}

int server_tokens_list(struct server_request *request)
{
	struct listing listing = { .list = json_array() };
	const char *after = server_request_query(request, "cursor");
	bool more = false;
	int64_t tenant_id = 0;
	size_t limit = 0;
	int r = server_tenant_scope(request, &tenant_id);

	if (!r && after && strlen(after) != STORE_TOKEN_ID - 1)
		r = ca_refuse(&request->why, CA_EQUERY, "the cursor is not one of this listing");
	if (!r)
		r = server_limit_parameter(request, &limit);
	if (!r)
		r = store_read_begin(request->server->store, &listing.tx);
	if (!r)
		r = store_token_list(
		    listing.tx, tenant_id, ca_now(), after, limit, &more, add_row, &listing);
	if (r == CA_ENOTFOUND && listing.tx)
		r = ca_refuse(&request->why, CA_EQUERY, "the cursor is not one of this listing");
	if (!r)
		r = server_answer_json(request, 200,
		    json_pack(
			"{s:O, s:s?}", "tokens", listing.list, "next", more ? listing.last : NULL));
	store_read_end(listing.tx);
	json_decref(listing.list);
	return r;
}

/* ---- taking one back ---- */

static int run_remove(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;

	return store_token_remove(tx, request->identity.tenant_id, request->parameter, ca_now());
}

static int answer_removed(struct server_request *request)
{
	request->status = 204;
	return 0;
}

int server_tokens_remove(struct server_request *request)
{
	request->resume = answer_removed;
	return server_request_write(request, run_remove);
}
