/* What `micad init` will do: its options checked, with everything left out filled in. */
#ifndef CA_INIT_PLAN_H
#define CA_INIT_PLAN_H

#include "ca/installation.h"

/* All owned. */
struct ca_init_plan {
	char *state, *database, *admin, *master_key; /* paths */
	char *partial, *partial_database,
	    *partial_admin; /* where it is built: STATE/init.partial */
	char *name;
	struct ca_names names;
	char *public_url, *revocation_url; /* the latter may be NULL */
	enum ca_key_type key_type, root_key_type;
	int64_t root_lifetime, issuer_lifetime;
};

/* *plan must be zeroed; it is to be cleared whatever is returned. CA_EINVAL with *why. */
int ca_init_plan_make(
    const struct ca_init_options *options, struct ca_init_plan *plan, struct ca_detail *why);

void ca_init_plan_clear(struct ca_init_plan *plan);

#endif
