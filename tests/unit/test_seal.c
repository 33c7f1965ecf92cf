#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/seal.h"
#include "tests/unit/support.h"

static const unsigned char key[CA_SEAL_KEY] = { 1, 2, 3 };
static const unsigned char other_key[CA_SEAL_KEY] = { 1, 2, 4 };
static const struct ca_seal_place place = { 7, "secrets", "token", "sealed" };

/* Seal under key version 5; to be freed. */
static struct ca_buf sealed(const void *secret, size_t len)
{
	struct ca_buf blob = CA_BUF_INIT;

	assert_int_equal(ca_seal(key, 5, &place, secret, len, &blob), 0);
	assert_int_equal(blob.len, len + CA_SEAL_OVERHEAD);
	return blob;
}

static void assert_refused(
    const unsigned char *k, const struct ca_seal_place *where, const void *blob, size_t len)
{
	struct ca_buf plain = CA_BUF_INIT;

	assert_int_equal(ca_unseal(k, where, blob, len, &plain), CA_ESEAL);
	assert_int_equal(plain.len, 0);
	ca_buf_free(&plain);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = { 0, 1, 32, 1200, 70000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *secret = malloc(sizes[i] + 1);
		struct ca_buf blob, plain = CA_BUF_INIT;
		uint32_t version = 0;

		assert_non_null(secret);
		memset(secret, 'x', sizes[i] + 1);
		blob = sealed(secret, sizes[i]);
		ca_buf_add_str(&plain, "before ");
		assert_int_equal(ca_unseal(key, &place, blob.data, blob.len, &plain), 0);
		assert_int_equal(plain.len, sizes[i] + 7);
		assert_memory_equal(plain.data, "before ", 7);
		assert_memory_equal(plain.data + 7, secret, sizes[i]);
		assert_int_equal(ca_seal_key_version(blob.data, blob.len, &version), 0);
		assert_int_equal(version, 5);
		free(secret);
		ca_buf_free(&blob);
		ca_buf_free(&plain);
	}
}

static void test_does_not_show_the_secret(void **state)
{
	struct ca_buf blob = sealed("a very secret thing", 19);

	(void)state;
	assert_null(memmem(blob.data, blob.len, "secret", 6));
	ca_buf_free(&blob);
}

static void test_nonces_differ(void **state)
{
	struct ca_buf a = sealed("same", 4), b = sealed("same", 4);

	(void)state;
	assert_memory_not_equal(a.data + 5, b.data + 5, 12);
	assert_memory_not_equal(a.data + 17, b.data + 17, 4);
	ca_buf_free(&a);
	ca_buf_free(&b);
}

static void test_every_changed_bit_is_noticed(void **state)
{
	struct ca_buf blob = sealed("secret", 6);

	(void)state;
	for (size_t i = 0; i < blob.len * 8; i++) {
		blob.data[i / 8] ^= (unsigned char)(1U << i % 8);
		assert_refused(key, &place, blob.data, blob.len);
		blob.data[i / 8] ^= (unsigned char)(1U << i % 8);
	}
	ca_buf_free(&blob);
}

static void test_cut_or_longer_is_noticed(void **state)
{
	struct ca_buf blob = sealed("secret", 6);
	uint32_t version;

	(void)state;
	for (size_t len = 0; len < blob.len; len++)
		assert_refused(key, &place, blob.data, len);
	assert_refused(key, &place, NULL, 0);
	ca_buf_add_byte(&blob, 0);
	assert_refused(key, &place, blob.data, blob.len);
	assert_int_equal(ca_seal_key_version(blob.data, CA_SEAL_OVERHEAD - 1, &version), CA_ESEAL);
	ca_buf_free(&blob);
}

static void test_moved_is_noticed(void **state)
{
	static const struct ca_seal_place elsewhere[] = {
		{ 8, "secrets", "token", "sealed" },
		{ 7, "authorities", "token", "sealed" },
		{ 7, "secrets", "token2", "sealed" },
		{ 7, "secrets", "token", "wrapped" },
		{ 7, "secretst", "oken", "sealed" },
		{ 7, "secret", "stoken", "sealed" },
		{ 7, "secrets", "tokens", "ealed" },
		{ 7, "", "secretstoken", "sealed" },
	};
	struct ca_buf blob = sealed("secret", 6);

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		assert_refused(key, &elsewhere[i], blob.data, blob.len);
	assert_refused(other_key, &place, blob.data, blob.len);
	ca_buf_free(&blob);
}

/* ---- the master key's file ---- */

static void test_master_key(void **state)
{
	char *path = support_path(*state, "master.key");
	struct ca_master_key a, b;
	struct ca_detail why = { "" };
	struct stat st;

	assert_int_equal(ca_master_key_create(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_int_equal(ca_master_key_read(path, &a, &why), 0);
	assert_int_equal(ca_master_key_create(path), CA_EEXIST);
	assert_int_equal(ca_master_key_read(path, &b, &why), 0);
	assert_memory_equal(a.octets, b.octets, sizeof(a.octets));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ca_master_key_create(path), 0);
	assert_int_equal(ca_master_key_read(path, &b, &why), 0);
	assert_memory_not_equal(a.octets, b.octets, sizeof(a.octets));
	free(path);
}

/* Write text, and read it as a master key. */
static int read_text(const char *dir, const char *text, size_t len, mode_t mode)
{
	char *path = support_path(dir, "key");
	struct ca_detail why = { "" };
	struct ca_master_key master;
	int r;

	assert_int_equal(ca_file_write(path, text, len, mode, false), 0);
	r = ca_master_key_read(path, &master, &why);
	if (r) {
		assert_non_null(strstr(why.text, path));
		assert_null(strstr(why.text, "0123456789abcdef"));
	}
	free(path);
	return r;
}

#define DIGITS "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static void test_master_key_forms(void **state)
{
	static const char *const wrong[] = { "", "\n", "0123", DIGITS "0", DIGITS "\n\n",
		DIGITS "\r\n", " " DIGITS, DIGITS " ", DIGITS DIGITS "\n",
		"g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
		"01:3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n" };
	char huge[100000];

	assert_int_equal(read_text(*state, DIGITS "\n", 65, 0600), 0);
	assert_int_equal(read_text(*state, DIGITS, 64, 0600), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    read_text(*state, wrong[i], strlen(wrong[i]), 0600), CA_ENOMASTERKEY);
	memset(huge, 'a', sizeof(huge));
	assert_int_equal(read_text(*state, huge, sizeof(huge), 0600), CA_ENOMASTERKEY);
	huge[10] = '\0';
	assert_int_equal(read_text(*state, huge, 64, 0600), CA_ENOMASTERKEY);
}

static void test_master_key_modes(void **state)
{
	static const struct {
		mode_t mode;
		int result;
	} rows[] = { { 0400, 0 }, { 0440, 0 }, { 0640, 0 }, { 0600, 0 }, { 0644, CA_ENOMASTERKEY },
		{ 0604, CA_ENOMASTERKEY }, { 0602, CA_ENOMASTERKEY }, { 0601, CA_ENOMASTERKEY },
		{ 0620, CA_ENOMASTERKEY }, { 0660, CA_ENOMASTERKEY } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(read_text(*state, DIGITS "\n", 65, rows[i].mode), rows[i].result);
}

static void test_master_key_is_no_file(void **state)
{
	char *path = support_path(*state, "fifo");
	struct ca_master_key master;
	struct ca_detail why = { "" };

	assert_int_equal(ca_master_key_read(path, &master, &why), CA_ENOMASTERKEY);
	assert_non_null(strstr(why.text, "not there"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(ca_master_key_read(path, &master, &why), CA_ENOMASTERKEY);
	assert_int_equal(ca_master_key_read(*state, &master, NULL), CA_ENOMASTERKEY);
	assert_int_equal(ca_master_key_create("/nonexistent/dir/key"), CA_EIO);
	free(path);
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
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_does_not_show_the_secret),
		cmocka_unit_test(test_nonces_differ),
		cmocka_unit_test(test_every_changed_bit_is_noticed),
		cmocka_unit_test(test_cut_or_longer_is_noticed),
		cmocka_unit_test(test_moved_is_noticed),
		cmocka_unit_test_setup_teardown(test_master_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_key_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_key_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_key_is_no_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
