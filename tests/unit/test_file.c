#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/error.h"
#include "ca/base/file.h"
#include "tests/unit/support.h"

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void written_is_read(void **state)
{
	char *dir = support_mkdir(), *path = support_path(dir, "f");
	struct ca_buf buf = CA_BUF_INIT;

	(void)state;
	umask(077);
	assert_int_equal(ca_file_write(path, "one\0two", 7, 0644, false), 0);
	assert_int_equal(mode_of(path), 0644);
	assert_int_equal(ca_file_read(path, 7, &buf), 0);
	assert_int_equal(buf.len, 7);
	assert_memory_equal(buf.data, "one\0two", 7);
	ca_buf_free(&buf);
	assert_int_equal(ca_file_read(path, 6, &buf), CA_EINVAL);
	ca_buf_free(&buf);
	assert_int_equal(ca_file_write(path, "", 0, 0600, false), 0);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(ca_file_read(path, 7, &buf), 0);
	assert_int_equal(buf.len, 0);
	ca_buf_free(&buf);
	free(path);
	support_rmdir(dir);
}

static void exclusive_never_replaces(void **state)
{
	char *dir = support_mkdir(), *path = support_path(dir, "f");
	struct ca_buf buf = CA_BUF_INIT, names = CA_BUF_INIT;

	(void)state;
	assert_int_equal(ca_file_write(path, "first", 5, 0600, true), 0);
	assert_int_equal(ca_file_write(path, "second", 6, 0600, true), CA_EEXIST);
	assert_int_equal(ca_file_read(path, 100, &buf), 0);
	assert_string_equal(ca_buf_text(&buf), "first");
	support_run(&names, "ls -A %s", dir);
	assert_string_equal(ca_buf_text(&names), "f\n");
	ca_buf_free(&buf);
	ca_buf_free(&names);
	free(path);
	support_rmdir(dir);
}

static void absent_and_unreadable(void **state)
{
	char *dir = support_mkdir(), *path = support_path(dir, "no/such");
	struct ca_buf buf = CA_BUF_INIT;

	(void)state;
	assert_int_equal(ca_file_read(path, 10, &buf), CA_ENOTFOUND);
	assert_int_equal(ca_file_read(dir, 10, &buf), CA_EIO);
	assert_int_equal(ca_file_write(path, "x", 1, 0600, false), CA_EIO);
	assert_int_equal(ca_dir_sync(path), CA_EIO);
	ca_buf_free(&buf);
	free(path);
	support_rmdir(dir);
}

/* A disk that takes only so much: the old content stays, and no temporary file either. */
static void a_full_disk_leaves_the_old_file(void **state)
{
	char *dir = support_mkdir(), *path = support_path(dir, "f");
	struct rlimit before, tight;
	struct ca_buf buf = CA_BUF_INIT, names = CA_BUF_INIT;
	static char huge[65536];

	(void)state;
	assert_int_equal(ca_file_write(path, "old", 3, 0600, false), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(ca_file_write(path, huge, sizeof(huge), 0600, false), CA_EIO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(ca_file_read(path, 100, &buf), 0);
	assert_string_equal(ca_buf_text(&buf), "old");
	support_run(&names, "ls -A %s", dir);
	assert_string_equal(ca_buf_text(&names), "f\n");
	ca_buf_free(&buf);
	ca_buf_free(&names);
	free(path);
	support_rmdir(dir);
}

static void directories(void **state)
{
	char *dir = support_mkdir(), *path = support_path(dir, "a/b/c"), *joined;

	(void)state;
	umask(022);
	assert_int_equal(ca_dir_make(path, 0700), 0);
	assert_int_equal(mode_of(path), 0700);
	assert_int_equal(ca_dir_make(path, 0755), 0);
	assert_int_equal(mode_of(path), 0700);
	joined = support_path(dir, "d/e//");
	assert_int_equal(ca_dir_make(joined, 0700), 0);
	assert_int_equal(mode_of(joined), 0700);
	free(joined);
	joined = ca_path_join(path, "x");
	assert_non_null(strstr(joined, "/a/b/c/x"));
	free(joined);
	joined = ca_path_join("dir/", "x");
	assert_string_equal(joined, "dir/x");
	free(joined);
	free(path);
	path = support_path(dir, "file");
	assert_int_equal(ca_file_write(path, "x", 1, 0600, false), 0);
	joined = support_path(path, "below");
	assert_int_equal(ca_dir_make(joined, 0700), CA_EIO);
	free(joined);
	free(path);
	support_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(exclusive_never_replaces),
		cmocka_unit_test(absent_and_unreadable),
		cmocka_unit_test(a_full_disk_leaves_the_old_file),
		cmocka_unit_test(directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
