#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "ca/base/clock.h"
#include "ca/certificate.h"
#include "ca/template.h"
#include "tests/unit/reference_certificate.h"
#include "tests/unit/support.h"

#define YEAR_2050 INT64_C(2524608000)
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define SEED UINT64_C(20261123)

static const struct ca_urls urls = { "http://pki.example.com/mica" };
static const struct ca_urls no_urls = { NULL };

/* ---- a pool: keys are dear ---- */

struct subject {
	enum ca_key_type type;
	struct ca_key *key;
	gnutls_datum_t spki;
	unsigned char sha256[CA_SHA256];
};

static struct subject subjects[] = {
	{ .type = CA_KEY_RSA_2048 },
	{ .type = CA_KEY_RSA_3072 },
	{ .type = CA_KEY_RSA_4096 },
	{ .type = CA_KEY_EC_P256 },
	{ .type = CA_KEY_EC_P384 },
	{ .type = CA_KEY_ED25519 },
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static struct ca_authority *root, *rsa, *p256, *p384;

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];

		assert_int_equal(ca_key_generate(s->type, &s->key), 0);
		assert_int_equal(
		    gnutls_pubkey_export2(ca_key_pubkey(s->key), GNUTLS_X509_FMT_DER, &s->spki), 0);
		assert_int_equal(ca_key_spki_sha256(s->key, s->sha256), 0);
	}
	root = reference_authority("root-1", CA_KEY_EC_P256, &ca_key_gnutls, NULL);
	rsa = reference_authority("default-1", CA_KEY_RSA_2048, &ca_key_libcrypto, root);
	p256 = reference_authority("default's 2nd", CA_KEY_EC_P256, &ca_key_libcrypto, root);
	p384 = reference_authority("Größe", CA_KEY_EC_P384, &ca_key_gnutls, root);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		ca_key_free(subjects[i].key);
		gnutls_free(subjects[i].spki.data);
	}
	ca_authority_free(rsa);
	ca_authority_free(p256);
	ca_authority_free(p384);
	ca_authority_free(root);
	return 0;
}

/* ---- chance, the same at every run ---- */

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
	uint64_t z = chance_state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static void random_text(char *out, size_t len, const char *from)
{
	size_t n = strlen(from);

	for (size_t i = 0; i < len; i++)
		out[i] = from[chance(n)];
	out[len] = '\0';
}

static size_t random_dns(char *out)
{
	size_t len = 0, labels = 1 + chance(4);

	if (chance(8) == 0)
		len = (size_t)sprintf(out, "*.");
	for (size_t i = 0; i < labels; i++) {
		size_t n = 1 + chance(chance(5) ? 12 : 55);

		random_text(out + len, n, "abcdefghijklmnopqrstuvwxyz0123456789");
		len += n;
		out[len++] = '.';
	}
	return len + (size_t)sprintf(out + len, "internal");
}

static size_t random_uri(char *out)
{
	size_t len = (size_t)sprintf(out, "spiffe://example.com/");
	size_t n = 1 + chance(chance(6) ? 60 : 1900);

	random_text(out + len, n, "ABCxyz0189-._~/");
	return len + n;
}

static size_t random_email(char *out)
{
	size_t n = 1 + chance(30);

	random_text(out, n, "abcdefxyzABC0123");
	return n + (size_t)sprintf(out + n, "@example.com");
}

/* Returns how many octets it takes. */
static size_t add_random_name(struct ca_names *names)
{
	unsigned char address[16];
	char text[2100];
	size_t len;

	switch (chance(6)) {
	case 0:
		len = chance(2) ? 4 : 16;
		for (size_t i = 0; i < len; i++)
			address[i] = (unsigned char)(chance(3) ? chance(256) : 0);
		assert_int_equal(ca_names_add_ip(names, address, len, NULL), 0);
		return len + 2;
	case 1:
		len = random_uri(text);
		assert_int_equal(ca_names_add(names, CA_NAME_URI, text, len, NULL), 0);
		return len + 4;
	case 2:
		len = random_email(text);
		assert_int_equal(ca_names_add(names, CA_NAME_EMAIL, text, len, NULL), 0);
		return len + 3;
	default:
		len = random_dns(text);
		assert_int_equal(ca_names_add(names, CA_NAME_DNS, text, len, NULL), 0);
		return len + 3;
	}
}

static int64_t random_time(void)
{
	switch (chance(4)) {
	case 0:
		return YEAR_2050 - 3 + (int64_t)chance(7);
	case 1:
		return YEAR_2050 - CA_YEAR + (int64_t)chance((uint64_t)(2 * CA_YEAR));
	case 2:
		return (int64_t)chance((uint64_t)TIME_MAX);
	default:
		return 1700000000 + (int64_t)chance((uint64_t)(30 * CA_YEAR));
	}
}

static void random_grant(struct ca_grant *grant)
{
	static const char printable[] =
	    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmn"
	    "opqrstuvwxyz{|}~";
	size_t octets = 0, count = chance(3) ? 1 + chance(5) : 1 + chance(100);
	char cn[65];

	*grant = (struct ca_grant){ .key_usage = chance(2) ? 0x80 : (unsigned)chance(256),
		.eku = (unsigned)chance(CA_EKU_ALL + 1),
		.not_before = random_time(),
		.not_after = random_time() };
	if (chance(8) == 0)
		grant->key_usage |= GNUTLS_KEY_DECIPHER_ONLY;
	if (chance(2)) {
		random_text(cn, 1 + chance(64),
		    chance(3) ? "abcdefghijklmnopqrstuvwxyz.-0123456789" : printable);
		grant->common_name = strdup(cn);
		assert_non_null(grant->common_name);
		if (chance(10) == 0)
			count = 0;
	}
	if (chance(4) == 0)
		grant->organization =
		    strdup(chance(2) ? "Example Ltd." : "Ex\xc3\xa4mple & S\xc3\xb6hne");
	if (chance(4) == 0)
		grant->organizational_unit = strdup(chance(2) ? "Payments" : "a_b");
	while (grant->names.n < count && octets < 10000)
		octets += add_random_name(&grant->names);
}

static size_t random_serial(unsigned char serial[STORE_SERIAL_MAX])
{
	size_t len = chance(4) ? CA_SERIAL : 1 + chance(STORE_SERIAL_MAX);
	uint64_t pattern = chance(4);

	for (size_t i = 0; i < len; i++)
		serial[i] = (unsigned char)(pattern == 0 ? 0xff : chance(256));
	if (pattern == 1)
		serial[0] |= 0x80;
	if (pattern == 2)
		serial[0] = 0;
	serial[len - 1] |= 1; /* 0 is refused by GnuTLS */
	return len;
}

/* ---- octet by octet ---- */

static struct ca_leaf leaf_of(const struct subject *subject, const struct ca_grant *grant,
    const struct ca_urls *where, const unsigned char *serial, size_t serial_len)
{
	return (struct ca_leaf){ .serial = serial,
		.serial_len = serial_len,
		.spki = subject->spki.data,
		.spki_len = subject->spki.size,
		.key_id = subject->sha256,
		.grant = grant,
		.revocation_url = where->revocation_url };
}

static const char *where_they_differ(
    const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
	static char text[100];
	size_t i = 0;

	if (a_len == b_len && memcmp(a, b, a_len) == 0)
		return NULL;
	while (i < a_len && i < b_len && a[i] == b[i])
		i++;
	snprintf(text, sizeof(text), "octet %zu of %zu, GnuTLS has %zu", i, a_len, b_len);
	return text;
}

/*
 * Equal to GnuTLS's; with an ECDSA issuer, whose signatures differ from one to the next, up to the
 * signature. NULL: yes, else where not.
 */
static const char *compare(const struct ca_authority *issuer, const unsigned char *tbs,
    size_t tbs_len, const struct ca_buf *whole, const struct ca_buf *reference)
{
	bool deterministic = ca_key_type(issuer->key) == CA_KEY_RSA_2048;
	gnutls_x509_crt_t crt = NULL;

	if (deterministic)
		return where_they_differ(whole->data, whole->len, reference->data, reference->len);
	assert_int_equal(reference->data[1], 0x82);
	assert_true(reference->len > tbs_len + 4 + 12);
	/* The TBSCertificate, and the 12 octets of the AlgorithmIdentifier behind it. */
	assert_int_equal(ca_certificate_import(whole->data, whole->len, &crt), 0);
	assert_int_equal(ca_certificate_verify(crt, issuer->crt), 0);
	gnutls_x509_crt_deinit(crt);
	assert_memory_equal(whole->data + 4, tbs, tbs_len);
	return where_they_differ(whole->data + 4, tbs_len + 12, reference->data + 4, tbs_len + 12);
}

static void check(const struct ca_authority *issuer, const struct subject *subject,
    const struct ca_grant *grant, const struct ca_urls *where, const unsigned char *serial,
    size_t serial_len, unsigned number)
{
	struct ca_leaf leaf = leaf_of(subject, grant, where, serial, serial_len);
	unsigned char room[CA_CERTIFICATE_MAX], signature[CA_KEY_SIGNATURE_MAX];
	struct ca_buf whole = CA_BUF_INIT, reference = CA_BUF_INIT;
	unsigned char *second = malloc(CA_CERTIFICATE_MAX);
	const unsigned char *tbs, *octets;
	size_t tbs_len = 0, signature_len = 0, len = 0;
	const char *where_not;
	struct ca_der der;

	assert_non_null(second);
	ca_der_begin(&der, room, sizeof(room));
	assert_int_equal(ca_template_tbs(issuer->tmpl, &leaf, &der), 0);
	tbs = ca_der_octets(&der, &tbs_len);
	assert_int_equal(ca_key_sign(issuer->key, tbs, tbs_len, signature, &signature_len), 0);
	ca_der_begin(&der, second, CA_CERTIFICATE_MAX);
	assert_int_equal(
	    ca_template_certificate(issuer->tmpl, tbs, tbs_len, signature, signature_len, &der), 0);
	octets = ca_der_octets(&der, &len);
	ca_buf_add(&whole, octets, len);
	reference_certificate(
	    issuer, ca_key_pubkey(subject->key), serial, serial_len, grant, where, &reference);
	where_not = compare(issuer, tbs, tbs_len, &whole, &reference);
	if (where_not)
		fail_msg("seed %llu, certificate %u: differs at %s", (unsigned long long)SEED,
		    number, where_not);
	free(second);
	ca_buf_free(&whole);
	ca_buf_free(&reference);
}

static void test_like_gnutls(void **state)
{
	const struct ca_authority *const issuers[] = { rsa, p256, p256, p384 };

	(void)state;
	chance_state = SEED;
	for (unsigned i = 0; i < 3000; i++) {
		const struct ca_authority *issuer = issuers[chance(4)];
		const struct subject *subject = &subjects[chance(SUBJECTS)];
		const struct ca_urls *where = chance(3) ? &urls : &no_urls;
		unsigned char serial[STORE_SERIAL_MAX];
		struct ca_grant grant;
		size_t serial_len = random_serial(serial);

		random_grant(&grant);
		check(issuer, subject, &grant, where, serial, serial_len, i);
		ca_grant_clear(&grant);
	}
}

/* Names of every length: all lengths above them cross from one octet to two and three. */
static void test_every_length(void **state)
{
	static const unsigned char serial[CA_SERIAL] = { 1 };
	char uri[600] = "spiffe://example.com/";
	size_t len = strlen(uri);

	(void)state;
	while (len < 300) {
		struct ca_grant grant = { .key_usage = 0x80, .eku = 3, .not_after = CA_DAY };

		uri[len++] = 'a';
		assert_int_equal(ca_names_add(&grant.names, CA_NAME_URI, uri, len, NULL), 0);
		check(p256, &subjects[3], &grant, &no_urls, serial, sizeof(serial), (unsigned)len);
		ca_grant_clear(&grant);
	}
}

/* Each character makes the subject a PrintableString or a UTF8String. */
static void test_common_names(void **state)
{
	static const unsigned char serial[CA_SERIAL] = { 1 };

	(void)state;
	for (int c = ' '; c <= '~'; c++) {
		char cn[] = { 'a', (char)c, 'b', '\0' };
		struct ca_grant grant = { .common_name = cn, .key_usage = 0x80, .not_after = 1 };

		check(p256, &subjects[5], &grant, &no_urls, serial, sizeof(serial), (unsigned)c);
		cn[0] = (char)c;
		cn[1] = '\0';
		check(p256, &subjects[5], &grant, &no_urls, serial, sizeof(serial), (unsigned)c);
	}
}

/* ---- through the front door ---- */

static struct ca_grant plain_grant(void)
{
	struct ca_grant grant = { .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE,
		.eku = CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH,
		.not_before = ca_now() - CA_BACKDATE,
		.not_after = ca_now() + 7 * CA_DAY };

	assert_int_equal(ca_names_add(&grant.names, CA_NAME_DNS, "web.internal", 12, NULL), 0);
	return grant;
}

static void test_issued(void **state)
{
	const struct ca_authority *const issuers[] = { rsa, p256, p384 };
	struct ca_grant grant = plain_grant();
	char cn[] = "web.internal";

	(void)state;
	grant.common_name = cn;
	for (size_t i = 0; i < 3 * SUBJECTS; i++) {
		const struct ca_authority *issuer = issuers[i % 3];
		gnutls_pubkey_t pubkey = ca_key_pubkey(subjects[i / 3].key);
		struct ca_buf reference = CA_BUF_INIT, whole = CA_BUF_INIT;
		struct store_certificate row = { 0 };
		size_t tbs_len;

		assert_int_equal(ca_authority_issue_key(issuer, pubkey, &grant, &urls, &row), 0);
		reference_certificate(
		    issuer, pubkey, row.serial, row.serial_len, &grant, &urls, &reference);
		ca_buf_add(&whole, row.der, row.der_len);
		assert_int_equal(row.der[5], 0x82);
		tbs_len = 4 + ((size_t)row.der[6] << 8 | row.der[7]);
		assert_null(compare(issuer, row.der + 4, tbs_len, &whole, &reference));
		store_certificate_clear(&row);
		ca_buf_free(&reference);
		ca_buf_free(&whole);
	}
	grant.common_name = NULL;
	ca_grant_clear(&grant);
}

static void *issue_many(void *arg)
{
	const struct ca_authority *issuer = arg;
	struct ca_grant grant = { .common_name = issuer == rsa ? strdup("a") : NULL,
		.key_usage = 0x80,
		.not_before = ca_now(),
		.not_after = ca_now() + CA_DAY };
	int failed = ca_names_add(&grant.names, CA_NAME_DNS, "web.internal", 12, NULL);

	for (int i = 0; i < 100 && !failed; i++) {
		struct store_certificate row = { 0 };
		gnutls_x509_crt_t crt = NULL;

		failed = ca_authority_issue_key(
		    issuer, ca_key_pubkey(subjects[0].key), &grant, &urls, &row);
		if (!failed)
			failed = ca_certificate_import(row.der, row.der_len, &crt);
		if (!failed)
			failed = ca_certificate_verify(crt, issuer->crt);
		gnutls_x509_crt_deinit(crt);
		store_certificate_clear(&row);
	}
	ca_grant_clear(&grant);
	return failed ? arg : NULL;
}

static void test_at_once(void **state)
{
	struct ca_authority *const issuers[] = { rsa, p256, rsa, p256 };
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, issue_many, issuers[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed = issuers[i];

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

/* Names that make it large: seven of nearly the longest, and the last. */
static void fill(struct ca_names *names, size_t last)
{
	char uri[CA_CERTIFICATE_MAX];
	size_t len = (size_t)snprintf(uri, sizeof(uri), "spiffe://x/");

	ca_names_free(names);
	memset(uri + len, 'a', sizeof(uri) - len);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(ca_names_add(names, CA_NAME_URI, uri, 2000 - i, NULL), 0);
	assert_int_equal(ca_names_add(names, CA_NAME_URI, uri, last, NULL), 0);
}

static void test_largest(void **state)
{
	struct ca_grant grant = plain_grant();
	gnutls_pubkey_t pubkey = ca_key_pubkey(subjects[0].key);
	struct store_certificate row = { 0 };
	size_t last = 300;

	(void)state;
	fill(&grant.names, last);
	assert_int_equal(ca_authority_issue_key(rsa, pubkey, &grant, &urls, &row), 0);
	last += CA_CERTIFICATE_MAX - row.der_len;
	store_certificate_clear(&row);
	fill(&grant.names, last);
	assert_int_equal(ca_authority_issue_key(rsa, pubkey, &grant, &urls, &row), 0);
	assert_int_equal(row.der_len, CA_CERTIFICATE_MAX);
	store_certificate_clear(&row);
	for (size_t more = 1; more < 300; more += 3) {
		fill(&grant.names, last + more);
		assert_int_equal(
		    ca_authority_issue_key(rsa, pubkey, &grant, &urls, &row), CA_ETOOMANYNAMES);
		assert_null(row.der);
		assert_int_equal(row.names.n, 0);
	}
	ca_grant_clear(&grant);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "", "\xc3\xa9", "a\tb", "a\x7f", "\xff" };
	gnutls_pubkey_t pubkey = ca_key_pubkey(subjects[3].key);
	struct ca_grant grant = plain_grant();
	struct store_certificate row = { 0 };
	struct ca_template *tmpl = NULL;
	char cn[66];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(cn, sizeof(cn), "%s", bad[i]);
		grant.common_name = cn;
		assert_int_equal(
		    ca_authority_issue_key(p256, pubkey, &grant, &urls, &row), CA_ESUBJECT);
	}
	grant.common_name = NULL;
	snprintf(grant.names.v[0].value, sizeof("web.internal"), "10.0.0");
	grant.names.v[0].type = CA_NAME_IP;
	assert_int_equal(ca_authority_issue_key(p256, pubkey, &grant, &urls, &row), CA_ENAME);
	assert_null(row.der);
	assert_int_equal(ca_template_make(root->crt, CA_KEY_ED25519, "x", &tmpl), CA_EKEYTYPE);
	assert_int_equal(ca_template_make(root->crt, CA_KEY_NONE, "x", &tmpl), CA_EKEYTYPE);
	assert_null(tmpl);
	ca_template_free(NULL);
	ca_grant_clear(&grant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_gnutls),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_common_names),
		cmocka_unit_test(test_issued),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
