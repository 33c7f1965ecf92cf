#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"

static json_t *operator_json(const struct store_operator *operator_, const char *tenant)
{
	return json_pack("{s:s, s:s, s:s, s:s?}", "kind", "operator", "name", operator_->name,
	    "role", store_role_text(operator_->role), "tenant", tenant);
}

int server_whoami(struct server_request *request)
{
	const struct server_identity *who = &request->identity;
	struct store_tenant tenant = { 0 };
	struct store_tx *tx = NULL;
	json_t *body;
	int r = store_read_begin(request->server->store, &tx);

	if (!r && who->tenant_id)
		r = store_tenant_get(tx, who->tenant_id, &tenant);
	store_read_end(tx);
	if (r)
		return r;
	if (who->kind == SERVER_OPERATED)
		body = operator_json(&who->operator_, who->tenant_id ? tenant.name : NULL);
	else
		body = json_pack("{s:s, s:n, s:n, s:s}", "kind", "service", "name", "role",
		    "tenant", tenant.name);
	if (!body ||
	    json_object_set_new(body, "serial", server_json_hex(who->serial, who->serial_len)) ||
	    json_object_set_new(body, "not_after", server_json_time(who->not_after))) {
		json_decref(body);
		return CA_ENOMEM;
	}
	return server_answer_json(request, 200, body);
}
