/* Making micad's own certificate, apart from recording it: `micad init` records it with everything
 * else. */
#ifndef CA_SERVER_CERTIFICATE_H
#define CA_SERVER_CERTIFICATE_H

#include <stdint.h>

#include "ca/authority.h"
#include "ca/base/names.h"
#include "ca/keyring.h"
#include "store/installation.h"

struct ca_server_draft {
	struct ca_key *key;             /* owned */
	struct store_certificate row;   /* owned */
	struct store_secret sealed_key; /* owned */
};

void ca_server_draft_clear(struct ca_server_draft *draft);

/* A new key and certificate. *draft must be zeroed; it is to be cleared whatever is returned.
 * CA_ECLOCK, CA_EISSUERENDS. */
int ca_server_draft_make(const struct ca_authority *issuer, const struct ca_names *names,
    const struct ca_urls *urls, const struct ca_keyring *ring, int64_t now,
    struct ca_server_draft *draft);

/* Record both, and that this is the one to serve with. May be called again after a transaction that
 * failed. */
int ca_server_draft_record(struct store_tx *tx, struct ca_server_draft *draft);

#endif
