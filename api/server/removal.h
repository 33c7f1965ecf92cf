/*
 * What is left to do behind a removed tenant: its certificates are revoked, so many a transaction,
 * with other requests' between them. Where it is stands in the store, so that the next start goes
 * on where the last process was killed.
 */
#ifndef API_SERVER_REMOVAL_H
#define API_SERVER_REMOVAL_H

#include <stdbool.h>

#include "store/store.h"

/* Revoke for a second at most; true: there is more to do. For the housekeeper. */
bool server_removal_go_on(struct store *store);

#endif
