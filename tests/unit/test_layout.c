/* The files of a service change all at once, whatever happens; and the key of a fetch under way is
 * safe. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/client/layout.h"
#include "api/client/staged.h"
#include "tests/unit/support.h"

#define SWITCHES 300
#define KILLS 50
#define BULK 20000 /* octets a file, so that a writer is caught in the middle of one */

static const struct client_owner self = CLIENT_OWNER_SELF;

/* The C library's fsync() with a memory, and with a failure at the n-th call from now. */
static struct {
	ino_t inodes[64];
	size_t n;
	size_t fails_at; /* 0: never */
} syncs;

int fsync(int fd)
{
	struct stat st;

	if (syncs.n < sizeof(syncs.inodes) / sizeof(*syncs.inodes) && !fstat(fd, &st))
		syncs.inodes[syncs.n++] = st.st_ino;
	if (syncs.fails_at && syncs.n == syncs.fails_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void syncs_begin(size_t fails_at)
{
	memset(&syncs, 0, sizeof(syncs));
	syncs.fails_at = fails_at;
}

/* A set whose three files all carry the generation. */
struct set {
	char text[3][BULK];
	struct client_file files[3];
};

static void set_make(struct set *set, int generation)
{
	static const char *const names[] = { "tls.key", "tls.crt", "ca.crt" };

	for (size_t i = 0; i < 3; i++) {
		memset(set->text[i], 'x', BULK);
		snprintf(set->text[i], BULK, "generation %08d", generation);
		set->files[i] =
		    (struct client_file){ names[i], set->text[i], BULK, i ? 0644 : 0600 };
	}
}

static int set_write(const char *dir, int generation, struct ca_detail *why)
{
	struct set *set = malloc(sizeof(*set));
	int error;

	assert_non_null(set);
	set_make(set, generation);
	error = client_layout_write(dir, set->files, 3, &self, why);
	free(set);
	return error;
}

/* The generation of a whole file; -1: it is not there; -2: it is not whole. */
static int generation_at(int dir, const char *name)
{
	static _Thread_local char text[BULK + 1];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, BULK + 1);
	close(fd);
	if (n != BULK)
		return -2;
	return strncmp(text, "generation ", 11) ? -2 : (int)strtol(text + 11, NULL, 10);
}

/* The generation of all three files through one handle; -1: gone meanwhile, or none; -2: mismatched
 * or not whole. */
static int generation_of(const char *dir)
{
	static const char *const names[] = { "tls.key", "tls.crt", "ca.crt" };
	char *path = support_path(dir, "..data");
	int fd = open(path, O_RDONLY | O_DIRECTORY), generation = -1;

	free(path);
	for (size_t i = 0; fd >= 0 && i < 3; i++) {
		int one = generation_at(fd, names[i]);

		if (one < 0 || (i && one != generation)) {
			close(fd);
			return one == -1 ? -1 : -2;
		}
		generation = one;
	}
	if (fd >= 0)
		close(fd);
	return generation;
}

static int entries(const char *dir)
{
	DIR *open_dir = opendir(dir);
	int n = 0;

	assert_non_null(open_dir);
	while (readdir(open_dir))
		n++;
	closedir(open_dir);
	return n - 2;
}

/* tls.key tls.crt ca.crt, ..data, one version. */
static void assert_clean(const char *dir, int generation)
{
	assert_int_equal(generation_of(dir), generation);
	assert_int_equal(entries(dir), 5);
}

static mode_t mode_of(const char *dir, const char *name)
{
	char *path = support_path(dir, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_mode & 07777;
}

static void plain_write(const char *dir, const char *name, int generation, mode_t mode)
{
	char *path = support_path(dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
	char text[BULK];

	memset(text, 'x', sizeof(text));
	snprintf(text, sizeof(text), "generation %08d", generation);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text)), BULK);
	close(fd);
	free(path);
}

static void missing_directory_is_made(void **state)
{
	char *dir = support_mkdir(), *deep = support_path(dir, "a/b/tls");
	char *link = support_path(deep, "tls.crt"), target[64] = "";
	(void)state;

	assert_int_equal(set_write(deep, 1, NULL), 0);
	assert_clean(deep, 1);
	assert_int_equal(mode_of(deep, "tls.key"), 0600);
	assert_int_equal(mode_of(deep, "tls.crt"), 0644);
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "..data/tls.crt");
	free(link);
	free(deep);
	support_rmdir(dir);
}

static bool synced(const char *dir, const char *name)
{
	char *path = support_path(dir, name);
	struct stat st;
	bool found = false;

	assert_int_equal(stat(path, &st), 0);
	for (size_t i = 0; i < syncs.n; i++)
		found |= syncs.inodes[i] == st.st_ino;
	free(path);
	return found;
}

/* A directory that was made is on the disk when the one above it is. */
static void new_directories_are_synced_into_their_parents(void **state)
{
	char *dir = support_mkdir(), *deep = support_path(dir, "a/b/tls");
	(void)state;

	syncs_begin(0);
	assert_int_equal(set_write(deep, 1, NULL), 0);
	assert_true(synced(dir, "."));
	assert_true(synced(dir, "a"));
	assert_true(synced(dir, "a/b"));
	assert_true(synced(dir, "a/b/tls"));
	free(deep);
	support_rmdir(dir);
}

static void umask_does_not_matter(void **state)
{
	char *dir = support_mkdir();
	mode_t old = umask(0077);
	(void)state;

	assert_int_equal(set_write(dir, 1, NULL), 0);
	umask(old);
	assert_int_equal(mode_of(dir, "tls.crt"), 0644);
	assert_int_equal(mode_of(dir, "..data"), 0755);
	support_rmdir(dir);
}

struct reader {
	const char *dir;
	atomic_bool stop;
	int seen, mismatched;
};

static void *read_on(void *opaque)
{
	struct reader *reader = opaque;

	while (!reader->stop) {
		int generation = generation_of(reader->dir);

		reader->seen += generation >= 0;
		reader->mismatched += generation == -2;
	}
	return NULL;
}

static void reader_never_sees_a_mismatch(void **state)
{
	char *dir = support_mkdir();
	struct reader reader = { .dir = dir };
	pthread_t thread;
	(void)state;

	assert_int_equal(set_write(dir, 0, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (int i = 1; i <= SWITCHES; i++)
		assert_int_equal(set_write(dir, i, NULL), 0);
	reader.stop = true;
	pthread_join(thread, NULL);
	assert_true(reader.seen > 10);
	assert_int_equal(reader.mismatched, 0);
	assert_clean(dir, SWITCHES);
	support_rmdir(dir);
}

/* Start a writer, kill it after a while. True: it was still at work. */
static bool write_and_kill(const char *dir, int generation, long nanoseconds)
{
	struct timespec nap = { .tv_nsec = nanoseconds };
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (!pid)
		_exit(set_write(dir, generation, NULL) ? 1 : 0);
	nanosleep(&nap, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

/* How long one writing takes, so that the kills fall into it on any disk. */
static long writing_takes(const char *dir)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 5; i++)
		assert_int_equal(set_write(dir, 0, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec) / 5;
}

static void killed_writer_leaves_a_whole_set(void **state)
{
	char *dir = support_mkdir();
	long takes = writing_takes(dir);
	int before = 0, killed = 0;
	(void)state;

	for (int i = 1; i <= KILLS; i++) {
		int after;

		killed += write_and_kill(dir, i, takes * 3 / 2 * i / KILLS % 999999999);
		after = generation_of(dir);
		assert_true(after == before || after == i);
		before = after;
	}
	assert_true(killed > KILLS / 10);
	assert_int_equal(set_write(dir, 1000, NULL), 0);
	assert_clean(dir, 1000);
	support_rmdir(dir);
}

static void plain_files_are_taken_over(void **state)
{
	char *dir = support_mkdir();
	(void)state;

	plain_write(dir, "tls.key", 7, 0600);
	plain_write(dir, "tls.crt", 7, 0644);
	assert_int_equal(set_write(dir, 8, NULL), 0);
	assert_clean(dir, 8);
	support_rmdir(dir);
}

/* The generation visible by path, as a service reads it. */
static int visible(const char *dir, const char *name)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY), generation;

	assert_true(fd >= 0);
	generation = generation_at(fd, name);
	close(fd);
	return generation;
}

/* Taking over plain files, killed at any moment: the pair seen by path is the old one or the new
 * one. */
static void killed_while_taking_over(void **state)
{
	char *scratch = support_mkdir();
	long takes = 2 * writing_takes(scratch);
	int killed = 0;
	(void)state;

	for (int i = 1; i <= KILLS; i++) {
		char *dir = support_mkdir();
		int key, crt;

		plain_write(dir, "tls.key", 7, 0600);
		plain_write(dir, "tls.crt", 7, 0644);
		killed += write_and_kill(dir, 8, takes * i / KILLS % 999999999);
		key = visible(dir, "tls.key");
		crt = visible(dir, "tls.crt");
		assert_true(key == 7 || key == 8);
		assert_int_equal(key, crt);
		assert_int_equal(set_write(dir, 9, NULL), 0);
		assert_clean(dir, 9);
		support_rmdir(dir);
	}
	assert_true(killed > KILLS / 10);
	support_rmdir(scratch);
}

/* A disk that fails at any of the syncs: the old set is in use and nothing else is left; or the new
 * one is, and the old one is still there for a crash to bring back. */
static void failed_sync(void **state)
{
	size_t old = 0, new = 0;
	(void)state;

	for (size_t i = 1;; i++) {
		char *dir = support_mkdir();
		int error, generation;

		assert_int_equal(set_write(dir, 1, NULL), 0);
		syncs_begin(i);
		error = set_write(dir, 2, NULL);
		syncs_begin(0);
		generation = generation_of(dir);
		if (error) {
			assert_int_equal(error, CA_EIO);
			assert_true(generation == 1 || generation == 2);
			assert_int_equal(entries(dir), generation == 1 ? 5 : 6);
			old += generation == 1;
			new += generation == 2;
			assert_int_equal(set_write(dir, 3, NULL), 0);
		}
		assert_clean(dir, error ? 3 : 2);
		support_rmdir(dir);
		if (!error)
			break;
	}
	assert_true(old >= 4); /* three files and their directory */
	assert_true(new == 1);
}

static void names_with_a_dot_get_no_link(void **state)
{
	char *dir = support_mkdir(), *hidden = support_path(dir, ".token");
	const struct client_file files[] = { { "tls.key", "x", 1, 0600 },
		{ ".token", "y", 1, 0600 } };
	(void)state;

	assert_int_equal(client_layout_write(dir, files, 2, &self, NULL), 0);
	assert_int_equal(access(hidden, F_OK), -1);
	assert_int_equal(mode_of(dir, "..data/.token"), 0600);
	assert_int_equal(entries(dir), 3);
	plain_write(dir, ".token", 7, 0644);
	assert_int_equal(client_layout_write(dir, files, 2, &self, NULL), 0);
	assert_int_equal(visible(dir, ".token"), 7); /* a stranger's */
	free(hidden);
	support_rmdir(dir);
}

static void old_owner_and_mode_stay_while_taking_over(void **state)
{
	struct ca_detail why = { "" };
	char *dir = support_mkdir(), *blocker = support_path(dir, "ca.crt");
	(void)state;

	plain_write(dir, "tls.key", 7, 0640);
	assert_int_equal(mkdir(blocker, 0755), 0);
	assert_int_equal(set_write(dir, 8, &why), CA_EIO);
	assert_non_null(strstr(why.text, "in the way"));
	assert_int_equal(visible(dir, "tls.key"), 7);
	assert_int_equal(mode_of(dir, "tls.key"), 0640);
	free(blocker);
	support_rmdir(dir);
}

/* Links that point elsewhere are replaced, and what they point to stays. */
static void foreign_links_are_replaced(void **state)
{
	char *dir = support_mkdir(), *other = support_mkdir();
	char *target = support_path(other, "tls.crt"), *link = support_path(dir, "tls.crt");
	char *dangling = support_path(dir, "tls.key");
	(void)state;

	plain_write(other, "tls.crt", 5, 0644);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(symlink("/nonexistent/key", dangling), 0);
	assert_int_equal(set_write(dir, 6, NULL), 0);
	assert_clean(dir, 6);
	assert_int_equal(visible(other, "tls.crt"), 5);
	free(target);
	free(link);
	free(dangling);
	support_rmdir(dir);
	support_rmdir(other);
}

static void files_that_are_no_more_go(void **state)
{
	char *dir = support_mkdir(), *foreign = support_path(dir, "README");
	struct client_file with = { "tls.pem", "x", 1, 0600 };
	struct set *set = malloc(sizeof(*set));
	struct client_file files[4];
	(void)state;

	assert_non_null(set);
	set_make(set, 1);
	memcpy(files, set->files, sizeof(set->files));
	files[3] = with;
	plain_write(dir, "README", 1, 0644);
	assert_int_equal(client_layout_write(dir, files, 4, &self, NULL), 0);
	assert_int_equal(entries(dir), 7);
	assert_int_equal(set_write(dir, 2, NULL), 0);
	assert_int_equal(entries(dir), 6); /* the clean five, and the file that is not ours */
	assert_int_equal(access(foreign, F_OK), 0);
	free(set);
	free(foreign);
	support_rmdir(dir);
}

static void left_overs_are_swept(void **state)
{
	char *dir = support_mkdir();
	char *version = support_path(dir, "..2020_01_02_03_04_05.0123456789abcdef");
	char *stranger = support_path(dir, "..2020_01_02_03_04_05.1234567890");
	char *temporary = support_path(dir, "..data_tmp");
	(void)state;

	assert_int_equal(mkdir(version, 0700), 0);
	plain_write(version, "tls.key", 1, 0600);
	assert_int_equal(mkdir(stranger, 0700), 0);
	assert_int_equal(symlink("nowhere", temporary), 0);
	assert_int_equal(set_write(dir, 2, NULL), 0);
	assert_int_equal(access(version, F_OK), -1);
	assert_int_equal(access(stranger, F_OK), 0);
	assert_int_equal(entries(dir), 6);
	free(version);
	free(stranger);
	free(temporary);
	support_rmdir(dir);
}

/* In a child without root's rights. */
static void as_nobody(const char *dir, int (*act)(const char *dir))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (!pid) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(99);
		_exit(act(dir));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int write_refused(const char *dir)
{
	struct ca_detail why = { "" };

	return set_write(dir, 2, &why) == CA_EIO && strstr(why.text, "permission denied") &&
		       strstr(why.text, dir)
		   ? 0
		   : 1;
}

static void unwritable_directory(void **state)
{
	char *dir = support_mkdir();
	(void)state;

	assert_int_equal(set_write(dir, 1, NULL), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	as_nobody(dir, write_refused);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_clean(dir, 1);
	support_rmdir(dir);
}

static int chown_refused(const char *dir)
{
	const struct client_owner root = { 0, (gid_t)-1 };
	const struct client_file file = { "tls.key", "x", 1, 0600 };
	struct ca_detail why = { "" };

	if (client_layout_probe(dir, &root, &why) != CA_EIO || !strstr(why.text, "only root"))
		return 1;
	return client_layout_write(dir, &file, 1, &root, &why) == CA_EIO ? 0 : 2;
}

static void owner_that_cannot_be_set(void **state)
{
	char *dir = support_mkdir();
	(void)state;

	assert_int_equal(chmod(dir, 0777), 0);
	as_nobody(dir, chown_refused);
	assert_int_equal(entries(dir), 0);
	support_rmdir(dir);
}

static void owner_that_can_be_set(void **state)
{
	const struct client_owner nobody = { 65534, 65534 };
	const struct client_file file = { "tls.key", "x", 1, 0600 };
	char *dir = support_mkdir(), *path = support_path(dir, "tls.key");
	struct stat st;
	(void)state;

	if (!geteuid()) {
		assert_int_equal(client_layout_probe(dir, &nobody, NULL), 0);
		assert_int_equal(entries(dir), 0);
		assert_int_equal(client_layout_write(dir, &file, 1, &nobody, NULL), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	free(path);
	support_rmdir(dir);
	if (geteuid())
		skip();
}

/* A limit on the size of files stands for a full disk: write() takes a part and then fails. */
static int write_without_space(const char *dir)
{
	const struct rlimit limit = { BULK / 2, BULK / 2 };
	struct ca_detail why = { "" };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	return set_write(dir, 2, &why) == CA_EIO && strstr(why.text, "cannot write") ? 0 : 2;
}

static void full_disk(void **state)
{
	char *dir = support_mkdir();
	(void)state;

	assert_int_equal(set_write(dir, 1, NULL), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	as_nobody(dir, write_without_space);
	assert_clean(dir, 1);
	support_rmdir(dir);
}

/* Two writers at once: each set whole, and nothing left lying. */
static void two_writers(void **state)
{
	char *dir = support_mkdir();
	pid_t pids[2];
	(void)state;

	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i]) {
			int failed = 0;

			for (int k = 0; k < 30; k++)
				failed |= set_write(dir, 100 * (i + 1) + k, NULL);
			_exit(failed ? 1 : 0);
		}
	}
	for (int i = 0; i < 2; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	assert_true(generation_of(dir) == 129 || generation_of(dir) == 229);
	assert_int_equal(entries(dir), 5);
	support_rmdir(dir);
}

static void not_a_directory(void **state)
{
	struct ca_detail why = { "" };
	char *dir = support_mkdir(), *file = support_path(dir, "file");
	(void)state;

	plain_write(dir, "file", 1, 0644);
	assert_int_equal(set_write(file, 1, &why), CA_EIO);
	assert_non_null(strstr(why.text, "not a directory"));
	free(file);
	support_rmdir(dir);
}

/* ---- DIR/.staged ---- */

static const unsigned char id[CA_SHA256] = { 1, 2, 3 };

/* Whoever owns DIR puts a link in the place of .staged while we are at work there. */
static void staged_directory_is_exchanged(void **state)
{
	char *dir = support_mkdir(), *other = support_mkdir();
	char *path = support_path(dir, ".staged"), *away = support_path(dir, "away");
	struct client_staged staged = CLIENT_STAGED_INIT;
	struct client_problem problem = { 0 };
	struct ca_key *key = NULL;
	(void)state;

	assert_int_equal(client_staged_open(dir, id, &staged, &problem), 0);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(client_staged_key(&staged, CA_KEY_EC_P256, &key, &problem), 0);
	assert_true(staged.made);
	assert_int_equal(entries(other), 0);
	assert_int_equal(entries(away), 1);
	client_staged_remove(&staged);
	assert_int_equal(entries(other), 0);
	assert_int_equal(entries(away), 0);
	assert_int_equal(client_staged_open(dir, id, &staged, &problem), CA_EIO);
	ca_key_free(key);
	free(path);
	free(away);
	support_rmdir(dir);
	support_rmdir(other);
}

/* One who is turned away leaves the directory of the one at work alone. */
static void staged_directory_is_in_use(void **state)
{
	char *dir = support_mkdir();
	struct client_staged first = CLIENT_STAGED_INIT, second = CLIENT_STAGED_INIT;
	struct client_problem problem = { 0 };
	struct ca_key *key = NULL;
	(void)state;

	assert_int_equal(client_staged_open(dir, id, &first, &problem), 0);
	assert_int_equal(client_staged_open(dir, id, &second, &problem), CA_ELOCKED);
	assert_int_equal(client_staged_key(&first, CA_KEY_EC_P256, &key, &problem), 0);
	client_staged_close(&first);
	ca_key_free(key);
	key = NULL;
	assert_int_equal(client_staged_open(dir, id, &second, &problem), 0);
	assert_int_equal(client_staged_key(&second, CA_KEY_EC_P256, &key, &problem), 0);
	assert_false(second.made);
	client_staged_remove(&second);
	assert_int_equal(entries(dir), 0);
	ca_key_free(key);
	support_rmdir(dir);
}

/* What a run that died while it wrote the key left is no key, and in nobody's way. */
static void staged_key_half_written(void **state)
{
	char *dir = support_mkdir();
	struct client_staged staged = CLIENT_STAGED_INIT;
	struct client_problem problem = { 0 };
	struct ca_key *key = NULL;
	char name[128];
	(void)state;

	assert_int_equal(client_staged_open(dir, id, &staged, &problem), 0);
	snprintf(name, sizeof(name), ".staged/%s", staged.temporary);
	plain_write(dir, name, 1, 0600);
	assert_int_equal(client_staged_key(&staged, CA_KEY_EC_P256, &key, &problem), 0);
	assert_true(staged.made);
	client_staged_remove(&staged);
	assert_int_equal(entries(dir), 0);
	ca_key_free(key);
	support_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_directory_is_made),
		cmocka_unit_test(new_directories_are_synced_into_their_parents),
		cmocka_unit_test(umask_does_not_matter),
		cmocka_unit_test(reader_never_sees_a_mismatch),
		cmocka_unit_test(killed_writer_leaves_a_whole_set),
		cmocka_unit_test(plain_files_are_taken_over),
		cmocka_unit_test(killed_while_taking_over),
		cmocka_unit_test(failed_sync),
		cmocka_unit_test(names_with_a_dot_get_no_link),
		cmocka_unit_test(old_owner_and_mode_stay_while_taking_over),
		cmocka_unit_test(foreign_links_are_replaced),
		cmocka_unit_test(files_that_are_no_more_go),
		cmocka_unit_test(left_overs_are_swept),
		cmocka_unit_test(unwritable_directory),
		cmocka_unit_test(owner_that_cannot_be_set),
		cmocka_unit_test(owner_that_can_be_set),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(two_writers),
		cmocka_unit_test(not_a_directory),
		cmocka_unit_test(staged_directory_is_exchanged),
		cmocka_unit_test(staged_directory_is_in_use),
		cmocka_unit_test(staged_key_half_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
