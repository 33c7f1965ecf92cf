#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#include "store/certificates.h"
#include "store/db.h"
#include "store/installation.h"
#include "store/operators.h"
#include "store/tokens.h"

#define NOW 1800000000
#define DAY 86400

static char *dir;
static struct store *store;
static struct store_tx *tx; /* reading; the teardown ends it */
static unsigned serials;

static int populate(struct store_tx *wtx, void *arg)
{
	static unsigned char octets[] = { 0x30, 0x00 };
	struct store_tenant tenants[] = { { 1, "system", NOW, 0, 0 }, { 2, "default", NOW, 0, 0 },
		{ 3, "other", NOW, 0, 0 } };
	struct store_authority issuer = { .tenant_id = 1,
		.name = "operators-1",
		.serial = { 1 },
		.serial_len = 1,
		.crl_shards = 1,
		.certificate = { octets, 2 } };

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_tenant_add(wtx, &tenants[i]), 0);
	assert_int_equal(store_authority_add(wtx, &issuer), 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	assert_int_equal(store_write(store, populate, NULL), 0);
	serials = 0;
	return 0;
}

static void begin(void)
{
	assert_int_equal(store_read_begin(store, &tx), 0);
}

static void end(void)
{
	store_read_end(tx);
	tx = NULL;
}

static int teardown(void **state)
{
	(void)state;
	end();
	store_close(store);
	store = NULL;
	support_rmdir(dir);
	return 0;
}

/* ---- what the tests do ---- */

static const struct store_email mail_a = { .hash = { 0xa }, .sealed = "sealed", .sealed_len = 6 };
static const struct store_email mail_b = { .hash = { 0xb }, .sealed = "other", .sealed_len = 5 };

struct adding {
	struct store_operator op;
	const struct store_email *email;
};

static int run_add(struct store_tx *wtx, void *arg)
{
	struct adding *a = arg;
	int rc = store_operator_add(wtx, &a->op);

	return rc || !a->email ? rc : store_operator_set_email(wtx, a->op.id, a->email);
}

static int64_t add(
    const char *name, enum store_role role, int64_t tenant_id, const struct store_email *email)
{
	struct adding a = { .op = { .tenant_id = tenant_id, .role = role, .created_at = NOW },
		.email = email };

	(void)snprintf(a.op.name, sizeof(a.op.name), "%s", name);
	assert_int_equal(store_write(store, run_add, &a), 0);
	return a.op.id;
}

static int run_certificate(struct store_tx *wtx, void *arg)
{
	unsigned char der[] = { 0x30, 0x00 };
	struct store_certificate *row = arg;
	unsigned serial = ++serials;
	int rc;

	memcpy(row->serial + 1, &serial, sizeof(serial));
	row->serial[0] = 1;
	row->serial_len = 5;
	row->der = der;
	row->der_len = 2;
	rc = store_certificate_add(wtx, row);
	row->der = NULL;
	return rc;
}

static int64_t certify(int64_t operator_id, int64_t not_after)
{
	struct store_certificate row = { .tenant_id = 1,
		.issuer_id = 1,
		.operator_id = operator_id,
		.profile = "operator",
		.not_after = not_after };

	assert_int_equal(store_write(store, run_certificate, &row), 0);
	return row.id;
}

static int run_token(struct store_tx *wtx, void *arg)
{
	return store_token_add(wtx, arg);
}

static void make_token(const char *id, int64_t operator_id, int64_t certificate_id)
{
	struct store_token token = { .tenant_id = 2,
		.operator_id = operator_id,
		.certificate_id = certificate_id,
		.profile = "service",
		.uses_max = 1,
		.expires_at = NOW + DAY };

	(void)snprintf(token.id, sizeof(token.id), "%s", id);
	assert_int_equal(store_write(store, run_token, &token), 0);
}

static int64_t token_removed_at(const char *id)
{
	struct store_token token = { 0 };
	int64_t at;

	begin();
	assert_int_equal(store_token_get(tx, 0, id, &token), 0);
	end();
	at = token.removed_at;
	store_token_clear(&token);
	return at;
}

static int run_remove(struct store_tx *wtx, void *arg)
{
	return store_operator_remove(wtx, *(int64_t *)arg, NOW + 5);
}

static int take_out(int64_t id)
{
	return store_write(store, run_remove, &id);
}

static void assert_certificate(int64_t id, enum store_status status, int64_t revoked_at, int reason)
{
	struct store_certificate row = { 0 };

	begin();
	assert_int_equal(store_certificate_get_id(tx, id, &row), 0);
	end();
	assert_int_equal(row.status, status);
	assert_int_equal(row.revoked_at, revoked_at);
	assert_int_equal(row.revocation_reason, reason);
	store_certificate_clear(&row);
}

/* ---- removal ---- */

static void test_removal_takes_everything(void **state)
{
	int64_t eve = add("eve", STORE_ROLE_OPERATOR, 2, NULL);
	int64_t ada = add("ada", STORE_ROLE_ADMIN, 0, NULL);
	int64_t now_good = certify(eve, NOW + DAY), ended = certify(eve, NOW),
		second = certify(eve, NOW + 2 * DAY), adas = certify(ada, NOW + DAY);

	(void)state;
	make_token("1", eve, now_good);
	make_token("2", eve, ended); /* with a certificate that has expired since */
	make_token("3", ada, adas);
	assert_int_equal(take_out(eve), 0);
	assert_certificate(now_good, STORE_REVOKED, NOW + 5, 5);
	assert_certificate(second, STORE_REVOKED, NOW + 5, 5);
	assert_certificate(ended, STORE_GOOD, 0, 0);
	assert_certificate(adas, STORE_GOOD, 0, 0);
	assert_int_equal(token_removed_at("1"), NOW + 5);
	assert_int_equal(token_removed_at("2"), NOW + 5);
	assert_int_equal(token_removed_at("3"), 0);
	assert_int_equal(take_out(eve), 0);
	assert_int_equal(take_out(99), CA_ENOTFOUND);
}

static void test_removal_changes_rights(void **state)
{
	int64_t eve = add("eve", STORE_ROLE_OPERATOR, 2, NULL);
	uint64_t rights = store_rights_version(store);

	(void)state;
	assert_int_equal(take_out(eve), 0);
	assert_true(store_rights_version(store) > rights);
}

static bool other_admin(int64_t id)
{
	struct store_operator op;
	bool other = false;

	begin();
	assert_int_equal(store_operator_get(tx, id, &op), 0);
	assert_int_equal(store_operator_other_admin(tx, &op, &other), 0);
	end();
	return other;
}

static void test_the_last_admin(void **state)
{
	int64_t ada = add("ada", STORE_ROLE_ADMIN, 0, NULL);
	int64_t eve = add("eve", STORE_ROLE_TENANT_ADMIN, 2, NULL), bob;

	(void)state;
	assert_false(other_admin(ada));
	assert_true(other_admin(eve));
	bob = add("bob", STORE_ROLE_ADMIN, 0, NULL);
	assert_true(other_admin(ada));
	assert_true(other_admin(bob));
	assert_int_equal(take_out(bob), 0);
	assert_false(other_admin(ada));
	assert_true(other_admin(bob));
}

/* ---- listing ---- */

struct list {
	char text[4096];
	size_t emails;
};

static int collect(const struct store_operator *op, const struct store_email *email, void *arg)
{
	struct list *list = arg;
	size_t used = strlen(list->text);

	if (email->sealed_len) {
		const struct store_email *wanted = email->hash[0] == 0xa ? &mail_a : &mail_b;

		assert_memory_equal(email->hash, wanted->hash, STORE_HASH);
		assert_int_equal(email->sealed_len, wanted->sealed_len);
		assert_memory_equal(email->sealed, wanted->sealed, wanted->sealed_len);
		list->emails++;
	}
	(void)snprintf(list->text + used, sizeof(list->text) - used, "%s%s:%lld", used ? " " : "",
	    op->name, (long long)op->tenant_id);
	return 0;
}

static const char *listed(
    int64_t tenant_id, const unsigned char *hash, size_t max, struct list *list)
{
	int64_t after = 0;
	bool more = true;

	*list = (struct list){ 0 };
	begin();
	while (more)
		assert_int_equal(
		    store_operator_list(tx, tenant_id, hash, max, &after, &more, collect, list), 0);
	end();
	return list->text;
}

static void test_list(void **state)
{
	struct list list;
	int64_t gone;

	(void)state;
	assert_string_equal(listed(0, NULL, 5, &list), "");
	add("ada", STORE_ROLE_ADMIN, 0, &mail_a);
	add("bob", STORE_ROLE_OPERATOR, 2, NULL);
	gone = add("carl", STORE_ROLE_OPERATOR, 2, &mail_b);
	add("dora", STORE_ROLE_AUDITOR, 3, &mail_b);
	add("emma", STORE_ROLE_TENANT_ADMIN, 2, &mail_b);
	assert_int_equal(take_out(gone), 0);
	for (size_t max = 1; max < 6; max++) {
		assert_string_equal(listed(0, NULL, max, &list), "ada:0 bob:2 dora:3 emma:2");
		assert_int_equal(list.emails, 3);
		assert_string_equal(listed(2, NULL, max, &list), "bob:2 emma:2");
		assert_string_equal(listed(0, mail_b.hash, max, &list), "dora:3 emma:2");
		assert_string_equal(listed(2, mail_b.hash, max, &list), "emma:2");
		assert_string_equal(listed(2, mail_a.hash, max, &list), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_removal_takes_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removal_changes_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_last_admin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
