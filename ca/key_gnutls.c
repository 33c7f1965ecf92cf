/*
 * How GnuTLS sees a key: its own, or, for RSA, through gnutls_privkey_import_ext4(), a front to a
 * back end.
 * GnuTLS 3.7 and 3.8 ask such a front with sign_hash only: GNUTLS_SIGN_RSA_RAW and a ready
 * DigestInfo for PKCS#1 v1.5, an RSA-PSS algorithm and a digest for TLS 1.3; sign_data and the
 * other v1.5 algorithms are served so that nothing hangs on that.
 */
#include <gnutls/crypto.h>

#include "ca/base/log.h"
#include "ca/key_private.h"

const struct ca_key_backend ca_key_gnutls = { .name = "gnutls" };

static bool is_pss(gnutls_sign_algorithm_t algorithm)
{
	switch (algorithm) {
	case GNUTLS_SIGN_RSA_PSS_SHA256:
	case GNUTLS_SIGN_RSA_PSS_SHA384:
	case GNUTLS_SIGN_RSA_PSS_SHA512:
	case GNUTLS_SIGN_RSA_PSS_RSAE_SHA256:
	case GNUTLS_SIGN_RSA_PSS_RSAE_SHA384:
	case GNUTLS_SIGN_RSA_PSS_RSAE_SHA512:
		return true;
	default:
		return false;
	}
}

static bool is_pkcs1(gnutls_sign_algorithm_t algorithm)
{
	return algorithm == GNUTLS_SIGN_RSA_SHA256 || algorithm == GNUTLS_SIGN_RSA_SHA384 ||
	       algorithm == GNUTLS_SIGN_RSA_SHA512;
}

/* v1.5 over a digest that is not wrapped yet. */
static int sign_digest(const struct ca_key *key, gnutls_digest_algorithm_t digest,
    const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	gnutls_datum_t info = { NULL, 0 };
	int r = gnutls_encode_ber_digest_info(digest, hash, &info);

	if (r)
		return r;
	r = key->backend->sign_digest_info(
	    key->handle, info.data, info.size, signature->data, signature->size);
	gnutls_free(info.data);
	return r;
}

static int sign_hash(gnutls_privkey_t privkey, gnutls_sign_algorithm_t algorithm, void *userdata,
    unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	const struct ca_key *key = userdata;
	gnutls_digest_algorithm_t digest = gnutls_sign_get_hash_algorithm(algorithm);
	gnutls_datum_t out = { NULL, (key->bits + 7) / 8 };
	int r;

	(void)privkey;
	(void)flags;
	out.data = gnutls_malloc(out.size);
	if (!out.data)
		return GNUTLS_E_MEMORY_ERROR;
	if (algorithm == GNUTLS_SIGN_RSA_RAW)
		r = key->backend->sign_digest_info(
		    key->handle, hash->data, hash->size, out.data, out.size);
	else if (is_pss(algorithm))
		r = key->backend->sign_pss(
		    key->handle, digest, hash->data, hash->size, out.data, out.size);
	else if (is_pkcs1(algorithm))
		r = sign_digest(key, digest, hash, &out);
	else
		r = CA_EINVAL;
	if (r) {
		gnutls_free(out.data);
		return GNUTLS_E_PK_SIGN_FAILED;
	}
	*signature = out; /* transferred */
	return 0;
}

static int sign_data(gnutls_privkey_t privkey, gnutls_sign_algorithm_t algorithm, void *userdata,
    unsigned flags, const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	gnutls_digest_algorithm_t digest = gnutls_sign_get_hash_algorithm(algorithm);
	unsigned char octets[64];
	gnutls_datum_t hash = { octets, gnutls_hash_get_len(digest) };

	if (!is_pss(algorithm) && !is_pkcs1(algorithm))
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	if (gnutls_hash_fast(digest, data->data, data->size, octets))
		return GNUTLS_E_HASH_FAILED;
	return sign_hash(privkey, algorithm, userdata, flags, &hash, signature);
}

static int info(gnutls_privkey_t privkey, unsigned flags, void *userdata)
{
	const struct ca_key *key = userdata;
	gnutls_sign_algorithm_t algorithm =
	    (gnutls_sign_algorithm_t)GNUTLS_FLAGS_TO_SIGN_ALGO(flags);

	(void)privkey;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return GNUTLS_PK_RSA;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)key->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_SIGN_ALGO)
		return GNUTLS_SIGN_RSA_SHA256;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return algorithm == GNUTLS_SIGN_RSA_RAW || is_pss(algorithm) || is_pkcs1(algorithm);
	return -1;
}

int ca_key_attach(struct ca_key *key)
{
	int r = gnutls_privkey_init(&key->privkey);

	if (!r && key->handle && key->type != CA_KEY_EC_P256)
		r = gnutls_privkey_import_ext4(
		    key->privkey, key, sign_data, sign_hash, NULL, NULL, info, 0);
	else if (!r)
		r = gnutls_privkey_import_x509(key->privkey, key->x509, 0);
	if (r) {
		ca_logf(CA_LOG_ERROR, "private key: GnuTLS: %s", gnutls_strerror(r));
		return r == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
	}
	return 0;
}
