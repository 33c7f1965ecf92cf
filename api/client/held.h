/* What DIR holds already. */
#ifndef API_CLIENT_HELD_H
#define API_CLIENT_HELD_H

#include <jansson.h>
#include <stdbool.h>

#include "api/client/fetch.h"

/* In a version's directory, without a link in DIR: the SHA-256 of the id of the token that the
 * files were had with, in hexadecimal. */
#define CLIENT_HELD_TOKEN ".token"

/* Is there a certificate in DIR that is valid now? */
bool client_held_valid(const char *dir);

/*
 * Has this plan been carried out already: do the files in DIR come from its token, are they all
 * there, do they fit each other and what is asked for, and is the certificate valid now? Then
 * *certificate is {"due": false, "serial", "fingerprint", "not_before", "not_after"} (a new
 * reference), and else NULL.
 */
void client_held_fetched(const struct client_fetch_plan *plan, json_t **certificate);

#endif
