/*
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces.
 * A blob is: version 1 (1 octet), key version (4 octets, big-endian), nonce (12), ciphertext, tag
 * (16). Its associated data names where it belongs (tenant, table, row, column, key version), so a
 * blob moved elsewhere does not open.
 */
#ifndef CA_SEAL_H
#define CA_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"

#define CA_SEAL_KEY 32
#define CA_SEAL_OVERHEAD (1 + 4 + 12 + 16)

/* Where a blob belongs. Strings are borrowed. */
struct ca_seal_place {
	int64_t tenant_id;
	const char *table;
	const char *row;
	const char *column;
};

/* Append the sealed form of secret to out. */
int ca_seal(const unsigned char key[CA_SEAL_KEY], uint32_t key_version,
    const struct ca_seal_place *place, const void *secret, size_t len, struct ca_buf *out);

/* Append the secret. CA_ESEAL: cut, changed, moved, or sealed under another key. */
int ca_unseal(const unsigned char key[CA_SEAL_KEY], const struct ca_seal_place *place,
    const void *blob, size_t len, struct ca_buf *out);

/* The key version that a blob names. CA_ESEAL: too short, or of a format not known. */
int ca_seal_key_version(const void *blob, size_t len, uint32_t *out);

/* Fill with random octets fit for keys. */
int ca_random(void *out, size_t len);

/* ---- the master key's file: 64 hexadecimal digits and a newline ---- */

struct ca_master_key {
	unsigned char octets[CA_SEAL_KEY];
};

/* Make one, 0600, never over an existing file (CA_EEXIST). */
int ca_master_key_create(const char *path);

/*
 * Read one. CA_ENOMASTERKEY with *why: absent, not 64 hexadecimal digits, readable or writable by
 * others (mode & 0007), or writable by the group.
 */
int ca_master_key_read(const char *path, struct ca_master_key *out, struct ca_detail *why);

#endif
