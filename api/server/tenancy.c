#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/tenancy.h"

static int refuse_unknown(struct server_request *request, const char *name)
{
	return ca_refuse(&request->why, CA_ENOTFOUND, "there is no tenant %.64s", name);
}

/* By name, within what whoever asks may know of; removed or not. */
static const struct server_tenant *find(struct server_request *request, const char *name)
{
	const struct server_tenant *tenant = server_snapshot_tenant_name(request->snapshot, name);
	int64_t own = request->identity.tenant_id;

	return own && tenant && tenant->row.id != own ? NULL : tenant;
}

int server_tenant_of(
    struct server_request *request, const char *name, const struct server_tenant **out)
{
	int64_t own = request->identity.tenant_id;
	const struct server_tenant *tenant;

	if (own && !name)
		tenant = server_snapshot_tenant(request->snapshot, own);
	else
		tenant = find(request, name ? name : "default");
	if (tenant && tenant->row.removed_at) {
		/* Whoever is of it may know. */
		if (own == tenant->row.id || request->identity.who & SERVER_ADMIN)
			return ca_refuse(&request->why, CA_ETENANTREMOVED,
			    "the tenant %s was removed", tenant->row.name);
		tenant = NULL;
	}
	if (!tenant)
		return refuse_unknown(request, name ? name : "default");
	*out = tenant;
	return 0;
}

int server_tenant_scope(struct server_request *request, int64_t *id)
{
	const char *name = server_request_query(request, "tenant");
	const struct server_tenant *tenant = name ? find(request, name) : NULL;

	if (name && !tenant)
		return refuse_unknown(request, name);
	*id = tenant ? tenant->row.id : request->identity.tenant_id;
	return 0;
}

int server_tenant_find(
    struct server_request *request, struct store_tx *tx, struct store_tenant *out)
{
	const struct server_identity *who = &request->identity;
	struct store_tenant row;
	int r = store_tenant_get_name(tx, request->parameter, &row);

	if (!r && (row.id == STORE_TENANT_SYSTEM || (who->tenant_id && who->tenant_id != row.id)))
		r = CA_ENOTFOUND;
	if (r == CA_ENOTFOUND)
		return refuse_unknown(request, request->parameter);
	if (!r)
		*out = row;
	return r;
}
