/* A tenant, as the API shows it and is told of it. */
#ifndef API_SERVER_TENANT_JSON_H
#define API_SERVER_TENANT_JSON_H

#include <jansson.h>

#include "ca/base/error.h"
#include "ca/installation.h"
#include "store/tenants.h"

/* The fields of a body that are settings, for a table of known ones. */
#define SERVER_TENANT_SETTINGS                                                                     \
	"dns_suffixes", "ip_ranges", "trust_domain", "max_lifetime", "allow", "quotas"

/* What a tenant has when nobody says otherwise. */
#define SERVER_TENANT_DEFAULTS                                                                     \
	{                                                                                          \
		.max_lifetime = 90 * CA_DAY, .allowed = CA_ALLOW_COMMON_NAME | CA_ALLOW_WILDCARDS  \
	}

/*
 * The settings of a body take the place of those in *settings: an absent field leaves its own as it
 * is, null or an empty list is none, of max_lifetime and allow the default. What constrains is put
 * into canonical form. CA_EFIELD, CA_EFIELDUNKNOWN, CA_ENAME, CA_ETOOMANYNAMES; *settings is to be
 * cleared in any case.
 */
int server_tenant_settings(
    const json_t *body, struct store_tenant_settings *settings, struct ca_detail *why);

/* A tenant with its settings and, while it is there, its root and its issuer. A new reference;
 * NULL when out of memory. */
json_t *server_tenant_json(const struct ca_installation *installation,
    const struct store_tenant *tenant, const struct store_tenant_settings *settings);

#endif
