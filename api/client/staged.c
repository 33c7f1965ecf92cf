/* DIR/.staged. Whoever owns DIR may exchange it at any moment, so all is done through one handle of
 * the directory, and no link is followed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static int fail(const struct client_staged *staged, const char *act, const char *name,
    struct client_problem *problem)
{
	struct ca_detail path;

	snprintf(path.text, sizeof(path.text), "%s/%s", staged->dir, name);
	return client_fail_errno(&problem->detail, act, path.text);
}

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
	if (flock(staged->fd, LOCK_EX | LOCK_NB)) {
		close(staged->fd);
		staged->fd = -1; /* what is there is the other's */
		return client_fail(
		    problem, CA_ELOCKED, "another mica fetch is at work in %s", staged->dir);
	}
	if (fchmod(staged->fd, 0700) || fstat(staged->fd, &ours))
		return client_fail_errno(&problem->detail, "use", staged->dir);
	if (!lstat(staged->dir, &theirs) && ours.st_ino == theirs.st_ino &&
	    ours.st_dev == theirs.st_dev)
		return 0;
	close(staged->fd);
	staged->fd = -1;
	return 1;
}

int client_staged_open(const char *dir, const unsigned char id[CA_SHA256],
    struct client_staged *out, struct client_problem *problem)
{
	struct client_staged staged = CLIENT_STAGED_INIT;
	char hex[2 * CA_SHA256 + 1];
	int error = 1;

	if (access(dir, F_OK) && ca_dir_make(dir, 0755))
		return client_fail_errno(&problem->detail, "make the directory", dir);
	ca_hex(id, CA_SHA256, hex);
	snprintf(staged.key, sizeof(staged.key), "%s.key", hex);
	snprintf(staged.temporary, sizeof(staged.temporary), "%s.key.new", hex);
	staged.dir = ca_path_join(dir, ".staged");
	if (!staged.dir)
		return CA_ENOMEM;
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
	if (staged->fd >= 0) {
		if (rmdir(staged->dir) && errno != ENOTEMPTY && errno != EEXIST)
			ca_logf(CA_LOG_WARN, "%s could not be removed", staged->dir);
		close(staged->fd);
	}
	free(staged->dir);
	*staged = (struct client_staged)CLIENT_STAGED_INIT;
}

void client_staged_remove(struct client_staged *staged)
{
	unlinkat(staged->fd, staged->key, 0);
	unlinkat(staged->fd, staged->temporary, 0);
	client_staged_close(staged);
}

/*
 * The file's content; CA_ENOTFOUND. One that another user put there, or that has another name
 * beside this, is not taken: what it holds would end up as DIR/tls.key.
 */
static int file_read(
    const struct client_staged *staged, struct ca_buf *pem, struct client_problem *problem)
{
	int fd = openat(staged->fd, staged->key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int error;

	if (fd < 0)
		return errno == ENOENT ? CA_ENOTFOUND : fail(staged, "read", staged->key, problem);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid())
		error = client_fail(problem, CA_EIO, "%s/%s is not a file of ours; remove it",
		    staged->dir, staged->key);
	else
		error = ca_fd_read(fd, CA_KEY_PEM_MAX, pem);
	close(fd);
	return error;
}

/* The kept key; CA_ENOTFOUND. */
static int key_read(const struct client_staged *staged, enum ca_key_type type, struct ca_key **out,
    struct client_problem *problem)
{
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_key *key = NULL;
	int error = file_read(staged, &pem, problem);

	if (!error)
		error = ca_key_open_pem(&ca_key_gnutls, ca_buf_text(&pem), pem.len, &key);
	if (error == CA_EINVAL) /* not ours: a key gets its name when it is whole */
		error = client_fail(problem, CA_EIO, "%s/%s is not a private key; remove it",
		    staged->dir, staged->key);
	if (!error && ca_key_type(key) != type) {
		ca_refuse(&problem->next, CA_EEXIST,
		    "go on with it, by --key-type %s; or, if the token was never used, remove it",
		    ca_key_type_text(ca_key_type(key)));
		error = client_fail(problem, CA_EEXIST,
		    "a key of the type %s is kept for this token: %s/%s",
		    ca_key_type_text(ca_key_type(key)), staged->dir, staged->key);
	}
	if (!error) {
		ca_logf(CA_LOG_DEBUG, "going on with the key in %s", staged->dir);
		*out = key;
		key = NULL; /* transferred */
	}
	ca_key_free(key);
	ca_buf_free(&pem);
	return error;
}

/* Whole, or not there under its name; and on the disk. */
static int file_write(
    const struct client_staged *staged, const struct ca_buf *pem, struct client_problem *problem)
{
	const char *temporary = staged->temporary;
	int error = 0, fd;

	unlinkat(staged->fd, temporary, 0); /* of a run that died */
	fd = openat(
	    staged->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(staged, "create", temporary, problem);
	errno = ENOSPC; /* what a write that came out short means */
	if (write(fd, pem->data, pem->len) != (ssize_t)pem->len || fchmod(fd, 0600) || fsync(fd))
		error = fail(staged, "write", temporary, problem);
	if (close(fd) && !error)
		error = fail(staged, "write", temporary, problem);
	if (!error &&
	    (renameat(staged->fd, temporary, staged->fd, staged->key) || fsync(staged->fd)))
		error = fail(staged, "write", staged->key, problem);
	if (error)
		unlinkat(staged->fd, temporary, 0);
	return error;
}

static int key_make(const struct client_staged *staged, enum ca_key_type type, struct ca_key **out,
    struct client_problem *problem)
{
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_key *key = NULL;
	int error = ca_key_generate(type, &key);

	if (!error)
		error = ca_key_export_pem(key, &pem);
	if (!error)
		error = file_write(staged, &pem, problem);
	if (!error) {
		*out = key;
		key = NULL; /* transferred */
	}
	ca_key_free(key);
	ca_buf_free(&pem);
	return error;
}

int client_staged_key(struct client_staged *staged, enum ca_key_type type, struct ca_key **out,
    struct client_problem *problem)
{
	int error = key_read(staged, type, out, problem);

	if (error != CA_ENOTFOUND)
		return error;
	error = key_make(staged, type, out, problem);
	staged->made = !error;
	return error;
}
