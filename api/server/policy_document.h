/*
 * A tenant's policy document: JSON in, profiles and rules out, or what is wrong with it and where.
 * contrib/policy.schema.json describes it for others.
 */
#ifndef API_SERVER_POLICY_DOCUMENT_H
#define API_SERVER_POLICY_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/error.h"
#include "ca/tenant_policy.h"

#define SERVER_POLICY_MAX (256u << 10) /* octets of a document */
#define SERVER_POINTER_MAX 256         /* and the NUL; a longer one is cut to what encloses it */

/* What a rule must know of its source. */
struct server_policy_source {
	bool oidc;     /* else a cluster's service accounts */
	bool audience; /* it names one itself, which every token must have */
};

/* What a new document is held against. */
struct server_policy_context {
	const struct ca_constraints *constraints;
	const struct ca_ceiling *ceiling;
	int (*source)(void *arg, const char *name,
	    struct server_policy_source *out); /* CA_ENOTFOUND: there is none */
	void *arg;
};

struct server_policy_error {
	size_t line;                      /* of the value at fault, from 1 */
	char pointer[SERVER_POINTER_MAX]; /* to it (RFC 6901); "" is the document, or a text that
					     is not JSON */
	struct ca_detail detail;          /* "line 3: the profile web …" */
};

/*
 * Parse, and check all that can be without a request. With a NULL context the document is one on
 * record: what surrounds it may have changed since, so neither the tenant's bounds nor its sources
 * are asked; issuance is where they bind. CA_EPOLICY, or CA_ECEILING for what the admin does not
 * allow the tenant, with *error; CA_ENOMEM.
 */
int server_policy_parse(const char *text, size_t len, const struct server_policy_context *context,
    struct ca_document *out, struct server_policy_error *error);

#endif
