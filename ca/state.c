#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/installation.h"

int ca_state_lock(const char *state, int *fd, struct ca_detail *why)
{
	char *path = ca_path_join(state, CA_STATE_LOCK);
	int lock, r = 0;

	if (!path)
		return CA_ENOMEM;
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		r = ca_refuse(why, CA_ENOTFOUND, "there is no state directory %s", state);
	} else if (lock < 0) {
		ca_logf(CA_LOG_ERROR, "cannot open %s: %s", path, strerror(errno));
		r = ca_refuse(why, CA_EIO, "the state directory %s cannot be written", state);
	} else if (flock(lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			ca_logf(CA_LOG_ERROR, "cannot lock %s: %s", path, strerror(errno));
		r = errno == EWOULDBLOCK
			? ca_refuse(why, CA_ELOCKED, "another micad is using %s", state)
			: ca_refuse(why, CA_EIO, "the state directory %s cannot be locked", state);
	} else {
		*fd = lock;
		lock = -1; /* transferred */
	}
	if (lock >= 0)
		close(lock);
	free(path);
	return r;
}
