/* An admin's credential, and the directory that holds an operator's context: tls.crt, tls.key,
 * ca.crt, ca-url. */
#ifndef CA_ADMIN_HOME_H
#define CA_ADMIN_HOME_H

#include <stdint.h>

#include "ca/authority.h"
#include "store/operators.h"

struct ca_admin_draft {
	struct ca_key *key; /* owned */
	struct store_operator op;
	struct store_certificate row; /* owned */
};

void ca_admin_draft_clear(struct ca_admin_draft *draft);

/* A new admin of the installation with this name: a P-256 key and a certificate of the profile
 * "operator". *draft must be zeroed; it is to be cleared whatever is returned. */
int ca_admin_draft_make(const struct ca_authority *operators, const char *name,
    const struct ca_urls *urls, int64_t now, struct ca_admin_draft *draft, struct ca_detail *why);

/* Record both. May be called again after a transaction that failed. CA_EEXIST: the name is taken.
 */
int ca_admin_draft_record(struct store_tx *tx, struct ca_admin_draft *draft);

/* Write the context into a directory that is there, and sync it. */
int ca_admin_home_write(const char *dir, const struct ca_admin_draft *draft,
    const struct ca_authority *operators, const struct ca_authority *root, const char *public_url);

/* Take back a context that came to nothing. */
void ca_admin_home_remove(const char *dir);

#endif
