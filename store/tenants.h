/*
 * Tenants: the walled-off parts of an installation, and what its admin sets for each. A removed one
 * stays on record for ever, so that its name is never another's.
 */
#ifndef STORE_TENANTS_H
#define STORE_TENANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define STORE_TENANT_NAME 64 /* at most 63 octets, and the NUL */

/* Two tenants exist from the start. */
enum {
	STORE_TENANT_SYSTEM =
	    1, /* the installation itself: root, operators' CA, micad's own certificate */
	STORE_TENANT_DEFAULT = 2, /* "default" */
};

struct store_tenant {
	int64_t id; /* given by the caller for the two above, else 0: assigned */
	char name[STORE_TENANT_NAME];
	int64_t created_at;
	int64_t removed_at; /* 0 while it is there */
	int64_t revoked_to; /* of a removed one: certificates.id up to which all are revoked; -1:
			       all are */
};

/* With the settings that a tenant has when nobody says otherwise. CA_EEXIST: the name was ever
 * used. */
int store_tenant_add(struct store_tx *tx, struct store_tenant *tenant);

/* Removed ones, too. CA_ENOTFOUND. */
int store_tenant_get(struct store_tx *tx, int64_t id, struct store_tenant *out);
int store_tenant_get_name(struct store_tx *tx, const char *name, struct store_tenant *out);

/* Is it there? 0, CA_ENOTFOUND, CA_ETENANTREMOVED. To be asked in every transaction that adds
 * something to a tenant. */
int store_tenant_check(struct store_tx *tx, int64_t id);

/* The first behind the id `after`, removed ones too. CA_ENOTFOUND: there is none. */
int store_tenant_next(struct store_tx *tx, int64_t after, struct store_tenant *out);

/* All, by id, removed ones too. */
int store_tenant_each(
    struct store_tx *tx, int (*each)(const struct store_tenant *tenant, void *arg), void *arg);

/* ---- settings ---- */

/* Owned. */
struct store_tenant_settings {
	char *trust_domain; /* NULL: none */
	char *dns_suffixes; /* one a line; "" (or, to be set, NULL): none */
	char *ip_ranges;    /* likewise */
	int64_t max_lifetime;
	unsigned allowed; /* CA_ALLOW_*, ca/tenant_policy.h */
	/* quotas; 0: none */
	int64_t alive_max, minute_max;
	int64_t identity_alive_max, identity_minute_max;
};

void store_tenant_settings_clear(struct store_tenant_settings *settings); /* NULL is fine */
int store_tenant_settings_get(
    struct store_tx *tx, int64_t id, struct store_tenant_settings *out); /* CA_ENOTFOUND */

/* CA_EEXIST: the trust domain is another tenant's; CA_ETENANTREMOVED; CA_ENOTFOUND. */
int store_tenant_settings_set(
    struct store_tx *tx, int64_t id, const struct store_tenant_settings *settings, int64_t now);

/* ---- the end of a tenant ---- */

/*
 * It is there no longer: its operators are removed and their certificates revoked, its tokens taken
 * back, its authorities sign no more certificates; its trust domain is free for another tenant. Its
 * certificates are left to store_tenant_revoke_some(). CA_ENOTFOUND, CA_ETENANTREMOVED.
 */
int store_tenant_remove(struct store_tx *tx, int64_t id, int64_t now);

/* The first removed tenant behind the id `after` with certificates that may still be good.
 * CA_ENOTFOUND: there is none. */
int store_tenant_next_to_revoke(struct store_tx *tx, int64_t after, int64_t *id);

/*
 * Revoke up to limit certificates of a removed tenant (cessationOfOperation), from where the last
 * call ended; *done: none is left. CA_ENOTFOUND: there is no such tenant that was removed.
 */
int store_tenant_revoke_some(
    struct store_tx *tx, int64_t id, int64_t now, size_t limit, bool *done);

#endif
