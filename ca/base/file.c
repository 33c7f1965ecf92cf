#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/error.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

static int failed(const char *act, const char *path)
{
	ca_logf(CA_LOG_ERROR, "cannot %s %s: %s", act, path, strerror(errno));
	return CA_EIO;
}

int ca_fd_read(int fd, size_t max, struct ca_buf *out)
{
	unsigned char chunk[4096];
	size_t total = 0;
	ssize_t n;
	int r = 0;

	while (!r && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0) {
			r = errno == EINTR ? 0 : failed("read", "a file");
			continue;
		}
		total += (size_t)n;
		if (total > max)
			r = CA_EINVAL;
		else
			ca_buf_add(out, chunk, (size_t)n);
	}
	ca_wipe(chunk, sizeof(chunk));
	return r ? r : ca_buf_error(out);
}

int ca_file_read(const char *path, size_t max, struct ca_buf *out)
{
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? CA_ENOTFOUND : failed("open", path);
	r = ca_fd_read(fd, max, out);
	close(fd);
	return r;
}

static int write_all(int fd, const char *path, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed("write", path);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Give the finished temporary file its name. */
static int publish(const char *temporary, const char *path, bool exclusive)
{
	if (!exclusive)
		return rename(temporary, path) ? failed("rename to", path) : 0;
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return errno == EEXIST ? CA_EEXIST : failed("create", path);
	/* A file system without that flag, such as NFS. */
	if (link(temporary, path))
		return errno == EEXIST ? CA_EEXIST : failed("create", path);
	unlink(temporary);
	return 0;
}

int ca_parent_sync(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int r;

	if (!slash)
		return ca_dir_sync(".");
	dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!dir)
		return CA_ENOMEM;
	r = ca_dir_sync(dir);
	free(dir);
	return r;
}

int ca_file_write(const char *path, const void *data, size_t len, mode_t mode, bool exclusive)
{
	char *temporary = NULL;
	int fd = -1, r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return CA_ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		r = failed("create a file beside", path);
		free(temporary);
		return r;
	}
	r = write_all(fd, path, data, len);
	if (!r && (fchmod(fd, mode) || fsync(fd)))
		r = failed("sync", path);
	if (close(fd) && !r)
		r = failed("close", path);
	if (!r)
		r = publish(temporary, path, exclusive);
	if (r)
		unlink(temporary);
	else
		r = ca_parent_sync(path);
	free(temporary);
	return r;
}

int ca_dir_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return failed("open", path);
	if (fsync(fd))
		r = failed("sync", path);
	close(fd);
	return r;
}

/* Directories above the last are made as needed, and left as they are when they exist. */
static int make_parents(char *path)
{
	int r = 0;

	for (char *p = path + 1; *p && !r; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) == 0)
			r = ca_parent_sync(path);
		else if (errno != EEXIST)
			r = failed("make the directory", path);
		*p = '/';
	}
	return r;
}

int ca_dir_make(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	size_t len = strlen(path);
	int r;

	if (!copy)
		return CA_ENOMEM;
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	r = make_parents(copy);
	if (r)
		goto out;
	if (mkdir(copy, mode) == 0)
		r = chmod(copy, mode) ? failed("set the mode of", copy) : ca_parent_sync(copy);
	else if (errno != EEXIST)
		r = failed("make the directory", copy);
out:
	free(copy);
	return r;
}

char *ca_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *path = NULL;

	if (asprintf(&path, n && dir[n - 1] == '/' ? "%s%s" : "%s/%s", dir, name) < 0)
		return NULL;
	return path;
}
