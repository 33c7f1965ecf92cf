/* Tenants' policy documents, as the octets that were put, with a version that counts up. */
#ifndef STORE_POLICIES_H
#define STORE_POLICIES_H

#include <stdint.h>

#include "store/store.h"

#define STORE_POLICY_NONE "{}"
#define STORE_POLICY_ANY_VERSION (-1)

struct store_policy {
	int64_t version;     /* 0: none was ever put */
	char *document;      /* owned; STORE_POLICY_NONE when none was put */
	int64_t changed_at;  /* 0 likewise */
	int64_t operator_id; /* who put it; 0 likewise */
};

void store_policy_clear(struct store_policy *policy); /* NULL is fine */

/* *out is to be cleared. A tenant without a document is no error. */
int store_policy_get(struct store_tx *tx, int64_t tenant_id, struct store_policy *out);

/*
 * Put a document in the place of the one with the version expected (STORE_POLICY_ANY_VERSION:
 * whichever there is). *version is the new one; the same document again changes nothing.
 * CA_EPRECONDITION: another version stands there. CA_ETENANTREMOVED, CA_ENOTFOUND: the tenant.
 */
int store_policy_put(struct store_tx *tx, int64_t tenant_id, int64_t expected, const char *document,
    int64_t operator_id, int64_t now, int64_t *version);

#endif
