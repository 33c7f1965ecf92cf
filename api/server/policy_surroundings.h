/* What a policy document is held against, of one tenant at one moment. */
#ifndef API_SERVER_POLICY_SURROUNDINGS_H
#define API_SERVER_POLICY_SURROUNDINGS_H

#include "api/server/policy_document.h"
#include "api/server/snapshot.h"

struct server_request;

/* Borrowed from the snapshot. */
struct server_policy_context server_policy_surroundings(
    struct server_snapshot *snapshot, const struct server_tenant *tenant);

/* Tell the request what is wrong with a document, and where, for the problem it is answered with.
 * Returns error, or CA_ENOMEM. */
int server_policy_problem(
    struct server_request *request, int error, const struct server_policy_error *what);

#endif
