#include <string.h>

#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "ca/installation.h"

static int add_pem(const struct ca_authority *root, void *arg)
{
	struct ca_buf *pem = arg;

	ca_buf_add_str(pem, root->pem);
	return 0;
}

static int add_json(const struct ca_authority *root, void *arg)
{
	json_t *entry = json_pack("{s:s, s:o, s:o, s:o}", "certificate", root->pem, "fingerprint",
	    server_json_hex(root->sha256, sizeof(root->sha256)), "not_before",
	    server_json_time(root->not_before), "not_after", server_json_time(root->not_after));

	return json_array_append_new(arg, entry) ? CA_ENOMEM : 0;
}

static int answer_pem(struct server_request *request, int64_t tenant_id)
{
	struct ca_buf pem = CA_BUF_INIT;
	int r =
	    ca_installation_trust_bundle(request->snapshot->installation, tenant_id, add_pem, &pem);

	if (!r)
		r = ca_buf_error(&pem);
	if (!r)
		r = server_answer_octets(
		    request, 200, "application/pem-certificate-chain", pem.data, pem.len);
	ca_buf_free(&pem);
	return r;
}

static int answer_json(struct server_request *request, const struct store_tenant *tenant)
{
	json_t *roots = json_array();
	int r = ca_installation_trust_bundle(
	    request->snapshot->installation, tenant->id, add_json, roots);

	if (r) {
		json_decref(roots);
		return r;
	}
	return server_answer_json(
	    request, 200, json_pack("{s:s, s:o}", "tenant", tenant->name, "roots", roots));
}

int server_trust_bundle(struct server_request *request)
{
	static const char *const offered[] = { "application/pem-certificate-chain",
		"application/json", NULL };
	const char *type = server_request_accept(request, offered);
	const struct server_tenant *tenant;
	int r;

	if (!type)
		return ca_refuse(
		    &request->why, CA_ENOTACCEPTABLE, "there is %s and %s", offered[0], offered[1]);
	r = server_tenant_of(request, server_request_query(request, "tenant"), &tenant);
	if (r)
		return r;
	return strcmp(type, offered[1]) == 0 ? answer_json(request, &tenant->row)
					     : answer_pem(request, tenant->row.id);
}
