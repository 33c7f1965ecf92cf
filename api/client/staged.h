/*
 * DIR/.staged: where a fetch keeps its key, on the disk before it asks for a certificate. A run
 * that died in between leaves the key, and the next run with the same token goes on with it, for
 * the CA answers a token again only to the key that used it first.
 */
#ifndef API_CLIENT_STAGED_H
#define API_CLIENT_STAGED_H

#include "api/client/client.h"
#include "ca/base/buf.h"
#include "ca/key.h"

struct client_staged {
	char *dir; /* owned */
	int fd;    /* holds the lock */
};

#define CLIENT_STAGED_INIT                                                                         \
	{                                                                                          \
		NULL, -1                                                                           \
	}

/* Make DIR and DIR/.staged (0700), and be the only one at work there. CA_ELOCKED: another fetch is.
 * CA_EIO. */
int client_staged_open(const char *dir, struct client_staged *out, struct client_problem *problem);

/* Unlock, and keep what is there. */
void client_staged_close(struct client_staged *staged);

/* The work is done: remove everything, and close. */
void client_staged_remove(struct client_staged *staged);

/* The key kept for this token if it is of this type, else a new one, durably written. */
int client_staged_key(const struct client_staged *staged, const unsigned char id[CA_SHA256],
    enum ca_key_type type, struct ca_key **out, struct client_problem *problem);

/* Write the roots to believe; *path (owned by the caller) names the file. */
int client_staged_roots(const struct client_staged *staged, const struct ca_buf *pem, char **path,
    struct client_problem *problem);

#endif
