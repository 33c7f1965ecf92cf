/*
 * What a new installation begins with: settings, two tenants with their sealing keys, four
 * authorities, the sealed secrets, micad's own certificate and the first admin. It is made in
 * memory and recorded in one transaction.
 */
#ifndef CA_FOUNDATION_H
#define CA_FOUNDATION_H

#include "ca/admin_home.h"
#include "ca/init_plan.h"
#include "ca/keyring.h"
#include "ca/server_certificate.h"
#include "store/installation.h"

enum { CA_NEW_ROOT, CA_NEW_ISSUER, CA_NEW_SYSTEM, CA_NEW_OPERATORS, CA_NEW_AUTHORITIES };

/* All owned. */
struct ca_foundation {
	int64_t now;
	struct store_installation settings;
	struct ca_keyring *ring;
	struct store_sealing_key sealing_keys[4]; /* two of each tenant */
	struct store_authority rows[CA_NEW_AUTHORITIES];
	struct ca_authority *authorities[CA_NEW_AUTHORITIES]; /* opened; their ids are 0 */
	struct store_secret secrets[2];
	struct ca_server_draft server;
	struct ca_admin_draft admin;
};

void ca_foundation_free(struct ca_foundation *foundation); /* NULL is fine */

int ca_foundation_make(const struct ca_init_plan *plan, const struct ca_master_key *master,
    int64_t now, struct ca_foundation **out, struct ca_detail *why);

/* For store_write(); arg is the foundation. May be called again after a transaction that failed. */
int ca_foundation_record(struct store_tx *tx, void *arg);

#endif
