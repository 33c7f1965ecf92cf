#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/certificate.h"
#include "ca/tenant.h"
#include "tests/unit/support.h"

static char *dir;
static struct store *store;
static struct ca_master_key master;
static struct ca_installation *inst;

static void load(void)
{
	struct ca_detail why = { "" };

	ca_installation_free(inst);
	inst = NULL;
	if (ca_installation_load(store, &master, &ca_key_libcrypto, &inst, &why))
		fail_msg("%s", why.text);
}

/* An installation with EC keys. */
static int setup(void **state)
{
	struct ca_init_options options = { .key_type = CA_KEY_EC_P256,
		.root_key_type = CA_KEY_EC_P256,
		.revocation_url = "http://pki.example.org" };
	struct ca_init_result result = { 0 };
	char *database, *key;

	(void)state;
	dir = support_mkdir();
	options.state = dir;
	assert_int_equal(ca_init(&options, &result, NULL), 0);
	ca_init_result_clear(&result);
	database = support_path(dir, CA_STATE_DB);
	key = support_path(dir, CA_STATE_MASTER_KEY);
	assert_int_equal(store_open(database, NULL, &store, NULL), 0);
	assert_int_equal(ca_master_key_read(key, &master, NULL), 0);
	free(database);
	free(key);
	load();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ca_installation_free(inst);
	inst = NULL;
	store_close(store);
	support_rmdir(dir);
	return 0;
}

static char suffixes[] = "payments.internal\npay.example.org\n";
static char ranges[] = "10.1.0.0/16\n";
static char trust_domain[] = "payments.example.org";
static const struct store_tenant_settings constrained = { .trust_domain = trust_domain,
	.dns_suffixes = suffixes,
	.ip_ranges = ranges,
	.max_lifetime = 86400,
	.allowed = 6 };
static const struct store_tenant_settings unconstrained = { .max_lifetime = 86400 };

static struct ca_tenant_options options_for(
    const char *name, const struct store_tenant_settings *settings)
{
	return (struct ca_tenant_options){ .name = name,
		.settings = settings,
		.key_type = CA_KEY_EC_P256,
		.root_key_type = CA_KEY_EC_P384 };
}

static struct ca_tenant_draft *draft(const char *name, const struct store_tenant_settings *settings)
{
	struct ca_tenant_options options = options_for(name, settings);
	struct ca_tenant_draft *made = NULL;
	struct ca_detail why = { "" };

	if (ca_tenant_draft_make(&options, &master, inst, ca_now(), &made, &why))
		fail_msg("%s", why.text);
	if (!made)
		abort();
	return made;
}

static int record(struct ca_tenant_draft *made)
{
	return store_write(store, ca_tenant_draft_record, made);
}

static int64_t create(const char *name, const struct store_tenant_settings *settings)
{
	struct ca_tenant_draft *made = draft(name, settings);
	int64_t id;

	assert_int_equal(record(made), 0);
	id = ca_tenant_draft_row(made)->id;
	ca_tenant_draft_free(made);
	load();
	return id;
}

static const struct ca_authority *issuer_of(int64_t id)
{
	const struct ca_authority *issuer =
	    ca_installation_authority(inst, id, STORE_AUTHORITY_ISSUER);

	if (!issuer)
		fail_msg("tenant %lld has no issuer", (long long)id);
	return issuer;
}

static struct ca_buf text_of(const struct ca_authority *authority)
{
	struct ca_buf text = CA_BUF_INIT;
	char *path = support_path(dir, "shown.pem");

	assert_int_equal(
	    ca_file_write(path, authority->pem, strlen(authority->pem), 0600, false), 0);
	assert_int_equal(support_run(&text, "openssl x509 -in %s -noout -text", path), 0);
	assert_int_equal(support_run(NULL, "rm %s", path), 0);
	free(path);
	return text;
}

/* ---- names ---- */

static void test_names(void **state)
{
	static const char *const good[] = { "a", "payments", "a-1", "root", "operators", "default",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmn" };
	static const char *const bad[] = { "", "1a", "-a", "A", "a.b", "a_b", "a b", "system",
		"p\xc3\xa4y", "a/b", "abcdefghijklmnopqrstuvwxyzabcdefghijklmno" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(ca_tenant_name_check(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ca_tenant_name_check(bad[i], NULL), CA_EINVAL);
}

static void test_constraints_and_back(void **state)
{
	static char dns[] = "B.internal\n\nb.internal\na.internal", ip[] = "10.0.0.0/8\n::/0";
	struct store_tenant_settings settings = { .dns_suffixes = dns, .ip_ranges = ip };
	struct store_tenant_settings again = { 0 };
	struct ca_constraints constraints = { 0 };

	(void)state;
	assert_int_equal(ca_tenant_constraints(&settings, &constraints, NULL), 0);
	assert_int_equal(constraints.dns.n, 2);
	assert_int_equal(constraints.ip.n, 2);
	assert_string_equal(constraints.trust_domain, "");
	assert_int_equal(ca_tenant_set_constraints(&constraints, &again), 0);
	assert_string_equal(again.dns_suffixes, "b.internal\na.internal\n");
	assert_string_equal(again.ip_ranges, "10.0.0.0/8\n::/0\n");
	assert_null(again.trust_domain);
	ca_constraints_clear(&constraints);
	store_tenant_settings_clear(&again);
}

static void refuse_settings(struct store_tenant_settings settings, int expect, const char *word)
{
	struct ca_tenant_options options = options_for("payments", &settings);
	struct ca_detail why = { "" };

	assert_int_equal(ca_tenant_options_check(&options, &why), expect);
	if (!strstr(why.text, word))
		fail_msg("\"%s\" does not say %s", why.text, word);
}

static void test_refused_options(void **state)
{
	static char wildcard[] = "*.internal", broken[] = "a..b", range[] = "10.0.0.0/33";
	static char underscore[] = "a_b.example.org";
	struct ca_tenant_options options = options_for("payments", &unconstrained);

	(void)state;
	refuse_settings(
	    (struct store_tenant_settings){ .dns_suffixes = wildcard }, CA_ENAME, "*.internal");
	refuse_settings((struct store_tenant_settings){ .dns_suffixes = broken }, CA_ENAME, "a..b");
	refuse_settings(
	    (struct store_tenant_settings){ .ip_ranges = range }, CA_ENAME, "10.0.0.0/33");
	refuse_settings((struct store_tenant_settings){ .trust_domain = underscore }, CA_ENAME,
	    "a_b.example.org");
	options.key_type = CA_KEY_ED25519;
	assert_int_equal(ca_tenant_options_check(&options, NULL), CA_EINVAL);
	options = options_for("payments", &unconstrained);
	options.root_lifetime = CA_HOUR;
	assert_int_equal(ca_tenant_options_check(&options, NULL), CA_EINVAL);
	options.root_lifetime = CA_YEAR;
	options.issuer_lifetime = 2 * CA_YEAR;
	assert_int_equal(ca_tenant_options_check(&options, NULL), CA_EINVAL);
	options = (struct ca_tenant_options){ .name = "payments", .settings = &unconstrained };
	assert_int_equal(ca_tenant_options_check(&options, NULL), 0);
	assert_int_equal(options.key_type, CA_KEY_RSA_2048);
	assert_int_equal(options.root_key_type, CA_KEY_RSA_3072);
	assert_int_equal(options.root_lifetime, 10 * CA_YEAR);
	assert_int_equal(options.issuer_lifetime, 3 * CA_YEAR);
}

/* ---- making ---- */

static void test_create(void **state)
{
	const struct ca_authority *issuer, *root;
	struct ca_buf text;
	int64_t id;

	(void)state;
	id = create("payments", &constrained);
	assert_int_equal(id, STORE_TENANT_DEFAULT + 1);
	issuer = issuer_of(id);
	root = ca_installation_root(inst, id);
	assert_non_null(root);
	assert_int_equal(root->tenant_id, id);
	assert_string_equal(root->name, "payments.root-1");
	assert_string_equal(issuer->name, "payments.issuer-1");
	assert_string_equal(issuer->tenant, "payments");
	assert_int_equal(ca_key_type(issuer->key), CA_KEY_EC_P256);
	assert_int_equal(ca_key_type(root->key), CA_KEY_EC_P384);
	assert_int_equal(ca_key_selftest(issuer->key), 0);
	assert_ptr_not_equal(root, ca_installation_root(inst, STORE_TENANT_DEFAULT));
	text = text_of(issuer);
	assert_non_null(strstr(ca_buf_text(&text), "X509v3 Name Constraints: critical"));
	assert_non_null(strstr(ca_buf_text(&text), "DNS:payments.internal"));
	assert_non_null(strstr(ca_buf_text(&text), "DNS:pay.example.org"));
	assert_non_null(strstr(ca_buf_text(&text), "URI:payments.example.org"));
	assert_non_null(strstr(ca_buf_text(&text), "IP:10.1.0.0/255.255.0.0"));
	assert_non_null(strstr(ca_buf_text(&text), "O = Mica, CN = payments Issuer "));
	assert_non_null(
	    strstr(ca_buf_text(&text), "http://pki.example.org/ca/payments.root-1.cer"));
	ca_buf_free(&text);
	text = text_of(root);
	assert_null(strstr(ca_buf_text(&text), "Name Constraints"));
	ca_buf_free(&text);
}

/* No constraints, none in the certificate; and names that could be taken for other authorities'. */
static void test_create_like_named(void **state)
{
	static const char *const names[] = { "root", "operators", "a", "a-root", "a-root-1" };
	struct ca_buf text;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		int64_t id = create(names[i], &unconstrained);

		text = text_of(issuer_of(id));
		assert_null(strstr(ca_buf_text(&text), "Name Constraints"));
		ca_buf_free(&text);
	}
}

static void test_twice(void **state)
{
	struct ca_tenant_draft *first = draft("payments", &constrained);
	struct ca_tenant_draft *second = draft("payments", &unconstrained);
	struct ca_tenant_draft *third = draft("ledger", &constrained);

	(void)state;
	assert_int_equal(record(first), 0);
	assert_int_equal(record(second), CA_EEXIST);
	assert_non_null(strstr(ca_tenant_draft_why(second)->text, "payments"));
	assert_int_equal(record(third), CA_EEXIST);
	assert_non_null(strstr(ca_tenant_draft_why(third)->text, "trust domain"));
	ca_tenant_draft_free(first);
	ca_tenant_draft_free(second);
	ca_tenant_draft_free(third);
	load();
	/* system, default, payments */
	assert_null(ca_installation_authority(inst, 4, STORE_AUTHORITY_ISSUER));
}

static int record_and_fail(struct store_tx *tx, void *arg)
{
	int r = ca_tenant_draft_record(tx, arg);

	return r ? r : CA_ESTORE;
}

/* A draft that is not recorded leaves nothing; one whose transaction failed can be recorded anew.
 */
static void test_failed_transaction(void **state)
{
	struct ca_tenant_draft *made = draft("payments", &constrained);
	struct ca_tenant_draft *other = draft("ledger", &unconstrained);
	struct ca_buf count = CA_BUF_INIT;

	(void)state;
	assert_int_equal(store_write(store, record_and_fail, made), CA_ESTORE);
	assert_int_equal(
	    support_run(&count,
		"sqlite3 %s/mica.db 'SELECT (SELECT count(*) FROM tenants), (SELECT count(*) "
		"FROM sealing_keys), (SELECT count(*) FROM authorities)'",
		dir),
	    0);
	assert_string_equal(ca_buf_text(&count), "2|4|4\n");
	ca_buf_free(&count);
	/* Its id is another's by now: what is sealed must say so. */
	assert_int_equal(record(other), 0);
	assert_int_equal(record(made), 0);
	assert_int_equal(ca_tenant_draft_row(made)->id, ca_tenant_draft_row(other)->id + 1);
	load();
	assert_int_equal(ca_key_selftest(issuer_of(ca_tenant_draft_row(made)->id)->key), 0);
	ca_tenant_draft_free(made);
	ca_tenant_draft_free(other);
}

/* ---- another certificate for the issuer ---- */

struct replacement {
	struct store_authority row;
	unsigned char serial[STORE_SERIAL_MAX];
	size_t serial_len;
};

static int replace(struct store_tx *tx, void *arg)
{
	struct replacement *replacement = arg;

	return store_authority_replace_certificate(
	    tx, &replacement->row, replacement->serial, replacement->serial_len, ca_now());
}

static void reissue(int64_t id, const struct store_tenant_settings *settings)
{
	const struct ca_authority *issuer = issuer_of(id);
	struct ca_constraints constraints = { 0 };
	struct replacement replacement = { .serial_len = STORE_SERIAL_MAX };

	assert_int_equal(
	    gnutls_x509_crt_get_serial(issuer->crt, replacement.serial, &replacement.serial_len),
	    0);
	assert_int_equal(ca_tenant_constraints(settings, &constraints, NULL), 0);
	assert_int_equal(ca_tenant_reissue(inst, issuer, &constraints, &replacement.row), 0);
	assert_int_equal(store_write(store, replace, &replacement), 0);
	store_authority_clear(&replacement.row);
	ca_constraints_clear(&constraints);
	load();
}

static void write_pem(const char *name, const char *pem)
{
	char *path = support_path(dir, name);

	assert_int_equal(ca_file_write(path, pem, strlen(pem), 0600, false), 0);
	free(path);
}

/* A leaf for one DNS name, whatever our own policy would say of it, into leaf.pem. */
static void issue_leaf(const struct ca_authority *issuer, const char *dns)
{
	struct ca_grant grant = { .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE,
		.eku = CA_EKU_SERVER_AUTH,
		.not_before = ca_now() - 60,
		.not_after = ca_now() + 3600 };
	const struct ca_urls urls = { NULL };
	struct store_certificate row = { 0 };
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_key *key = NULL;

	assert_int_equal(ca_key_generate(CA_KEY_EC_P256, &key), 0);
	assert_int_equal(ca_names_add(&grant.names, CA_NAME_DNS, dns, strlen(dns), NULL), 0);
	assert_int_equal(
	    ca_authority_issue_key(issuer, ca_key_pubkey(key), &grant, &urls, &row), 0);
	assert_int_equal(ca_pem_certificate(row.der, row.der_len, &pem), 0);
	write_pem("leaf.pem", ca_buf_text(&pem));
	ca_buf_free(&pem);
	store_certificate_clear(&row);
	ca_names_free(&grant.names);
	ca_key_free(key);
}

static bool openssl_takes_leaf(int64_t id)
{
	write_pem("root.pem", ca_installation_root(inst, id)->pem);
	write_pem("issuer.pem", issuer_of(id)->pem);
	return support_run(NULL,
		   "openssl verify -no-CApath -no-CAfile -CAfile %s/root.pem -untrusted "
		   "%s/issuer.pem %s/leaf.pem >/dev/null 2>&1",
		   dir, dir, dir) == 0;
}

static void test_reissue(void **state)
{
	static char fewer[] = "payments.internal\nmore.internal\n";
	struct store_tenant_settings changed = { .dns_suffixes = fewer };
	unsigned char before[CA_SHA256], after[CA_SHA256];
	int64_t not_after, id;

	(void)state;
	id = create("payments", &constrained);
	issue_leaf(issuer_of(id), "db.more.internal");
	assert_false(openssl_takes_leaf(id));
	memcpy(before, issuer_of(id)->sha256, CA_SHA256);
	not_after = issuer_of(id)->not_after;
	reissue(id, &changed);
	memcpy(after, issuer_of(id)->sha256, CA_SHA256);
	assert_memory_not_equal(before, after, CA_SHA256);
	assert_int_equal(issuer_of(id)->not_after, not_after);
	/* What the key signed before is good under the new certificate, and what was taken away
	 * is not. */
	assert_true(openssl_takes_leaf(id));
	issue_leaf(issuer_of(id), "db.pay.example.org");
	assert_false(openssl_takes_leaf(id));
	issue_leaf(issuer_of(id), "db.payments.internal");
	assert_true(openssl_takes_leaf(id));
	reissue(id, &unconstrained);
	issue_leaf(issuer_of(id), "anything.example.com");
	assert_true(openssl_takes_leaf(id));
}

/* The default tenant's issuer stands below the installation's root. */
static void test_reissue_default(void **state)
{
	(void)state;
	issue_leaf(issuer_of(STORE_TENANT_DEFAULT), "db.payments.internal");
	assert_true(openssl_takes_leaf(STORE_TENANT_DEFAULT));
	reissue(STORE_TENANT_DEFAULT, &constrained);
	assert_true(openssl_takes_leaf(STORE_TENANT_DEFAULT));
	issue_leaf(issuer_of(STORE_TENANT_DEFAULT), "db.internal");
	assert_false(openssl_takes_leaf(STORE_TENANT_DEFAULT));
}

static int remove_tenant(struct store_tx *tx, void *arg)
{
	return store_tenant_remove(tx, *(const int64_t *)arg, ca_now());
}

static void test_removed(void **state)
{
	int64_t id = create("payments", &constrained);

	(void)state;
	assert_int_equal(store_write(store, remove_tenant, &id), 0);
	load();
	assert_null(ca_installation_authority(inst, id, STORE_AUTHORITY_ISSUER));
	/* Its keys are there, for its CRLs. */
	for (size_t i = 0; i < inst->authorities_len; i++)
		assert_non_null(inst->authorities[i]->key);
	assert_int_equal(inst->authorities_len, 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_constraints_and_back),
		cmocka_unit_test(test_refused_options),
		TEST(test_create),
		TEST(test_create_like_named),
		TEST(test_twice),
		TEST(test_failed_transaction),
		TEST(test_reissue),
		TEST(test_reissue_default),
		TEST(test_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
