/*
 * The opened sealing keys of an installation: a signing key and a data key for each tenant, in all
 * their versions. Immutable once opened; any number of threads may use it.
 */
#ifndef CA_KEYRING_H
#define CA_KEYRING_H

#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"
#include "ca/key.h"
#include "ca/seal.h"
#include "store/installation.h"
#include "store/store.h"

struct ca_keyring;

/* Empty, for an installation that is being made. */
int ca_keyring_new(struct ca_keyring **out);

/*
 * Make version 1 of a tenant's key for a purpose: it joins the ring, and *row is filled for
 * store_sealing_key_add(). *row must be zeroed.
 */
int ca_keyring_create(struct ca_keyring *ring, const struct ca_master_key *master,
    int64_t tenant_id, enum store_key_purpose purpose, int64_t now, struct store_sealing_key *row);

/*
 * Open all that stand in the store. CA_EMASTERKEY: the master key opens none; CA_ESEAL: it opens
 * some, and not the one *why names, or there are none.
 */
int ca_keyring_open(struct store_tx *tx, const struct ca_master_key *master,
    struct ca_keyring **out, struct ca_detail *why);

void ca_keyring_free(struct ca_keyring *ring); /* wipes; NULL is fine */

/* Seal under the newest key of the place's tenant. CA_ENOTFOUND: the tenant has none. */
int ca_keyring_seal(const struct ca_keyring *ring, enum store_key_purpose purpose,
    const struct ca_seal_place *place, const void *secret, size_t len, struct ca_buf *out);

/* Seal a private key's PKCS#8; *out must be empty. */
int ca_keyring_seal_key(const struct ca_keyring *ring, enum store_key_purpose purpose,
    const struct ca_seal_place *place, const struct ca_key *key, struct store_blob *out);

/* Append the secret. CA_ESEAL: cut, changed, moved, or sealed under a key that is not in the ring.
 */
int ca_keyring_unseal(const struct ca_keyring *ring, enum store_key_purpose purpose,
    const struct ca_seal_place *place, const void *blob, size_t len, struct ca_buf *out);

#endif
