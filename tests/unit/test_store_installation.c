#include <string.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/support.h"

#include "ca/base/file.h"
#include "store/db.h"
#include "store/installation.h"
#include "store/migrations.h"
#include "store/operators.h"

#define NOW 1800000000

static char *dir;
static char *path;
static struct store *store;

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	path = support_path(dir, "mica.db");
	assert_int_equal(store_create(path), 0);
	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	free(path);
	support_rmdir(dir);
	return 0;
}

/* ---- the file ---- */

static void creates_once(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(store_create(path), CA_EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void create_leaves_nothing_behind(void **state)
{
	char *missing = support_path(dir, "no/such/mica.db");
	char *other = support_path(dir, "empty.db");
	struct store *opened = NULL;

	(void)state;
	assert_int_equal(store_create(missing), CA_ESTORE);
	assert_int_equal(store_open(other, NULL, &opened, NULL), CA_ENOTFOUND);
	assert_int_equal(access(other, F_OK), -1);
	assert_null(opened);
	free(missing);
	free(other);
}

static void refuses(const char *content, size_t len, const char *word)
{
	char *other = support_path(dir, "other.db");
	struct store *opened = NULL;
	struct ca_detail why = { "" };

	if (content)
		assert_int_equal(ca_file_write(other, content, len, 0600, false), 0);
	assert_int_equal(store_open(other, NULL, &opened, &why), CA_ESTORESCHEMA);
	assert_non_null(strstr(why.text, word));
	assert_null(opened);
	free(other);
}

static void refuses_other_files(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	refuses("", 0, "not made by Mica");
	refuses(text, sizeof(text), "not a database");
	assert_int_equal(support_run(NULL, "rm -f %s/other.db", dir), 0);
	assert_int_equal(support_run(NULL, "sqlite3 %s/other.db 'CREATE TABLE t (x)'", dir), 0);
	refuses(NULL, 0, "not made by Mica");
}

static void refuses_a_newer_schema(void **state)
{
	struct ca_detail why = { "" };

	(void)state;
	store_close(store);
	store = NULL;
	assert_int_equal(support_run(NULL, "sqlite3 %s 'PRAGMA user_version = 4000'", path), 0);
	assert_int_equal(store_open(path, NULL, &store, &why), CA_ESTORESCHEMA);
	assert_non_null(strstr(why.text, "4000"));
	assert_int_equal(support_run(NULL, "sqlite3 %s 'PRAGMA user_version = -1'", path), 0);
	assert_int_equal(store_open(path, NULL, &store, &why), CA_ESTORESCHEMA);
}

/* A database that was given its owner and nothing else is brought up to date. */
static void updates_an_older_schema(void **state)
{
	struct ca_buf version = CA_BUF_INIT;
	struct store *opened = NULL;
	struct store_tx *tx = NULL;
	struct store_tenant tenant;
	char *old = support_path(dir, "old.db");

	(void)state;
	assert_int_equal(
	    support_run(NULL, "sqlite3 %s 'PRAGMA application_id = %d'", old, STORE_APPLICATION_ID),
	    0);
	assert_int_equal(store_open(old, NULL, &opened, NULL), 0);
	assert_int_equal(store_read_begin(opened, &tx), 0);
	assert_int_equal(store_tenant_get(tx, 1, &tenant), CA_ENOTFOUND);
	store_read_end(tx);
	store_close(opened);
	assert_int_equal(
	    support_run(&version, "sqlite3 %s 'PRAGMA user_version; PRAGMA journal_mode'", old), 0);
	assert_int_equal(strtol(ca_buf_text(&version), NULL, 10), store_schema_newest());
	assert_non_null(strstr(ca_buf_text(&version), "wal"));
	ca_buf_free(&version);
	free(old);
}

static void a_cut_file_is_an_error(void **state)
{
	struct store_tenant tenant;
	struct store_tx *tx = NULL;
	int rc;

	(void)state;
	store_close(store);
	store = NULL;
	assert_int_equal(truncate(path, 9000), 0);
	rc = store_open(path, NULL, &store, NULL);
	if (rc == 0)
		rc = store_read_begin(store, &tx);
	if (rc == 0)
		rc = store_tenant_get_name(tx, "default", &tenant);
	store_read_end(tx);
	assert_int_equal(rc, CA_ESTORE);
}

/* ---- rows ---- */

static int write_installation(struct store_tx *tx, void *arg)
{
	return store_installation_set(tx, arg);
}

static int beat(struct store_tx *tx, void *arg)
{
	return store_heartbeat(tx, *(int64_t *)arg);
}

static int set_server(struct store_tx *tx, void *arg)
{
	return store_installation_set_server(tx, *(int64_t *)arg);
}

static void read_installation(struct store_installation *out, int expect)
{
	struct store_tx *tx;

	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_installation_get(tx, out), expect);
	store_read_end(tx);
}

static void keeps_the_installation(void **state)
{
	static char name[] = "Example", url[] = "https://ca.internal:8443";
	struct store_installation in = { .name = name, .public_url = url, .created_at = NOW };
	struct store_installation out = { 0 };
	int64_t beat_at = NOW + 60;
	int64_t none = 0, wrong = 77;

	(void)state;
	read_installation(&out, CA_ENOTFOUND);
	assert_int_equal(store_write(store, beat, &beat_at), CA_ENOTFOUND);
	assert_int_equal(ca_names_add(&in.names, CA_NAME_DNS, "ca.internal", 11, NULL), 0);
	assert_int_equal(store_write(store, write_installation, &in), 0);
	in.revocation_url = url;
	assert_int_equal(store_write(store, write_installation, &in), 0);
	assert_int_equal(store_write(store, beat, &beat_at), 0);
	assert_int_equal(store_write(store, set_server, &none), 0);
	/* A certificate that is not on record cannot be the server's. */
	assert_int_equal(store_write(store, set_server, &wrong), CA_EINTERNAL);
	read_installation(&out, 0);
	assert_string_equal(out.name, name);
	assert_string_equal(out.public_url, url);
	assert_string_equal(out.revocation_url, url);
	assert_true(ca_names_has(&out.names, CA_NAME_DNS, "ca.internal"));
	assert_int_equal(out.created_at, NOW);
	assert_int_equal(out.last_seen_at, beat_at);
	assert_int_equal(out.server_certificate_id, 0);
	store_installation_clear(&out);
	ca_names_free(&in.names);
}

static int add_tenants(struct store_tx *tx, void *arg)
{
	struct store_tenant system = { STORE_TENANT_SYSTEM, "system", NOW, 0, 0 };
	struct store_tenant first = { STORE_TENANT_DEFAULT, "default", NOW, 0, 0 };
	struct store_tenant other = { 0, "payments", NOW, 0, 0 };
	struct store_tenant again = { 0, "payments", NOW, 0, 0 };

	(void)arg;
	assert_int_equal(store_tenant_add(tx, &system), 0);
	assert_int_equal(store_tenant_add(tx, &first), 0);
	assert_int_equal(store_tenant_add(tx, &other), 0);
	assert_int_equal(other.id, 3);
	assert_int_equal(store_tenant_add(tx, &again), CA_EEXIST);
	again.id = 3;
	(void)snprintf(again.name, sizeof(again.name), "different");
	assert_int_equal(store_tenant_add(tx, &again), CA_EEXIST);
	return 0;
}

static void keeps_tenants(void **state)
{
	struct store_tenant tenant;
	struct store_tx *tx;

	(void)state;
	assert_int_equal(store_write(store, add_tenants, NULL), 0);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_tenant_get(tx, 3, &tenant), 0);
	assert_string_equal(tenant.name, "payments");
	assert_int_equal(store_tenant_get_name(tx, "default", &tenant), 0);
	assert_int_equal(tenant.id, STORE_TENANT_DEFAULT);
	assert_int_equal(tenant.created_at, NOW);
	assert_int_equal(tenant.removed_at, 0);
	assert_int_equal(store_tenant_get_name(tx, "different", &tenant), CA_ENOTFOUND);
	assert_int_equal(store_tenant_get(tx, 4, &tenant), CA_ENOTFOUND);
	store_read_end(tx);
}

static int add_keys(struct store_tx *tx, void *arg)
{
	static unsigned char octets[] = { 1, 0, 2 };
	struct store_sealing_key key = { .tenant_id = STORE_TENANT_DEFAULT,
		.purpose = STORE_KEY_SIGNING,
		.version = 1,
		.wrapped = { octets, sizeof(octets) },
		.created_at = NOW };
	struct store_secret secret = { .tenant_id = STORE_TENANT_SYSTEM,
		.name = "hash-salt",
		.sealed = { octets, 1 },
		.created_at = NOW };

	(void)arg;
	assert_int_equal(store_sealing_key_add(tx, &key), 0);
	assert_int_equal(key.id, 1);
	assert_int_equal(store_sealing_key_add(tx, &key), CA_EEXIST);
	key.version = 2;
	key.purpose = STORE_KEY_DATA;
	assert_int_equal(store_sealing_key_add(tx, &key), 0);
	assert_int_equal(store_secret_set(tx, &secret), 0);
	secret.sealed.len = 3;
	secret.created_at = NOW + 1;
	assert_int_equal(store_secret_set(tx, &secret), 0);
	return 0;
}

static int see_key(const struct store_sealing_key *key, void *arg)
{
	int *seen = arg;

	assert_int_equal(key->id, ++*seen);
	assert_int_equal(key->tenant_id, STORE_TENANT_DEFAULT);
	assert_int_equal(key->version, key->id);
	assert_int_equal(key->purpose, key->id == 1 ? STORE_KEY_SIGNING : STORE_KEY_DATA);
	assert_int_equal(key->wrapped.len, 3);
	assert_memory_equal(key->wrapped.data, "\1\0\2", 3);
	return key->id == 2 ? CA_ESEAL : 0;
}

static void keeps_keys_and_secrets(void **state)
{
	struct store_secret secret = { 0 };
	struct store_tx *tx;
	int seen = 0;

	(void)state;
	assert_int_equal(store_write(store, add_tenants, NULL), 0);
	assert_int_equal(store_write(store, add_keys, NULL), 0);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_sealing_key_each(tx, see_key, &seen), CA_ESEAL);
	assert_int_equal(seen, 2);
	assert_int_equal(store_secret_get(tx, STORE_TENANT_SYSTEM, "hash-salt", &secret), 0);
	assert_string_equal(secret.name, "hash-salt");
	assert_int_equal(secret.sealed.len, 3);
	assert_int_equal(secret.created_at, NOW + 1);
	store_secret_clear(&secret);
	assert_int_equal(
	    store_secret_get(tx, STORE_TENANT_DEFAULT, "hash-salt", &secret), CA_ENOTFOUND);
	store_read_end(tx);
}

static int add_authorities(struct store_tx *tx, void *arg)
{
	static unsigned char octets[] = { 0x30, 0x00 };
	struct store_authority root = { .tenant_id = STORE_TENANT_DEFAULT,
		.kind = STORE_AUTHORITY_ROOT,
		.status = STORE_AUTHORITY_ACTIVE,
		.name = "root-1",
		.serial = { 0x7f, 0x01 },
		.serial_len = 2,
		.spki_sha256 = { 9 },
		.not_before = NOW,
		.not_after = NOW + 100,
		.crl_shards = 1,
		.certificate = { octets, 2 },
		.created_at = NOW };
	struct store_authority issuer = root;

	(void)arg;
	assert_int_equal(store_authority_add(tx, &root), 0);
	issuer.parent_id = root.id;
	issuer.kind = STORE_AUTHORITY_ISSUER;
	assert_int_equal(store_authority_add(tx, &issuer), CA_EEXIST);
	(void)snprintf(issuer.name, sizeof(issuer.name), "default-1");
	issuer.sealed_key = issuer.certificate;
	assert_int_equal(store_authority_add(tx, &issuer), 0);
	return 0;
}

static int see_authority(const struct store_authority *row, void *arg)
{
	int *seen = arg;
	bool root = ++*seen == 1;

	assert_int_equal(row->id, *seen);
	assert_int_equal(row->kind, root ? STORE_AUTHORITY_ROOT : STORE_AUTHORITY_ISSUER);
	assert_int_equal(row->parent_id, root ? 0 : 1);
	assert_string_equal(row->name, root ? "root-1" : "default-1");
	assert_int_equal(row->serial_len, 2);
	assert_int_equal(row->serial[0], 0x7f);
	assert_int_equal(row->spki_sha256[0], 9);
	assert_int_equal(row->not_after, NOW + 100);
	assert_int_equal(row->certificate.len, 2);
	assert_int_equal(row->sealed_key.len, root ? 0 : 2);
	return 0;
}

static void keeps_authorities(void **state)
{
	struct store_tx *tx;
	int seen = 0;

	(void)state;
	assert_int_equal(store_write(store, add_tenants, NULL), 0);
	assert_int_equal(store_write(store, add_authorities, NULL), 0);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_authority_each(tx, see_authority, &seen), 0);
	assert_int_equal(seen, 2);
	store_read_end(tx);
}

static int use_operators(struct store_tx *tx, void *arg)
{
	struct store_operator admin = {
		.name = "ada", .role = STORE_ROLE_ADMIN, .created_at = NOW
	};
	struct store_operator other = { .tenant_id = STORE_TENANT_DEFAULT,
		.name = "bob",
		.role = STORE_ROLE_AUDITOR,
		.created_at = NOW };
	struct store_operator out;

	(void)arg;
	assert_int_equal(store_operator_add(tx, &admin), 0);
	assert_int_equal(store_operator_add(tx, &other), 0);
	assert_int_equal(store_operator_remove(tx, admin.id, NOW + 5), 0);
	assert_int_equal(store_operator_remove(tx, admin.id, NOW + 9), 0);
	assert_int_equal(store_operator_remove(tx, 99, NOW), CA_ENOTFOUND);
	assert_int_equal(store_operator_add(tx, &admin), CA_EEXIST);
	assert_int_equal(store_operator_get_name(tx, "ada", &out), 0);
	assert_int_equal(out.removed_at, NOW + 5);
	assert_int_equal(out.tenant_id, 0);
	assert_int_equal(out.role, STORE_ROLE_ADMIN);
	assert_int_equal(store_operator_get(tx, other.id, &out), 0);
	assert_string_equal(out.name, "bob");
	assert_int_equal(out.tenant_id, STORE_TENANT_DEFAULT);
	assert_int_equal(store_operator_get_name(tx, "Ada", &out), CA_ENOTFOUND);
	/* A tenant that is not there. */
	other.tenant_id = 50;
	(void)snprintf(other.name, sizeof(other.name), "carol");
	assert_int_equal(store_operator_add(tx, &other), CA_EINTERNAL);
	return 0;
}

static void keeps_operators(void **state)
{
	(void)state;
	assert_int_equal(store_write(store, add_tenants, NULL), 0);
	assert_int_equal(store_write(store, use_operators, NULL), 0);
}

static void roles_have_words(void **state)
{
	(void)state;
	for (int role = STORE_ROLE_ADMIN; role <= STORE_ROLE_AUDITOR; role++)
		assert_int_equal(store_role_parse(store_role_text((enum store_role)role)), role);
	assert_string_equal(store_role_text(STORE_ROLE_TENANT_ADMIN), "tenant-admin");
	assert_null(store_role_text((enum store_role)0));
	assert_null(store_role_text((enum store_role)5));
	assert_int_equal(store_role_parse("Admin"), 0);
	assert_int_equal(store_role_parse(""), 0);
	assert_int_equal(store_role_parse(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(creates_once, setup, teardown),
		cmocka_unit_test_setup_teardown(create_leaves_nothing_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_other_files, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_newer_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(updates_an_older_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cut_file_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_the_installation, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_tenants, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_keys_and_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_authorities, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_operators, setup, teardown),
		cmocka_unit_test(roles_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
