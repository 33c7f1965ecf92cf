/*
 * Who is asking, from a bearer token or the TLS client certificate. The certificate's row and the
 * operator's are read once a connection, and again as soon as anything changed that rights follow
 * from (store_rights_version()): every request is judged by what is on record when it comes, and
 * every change again in its transaction.
 */
#ifndef API_SERVER_IDENTITY_H
#define API_SERVER_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "api/server/source.h"
#include "store/certificates.h"
#include "store/operators.h"
#include "store/tokens.h"

struct server_request;

enum server_identity_kind {
	SERVER_NOBODY = 0,
	SERVER_BEARER,   /* an enrolment token whose signature is ours; the row is in token */
	SERVER_OUTSIDER, /* a JWT of a source of ours; what it claims is in outside */
	SERVER_SERVICE,  /* the holder of a good service certificate */
	SERVER_OPERATED, /* an operator in office, with a good certificate */
};

struct server_identity {
	enum server_identity_kind kind;
	unsigned who;      /* its SERVER_… bit of api/server/route.h */
	int64_t tenant_id; /* the only one it may see; 0: all (an admin), or, of a stranger from
			      outside, whose rules speak of it */
	struct store_token token;
	struct server_source *source; /* of an outsider; the snapshot's */
	const char *jwt;              /* libmicrohttpd's, alive as long as the request */
	struct server_outside outside;
	struct store_operator operator_;
	int64_t certificate_id;
	unsigned char serial[STORE_SERIAL_MAX]; /* of the client certificate */
	size_t serial_len;
	int64_t not_before, not_after;
};

void server_identity_clear(struct server_identity *identity);

/*
 * Fill request->identity as far as the route wants one, and refuse whoever may not. A bearer token
 * goes before a certificate. CA_EUNAUTHENTICATED, CA_EFORBIDDEN, CA_ETOKEN…, CA_ECERTUNKNOWN,
 * CA_ECERTREVOKED, CA_ECERTEXPIRED, CA_EOPERATORREMOVED, CA_ESTORE.
 */
int server_identify(struct server_request *request);

/*
 * The second part, once the body is there: request->snapshot becomes what is in force now, and an
 * outsider's JWT is verified. It may have to ask another system: SERVER_WAIT, and the route's
 * handler is called when that has answered. For anybody else 0, at once. CA_ETOKEN…, CA_EJWT…,
 * CA_ESOURCE.
 */
int server_identity_verify(struct server_request *request);

/*
 * Is the right still there that the request was let in with? A body may take its time, and so may
 * the queue. In the transaction of what is to be changed. A token's is taken with its redemption.
 * CA_ECERTREVOKED, CA_EOPERATORREMOVED, CA_EFORBIDDEN (another role now).
 */
int server_identity_recheck(const struct server_identity *who, struct store_tx *tx);

/* CA_EFORBIDDEN, naming the role that does not suffice. */
int server_refuse_role(struct server_request *request);

/* May an operator with this role make tokens and certificates? */
bool server_role_may_write(enum store_role role);

#endif
