/*
 * Public keys from outside: read by libcrypto, and refused when they are weak. The server's side
 * only; the client does not link libcrypto.
 */
#ifndef CA_KEY_CHECK_H
#define CA_KEY_CHECK_H

#include <stddef.h>

#include <openssl/evp.h>

#include "ca/base/error.h"
#include "ca/key.h"

/*
 * Is the key in this SubjectPublicKeyInfo (RFC 5280, section 4.1) fit to be certified? A key has
 * one encoding: named curves, uncompressed points, the parameters that the algorithm's RFC writes.
 * CA_ECSR: malformed. CA_EKEYTYPE: an algorithm, curve or encoding, or an RSA size, that no profile
 * may grant. CA_EKEYWEAK: RSA under 2048 bits, exponent other than 65537, an even modulus or one
 * with a factor up to 751, a modulus that Fermat's method factors in 110 rounds, or one with the
 * ROCA fingerprint (CVE-2017-15361); a point that is not on its curve.
 * On success *pkey (free it) is for verifying with.
 */
int ca_key_check_public(const unsigned char *spki, size_t len, enum ca_key_type *type,
    EVP_PKEY **pkey, struct ca_detail *why);

#endif
