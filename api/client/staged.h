/*
 * DIR/.staged: where a fetch keeps its key, on the disk before it asks for a certificate. A run
 * that died in between leaves the key, and the next run with the same token goes on with it, for
 * the CA answers a token again only to the key that used it first. Keys kept for other tokens stay.
 */
#ifndef API_CLIENT_STAGED_H
#define API_CLIENT_STAGED_H

#include <stdbool.h>

#include "api/client/client.h"
#include "ca/key.h"

struct client_staged {
	char *dir;                                          /* owned */
	int fd;                                             /* holds the lock */
	char key[2 * CA_SHA256 + sizeof(".key")];           /* the file's name */
	char temporary[2 * CA_SHA256 + sizeof(".key.new")]; /* and while it is written */
	bool made; /* the key is of this run, not one that was kept */
};

#define CLIENT_STAGED_INIT                                                                         \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Make DIR and DIR/.staged (0700), and be the only one at work there, for the token with this id.
 * CA_ELOCKED: another fetch is. CA_EIO. */
int client_staged_open(const char *dir, const unsigned char id[CA_SHA256],
    struct client_staged *out, struct client_problem *problem);

/* Unlock. A key stays, and the directory with it; an empty one goes. */
void client_staged_close(struct client_staged *staged);

/* The key is of no use any longer: remove it, and close. */
void client_staged_remove(struct client_staged *staged);

/* The key kept for this token, else a new one of this type, durably written. CA_EEXIST: the one
 * that is kept is of another type. */
int client_staged_key(struct client_staged *staged, enum ca_key_type type, struct ca_key **out,
    struct client_problem *problem);

#endif
