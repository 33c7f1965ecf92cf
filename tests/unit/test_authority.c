#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/certificate.h"
#include "tests/unit/support.h"

#define URL "http://pki.example.com/mica"

static const struct ca_urls urls = { URL };
static const struct ca_urls no_urls = { NULL };

/* ---- authorities of which a test may have any ---- */

struct wanted {
	const char *name;
	const char *common_name;
	enum store_authority_kind kind;
	enum ca_key_type key_type;
	int pathlen;
	int64_t not_before, not_after;
};

static int try_create(
    const struct wanted *want, const struct ca_authority *parent, struct ca_authority **out)
{
	const struct ca_authority_template tmpl = {
		.common_name = want->common_name,
		.organization = "Mica",
		.pathlen = want->pathlen,
		.not_before = want->not_before,
		.not_after = want->not_after,
	};
	struct store_authority row = { .id = 3,
		.tenant_id = 2,
		.parent_id = parent ? 1 : 0,
		.kind = want->kind,
		.status = STORE_AUTHORITY_ACTIVE,
		.crl_shards = 1 };
	struct ca_buf der = CA_BUF_INIT;
	struct ca_key *key = NULL;
	int r;

	assert_int_equal(ca_key_generate(want->key_type, &key), 0);
	snprintf(row.name, sizeof(row.name), "%s", want->name);
	r = ca_authority_create(parent, key, &tmpl, &urls, &der, row.serial, &row.serial_len);
	if (!r) {
		assert_int_equal(row.serial_len, 17);
		assert_int_equal(ca_key_spki_sha256(key, row.spki_sha256), 0);
		row.certificate.data = der.data;
		row.certificate.len = der.len;
		assert_int_equal(ca_authority_open(&row, key, out), 0);
		key = NULL;
	}
	ca_key_free(key);
	ca_buf_free(&der);
	return r;
}

static struct ca_authority *create(const char *name, enum store_authority_kind kind,
    enum ca_key_type type, const struct ca_authority *parent)
{
	int64_t now = ca_now();
	bool root = kind == STORE_AUTHORITY_ROOT;
	struct wanted want = { name, name, kind, type, root ? -1 : 0, now - CA_DAY,
		now + (root ? 10 : 3) * CA_YEAR };
	struct ca_authority *authority = NULL;

	assert_int_equal(try_create(&want, parent, &authority), 0);
	return authority;
}

/* ---- what is granted ---- */

static void add(struct ca_names *names, enum ca_name_type type, const char *value)
{
	assert_int_equal(ca_names_add(names, type, value, strlen(value), NULL), 0);
}

static struct ca_grant grant_of(const char *common_name)
{
	int64_t now = ca_now();
	struct ca_grant grant = {
		.common_name = common_name ? strdup(common_name) : NULL,
		.key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE,
		.eku = CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH,
		.not_before = now - CA_BACKDATE,
		.not_after = now + 7 * CA_DAY,
		.renew_after = now + 4 * CA_DAY,
	};

	add(&grant.names, CA_NAME_DNS, "web.internal");
	add(&grant.names, CA_NAME_DNS, "*.web.internal");
	add(&grant.names, CA_NAME_IP, "10.0.0.1");
	add(&grant.names, CA_NAME_IP, "2001:db8::1");
	add(&grant.names, CA_NAME_URI, "spiffe://internal/ns/default/sa/web");
	return grant;
}

static int issue(const struct ca_authority *issuer, enum ca_key_type type,
    const struct ca_grant *grant, const struct ca_urls *where, struct store_certificate *row)
{
	struct ca_key *key = NULL;
	int r;

	assert_int_equal(ca_key_generate(type, &key), 0);
	r = ca_authority_issue_key(issuer, ca_key_pubkey(key), grant, where, row);
	if (!r) {
		unsigned char spki[CA_SHA256];

		assert_int_equal(ca_key_spki_sha256(key, spki), 0);
		assert_memory_equal(spki, row->spki_sha256, sizeof(spki));
	}
	ca_key_free(key);
	return r;
}

/* ---- files for other people's programs ---- */

static char *write_pem(const char *dir, const char *name, const unsigned char *der, size_t len)
{
	struct ca_buf pem = CA_BUF_INIT;
	char *path = support_path(dir, name);

	assert_int_equal(ca_pem_certificate(der, len, &pem), 0);
	assert_int_equal(ca_file_write(path, pem.data, pem.len, 0600, false), 0);
	ca_buf_free(&pem);
	return path;
}

static void assert_says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static struct ca_buf show(const char *path)
{
	struct ca_buf text = CA_BUF_INIT;

	assert_int_equal(support_run(&text, "openssl x509 -noout -text -in %s", path), 0);
	return text;
}

/* The leaf, its issuer and the root, as files in dir; two programs find them good. */
static void verify_outside(const char *dir, const struct ca_authority *root,
    const struct ca_authority *issuer, const struct store_certificate *row)
{
	char *ca = write_pem(dir, "root.pem", root->der, root->der_len);
	char *middle = write_pem(dir, "issuer.pem", issuer->der, issuer->der_len);
	char *leaf = write_pem(dir, "leaf.pem", row->der, row->der_len);

	assert_int_equal(support_run(NULL,
			     "openssl verify -x509_strict -purpose sslserver -verify_hostname "
			     "web.internal -CAfile %s -untrusted %s %s >&2",
			     ca, middle, leaf),
	    0);
	assert_int_equal(support_run(NULL,
			     "openssl verify -x509_strict -purpose sslclient -CAfile %s -untrusted "
			     "%s %s >&2",
			     ca, middle, leaf),
	    0);
	assert_int_equal(support_run(NULL,
			     "cat %s %s | certtool --verify --verify-hostname web.internal "
			     "--load-ca-certificate %s >&2",
			     leaf, middle, ca),
	    0);
	free(ca);
	free(middle);
	free(leaf);
}

static void test_others_agree(void **state)
{
	static const struct {
		enum ca_key_type root, issuer, leaf;
	} rows[] = {
		{ CA_KEY_EC_P256, CA_KEY_EC_P256, CA_KEY_EC_P256 },
		{ CA_KEY_EC_P384, CA_KEY_EC_P384, CA_KEY_ED25519 },
		{ CA_KEY_RSA_2048, CA_KEY_RSA_2048, CA_KEY_RSA_2048 },
		{ CA_KEY_EC_P384, CA_KEY_EC_P256, CA_KEY_EC_P384 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ca_authority *root =
		    create("root-1", STORE_AUTHORITY_ROOT, rows[i].root, NULL);
		struct ca_authority *issuer =
		    create("default-1", STORE_AUTHORITY_ISSUER, rows[i].issuer, root);
		struct store_certificate row = { 0 };
		struct ca_grant grant = grant_of(i % 2 ? NULL : "web.internal");

		assert_int_equal(issue(issuer, rows[i].leaf, &grant, &urls, &row), 0);
		verify_outside(*state, root, issuer, &row);
		ca_grant_clear(&grant);
		store_certificate_clear(&row);
		ca_authority_free(issuer);
		ca_authority_free(root);
	}
}

static void test_row(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct store_certificate row = { 0 };
	struct ca_grant grant = grant_of("web.internal");
	static const unsigned char zeroes[STORE_HASH];

	(void)state;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &grant, &urls, &row), 0);
	assert_int_equal(row.tenant_id, 2);
	assert_int_equal(row.issuer_id, 3);
	assert_int_equal(row.id, 0);
	assert_int_equal(row.lineage_id, 0);
	assert_int_equal(row.serial_len, 17);
	assert_in_range(row.serial[0], 1, 127);
	assert_memory_equal(row.request_sha256, zeroes, STORE_HASH);
	assert_int_equal(row.not_before, grant.not_before);
	assert_int_equal(row.not_after, grant.not_after);
	assert_int_equal(row.renew_after, grant.renew_after);
	assert_int_equal(row.status, STORE_GOOD);
	assert_int_equal(row.crl_shard, 0);
	assert_int_equal(row.names.n, 5);
	assert_true(ca_names_has(&row.names, CA_NAME_IP, "2001:db8::1"));
	store_certificate_clear(&row);
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_leaf_text(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct store_certificate row = { 0 };
	struct ca_grant grant = grant_of("web.internal");
	struct ca_buf text;
	char *path;

	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &grant, &urls, &row), 0);
	path = write_pem(*state, "leaf.pem", row.der, row.der_len);
	text = show(path);
	assert_says(ca_buf_text(&text), "Version: 3 (0x2)");
	assert_says(ca_buf_text(&text), "Signature Algorithm: ecdsa-with-SHA256");
	assert_says(ca_buf_text(&text), "Subject: CN = web.internal\n");
	assert_says(ca_buf_text(&text), "Issuer: O = Mica, CN = default-1\n");
	assert_says(ca_buf_text(&text), "Basic Constraints: critical\n                CA:FALSE\n");
	assert_says(ca_buf_text(&text), "Key Usage: critical\n                Digital Signature\n");
	assert_says(ca_buf_text(&text), "Extended Key Usage: \n                TLS Web Server "
					"Authentication, TLS Web Client Authentication\n");
	assert_says(ca_buf_text(&text), "Alternative Name: \n                DNS:web.internal, "
					"DNS:*.web.internal, IP Address:10.0.0.1, IP "
					"Address:2001:DB8:0:0:0:0:0:1, "
					"URI:spiffe://internal/ns/default/sa/web\n");
	assert_says(ca_buf_text(&text), "Subject Key Identifier: \n");
	assert_says(ca_buf_text(&text), "Authority Key Identifier: \n");
	assert_says(ca_buf_text(&text), "CA Issuers - URI:" URL "/ca/default-1.cer\n");
	assert_says(ca_buf_text(&text), "OCSP - URI:" URL "/ocsp\n");
	assert_says(ca_buf_text(&text), "URI:" URL "/crl/default-1.crl\n");
	ca_buf_free(&text);
	free(path);
	store_certificate_clear(&row);
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_leaf_without_subject_and_urls(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P384, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P384, root);
	struct store_certificate row = { 0 };
	struct ca_grant grant = grant_of(NULL);
	struct ca_buf text;
	char *path;

	grant.key_usage |= GNUTLS_KEY_KEY_ENCIPHERMENT;
	grant.eku = CA_EKU_CLIENT_AUTH;
	assert_int_equal(issue(issuer, CA_KEY_RSA_2048, &grant, &no_urls, &row), 0);
	path = write_pem(*state, "leaf.pem", row.der, row.der_len);
	text = show(path);
	assert_says(ca_buf_text(&text), "Signature Algorithm: ecdsa-with-SHA384");
	assert_says(ca_buf_text(&text), "Subject: \n");
	assert_says(ca_buf_text(&text), "Alternative Name: critical\n");
	assert_says(ca_buf_text(&text), "Digital Signature, Key Encipherment\n");
	assert_says(ca_buf_text(&text), "Usage: \n                TLS Web Client Authentication\n");
	assert_null(strstr(ca_buf_text(&text), "URI:http"));
	ca_buf_free(&text);
	free(path);
	store_certificate_clear(&row);
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_ca_text(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	char *path = write_pem(*state, "root.pem", root->der, root->der_len);
	struct ca_buf text = show(path);

	assert_says(ca_buf_text(&text), "Basic Constraints: critical\n                CA:TRUE\n");
	assert_says(ca_buf_text(&text),
	    "Key Usage: critical\n                Certificate Sign, CRL Sign\n");
	assert_says(ca_buf_text(&text), "Subject: O = Mica, CN = root-1\n");
	assert_null(strstr(ca_buf_text(&text), URL));
	ca_buf_free(&text);
	free(path);
	path = write_pem(*state, "issuer.pem", issuer->der, issuer->der_len);
	text = show(path);
	assert_says(ca_buf_text(&text),
	    "Basic Constraints: critical\n                CA:TRUE, pathlen:0\n");
	assert_says(ca_buf_text(&text), URL "/ca/root-1.cer\n");
	assert_says(ca_buf_text(&text), URL "/crl/root-1.crl\n");
	ca_buf_free(&text);
	free(path);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_serials_differ(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct ca_grant grant = grant_of(NULL);
	unsigned char seen[300][17];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		struct store_certificate row = { 0 };

		assert_int_equal(ca_authority_issue_key(
				     issuer, ca_key_pubkey(root->key), &grant, &no_urls, &row),
		    0);
		assert_int_equal(row.serial_len, 17);
		assert_in_range(row.serial[0], 1, 127);
		memcpy(seen[i], row.serial, 17);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], 17);
		store_certificate_clear(&row);
	}
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

/* What no policy may get past. */
static void test_refuses(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct store_certificate row = { 0 };
	struct ca_grant grant = grant_of("web.internal"), g;
	char long_name[66], empty[] = "", control[] = "a\nb", delete[] = "a\x7f";
	char *const no_texts[] = { long_name, empty, control, delete };

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	long_name[65] = '\0';
	g = grant;
	g.not_after = issuer->not_after + 1;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_EISSUERENDS);
	g.not_after = issuer->not_after;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), 0);
	store_certificate_clear(&row);
	g = grant;
	g.not_before = issuer->not_before - 1;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_ECLOCK);
	g = grant;
	g.not_after = g.not_before;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_ECLOCK);
	g = grant;
	g.key_usage |= GNUTLS_KEY_KEY_CERT_SIGN;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_EINTERNAL);
	g = grant;
	g.common_name = long_name;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_ESUBJECT);
	for (size_t i = 0; i < sizeof(no_texts) / sizeof(*no_texts); i++) {
		g = grant;
		g.organization = no_texts[i];
		assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_ESUBJECT);
		g.organization = NULL;
		g.organizational_unit = no_texts[i];
		assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_ESUBJECT);
	}
	g = grant;
	g.common_name = NULL;
	g.names = (struct ca_names)CA_NAMES_INIT;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &g, &urls, &row), CA_ENONAMES);
	assert_int_equal(issue(root, CA_KEY_EC_P256, &grant, &urls, &row), CA_EINTERNAL);
	assert_int_equal(
	    ca_authority_issue_key(issuer, ca_key_pubkey(issuer->key), &grant, &urls, &row),
	    CA_EKEYRESERVED);
	issuer->status = STORE_AUTHORITY_TRUSTED;
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &grant, &urls, &row), CA_EINTERNAL);
	assert_null(row.der);
	assert_int_equal(row.names.n, 0);
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_names_and_size(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct ca_grant grant = grant_of(NULL);
	struct store_certificate row = { 0 };
	char name[250];
	int r = 0;
	size_t n = 0;

	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t i = 60; i < 240; i += 60)
		name[i] = '.';
	while (!r && n < 200) {
		snprintf(name + 200, 50, "b%zu.internal", n++);
		add(&grant.names, CA_NAME_DNS, name);
		if (n % 10)
			continue;
		r = issue(issuer, CA_KEY_EC_P256, &grant, &urls, &row);
		if (!r)
			assert_in_range(row.der_len, 1, CA_CERTIFICATE_MAX);
		store_certificate_clear(&row);
	}
	assert_int_equal(r, CA_ETOOMANYNAMES);
	assert_in_range(n, 60, 80);
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_create_refuses(void **state)
{
	int64_t now = ca_now();
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct wanted want = { "x-1", "X", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, 0, now,
		now + CA_YEAR };
	struct ca_authority *made = NULL;

	(void)state;
	want.not_after = root->not_after + 1;
	assert_int_equal(try_create(&want, root, &made), CA_EISSUERENDS);
	want.not_after = now + CA_YEAR;
	want.not_before = root->not_before - 1;
	assert_int_equal(try_create(&want, root, &made), CA_ECLOCK);
	want.not_before = now;
	assert_int_equal(try_create(&want, issuer, &made), CA_EINTERNAL);
	want.key_type = CA_KEY_ED25519;
	assert_int_equal(try_create(&want, NULL, &made), CA_EKEYTYPE);
	want.key_type = CA_KEY_EC_P256;
	want.common_name = "";
	assert_int_equal(try_create(&want, NULL, &made), CA_ESUBJECT);
	assert_null(made);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

/* Flip the last octets of the signature: the verification after signing sees it, in self-signed
 * ones too. */
static void test_verify(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct ca_authority *stranger =
	    create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	const struct ca_authority *both[] = { root, issuer };

	(void)state;
	assert_int_equal(ca_certificate_verify(root->crt, root->crt), 0);
	assert_int_equal(ca_certificate_verify(issuer->crt, root->crt), 0);
	assert_int_equal(ca_certificate_verify(issuer->crt, issuer->crt), CA_EINTERNAL);
	assert_int_equal(ca_certificate_verify(issuer->crt, stranger->crt), CA_EINTERNAL);
	for (size_t i = 0; i < 2; i++) {
		gnutls_x509_crt_t crt = NULL;

		both[i]->der[both[i]->der_len - 1] ^= 1;
		assert_int_equal(ca_certificate_import(both[i]->der, both[i]->der_len, &crt), 0);
		assert_int_equal(ca_certificate_verify(crt, i ? root->crt : crt), CA_EINTERNAL);
		gnutls_x509_crt_deinit(crt);
	}
	ca_authority_free(issuer);
	ca_authority_free(root);
	ca_authority_free(stranger);
}

/* Rows, keys and certificates that do not belong together. */
static void test_open(void **state)
{
	struct ca_authority *a = create("a-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *b = create("b-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer = create("i-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, a);
	struct ca_grant grant = grant_of(NULL);
	struct store_certificate leaf = { 0 };
	struct store_authority row = {
		.id = 9, .kind = STORE_AUTHORITY_ROOT, .certificate = { a->der, a->der_len }
	};
	struct ca_authority *opened = NULL;

	(void)state;
	memcpy(row.spki_sha256, a->spki_sha256, CA_SHA256);
	assert_int_equal(ca_authority_open(&row, b->key, &opened), CA_ESEAL);
	assert_int_equal(ca_authority_open(&row, NULL, &opened), 0);
	assert_null(opened->key);
	assert_int_equal(opened->id, 9);
	assert_int_equal(opened->not_after, a->not_after);
	assert_memory_equal(opened->sha256, a->sha256, CA_SHA256);
	assert_string_equal(opened->pem, a->pem);
	ca_authority_free(opened);
	opened = NULL;
	row.spki_sha256[0] ^= 1;
	assert_int_equal(ca_authority_open(&row, a->key, &opened), CA_ESEAL);
	row.certificate.len--;
	assert_int_equal(ca_authority_open(&row, a->key, &opened), CA_ESEAL);
	row.certificate.len = 0;
	assert_int_equal(ca_authority_open(&row, a->key, &opened), CA_ESEAL);
	assert_int_equal(issue(issuer, CA_KEY_EC_P256, &grant, &urls, &leaf), 0);
	row.certificate = (struct store_blob){ leaf.der, leaf.der_len };
	memcpy(row.spki_sha256, leaf.spki_sha256, CA_SHA256);
	assert_int_equal(ca_authority_open(&row, NULL, &opened), CA_ESEAL);
	assert_null(opened);
	store_certificate_clear(&leaf);
	ca_grant_clear(&grant);
	ca_authority_free(a);
	ca_authority_free(b);
	ca_authority_free(issuer);
}

static void *issue_many(void *arg)
{
	const struct ca_authority *issuer = arg;
	struct ca_grant grant = grant_of("web.internal");
	size_t failed = 0;

	for (int i = 0; i < 50; i++) {
		struct store_certificate row = { 0 };

		/* A leaf that has the key of no CA: the issuer's certificate is shared, this is
		 * not. */
		failed += issue(issuer, CA_KEY_EC_P256, &grant, &urls, &row) != 0;
		store_certificate_clear(&row);
	}
	ca_grant_clear(&grant);
	return failed ? arg : NULL;
}

static void test_threads(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_RSA_2048, root);
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, issue_many, issuer), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed = issuer;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static void test_from_csr(void **state)
{
	struct ca_authority *root = create("root-1", STORE_AUTHORITY_ROOT, CA_KEY_EC_P256, NULL);
	struct ca_authority *issuer =
	    create("default-1", STORE_AUTHORITY_ISSUER, CA_KEY_EC_P256, root);
	struct ca_grant grant = grant_of("web.internal");
	struct store_certificate row = { 0 };
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_key *key = NULL;
	struct ca_csr *csr = NULL;

	(void)state;
	assert_int_equal(ca_key_generate(CA_KEY_EC_P256, &key), 0);
	assert_int_equal(ca_csr_create(key, "web.internal", &grant.names, &pem), 0);
	assert_int_equal(ca_csr_parse((const char *)pem.data, pem.len, &csr, NULL), 0);
	assert_int_equal(ca_authority_issue(issuer, csr, &grant, &urls, &row), 0);
	assert_memory_equal(row.request_sha256, csr->request_sha256, STORE_HASH);
	assert_memory_equal(row.spki_sha256, csr->spki_sha256, STORE_HASH);
	ca_csr_free(csr);
	ca_key_free(key);
	ca_buf_free(&pem);
	store_certificate_clear(&row);
	ca_grant_clear(&grant);
	ca_authority_free(issuer);
	ca_authority_free(root);
}

static int setup(void **state)
{
	*state = support_mkdir();
	return 0;
}

static int teardown(void **state)
{
	support_rmdir(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_others_agree, setup, teardown),
		cmocka_unit_test(test_row),
		cmocka_unit_test_setup_teardown(test_leaf_text, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_leaf_without_subject_and_urls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ca_text, setup, teardown),
		cmocka_unit_test(test_serials_differ),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_names_and_size),
		cmocka_unit_test(test_create_refuses),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_from_csr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
