#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "ca/base/log.h"
#include "ca/key_private.h"

static const struct {
	enum ca_key_type type;
	const char *text;
	gnutls_pk_algorithm_t pk; /* GNUTLS_PK_UNKNOWN: never generated */
	unsigned bits;
} types[] = {
	{ CA_KEY_RSA_2048, "rsa:2048", GNUTLS_PK_RSA, 2048 },
	{ CA_KEY_RSA_3072, "rsa:3072", GNUTLS_PK_RSA, 3072 },
	{ CA_KEY_RSA_4096, "rsa:4096", GNUTLS_PK_RSA, 4096 },
	{ CA_KEY_RSA_OTHER, "rsa", GNUTLS_PK_UNKNOWN, 0 },
	{ CA_KEY_EC_P256, "ec:p256", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
	{ CA_KEY_EC_P384, "ec:p384", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
	{ CA_KEY_ED25519, "ed25519", GNUTLS_PK_EDDSA_ED25519,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519) },
};

#define TYPES (sizeof(types) / sizeof(*types))

static int failed(const char *what, int r)
{
	ca_logf(CA_LOG_ERROR, "%s: GnuTLS: %s", what, gnutls_strerror(r));
	return r == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
}

const char *ca_key_type_text(enum ca_key_type type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].type == type)
			return types[i].text;
	return "none";
}

enum ca_key_type ca_key_type_parse(const char *text)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].pk != GNUTLS_PK_UNKNOWN && strcmp(types[i].text, text) == 0)
			return types[i].type;
	return CA_KEY_NONE;
}

static enum ca_key_type rsa_type(unsigned bits)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].pk == GNUTLS_PK_RSA && types[i].bits == bits)
			return types[i].type;
	return bits >= CA_KEY_RSA_BITS_MIN && bits <= CA_KEY_RSA_BITS_MAX ? CA_KEY_RSA_OTHER
									  : CA_KEY_NONE;
}

enum ca_key_type ca_key_type_of(gnutls_pubkey_t pubkey)
{
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
	unsigned bits = 0;

	switch (gnutls_pubkey_get_pk_algorithm(pubkey, &bits)) {
	case GNUTLS_PK_RSA:
		return rsa_type(bits);
	case GNUTLS_PK_ECDSA:
		if (gnutls_pubkey_export_ecc_raw2(pubkey, &curve, NULL, NULL, 0))
			return CA_KEY_NONE;
		if (curve == GNUTLS_ECC_CURVE_SECP256R1)
			return CA_KEY_EC_P256;
		return curve == GNUTLS_ECC_CURVE_SECP384R1 ? CA_KEY_EC_P384 : CA_KEY_NONE;
	case GNUTLS_PK_EDDSA_ED25519:
		return CA_KEY_ED25519;
	default:
		return CA_KEY_NONE;
	}
}

/* The public half of a GnuTLS private key. */
static int public_half(gnutls_x509_privkey_t x509, gnutls_pubkey_t *out)
{
	gnutls_privkey_t privkey = NULL;
	gnutls_pubkey_t pubkey = NULL;
	int r = gnutls_privkey_init(&privkey);

	if (!r)
		r = gnutls_privkey_import_x509(privkey, x509, 0);
	if (!r)
		r = gnutls_pubkey_init(&pubkey);
	if (!r)
		r = gnutls_pubkey_import_privkey(pubkey, privkey, 0, 0);
	gnutls_privkey_deinit(privkey);
	if (r) {
		gnutls_pubkey_deinit(pubkey);
		return failed("public key", r);
	}
	*out = pubkey; /* transferred */
	return 0;
}

static int backend_open(struct ca_key *key, const struct ca_key_backend *backend)
{
	struct ca_buf der = CA_BUF_INIT;
	int r = ca_key_export(key, &der);

	if (!r)
		r = backend->open(der.data, der.len, &key->handle);
	if (!r)
		key->backend = backend;
	ca_buf_free(&der);
	return r;
}

/* x509 is transferred, also on failure. */
static int wrap(
    const struct ca_key_backend *backend, gnutls_x509_privkey_t x509, struct ca_key **out)
{
	struct ca_key *key = calloc(1, sizeof(*key));
	int r = CA_ENOMEM;
	bool is_rsa;

	if (!key) {
		gnutls_x509_privkey_deinit(x509);
		return r;
	}
	key->x509 = x509; /* transferred */
	key->backend = &ca_key_gnutls;
	r = public_half(x509, &key->pubkey);
	if (r)
		goto out;
	key->type = ca_key_type_of(key->pubkey);
	r = CA_EKEYTYPE;
	if (key->type == CA_KEY_NONE)
		goto out;
	is_rsa = gnutls_pubkey_get_pk_algorithm(key->pubkey, &key->bits) == GNUTLS_PK_RSA;
	if (backend->open && (is_rsa || key->type == CA_KEY_EC_P256)) {
		r = backend_open(key, backend);
		if (r)
			goto out;
	}
	r = ca_key_attach(key);
	if (r)
		goto out;
	*out = key;
	key = NULL; /* transferred */
out:
	ca_key_free(key);
	return r;
}

int ca_key_generate(enum ca_key_type type, struct ca_key **out)
{
	gnutls_x509_privkey_t x509 = NULL;
	size_t i = 0;
	int r;

	while (i < TYPES && (types[i].type != type || types[i].pk == GNUTLS_PK_UNKNOWN))
		i++;
	if (i == TYPES)
		return CA_EKEYTYPE;
	r = gnutls_x509_privkey_init(&x509);
	if (!r)
		r = gnutls_x509_privkey_generate(x509, types[i].pk, types[i].bits, 0);
	if (r) {
		gnutls_x509_privkey_deinit(x509);
		return failed("key generation", r);
	}
	return wrap(&ca_key_gnutls, x509, out);
}

int ca_key_open(const struct ca_key_backend *backend, const unsigned char *pkcs8, size_t len,
    struct ca_key **out)
{
	gnutls_datum_t data = { NULL, (unsigned)len };
	gnutls_x509_privkey_t x509 = NULL;
	union {
		const unsigned char *in;
		unsigned char *out;
	} cast = { pkcs8 }; /* gnutls_datum_t has no const form */
	int r;

	if (len == 0 || len > CA_KEY_PEM_MAX)
		return CA_EINVAL;
	data.data = cast.out;
	r = gnutls_x509_privkey_init(&x509);
	if (r)
		return failed("private key", r);
	r = gnutls_x509_privkey_import_pkcs8(
	    x509, &data, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
	if (r) {
		gnutls_x509_privkey_deinit(x509);
		return r == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINVAL;
	}
	return wrap(backend, x509, out);
}

int ca_key_open_pem(
    const struct ca_key_backend *backend, const char *pem, size_t len, struct ca_key **out)
{
	gnutls_x509_privkey_t x509 = NULL;
	gnutls_datum_t data = { NULL, 0 };
	char *copy;
	int r;

	if (len == 0 || len > CA_KEY_PEM_MAX || memchr(pem, '\0', len))
		return CA_EINVAL;
	copy = strndup(pem, len);
	r = copy ? gnutls_x509_privkey_init(&x509) : GNUTLS_E_MEMORY_ERROR;
	if (!r) {
		data.data = (unsigned char *)copy;
		data.size = (unsigned)len;
		r = gnutls_x509_privkey_import2(
		    x509, &data, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	}
	if (copy)
		ca_wipe(copy, len);
	free(copy);
	if (r) {
		gnutls_x509_privkey_deinit(x509);
		return r == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINVAL;
	}
	return wrap(backend, x509, out);
}

void ca_key_free(struct ca_key *key)
{
	if (!key)
		return;
	gnutls_privkey_deinit(key->privkey);
	gnutls_pubkey_deinit(key->pubkey);
	gnutls_x509_privkey_deinit(key->x509); /* wipes */
	if (key->handle)
		key->backend->close(key->handle);
	free(key);
}

static int export(const struct ca_key *key, gnutls_x509_crt_fmt_t format, struct ca_buf *out)
{
	gnutls_datum_t data = { NULL, 0 };
	int r =
	    gnutls_x509_privkey_export2_pkcs8(key->x509, format, NULL, GNUTLS_PKCS_PLAIN, &data);

	if (r)
		return failed("key export", r);
	ca_buf_add(out, data.data, data.size);
	ca_wipe(data.data, data.size);
	gnutls_free(data.data);
	return ca_buf_error(out);
}

int ca_key_export(const struct ca_key *key, struct ca_buf *der)
{
	return export(key, GNUTLS_X509_FMT_DER, der);
}

int ca_key_export_pem(const struct ca_key *key, struct ca_buf *pem)
{
	return export(key, GNUTLS_X509_FMT_PEM, pem);
}

enum ca_key_type ca_key_type(const struct ca_key *key)
{
	return key->type;
}

const char *ca_key_backend_name(const struct ca_key *key)
{
	return key->backend->name;
}

gnutls_privkey_t ca_key_privkey(const struct ca_key *key)
{
	return key->privkey;
}

gnutls_pubkey_t ca_key_pubkey(const struct ca_key *key)
{
	return key->pubkey;
}

int ca_pubkey_spki_sha256(gnutls_pubkey_t pubkey, unsigned char out[CA_SHA256])
{
	gnutls_datum_t der = { NULL, 0 };
	int r = gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_DER, &der);

	if (!r)
		r = gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, out);
	gnutls_free(der.data);
	return r ? failed("public key export", r) : 0;
}

int ca_key_spki_sha256(const struct ca_key *key, unsigned char out[CA_SHA256])
{
	return ca_pubkey_spki_sha256(key->pubkey, out);
}

int ca_key_selftest(const struct ca_key *key)
{
	unsigned char text[] = "does this key sign?";
	gnutls_datum_t data = { text, sizeof(text) }, signature = { NULL, 0 };
	gnutls_digest_algorithm_t digest;
	gnutls_sign_algorithm_t algorithm;
	int r = gnutls_pubkey_get_preferred_hash_algorithm(key->pubkey, &digest, NULL);

	if (!r) {
		algorithm = gnutls_pk_to_sign(
		    (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(key->pubkey, NULL),
		    digest);
		r = gnutls_privkey_sign_data2(key->privkey, algorithm, 0, &data, &signature);
	}
	if (!r)
		r = gnutls_pubkey_verify_data2(key->pubkey, algorithm, 0, &data, &signature);
	gnutls_free(signature.data);
	return r < 0 ? failed("key self-test", r) : 0;
}
