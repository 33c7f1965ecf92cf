/*
 * The route table: every path that micad answers, who may, how large a body it takes, and its
 * handler. To add a route: a row in route.c, its handler (a file a noun), and its description in
 * openapi.json.
 */
#ifndef API_SERVER_ROUTE_H
#define API_SERVER_ROUTE_H

#include <stddef.h>

struct server_request;

/* Who may: bits. */
enum {
	SERVER_ANYONE = 1, /* no credential is looked at */
	SERVER_TOKEN = 2,  /* an enrolment token */
	SERVER_HOLDER = 4, /* the holder of a service's certificate */
	SERVER_ADMIN = 8,  /* operators, by role */
	SERVER_TENANT_ADMIN = 16,
	SERVER_OPERATOR = 32,
	SERVER_AUDITOR = 64,
	SERVER_OUTSIDE = 128, /* a JWT of somebody whom a source makes known */
	SERVER_MAY_WRITE = SERVER_ADMIN | SERVER_TENANT_ADMIN | SERVER_OPERATOR,
	SERVER_MAY_READ = SERVER_MAY_WRITE | SERVER_AUDITOR,
};

struct server_route {
	const char *method;
	const char *path; /* with at most one {parameter}, a whole segment */
	unsigned who;
	size_t body_max;          /* octets; 0: a body is refused */
	const char *const *query; /* the query parameters it takes, NULL-terminated; NULL: none */
	int (*handle)(struct server_request *request);
};

/*
 * Find the route. *parameter is assigned to where the parameter's value stands in path (it ends
 * with the segment), or NULL; *parameter_len to its length. CA_EPATH; CA_EMETHOD, with allow filled
 * with the path's methods ("GET, POST"). HEAD finds GET.
 */
int server_route_find(const char *method, const char *path, const struct server_route **out,
    const char **parameter, size_t *parameter_len, char allow[64]);

/* The table, and its length. */
const struct server_route *server_routes(size_t *len);

/* Handlers. */
int server_certificates_create(struct server_request *request);
int server_certificates_list(struct server_request *request);
int server_certificates_show(struct server_request *request);
int server_certificates_revoke(struct server_request *request);
int server_tokens_create(struct server_request *request);
int server_tokens_list(struct server_request *request);
int server_tokens_remove(struct server_request *request);
int server_operators_create(struct server_request *request);
int server_operators_list(struct server_request *request);
int server_operators_remove(struct server_request *request);
int server_identities_list(struct server_request *request);
int server_identities_disable(struct server_request *request);
int server_identities_enable(struct server_request *request);
int server_sources_create(struct server_request *request);
int server_sources_list(struct server_request *request);
int server_sources_show(struct server_request *request);
int server_sources_set(struct server_request *request);
int server_sources_remove(struct server_request *request);
int server_policy_show(struct server_request *request);
int server_policy_apply(struct server_request *request);
int server_policy_try(struct server_request *request);
int server_tenants_create(struct server_request *request);
int server_tenants_list(struct server_request *request);
int server_tenants_show(struct server_request *request);
int server_tenants_set(struct server_request *request);
int server_tenants_remove(struct server_request *request);
int server_trust_bundle(struct server_request *request);
int server_spiffe_bundle(struct server_request *request);
int server_whoami(struct server_request *request);
int server_healthz(struct server_request *request);
int server_readyz(struct server_request *request);
int server_openapi(struct server_request *request);

#endif
