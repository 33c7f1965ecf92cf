/* The one root that is believed, as a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/client/anchor.h"
#include "ca/base/file.h"
#include "ca/base/text.h"

/* CA_EIO: not on this system. */
static int memory_write(const struct ca_buf *pem, struct client_anchor *anchor)
{
	char path[64];

	anchor->fd = memfd_create("mica-root", MFD_CLOEXEC);
	if (anchor->fd < 0 || write(anchor->fd, pem->data, pem->len) != (ssize_t)pem->len)
		return CA_EIO;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", anchor->fd);
	if (access(path, R_OK))
		return CA_EIO;
	anchor->path = strdup(path);
	return anchor->path ? 0 : CA_ENOMEM;
}

static int disk_write(
    const struct ca_buf *pem, struct client_anchor *anchor, struct client_problem *problem)
{
	const char *parent = getenv("TMPDIR");
	char *dir = ca_path_join(ca_empty(parent) ? "/tmp" : parent, "mica.XXXXXX");

	if (!dir)
		return CA_ENOMEM;
	if (!mkdtemp(dir)) {
		int error =
		    client_fail_errno(&problem->detail, "make a temporary directory like", dir);

		free(dir);
		return error;
	}
	anchor->dir = dir;
	anchor->path = ca_path_join(dir, "ca.crt");
	if (!anchor->path)
		return CA_ENOMEM;
	if (ca_file_write(anchor->path, pem->data, pem->len, 0600, false))
		return client_fail_errno(&problem->detail, "write", anchor->path);
	return 0;
}

int client_anchor_make(
    const struct ca_buf *pem, struct client_anchor *out, struct client_problem *problem)
{
	struct client_anchor anchor = CLIENT_ANCHOR_INIT;
	int error = memory_write(pem, &anchor);

	if (error == CA_EIO) {
		client_anchor_clear(&anchor);
		error = disk_write(pem, &anchor, problem);
	}
	if (error)
		client_anchor_clear(&anchor);
	else
		*out = anchor;
	return error;
}

void client_anchor_clear(struct client_anchor *anchor)
{
	if (anchor->fd >= 0)
		close(anchor->fd);
	if (anchor->dir && anchor->path)
		unlink(anchor->path);
	if (anchor->dir)
		rmdir(anchor->dir);
	free(anchor->dir);
	free(anchor->path);
	*anchor = (struct client_anchor)CLIENT_ANCHOR_INIT;
}
