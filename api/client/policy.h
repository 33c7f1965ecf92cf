/* The file of a policy document, for the verbs that take one. */
#ifndef API_CLIENT_POLICY_H
#define API_CLIENT_POLICY_H

#include "api/client/options.h"
#include "ca/base/buf.h"

#define CLIENT_POLICY_MAX (256u << 10) /* octets; the server takes no more */

/* Append what --file holds. CA_ENOTFOUND, CA_EIO. */
int client_policy_read(
    const struct client_args *args, struct ca_buf *out, struct client_problem *problem);

/* Where the server says "line 3: …", name the file too. Returns error. */
int client_policy_fault(const struct client_args *args, int error, struct client_problem *problem);

#endif
