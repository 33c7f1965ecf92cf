#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <openssl/err.h>

#include "ca/base/file.h"
#include "ca/csr.h"
#include "tests/unit/support.h"

static struct ca_key *rsa, *p256, *p384, *ed25519;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(ca_key_generate(CA_KEY_RSA_2048, &rsa), 0);
	assert_int_equal(ca_key_generate(CA_KEY_EC_P256, &p256), 0);
	assert_int_equal(ca_key_generate(CA_KEY_EC_P384, &p384), 0);
	assert_int_equal(ca_key_generate(CA_KEY_ED25519, &ed25519), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ca_key_free(rsa);
	ca_key_free(p256);
	ca_key_free(p384);
	ca_key_free(ed25519);
	return 0;
}

/* ---- a writer of requests that no library would write ---- */

enum { SEQUENCE = 0x30, SET = 0x31, INTEGER = 2, BIT_STRING = 3, OCTET_STRING = 4, UTF8 = 12 };
enum { EMAIL = 0x81, DNS = 0x82, DIRECTORY = 0xa4, URI = 0x86, IP = 0x87, REGISTERED = 0x88 };

static struct ca_buf tlv(unsigned char tag, const void *data, size_t len)
{
	struct ca_buf out = CA_BUF_INIT;

	ca_buf_add_byte(&out, tag);
	if (len > 255)
		ca_buf_add_byte(&out, 0x82);
	else if (len > 127)
		ca_buf_add_byte(&out, 0x81);
	if (len > 255)
		ca_buf_add_byte(&out, (unsigned char)(len >> 8));
	ca_buf_add_byte(&out, (unsigned char)len);
	ca_buf_add(&out, data, len);
	return out;
}

/* Append; the part is freed. */
static void put(struct ca_buf *out, struct ca_buf part)
{
	ca_buf_add(out, part.data, part.len);
	ca_buf_free(&part);
}

/* Wrap the content in a tag; the content is freed. */
static struct ca_buf wrap(unsigned char tag, struct ca_buf content)
{
	struct ca_buf out = tlv(tag, content.data, content.len);

	ca_buf_free(&content);
	return out;
}

static struct ca_buf text_tlv(unsigned char tag, const char *text)
{
	return tlv(tag, text, strlen(text));
}

/* Object identifiers, encoded. */
#define OID_CN "\x06\x03\x55\x04\x03"
#define OID_O "\x06\x03\x55\x04\x0a"
#define OID_SKI "\x06\x03\x55\x1d\x0e"
#define OID_KU "\x06\x03\x55\x1d\x0f"
#define OID_SAN "\x06\x03\x55\x1d\x11"
#define OID_BC "\x06\x03\x55\x1d\x13"
#define OID_EKU "\x06\x03\x55\x1d\x25"
#define OID_POLICIES "\x06\x03\x55\x1d\x20"
#define OID_EXTREQ "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define OID_CHALLENGE "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"
#define OID_MS_EXTREQ "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e"

/* RelativeDistinguishedName of one attribute; oid is encoded. */
static struct ca_buf rdn(const char *oid, unsigned char tag, const char *value, size_t len)
{
	struct ca_buf pair = CA_BUF_INIT;

	ca_buf_add_str(&pair, oid);
	put(&pair, tlv(tag, value, len));
	return wrap(SET, wrap(SEQUENCE, pair));
}

static struct ca_buf extension(const char *oid, bool critical, struct ca_buf value)
{
	struct ca_buf out = CA_BUF_INIT;

	ca_buf_add_str(&out, oid);
	if (critical)
		ca_buf_add(&out, "\x01\x01\xff", 3);
	put(&out, wrap(OCTET_STRING, value));
	return wrap(SEQUENCE, out);
}

/* An attribute whose values are given (a SET's content). */
static struct ca_buf attribute(const char *oid, struct ca_buf values)
{
	struct ca_buf out = CA_BUF_INIT;

	ca_buf_add_str(&out, oid);
	put(&out, wrap(SET, values));
	return wrap(SEQUENCE, out);
}

/* The parts of a request; empty: left out, or the usual. */
struct recipe {
	const struct ca_key *key;
	gnutls_sign_algorithm_t sign;
	struct ca_buf algorithm; /* as it is, for that of sign */
	unsigned char version;
	struct ca_buf rdns;
	struct ca_buf spki;
	struct ca_buf extensions; /* content of one Extensions */
	struct ca_buf attributes; /* as they are, beside that */
	bool no_attributes;       /* the [0] itself is missing */
	bool bad_signature;
	const char *trailing;
};

static struct ca_buf algorithm_der(gnutls_sign_algorithm_t sign)
{
	struct ca_buf out = CA_BUF_INIT;

	switch (sign) {
	case GNUTLS_SIGN_RSA_SHA1:
		ca_buf_add(&out, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00", 13);
		break;
	case GNUTLS_SIGN_RSA_MD5:
		ca_buf_add(&out, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00", 13);
		break;
	case GNUTLS_SIGN_RSA_SHA256:
		ca_buf_add(&out, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 13);
		break;
	case GNUTLS_SIGN_ECDSA_SHA1:
		ca_buf_add(&out, "\x06\x07\x2a\x86\x48\xce\x3d\x04\x01", 9);
		break;
	default:
		ca_buf_add(&out, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 10);
	}
	return wrap(SEQUENCE, out);
}

static struct ca_buf info_der(struct recipe *recipe)
{
	struct ca_buf info = CA_BUF_INIT, attributes = CA_BUF_INIT;
	gnutls_datum_t spki = { NULL, 0 };

	put(&info, tlv(INTEGER, &recipe->version, 1));
	put(&info, wrap(SEQUENCE, recipe->rdns));
	if (recipe->spki.len) {
		put(&info, recipe->spki);
	} else {
		assert_int_equal(
		    gnutls_pubkey_export2(ca_key_pubkey(recipe->key), GNUTLS_X509_FMT_DER, &spki),
		    0);
		ca_buf_add(&info, spki.data, spki.size);
		gnutls_free(spki.data);
	}
	if (recipe->extensions.len)
		put(&attributes, attribute(OID_EXTREQ, wrap(SEQUENCE, recipe->extensions)));
	if (recipe->attributes.len)
		put(&attributes, recipe->attributes);
	if (!recipe->no_attributes)
		put(&info, wrap(0xa0, attributes));
	return wrap(SEQUENCE, info);
}

/* Bake: the recipe's buffers are used up. */
static char *bake(struct recipe *recipe)
{
	gnutls_sign_algorithm_t sign = recipe->sign ? recipe->sign : GNUTLS_SIGN_ECDSA_SHA256;
	struct ca_buf out = CA_BUF_INIT, bits = CA_BUF_INIT, info;
	gnutls_datum_t data, signature = { NULL, 0 }, der, pem;
	char *text;

	if (!recipe->key)
		recipe->key = p256;
	info = info_der(recipe);
	data = (gnutls_datum_t){ info.data, (unsigned)info.len };
	assert_int_equal(
	    gnutls_privkey_sign_data2(ca_key_privkey(recipe->key), sign, 0, &data, &signature), 0);
	if (recipe->bad_signature)
		signature.data[signature.size - 1] ^= 1;
	put(&out, info);
	put(&out, recipe->algorithm.len ? recipe->algorithm : algorithm_der(sign));
	ca_buf_add_byte(&bits, 0);
	ca_buf_add(&bits, signature.data, signature.size);
	gnutls_free(signature.data);
	put(&out, wrap(BIT_STRING, bits));
	out = wrap(SEQUENCE, out);
	if (recipe->trailing)
		ca_buf_add_str(&out, recipe->trailing);
	assert_int_equal(ca_buf_error(&out), 0);
	der = (gnutls_datum_t){ out.data, (unsigned)out.len };
	assert_int_equal(gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &pem), 0);
	text = strndup((char *)pem.data, pem.size);
	assert_non_null(text);
	gnutls_free(pem.data);
	ca_buf_free(&out);
	return text;
}

/* Bake and parse. *out (may be NULL) is assigned on success. */
static int taste(struct recipe *recipe, struct ca_csr **out)
{
	struct ca_detail why = { "" };
	struct ca_csr *csr = NULL;
	char *pem = bake(recipe);
	int r = ca_csr_parse(pem, strlen(pem), &csr, &why);

	assert_true((r == 0) == (csr != NULL));
	assert_int_equal(ERR_peek_error(), 0);
	if (r)
		assert_string_not_equal(why.text, "");
	if (r || !out)
		ca_csr_free(csr);
	else
		*out = csr;
	free(pem);
	return r;
}

/* A SAN extension of one name. */
static struct ca_buf san(unsigned char tag, const void *value, size_t len)
{
	return extension(OID_SAN, false, wrap(SEQUENCE, tlv(tag, value, len)));
}

static int taste_san(unsigned char tag, const void *value, size_t len, struct ca_csr **out)
{
	struct recipe recipe = { .extensions = san(tag, value, len) };

	return taste(&recipe, out);
}

/* A request with one extension, its value given in DER. */
static int taste_extension(const char *oid, const char *value, size_t len, struct ca_csr **out)
{
	struct ca_buf content = CA_BUF_INIT;
	struct recipe recipe = { 0 };

	ca_buf_add(&content, value, len);
	recipe.extensions = extension(oid, true, content);
	return taste(&recipe, out);
}

static int parse_text(const char *text, size_t len)
{
	struct ca_csr *csr = NULL;
	struct ca_detail why;
	int r = ca_csr_parse(text, len, &csr, &why);

	ca_csr_free(csr);
	return r;
}

/* ---- tests ---- */

static void test_round_trip(void **state)
{
	const struct ca_key *const keys[] = { rsa, p256, p384, ed25519 };
	struct ca_names names = CA_NAMES_INIT;

	(void)state;
	assert_int_equal(ca_names_parse("dns:web.internal\ndns:*.web.internal\nip:10.0.0.1\n"
					"ip:fd00::1\nuri:spiffe://example.com/web",
			     &names),
	    0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct ca_buf pem = CA_BUF_INIT, a = CA_BUF_INIT, b = CA_BUF_INIT;
		unsigned char hash[CA_SHA256];
		struct ca_csr *csr = NULL;
		gnutls_datum_t spki;

		assert_int_equal(ca_csr_create(keys[i], "web.internal", &names, &pem), 0);
		assert_int_equal(ca_csr_parse(ca_buf_text(&pem), pem.len, &csr, NULL), 0);
		assert_int_equal(csr->key_type, ca_key_type(keys[i]));
		assert_string_equal(csr->common_name, "web.internal");
		ca_names_format(&names, &a);
		ca_names_format(&csr->names, &b);
		assert_string_equal(ca_buf_text(&a), ca_buf_text(&b));
		assert_int_equal(ca_key_spki_sha256(keys[i], hash), 0);
		assert_memory_equal(hash, csr->spki_sha256, CA_SHA256);
		assert_int_equal(
		    gnutls_pubkey_export2(ca_key_pubkey(keys[i]), GNUTLS_X509_FMT_DER, &spki), 0);
		assert_int_equal(csr->spki_len, spki.size);
		assert_memory_equal(csr->spki, spki.data, spki.size);
		gnutls_free(spki.data);
		assert_int_equal(csr->key_usage, 0);
		assert_int_equal(csr->eku, 0);
		ca_csr_free(csr);
		ca_buf_free(&pem);
		ca_buf_free(&a);
		ca_buf_free(&b);
	}
	ca_names_free(&names);
	ca_csr_free(NULL);
}

static void test_create_without_names(void **state)
{
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_csr *csr = NULL;

	(void)state;
	assert_int_equal(ca_csr_create(p256, NULL, NULL, &pem), 0);
	assert_int_equal(ca_csr_parse(ca_buf_text(&pem), pem.len, &csr, NULL), 0);
	assert_null(csr->common_name);
	assert_int_equal(csr->names.n, 0);
	ca_csr_free(csr);
	ca_buf_free(&pem);
}

static void test_openssl_agrees(void **state)
{
	char *dir = support_mkdir(), *path = support_path(dir, "csr");
	struct ca_names names = CA_NAMES_INIT;
	struct ca_buf pem = CA_BUF_INIT, out = CA_BUF_INIT;

	(void)state;
	assert_int_equal(ca_names_parse("dns:web.internal\nip:10.0.0.1", &names), 0);
	assert_int_equal(ca_csr_create(rsa, NULL, &names, &pem), 0);
	assert_int_equal(ca_file_write(path, pem.data, pem.len, 0600, false), 0);
	assert_int_equal(
	    support_run(&out, "openssl req -in %s -verify -noout -text 2>&1", path), 0);
	assert_non_null(strstr(ca_buf_text(&out), "DNS:web.internal, IP Address:10.0.0.1"));
	assert_non_null(strstr(ca_buf_text(&out), "verify OK"));
	ca_names_free(&names);
	ca_buf_free(&pem);
	ca_buf_free(&out);
	free(path);
	support_rmdir(dir);
}

/* What people really send. */
static const struct {
	const char *options;
	int expected;
} sent[] = {
	{ "-newkey rsa:2048 -subj /CN=web.internal", 0 },
	{ "-newkey rsa:2048 -subj /CN=web.internal -sha512 -newhdr", 0 },
	{ "-newkey rsa:2048 -subj / -addext subjectAltName=DNS:a.internal", 0 },
	{ "-newkey rsa:2048 -subj / -sigopt rsa_padding_mode:pss -sigopt "
	  "rsa_pss_saltlen:digest",
	    0 },
	{ "-newkey rsa:2048 -subj / -sha512 -sigopt rsa_padding_mode:pss -sigopt "
	  "rsa_pss_saltlen:0",
	    0 },
	{ "-newkey rsa:2048 -subj / -sha384 -sigopt rsa_padding_mode:pss -sigopt "
	  "rsa_pss_saltlen:max",
	    0 },
	{ "-newkey rsa:2048 -subj / -sha1 -sigopt rsa_padding_mode:pss", CA_ECSRSIGNATURE },
	{ "-newkey rsa:2048 -subj / -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha1",
	    CA_ECSRSIGNATURE },
	{ "-newkey rsa:3072 -subj / -sha384", 0 },
	{ "-newkey ec -pkeyopt ec_paramgen_curve:P-384 -subj / -sha384", 0 },
	{ "-newkey ec -pkeyopt ec_paramgen_curve:P-384 -subj / -sha256", 0 },
	{ "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj / -sha512", 0 },
	{ "-newkey ed25519 -subj /CN=a.internal", 0 },
	{ "-newkey rsa:2048 -subj / -addext "
	  "keyUsage=critical,digitalSignature,keyEncipherment "
	  "-addext extendedKeyUsage=serverAuth,clientAuth -addext "
	  "basicConstraints=CA:FALSE "
	  "-addext subjectKeyIdentifier=hash",
	    0 },
	{ "-newkey rsa:2048 -subj /CN=web.internal -sha1", CA_ECSRSIGNATURE },
	{ "-newkey rsa:2048 -subj /CN=web.internal -md5", CA_ECSRSIGNATURE },
	{ "-newkey rsa:1024 -subj /CN=web.internal", CA_EKEYWEAK },
	{ "-newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:3 -subj /CN=a.internal", CA_EKEYWEAK },
	{ "-newkey ec -pkeyopt ec_paramgen_curve:P-521 -subj /", CA_EKEYTYPE },
	{ "-newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -subj /", CA_EKEYTYPE },
	{ "-newkey ed448 -subj /", CA_EKEYTYPE },
	{ "-newkey rsa-pss -pkeyopt rsa_keygen_bits:2048 -subj /", CA_EKEYTYPE },
	{ "-newkey rsa:2048 -subj /O=Example/CN=web.internal", CA_ESUBJECT },
	{ "-newkey rsa:2048 -subj /CN=a.internal/CN=b.internal", CA_ECSR },
	{ "-newkey rsa:2048 -subj / -addext basicConstraints=critical,CA:TRUE", CA_ECSREXTENSION },
	{ "-newkey rsa:2048 -subj / -addext keyUsage=keyCertSign", CA_ECSREXTENSION },
	{ "-newkey rsa:2048 -subj / -addext keyUsage=cRLSign", CA_ECSREXTENSION },
	{ "-newkey rsa:2048 -subj / -addext extendedKeyUsage=codeSigning,emailProtection", 0 },
	{ "-newkey rsa:2048 -subj / -addext extendedKeyUsage=OCSPSigning", CA_ECSREXTENSION },
	{ "-newkey rsa:2048 -subj / -addext extendedKeyUsage=anyExtendedKeyUsage",
	    CA_ECSREXTENSION },
	{ "-newkey rsa:2048 -subj / -addext nsComment=hello", CA_ECSREXTENSION },
	{ "-newkey rsa:2048 -subj / -addext subjectAltName=email:a@example.com", 0 },
	{ "-newkey rsa:2048 -subj / -addext subjectAltName=email:example.com", CA_ENAME },
	{ "-newkey rsa:2048 -subj / -addext subjectAltName=RID:1.2.3", CA_ENAME },
	{ "-newkey rsa:2048 -subj / -addext 'subjectAltName=otherName:1.2.3;UTF8:a'", CA_ENAME },
	{ "-newkey rsa:2048 -subj / -addext subjectAltName=DNS:a.internal,RID:1.2.3", CA_ENAME },
	{ "-newkey rsa:2048 -subj / -addext subjectAltName=DNS:under_score.internal", CA_ENAME },
};

static void test_from_openssl(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++) {
		struct ca_buf pem = CA_BUF_INIT;
		struct ca_csr *csr = NULL;
		struct ca_detail why = { "" };
		int r;

		support_run(&pem,
		    "openssl req -new -batch -nodes -config /dev/null -keyout /dev/null %s "
		    "2>/dev/null",
		    sent[i].options);
		if (pem.len == 0)
			fail_msg("openssl made nothing of %s", sent[i].options);
		r = ca_csr_parse(ca_buf_text(&pem), pem.len, &csr, &why);
		if (r != sent[i].expected)
			fail_msg(
			    "%s: %d (%s), not %d", sent[i].options, r, why.text, sent[i].expected);
		ca_csr_free(csr);
		ca_buf_free(&pem);
	}
}

static void test_asked_usages(void **state)
{
	struct ca_csr *csr = NULL;

	(void)state;
	/* digitalSignature, keyEncipherment */
	assert_int_equal(taste_extension(OID_KU, "\x03\x02\x05\xa0", 4, &csr), 0);
	assert_int_equal(
	    csr->key_usage, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT);
	ca_csr_free(csr);
	assert_int_equal(
	    taste_extension(OID_EKU, "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02", 12, &csr),
	    0);
	assert_int_equal(csr->eku, CA_EKU_CLIENT_AUTH);
	ca_csr_free(csr);
	assert_int_equal(taste_extension(OID_BC, "\x30\x00", 2, NULL), 0);
	assert_int_equal(
	    taste_extension(OID_BC, "\x30\x03\x01\x01\xff", 5, NULL), CA_ECSREXTENSION);
	assert_int_equal(taste_extension(OID_SKI, "\x04\x01\x01", 3, NULL), 0);
	assert_int_equal(taste_extension(OID_POLICIES, "\x30\x00", 2, NULL), CA_ECSREXTENSION);
	assert_int_equal(taste_extension(OID_KU, "\x03\x03\x07\x80\x80", 5, &csr), 0);
	assert_int_equal(csr->key_usage, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_DECIPHER_ONLY);
	ca_csr_free(csr);
	/* malformed: cut, trailing, another type, none, too many */
	assert_int_equal(taste_extension(OID_KU, "\x03\x01\x00", 3, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_KU, "\x03\x04\x00\xa0\x00\x01", 6, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_KU, "\x03\x02\x05", 3, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_KU, "\x03\x02\x05\xa0\x00", 5, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_KU, "\x04\x01\xa0", 3, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_BC, "\x30\x05", 2, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_EKU, "\x06\x01\x01", 3, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_SAN, "", 0, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_SAN, "\x30\x00", 2, NULL), CA_ENAME);
}

static void test_names(void **state)
{
	static const unsigned char v6[16] = { 0xfd, [15] = 1 };
	struct ca_csr *csr = NULL;

	(void)state;
	assert_int_equal(taste_san(DNS, "WEB.Internal.", 13, &csr), 0);
	assert_int_equal(csr->names.n, 1);
	assert_string_equal(csr->names.v[0].value, "web.internal");
	ca_csr_free(csr);
	assert_int_equal(taste_san(IP, v6, 16, &csr), 0);
	assert_string_equal(csr->names.v[0].value, "fd00::1");
	ca_csr_free(csr);
	assert_int_equal(taste_san(URI, "spiffe://Example.com/A", 22, &csr), 0);
	assert_string_equal(csr->names.v[0].value, "spiffe://example.com/A");
	ca_csr_free(csr);
	assert_int_equal(taste_san(DNS, "", 0, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, "a.internal\0.b", 13, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, "\0", 1, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, "b\xc3\xbc.internal", 12, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, "10.0.0.1", 8, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, "a b.internal", 12, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, ".internal", 9, NULL), CA_ENAME);
	assert_int_equal(taste_san(DNS, "a.*.internal", 12, NULL), CA_ENAME);
	assert_int_equal(taste_san(URI, "http://a\0b", 10, NULL), CA_ENAME);
	assert_int_equal(taste_san(URI, "no-scheme", 9, NULL), CA_ENAME);
	assert_int_equal(taste_san(IP, "\x0a\x00\x00", 3, NULL), CA_ENAME);
	assert_int_equal(taste_san(IP, "\x0a\x00\x00\x01\xff\xff\xff\xff", 8, NULL), CA_ENAME);
	assert_int_equal(taste_san(IP, "", 0, NULL), CA_ENAME);
	assert_int_equal(taste_san(EMAIL, "Ada@Example.com", 15, &csr), 0);
	assert_int_equal(csr->names.v[0].type, CA_NAME_EMAIL);
	assert_string_equal(csr->names.v[0].value, "Ada@example.com");
	ca_csr_free(csr);
	assert_int_equal(taste_san(EMAIL, "a@example.com\0b", 15, NULL), CA_ENAME);
	assert_int_equal(taste_san(EMAIL, "a@b@example.com", 15, NULL), CA_ENAME);
	assert_int_equal(taste_san(EMAIL, "example.com", 11, NULL), CA_ENAME);
	assert_int_equal(taste_san(REGISTERED, "\x2a\x03", 2, NULL), CA_ENAME);
	assert_int_equal(taste_san(DIRECTORY, "\x30\x00", 2, NULL), CA_ENAME);
	assert_int_equal(taste_san(0xa0, "\x06\x01\x2a\xa0\x03\x0c\x01\x61", 8, NULL), CA_ENAME);
	assert_int_equal(taste_san(0x8a, "abc", 3, NULL), CA_ENAME);
}

/* A bad name behind good ones is seen; none is dropped in silence. */
static void test_bad_name_at_the_end(void **state)
{
	static const struct {
		unsigned char tag;
		const char *value;
		size_t len;
	} bad[] = { { DNS, "", 0 }, { REGISTERED, "\x2a\x03", 2 }, { 0xa3, "\x30\x00", 2 },
		{ 0x8a, "abc", 3 }, { IP, "", 0 }, { 0xa0, "\x06\x01\x2a", 3 },
		{ INTEGER, "\1", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct recipe recipe = { 0 };
		struct ca_buf list = CA_BUF_INIT;

		put(&list, text_tlv(DNS, "a.internal"));
		put(&list, text_tlv(DNS, "b.internal"));
		put(&list, tlv(bad[i].tag, bad[i].value, bad[i].len));
		put(&list, text_tlv(DNS, "c.internal"));
		recipe.extensions = extension(OID_SAN, false, wrap(SEQUENCE, list));
		assert_int_equal(taste(&recipe, NULL), CA_ENAME);
	}
}

static void test_many_names(void **state)
{
	static const struct {
		unsigned n;
		int expected;
	} rows[] = { { 256, 0 }, { 257, CA_ETOOMANYNAMES }, { 3000, CA_ETOOMANYNAMES },
		{ 10000, CA_ECSR } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct recipe recipe = { 0 };
		struct ca_buf list = CA_BUF_INIT;
		clock_t start;
		char name[16];
		int r;

		for (unsigned k = 0; k < rows[i].n; k++) {
			snprintf(name, sizeof(name), "n%x", k);
			put(&list, text_tlv(DNS, name));
		}
		recipe.extensions = extension(OID_SAN, false, wrap(SEQUENCE, list));
		start = clock();
		r = taste(&recipe, NULL);
		if (r != rows[i].expected)
			fail_msg("%u names: %d, not %d", rows[i].n, r, rows[i].expected);
		assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	}
}

static void test_subjects(void **state)
{
	static const struct {
		const char *oid;
		unsigned char tag;
		const char *value;
		size_t len;
		int expected;
	} rows[] = {
		{ OID_CN, UTF8, "a.internal", 10, 0 },
		{ OID_CN, 19, "a.internal", 10, 0 },
		{ OID_O, UTF8, "a", 1, CA_ESUBJECT },
		{ OID_CN, UTF8, "a.internal\0b", 12, CA_ESUBJECT },
		{ OID_CN, UTF8, "", 0, CA_ESUBJECT },
		{ OID_CN, UTF8, "a\xc0\x80", 3, CA_ESUBJECT },
		{ OID_CN, UTF8, "a\xff", 2, CA_ESUBJECT },
		{ OID_CN, 20, "a.internal", 10, 0 },
		{ OID_CN, 22, "a.internal", 10, CA_ESUBJECT }, /* no DirectoryString */
		{ OID_CN, 30, "\0a\0b", 4, 0 },
		{ OID_CN, 30, "\0a\0\0", 4, CA_ESUBJECT },
		{ OID_CN, 30, "\0a\0", 3, CA_ECSR },
		{ OID_CN, OCTET_STRING, "a", 1, CA_ECSR },
		{ "\x06\x03\x55\x04\x7f", UTF8, "a", 1, CA_ESUBJECT },
	};
	struct recipe two = { 0 }, pair = { 0 };
	struct ca_buf set = CA_BUF_INIT, one = CA_BUF_INIT;
	char huge[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct recipe recipe = { .rdns = rdn(rows[i].oid, rows[i].tag, rows[i].value,
					     rows[i].len) };
		int r = taste(&recipe, NULL);

		if (r != rows[i].expected)
			fail_msg("subject %zu: %d, not %d", i, r, rows[i].expected);
	}
	put(&two.rdns, rdn(OID_CN, UTF8, "a.internal", 10));
	put(&two.rdns, rdn(OID_CN, UTF8, "b.internal", 10));
	assert_int_equal(taste(&two, NULL), CA_ECSR);
	/* two values in one RDN */
	ca_buf_add_str(&one, OID_CN);
	put(&one, text_tlv(UTF8, "a"));
	put(&set, wrap(SEQUENCE, one));
	one = (struct ca_buf)CA_BUF_INIT;
	ca_buf_add_str(&one, OID_CN);
	put(&one, text_tlv(UTF8, "b"));
	put(&set, wrap(SEQUENCE, one));
	pair.rdns = wrap(SET, set);
	assert_int_equal(taste(&pair, NULL), CA_ECSR);
	memset(huge, 'a', sizeof(huge));
	two = (struct recipe){ .rdns = rdn(OID_CN, UTF8, huge, sizeof(huge)) };
	assert_int_equal(taste(&two, NULL), CA_ESUBJECT);
}

static void test_duplicates(void **state)
{
	struct recipe recipe = { 0 };
	struct ca_buf values = CA_BUF_INIT;

	(void)state;
	put(&recipe.extensions, san(DNS, "a.internal", 10));
	put(&recipe.extensions, san(DNS, "b.internal", 10));
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);

	recipe = (struct recipe){ .extensions = san(DNS, "a.internal", 10) };
	put(&recipe.attributes, attribute(OID_EXTREQ, wrap(SEQUENCE, san(DNS, "b.internal", 10))));
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);

	/* one attribute, two values */
	put(&values, wrap(SEQUENCE, san(DNS, "a.internal", 10)));
	put(&values, wrap(SEQUENCE, san(DNS, "b.internal", 10)));
	recipe = (struct recipe){ .attributes = attribute(OID_EXTREQ, values) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);

	recipe = (struct recipe){ .attributes = attribute(
				      OID_MS_EXTREQ, wrap(SEQUENCE, san(DNS, "b.internal", 10))) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);

	/* no value, rubbish for a value */
	recipe = (struct recipe){ .attributes = attribute(OID_EXTREQ, (struct ca_buf)CA_BUF_INIT) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .attributes = attribute(OID_EXTREQ, text_tlv(UTF8, "hello")) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
}

static void test_other_attributes(void **state)
{
	struct recipe recipe = { .attributes = attribute(OID_CHALLENGE, text_tlv(UTF8, "secret")) };
	struct ca_csr *csr = NULL;

	(void)state;
	put(&recipe.attributes, attribute(OID_EXTREQ, wrap(SEQUENCE, san(DNS, "a.internal", 10))));
	assert_int_equal(taste(&recipe, &csr), 0);
	assert_int_equal(csr->names.n, 1);
	ca_csr_free(csr);
	for (int n = 16; n <= 17; n++) {
		recipe = (struct recipe){ 0 };
		for (int i = 0; i < n; i++)
			put(&recipe.attributes, attribute(OID_CHALLENGE, text_tlv(UTF8, "secret")));
		assert_int_equal(taste(&recipe, NULL), n == 16 ? 0 : CA_ECSR);
	}
	recipe =
	    (struct recipe){ .no_attributes = true }; /* RFC 2986, section 4.1, wants the [0] */
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
}

/* With a length in one octet more than it needs: BER, not DER (X.690, section 10.1). */
static struct ca_buf long_form(struct ca_buf content)
{
	struct ca_buf out = CA_BUF_INIT;

	assert_true(content.len < 128 && content.len > 1 && content.data[1] == content.len - 2);
	ca_buf_add_byte(&out, content.data[0]);
	ca_buf_add_byte(&out, 0x81);
	ca_buf_add(&out, content.data + 1, content.len - 1);
	ca_buf_free(&content);
	return out;
}

static int taste_value(const char *oid, struct ca_buf value)
{
	struct recipe recipe = { .extensions = extension(oid, false, value) };

	return taste(&recipe, NULL);
}

/* BER is refused wherever it stands. */
static void test_ber(void **state)
{
	struct recipe recipe = { .rdns = long_form(rdn(OID_CN, UTF8, "a", 1)) };
	struct ca_buf one = CA_BUF_INIT, two = CA_BUF_INIT;

	(void)state;
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .extensions = long_form(san(DNS, "a", 1)) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .attributes =
				      long_form(attribute(OID_CHALLENGE, text_tlv(UTF8, "a"))) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .algorithm = long_form(algorithm_der(GNUTLS_SIGN_ECDSA_SHA256)) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	assert_int_equal(
	    taste_value(OID_SAN, long_form(wrap(SEQUENCE, text_tlv(DNS, "a")))), CA_ENAME);
	assert_int_equal(
	    taste_value(OID_SAN, wrap(SEQUENCE, long_form(text_tlv(DNS, "a")))), CA_ENAME);
	/* a name in pieces, and one of indefinite length */
	assert_int_equal(
	    taste_value(OID_SAN, wrap(SEQUENCE, wrap(DNS | 0x20, text_tlv(22, "a")))), CA_ENAME);
	assert_int_equal(taste_extension(OID_SAN, "\x30\x80\x82\x01\x61\0\0", 7, NULL), CA_ENAME);
	assert_int_equal(taste_extension(OID_KU, "\x03\x81\x02\x05\xa0", 5, NULL), CA_ECSR);
	assert_int_equal(taste_extension(OID_EKU,
			     "\x30\x81\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02", 13, NULL),
	    CA_ECSR);
	/* FALSE is the default, and not written (X.690, section 11.5) */
	assert_int_equal(taste_extension(OID_BC, "\x30\x03\x01\x01\x00", 5, NULL), CA_ECSR);
	/* an attribute that nobody looks at, of indefinite length */
	ca_buf_add(&one, "\x30\x80\x05\x00\0\0", 6);
	recipe = (struct recipe){ .attributes = attribute(OID_CHALLENGE, one) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	/* the attributes are a set, and sorted (X.690, section 11.6) */
	one = attribute(OID_CHALLENGE, text_tlv(UTF8, "a"));
	two = attribute(OID_CHALLENGE, text_tlv(UTF8, "b"));
	recipe = (struct recipe){ 0 };
	put(&recipe.attributes, two);
	put(&recipe.attributes, one);
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
}

static void test_signatures_and_versions(void **state)
{
	struct recipe recipe = { .bad_signature = true };

	(void)state;
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .key = rsa, .sign = GNUTLS_SIGN_RSA_SHA256 };
	assert_int_equal(taste(&recipe, NULL), 0);
	recipe = (struct recipe){ .key = rsa, .sign = GNUTLS_SIGN_RSA_SHA1 };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .key = rsa, .sign = GNUTLS_SIGN_RSA_MD5 };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .sign = GNUTLS_SIGN_ECDSA_SHA1 };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .version = 1 };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .version = 0x80 };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .trailing = "x" };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
	recipe = (struct recipe){ .trailing = "0" };
	assert_int_equal(taste(&recipe, NULL), CA_ECSR);
}

/* The algorithm of another kind of key, or with parameters that it does not have. */
static void test_signature_algorithms(void **state)
{
	struct recipe recipe = { .key = rsa,
		.sign = GNUTLS_SIGN_RSA_SHA256,
		.algorithm = algorithm_der(GNUTLS_SIGN_ECDSA_SHA256) };
	struct ca_buf algorithm = CA_BUF_INIT;

	(void)state;
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .algorithm = algorithm_der(GNUTLS_SIGN_RSA_SHA256) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .key = p384,
		.sign = GNUTLS_SIGN_ECDSA_SHA384,
		.algorithm = algorithm_der(GNUTLS_SIGN_ECDSA_SHA256) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .key = p384,
		.sign = GNUTLS_SIGN_ECDSA_SHA256,
		.algorithm = algorithm_der(GNUTLS_SIGN_RSA_SHA256) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	recipe = (struct recipe){ .key = ed25519, .sign = GNUTLS_SIGN_EDDSA_ED25519 };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	ca_buf_add(&algorithm, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x02\x01\x00", 13);
	recipe = (struct recipe){ .algorithm = wrap(SEQUENCE, algorithm) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	/* PSS whose mask is said to be of another digest than it is: SHA-1 by default */
	algorithm = (struct ca_buf)CA_BUF_INIT;
	ca_buf_add(&algorithm,
	    "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x14\xa0\x0d\x30\x0b\x06\x09\x60\x86"
	    "\x48\x01\x65\x03\x04\x02\x01\xa2\x03\x02\x01\x20",
	    33);
	recipe = (struct recipe){ .key = rsa,
		.sign = GNUTLS_SIGN_RSA_PSS_SHA256,
		.algorithm = wrap(SEQUENCE, algorithm) };
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	/* PSS with no parameters, and with rubbish for them */
	algorithm = (struct ca_buf)CA_BUF_INIT;
	ca_buf_add(&algorithm, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", 11);
	recipe = (struct recipe){
		.key = rsa, .sign = GNUTLS_SIGN_RSA_SHA256, .algorithm = wrap(SEQUENCE, algorithm)
	};
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	algorithm = (struct ca_buf)CA_BUF_INIT;
	ca_buf_add(&algorithm, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x02\x05\x00", 15);
	recipe = (struct recipe){
		.key = rsa, .sign = GNUTLS_SIGN_RSA_SHA256, .algorithm = wrap(SEQUENCE, algorithm)
	};
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
}

/* The last bit of the signature said to be no part of it. */
static void test_unused_bits(void **state)
{
	gnutls_datum_t in, der, pem;
	int r = CA_OK;

	(void)state;
	for (char cn = 'a'; cn <= 'z' && r == CA_OK; cn++) { /* until that bit is 0 */
		struct recipe recipe = { .rdns = rdn(OID_CN, UTF8, &cn, 1) };
		char *text = bake(&recipe);

		in = (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
		assert_int_equal(gnutls_pem_base64_decode2("CERTIFICATE REQUEST", &in, &der), 0);
		if (!(der.data[der.size - 1] & 1)) {
			size_t at = der.size - 1;

			/* back to the BIT STRING: its tag, a length, no unused bits, a SEQUENCE */
			while (memcmp(der.data + at - 3, "\x03", 1) != 0 ||
			       der.data[at - 2] != der.size - at + 1 || der.data[at - 1] != 0 ||
			       der.data[at] != SEQUENCE)
				at--;
			der.data[at - 1] = 1;
			assert_int_equal(
			    gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &pem), 0);
			r = parse_text((const char *)pem.data, pem.size);
			gnutls_free(pem.data);
		}
		gnutls_free(der.data);
		free(text);
	}
	assert_int_equal(r, CA_ECSRSIGNATURE);
}

/* The key of somebody else, or one in an encoding that would slip past the curve check. */
static void test_foreign_and_odd_keys(void **state)
{
	static const char *const commands[] = {
		"openssl ecparam -genkey -name prime256v1 -noout | openssl pkey -pubout -outform "
		"DER "
		"-ec_param_enc explicit 2>/dev/null",
		"openssl ecparam -genkey -name prime256v1 -noout | openssl pkey -pubout -outform "
		"DER "
		"-ec_conv_form compressed 2>/dev/null",
		"openssl ecparam -genkey -name secp256k1 -noout | openssl pkey -pubout -outform "
		"DER "
		"-ec_param_enc explicit 2>/dev/null",
		"openssl genpkey -algorithm x25519 2>/dev/null | openssl pkey -pubout -outform DER",
		"printf '\\060\\000'",
	};
	struct recipe recipe = { 0 };
	gnutls_datum_t spki;

	(void)state;
	assert_int_equal(gnutls_pubkey_export2(ca_key_pubkey(p384), GNUTLS_X509_FMT_DER, &spki), 0);
	ca_buf_add(&recipe.spki, spki.data, spki.size);
	gnutls_free(spki.data);
	assert_int_equal(taste(&recipe, NULL), CA_ECSRSIGNATURE);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		int r;

		recipe = (struct recipe){ 0 };
		assert_int_equal(support_run(&recipe.spki, "%s", commands[i]), 0);
		assert_true(recipe.spki.len > 0);
		r = taste(&recipe, NULL);
		if (r != CA_EKEYTYPE && r != CA_ECSR)
			fail_msg("%s: %d", commands[i], r);
	}
}

static void test_pem(void **state)
{
	struct recipe recipe = { .extensions = san(DNS, "a.internal", 10) };
	char *pem = bake(&recipe), *copy;
	size_t len = strlen(pem);
	struct ca_buf buf = CA_BUF_INIT;

	(void)state;
	assert_int_equal(parse_text(pem, len), 0);
	for (size_t cut = 0; cut < len - 2; cut++)
		assert_int_equal(parse_text(pem, cut), CA_ECSR);
	assert_int_equal(parse_text(pem, len - 1), 0); /* only the last line's end is missing */
	assert_int_equal(parse_text("", 0), CA_ECSR);
	assert_int_equal(parse_text(" \n", 2), CA_ECSR);

	static const char *const around[][2] = { { "hello", "" }, { "", "hello\n" }, { "", "-" },
		{ "-", "" }, { "-----BEGIN X-----\n", "" } };
	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
		ca_buf_clear(&buf);
		ca_buf_addf(&buf, "%s%s%s", around[i][0], pem, around[i][1]);
		assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), CA_ECSR);
	}
	/* What explains it, as certtool writes it. */
	ca_buf_clear(&buf);
	ca_buf_addf(&buf, "PKCS #10 Certificate Request Information:\nVersion: 1\n\n%s", pem);
	assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), 0);
	buf.data[3] = '\0';
	assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), CA_ECSR);
	ca_buf_clear(&buf);
	ca_buf_addf(&buf, "\r\n \t%s\r\n\n", pem);
	assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), 0);
	ca_buf_clear(&buf);
	ca_buf_addf(&buf, "%s%s", pem, pem);
	assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), CA_ECSR);
	assert_int_equal(parse_text(pem, len + 1), CA_ECSR); /* the NUL */

	/* another label, CRLF, one long line, a NUL inside, huge */
	ca_buf_clear(&buf);
	for (char *p = pem; *p; p++) {
		if (*p == '\n')
			ca_buf_add_byte(&buf, '\r');
		ca_buf_add_byte(&buf, (unsigned char)*p);
	}
	assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), 0);
	copy = strdup(pem);
	assert_non_null(copy);
	memcpy(strstr(copy, "REQUEST"), "REQUESt", 7);
	assert_int_equal(parse_text(copy, len), CA_ECSR);
	memcpy(copy, pem, len);
	copy[len / 2] = '\0';
	assert_int_equal(parse_text(copy, len), CA_ECSR);
	memcpy(copy, pem, len);
	copy[len / 2] = '*';
	assert_int_equal(parse_text(copy, len), CA_ECSR);
	free(copy);
	ca_buf_clear(&buf);
	while (buf.len <= CA_CSR_MAX)
		ca_buf_add_byte(&buf, '\n');
	ca_buf_add(&buf, pem, len);
	assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), CA_ECSR);
	ca_buf_free(&buf);
	free(pem);
}

/* Base64 that says more, or less, than the octets do (RFC 4648, sections 3.3 and 3.5). */
static void test_base64(void **state)
{
	static const char begin[] = "-----BEGIN CERTIFICATE REQUEST-----\n";
	static const char end[] = "\n-----END CERTIFICATE REQUEST-----\n";
	struct ca_buf buf = CA_BUF_INIT;
	unsigned padded = 0;

	(void)state;
	for (unsigned i = 0; i < 12 || padded == 0;
	     i++) { /* the length varies with the signature */
		char name[16];
		struct recipe recipe = { .rdns = rdn(OID_CN, UTF8, name,
					     (size_t)snprintf(name, sizeof(name), "%u", 1u << i)) };
		char *pem = bake(&recipe), *last = strstr(pem, end) - 1;

		assert_int_equal(parse_text(pem, strlen(pem)), 0);
		if (*last == '=') { /* other bits behind those that count */
			char *digit = last[-1] == '=' ? last - 2 : last - 1, kept = *digit;

			padded++;
			(*digit)++; /* an even code: never the last of a range */
			assert_int_equal(parse_text(pem, strlen(pem)), CA_ECSR);
			*digit = kept;
			*last = 'A';
			assert_int_equal(parse_text(pem, strlen(pem)), CA_ECSR);
			*last = '\n';
			assert_int_equal(parse_text(pem, strlen(pem)), CA_ECSR);
		}
		free(pem);
	}
	for (size_t n = 0; n < 6; n++) {
		static const char *const texts[] = { "", "=", "====", "AA=A", "MAA=MAA=", "M" };

		ca_buf_clear(&buf);
		ca_buf_addf(&buf, "%s%s%s", begin, texts[n], end);
		assert_int_equal(parse_text(ca_buf_text(&buf), buf.len), CA_ECSR);
	}
	ca_buf_free(&buf);
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

/* Ten thousand damaged requests: each is refused, or was damaged where it does not matter (never:
 * the signature covers all but itself). */
static void test_mutations(void **state)
{
	struct recipe recipe = { .rdns = rdn(OID_CN, UTF8, "a.internal", 10),
		.extensions = san(DNS, "a.internal", 10) };
	char *pem = bake(&recipe);
	gnutls_datum_t in = { (unsigned char *)pem, (unsigned)strlen(pem) }, der, out;
	unsigned seed = 1, accepted = 0;
	unsigned char *copy;

	(void)state;
	assert_int_equal(gnutls_pem_base64_decode2("CERTIFICATE REQUEST", &in, &der), 0);
	copy = malloc(der.size + 1);
	assert_non_null(copy);
	for (int i = 0; i < 10000; i++) {
		gnutls_datum_t damaged = { copy, der.size };
		unsigned changes = 1 + next_random(&seed) % 3;

		memcpy(copy, der.data, der.size);
		while (changes--)
			copy[next_random(&seed) % der.size] ^=
			    (unsigned char)(1 + next_random(&seed) % 255);
		if (next_random(&seed) % 8 == 0)
			damaged.size = next_random(&seed) % der.size;
		assert_int_equal(
		    gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &damaged, &out), 0);
		if (parse_text((char *)out.data, out.size) == 0 &&
		    (damaged.size != der.size || memcmp(copy, der.data, der.size) != 0))
			accepted++;
		gnutls_free(out.data);
	}
	assert_int_equal(accepted, 0);
	free(copy);
	gnutls_free(der.data);
	free(pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_create_without_names),
		cmocka_unit_test(test_openssl_agrees),
		cmocka_unit_test(test_from_openssl),
		cmocka_unit_test(test_asked_usages),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_name_at_the_end),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_other_attributes),
		cmocka_unit_test(test_ber),
		cmocka_unit_test(test_signatures_and_versions),
		cmocka_unit_test(test_signature_algorithms),
		cmocka_unit_test(test_unused_bits),
		cmocka_unit_test(test_foreign_and_odd_keys),
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
