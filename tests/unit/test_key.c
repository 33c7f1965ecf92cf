#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <openssl/bn.h>
#include <openssl/err.h>

#include "ca/base/file.h"
#include "ca/key.h"
#include "ca/key_check.h"
#include "tests/unit/support.h"

/* Made once: an RSA key, opened with either back end. */
static struct ca_buf rsa_der;
static struct ca_key *by_gnutls, *by_libcrypto;

static int setup(void **state)
{
	struct ca_key *key = NULL;

	(void)state;
	assert_int_equal(ca_key_generate(CA_KEY_RSA_2048, &key), 0);
	assert_string_equal(ca_key_backend_name(key), "gnutls");
	assert_int_equal(ca_key_export(key, &rsa_der), 0);
	ca_key_free(key);
	assert_int_equal(ca_key_open(&ca_key_gnutls, rsa_der.data, rsa_der.len, &by_gnutls), 0);
	assert_int_equal(
	    ca_key_open(&ca_key_libcrypto, rsa_der.data, rsa_der.len, &by_libcrypto), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ca_key_free(by_gnutls);
	ca_key_free(by_libcrypto);
	ca_buf_free(&rsa_der);
	return 0;
}

static void test_type_text(void **state)
{
	static const char *const generated[] = { "rsa:2048", "rsa:3072", "rsa:4096", "ec:p256",
		"ec:p384", "ed25519" };

	(void)state;
	for (size_t i = 0; i < sizeof(generated) / sizeof(*generated); i++)
		assert_string_equal(
		    ca_key_type_text(ca_key_type_parse(generated[i])), generated[i]);
	assert_string_equal(ca_key_type_text(CA_KEY_RSA_OTHER), "rsa");
	assert_non_null(ca_key_type_text(CA_KEY_NONE));
	assert_int_equal(ca_key_type_parse("rsa"), CA_KEY_NONE);
	assert_int_equal(ca_key_type_parse("rsa:1024"), CA_KEY_NONE);
	assert_int_equal(ca_key_type_parse(""), CA_KEY_NONE);
	assert_int_equal(ca_key_type_parse("EC:P256"), CA_KEY_NONE);
}

static int check_spki(
    const unsigned char *spki, size_t len, enum ca_key_type *type, struct ca_detail *why)
{
	EVP_PKEY *pkey = NULL;
	int r = ca_key_check_public(spki, len, type, &pkey, why);

	assert_true((r == 0) == (pkey != NULL));
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(pkey);
	return r;
}

static int check_public(gnutls_pubkey_t pubkey, enum ca_key_type *type, struct ca_detail *why)
{
	gnutls_datum_t spki;
	int r;

	assert_int_equal(gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_DER, &spki), 0);
	r = check_spki(spki.data, spki.size, type, why);
	gnutls_free(spki.data);
	return r;
}

/* Every type: made, exported, opened again by both back ends, the same key, and it signs. */
static void test_generate_and_open(void **state)
{
	static const enum ca_key_type types[] = { CA_KEY_RSA_2048, CA_KEY_RSA_3072, CA_KEY_EC_P256,
		CA_KEY_EC_P384, CA_KEY_ED25519 };
	static const struct ca_key_backend *const backends[] = { &ca_key_gnutls,
		&ca_key_libcrypto };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct ca_buf der = CA_BUF_INIT, pem = CA_BUF_INIT;
		unsigned char hash[CA_SHA256], again[CA_SHA256];
		struct ca_key *key = NULL, *copy = NULL;
		enum ca_key_type checked = CA_KEY_NONE;
		bool served = types[i] != CA_KEY_EC_P384 && types[i] != CA_KEY_ED25519;

		assert_int_equal(ca_key_generate(types[i], &key), 0);
		assert_int_equal(ca_key_type(key), types[i]);
		assert_int_equal(ca_key_selftest(key), 0);
		assert_int_equal(check_public(ca_key_pubkey(key), &checked, NULL), 0);
		assert_int_equal(checked, types[i]);
		assert_int_equal(ca_key_export(key, &der), 0);
		assert_int_equal(ca_key_export_pem(key, &pem), 0);
		assert_int_equal(ca_key_spki_sha256(key, hash), 0);
		for (size_t b = 0; b < 2; b++) {
			assert_int_equal(ca_key_open(backends[b], der.data, der.len, &copy), 0);
			assert_int_equal(ca_key_type(copy), types[i]);
			assert_string_equal(ca_key_backend_name(copy),
			    served ? backends[b]->name : ca_key_gnutls.name);
			assert_int_equal(ca_key_selftest(copy), 0);
			assert_int_equal(ca_key_spki_sha256(copy, again), 0);
			assert_memory_equal(hash, again, CA_SHA256);
			ca_key_free(copy);
			assert_int_equal(
			    ca_key_open_pem(backends[b], ca_buf_text(&pem), pem.len, &copy), 0);
			assert_int_equal(ca_key_spki_sha256(copy, again), 0);
			assert_memory_equal(hash, again, CA_SHA256);
			ca_key_free(copy);
		}
		ca_buf_free(&der);
		ca_buf_free(&pem);
		ca_key_free(key);
	}
}

/* What a CA signs: each kind of key with either back end, verified by GnuTLS. */
static void test_sign(void **state)
{
	static const struct {
		enum ca_key_type type;
		gnutls_sign_algorithm_t algorithm;
	} rows[] = {
		{ CA_KEY_RSA_2048, GNUTLS_SIGN_RSA_SHA256 },
		{ CA_KEY_RSA_3072, GNUTLS_SIGN_RSA_SHA256 },
		{ CA_KEY_EC_P256, GNUTLS_SIGN_ECDSA_SHA256 },
		{ CA_KEY_EC_P384, GNUTLS_SIGN_ECDSA_SHA384 },
	};
	unsigned char text[] = "a text to be signed", out[CA_KEY_SIGNATURE_MAX];
	const gnutls_datum_t data = { text, sizeof(text) };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct ca_buf der = CA_BUF_INIT;
		struct ca_key *made = NULL, *key = NULL;
		gnutls_datum_t signature = { out, 0 };
		size_t len = 0;

		assert_int_equal(ca_key_generate(rows[i / 2].type, &made), 0);
		assert_int_equal(ca_key_export(made, &der), 0);
		assert_int_equal(ca_key_open(i % 2 ? &ca_key_libcrypto : &ca_key_gnutls, der.data,
				     der.len, &key),
		    0);
		assert_int_equal(ca_key_sign(key, text, sizeof(text), out, &len), 0);
		signature.size = (unsigned)len;
		assert_int_equal(gnutls_pubkey_verify_data2(ca_key_pubkey(made),
				     rows[i / 2].algorithm, 0, &data, &signature),
		    0);
		ca_key_free(made);
		ca_key_free(key);
		ca_buf_free(&der);
	}
}

static void test_sign_refused(void **state)
{
	unsigned char out[CA_KEY_SIGNATURE_MAX] = { 0 };
	struct ca_key *key = NULL;
	size_t len = 77;

	(void)state;
	assert_int_equal(ca_key_digest(CA_KEY_ED25519), GNUTLS_DIG_UNKNOWN);
	assert_int_equal(ca_key_digest(CA_KEY_NONE), GNUTLS_DIG_UNKNOWN);
	assert_int_equal(ca_key_generate(CA_KEY_ED25519, &key), 0);
	assert_int_equal(ca_key_sign(key, out, 1, out, &len), CA_EKEYTYPE);
	assert_int_equal(len, 77);
	ca_key_free(key);
}

/* A private key that is said to be another's: what it signs is never handed out. */
static void test_sign_checks(void **state)
{
	static const enum ca_key_type types[] = { CA_KEY_EC_P256, CA_KEY_EC_P384 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		gnutls_datum_t n[6] = { { NULL, 0 } }; /* x y k, twice */
		unsigned char out[CA_KEY_SIGNATURE_MAX] = { 0 };
		struct ca_key *one = NULL, *other = NULL, *key = NULL;
		gnutls_x509_privkey_t mixed = NULL;
		gnutls_datum_t der = { NULL, 0 };
		gnutls_ecc_curve_t curve;
		size_t len = 77;

		assert_int_equal(ca_key_generate(types[i / 2], &one), 0);
		assert_int_equal(ca_key_generate(types[i / 2], &other), 0);
		assert_int_equal(gnutls_privkey_export_ecc_raw2(
				     ca_key_privkey(one), &curve, &n[0], &n[1], &n[2], 0),
		    0);
		assert_int_equal(gnutls_privkey_export_ecc_raw2(
				     ca_key_privkey(other), &curve, &n[3], &n[4], &n[5], 0),
		    0);
		assert_int_equal(gnutls_x509_privkey_init(&mixed), 0);
		assert_int_equal(
		    gnutls_x509_privkey_import_ecc_raw(mixed, curve, &n[0], &n[1], &n[5]), 0);
		assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
				     mixed, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &der),
		    0);
		assert_int_equal(ca_key_open(i % 2 ? &ca_key_libcrypto : &ca_key_gnutls, der.data,
				     der.size, &key),
		    0);
		assert_int_equal(ca_key_sign(key, out, 10, out, &len), CA_EINTERNAL);
		assert_int_equal(len, 77);
		for (size_t j = 0; j < 6; j++)
			gnutls_free(n[j].data);
		gnutls_x509_privkey_deinit(mixed);
		gnutls_free(der.data);
		ca_key_free(one);
		ca_key_free(other);
		ca_key_free(key);
	}
}

/* The number in the key's DER with one bit wrong. */
static void break_number(struct ca_buf *der, const gnutls_datum_t *number)
{
	unsigned char *at = memmem(der->data, der->len, number->data, number->size);

	assert_non_null(at);
	at[number->size / 2] ^= 4;
}

/*
 * A fault in one half of the CRT, here for good: what comes out is a good signature or none, for a
 * bad one would give the key away.
 */
static void test_fault(void **state)
{
	gnutls_datum_t n[8] = { { NULL, 0 } }; /* m e d p q u e1 e2 */
	unsigned char info[51] = { 0x30 }, good[256], out[256];
	gnutls_x509_privkey_t x509 = NULL;

	(void)state;
	assert_int_equal(gnutls_privkey_export_x509(ca_key_privkey(by_gnutls), &x509), 0);
	assert_int_equal(gnutls_x509_privkey_export_rsa_raw2(
			     x509, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]),
	    0);
	for (size_t i = 4; i < 8; i++) {
		struct ca_buf der = CA_BUF_INIT;
		void *key = NULL;
		int r;

		ca_buf_add(&der, rsa_der.data, rsa_der.len);
		if (i > 4)
			break_number(&der, &n[i]);
		assert_int_equal(ca_key_libcrypto.open(der.data, der.len, &key), 0);
		r = ca_key_libcrypto.sign_digest_info(key, info, sizeof(info), out, sizeof(out));
		if (i == 4) {
			assert_int_equal(r, 0);
			memcpy(good, out, sizeof(good));
		}
		if (!r)
			assert_memory_equal(out, good, sizeof(good));
		ca_key_libcrypto.close(key);
		ca_buf_free(&der);
	}
	for (size_t i = 0; i < 8; i++)
		gnutls_free(n[i].data);
	gnutls_x509_privkey_deinit(x509);
}

static void test_cannot_be_generated(void **state)
{
	struct ca_key *key = NULL;

	(void)state;
	assert_int_equal(ca_key_generate(CA_KEY_NONE, &key), CA_EKEYTYPE);
	assert_int_equal(ca_key_generate(CA_KEY_RSA_OTHER, &key), CA_EKEYTYPE);
	assert_int_equal(ca_key_generate((enum ca_key_type)99, &key), CA_EKEYTYPE);
	assert_null(key);
	ca_key_free(NULL);
}

/* What openssl writes in its several forms opens, and what Mica writes opens there. */
static void test_pem_of_others(void **state)
{
	static const struct {
		const char *command;
		int expected;
	} rows[] = {
		{ "openssl genrsa -traditional 2048", 0 },
		{ "openssl genrsa 2048", 0 },
		{ "openssl ecparam -genkey -name prime256v1 -noout", 0 },
		{ "openssl ecparam -genkey -name secp384r1",
		    0 }, /* parameters stand before the key */
		{ "openssl genpkey -algorithm ed25519", 0 },
		{ "openssl genrsa 1024", CA_EKEYTYPE },
		{ "openssl ecparam -genkey -name secp521r1 -noout", CA_EKEYTYPE },
		{ "openssl ecparam -genkey -name secp256k1 -noout", CA_EINVAL },
		{ "openssl genpkey -algorithm ed448", CA_EKEYTYPE },
		{ "openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048", CA_EKEYTYPE },
		{ "openssl genrsa -aes128 -passout pass:secret 2048", CA_EINVAL },
		{ "openssl genrsa -traditional -aes128 -passout pass:secret 2048", CA_EINVAL },
		{ "openssl genrsa 2048 | openssl pkey -pubout", CA_EINVAL },
		{ "echo hello", CA_EINVAL },
		{ "true", CA_EINVAL },
		{ "echo -----BEGIN PRIVATE KEY-----; echo AAAA; echo -----END PRIVATE KEY-----",
		    CA_EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ca_buf pem = CA_BUF_INIT;
		struct ca_key *key = NULL;
		int r;

		support_run(&pem, "(%s) 2>/dev/null", rows[i].command);
		r = ca_key_open_pem(&ca_key_libcrypto, ca_buf_text(&pem), pem.len, &key);
		if (r != rows[i].expected)
			fail_msg("%s: %d, not %d", rows[i].command, r, rows[i].expected);
		if (!r)
			assert_int_equal(ca_key_selftest(key), 0);
		else
			assert_null(key);
		ca_key_free(key);
		ca_buf_free(&pem);
	}
}

static void test_broken_der(void **state)
{
	struct ca_key *key = NULL;
	unsigned char *copy;

	(void)state;
	assert_int_equal(ca_key_open(&ca_key_libcrypto, rsa_der.data, 0, &key), CA_EINVAL);
	assert_int_equal(
	    ca_key_open(&ca_key_libcrypto, rsa_der.data, CA_KEY_PEM_MAX + 1, &key), CA_EINVAL);
	for (size_t len = 1; len < rsa_der.len; len += 7)
		assert_int_equal(
		    ca_key_open(&ca_key_libcrypto, rsa_der.data, len, &key), CA_EINVAL);
	copy = malloc(rsa_der.len);
	assert_non_null(copy);
	for (size_t i = 0; i < rsa_der.len; i += 11) {
		memcpy(copy, rsa_der.data, rsa_der.len);
		copy[i] ^= 0x10;
		if (ca_key_open(&ca_key_libcrypto, copy, rsa_der.len, &key))
			continue;
		/* Signatures of a private half that does not fit the modulus do not leave. */
		if (i > 40 && i < 290) {
			gnutls_datum_t data = { copy, 10 }, out = { NULL, 0 };

			assert_true(gnutls_privkey_sign_data2(ca_key_privkey(key),
					GNUTLS_SIGN_RSA_SHA256, 0, &data, &out) < 0);
			assert_null(out.data);
			assert_int_equal(ca_key_selftest(key), CA_EINTERNAL);
		}
		ca_key_free(key);
		key = NULL;
	}
	free(copy);
	assert_null(key);
}

static gnutls_datum_t sign_with(
    const struct ca_key *key, gnutls_sign_algorithm_t algorithm, bool data, const char *text)
{
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
	gnutls_datum_t out = { NULL, 0 };
	unsigned char octets[64];

	if (data) {
		assert_int_equal(
		    gnutls_privkey_sign_data2(ca_key_privkey(key), algorithm, 0, &in, &out), 0);
	} else {
		gnutls_datum_t hash = { octets, 0 };
		gnutls_digest_algorithm_t digest = gnutls_sign_get_hash_algorithm(algorithm);

		assert_int_equal(gnutls_hash_fast(digest, in.data, in.size, octets), 0);
		hash.size = gnutls_hash_get_len(digest);
		assert_int_equal(
		    gnutls_privkey_sign_hash2(ca_key_privkey(key), algorithm, 0, &hash, &out), 0);
	}
	assert_int_equal(out.size, 256);
	return out;
}

static void test_pkcs1_is_the_same(void **state)
{
	static const gnutls_sign_algorithm_t algorithms[] = { GNUTLS_SIGN_RSA_SHA256,
		GNUTLS_SIGN_RSA_SHA384, GNUTLS_SIGN_RSA_SHA512 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		gnutls_sign_algorithm_t algorithm = algorithms[i / 2];
		gnutls_datum_t a = sign_with(by_gnutls, algorithm, i % 2, "one text");
		gnutls_datum_t b = sign_with(by_libcrypto, algorithm, i % 2, "one text");
		gnutls_datum_t c = sign_with(by_libcrypto, algorithm, i % 2, "another");

		assert_memory_equal(a.data, b.data, 256);
		assert_memory_not_equal(a.data, c.data, 256);
		gnutls_free(a.data);
		gnutls_free(b.data);
		gnutls_free(c.data);
	}
}

static void test_pss_verifies(void **state)
{
	static const gnutls_sign_algorithm_t algorithms[] = { GNUTLS_SIGN_RSA_PSS_SHA256,
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384,
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA512 };
	unsigned char text[] = "one text";
	gnutls_datum_t data = { text, sizeof(text) - 1 };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		gnutls_sign_algorithm_t algorithm = algorithms[i / 2];
		gnutls_datum_t signature =
		    sign_with(by_libcrypto, algorithm, i % 2, (const char *)text);

		assert_true(gnutls_pubkey_verify_data2(
				ca_key_pubkey(by_gnutls), algorithm, 0, &data, &signature) >= 0);
		signature.data[100] ^= 1;
		assert_true(gnutls_pubkey_verify_data2(
				ca_key_pubkey(by_gnutls), algorithm, 0, &data, &signature) < 0);
		gnutls_free(signature.data);
	}
}

/* Algorithms that the front does not know are refused, not signed as something else. */
static void test_other_algorithms_refused(void **state)
{
	static const gnutls_sign_algorithm_t algorithms[] = { GNUTLS_SIGN_ECDSA_SHA256,
		GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_SIGN_DSA_SHA256 };
	unsigned char octets[32] = { 1 };
	gnutls_datum_t hash = { octets, sizeof(octets) }, out = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		assert_true(gnutls_privkey_sign_hash2(
				ca_key_privkey(by_libcrypto), algorithms[i], 0, &hash, &out) < 0);
		assert_true(gnutls_privkey_sign_data2(
				ca_key_privkey(by_libcrypto), algorithms[i], 0, &hash, &out) < 0);
		assert_null(out.data);
	}
	hash.size = 20; /* a digest of the wrong length */
	assert_true(gnutls_privkey_sign_hash2(ca_key_privkey(by_libcrypto),
			GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 0, &hash, &out) < 0);
}

/* ---- certificates and handshakes through the front ---- */

static gnutls_x509_crt_t make_certificate(const struct ca_key *key, bool ca)
{
	time_t now = time(NULL);
	gnutls_x509_crt_t crt;

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(crt, "\x01\x02", 2), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(crt, now - 60), 0);
	assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, now + 3600), 0);
	assert_int_equal(
	    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "web.internal", 12),
	    0);
	assert_int_equal(gnutls_x509_crt_set_pubkey(crt, ca_key_pubkey(key)), 0);
	assert_int_equal(gnutls_x509_crt_set_basic_constraints(crt, ca, -1), 0);
	assert_int_equal(gnutls_x509_crt_set_key_usage(
			     crt, ca ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE),
	    0);
	assert_int_equal(gnutls_x509_crt_set_subject_alt_name(
			     crt, GNUTLS_SAN_DNSNAME, "web.internal", 12, GNUTLS_FSAN_SET),
	    0);
	assert_int_equal(
	    gnutls_x509_crt_privkey_sign(crt, crt, ca_key_privkey(key), GNUTLS_DIG_SHA256, 0), 0);
	return crt;
}

static void test_certificate_verifies(void **state)
{
	gnutls_x509_crt_t crt = make_certificate(by_libcrypto, true);
	gnutls_datum_t pem = { NULL, 0 };
	char *dir = support_mkdir(), *path = support_path(dir, "ca.crt");

	(void)state;
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	assert_int_equal(ca_file_write(path, pem.data, pem.size, 0600, false), 0);
	assert_int_equal(
	    support_run(NULL, "openssl verify -check_ss_sig -CAfile %s %s 2>&1", path, path), 0);
	assert_int_equal(
	    support_run(
		NULL, "certtool --verify --load-ca-certificate %s --infile %s 2>&1", path, path),
	    0);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	free(path);
	support_rmdir(dir);
}

static gnutls_pcert_st server_pcert;
static const struct ca_key *server_key;

static int give_certificate(gnutls_session_t session, const gnutls_datum_t *names, int names_len,
    const gnutls_pk_algorithm_t *algorithms, int algorithms_len, gnutls_pcert_st **pcert,
    unsigned *pcert_len, gnutls_privkey_t *privkey)
{
	(void)session;
	(void)names;
	(void)names_len;
	(void)algorithms;
	(void)algorithms_len;
	*pcert = &server_pcert;
	*pcert_len = 1;
	*privkey = ca_key_privkey(server_key);
	return 0;
}

/* The two ends take turns on a socket pair. */
static int shake_hands(gnutls_session_t a, gnutls_session_t b)
{
	int ra = GNUTLS_E_AGAIN, rb = GNUTLS_E_AGAIN;

	for (int turn = 0; turn < 100; turn++) {
		if (ra == GNUTLS_E_AGAIN)
			ra = gnutls_handshake(a);
		if (rb == GNUTLS_E_AGAIN)
			rb = gnutls_handshake(b);
		if ((ra < 0 && gnutls_error_is_fatal(ra)) || (rb < 0 && gnutls_error_is_fatal(rb)))
			break;
		if (ra == 0 && rb == 0)
			return 0;
	}
	print_message("handshake: %s, %s\n", gnutls_strerror(ra), gnutls_strerror(rb));
	return -1;
}

static void check_handshake(const char *priority, gnutls_protocol_t version)
{
	gnutls_certificate_credentials_t server_cred, client_cred;
	gnutls_x509_crt_t crt = make_certificate(server_key, false);
	gnutls_session_t server, client;
	int fds[2];

	assert_int_equal(gnutls_pcert_import_x509(&server_pcert, crt, 0), 0);
	assert_int_equal(gnutls_certificate_allocate_credentials(&server_cred), 0);
	assert_int_equal(gnutls_certificate_allocate_credentials(&client_cred), 0);
	gnutls_certificate_set_retrieve_function2(server_cred, give_certificate);
	assert_int_equal(gnutls_certificate_set_x509_trust(client_cred, &crt, 1), 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
	assert_int_equal(gnutls_init(&client, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
	assert_int_equal(gnutls_priority_set_direct(server, priority, NULL), 0);
	assert_int_equal(gnutls_priority_set_direct(client, priority, NULL), 0);
	assert_int_equal(gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, server_cred), 0);
	assert_int_equal(gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, client_cred), 0);
	gnutls_session_set_verify_cert(client, "web.internal", 0);
	gnutls_transport_set_int(server, fds[0]);
	gnutls_transport_set_int(client, fds[1]);
	assert_int_equal(shake_hands(client, server), 0);
	assert_int_equal(gnutls_protocol_get_version(client), version);
	gnutls_deinit(server);
	gnutls_deinit(client);
	close(fds[0]);
	close(fds[1]);
	gnutls_certificate_free_credentials(server_cred);
	gnutls_certificate_free_credentials(client_cred);
	gnutls_pcert_deinit(&server_pcert);
	gnutls_x509_crt_deinit(crt);
}

static void test_handshakes(void **state)
{
	(void)state;
	server_key = by_libcrypto;
	check_handshake("NORMAL:-VERS-ALL:+VERS-TLS1.3", GNUTLS_TLS1_3);
	check_handshake("NORMAL:-VERS-ALL:+VERS-TLS1.2", GNUTLS_TLS1_2);
}

#define THREADS 8
#define SIGNATURES 25

static void *sign_many(void *arg)
{
	const gnutls_datum_t *expected = arg;
	unsigned char text[] = "one text";
	gnutls_datum_t data = { text, sizeof(text) - 1 };

	for (int i = 0; i < SIGNATURES; i++) {
		gnutls_datum_t out = { NULL, 0 };
		bool pss = i % 5 == 4;
		int r = gnutls_privkey_sign_data2(ca_key_privkey(by_libcrypto),
		    pss ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_RSA_SHA256, 0, &data, &out);
		bool same = !r && out.size == expected->size &&
			    memcmp(out.data, expected->data, out.size) == 0;

		gnutls_free(out.data);
		if (r || same == pss)
			return arg; /* anything but NULL */
	}
	return NULL;
}

static void test_threads(void **state)
{
	gnutls_datum_t expected = sign_with(by_gnutls, GNUTLS_SIGN_RSA_SHA256, true, "one text");
	pthread_t threads[THREADS];
	void *result;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &expected), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	gnutls_free(expected.data);
}

/* ---- public keys that must not be certified ---- */

static int check_raw(const BIGNUM *n, unsigned long exponent, struct ca_detail *why)
{
	unsigned char n_octets[1024], e_octets[8];
	gnutls_datum_t n_data = { n_octets, 0 }, e_data = { e_octets, 0 };
	enum ca_key_type type = CA_KEY_NONE;
	BIGNUM *e = BN_new();
	gnutls_pubkey_t pubkey;
	int r;

	assert_non_null(e);
	assert_true(BN_set_word(e, exponent));
	n_data.size = (unsigned)BN_bn2bin(n, n_octets + 1) + 1;
	n_octets[0] = 0;
	e_data.size = (unsigned)BN_bn2bin(e, e_octets + 1) + 1;
	e_octets[0] = 0;
	assert_int_equal(gnutls_pubkey_init(&pubkey), 0);
	assert_int_equal(gnutls_pubkey_import_rsa_raw(pubkey, &n_data, &e_data), 0);
	why->text[0] = '\0';
	r = check_public(pubkey, &type, why);
	assert_true((r == 0) == (type != CA_KEY_NONE));
	gnutls_pubkey_deinit(pubkey);
	BN_free(e);
	return r;
}

static BIGNUM *good_modulus(const struct ca_key *key)
{
	gnutls_datum_t n, e;
	BIGNUM *bn;

	assert_int_equal(gnutls_pubkey_export_rsa_raw2(ca_key_pubkey(key), &n, &e, 0), 0);
	bn = BN_bin2bn(n.data, (int)n.size, NULL);
	assert_non_null(bn);
	gnutls_free(n.data);
	gnutls_free(e.data);
	return bn;
}

static void test_exponents_and_sizes(void **state)
{
	static const unsigned long exponents[] = { 1, 3, 17, 35, 65535, 65536, 65539, 4294967297 };
	static const struct {
		int bits;
		int expected;
	} sizes[] = { { 512, CA_EKEYWEAK }, { 1024, CA_EKEYWEAK }, { 2047, CA_EKEYWEAK },
		{ 4097, CA_EKEYTYPE }, { 8000, CA_EKEYTYPE } };
	BIGNUM *n = good_modulus(by_gnutls), *odd = BN_new();
	struct ca_detail why;

	(void)state;
	assert_int_equal(check_raw(n, 65537, &why), 0);
	for (size_t i = 0; i < sizeof(exponents) / sizeof(*exponents); i++) {
		assert_int_equal(check_raw(n, exponents[i], &why), CA_EKEYWEAK);
		assert_non_null(strstr(why.text, "exponent"));
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_true(BN_rand(odd, sizes[i].bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
		assert_int_equal(check_raw(odd, 65537, &why), sizes[i].expected);
		assert_non_null(strstr(why.text, "bits"));
	}
	BN_free(n);
	BN_free(odd);
}

static void test_small_factors(void **state)
{
	static const unsigned short factors[] = { 2, 3, 5, 7, 11, 101, 331, 499, 743, 751 };
	BIGNUM *n = BN_new();
	struct ca_detail why;

	(void)state;
	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
		/* Of bits enough for n to have 2048 or more; no other small factor, so that this
		 * one is seen. */
		for (bool alone = false; !alone;) {
			assert_true(BN_rand(n, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD));
			alone = true;
			for (unsigned p = 3; p <= 751 && alone; p += 2)
				alone = BN_mod_word(n, p) != 0;
		}
		assert_true(BN_mul_word(n, factors[i]));
		assert_int_equal(check_raw(n, 65537, &why), CA_EKEYWEAK);
		assert_non_null(strstr(why.text, factors[i] == 2 ? "even" : "divisible"));
	}
	BN_free(n);
}

/* n = a^2 - b^2 with b so that Fermat's method comes to a in about that many rounds. */
static int check_near_factors(unsigned rounds, struct ca_detail *why)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *a = BN_new(), *b = BN_new(), *n = BN_new(), *x = BN_new();
	int r;

	do {
		assert_true(BN_rand(a, 1024, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY));
		assert_true(!BN_is_odd(a) || BN_add_word(a, 1));
		/* The whole part of the root of 2 * a * rounds, bit by bit. */
		assert_true(BN_copy(x, a) != NULL && BN_mul_word(x, 2UL * rounds));
		BN_zero(b);
		for (int bit = 520; bit >= 0; bit--) {
			assert_true(BN_set_bit(b, bit) && BN_sqr(n, b, ctx));
			if (BN_cmp(n, x) > 0)
				assert_true(BN_clear_bit(b, bit));
		}
		assert_true(BN_set_bit(b, 0)); /* odd, so that n is odd */
		assert_true(BN_sqr(n, a, ctx) && BN_sqr(x, b, ctx) && BN_sub(n, n, x));
		r = check_raw(n, 65537, why);
	} while (strstr(why->text, "divisible"));
	BN_free(a);
	BN_free(b);
	BN_free(n);
	BN_free(x);
	BN_CTX_free(ctx);
	return r;
}

static void test_near_factors(void **state)
{
	BIGNUM *p = BN_new(), *n = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	struct ca_detail why;

	(void)state;
	for (unsigned rounds = 1; rounds <= 105; rounds += 2) {
		assert_int_equal(check_near_factors(rounds, &why), CA_EKEYWEAK);
		assert_non_null(strstr(why.text, "near"));
	}
	assert_int_equal(check_near_factors(130, &why), 0);
	/* p * p */
	do {
		assert_true(BN_rand(p, 1024, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD));
		assert_true(BN_sqr(n, p, ctx));
		assert_int_equal(check_raw(n, 65537, &why), CA_EKEYWEAK);
	} while (strstr(why.text, "divisible"));
	assert_non_null(strstr(why.text, "near"));
	BN_free(p);
	BN_free(n);
	BN_CTX_free(ctx);
}

/* A number of the form that the faulty generator made: k * M + (65537^a mod M), M the product of
 * the first 126 primes. */
static void roca_number(BIGNUM *out, BN_CTX *ctx)
{
	BIGNUM *m = BN_new(), *a = BN_new(), *k = BN_new(), *g = BN_new();
	unsigned count = 0;

	assert_true(BN_one(m) && BN_set_word(g, 65537));
	for (unsigned p = 2; count < 126; p++) {
		unsigned d = 2;

		while (d * d <= p && p % d != 0)
			d++;
		if (d * d > p) {
			assert_true(BN_mul_word(m, p));
			count++;
		}
	}
	assert_true(BN_rand(a, 250, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
	assert_true(BN_rand(k, 1026 - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY));
	assert_true(BN_mod_exp(out, g, a, m, ctx) && BN_mul(k, k, m, ctx) && BN_add(out, out, k));
	BN_free(m);
	BN_free(a);
	BN_free(k);
	BN_free(g);
}

static void test_roca(void **state)
{
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	struct ca_detail why;

	(void)state;
	for (int i = 0; i < 3; i++) {
		do {
			roca_number(p, ctx);
			roca_number(q, ctx);
			assert_true(BN_mul(n, p, q, ctx));
			assert_int_equal(check_raw(n, 65537, &why), CA_EKEYWEAK);
		} while (strstr(why.text, "divisible"));
		assert_non_null(strstr(why.text, "ROCA"));
	}
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_CTX_free(ctx);
}

/* Curves and their encodings, as openssl writes them. */
static void test_curves(void **state)
{
	static const struct {
		const char *curve, *options;
		int expected;
	} rows[] = {
		{ "prime256v1", "", 0 },
		{ "secp384r1", "", 0 },
		{ "secp521r1", "", CA_EKEYTYPE },
		{ "secp224r1", "", CA_EKEYTYPE },
		{ "secp256k1", "", CA_EKEYTYPE },
		{ "brainpoolP256r1", "", CA_EKEYTYPE },
		{ "prime256v1", "-ec_param_enc explicit", CA_EKEYTYPE },
		{ "prime256v1", "-ec_conv_form compressed", CA_EKEYTYPE },
		{ "prime256v1", "-ec_conv_form hybrid", CA_EKEYTYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum ca_key_type type = CA_KEY_NONE;
		struct ca_buf spki = CA_BUF_INIT;
		int r;

		assert_int_equal(support_run(&spki,
				     "openssl ecparam -genkey -name %s -noout 2>/dev/null |"
				     " openssl pkey -pubout -outform DER %s 2>/dev/null",
				     rows[i].curve, rows[i].options),
		    0);
		assert_true(spki.len > 0);
		r = check_spki(spki.data, spki.len, &type, NULL);
		if (r != rows[i].expected)
			fail_msg("%s %s: %d, not %d", rows[i].curve, rows[i].options, r,
			    rows[i].expected);
		assert_true((r == 0) == (type != CA_KEY_NONE));
		ca_buf_free(&spki);
	}
}

static gnutls_datum_t spki_of(enum ca_key_type type)
{
	struct ca_key *key = NULL;
	gnutls_datum_t spki;

	assert_int_equal(ca_key_generate(type, &key), 0);
	assert_int_equal(gnutls_pubkey_export2(ca_key_pubkey(key), GNUTLS_X509_FMT_DER, &spki), 0);
	ca_key_free(key);
	return spki;
}

static void test_point_off_the_curve(void **state)
{
	static const enum ca_key_type types[] = { CA_KEY_EC_P256, CA_KEY_EC_P384 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		gnutls_datum_t spki = spki_of(types[i]);
		enum ca_key_type type = CA_KEY_NONE;
		size_t point = types[i] == CA_KEY_EC_P256 ? 64 : 96; /* octets of x and y */

		assert_int_equal(check_spki(spki.data, spki.size, &type, NULL), 0);
		type = CA_KEY_NONE;
		spki.data[spki.size - 1] ^= 1;
		assert_int_equal(check_spki(spki.data, spki.size, &type, NULL), CA_EKEYWEAK);
		/* x and y no less than the prime; both 0 */
		memset(spki.data + spki.size - point, 0xff, point);
		assert_int_equal(check_spki(spki.data, spki.size, &type, NULL), CA_EKEYWEAK);
		memset(spki.data + spki.size - point, 0, point);
		assert_int_equal(check_spki(spki.data, spki.size, &type, NULL), CA_EKEYWEAK);
		assert_int_equal(type, CA_KEY_NONE);
		gnutls_free(spki.data);
	}
}

/* A key has one encoding, or a hash of it would not find it again. */
static void test_one_encoding(void **state)
{
	static const enum ca_key_type types[] = { CA_KEY_RSA_2048, CA_KEY_EC_P256, CA_KEY_EC_P384,
		CA_KEY_ED25519 };
	enum ca_key_type type;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		gnutls_datum_t spki = spki_of(types[i]);
		unsigned char *copy = malloc(spki.size + 2);
		size_t at;

		assert_non_null(copy);
		assert_int_equal(check_spki(spki.data, spki.size, &type, NULL), 0);
		memcpy(copy, spki.data, spki.size);
		copy[spki.size] = 0;
		assert_int_equal(check_spki(copy, spki.size + 1, &type, NULL), CA_ECSR);
		for (size_t cut = 0; cut < spki.size; cut++)
			assert_int_equal(check_spki(copy, cut, &type, NULL), CA_ECSR);
		/* a length in one octet more than it needs (X.690, section 10.1) */
		at = spki.data[1] & 0x80 ? (size_t)(spki.data[1] & 0x7f) : 0;
		copy[1] = (unsigned char)(0x80 | (at + 1));
		if (at == 0) {
			copy[2] = spki.data[1];
		} else {
			copy[2] = 0;
			memcpy(copy + 3, spki.data + 2, at);
		}
		memcpy(copy + 3 + at, spki.data + 2 + at, spki.size - 2 - at);
		assert_int_equal(check_spki(copy, spki.size + 1, &type, NULL), CA_ECSR);
		/* unused bits in the BIT STRING: its first octet precedes the key */
		memcpy(copy, spki.data, spki.size);
		at = spki.size - (types[i] == CA_KEY_ED25519      ? 33
				     : types[i] == CA_KEY_EC_P256 ? 66
				     : types[i] == CA_KEY_EC_P384 ? 98
								  : 271);
		assert_int_equal(copy[at], 0);
		copy[at] = 1;
		assert_int_not_equal(check_spki(copy, spki.size, &type, NULL), 0);
		gnutls_free(spki.data);
		free(copy);
	}
}

/* An RSA key whose NULL parameters are left out. */
static void test_without_null(void **state)
{
	static const unsigned char end[] = { 0x05, 0x00, 0x03, 0x82 };
	gnutls_datum_t spki = spki_of(CA_KEY_RSA_2048);
	unsigned char *null = memmem(spki.data, spki.size, end, sizeof(end));
	enum ca_key_type type;

	(void)state;
	assert_ptr_equal(null, spki.data + 17);
	memmove(null, null + 2, spki.size - 19);
	spki.data[3] -= 2; /* the whole */
	spki.data[5] -= 2; /* the algorithm */
	assert_int_equal(check_spki(spki.data, spki.size - 2, &type, NULL), CA_ECSR);
	gnutls_free(spki.data);
}

/* Parameters that an algorithm does not have, keys of another algorithm's size. */
static void test_odd_spki(void **state)
{
	static const struct {
		const char *name, *der;
		size_t len;
		int expected;
	} rows[] = {
		{ "Ed25519 of 31 octets",
		    "\x30\x29\x30\x05\x06\x03\x2b\x65\x70\x03\x20\x00"
		    "0123456789012345678901234567890",
		    43, CA_ECSR },
		{ "Ed25519 with NULL",
		    "\x30\x2c\x30\x07\x06\x03\x2b\x65\x70\x05\x00\x03\x21\x00"
		    "01234567890123456789012345678901",
		    46, CA_ECSR },
		{ "RSA of no numbers",
		    "\x30\x14\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x03"
		    "\x00"
		    "\x30\x00",
		    22, CA_ECSR },
		{ "RSA of 0 and 0",
		    "\x30\x1a\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x09"
		    "\x00"
		    "\x30\x06\x02\x01\x00\x02\x01\x00",
		    28, CA_EKEYWEAK },
		{ "RSA, negative",
		    "\x30\x1a\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x09"
		    "\x00"
		    "\x30\x06\x02\x01\x80\x02\x01\x03",
		    28, CA_ECSR },
		{ "EC without a curve",
		    "\x30\x0f\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x03\x02\x00\x04", 17,
		    CA_EKEYTYPE },
		{ "the point at infinity",
		    "\x30\x19\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
		    "\x3d"
		    "\x03\x01\x07\x03\x02\x00\x00",
		    27, CA_EKEYTYPE },
		{ "no point",
		    "\x30\x18\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
		    "\x3d"
		    "\x03\x01\x07\x03\x01\x00",
		    26, CA_EKEYTYPE },
		{ "an unknown algorithm", "\x30\x0a\x30\x04\x06\x02\x2a\x03\x03\x02\x00\x01", 12,
		    CA_EKEYTYPE },
		{ "nothing", "", 0, CA_ECSR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum ca_key_type type = CA_KEY_NONE;
		int r = check_spki((const unsigned char *)rows[i].der, rows[i].len, &type, NULL);

		if (r != rows[i].expected)
			fail_msg("%s: %d, not %d", rows[i].name, r, rows[i].expected);
		assert_int_equal(type, CA_KEY_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_text),
		cmocka_unit_test(test_generate_and_open),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_sign_refused),
		cmocka_unit_test(test_sign_checks),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_cannot_be_generated),
		cmocka_unit_test(test_pem_of_others),
		cmocka_unit_test(test_broken_der),
		cmocka_unit_test(test_pkcs1_is_the_same),
		cmocka_unit_test(test_pss_verifies),
		cmocka_unit_test(test_other_algorithms_refused),
		cmocka_unit_test(test_certificate_verifies),
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_exponents_and_sizes),
		cmocka_unit_test(test_small_factors),
		cmocka_unit_test(test_near_factors),
		cmocka_unit_test(test_roca),
		cmocka_unit_test(test_curves),
		cmocka_unit_test(test_point_off_the_curve),
		cmocka_unit_test(test_one_encoding),
		cmocka_unit_test(test_without_null),
		cmocka_unit_test(test_odd_spki),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
