/* A database of an older Mica: nothing of it is lost when it is brought up to date. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"

#include "store/certificates.h"
#include "store/db.h"
#include "store/installation.h"
#include "store/migrations.h"
#include "store/operators.h"
#include "store/policies.h"
#include "store/quotas.h"
#include "store/tenants.h"
#include "store/tokens.h"

#define NOW 1800000000
#define LATER (NOW + 86400)
#define DAYS_90 7776000

/* Schema 1, as it was released. */
static const char schema_1[] =
    "CREATE TABLE tenants ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  created_at INTEGER NOT NULL,"
    "  removed_at INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE sealing_keys ("
    "  id INTEGER PRIMARY KEY,"
    "  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
    "  purpose INTEGER NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  wrapped BLOB NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  UNIQUE (tenant_id, purpose, version)"
    ") STRICT;"

    "CREATE TABLE authorities ("
    "  id INTEGER PRIMARY KEY,"
    "  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
    "  parent_id INTEGER REFERENCES authorities (id),"
    "  kind INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  name TEXT NOT NULL UNIQUE,"
    "  serial BLOB NOT NULL,"
    "  spki_sha256 BLOB NOT NULL,"
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  crl_shards INTEGER NOT NULL CHECK (crl_shards >= 1),"
    "  certificate BLOB NOT NULL,"
    "  sealed_key BLOB,"
    "  created_at INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE secrets ("
    "  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
    "  name TEXT NOT NULL,"
    "  sealed BLOB NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant_id, name)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE operators ("
    "  id INTEGER PRIMARY KEY,"
    "  tenant_id INTEGER REFERENCES tenants (id),"
    "  name TEXT NOT NULL UNIQUE,"
    "  role INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  removed_at INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE certificates ("
    "  id INTEGER PRIMARY KEY,"
    "  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
    "  issuer_id INTEGER NOT NULL REFERENCES authorities (id),"
    "  parent_id INTEGER,"
    "  lineage_id INTEGER,"
    "  issued_by INTEGER,"
    "  operator_id INTEGER REFERENCES operators (id),"
    "  status INTEGER NOT NULL CHECK (status IN (0, 1)),"
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  renew_after INTEGER NOT NULL,"
    "  issued_at INTEGER NOT NULL,"
    "  revoked_at INTEGER,"
    "  revocation_reason INTEGER NOT NULL,"
    "  crl_shard INTEGER NOT NULL,"
    "  serial BLOB NOT NULL,"
    "  spki_sha256 BLOB NOT NULL,"
    "  request_sha256 BLOB,"
    "  profile TEXT NOT NULL,"
    "  common_name TEXT NOT NULL,"
    "  names TEXT NOT NULL,"
    "  der BLOB NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX certificates_by_serial ON certificates (serial);"
    "CREATE INDEX certificates_of_tenant ON certificates (tenant_id);"
    "CREATE INDEX certificates_by_expiry ON certificates (tenant_id, not_after);"
    "CREATE INDEX certificates_revoked ON certificates (tenant_id) WHERE status = 1;"
    "CREATE INDEX certificates_of_operator ON certificates (operator_id, not_after)"
    "  WHERE operator_id IS NOT NULL;"

    "CREATE TABLE certificate_names ("
    "  tenant_id INTEGER NOT NULL,"
    "  rname TEXT NOT NULL,"
    "  certificate_id INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant_id, rname, certificate_id)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE tokens ("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
    "  operator_id INTEGER NOT NULL REFERENCES operators (id),"
    "  certificate_id INTEGER NOT NULL,"
    "  profile TEXT NOT NULL,"
    "  names TEXT NOT NULL,"
    "  uses_max INTEGER NOT NULL,"
    "  uses INTEGER NOT NULL CHECK (uses <= uses_max),"
    "  created_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL,"
    "  removed_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX tokens_of_tenant ON tokens (tenant_id);"
    "CREATE INDEX tokens_by_expiry ON tokens (expires_at);"
    "CREATE INDEX tokens_by_certificate ON tokens (certificate_id);"

    "CREATE TABLE token_uses ("
    "  token_seq INTEGER NOT NULL REFERENCES tokens (seq),"
    "  spki_sha256 BLOB NOT NULL,"
    "  certificate_id INTEGER,"
    "  PRIMARY KEY (token_seq, spki_sha256)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE installation ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  name TEXT NOT NULL,"
    "  public_url TEXT NOT NULL,"
    "  revocation_url TEXT,"
    "  names TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  server_certificate_id INTEGER REFERENCES certificates (id),"
    "  last_seen_at INTEGER NOT NULL"
    ") STRICT;";

/* Three tenants, of which one was removed; operators in and out of office; certificates good and
 * revoked; tokens unspent, half spent, taken back. */
static const char rows_1[] =
    "INSERT INTO tenants VALUES (1, 'system', 1800000000, 0), (2, 'default', 1800000000, 0),"
    "  (3, 'payments', 1800000001, 0), (4, 'gone', 1800000002, 1800000003);"
    "INSERT INTO sealing_keys VALUES (1, 1, 1, 1, x'010203', 1800000000),"
    "  (2, 2, 2, 1, x'040506', 1800000000);"
    "INSERT INTO authorities VALUES (1, 2, NULL, 1, 1, 'root-1', x'11', zeroblob(32), 1800000000,"
    "  2100000000, 1, x'3000', x'aa', 1800000000);"
    "INSERT INTO authorities VALUES (2, 2, 1, 2, 1, 'issuer-1', x'12', zeroblob(32), 1800000000,"
    "  2000000000, 1, x'3001', x'bb', 1800000000);"
    "INSERT INTO secrets VALUES (1, 'hash-salt', x'0708', 1800000000);"
    "INSERT INTO operators VALUES (1, NULL, 'admin', 1, 1800000000, 0),"
    "  (2, 3, 'olga', 3, 1800000001, 0), (3, 2, 'otto', 4, 1800000001, 1800000009);"
    "INSERT INTO certificates VALUES (1, 1, 2, NULL, NULL, NULL, 1, 0, 1800000000, 1802592000,"
    "  1801728000, 1800000000, NULL, 0, 0, x'21', zeroblob(32), NULL, 'operator', 'admin', '',"
    "  x'300101');"
    "INSERT INTO certificates VALUES (2, 2, 2, NULL, NULL, 1, NULL, 0, 1800000000, 1800604800,"
    "  1800302400, 1800000000, NULL, 0, 0, x'22', zeroblob(32), zeroblob(32), 'service', "
    "'web.internal',"
    "  'dns:web.internal', x'300102');"
    "INSERT INTO certificates VALUES (3, 3, 2, 2, 2, 1, NULL, 1, 1800000000, 1800604800,"
    "  1800302400, 1800000000, 1800000005, 4, 0, x'23', zeroblob(32), NULL, 'service', '',"
    "  'ip:10.0.0.1', x'300103');"
    "INSERT INTO certificate_names VALUES (2, 'd:internal.web.', 2, 1800604800),"
    "  (3, 'i:10.0.0.1', 3, 1800604800);"
    "INSERT INTO tokens VALUES (1, 'aa', 2, 1, 1, 'service', 'dns:new.internal', 1, 0, 1800000000,"
    "  1800086400, 0);"
    "INSERT INTO tokens VALUES (2, 'bb', 3, 2, 1, 'service', 'dns:web.internal', 2, 1, 1800000000,"
    "  1800086400, 0);"
    "INSERT INTO tokens VALUES (3, 'cc', 2, 1, 1, 'service', 'dns:old.internal', 1, 0, 1800000000,"
    "  1800086400, 1800000007);"
    "INSERT INTO token_uses VALUES (2, zeroblob(32), 3);"
    "INSERT INTO installation VALUES (1, 'Example', 'https://ca.internal:8443', NULL,"
    "  'dns:ca.internal', 1800000000, NULL, 1800000060);"
    "PRAGMA user_version = 1;";

static char *dir;
static char *path;
static struct store *store;
static struct store_tx *tx;

/* What sqlite3 prints for a query; to be freed. */
static char *ask(const char *file, const char *query)
{
	struct ca_buf out = CA_BUF_INIT;
	char *text;

	assert_int_equal(support_run(&out, "sqlite3 %s \"%s\"", file, query), 0);
	text = strdup(ca_buf_text(&out));
	assert_non_null(text);
	ca_buf_free(&out);
	return text;
}

static int setup(void **state)
{
	struct store_tx *made = NULL;

	(void)state;
	dir = support_mkdir();
	path = support_path(dir, "mica.db");
	free(ask(path, "PRAGMA application_id = 0x4d696361; PRAGMA journal_mode = wal"));
	assert_int_equal(store_db_open(path, false, 5000, &made), 0);
	assert_int_equal(store_db_exec(made, schema_1), 0);
	assert_int_equal(store_db_exec(made, rows_1), 0);
	store_db_close(made);
	return 0;
}

static int setup_opened(void **state)
{
	(void)setup(state);
	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	assert_int_equal(store_read_begin(store, &tx), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_read_end(tx);
	tx = NULL;
	store_close(store);
	store = NULL;
	free(path);
	support_rmdir(dir);
	return 0;
}

static void becomes_what_a_new_one_is(void **state)
{
	static const char query[] = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name;"
				    "PRAGMA user_version; PRAGMA integrity_check;"
				    "PRAGMA foreign_key_check";
	char *fresh = support_path(dir, "fresh.db"), *updated, *made;

	(void)state;
	assert_int_equal(store_create(fresh), 0);
	updated = ask(path, query);
	made = ask(fresh, query);
	assert_string_equal(updated, made);
	free(updated);
	free(made);
	free(fresh);
}

static void keeps_the_installation(void **state)
{
	struct store_installation row = { 0 };

	(void)state;
	assert_int_equal(store_installation_get(tx, &row), 0);
	assert_string_equal(row.public_url, "https://ca.internal:8443");
	assert_true(ca_names_has(&row.names, CA_NAME_DNS, "ca.internal"));
	assert_int_equal(row.last_seen_at, NOW + 60);
	store_installation_clear(&row);
}

static int count(const struct store_tenant *tenant, void *arg)
{
	(void)tenant;
	++*(int *)arg;
	return 0;
}

/* Without bounds but those that there always were. */
static void keeps_tenants(void **state)
{
	struct store_tenant_settings settings = { 0 };
	struct store_policy policy = { 0 };
	struct store_tenant row;
	int tenants = 0;

	(void)state;
	assert_int_equal(store_tenant_each(tx, count, &tenants), 0);
	assert_int_equal(tenants, 4);
	assert_int_equal(store_tenant_get_name(tx, "payments", &row), 0);
	assert_int_equal(row.id, 3);
	assert_int_equal(row.created_at, NOW + 1);
	assert_int_equal(row.removed_at, 0);
	assert_int_equal(store_tenant_settings_get(tx, 3, &settings), 0);
	assert_null(settings.trust_domain);
	assert_string_equal(settings.dns_suffixes, "");
	assert_string_equal(settings.ip_ranges, "");
	assert_int_equal(settings.max_lifetime, DAYS_90);
	assert_int_equal(settings.allowed, 6);
	assert_int_equal(settings.alive_max, 0);
	assert_int_equal(settings.minute_max, 0);
	store_tenant_settings_clear(&settings);
	assert_int_equal(store_tenant_get_name(tx, "gone", &row), 0);
	assert_int_equal(row.removed_at, NOW + 3);
	assert_int_equal(store_policy_get(tx, 3, &policy), 0);
	assert_int_equal(policy.version, 0);
	assert_string_equal(policy.document, "{}");
	store_policy_clear(&policy);
}

static void keeps_operators(void **state)
{
	struct store_operator row;

	(void)state;
	assert_int_equal(store_operator_get_name(tx, "admin", &row), 0);
	assert_int_equal(row.role, STORE_ROLE_ADMIN);
	assert_int_equal(row.tenant_id, 0);
	assert_int_equal(row.removed_at, 0);
	assert_int_equal(store_operator_get_name(tx, "olga", &row), 0);
	assert_int_equal(row.role, STORE_ROLE_OPERATOR);
	assert_int_equal(row.tenant_id, 3);
	assert_int_equal(store_operator_get(tx, 3, &row), 0);
	assert_int_equal(row.removed_at, NOW + 9);
}

static void keeps_certificates(void **state)
{
	struct store_certificate row = { 0 };

	(void)state;
	assert_int_equal(store_certificate_get_id(tx, 2, &row), 0);
	assert_string_equal(row.common_name, "web.internal");
	assert_true(ca_names_has(&row.names, CA_NAME_DNS, "web.internal"));
	assert_int_equal(row.status, STORE_GOOD);
	assert_int_equal(row.identity_id, 0);
	assert_int_equal(row.lineage_id, 2);
	assert_int_equal(row.issued_by, 1);
	assert_memory_equal(row.der, "\x30\x01\x02", row.der_len);
	store_certificate_clear(&row);
	assert_int_equal(store_certificate_get(tx, 3, (const unsigned char *)"\x23", 1, &row), 0);
	assert_int_equal(row.status, STORE_REVOKED);
	assert_int_equal(row.revoked_at, NOW + 5);
	assert_int_equal(row.revocation_reason, 4);
	assert_int_equal(row.parent_id, 2);
	store_certificate_clear(&row);
	assert_int_equal(store_certificate_of_operator(tx, 1, &row), 0);
	assert_int_equal(row.id, 1);
	store_certificate_clear(&row);
}

static void keeps_tokens(void **state)
{
	static const unsigned char first[STORE_HASH] = { 0 }, other[STORE_HASH] = { 1 };
	struct store_token row = { 0 };
	int64_t id = 0;

	(void)state;
	assert_int_equal(store_token_get(tx, 2, "aa", &row), 0);
	assert_false(row.bound);
	assert_string_equal(row.common_name, "");
	assert_true(ca_names_has(&row.names, CA_NAME_DNS, "new.internal"));
	assert_int_equal(row.expires_at, LATER);
	store_token_clear(&row);
	assert_int_equal(store_token_check(tx, "aa", other, NOW, &id), 0);
	assert_int_equal(store_token_check(tx, "bb", first, NOW, &id), CA_EEXIST);
	assert_int_equal(id, 3);
	assert_int_equal(store_token_check(tx, "bb", other, NOW, &id), 0);
	assert_int_equal(store_token_check(tx, "cc", other, NOW, &id), CA_ETOKENREMOVED);
}

/* What is new works on what is old: a quota counts what was issued before. */
static int set_quota(struct store_tx *writing, void *arg)
{
	struct store_tenant_settings *settings = arg;
	struct store_quota_ask two = {
		.tenant_id = 2, .now = NOW, .not_after = LATER, .alive_max = settings->alive_max
	};
	int r = store_tenant_settings_set(writing, 2, settings, NOW);

	if (!r)
		r = store_quota_take(writing, &two, NULL);
	return r;
}

static void counts_what_was_there(void **state)
{
	struct store_tenant_settings settings = { .max_lifetime = DAYS_90, .alive_max = 1 };

	(void)state;
	assert_int_equal(store_write(store, set_quota, &settings), CA_EQUOTA);
	settings.alive_max = 2;
	assert_int_equal(store_write(store, set_quota, &settings), 0);
}

/* A step that fails leaves the database as it was. */
static void is_left_alone_when_it_cannot_be(void **state)
{
	static const char query[] = "SELECT sql FROM sqlite_schema; SELECT * FROM tenants;"
				    "PRAGMA user_version";
	struct ca_detail why = { "" };
	char *before, *after;

	(void)state;
	free(ask(path, "CREATE TABLE rates (x)"));
	before = ask(path, query);
	assert_int_equal(store_open(path, NULL, &store, &why), CA_ESTORE);
	assert_null(store);
	after = ask(path, query);
	assert_string_equal(after, before);
	free(after);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(becomes_what_a_new_one_is, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(keeps_the_installation, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(keeps_tenants, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(keeps_operators, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(keeps_certificates, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(keeps_tokens, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(counts_what_was_there, setup_opened, teardown),
		cmocka_unit_test_setup_teardown(is_left_alone_when_it_cannot_be, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
