/* DIR/.staged. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/client/staged.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/text.h"

#define ATTEMPTS 5

/* Open and lock. 1: the one who held it has removed the directory meanwhile, try again. */
static int lock_once(struct client_staged *staged, struct client_problem *problem)
{
	struct stat ours, theirs;

	if (mkdir(staged->dir, 0700) && errno != EEXIST)
		return client_fail_errno(&problem->detail, "make the directory", staged->dir);
	staged->fd = open(staged->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staged->fd < 0)
		return errno == ENOENT
			   ? 1
			   : client_fail_errno(&problem->detail, "open the directory", staged->dir);
	if (flock(staged->fd, LOCK_EX | LOCK_NB))
		return client_fail(
		    problem, CA_ELOCKED, "another mica fetch is at work in %s", staged->dir);
	if (fchmod(staged->fd, 0700) || fstat(staged->fd, &ours))
		return client_fail_errno(&problem->detail, "use", staged->dir);
	if (!stat(staged->dir, &theirs) && ours.st_ino == theirs.st_ino &&
	    ours.st_dev == theirs.st_dev)
		return 0;
	close(staged->fd);
	staged->fd = -1;
	return 1;
}

/* DIR, and the entry that names it in its parent, on the disk. */
static int dir_make(const char *dir, struct client_problem *problem)
{
	char *parent = ca_path_join(dir, "..");
	int error = parent ? 0 : CA_ENOMEM;

	if (!error && access(dir, F_OK)) {
		if (ca_dir_make(dir, 0755))
			error = client_fail_errno(&problem->detail, "make the directory", dir);
		else
			error = ca_dir_sync(parent);
	}
	free(parent);
	return error;
}

int client_staged_open(const char *dir, struct client_staged *out, struct client_problem *problem)
{
	struct client_staged staged = CLIENT_STAGED_INIT;
	int error = dir_make(dir, problem);

	if (error)
		return error;
	staged.dir = ca_path_join(dir, ".staged");
	if (!staged.dir)
		return CA_ENOMEM;
	error = 1;
	for (int i = 0; error == 1 && i < ATTEMPTS; i++)
		error = lock_once(&staged, problem);
	if (error == 1)
		error = client_fail(problem, CA_ELOCKED, "%s changes all the time", staged.dir);
	if (!error && ca_dir_sync(dir))
		error = client_fail(problem, CA_EIO, "the directory %s cannot be synced", dir);
	if (error)
		client_staged_close(&staged);
	else
		*out = staged;
	return error;
}

void client_staged_close(struct client_staged *staged)
{
	if (staged->fd >= 0)
		close(staged->fd);
	free(staged->dir);
	*staged = (struct client_staged)CLIENT_STAGED_INIT;
}

void client_staged_remove(struct client_staged *staged)
{
	int fd = openat(staged->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(staged->fd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (rmdir(staged->dir))
		ca_logf(CA_LOG_WARN, "%s could not be removed", staged->dir);
	client_staged_close(staged);
}

/* The kept key, or NULL in *out. */
static int key_read(
    const char *path, enum ca_key_type type, struct ca_key **out, struct client_problem *problem)
{
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_key *key = NULL;
	int error;

	*out = NULL;
	if (access(path, F_OK))
		return 0;
	error = client_file_read(path, CA_KEY_PEM_MAX, &pem, &problem->detail);
	if (!error)
		error = ca_key_open_pem(&ca_key_gnutls, ca_buf_text(&pem), pem.len, &key);
	if (error == CA_EINVAL) /* not ours: atomic writing leaves no half key */
		error = client_fail(problem, CA_EIO, "%s is not a private key; remove it", path);
	if (!error && ca_key_type(key) == type) {
		ca_logf(CA_LOG_DEBUG, "going on with the key in %s", path);
		*out = key;
		key = NULL; /* transferred */
	}
	ca_key_free(key);
	ca_buf_free(&pem);
	return error;
}

static int key_make(
    const char *path, enum ca_key_type type, struct ca_key **out, struct client_problem *problem)
{
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_key *key = NULL;
	int error = ca_key_generate(type, &key);

	if (!error)
		error = ca_key_export_pem(key, &pem);
	if (!error) {
		error = ca_file_write(path, pem.data, pem.len, 0600, false);
		if (error)
			client_fail_errno(&problem->detail, "write", path);
	}
	if (!error) {
		*out = key;
		key = NULL; /* transferred */
	}
	ca_key_free(key);
	ca_buf_free(&pem);
	return error;
}

int client_staged_key(const struct client_staged *staged, const unsigned char id[CA_SHA256],
    enum ca_key_type type, struct ca_key **out, struct client_problem *problem)
{
	char hex[2 * CA_SHA256 + 1];
	struct ca_buf name = CA_BUF_INIT;
	struct ca_key *key = NULL;
	char *path;
	int error;

	ca_hex(id, CA_SHA256, hex);
	ca_buf_addf(&name, "%s.key", hex);
	path = ca_buf_error(&name) ? NULL : ca_path_join(staged->dir, ca_buf_text(&name));
	ca_buf_free(&name);
	if (!path)
		return CA_ENOMEM;
	error = key_read(path, type, &key, problem);
	if (!error && !key)
		error = key_make(path, type, &key, problem);
	free(path);
	if (!error)
		*out = key;
	return error;
}

int client_staged_roots(const struct client_staged *staged, const struct ca_buf *pem, char **path,
    struct client_problem *problem)
{
	char *name = ca_path_join(staged->dir, "ca.crt");
	int error = name ? ca_file_write(name, pem->data, pem->len, 0600, false) : CA_ENOMEM;

	if (error) {
		client_fail_errno(&problem->detail, "write", name ? name : staged->dir);
		free(name);
		return error;
	}
	*path = name;
	return 0;
}
