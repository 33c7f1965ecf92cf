/* Signatures on what Mica writes itself: one digest, one signature, one check of it. */
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include "ca/base/log.h"
#include "ca/key_private.h"

#define DIGEST_MAX 48 /* SHA-384 */

/* The DigestInfo of a SHA-256 up to the digest itself (RFC 8017, section 9.2, note 1). */
static const unsigned char sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

static int failed(const char *what, int r)
{
	ca_logf(CA_LOG_ERROR, "%s: GnuTLS: %s", what, gnutls_strerror(r));
	return r == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
}

gnutls_digest_algorithm_t ca_key_digest(enum ca_key_type type)
{
	switch (type) {
	case CA_KEY_RSA_2048:
	case CA_KEY_RSA_3072:
	case CA_KEY_RSA_4096:
	case CA_KEY_RSA_OTHER:
	case CA_KEY_EC_P256:
		return GNUTLS_DIG_SHA256;
	case CA_KEY_EC_P384:
		return GNUTLS_DIG_SHA384;
	case CA_KEY_ED25519:
	case CA_KEY_NONE:
		break;
	}
	return GNUTLS_DIG_UNKNOWN;
}

/* The back end checks what it signs. */
static int sign_by_backend(
    const struct ca_key *key, const gnutls_datum_t *hash, unsigned char *out, size_t *out_len)
{
	unsigned char info[sizeof(sha256_info) + CA_SHA256];
	size_t len = (key->bits + 7) / 8;
	int r;

	if (key->type == CA_KEY_EC_P256)
		return key->backend->sign_ecdsa(key->handle, hash->data, hash->size, out, out_len);
	memcpy(info, sha256_info, sizeof(sha256_info));
	memcpy(info + sizeof(sha256_info), hash->data, CA_SHA256);
	r = key->backend->sign_digest_info(key->handle, info, sizeof(info), out, len);
	if (!r)
		*out_len = len;
	return r;
}

static int sign_by_gnutls(const struct ca_key *key, gnutls_digest_algorithm_t digest,
    const gnutls_datum_t *hash, unsigned char *out, size_t *out_len)
{
	gnutls_sign_algorithm_t algorithm = gnutls_pk_to_sign(
	    (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(key->pubkey, NULL), digest);
	gnutls_datum_t signature = { NULL, 0 };
	int g, r = 0;

	g = gnutls_privkey_sign_hash2(key->privkey, algorithm, 0, hash, &signature);
	if (g < 0)
		return failed("signature", g);
	g = gnutls_pubkey_verify_hash2(key->pubkey, algorithm, 0, hash, &signature);
	if (g < 0) {
		r = failed("check of a signature just made", g);
	} else if (signature.size > CA_KEY_SIGNATURE_MAX) {
		r = CA_EINTERNAL;
	} else {
		memcpy(out, signature.data, signature.size);
		*out_len = signature.size;
	}
	gnutls_free(signature.data);
	return r;
}

int ca_key_sign(const struct ca_key *key, const unsigned char *data, size_t len,
    unsigned char out[CA_KEY_SIGNATURE_MAX], size_t *out_len)
{
	gnutls_digest_algorithm_t digest = ca_key_digest(key->type);
	unsigned char octets[DIGEST_MAX];
	gnutls_datum_t hash = { octets, 0 };
	int g;

	if (digest == GNUTLS_DIG_UNKNOWN)
		return CA_EKEYTYPE;
	hash.size = gnutls_hash_get_len(digest);
	g = gnutls_hash_fast(digest, data, len, octets);
	if (g < 0)
		return failed("digest", g);
	if (key->handle)
		return sign_by_backend(key, &hash, out, out_len);
	return sign_by_gnutls(key, digest, &hash, out, out_len);
}
