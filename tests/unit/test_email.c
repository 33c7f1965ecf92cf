#include <stdio.h>
#include <string.h>

#include "tests/unit/support.h"

#include "api/server/email.h"
#include "ca/keyring.h"

static struct ca_installation installation;

static int setup(void **state)
{
	const struct ca_master_key master = { { 1 } };
	const int64_t tenants[] = { STORE_TENANT_SYSTEM, 2, 3 };

	(void)state;
	memset(installation.hash_salt, 0x5a, sizeof(installation.hash_salt));
	assert_int_equal(ca_keyring_new(&installation.keyring), 0);
	for (size_t i = 0; i < 3; i++) {
		struct store_sealing_key row = { 0 };

		assert_int_equal(ca_keyring_create(installation.keyring, &master, tenants[i],
				     STORE_KEY_DATA, 1, &row),
		    0);
		store_sealing_key_clear(&row);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ca_keyring_free(installation.keyring);
	installation.keyring = NULL;
	return 0;
}

static void hash(const char *address, unsigned char out[STORE_HASH])
{
	assert_int_equal(server_email_hash(&installation, address, out), 0);
}

/* ---- form ---- */

static void test_form(void **state)
{
	static const char *const bad[] = { "", "ada", "@example.org", "ada@", "ada@@example.org",
		"ada@exa mple.org", "a da@example.org", "ada@example.org\n",
		"Ada <ada@example.org>", "ada@-example.org", "\xc3\xa4@example.org" };
	char out[SERVER_EMAIL], longest[400];
	struct ca_detail why = { 0 };

	(void)state;
	assert_int_equal(server_email_check("email", "Ada.L@Example.ORG", out, &why), 0);
	assert_string_equal(out, "Ada.L@example.org");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(server_email_check("email", bad[i], out, &why), CA_EFIELD);
		assert_string_equal(why.text, "email is not an e-mail address");
	}
	(void)snprintf(longest, sizeof(longest), "a@%060d.%060d.%060d.%060d.a%05d", 0, 0, 0, 0, 0);
	assert_int_equal(strlen(longest), 252);
	assert_int_equal(server_email_check("email", longest, out, &why), 0);
	(void)snprintf(longest, sizeof(longest), "a@%060d.%060d.%060d.%060d.a%08d", 0, 0, 0, 0, 0);
	assert_int_equal(strlen(longest), 255);
	assert_int_equal(server_email_check("email", longest, out, &why), CA_EFIELD);
}

/* ---- what finds it ---- */

static void test_hash(void **state)
{
	unsigned char a[STORE_HASH], b[STORE_HASH];

	(void)state;
	hash("Ada@example.org", a);
	hash("aDA@EXAMPLE.org", b);
	assert_memory_equal(a, b, STORE_HASH);
	hash("ada@example.com", b);
	assert_memory_not_equal(a, b, STORE_HASH);
	installation.hash_salt[31] ^= 1;
	hash("ada@example.org", b);
	assert_memory_not_equal(a, b, STORE_HASH);
	installation.hash_salt[31] ^= 1;
}

/* ---- at rest ---- */

static int open_as(const struct store_email *email, const char *name, int64_t tenant_id)
{
	struct store_operator op = { .tenant_id = tenant_id };
	struct ca_buf address = CA_BUF_INIT;
	int r;

	(void)snprintf(op.name, sizeof(op.name), "%s", name);
	r = server_email_open(&installation, &op, email, &address);
	if (!r)
		assert_string_equal(ca_buf_text(&address), "ada@example.org");
	ca_buf_free(&address);
	return r;
}

static void test_seal(void **state)
{
	struct store_operator op = { .tenant_id = 2, .name = "ada" };
	struct store_email email = { 0 }, again = { 0 };
	unsigned char wanted[STORE_HASH];

	(void)state;
	assert_int_equal(server_email_seal(&installation, &op, "ada@example.org", &email), 0);
	assert_int_equal(server_email_seal(&installation, &op, "ada@example.org", &again), 0);
	hash("ada@example.org", wanted);
	assert_memory_equal(email.hash, wanted, STORE_HASH);
	assert_null(memmem(email.sealed, email.sealed_len, "example", 7));
	assert_memory_not_equal(email.sealed, again.sealed, email.sealed_len);
	assert_int_equal(open_as(&email, "ada", 2), 0);
	assert_int_equal(open_as(&email, "eve", 2), CA_ESEAL);
	assert_int_equal(open_as(&email, "ada", 3), CA_ESEAL);
	assert_int_equal(open_as(&email, "ada", 0), CA_ESEAL);
	email.sealed[email.sealed_len - 1] ^= 1;
	assert_int_equal(open_as(&email, "ada", 2), CA_ESEAL);
	email.sealed_len = 3;
	assert_int_equal(open_as(&email, "ada", 2), CA_ESEAL);
}

static void test_an_admins(void **state)
{
	struct store_operator op = { .name = "ada" };
	struct store_email email = { 0 };

	(void)state;
	assert_int_equal(server_email_seal(&installation, &op, "ada@example.org", &email), 0);
	assert_int_equal(open_as(&email, "ada", 0), 0);
	assert_int_equal(open_as(&email, "ada", 2), CA_ESEAL);
}

/* The longest address fits. */
static void test_longest(void **state)
{
	struct store_operator op = { .name = "ada", .tenant_id = 2 };
	struct store_email email = { 0 };
	struct ca_buf address = CA_BUF_INIT;
	char longest[SERVER_EMAIL];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(server_email_seal(&installation, &op, longest, &email), 0);
	assert_int_equal(server_email_open(&installation, &op, &email, &address), 0);
	assert_string_equal(ca_buf_text(&address), longest);
	ca_buf_free(&address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_an_admins),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
