/*
 * Files for a service that change all at once, as Kubernetes lays them out:
 *
 *   DIR/..2026_11_23_15_04_05.0123456789abcdef/tls.crt   the files
 *   DIR/..data -> ..2026_11_23_15_04_05.0123456789abcdef switched by one rename
 *   DIR/tls.crt -> ..data/tls.crt                        what is configured in the service
 *
 * A reader that opens DIR/..data once, and the files below that handle, has files of one writing or
 * finds them gone (and opens again). Killed at any moment, or with the disk full, the old or the
 * new set is there and whole; the next writing removes what was left lying.
 */
#ifndef API_CLIENT_LAYOUT_H
#define API_CLIENT_LAYOUT_H

#include <stddef.h>
#include <sys/types.h>

#include "ca/base/error.h"

#define CLIENT_LAYOUT_FILES_MAX 8

/* Everything is borrowed. */
struct client_file {
	const char
	    *name; /* a plain file name; with a dot in front: no link in DIR, only ..data/name */
	const void *data;
	size_t len;
	mode_t mode; /* exact */
};

/* Who shall own the files. */
struct client_owner {
	uid_t uid; /* (uid_t)-1: whoever we are */
	gid_t gid; /* (gid_t)-1 likewise */
};

#define CLIENT_OWNER_SELF                                                                          \
	{                                                                                          \
		(uid_t) - 1, (gid_t)-1                                                             \
	}

/*
 * Replace the set of files in dir (made, with parents, when absent). Plain files of these names are
 * taken over: what they hold stays visible until the one switch. Links to files that are not in the
 * set any longer are removed. Another writer at work in dir is waited for, 10 s. CA_EIO,
 * CA_ELOCKED, CA_ENOMEM; *why names the file and the reason. On failure the old set stays, unless
 * the switch itself succeeded, and could not be synced or was followed by a failure to make a link:
 * then the new set is what is seen, and the old one is kept beside it until the next writing.
 */
int client_layout_write(const char *dir, const struct client_file *files, size_t n,
    const struct client_owner *owner, struct ca_detail *why);

/* Could client_layout_write() write to dir for this owner? Tries it with an empty file that is gone
 * afterwards. */
int client_layout_probe(const char *dir, const struct client_owner *owner, struct ca_detail *why);

#endif
