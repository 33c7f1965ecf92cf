#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#include "store/certificates.h"
#include "store/db.h"
#include "store/installation.h"
#include "store/operators.h"
#include "store/policies.h"
#include "store/tenants.h"
#include "store/tokens.h"

#define NOW 1800000000
#define PAYMENTS 3
#define LEDGER 4

static char *dir;
static struct store *store;

/* ---- fixture ---- */

static unsigned char octets[] = { 0x30, 0x00 };

static void add_authority(struct store_tx *tx, int64_t tenant_id, const char *name)
{
	struct store_authority row = { .tenant_id = tenant_id,
		.kind = STORE_AUTHORITY_ISSUER,
		.status = STORE_AUTHORITY_ACTIVE,
		.serial = { 1 },
		.serial_len = 1,
		.not_after = NOW + 100,
		.crl_shards = 1,
		.certificate = { octets, 2 },
		.sealed_key = { octets, 2 } };

	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	assert_int_equal(store_authority_add(tx, &row), 0);
}

static void add_operator(struct store_tx *tx, const char *name, int64_t tenant_id)
{
	struct store_operator op = { .tenant_id = tenant_id,
		.role = tenant_id ? STORE_ROLE_OPERATOR : STORE_ROLE_ADMIN,
		.created_at = NOW };

	(void)snprintf(op.name, sizeof(op.name), "%s", name);
	assert_int_equal(store_operator_add(tx, &op), 0);
}

static int populate(struct store_tx *tx, void *arg)
{
	struct store_tenant tenants[] = { { 1, "system", NOW, 0, 0 }, { 2, "default", NOW, 0, 0 },
		{ 0, "payments", NOW, 0, 0 }, { 0, "ledger", NOW, 0, 0 } };

	(void)arg;
	for (size_t i = 0; i < 4; i++) {
		char name[STORE_AUTHORITY_NAME];

		assert_int_equal(store_tenant_add(tx, &tenants[i]), 0);
		(void)snprintf(name, sizeof(name), "%s-1", tenants[i].name);
		add_authority(tx, tenants[i].id, name);
	}
	add_operator(tx, "ada", 0);
	add_operator(tx, "bob", PAYMENTS);
	add_operator(tx, "carol", LEDGER);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	assert_int_equal(store_write(store, populate, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	support_rmdir(dir);
	return 0;
}

static void run(int (*job)(struct store_tx *tx, void *arg))
{
	assert_int_equal(store_write(store, job, NULL), 0);
}

static int64_t add_certificate(struct store_tx *tx, int64_t tenant_id, int64_t operator_id)
{
	static unsigned n;
	struct store_certificate row = { .tenant_id = tenant_id,
		.issuer_id = tenant_id,
		.operator_id = operator_id,
		.serial_len = 4,
		.profile = "service",
		.not_before = NOW,
		.not_after = NOW + 86400,
		.der = octets,
		.der_len = 2 };

	n++;
	row.serial[0] = 1;
	row.serial[1] = (unsigned char)(n >> 16);
	row.serial[2] = (unsigned char)(n >> 8);
	row.serial[3] = (unsigned char)n;
	assert_int_equal(store_certificate_add(tx, &row), 0);
	return row.id;
}

static enum store_status status_of(struct store_tx *tx, int64_t id)
{
	enum store_status status = STORE_GOOD;

	assert_int_equal(store_certificate_status(tx, id, &status), 0);
	return status;
}

/* ---- settings ---- */

static int settings_job(struct store_tx *tx, void *arg)
{
	static char domain[] = "example.org", dns[] = "a.internal\nb.internal\n", ip[] = "::/0\n";
	struct store_tenant_settings set = { domain, dns, ip, 3600, 1, 5, 6, 7, 8 };
	struct store_tenant_settings got = { 0 };

	(void)arg;
	assert_int_equal(store_tenant_settings_get(tx, PAYMENTS, &got), 0);
	assert_null(got.trust_domain);
	assert_string_equal(got.dns_suffixes, "");
	assert_string_equal(got.ip_ranges, "");
	assert_int_equal(got.max_lifetime, 90 * 86400);
	assert_int_equal(got.allowed, 6);
	assert_int_equal(got.alive_max, 0);
	store_tenant_settings_clear(&got);
	assert_int_equal(store_tenant_settings_set(tx, PAYMENTS, &set, NOW), 0);
	assert_int_equal(store_tenant_settings_set(tx, PAYMENTS, &set, NOW), 0);
	assert_int_equal(store_tenant_settings_get(tx, PAYMENTS, &got), 0);
	assert_string_equal(got.trust_domain, domain);
	assert_string_equal(got.dns_suffixes, dns);
	assert_string_equal(got.ip_ranges, ip);
	assert_int_equal(got.max_lifetime, 3600);
	assert_int_equal(got.allowed, 1);
	assert_int_equal(got.alive_max, 5);
	assert_int_equal(got.minute_max, 6);
	assert_int_equal(got.identity_alive_max, 7);
	assert_int_equal(got.identity_minute_max, 8);
	store_tenant_settings_clear(&got);
	assert_int_equal(store_tenant_settings_set(tx, LEDGER, &set, NOW), CA_EEXIST);
	set = (struct store_tenant_settings){ .max_lifetime = 60 };
	assert_int_equal(store_tenant_settings_set(tx, LEDGER, &set, NOW), 0);
	assert_int_equal(store_tenant_settings_set(tx, PAYMENTS, &set, NOW), 0);
	assert_int_equal(store_tenant_settings_set(tx, 99, &set, NOW), CA_ENOTFOUND);
	assert_int_equal(store_tenant_settings_get(tx, 99, &got), CA_ENOTFOUND);
	return 0;
}

static void keeps_settings(void **state)
{
	(void)state;
	run(settings_job);
}

/* ---- removal ---- */

static struct {
	int64_t bob, ada; /* their credentials */
	int64_t mine[7], other;
} certificates;

static void add_token(struct store_tx *tx, const char *id, int64_t tenant_id)
{
	struct store_token token = { .tenant_id = tenant_id,
		.operator_id = 1,
		.certificate_id = certificates.ada,
		.profile = "service",
		.uses_max = 1,
		.created_at = NOW,
		.expires_at = NOW + 100 };

	(void)snprintf(token.id, sizeof(token.id), "%s", id);
	assert_int_equal(store_token_add(tx, &token), 0);
}

static int fill(struct store_tx *tx, void *arg)
{
	(void)arg;
	certificates.ada = add_certificate(tx, STORE_TENANT_SYSTEM, 1);
	certificates.bob = add_certificate(tx, STORE_TENANT_SYSTEM, 2);
	for (size_t i = 0; i < 7; i++) {
		certificates.mine[i] = add_certificate(tx, PAYMENTS, 0);
		certificates.other = add_certificate(tx, LEDGER, 0);
	}
	add_token(tx, "aa", PAYMENTS);
	add_token(tx, "bb", LEDGER);
	return 0;
}

static int remove_job(struct store_tx *tx, void *arg)
{
	static char domain[] = "example.org";
	struct store_tenant_settings settings = { .trust_domain = domain, .max_lifetime = 60 };
	struct store_tenant again = { .name = "payments", .created_at = NOW };

	(void)arg;
	assert_int_equal(store_tenant_settings_set(tx, PAYMENTS, &settings, NOW), 0);
	assert_int_equal(store_tenant_remove(tx, PAYMENTS, NOW + 1), 0);
	assert_int_equal(store_tenant_remove(tx, PAYMENTS, NOW + 2), CA_ETENANTREMOVED);
	assert_int_equal(store_tenant_remove(tx, 99, NOW), CA_ENOTFOUND);
	assert_int_equal(store_tenant_check(tx, PAYMENTS), CA_ETENANTREMOVED);
	assert_int_equal(store_tenant_check(tx, LEDGER), 0);
	assert_int_equal(store_tenant_check(tx, 99), CA_ENOTFOUND);
	assert_int_equal(
	    store_tenant_settings_set(tx, PAYMENTS, &settings, NOW), CA_ETENANTREMOVED);
	/* The name is never used again; the trust domain is free. */
	assert_int_equal(store_tenant_add(tx, &again), CA_EEXIST);
	assert_int_equal(store_tenant_settings_set(tx, LEDGER, &settings, NOW), 0);
	return 0;
}

static int see_authority(const struct store_authority *row, void *arg)
{
	(void)arg;
	assert_int_equal(row->status,
	    row->tenant_id == PAYMENTS ? STORE_AUTHORITY_TRUSTED : STORE_AUTHORITY_ACTIVE);
	assert_int_equal(row->sealed_key.len, 2);
	return 0;
}

static int see_removed(struct store_tx *tx, void *arg)
{
	struct store_operator op;
	struct store_token token = { 0 };

	(void)arg;
	assert_int_equal(store_operator_get_name(tx, "bob", &op), 0);
	assert_int_equal(op.removed_at, NOW + 1);
	assert_int_equal(status_of(tx, certificates.bob), STORE_REVOKED);
	assert_int_equal(status_of(tx, certificates.ada), STORE_GOOD);
	assert_int_equal(store_operator_get_name(tx, "carol", &op), 0);
	assert_int_equal(op.removed_at, 0);
	assert_int_equal(store_token_get(tx, 0, "aa", &token), 0);
	assert_int_equal(token.removed_at, NOW + 1);
	store_token_clear(&token);
	assert_int_equal(store_token_get(tx, 0, "bb", &token), 0);
	assert_int_equal(token.removed_at, 0);
	store_token_clear(&token);
	assert_int_equal(store_authority_each(tx, see_authority, NULL), 0);
	/* Certificates come behind it. */
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(status_of(tx, certificates.mine[i]), STORE_GOOD);
	return 0;
}

static void removes(void **state)
{
	uint64_t before = store_rights_version(store);

	(void)state;
	run(fill);
	run(remove_job);
	run(see_removed);
	assert_true(store_rights_version(store) > before);
}

static int batch(struct store_tx *tx, void *arg)
{
	bool *done = arg;

	return store_tenant_revoke_some(tx, PAYMENTS, NOW + 2, 3, done);
}

static size_t count_revoked(struct store_tx *tx)
{
	size_t n = 0;

	for (size_t i = 0; i < 7; i++)
		n += status_of(tx, certificates.mine[i]) == STORE_REVOKED;
	return n;
}

/* The one in the middle was revoked before, for another reason, and stays as it is. */
static int revoke_one(struct store_tx *tx, void *arg)
{
	(void)arg;
	return store_certificate_revoke(tx, certificates.mine[3], NOW, 1, NULL);
}

static void expect_revoked(size_t expect, int64_t to)
{
	struct store_tenant tenant;
	struct store_tx *tx = NULL;
	int64_t id = 0;

	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(count_revoked(tx), expect);
	assert_int_equal(store_tenant_get(tx, PAYMENTS, &tenant), 0);
	assert_int_equal(tenant.revoked_to, to);
	assert_int_equal(store_tenant_next_to_revoke(tx, 0, &id), to < 0 ? CA_ENOTFOUND : 0);
	assert_int_equal(id, to < 0 ? 0 : PAYMENTS);
	assert_int_equal(store_tenant_next_to_revoke(tx, PAYMENTS, &id), CA_ENOTFOUND);
	assert_int_equal(status_of(tx, certificates.other), STORE_GOOD);
	store_read_end(tx);
}

static void expect_reason(int64_t id, int64_t when, int reason)
{
	struct store_certificate row = { 0 };
	struct store_tx *tx = NULL;

	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_certificate_get_id(tx, id, &row), 0);
	assert_int_equal(row.revoked_at, when);
	assert_int_equal(row.revocation_reason, reason);
	store_certificate_clear(&row);
	store_read_end(tx);
}

static void revokes_in_batches(void **state)
{
	bool done = true;

	(void)state;
	run(fill);
	assert_int_equal(store_write(store, batch, &done), CA_ENOTFOUND);
	run(revoke_one);
	run(remove_job);
	expect_revoked(1, 0);
	for (size_t i = 0; i < 3; i++) {
		size_t last = 3 * i + 2 < 7 ? 3 * i + 2 : 6;

		assert_int_equal(store_write(store, batch, &done), 0);
		assert_false(done);
		expect_revoked(i == 0 ? 4 : last + 1, certificates.mine[last]);
	}
	assert_int_equal(store_write(store, batch, &done), 0);
	assert_true(done);
	expect_revoked(7, -1);
	done = false;
	assert_int_equal(store_write(store, batch, &done), 0);
	assert_true(done);
	expect_reason(certificates.mine[0], NOW + 2, 5);
	expect_reason(certificates.mine[3], NOW, 1);
	expect_reason(certificates.bob, NOW + 1, 5);
}

/* ---- walking ---- */

static int see_tenant(const struct store_tenant *tenant, void *arg)
{
	int64_t *last = arg;

	assert_true(tenant->id > *last);
	*last = tenant->id;
	return tenant->id == LEDGER + 1 ? CA_ESEAL : 0;
}

static void walks(void **state)
{
	struct store_tenant tenant;
	struct store_tx *tx = NULL;
	int64_t last = 0;

	(void)state;
	run(remove_job);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_tenant_each(tx, see_tenant, &last), 0);
	assert_int_equal(last, LEDGER);
	assert_int_equal(store_tenant_next(tx, 2, &tenant), 0);
	assert_int_equal(tenant.id, PAYMENTS);
	assert_int_equal(tenant.removed_at, NOW + 1);
	assert_int_equal(store_tenant_next(tx, LEDGER, &tenant), CA_ENOTFOUND);
	store_read_end(tx);
}

/* ---- an authority's certificate ---- */

static int replace_job(struct store_tx *tx, void *arg)
{
	static unsigned char fresh[] = { 0x31, 0x00, 0x00 };
	struct store_authority row = { .id = PAYMENTS,
		.serial = { 9, 9 },
		.serial_len = 2,
		.not_before = NOW + 1,
		.not_after = NOW + 99,
		.certificate = { fresh, 3 } };
	const unsigned char old[] = { 1 };

	(void)arg;
	assert_int_equal(
	    store_authority_replace_certificate(tx, &row, row.serial, 2, NOW), CA_EPRECONDITION);
	assert_int_equal(store_authority_replace_certificate(tx, &row, old, 1, NOW), 0);
	assert_int_equal(
	    store_authority_replace_certificate(tx, &row, old, 1, NOW), CA_EPRECONDITION);
	/* A removed tenant's issuer signs no more. */
	assert_int_equal(store_tenant_remove(tx, LEDGER, NOW), 0);
	row.id = LEDGER;
	assert_int_equal(
	    store_authority_replace_certificate(tx, &row, old, 1, NOW), CA_EPRECONDITION);
	return 0;
}

static int see_replaced(const struct store_authority *row, void *arg)
{
	bool replaced = row->id == PAYMENTS;

	(void)arg;
	assert_int_equal(row->serial_len, replaced ? 2 : 1);
	assert_int_equal(row->certificate.len, replaced ? 3 : 2);
	assert_int_equal(row->not_after, NOW + (replaced ? 99 : 100));
	assert_int_equal(row->sealed_key.len, 2);
	return 0;
}

static void replaces_a_certificate(void **state)
{
	struct ca_buf kept = CA_BUF_INIT;
	struct store_tx *tx = NULL;

	(void)state;
	run(replace_job);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_authority_each(tx, see_replaced, NULL), 0);
	store_read_end(tx);
	assert_int_equal(support_run(&kept,
			     "sqlite3 %s/mica.db 'SELECT authority_id, hex(serial), "
			     "not_after, hex(certificate), replaced_at "
			     "FROM replaced_certificates'",
			     dir),
	    0);
	assert_string_equal(ca_buf_text(&kept), "3|01|1800000100|3000|1800000000\n");
	ca_buf_free(&kept);
}

/* ---- policies ---- */

static void expect_policy(struct store_tx *tx, int64_t version, const char *document, int64_t at)
{
	struct store_policy policy = { 0 };

	assert_int_equal(store_policy_get(tx, PAYMENTS, &policy), 0);
	assert_int_equal(policy.version, version);
	assert_string_equal(policy.document, document);
	assert_int_equal(policy.changed_at, at);
	store_policy_clear(&policy);
}

static int policy_job(struct store_tx *tx, void *arg)
{
	int64_t version = 0;

	(void)arg;
	expect_policy(tx, 0, "{}", 0);
	assert_int_equal(
	    store_policy_put(tx, PAYMENTS, 1, "{ }", 1, NOW, &version), CA_EPRECONDITION);
	assert_int_equal(store_policy_put(tx, PAYMENTS, 0, "{ }", 1, NOW, &version), 0);
	assert_int_equal(version, 1);
	assert_int_equal(
	    store_policy_put(tx, PAYMENTS, 0, "{  }", 1, NOW, &version), CA_EPRECONDITION);
	assert_int_equal(store_policy_put(tx, PAYMENTS, 1, "{ }", 2, NOW + 1, &version), 0);
	assert_int_equal(version, 1);
	expect_policy(tx, 1, "{ }", NOW);
	assert_int_equal(
	    store_policy_put(tx, PAYMENTS, STORE_POLICY_ANY_VERSION, "{  }", 2, NOW + 2, &version),
	    0);
	assert_int_equal(version, 2);
	expect_policy(tx, 2, "{  }", NOW + 2);
	assert_int_equal(store_policy_put(tx, 99, 0, "{}", 1, NOW, &version), CA_ENOTFOUND);
	assert_int_equal(store_tenant_remove(tx, PAYMENTS, NOW), 0);
	assert_int_equal(
	    store_policy_put(tx, PAYMENTS, 2, "{}", 1, NOW, &version), CA_ETENANTREMOVED);
	assert_int_equal(version, 2);
	return 0;
}

static void keeps_policies(void **state)
{
	(void)state;
	run(policy_job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(removes, setup, teardown),
		cmocka_unit_test_setup_teardown(revokes_in_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(walks, setup, teardown),
		cmocka_unit_test_setup_teardown(replaces_a_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_policies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
