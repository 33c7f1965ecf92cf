/* The one root that is believed, as a file that libcurl can read and nobody can exchange: in
 * memory, or, where there is no /proc to name it by, in a temporary directory of our own. */
#ifndef API_CLIENT_ANCHOR_H
#define API_CLIENT_ANCHOR_H

#include "api/client/client.h"
#include "ca/base/buf.h"

struct client_anchor {
	int fd;     /* -1: the file is on a disk */
	char *dir;  /* owned; NULL: the file is in memory */
	char *path; /* owned; what to give to libcurl while this lives */
};

#define CLIENT_ANCHOR_INIT                                                                         \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* CA_EIO. */
int client_anchor_make(
    const struct ca_buf *pem, struct client_anchor *out, struct client_problem *problem);
void client_anchor_clear(struct client_anchor *anchor);

#endif
