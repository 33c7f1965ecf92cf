/*
 * Tenants that are made while micad serves: each has a self-signed root of its own, an issuer below
 * it, and two sealing keys. Keys are generated and certificates signed outside of any transaction;
 * recording what came of it is one.
 */
#ifndef CA_TENANT_H
#define CA_TENANT_H

#include <stdint.h>

#include "ca/authority.h"
#include "ca/constraints.h"
#include "ca/installation.h"
#include "ca/seal.h"
#include "store/tenants.h"

#define CA_TENANT_NAME_MAX 40 /* octets */

/* a-z, 0-9 and "-", a letter first, at most CA_TENANT_NAME_MAX octets, and not "system". CA_EINVAL
 * with *why. */
int ca_tenant_name_check(const char *name, struct ca_detail *why);

/* The constraints in the settings, and back: what is written is canonical. *out must be empty.
 * CA_ENAME with *why, CA_ETOOMANYNAMES. */
int ca_tenant_constraints(const struct store_tenant_settings *settings, struct ca_constraints *out,
    struct ca_detail *why);
int ca_tenant_set_constraints(
    const struct ca_constraints *constraints, struct store_tenant_settings *settings);

/* Everything is borrowed. */
struct ca_tenant_options {
	const char *name;
	const struct store_tenant_settings *settings;
	enum ca_key_type key_type, root_key_type; /* CA_KEY_NONE: rsa:2048 and rsa:3072 */
	int64_t root_lifetime, issuer_lifetime;   /* 0: 10 and 3 years */
};

/* Fill in what was left out, and check. CA_EINVAL, CA_ENAME with *why. Costs nothing. */
int ca_tenant_options_check(struct ca_tenant_options *options, struct ca_detail *why);

struct ca_tenant_draft;

/*
 * Make keys and certificates; takes seconds. of is the installation that the tenant is to be of
 * (its name and revocation URL). Errors as above.
 */
int ca_tenant_draft_make(const struct ca_tenant_options *options,
    const struct ca_master_key *master, const struct ca_installation *of, int64_t now,
    struct ca_tenant_draft **out, struct ca_detail *why);

/*
 * For store_write(); arg is the draft. May be called again after a transaction that failed.
 * CA_EEXIST: the name was ever used, or the trust domain is another tenant's (see
 * ca_tenant_draft_why()).
 */
int ca_tenant_draft_record(struct store_tx *tx, void *arg);

/* Of what was recorded. Borrowed. */
const struct store_tenant *ca_tenant_draft_row(const struct ca_tenant_draft *draft);
const struct ca_detail *ca_tenant_draft_why(const struct ca_tenant_draft *draft);

void ca_tenant_draft_free(struct ca_tenant_draft *draft); /* wipes; NULL is fine */

/*
 * Another certificate for an issuer's key, with its subject, key id and lifetime, a new serial and
 * these constraints: it takes the place of the one there is, and what that one signed stays good.
 * *row (zeroed before) is filled with id, serial, not_before, not_after and certificate, for
 * store_authority_replace_certificate(). CA_EISSUERENDS, CA_ENOTFOUND: the root above it.
 */
int ca_tenant_reissue(const struct ca_installation *inst, const struct ca_authority *issuer,
    const struct ca_constraints *constraints, struct store_authority *row);

#endif
