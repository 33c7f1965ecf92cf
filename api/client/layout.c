/* Files that change all at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/client/client.h"
#include "api/client/layout.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/text.h"

#define DATA "..data"
#define DATA_TEMPORARY "..data_tmp"
#define LINK_TEMPORARY "..link_tmp"
#define RANDOM_OCTETS 8
#define STAMP_LEN 19 /* "2026_11_23_15_04_05" */
#define VERSION_LEN (2 + STAMP_LEN + 1 + 2 * RANDOM_OCTETS)
#define ADOPTED_MAX (1u << 20) /* octets of a plain file that is taken over */
#define LOCK_WAIT_MS 10000

struct layout {
	const char *dir;
	int fd;
	const struct client_file *files;
	size_t n;
	const struct client_owner *owner;
	struct ca_detail *why;
};

static int fail(const struct layout *l, const char *act, const char *name)
{
	struct ca_detail path;

	snprintf(path.text, sizeof(path.text), "%s/%s", l->dir, name);
	return client_fail_errno(l->why, act, path.text);
}

/* One writer at a time; the lock goes with the descriptor. */
static int lock(const struct layout *l)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int64_t deadline = ca_monotonic_ms() + LOCK_WAIT_MS;

	while (flock(l->fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(l, "lock", ".");
		if (ca_monotonic_ms() > deadline)
			return ca_refuse(
			    l->why, CA_ELOCKED, "another mica is writing to %s", l->dir);
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int layout_open(struct layout *l)
{
	struct stat st;

	if (stat(l->dir, &st)) {
		if (errno != ENOENT || ca_dir_make(l->dir, 0755))
			return client_fail_errno(l->why, "make the directory", l->dir);
	}
	l->fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd < 0)
		return client_fail_errno(l->why, "open the directory", l->dir);
	return lock(l);
}

/* ---- one version: a directory with the files ---- */

static bool is_version(const char *name)
{
	static const char pattern[] = "..dddd_dd_dd_dd_dd_dd.xxxxxxxxxxxxxxxx";
	_Static_assert(sizeof(pattern) - 1 == VERSION_LEN, "the pattern is a version's name");

	if (strlen(name) != VERSION_LEN)
		return false;
	for (size_t i = 0; i < VERSION_LEN; i++) {
		const char *set = pattern[i] == 'd'   ? "0123456789"
				  : pattern[i] == 'x' ? "0123456789abcdef"
						      : (char[2]){ pattern[i], '\0' };

		if (!strchr(set, name[i]))
			return false;
	}
	return true;
}

static int version_name(char out[VERSION_LEN + 1])
{
	unsigned char octets[RANDOM_OCTETS];
	char random[2 * RANDOM_OCTETS + 1], stamp[STAMP_LEN + 1];
	time_t now = (time_t)ca_now();
	struct tm tm;

	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets) || !gmtime_r(&now, &tm))
		return CA_EINTERNAL;
	if (!strftime(stamp, sizeof(stamp), "%Y_%m_%d_%H_%M_%S", &tm))
		return CA_EINTERNAL;
	ca_hex(octets, sizeof(octets), random);
	snprintf(out, VERSION_LEN + 1, "..%s.%s", stamp, random);
	return 0;
}

static int write_all(int fd, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return -1;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int owner_set(const struct layout *l, int fd, const char *name)
{
	const struct client_owner *owner = l->owner;

	if (owner->uid == (uid_t)-1 && owner->gid == (gid_t)-1)
		return 0;
	if (!fchown(fd, owner->uid, owner->gid))
		return 0;
	if (errno != EPERM)
		return fail(l, "set the owner of", name);
	return ca_refuse(l->why, CA_EIO,
	    "cannot give %s/%s to user %ld, group %ld: only root may give files to another user, "
	    "and a "
	    "user only to a group of his own",
	    l->dir, name, owner->uid == (uid_t)-1 ? (long)geteuid() : (long)owner->uid,
	    owner->gid == (gid_t)-1 ? (long)getegid() : (long)owner->gid);
}

/* The mode comes last, for a change of owner may clear bits of it. */
static int file_write(const struct layout *l, int version, const struct client_file *file)
{
	int fd =
	    openat(version, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return fail(l, "create", file->name);
	error = write_all(fd, file->data, file->len) ? fail(l, "write", file->name) : 0;
	if (!error)
		error = owner_set(l, fd, file->name);
	if (!error && (fchmod(fd, file->mode) || fsync(fd)))
		error = fail(l, "write", file->name);
	if (close(fd) && !error)
		error = fail(l, "write", file->name);
	return error;
}

/* Remove a directory that holds only files. */
static int version_remove(const struct layout *l, const char *name)
{
	int fd = openat(l->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
	return unlinkat(l->fd, name, AT_REMOVEDIR);
}

/* A new version on the disk, not yet switched to. On failure nothing of it is left. */
static int version_write(
    const struct layout *l, const struct client_file *files, size_t n, char name[VERSION_LEN + 1])
{
	int error = version_name(name), fd;

	if (error)
		return error;
	if (mkdirat(l->fd, name, 0700))
		return fail(l, "make a directory in", ".");
	fd = openat(l->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755))
		error = fail(l, "open", name);
	for (size_t i = 0; !error && i < n; i++)
		error = file_write(l, fd, &files[i]);
	if (!error && (fsync(fd) || fsync(l->fd)))
		error = fail(l, "sync", name);
	if (fd >= 0)
		close(fd);
	if (error)
		version_remove(l, name);
	return error;
}

/* ---- links ---- */

/* Make path a link to target in one step, whatever it was. */
static int link_replace(
    const struct layout *l, const char *target, const char *path, const char *temporary)
{
	if (unlinkat(l->fd, temporary, 0) && errno != ENOENT)
		return fail(l, "remove", temporary);
	if (symlinkat(target, l->fd, temporary))
		return fail(l, "make the link", path);
	if (!renameat(l->fd, temporary, l->fd, path))
		return 0;
	fail(l, "replace", path);
	unlinkat(l->fd, temporary, 0);
	return CA_EIO;
}

/* When the link is not replaced, nothing of the version is left. When that cannot be synced, which
 * of the two is in use will be known after a crash only: both stay. */
static int version_switch(const struct layout *l, const char *name)
{
	int error = link_replace(l, name, DATA, DATA_TEMPORARY);

	if (error)
		version_remove(l, name);
	else if (fsync(l->fd))
		error = fail(l, "sync", DATA);
	return error;
}

/* Is DIR/name the link to ..data/name? */
static bool is_our_link(const struct layout *l, const char *name)
{
	static const char prefix[] = DATA "/";
	char target[sizeof(prefix) + 255];
	ssize_t len = readlinkat(l->fd, name, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	return !strncmp(target, prefix, sizeof(prefix) - 1) &&
	       !strcmp(target + sizeof(prefix) - 1, name);
}

static int links_make(const struct layout *l)
{
	char target[sizeof(DATA) + 256];
	bool changed = false;
	int error = 0;

	for (size_t i = 0; !error && i < l->n; i++) {
		if (l->files[i].name[0] == '.' || is_our_link(l, l->files[i].name))
			continue;
		snprintf(target, sizeof(target), "%s/%s", DATA, l->files[i].name);
		error = link_replace(l, target, l->files[i].name, LINK_TEMPORARY);
		changed = true;
	}
	if (!error && changed && fsync(l->fd))
		error = fail(l, "sync", ".");
	return error;
}

/* ---- taking over plain files ---- */

/* Files as they are visible in DIR now, through whatever links. */
struct visible {
	struct client_file files[CLIENT_LAYOUT_FILES_MAX];
	struct client_owner owners[CLIENT_LAYOUT_FILES_MAX];
	struct ca_buf contents[CLIENT_LAYOUT_FILES_MAX]; /* owned */
	size_t n;
};

/* Append what is visible under a name; nothing when it is absent. */
static int visible_read(const struct layout *l, const char *name, struct visible *visible)
{
	struct ca_buf *content = &visible->contents[visible->n];
	int fd = openat(l->fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int error;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(l, "read", name);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return ca_refuse(
		    l->why, CA_EIO, "%s/%s is in the way: it is not a file", l->dir, name);
	}
	error = ca_fd_read(fd, ADOPTED_MAX, content);
	close(fd);
	if (error)
		return ca_refuse(l->why, CA_EIO, "%s/%s cannot be taken over", l->dir, name);
	visible->owners[visible->n] = (struct client_owner){ st.st_uid, st.st_gid };
	visible->files[visible->n++] =
	    (struct client_file){ name, content->data, content->len, st.st_mode & 0777 };
	return 0;
}

/* The version of what is visible, with its owners as far as we may give files to them. */
static int visible_write(const struct layout *l, const struct visible *visible)
{
	const struct client_owner self = CLIENT_OWNER_SELF;
	char version[VERSION_LEN + 1], path[VERSION_LEN + 1 + 256];
	struct layout taken = *l;
	int error;

	taken.files = visible->files;
	taken.n = visible->n;
	taken.owner = &self;
	error = version_write(&taken, visible->files, visible->n, version);
	for (size_t i = 0; !error && i < visible->n; i++) {
		snprintf(path, sizeof(path), "%s/%s", version, visible->files[i].name);
		if (fchownat(l->fd, path, visible->owners[i].uid, visible->owners[i].gid,
			AT_SYMLINK_NOFOLLOW))
			ca_logf(CA_LOG_DEBUG, "%s/%s keeps our owner", l->dir, path);
	}
	if (!error)
		error = version_switch(&taken, version);
	return error ? error : links_make(&taken);
}

/*
 * Plain files among the names: first a version that holds what is visible now, then links over the
 * files one by one, each showing the content that was there. Only then does the real switch change
 * them all at once.
 */
static int adopt(const struct layout *l)
{
	struct visible visible = { 0 };
	bool plain = false;
	struct stat st;
	int error = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->files[i].name[0] != '.' &&
		    !fstatat(l->fd, l->files[i].name, &st, AT_SYMLINK_NOFOLLOW))
			plain |= !is_our_link(l, l->files[i].name);
	if (!plain)
		return 0;
	for (size_t i = 0; !error && i < l->n; i++)
		if (l->files[i].name[0] != '.')
			error = visible_read(l, l->files[i].name, &visible);
	if (!error && visible.n)
		error = visible_write(l, &visible);
	for (size_t i = 0; i < CLIENT_LAYOUT_FILES_MAX; i++)
		ca_buf_free(&visible.contents[i]);
	return error;
}

/* ---- cleaning up ---- */

static bool in_set(const struct layout *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->files[i].name, name))
			return true;
	return false;
}

/* Versions that ..data does not name, and temporary links; after the switch also links to files
 * that are no more. */
static void sweep(const struct layout *l, bool switched)
{
	char current[VERSION_LEN + 2] = "";
	int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int failed = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (readlinkat(l->fd, DATA, current, sizeof(current) - 1) < 0 && errno != ENOENT)
		goto out; /* it cannot be told which version is in use */
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (is_version(name) && strcmp(name, current) != 0)
			failed |= version_remove(l, name);
		else if (!strcmp(name, DATA_TEMPORARY) || !strcmp(name, LINK_TEMPORARY) ||
			 (switched && !in_set(l, name) && is_our_link(l, name)))
			failed |= unlinkat(l->fd, name, 0);
	}
	if (failed)
		ca_logf(CA_LOG_WARN, "left-overs in %s could not be removed", l->dir);
out:
	closedir(dir);
}

int client_layout_write(const char *dir, const struct client_file *files, size_t n,
    const struct client_owner *owner, struct ca_detail *why)
{
	struct layout l = {
		.dir = dir, .fd = -1, .files = files, .n = n, .owner = owner, .why = why
	};
	char version[VERSION_LEN + 1];
	int error = n > CLIENT_LAYOUT_FILES_MAX ? CA_EINTERNAL : layout_open(&l);

	if (error)
		goto out;
	sweep(&l, false);
	error = adopt(&l);
	if (!error)
		error = version_write(&l, files, n, version);
	if (!error)
		error = version_switch(&l, version);
	if (!error)
		error = links_make(&l);
	if (!error)
		sweep(&l, true);
out:
	if (l.fd >= 0)
		close(l.fd);
	return error;
}

int client_layout_probe(const char *dir, const struct client_owner *owner, struct ca_detail *why)
{
	const struct client_file probe = { "probe", "", 0, 0600 };
	struct layout l = {
		.dir = dir, .fd = -1, .files = &probe, .n = 1, .owner = owner, .why = why
	};
	char version[VERSION_LEN + 1];
	int error = layout_open(&l);

	if (!error)
		error = version_write(&l, &probe, 1, version);
	if (!error)
		version_remove(&l, version);
	if (l.fd >= 0)
		close(l.fd);
	return error;
}
