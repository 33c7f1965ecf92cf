/* /v1/operators: who may tell micad what to do. */
#include <stdlib.h>
#include <string.h>

#include "api/server/cursor.h"
#include "api/server/email.h"
#include "api/server/json.h"
#include "api/server/operator_json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/tenancy.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

#define CURSOR_KIND 'o'

static bool sees_emails(const struct server_request *request)
{
	return request->identity.who & (SERVER_ADMIN | SERVER_TENANT_ADMIN);
}

json_t *server_operator_json(
    const struct server_snapshot *snapshot, const struct store_operator *op)
{
	const struct server_tenant *tenant = server_snapshot_tenant(snapshot, op->tenant_id);

	return json_pack("{s:s, s:s, s:s?, s:o}", "name", op->name, "role",
	    store_role_text(op->role), "tenant", tenant ? tenant->row.name : NULL, "created",
	    server_json_time(op->created_at));
}

/* ---- listing ---- */

struct listing {
	struct server_request *request;
	struct store_tx *tx;
	json_t *list;
};

static int add_email(struct listing *listing, const struct store_operator *op,
    const struct store_email *email, json_t *entry)
{
	struct ca_buf address = CA_BUF_INIT;
	int r = 0;

	if (!sees_emails(listing->request))
		return 0;
	if (email->sealed_len)
		r = server_email_open(
		    listing->request->snapshot->installation, op, email, &address);
	if (r == CA_ESEAL)
		ca_logf(CA_LOG_ERROR, "the e-mail address of %s was changed or moved", op->name);
	if (!r && json_object_set_new(entry, "email",
		      email->sealed_len ? json_string(ca_buf_text(&address)) : json_null()))
		r = CA_ENOMEM;
	ca_buf_free(&address);
	return r;
}

/* Until when the operator can ask for anything. */
static int add_expiry(struct listing *listing, const struct store_operator *op, json_t *entry)
{
	struct store_certificate row = { 0 };
	int r = store_certificate_of_operator(listing->tx, op->id, &row);

	if (r && r != CA_ENOTFOUND)
		return r;
	r = json_object_set_new(entry, "expires", server_json_time(r ? 0 : row.not_after));
	store_certificate_clear(&row);
	return r ? CA_ENOMEM : 0;
}

static int add_row(const struct store_operator *op, const struct store_email *email, void *arg)
{
	struct listing *listing = arg;
	json_t *entry = server_operator_json(listing->request->snapshot, op);
	int r = entry ? add_expiry(listing, op, entry) : CA_ENOMEM;

	if (!r)
		r = add_email(listing, op, email, entry);
	if (!r && json_array_append(listing->list, entry))
		r = CA_ENOMEM;
	json_decref(entry);
	return r;
}

/* By whose address; *hash stays when none is named. */
static int email_parameter(
    struct server_request *request, unsigned char hash[STORE_HASH], bool *named)
{
	const char *email = server_request_query(request, "email");
	char address[SERVER_EMAIL];
	int r;

	*named = email != NULL;
	if (!email)
		return 0;
	/* Whoever does not see addresses does not get to guess them either. */
	if (!sees_emails(request))
		return server_refuse_role(request);
	r = server_email_check("email", email, address, &request->why);
	if (r == CA_EFIELD)
		r = CA_EQUERY;
	return r ? r : server_email_hash(request->snapshot->installation, address, hash);
}

int server_operators_list(struct server_request *request)
{
	struct listing listing = { .request = request, .list = json_array() };
	unsigned char hash[STORE_HASH];
	bool named = false, more = false;
	int64_t tenant_id = 0, after = 0;
	char next[SERVER_PLACE];
	size_t limit = 0;
	int r = server_tenant_scope(request, &tenant_id);

	if (!r)
		r = email_parameter(request, hash, &named);
	if (!r)
		r = server_limit_parameter(request, &limit);
	if (!r)
		r = server_place_parameter(request, CURSOR_KIND, &after);
	if (!r)
		r = store_read_begin(request->server->store, &listing.tx);
	if (!r)
		r = store_operator_list(listing.tx, tenant_id, named ? hash : NULL, limit, &after,
		    &more, add_row, &listing);
	store_read_end(listing.tx);
	if (!r)
		r = server_answer_json(request, 200,
		    json_pack("{s:O, s:s?}", "operators", listing.list, "next",
			more ? server_place_text(CURSOR_KIND, after, next) : NULL));
	json_decref(listing.list);
	return r;
}

/* ---- removal ---- */

/* Another tenant's is not there for whoever belongs to one, nor is an admin. */
static int find(struct server_request *request, struct store_tx *tx, struct store_operator *out)
{
	int64_t own = request->identity.tenant_id;
	struct store_operator op;
	int r = store_operator_get_name(tx, request->parameter, &op);

	if (r == CA_ENOTFOUND || (!r && own && op.tenant_id != own))
		return ca_refuse(
		    &request->why, CA_ENOTFOUND, "there is no operator %.64s", request->parameter);
	if (!r)
		*out = op;
	return r;
}

static int run_remove(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct store_operator op = { 0 };
	bool other = false;
	int r = find(request, tx, &op);

	if (!r)
		r = store_operator_other_admin(tx, &op, &other);
	if (!r && !other)
		r = ca_refuse(&request->why, CA_EINVAL,
		    "%s is the last admin: make another before this one is removed", op.name);
	return r ? r : store_operator_remove(tx, op.id, ca_now());
}

static int answer_removed(struct server_request *request)
{
	request->status = 204;
	return 0;
}

int server_operators_remove(struct server_request *request)
{
	request->resume = answer_removed;
	return server_request_write(request, run_remove);
}
