#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/text.h"
#include "ca/installation.h"
#include "ca/keyring.h"
#include "store/operators.h"
#include "tests/unit/support.h"

/* EC keys: an init takes milliseconds. */
static struct ca_init_options options_for(const char *dir)
{
	struct ca_init_options options = {
		.state = dir,
		.key_type = CA_KEY_EC_P256,
		.root_key_type = CA_KEY_EC_P256,
	};

	return options;
}

static int init(const char *dir, struct ca_init_result *result)
{
	struct ca_init_options options = options_for(dir);
	struct ca_detail why = { "" };

	return ca_init(&options, result, &why);
}

static void init_well(const char *dir)
{
	struct ca_init_result result = { 0 };

	assert_int_equal(init(dir, &result), 0);
	assert_false(result.existed);
	ca_init_result_clear(&result);
}

static bool there(const char *dir, const char *name)
{
	char *path = support_path(dir, name);
	struct stat st;
	bool found = lstat(path, &st) == 0;

	free(path);
	return found;
}

static mode_t mode_of(const char *dir, const char *name)
{
	char *path = support_path(dir, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	free(path);
	return st.st_mode & 07777;
}

static struct ca_buf content(const char *dir, const char *name)
{
	char *path = support_path(dir, name);
	struct ca_buf buf = CA_BUF_INIT;

	assert_int_equal(ca_file_read(path, 10000000, &buf), 0);
	free(path);
	return buf;
}

static struct store *open_store(const char *dir)
{
	char *path = support_path(dir, CA_STATE_DB);
	struct store *store = NULL;

	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	free(path);
	return store;
}

/* Load with the master key of key_dir. */
static int load_with(
    const char *dir, const char *key_dir, struct ca_installation **out, struct ca_detail *why)
{
	char *path = support_path(key_dir, CA_STATE_MASTER_KEY);
	struct store *store = open_store(dir);
	struct ca_master_key master;
	int r;

	r = ca_master_key_read(path, &master, why);
	if (!r)
		r = ca_installation_load(store, &master, &ca_key_libcrypto, out, why);
	store_close(store);
	free(path);
	return r;
}

static struct ca_installation *load(const char *dir)
{
	struct ca_installation *inst = NULL;
	struct ca_detail why = { "" };
	int r = load_with(dir, dir, &inst, &why);

	if (r)
		fail_msg("%s: %s", ca_error_code(r), why.text);
	if (!inst)
		abort();
	return inst;
}

static void assert_loads(const char *dir)
{
	ca_installation_free(load(dir));
}

/* ---- init ---- */

static void test_init(void **state)
{
	struct ca_init_result result = { 0 };
	struct ca_installation *inst;
	const struct ca_authority *root;
	char *dir = support_path(*state, "a/b/state");
	char *admin = support_path(dir, "admin"), *key = support_path(dir, "master.key");
	struct ca_buf url;

	assert_int_equal(init(dir, &result), 0);
	assert_false(result.existed);
	assert_string_equal(result.public_url, "https://localhost:8443");
	assert_string_equal(result.admin_home, admin);
	assert_string_equal(result.master_key, key);
	assert_int_equal(mode_of(dir, "."), 0700);
	assert_int_equal(mode_of(dir, "mica.db"), 0600);
	assert_int_equal(mode_of(dir, "master.key"), 0600);
	assert_int_equal(mode_of(dir, "admin"), 0700);
	assert_int_equal(mode_of(dir, "admin/tls.key"), 0600);
	assert_false(there(dir, "init.partial"));
	assert_false(there(dir, "mica.db-wal"));
	url = content(dir, "admin/ca-url");
	assert_string_equal(ca_buf_text(&url), "https://localhost:8443\n");
	inst = load(dir);
	root = ca_installation_root(inst, STORE_TENANT_DEFAULT);
	assert_non_null(root);
	assert_memory_equal(root->sha256, result.root_sha256, CA_SHA256);
	assert_string_equal(inst->settings.name, "Mica");
	assert_true(ca_names_has(&inst->settings.names, CA_NAME_DNS, "localhost"));
	assert_true(ca_names_has(&inst->settings.names, CA_NAME_IP, "127.0.0.1"));
	assert_true(ca_names_has(&inst->settings.names, CA_NAME_IP, "::1"));
	assert_null(inst->settings.revocation_url);
	assert_memory_not_equal(inst->token_key, inst->hash_salt, 32);
	ca_installation_free(inst);
	ca_buf_free(&url);
	ca_init_result_clear(&result);
	free(admin);
	free(key);
	free(dir);
}

static int count_root(const struct ca_authority *root, void *arg)
{
	assert_string_equal(root->name, "root-1");
	++*(int *)arg;
	return 0;
}

static int stop(const struct ca_authority *root, void *arg)
{
	(void)root;
	(void)arg;
	return CA_ENOMEM;
}

static void test_authorities(void **state)
{
	struct ca_installation *inst;
	const struct ca_authority *root, *issuer, *system, *operators;
	int roots = 0;

	init_well(*state);
	inst = load(*state);
	assert_int_equal(inst->authorities_len, 4);
	assert_int_equal(inst->reserved_keys_len, 4);
	root = ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_ROOT);
	issuer = ca_installation_authority(inst, STORE_TENANT_DEFAULT, STORE_AUTHORITY_ISSUER);
	system = ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_SYSTEM);
	operators = ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_OPERATORS);
	assert_string_equal(root->name, "root-1");
	assert_string_equal(issuer->name, "default-1");
	assert_string_equal(system->name, "system-1");
	assert_string_equal(operators->name, "operators-1");
	assert_int_equal(root->parent_id, 0);
	assert_int_equal(operators->parent_id, 0);
	assert_int_equal(issuer->parent_id, root->id);
	assert_int_equal(system->parent_id, root->id);
	assert_true(issuer->not_after <= root->not_after);
	assert_true(root->not_before <= ca_now() - CA_HOUR);
	assert_true(root->not_before >= ca_now() - CA_DAY - CA_MINUTE);
	assert_ptr_equal(ca_installation_root(inst, STORE_TENANT_DEFAULT), root);
	assert_ptr_equal(ca_installation_root(inst, STORE_TENANT_SYSTEM), root);
	assert_null(ca_installation_root(inst, 77));
	assert_null(ca_installation_authority(inst, 77, STORE_AUTHORITY_ISSUER));
	assert_null(ca_installation_authority_id(inst, 77));
	assert_ptr_equal(ca_installation_authority_id(inst, issuer->id), issuer);
	assert_int_equal(ca_installation_trust_bundle(inst, 2, count_root, &roots), 0);
	assert_int_equal(ca_installation_trust_bundle(inst, 1, count_root, &roots), 0);
	assert_int_equal(roots, 2);
	assert_int_equal(ca_installation_trust_bundle(inst, 77, count_root, &roots), 0);
	assert_int_equal(roots, 2);
	assert_int_equal(ca_installation_trust_bundle(inst, 2, stop, NULL), CA_ENOMEM);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ca_key_selftest(inst->authorities[i]->key), 0);
	ca_installation_free(inst);
}

/* Two issuers below one root bring it into the bundle once; rows that form a ring bring none, and
 * end. */
static void test_bundle(void **state)
{
	struct ca_installation *inst;
	int roots = 0;

	init_well(*state);
	inst = load(*state);
	for (size_t i = 0; i < inst->authorities_len; i++)
		if (inst->authorities[i]->kind == STORE_AUTHORITY_SYSTEM)
			inst->authorities[i]->tenant_id = STORE_TENANT_DEFAULT;
	assert_int_equal(ca_installation_trust_bundle(inst, 2, count_root, &roots), 0);
	assert_int_equal(roots, 1);
	for (size_t i = 0; i < inst->authorities_len; i++)
		inst->authorities[i]->parent_id = inst->authorities[0]->id;
	assert_int_equal(ca_installation_trust_bundle(inst, 2, count_root, &roots), 0);
	assert_int_equal(roots, 1);
	assert_null(ca_installation_root(inst, STORE_TENANT_DEFAULT));
	ca_installation_free(inst);
}

/* What openssl makes of the first admin's context and of the two chains. */
static void test_outside(void **state)
{
	const char *dir = *state;
	struct ca_init_options options = options_for(dir);
	struct ca_init_result result = { 0 };
	struct ca_buf text = CA_BUF_INIT;

	options.revocation_url = "http://ca.internal/";
	assert_int_equal(ca_init(&options, &result, NULL), 0);
	assert_int_equal(
	    support_run(NULL,
		"cd %s/admin && sed -n '/BEGIN/,/END/p;/END/q' tls.crt >leaf && sed '1,/END/d' "
		"tls.crt >operators && openssl verify -x509_strict -purpose sslclient -CAfile "
		"operators leaf >&2",
		dir),
	    0);
	assert_int_not_equal(
	    support_run(NULL, "cd %s/admin && openssl verify -CAfile ca.crt leaf >&2", dir), 0);
	assert_int_equal(support_run(NULL,
			     "cd %s/admin && openssl verify -x509_strict -CAfile "
			     "ca.crt ca.crt >&2 && test \"$(openssl pkey -in tls.key "
			     "-pubout)\" = \"$(openssl x509 -in leaf -noout -pubkey)\"",
			     dir),
	    0);
	assert_int_equal(support_run(&text, "openssl x509 -in %s/admin/leaf -noout -text", dir), 0);
	assert_non_null(strstr(ca_buf_text(&text), "Subject: CN = admin\n"));
	assert_non_null(strstr(ca_buf_text(&text), "http://ca.internal/crl/operators-1.crl\n"));
	assert_null(strstr(ca_buf_text(&text), "Server"));
	ca_buf_free(&text);
	assert_int_equal(support_run(&text,
			     "openssl x509 -in %s/admin/ca.crt -noout -fingerprint "
			     "-sha256 | sed 's/.*=//;s/://g' | tr A-F a-f",
			     dir),
	    0);
	for (size_t i = 0; i < CA_SHA256; i++) {
		char hex[3];

		ca_hex(&result.root_sha256[i], 1, hex);
		assert_memory_equal(text.data + 2 * i, hex, 2);
	}
	ca_buf_free(&text);
	ca_init_result_clear(&result);
}

static void test_first_operator_is_on_record(void **state)
{
	struct store_certificate row = { 0 };
	struct store_operator op;
	struct store_tx *tx = NULL;
	struct store *store;

	init_well(*state);
	store = open_store(*state);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_operator_get_name(tx, "admin", &op), 0);
	assert_int_equal(op.role, STORE_ROLE_ADMIN);
	assert_int_equal(op.tenant_id, 0);
	assert_int_equal(store_certificate_of_operator(tx, op.id, &row), 0);
	assert_int_equal(row.tenant_id, STORE_TENANT_SYSTEM);
	assert_string_equal(row.profile, "operator");
	assert_int_equal(row.lineage_id, row.id);
	assert_true(row.not_after - row.issued_at == 30 * CA_DAY);
	store_read_end(tx);
	store_close(store);
	store_certificate_clear(&row);
}

static void test_init_twice(void **state)
{
	struct ca_init_result first = { 0 }, second = { 0 };
	struct ca_buf key_before, key_after, db_before, db_after;

	assert_int_equal(init(*state, &first), 0);
	key_before = content(*state, "master.key");
	db_before = content(*state, "mica.db");
	assert_int_equal(init(*state, &second), 0);
	key_after = content(*state, "master.key");
	db_after = content(*state, "mica.db");
	assert_true(second.existed);
	assert_memory_equal(first.root_sha256, second.root_sha256, CA_SHA256);
	assert_string_equal(second.public_url, first.public_url);
	assert_string_equal(ca_buf_text(&key_before), ca_buf_text(&key_after));
	assert_int_equal(db_before.len, db_after.len);
	assert_memory_equal(db_before.data, db_after.data, db_before.len);
	assert_loads(*state);
	ca_buf_free(&key_before);
	ca_buf_free(&key_after);
	ca_buf_free(&db_before);
	ca_buf_free(&db_after);
	ca_init_result_clear(&first);
	ca_init_result_clear(&second);
}

static void test_two_installations_share_nothing(void **state)
{
	char *a = support_path(*state, "a"), *b = support_path(*state, "b");
	struct ca_installation *one, *two;

	init_well(a);
	init_well(b);
	one = load(a);
	two = load(b);
	assert_memory_not_equal(one->token_key, two->token_key, 32);
	assert_memory_not_equal(one->hash_salt, two->hash_salt, 32);
	for (size_t i = 0; i < 4; i++) {
		char *dn[2] = { NULL, NULL };
		gnutls_datum_t names[2];

		assert_memory_not_equal(
		    one->authorities[i]->spki_sha256, two->authorities[i]->spki_sha256, CA_SHA256);
		assert_int_equal(
		    gnutls_x509_crt_get_dn3(one->authorities[i]->crt, &names[0], 0), 0);
		assert_int_equal(
		    gnutls_x509_crt_get_dn3(two->authorities[i]->crt, &names[1], 0), 0);
		dn[0] = (char *)names[0].data;
		dn[1] = (char *)names[1].data;
		assert_string_not_equal(dn[0], dn[1]);
		gnutls_free(names[0].data);
		gnutls_free(names[1].data);
	}
	ca_installation_free(one);
	ca_installation_free(two);
	free(a);
	free(b);
}

/* ---- options ---- */

static struct ca_names names_of(const char *first, ...)
{
	struct ca_names names = CA_NAMES_INIT;
	va_list ap;

	va_start(ap, first);
	for (const char *name = first; name; name = va_arg(ap, const char *)) {
		enum ca_name_type type = strstr(name, "://") ? CA_NAME_URI
					 : strspn(name, "0123456789abcdef.:") == strlen(name)
					     ? CA_NAME_IP
					     : CA_NAME_DNS;

		assert_int_equal(ca_names_add(&names, type, name, strlen(name), NULL), 0);
	}
	va_end(ap);
	return names;
}

static void assert_refused(const struct ca_init_options *options)
{
	struct ca_init_result result = { 0 };
	struct ca_detail why = { "" };

	assert_int_equal(ca_init(options, &result, &why), CA_EINVAL);
	assert_string_not_equal(why.text, "");
	assert_null(result.public_url);
	assert_false(there(options->state, "mica.db"));
	assert_false(there(options->state, "master.key"));
}

static void test_urls_refused(void **state)
{
	static const char *const public_urls[] = { "", "https://", "http://ca.internal:8443",
		"https://other.internal", "https://ca.internal:0", "https://ca.internal:65536",
		"https://ca.internal:", "https://ca.internal:84x", "https://user@ca.internal",
		"https://ca.internal?x=1", "https://ca.internal/#x", "https://ca.internal /",
		"https://[::1", "https://[ca.internal]", "https://::1", "https:///x",
		"https://*.internal", "HTTPS://ca.internal", "ca.internal:8443" };
	static const char *const revocation_urls[] = { "", "https://ca.internal", "http://",
		"ftp://ca.internal", "http://ca.internal\n" };
	struct ca_names names = names_of("ca.internal", "::1", NULL);
	struct ca_init_options options = options_for(*state);
	char huge[600] = "https://ca.internal/";

	options.names = &names;
	for (size_t i = 0; i < sizeof(public_urls) / sizeof(public_urls[0]); i++) {
		options.public_url = public_urls[i];
		assert_refused(&options);
	}
	memset(huge + 20, 'x', sizeof(huge) - 21);
	options.public_url = huge;
	assert_refused(&options);
	options.public_url = NULL;
	for (size_t i = 0; i < sizeof(revocation_urls) / sizeof(revocation_urls[0]); i++) {
		options.revocation_url = revocation_urls[i];
		assert_refused(&options);
	}
	ca_names_free(&names);
}

static void test_urls_taken(void **state)
{
	static const struct {
		const char *given, *kept;
	} rows[] = {
		{ NULL, "https://ca.internal:8443" },
		{ "https://ca.internal", "https://ca.internal" },
		{ "https://CA.internal:8443/", "https://CA.internal:8443" },
		{ "https://[::1]:8443//", "https://[::1]:8443" },
		{ "https://10.0.0.1/mica/", "https://10.0.0.1/mica" },
	};
	struct ca_names names = names_of("10.0.0.1", "ca.internal", "::1", NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[8];
		char *dir;
		struct ca_init_options options;
		struct ca_init_result result = { 0 };

		snprintf(name, sizeof(name), "%zu", i);
		dir = support_path(*state, name);
		options = options_for(dir);
		options.names = &names;
		options.public_url = rows[i].given;
		options.revocation_url = "http://pki.internal:8080/x/";
		assert_int_equal(ca_init(&options, &result, NULL), 0);
		assert_string_equal(result.public_url, rows[i].kept);
		ca_init_result_clear(&result);
		free(dir);
	}
	ca_names_free(&names);
}

static void test_default_url_of_an_address(void **state)
{
	struct ca_names names = names_of("2001:db8::1", NULL);
	struct ca_init_options options = options_for(*state);
	struct ca_init_result result = { 0 };

	options.names = &names;
	assert_int_equal(ca_init(&options, &result, NULL), 0);
	assert_string_equal(result.public_url, "https://[2001:db8::1]:8443");
	ca_init_result_clear(&result);
	ca_names_free(&names);
}

static void test_options_refused(void **state)
{
	struct ca_names wildcard = names_of("*.internal", NULL),
			uri = names_of("spiffe://x/y", NULL);
	struct ca_init_options options = options_for(*state);
	char name[66];

	options.key_type = CA_KEY_ED25519;
	assert_refused(&options);
	options = options_for(*state);
	options.root_key_type = CA_KEY_RSA_OTHER;
	assert_refused(&options);
	options = options_for(*state);
	options.root_lifetime = CA_YEAR;
	options.issuer_lifetime = CA_YEAR + 1;
	assert_refused(&options);
	options.issuer_lifetime = CA_HOUR;
	assert_refused(&options);
	options.issuer_lifetime = -CA_YEAR;
	assert_refused(&options);
	options = options_for(*state);
	options.names = &wildcard;
	assert_refused(&options);
	options.names = &uri;
	assert_refused(&options);
	options = options_for(*state);
	options.name = "";
	assert_refused(&options);
	options.name = "two\nlines";
	assert_refused(&options);
	memset(name, 'n', 65);
	name[65] = '\0';
	options.name = name;
	assert_refused(&options);
	options = options_for("");
	assert_int_equal(ca_init(&options, NULL, NULL), CA_EINVAL);
	ca_names_free(&wildcard);
	ca_names_free(&uri);
}

static void test_options_taken(void **state)
{
	struct ca_init_options options = options_for(*state);
	struct ca_init_result result = { 0 };
	struct ca_installation *inst;
	const struct ca_authority *root, *issuer;

	options.name = "Example, Inc. = \"x\"";
	options.key_type = CA_KEY_RSA_2048;
	options.root_key_type = CA_KEY_EC_P384;
	options.root_lifetime = 2 * CA_YEAR;
	assert_int_equal(ca_init(&options, &result, NULL), 0);
	inst = load(*state);
	root = ca_installation_root(inst, STORE_TENANT_DEFAULT);
	issuer = ca_installation_authority(inst, STORE_TENANT_DEFAULT, STORE_AUTHORITY_ISSUER);
	assert_int_equal(ca_key_type(root->key), CA_KEY_EC_P384);
	assert_int_equal(ca_key_type(issuer->key), CA_KEY_RSA_2048);
	assert_string_equal(ca_key_backend_name(issuer->key), ca_key_libcrypto.name);
	assert_true(root->not_after - ca_now() <= 2 * CA_YEAR);
	assert_true(issuer->not_after == root->not_after);
	assert_string_equal(inst->settings.name, options.name);
	ca_installation_free(inst);
	ca_init_result_clear(&result);
}

/* ---- the master key ---- */

static void test_master_key_elsewhere(void **state)
{
	char *dir = support_path(*state, "state"), *key = support_path(*state, "the.key");
	struct ca_init_options options = options_for(dir);
	struct ca_init_result result = { 0 };
	struct ca_buf before, after;

	options.master_key = key;
	assert_int_equal(ca_master_key_create(key), 0);
	before = content(*state, "the.key");
	assert_int_equal(ca_init(&options, &result, NULL), 0);
	after = content(*state, "the.key");
	assert_string_equal(ca_buf_text(&before), ca_buf_text(&after));
	assert_string_equal(result.master_key, key);
	assert_false(there(dir, "master.key"));
	ca_buf_free(&before);
	ca_buf_free(&after);
	ca_init_result_clear(&result);
	free(dir);
	free(key);
}

static void test_master_key_unusable(void **state)
{
	char *key = support_path(*state, "master.key");
	struct ca_installation *inst = NULL;
	struct ca_init_result result = { 0 };
	struct ca_detail why = { "" };

	assert_int_equal(ca_file_write(key, "short\n", 6, 0600, false), 0);
	assert_int_equal(init(*state, &result), CA_ENOMASTERKEY);
	assert_false(there(*state, "mica.db"));
	assert_int_equal(unlink(key), 0);
	init_well(*state);
	assert_int_equal(chmod(key, 0644), 0);
	assert_int_equal(load_with(*state, *state, &inst, &why), CA_ENOMASTERKEY);
	assert_int_equal(chmod(key, 0600), 0);
	assert_int_equal(truncate(key, 64), 0);
	assert_loads(*state);
	assert_int_equal(truncate(key, 63), 0);
	assert_int_equal(load_with(*state, *state, &inst, &why), CA_ENOMASTERKEY);
	assert_int_equal(unlink(key), 0);
	assert_int_equal(load_with(*state, *state, &inst, &why), CA_ENOMASTERKEY);
	assert_int_equal(ca_master_key_create(key), 0);
	assert_int_equal(load_with(*state, *state, &inst, &why), CA_EMASTERKEY);
	assert_null(inst);
	free(key);
}

/* ---- what is in the database ---- */

static void sql(const char *dir, const char *statement)
{
	int r = support_run(NULL, "sqlite3 %s/mica.db \"%s\"", dir, statement);

	if (r)
		fail_msg("%s", statement);
}

static void test_database_holds_no_key(void **state)
{
	struct ca_buf db;
	struct ca_installation *inst;

	init_well(*state);
	inst = load(*state);
	db = content(*state, "mica.db");
	assert_null(memmem(db.data, db.len, inst->token_key, 32));
	assert_null(memmem(db.data, db.len, inst->hash_salt, 32));
	assert_null(memmem(db.data, db.len, "PRIVATE", 7));
	for (size_t i = 0; i < inst->authorities_len; i++) {
		gnutls_ecc_curve_t curve;
		gnutls_datum_t x, y, k;

		assert_int_equal(
		    gnutls_privkey_export_ecc_raw2(ca_key_privkey(inst->authorities[i]->key),
			&curve, &x, &y, &k, GNUTLS_EXPORT_FLAG_NO_LZ),
		    0);
		assert_null(memmem(db.data, db.len, k.data, k.size));
		assert_non_null(memmem(db.data, db.len, x.data, x.size)); /* the test can find */
		gnutls_free(x.data);
		gnutls_free(y.data);
		gnutls_free(k.data);
	}
	ca_installation_free(inst);
	ca_buf_free(&db);
}

static void test_tampering(void **state)
{
	static const struct {
		const char *statement;
		int result;
		const char *named;
	} rows[] = {
		/* moved */
		{ "UPDATE authorities SET sealed_key = (SELECT sealed_key FROM authorities WHERE "
		  "name = 'operators-1') WHERE name = 'system-1'",
		    CA_ESEAL, "system-1" },
		{ "UPDATE authorities SET certificate = (SELECT certificate FROM authorities WHERE "
		  "name = 'operators-1') WHERE name = 'root-1'",
		    CA_ESEAL, "root-1" },
		{ "UPDATE authorities SET tenant_id = 1 WHERE name = 'default-1'", CA_ESEAL,
		    "default-1" },
		{ "UPDATE authorities SET name = 'default-2' WHERE name = 'default-1'", CA_ESEAL,
		    "default-2" },
		{ "UPDATE authorities SET parent_id = (SELECT id FROM authorities WHERE name = "
		  "'operators-1') WHERE name = 'default-1'",
		    CA_ESEAL, "default-1" },
		{ "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = "
		  "'hash-salt') WHERE name = 'token-signing'",
		    CA_ESEAL, "token-signing" },
		{ "UPDATE sealing_keys SET wrapped = (SELECT wrapped FROM sealing_keys WHERE id = "
		  "1) WHERE id = 2",
		    CA_ESEAL, "tenant" },
		/* changed, cut, gone */
		{ "UPDATE authorities SET sealed_key = NULL WHERE name = 'root-1'", CA_ESEAL,
		    "root-1" },
		{ "UPDATE authorities SET sealed_key = zeroblob(100) WHERE name = 'root-1'",
		    CA_ESEAL, "root-1" },
		{ "UPDATE authorities SET sealed_key = substr(sealed_key, 1, 40) WHERE name = "
		  "'root-1'",
		    CA_ESEAL, "root-1" },
		{ "UPDATE authorities SET certificate = substr(certificate, 1, 200) WHERE name = "
		  "'root-1'",
		    CA_ESEAL, "root-1" },
		{ "UPDATE authorities SET certificate = x'00' WHERE name = 'root-1'", CA_ESEAL,
		    "root-1" },
		{ "DELETE FROM secrets WHERE name = 'hash-salt'", CA_ESEAL, "hash-salt" },
		{ "UPDATE sealing_keys SET wrapped = x'01' WHERE id = 1", CA_ESEAL,
		    "signing key 1" },
		{ "UPDATE sealing_keys SET wrapped = x'01'", CA_EMASTERKEY, "" },
		{ "DELETE FROM sealing_keys WHERE tenant_id = 2", CA_ESEAL, "default-1" },
		{ "DELETE FROM sealing_keys", CA_ESEAL, "sealing keys" },
		{ "DELETE FROM installation", CA_ENOTFOUND, "" },
	};
	char *whole = support_path(*state, "whole"), *dir = support_path(*state, "state");

	init_well(whole);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ca_installation *inst = NULL;
		struct ca_detail why = { "" };
		int r;

		assert_int_equal(support_run(NULL, "rm -rf %s && cp -r %s %s", dir, whole, dir), 0);
		sql(dir, rows[i].statement);
		r = load_with(dir, dir, &inst, &why);
		if (r != rows[i].result || !strstr(why.text, rows[i].named))
			fail_msg("%s: %s (%s)", rows[i].statement, ca_error_code(r), why.text);
		assert_null(inst);
	}
	free(whole);
	free(dir);
}

static void test_retired_and_trusted(void **state)
{
	struct ca_installation *inst;
	int roots = 0;

	init_well(*state);
	sql(*state, "UPDATE authorities SET status = 2 WHERE name = 'default-1'");
	inst = load(*state);
	assert_null(ca_installation_authority(inst, STORE_TENANT_DEFAULT, STORE_AUTHORITY_ISSUER));
	assert_null(ca_installation_root(inst, STORE_TENANT_DEFAULT));
	assert_int_equal(
	    ca_installation_trust_bundle(inst, STORE_TENANT_DEFAULT, count_root, &roots), 0);
	assert_int_equal(roots, 1);
	ca_installation_free(inst);
	sql(*state, "UPDATE authorities SET status = 3 WHERE name = 'default-1'");
	inst = load(*state);
	assert_int_equal(inst->authorities_len, 3);
	assert_int_equal(inst->reserved_keys_len, 4);
	assert_int_equal(
	    ca_installation_trust_bundle(inst, STORE_TENANT_DEFAULT, count_root, &roots), 0);
	assert_int_equal(roots, 1);
	ca_installation_free(inst);
}

static int64_t sequence_after(const char *dir, const char *statement, int64_t tenant_id)
{
	struct ca_installation *inst;
	int64_t sequence;

	if (statement)
		sql(dir, statement);
	inst = load(dir);
	sequence = ca_installation_trust_bundle_sequence(inst, tenant_id);
	ca_installation_free(inst);
	return sequence;
}

/* It grows with each change, and does not begin anew. */
static void test_bundle_sequence(void **state)
{
	static const char *const changes[] = {
		"UPDATE authorities SET status = 3 WHERE name = 'default-1'",
		"UPDATE authorities SET status = 3 WHERE name IN ('root-1', 'system-1')",
	};
	int64_t last, next;

	init_well(*state);
	last = sequence_after(*state, NULL, STORE_TENANT_DEFAULT);
	assert_int_equal(last, 1);
	assert_int_equal(sequence_after(*state, NULL, STORE_TENANT_DEFAULT), last);
	assert_int_equal(
	    sequence_after(*state, "UPDATE authorities SET status = 2 WHERE name = 'system-1'",
		STORE_TENANT_DEFAULT),
	    last);
	assert_int_equal(sequence_after(*state, NULL, 77), 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		next = sequence_after(*state, changes[i], STORE_TENANT_DEFAULT);
		assert_true(next > last);
		last = next;
	}
}

/* ---- interruptions ---- */

static void init_in_child(const char *dir)
{
	struct ca_init_result result = { 0 };
	int null = open("/dev/null", O_WRONLY);

	dup2(null, 2);
	_exit(init(dir, &result) ? 1 : 0);
}

/* How long a whole init takes in dir, in nanoseconds. */
static long time_init(const char *dir)
{
	struct timespec a, b;
	pid_t pid;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &a);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		init_in_child(dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(status, 0);
	return (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec;
}

/* The quickest of three, below dir. */
static long measure_init(const char *dir)
{
	static const char *const names[] = { "m1", "m2", "m3" };
	long best = 0;

	for (size_t i = 0; i < 3; i++) {
		char *path = support_path(dir, names[i]);
		long took = time_init(path);

		if (i == 0 || took < best)
			best = took;
		free(path);
	}
	return best;
}

static void assert_whole(const char *dir)
{
	assert_loads(dir);
	assert_false(there(dir, "init.partial"));
	assert_true(there(dir, "admin/tls.crt"));
	assert_true(there(dir, "admin/tls.key"));
	assert_true(there(dir, "admin/ca.crt"));
	assert_true(there(dir, "admin/ca-url"));
}

static void test_killed(void **state)
{
	enum { TRIES = 40 };
	long whole = measure_init(*state);
	int killed = 0;

	for (int i = 0; i < TRIES; i++) {
		long delay = whole / TRIES * (i + 1);
		struct timespec pause = { delay / 1000000000L, delay % 1000000000L };
		struct ca_init_result result = { 0 };
		char name[16];
		char *dir;
		pid_t pid;
		int status;

		snprintf(name, sizeof(name), "k%d", i);
		dir = support_path(*state, name);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			init_in_child(dir);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		killed += WIFSIGNALED(status);
		assert_int_equal(init(dir, &result), 0);
		assert_whole(dir);
		ca_init_result_clear(&result);
		free(dir);
	}
	assert_in_range(killed, 15, TRIES);
}

/* Every place between two steps, laid out by hand. */
static void test_left_half_way(void **state)
{
	struct ca_init_result result = { 0 };
	char *dir = support_path(*state, "before"), *after = support_path(*state, "after");

	assert_int_equal(
	    support_run(NULL,
		"mkdir -p %s/init.partial/admin/deep && cd %s && echo junk >init.partial/mica.db "
		"&& echo junk >init.partial/mica.db-wal && ln -s / init.partial/admin/link",
		dir, dir),
	    0);
	init_well(dir);
	assert_whole(dir);
	init_well(after);
	assert_int_equal(
	    support_run(NULL, "cd %s && mkdir init.partial && mv admin init.partial/admin", after),
	    0);
	assert_int_equal(init(after, &result), 0);
	assert_true(result.existed);
	assert_whole(after);
	ca_init_result_clear(&result);
	assert_int_equal(support_run(NULL, "cd %s && mkdir init.partial", after), 0);
	assert_int_equal(init(after, &result), 0);
	assert_true(result.existed);
	assert_whole(after);
	ca_init_result_clear(&result);
	assert_int_equal(
	    support_run(NULL, "cd %s && mkdir init.partial && cp -r admin init.partial/", after),
	    0);
	assert_int_equal(init(after, &result), CA_EEXIST);
	assert_true(there(after, "init.partial/admin/tls.key"));
	free(dir);
	free(after);
}

/* An operator's own context moved away is no reason to make another. */
static void test_admin_moved_away(void **state)
{
	struct ca_init_result result = { 0 };

	init_well(*state);
	assert_int_equal(support_run(NULL, "rm -r %s/admin", (char *)*state), 0);
	assert_int_equal(init(*state, &result), 0);
	assert_true(result.existed);
	assert_false(there(*state, "admin"));
	ca_init_result_clear(&result);
}

static void test_remains_without_database(void **state)
{
	struct ca_init_result result = { 0 };

	init_well(*state);
	assert_int_equal(support_run(NULL, "rm %s/mica.db", (char *)*state), 0);
	assert_int_equal(init(*state, &result), CA_EINVAL);
	assert_int_equal(
	    support_run(NULL, "cd %s && rm -r admin && touch mica.db-wal", (char *)*state), 0);
	assert_int_equal(init(*state, &result), CA_EINVAL);
	assert_int_equal(support_run(NULL, "rm %s/mica.db-wal", (char *)*state), 0);
	init_well(*state);
	assert_whole(*state);
}

static void test_two_at_once(void **state)
{
	for (int i = 0; i < 5; i++) {
		pid_t pids[3];
		int won = 0;
		char name[16];
		char *dir;

		snprintf(name, sizeof(name), "t%d", i);
		dir = support_path(*state, name);
		for (size_t j = 0; j < 3; j++) {
			pids[j] = fork();
			assert_true(pids[j] >= 0);
			if (pids[j] == 0)
				init_in_child(dir);
		}
		for (size_t j = 0; j < 3; j++) {
			int status;

			assert_int_equal(waitpid(pids[j], &status, 0), pids[j]);
			assert_true(WIFEXITED(status));
			won += WEXITSTATUS(status) == 0;
		}
		assert_in_range(won, 1, 3);
		assert_whole(dir);
		free(dir);
	}
}

static void test_lock(void **state)
{
	struct ca_init_result result = { 0 };
	struct ca_detail why = { "" };
	int fd = -1, second = -1;

	assert_int_equal(ca_state_lock("/nonexistent/state", &fd, &why), CA_ENOTFOUND);
	assert_int_equal(ca_state_lock(*state, &fd, &why), 0);
	assert_int_equal(ca_state_lock(*state, &second, &why), CA_ELOCKED);
	assert_int_equal(second, -1);
	assert_int_equal(init(*state, &result), CA_ELOCKED);
	assert_int_equal(close(fd), 0);
	init_well(*state);
}

/* ---- places that cannot be written ---- */

static void test_state_is_a_file(void **state)
{
	char *path = support_path(*state, "file");
	struct ca_init_options options = options_for(path);
	struct ca_init_result result = { 0 };
	struct ca_detail why = { "" };

	assert_int_equal(ca_file_write(path, "x", 1, 0600, false), 0);
	assert_int_not_equal(ca_init(&options, &result, &why), 0);
	assert_non_null(strstr(why.text, path));
	free(path);
}

static void test_state_not_writable(void **state)
{
	struct ca_init_options options = options_for(*state);
	struct ca_init_result result = { 0 };
	struct ca_detail why = { "" };
	int r;

	if (geteuid() == 0) /* nothing is unwritable to root but this */
		options.state = "/proc/sys/kernel";
	else
		assert_int_equal(chmod(*state, 0500), 0);
	r = ca_init(&options, &result, &why);
	assert_true(r == CA_EIO || r == CA_ENOTFOUND);
	assert_non_null(strstr(why.text, options.state));
	assert_int_equal(chmod(*state, 0700), 0);
}

/* The disk fills up somewhere on the way: RLIMIT_FSIZE stands in for it, with SIGXFSZ ignored. */
static void test_disk_full(void **state)
{
	static const int limits[] = { 0, 64, 1024, 8192, 30000, 60000 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct ca_init_result result = { 0 };
		char name[16];
		char *dir;
		int status;
		pid_t pid;

		snprintf(name, sizeof(name), "d%zu", i);
		dir = support_path(*state, name);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			const struct rlimit limit = { (rlim_t)limits[i], (rlim_t)limits[i] };

			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &limit);
			init_in_child(dir);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		assert_false(there(dir, "mica.db"));
		assert_false(there(dir, "init.partial"));
		assert_int_equal(init(dir, &result), 0);
		assert_whole(dir);
		ca_init_result_clear(&result);
		free(dir);
	}
}

/* ---- recovery ---- */

static void test_recover(void **state)
{
	char *dir = support_path(*state, "state"), *out = support_path(*state, "new/");
	struct store_certificate row = { 0 };
	struct store_operator op;
	struct ca_detail why = { "" };
	struct store_tx *tx = NULL;
	struct store *store;
	int fd = -1;

	assert_int_equal(ca_recover_admin(dir, NULL, out, &why), CA_ENOTFOUND);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(ca_recover_admin(dir, NULL, out, &why), CA_ENOTFOUND);
	init_well(dir);
	assert_int_equal(ca_recover_admin(dir, "/nonexistent", out, &why), CA_ENOMASTERKEY);
	assert_false(there(*state, "new"));
	assert_int_equal(ca_recover_admin(dir, NULL, out, &why), 0);
	assert_int_equal(mode_of(*state, "new"), 0700);
	assert_int_equal(mode_of(*state, "new/tls.key"), 0600);
	assert_int_equal(
	    support_run(NULL,
		"cd %s && cmp new/ca.crt state/admin/ca.crt && cmp new/ca-url "
		"state/admin/ca-url && test \"$(openssl pkey -in new/tls.key -pubout)\" = "
		"\"$(openssl x509 -in new/tls.crt -noout -pubkey)\" && openssl x509 -in "
		"new/tls.crt -noout -subject | grep -q 'CN = admin-2$' && test $(ls | wc "
		"-l) = 2",
		(char *)*state),
	    0);
	assert_int_equal(ca_recover_admin(dir, NULL, out, &why), CA_EEXIST);
	free(out);
	out = support_path(*state, "third");
	assert_int_equal(ca_state_lock(dir, &fd, NULL), 0);
	assert_int_equal(ca_recover_admin(dir, NULL, out, &why), CA_ELOCKED);
	close(fd);
	assert_int_equal(ca_recover_admin(dir, NULL, out, &why), 0);
	store = open_store(dir);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_operator_get_name(tx, "admin-3", &op), 0);
	assert_int_equal(op.role, STORE_ROLE_ADMIN);
	assert_int_equal(store_certificate_of_operator(tx, op.id, &row), 0);
	assert_string_equal(row.profile, "operator");
	store_read_end(tx);
	store_close(store);
	store_certificate_clear(&row);
	free(dir);
	free(out);
}

static void test_recover_nowhere(void **state)
{
	struct ca_detail why = { "" };

	init_well(*state);
	assert_int_equal(ca_recover_admin(*state, NULL, "/nonexistent/x", &why), CA_EIO);
	assert_int_equal(ca_recover_admin(*state, NULL, "", &why), CA_EINVAL);
	assert_int_equal(ca_recover_admin(*state, NULL, "/", &why), CA_EEXIST);
}

/* ---- micad's own certificate ---- */

static void check_server_certificate(
    const struct ca_installation *inst, const struct ca_server_certificate *cert)
{
	const struct ca_authority *root = ca_installation_root(inst, STORE_TENANT_SYSTEM);
	unsigned char spki[CA_SHA256];
	gnutls_x509_crt_t anchor = root->crt;
	unsigned status = 1;

	assert_int_equal(gnutls_x509_crt_list_verify(cert->chain, 2, &anchor, 1, NULL, 0,
			     GNUTLS_VERIFY_DISABLE_CRL_CHECKS, &status),
	    0);
	assert_int_equal(status, 0);
	assert_int_not_equal(gnutls_x509_crt_check_hostname(cert->chain[0], "localhost"), 0);
	assert_int_not_equal(gnutls_x509_crt_check_hostname(cert->chain[0], "127.0.0.1"), 0);
	assert_int_not_equal(gnutls_x509_crt_check_hostname(cert->chain[0], "::1"), 0);
	assert_int_equal(ca_key_spki_sha256(cert->key, spki), 0);
	assert_memory_equal(spki, cert->spki_sha256, CA_SHA256);
	assert_true(cert->not_after - ca_now() <= CA_SERVER_LIFETIME);
	assert_in_range(cert->renew_after, cert->not_before, cert->not_after);
}

static void test_server_certificate(void **state)
{
	struct ca_server_certificate *first = NULL, *second = NULL, *loaded = NULL;
	struct ca_installation *inst;
	struct store *store;

	init_well(*state);
	inst = load(*state);
	store = open_store(*state);
	assert_int_equal(ca_server_certificate_load(store, inst, &first), 0);
	check_server_certificate(inst, first);
	assert_int_equal(ca_server_certificate_create(store, inst, ca_now(), &second), 0);
	check_server_certificate(inst, second);
	assert_int_not_equal(first->id, second->id);
	assert_memory_not_equal(first->spki_sha256, second->spki_sha256, CA_SHA256);
	assert_int_equal(ca_server_certificate_load(store, inst, &loaded), 0);
	assert_int_equal(loaded->id, second->id);
	assert_memory_equal(loaded->spki_sha256, second->spki_sha256, CA_SHA256);
	ca_server_certificate_free(first);
	ca_server_certificate_free(second);
	ca_server_certificate_free(loaded);
	store_close(store);
	ca_installation_free(inst);
}

static void test_server_certificate_times(void **state)
{
	struct ca_server_certificate *cert = NULL;
	struct ca_installation *inst;
	const struct ca_authority *issuer;
	struct store *store;

	init_well(*state);
	inst = load(*state);
	store = open_store(*state);
	issuer = ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_SYSTEM);
	assert_int_equal(
	    ca_server_certificate_create(store, inst, issuer->not_before - 1, &cert), CA_ECLOCK);
	assert_int_equal(
	    ca_server_certificate_create(store, inst, issuer->not_after, &cert), CA_EISSUERENDS);
	assert_null(cert);
	assert_int_equal(
	    ca_server_certificate_create(store, inst, issuer->not_after - CA_DAY, &cert), 0);
	assert_true(cert->not_after == issuer->not_after);
	ca_server_certificate_free(cert);
	cert = NULL;
	assert_int_equal(ca_server_certificate_create(store, inst, issuer->not_before, &cert), 0);
	assert_true(cert->not_before == issuer->not_before);
	ca_server_certificate_free(cert);
	store_close(store);
	ca_installation_free(inst);
}

static void test_server_certificate_unusable(void **state)
{
	static const struct {
		const char *statement;
		int result;
	} rows[] = {
		{ "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = "
		  "'hash-salt') WHERE name = 'server-key'",
		    CA_ESEAL },
		{ "DELETE FROM secrets WHERE name = 'server-key'", CA_ENOTFOUND },
		{ "UPDATE installation SET server_certificate_id = 0", CA_ENOTFOUND },
		{ "UPDATE installation SET server_certificate_id = (SELECT id FROM certificates "
		  "WHERE profile = 'operator')",
		    CA_ESEAL },
		{ "UPDATE certificates SET status = 1, revoked_at = 1 WHERE profile = 'server'",
		    CA_ENOTFOUND },
		{ "UPDATE authorities SET status = 3 WHERE name = 'system-1'", CA_ENOTFOUND },
	};
	char *whole = support_path(*state, "whole"), *dir = support_path(*state, "state");

	init_well(whole);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ca_server_certificate *cert = NULL;
		struct ca_installation *inst;
		struct store *store;
		int r;

		assert_int_equal(support_run(NULL, "rm -rf %s && cp -r %s %s", dir, whole, dir), 0);
		sql(dir, rows[i].statement);
		inst = load(dir);
		store = open_store(dir);
		r = ca_server_certificate_load(store, inst, &cert);
		if (r != rows[i].result)
			fail_msg("%s: %s", rows[i].statement, ca_error_code(r));
		assert_null(cert);
		store_close(store);
		ca_installation_free(inst);
	}
	free(whole);
	free(dir);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init),
		TEST(test_authorities),
		TEST(test_bundle),
		TEST(test_outside),
		TEST(test_first_operator_is_on_record),
		TEST(test_init_twice),
		TEST(test_two_installations_share_nothing),
		TEST(test_urls_refused),
		TEST(test_urls_taken),
		TEST(test_default_url_of_an_address),
		TEST(test_options_refused),
		TEST(test_options_taken),
		TEST(test_master_key_elsewhere),
		TEST(test_master_key_unusable),
		TEST(test_database_holds_no_key),
		TEST(test_tampering),
		TEST(test_retired_and_trusted),
		TEST(test_bundle_sequence),
		TEST(test_killed),
		TEST(test_left_half_way),
		TEST(test_admin_moved_away),
		TEST(test_remains_without_database),
		TEST(test_two_at_once),
		TEST(test_lock),
		TEST(test_state_is_a_file),
		TEST(test_state_not_writable),
		TEST(test_disk_full),
		TEST(test_recover),
		TEST(test_recover_nowhere),
		TEST(test_server_certificate),
		TEST(test_server_certificate_times),
		TEST(test_server_certificate_unusable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
