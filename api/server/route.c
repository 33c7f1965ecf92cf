#include <stdio.h>
#include <string.h>

#include "api/server/policy_document.h"
#include "api/server/route.h"
#include "ca/base/error.h"

#define CSR_BODY 65536
#define SMALL_BODY 16384
#define SOURCE_BODY 262144 /* with the CA's certificates, or the keys */
/* A document in it is a JSON string, so its quotes and newlines count twice. */
#define POLICY_TEST_BODY (2 * SERVER_POLICY_MAX + CSR_BODY)

static const char *const certificate_query[] = { "name", "status", "profile", "expires_before",
	"expires_after", "limit", "cursor", "tenant", NULL };
static const char *const source_query[] = { "limit", "cursor", NULL };
static const char *const operator_query[] = { "tenant", "email", "limit", "cursor", NULL };
static const char *const identity_query[] = { "tenant", "source", "subject", "disabled", "limit",
	"cursor", NULL };
static const char *const token_query[] = { "limit", "cursor", "tenant", NULL };
static const char *const tenant_query[] = { "removed", "limit", "cursor", NULL };
static const char *const bundle_query[] = { "tenant", NULL };
static const char *const policy_query[] = { "tenant", NULL };
static const char *const policy_apply_query[] = { "tenant", "dry_run", NULL };

static const struct server_route routes[] = {
	{ "POST", "/v1/certificates", SERVER_TOKEN | SERVER_OUTSIDE | SERVER_MAY_READ, CSR_BODY,
	    NULL, server_certificates_create },
	{ "GET", "/v1/certificates", SERVER_MAY_READ, 0, certificate_query,
	    server_certificates_list },
	{ "GET", "/v1/certificates/{serial}", SERVER_HOLDER | SERVER_MAY_READ, 0, NULL,
	    server_certificates_show },
	{ "POST", "/v1/certificates/{serial}/revoke", SERVER_HOLDER | SERVER_MAY_WRITE, SMALL_BODY,
	    NULL, server_certificates_revoke },
	{ "POST", "/v1/tokens", SERVER_MAY_WRITE, SMALL_BODY, NULL, server_tokens_create },
	{ "GET", "/v1/tokens", SERVER_MAY_READ, 0, token_query, server_tokens_list },
	{ "DELETE", "/v1/tokens/{id}", SERVER_MAY_WRITE, 0, NULL, server_tokens_remove },
	{ "POST", "/v1/operators", SERVER_ADMIN | SERVER_TENANT_ADMIN, CSR_BODY, NULL,
	    server_operators_create },
	{ "GET", "/v1/operators", SERVER_MAY_READ, 0, operator_query, server_operators_list },
	{ "DELETE", "/v1/operators/{name}", SERVER_ADMIN | SERVER_TENANT_ADMIN, 0, NULL,
	    server_operators_remove },
	{ "GET", "/v1/identities", SERVER_MAY_READ, 0, identity_query, server_identities_list },
	{ "POST", "/v1/identities/{id}/disable", SERVER_MAY_WRITE, SMALL_BODY, NULL,
	    server_identities_disable },
	{ "POST", "/v1/identities/{id}/enable", SERVER_MAY_WRITE, SMALL_BODY, NULL,
	    server_identities_enable },
	{ "POST", "/v1/sources", SERVER_ADMIN, SOURCE_BODY, NULL, server_sources_create },
	{ "GET", "/v1/sources", SERVER_ADMIN | SERVER_TENANT_ADMIN, 0, source_query,
	    server_sources_list },
	{ "GET", "/v1/sources/{source}", SERVER_ADMIN | SERVER_TENANT_ADMIN, 0, NULL,
	    server_sources_show },
	{ "PUT", "/v1/sources/{source}", SERVER_ADMIN, SOURCE_BODY, NULL, server_sources_set },
	{ "DELETE", "/v1/sources/{source}", SERVER_ADMIN, 0, NULL, server_sources_remove },
	{ "GET", "/v1/policy", SERVER_MAY_READ, 0, policy_query, server_policy_show },
	{ "PUT", "/v1/policy", SERVER_ADMIN | SERVER_TENANT_ADMIN, SERVER_POLICY_MAX,
	    policy_apply_query, server_policy_apply },
	{ "POST", "/v1/policy/test", SERVER_MAY_READ, POLICY_TEST_BODY, policy_query,
	    server_policy_try },
	{ "POST", "/v1/tenants", SERVER_ADMIN, SMALL_BODY, NULL, server_tenants_create },
	{ "GET", "/v1/tenants", SERVER_MAY_READ, 0, tenant_query, server_tenants_list },
	{ "GET", "/v1/tenants/{tenant}", SERVER_MAY_READ, 0, NULL, server_tenants_show },
	{ "PATCH", "/v1/tenants/{tenant}", SERVER_ADMIN, SMALL_BODY, NULL, server_tenants_set },
	{ "DELETE", "/v1/tenants/{tenant}", SERVER_ADMIN, 0, NULL, server_tenants_remove },
	{ "GET", "/v1/trust-bundle", SERVER_ANYONE, 0, bundle_query, server_trust_bundle },
	{ "GET", "/v1/tenants/{tenant}/spiffe-bundle", SERVER_ANYONE, 0, NULL,
	    server_spiffe_bundle },
	{ "GET", "/v1/whoami", SERVER_HOLDER | SERVER_MAY_READ, 0, NULL, server_whoami },
	{ "GET", "/healthz", SERVER_ANYONE, 0, NULL, server_healthz },
	{ "GET", "/readyz", SERVER_ANYONE, 0, NULL, server_readyz },
	{ "GET", "/openapi.json", SERVER_ANYONE, 0, NULL, server_openapi },
};

const struct server_route *server_routes(size_t *len)
{
	*len = sizeof(routes) / sizeof(*routes);
	return routes;
}

/* Does path fit the pattern, whose one {parameter} stands for a segment that is not empty? */
static int fits(const char *pattern, const char *path, const char **parameter, size_t *len)
{
	size_t before = strcspn(pattern, "{");

	*parameter = NULL;
	*len = 0;
	if (!pattern[before])
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0)
		return 0;
	*parameter = path + before;
	*len = strcspn(path + before, "/");
	pattern = strchr(pattern, '}') + 1;
	return *len > 0 && strcmp(pattern, path + before + *len) == 0;
}

int server_route_find(const char *method, const char *path, const struct server_route **out,
    const char **parameter, size_t *parameter_len, char allow[64])
{
	size_t used = 0;

	allow[0] = '\0';
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		if (!fits(routes[i].path, path, parameter, parameter_len))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			*out = &routes[i];
			allow[0] = '\0';
			return 0;
		}
		used += (size_t)snprintf(allow + used, 64 - used, "%s%s%s", used ? ", " : "",
		    routes[i].method, strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
	}
	return used ? CA_EMETHOD : CA_EPATH;
}
