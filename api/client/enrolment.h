/* An enrolment token, as its bearer reads it: unverified, for only the CA can verify it. */
#ifndef API_CLIENT_ENROLMENT_H
#define API_CLIENT_ENROLMENT_H

#include <stdbool.h>

#include "api/client/client.h"
#include "ca/base/names.h"
#include "ca/key.h"

struct client_token {
	char *text; /* owned, wiped; letters, digits, '-', '_' and '.' only, so fit for a header */
	char *url;  /* owned; NULL: it names none */
	char *tenant;                       /* owned; NULL: it names none */
	unsigned char id_sha256[CA_SHA256]; /* of its id, fit for a log and for a file's name */
	bool has_fingerprint;
	unsigned char fingerprint[CA_SHA256];
	struct ca_names names;
};

/* Read one from a file ("-": standard input). CA_ETOKEN, CA_EIO. */
int client_token_read(const char *path, struct client_token *out, struct client_problem *problem);
void client_token_clear(struct client_token *token);

/* A fingerprint as people write it. CA_EINVAL. */
int client_fingerprint_parse(const char *text, unsigned char out[CA_SHA256]);

#endif
