/* Which tenant a request is about. */
#ifndef API_SERVER_TENANCY_H
#define API_SERVER_TENANCY_H

#include "api/server/snapshot.h"

struct server_request;

/*
 * The tenant that a change or a question is for. name is what the request says, NULL: nothing.
 * Whoever belongs to a tenant gets that one, and nothing else: another's name is answered like one
 * that does not exist. An admin, or a stranger, gets the one named, or "default". CA_ENOTFOUND,
 * also for one that was removed; an admin, and whoever belongs to it, is told so:
 * CA_ETENANTREMOVED. *out is borrowed from request->snapshot.
 */
int server_tenant_of(
    struct server_request *request, const char *name, const struct server_tenant **out);

/* The same for a listing, by its ?tenant=: *id is 0 when an admin names none, and sees all; a
 * removed one's may be listed. */
int server_tenant_scope(struct server_request *request, int64_t *id);

/*
 * The tenant of the path, as it stands on record: one of whoever asks, or for an admin any, removed
 * ones too. CA_ENOTFOUND, in the words above.
 */
int server_tenant_find(
    struct server_request *request, struct store_tx *tx, struct store_tenant *out);

#endif
