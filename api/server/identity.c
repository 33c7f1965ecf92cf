#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/server/connection.h"
#include "api/server/identity.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/token.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

void server_identity_clear(struct server_identity *identity)
{
	store_token_clear(&identity->token);
	server_outside_clear(&identity->outside);
	*identity = (struct server_identity){ 0 };
}

static unsigned role_bit(enum store_role role)
{
	switch (role) {
	case STORE_ROLE_ADMIN:
		return SERVER_ADMIN;
	case STORE_ROLE_TENANT_ADMIN:
		return SERVER_TENANT_ADMIN;
	case STORE_ROLE_OPERATOR:
		return SERVER_OPERATOR;
	case STORE_ROLE_AUDITOR:
		return SERVER_AUDITOR;
	}
	return 0;
}

bool server_role_may_write(enum store_role role)
{
	return role_bit(role) & SERVER_MAY_WRITE;
}

/* ---- bearer tokens ---- */

/* The token of "Authorization: Bearer TOKEN" (RFC 6750, section 2.1), or NULL. */
static const char *bearer(const struct server_request *request)
{
	static const char scheme[] = "Bearer ";
	const char *value = server_request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);

	if (!value || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	value += sizeof(scheme) - 1;
	return value + strspn(value, " ");
}

static int maker_in_office(struct store_tx *tx, int64_t operator_id, struct ca_detail *why)
{
	struct store_operator maker;
	int r = store_operator_get(tx, operator_id, &maker);

	if (r == CA_ENOTFOUND || (r == 0 && maker.removed_at))
		return ca_refuse(
		    why, CA_ETOKENMAKER, "the operator who made the token was removed");
	if (r == 0 && !server_role_may_write(maker.role))
		return ca_refuse(
		    why, CA_ETOKENMAKER, "%s may not make tokens any longer", maker.name);
	return r;
}

static int identify_token(struct server_request *request, const char *jwt)
{
	struct server_identity *who = &request->identity;
	char id[STORE_TOKEN_ID];
	struct store_tx *tx = NULL;
	int r;

	r = server_token_verify(
	    request->snapshot->installation, jwt, strlen(jwt), ca_now(), id, &request->why);
	if (!r)
		r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	r = store_token_get(tx, 0, id, &who->token);
	if (r == CA_ENOTFOUND)
		r = ca_refuse(&request->why, CA_ETOKENFOREIGN, "the token is not on record here");
	if (!r)
		r = maker_in_office(tx, who->token.operator_id, &request->why);
	store_read_end(tx);
	if (r)
		return r;
	who->kind = SERVER_BEARER;
	who->who = SERVER_TOKEN;
	who->tenant_id = who->token.tenant_id;
	return 0;
}

/* ---- those for whom somebody else vouches ---- */

/* Only whose token it claims to be; verified it is when the body is there. */
static int identify_outsider(struct server_request *request, const char *jwt)
{
	struct server_identity *who = &request->identity;
	char issuer[STORE_SOURCE_ISSUER_MAX + 1];
	int r = server_jwt_issuer(jwt, strlen(jwt), issuer, sizeof(issuer), &request->why);

	if (r)
		return r;
	who->source = server_snapshot_source_issuer(request->snapshot, issuer);
	if (!who->source)
		return ca_refuse(
		    &request->why, CA_EJWTISSUER, "no source here has the issuer %.200s", issuer);
	who->kind = SERVER_OUTSIDER;
	who->who = SERVER_OUTSIDE;
	who->jwt = jwt;
	return 0;
}

static int ask_source(struct server_request *request)
{
	struct server_identity *who = &request->identity;

	return server_source_ask(who->source, who->jwt, strlen(who->jwt), ca_now(),
	    request->server->public_url, &who->outside, &request->why);
}

/*
 * Judge by what is in force now: a body takes as long as its sender likes, and a cluster's answer
 * its time. An outsider's source must still be believed, and, when the token was verified already,
 * be the very one that verified it.
 */
static int catch_up(struct server_request *request, bool verified)
{
	struct server_snapshot *old = request->snapshot;
	struct server_identity *who = &request->identity;
	struct server_source *source = who->source;

	request->snapshot = server_snapshot_take(request->server);
	if (source)
		who->source = server_snapshot_source_issuer(request->snapshot, source->issuer);
	verified = verified && who->source && who->source != source;
	server_snapshot_release(old);
	if (source && !who->source)
		return ca_refuse(
		    &request->why, CA_EJWTISSUER, "the token's source was removed just now");
	return verified ? ca_refuse(&request->why, CA_ESOURCE, "the source %s was just changed",
			      who->source->name)
			: 0;
}

static int handle(struct server_request *request)
{
	int r = catch_up(request, true);

	return r ? r : request->route->handle(request);
}

int server_identity_verify(struct server_request *request)
{
	struct server_identity *who = &request->identity;
	int r = catch_up(request, false);

	if (r || who->kind != SERVER_OUTSIDER)
		return r;
	r = server_source_check(who->source, who->jwt, strlen(who->jwt), ca_now(),
	    request->server->public_url, &who->outside, &request->why);
	if (r != SERVER_SOURCE_ASK)
		return r;
	request->resume = handle;
	return server_request_work(request, ask_source);
}

/* ---- client certificates ---- */

/* The row says that we issued these octets; that one of our own CAs really signed them is checked
 * too, unless they were seen of late. */
static int verify_signature(struct server_request *request, struct server_peer *peer,
    int64_t issuer_id, const gnutls_datum_t *der)
{
	struct server_verified *verified = &request->server->verified;
	const struct ca_authority *issuer =
	    ca_installation_authority_id(request->snapshot->installation, issuer_id);
	unsigned char sha256[CA_SHA256];
	gnutls_x509_crt_t crt = NULL;
	unsigned status = GNUTLS_CERT_INVALID;

	if (peer->issuer_id == issuer_id)
		return 0;
	if (!issuer || gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->size, sha256) < 0)
		return CA_ECERTUNKNOWN;
	if (server_verified_has(verified, sha256, issuer_id))
		goto out;
	if (gnutls_x509_crt_init(&crt) < 0)
		return CA_ENOMEM;
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_x509_crt_verify(
		crt, &issuer->crt, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) < 0)
		status = GNUTLS_CERT_INVALID;
	gnutls_x509_crt_deinit(crt);
	if (status)
		return CA_ECERTUNKNOWN;
	server_verified_add(verified, sha256, issuer_id);
out:
	peer->issuer_id = issuer_id;
	return 0;
}

/* By the clock of this request. */
static int check_validity(struct server_request *request)
{
	const struct server_identity *who = &request->identity;
	int64_t now = ca_now();

	if (now > who->not_after)
		return ca_refuse(
		    &request->why, CA_ECERTEXPIRED, "the client certificate has expired");
	if (now < who->not_before)
		return ca_refuse(&request->why, CA_ECERTEXPIRED,
		    "the client certificate is not valid yet: the CA's clock is behind");
	return 0;
}

/* Whom the certificate on record stands for. */
static int identify_row(
    struct server_request *request, struct store_tx *tx, const struct store_certificate *row)
{
	struct server_identity *who = &request->identity;
	const struct ca_authority *issuer =
	    ca_installation_authority_id(request->snapshot->installation, row->issuer_id);
	int r;

	if (!issuer || issuer->kind == STORE_AUTHORITY_SYSTEM)
		return CA_ECERTUNKNOWN;
	who->kind = SERVER_SERVICE;
	who->who = SERVER_HOLDER;
	who->tenant_id = row->tenant_id;
	if (issuer->kind != STORE_AUTHORITY_OPERATORS)
		return 0;
	r = store_operator_get(tx, row->operator_id, &who->operator_);
	if (r)
		return r == CA_ENOTFOUND ? CA_EOPERATORREMOVED : r;
	if (who->operator_.removed_at)
		return ca_refuse(
		    &request->why, CA_EOPERATORREMOVED, "%s was removed", who->operator_.name);
	who->kind = SERVER_OPERATED;
	who->who = role_bit(who->operator_.role) | SERVER_HOLDER; /* of its own certificate */
	who->tenant_id = who->operator_.role == STORE_ROLE_ADMIN ? 0 : who->operator_.tenant_id;
	return 0;
}

static int look_up(
    struct server_request *request, struct server_peer *peer, const gnutls_datum_t *der)
{
	struct server_identity *who = &request->identity;
	struct store_certificate row = { 0 };
	struct store_tx *tx = NULL;
	int r;

	r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	r = store_certificate_get(tx, 0, peer->serial, peer->serial_len, &row);
	/* The same octets, not only the same serial. */
	if (r == CA_ENOTFOUND ||
	    (r == 0 && (row.der_len != der->size || memcmp(row.der, der->data, der->size) != 0)))
		r = CA_ECERTUNKNOWN;
	if (!r)
		r = verify_signature(request, peer, row.issuer_id, der);
	if (!r && row.status == STORE_REVOKED)
		r = ca_refuse(&request->why, CA_ECERTREVOKED, "the client certificate is revoked");
	if (!r)
		r = identify_row(request, tx, &row);
	if (!r) {
		who->certificate_id = row.id;
		who->not_before = row.not_before;
		who->not_after = row.not_after;
		memcpy(who->serial, row.serial, row.serial_len);
		who->serial_len = row.serial_len;
	}
	store_certificate_clear(&row);
	store_read_end(tx);
	return r;
}

/* For the connection's next request. Without memory it is looked up again. */
static void remember(struct server_peer *peer, const struct server_identity *who, uint64_t rights)
{
	if (!peer->known)
		peer->known = malloc(sizeof(*peer->known));
	if (!peer->known)
		return;
	*peer->known = *who; /* nothing in it is owned: its token is empty */
	peer->known_rights = rights;
}

static int identify_certificate(
    struct server_request *request, struct server_peer *peer, const gnutls_datum_t *der)
{
	/* Asked for before the store is read: what changes in between is seen next time. */
	uint64_t rights = store_rights_version(request->server->store);
	int r;

	if (peer->known && peer->known_rights == rights) {
		request->identity = *peer->known;
		return check_validity(request);
	}
	r = look_up(request, peer, der);
	if (r)
		return r;
	remember(peer, &request->identity, rights);
	return check_validity(request);
}

/* ---- */

static const gnutls_datum_t *shown_certificate(const struct server_connection *connection)
{
	gnutls_session_t session = server_connection_session(connection);
	unsigned n = 0;
	const gnutls_datum_t *list;

	if (gnutls_certificate_type_get(session) != GNUTLS_CRT_X509)
		return NULL;
	list = gnutls_certificate_get_peers(session, &n);
	return n ? list : NULL;
}

int server_refuse_role(struct server_request *request)
{
	return ca_refuse(&request->why, CA_EFORBIDDEN, "the role %s does not allow this",
	    store_role_text(request->identity.operator_.role));
}

static int authorise(struct server_request *request)
{
	static const char *const kinds[] = {
		[SERVER_NOBODY] = "no credential",
		[SERVER_BEARER] = "an enrolment token",
		[SERVER_OUTSIDER] = "another issuer's token",
		[SERVER_SERVICE] = "a service's certificate",
	};

	if (request->identity.who & request->route->who)
		return 0;
	if (request->identity.kind == SERVER_OPERATED)
		return server_refuse_role(request);
	return ca_refuse(
	    &request->why, CA_EFORBIDDEN, "%s does not allow this", kinds[request->identity.kind]);
}

/* In the transaction of its change: an operator's right. */
static int recheck_operator(const struct server_identity *who, struct store_tx *tx)
{
	struct store_operator operator_ = { 0 };
	int r = store_operator_get(tx, who->operator_.id, &operator_);

	if (r == CA_ENOTFOUND || (r == 0 && operator_.removed_at))
		return CA_EOPERATORREMOVED;
	return r == 0 && operator_.role != who->operator_.role ? CA_EFORBIDDEN : r;
}

int server_identity_recheck(const struct server_identity *who, struct store_tx *tx)
{
	enum store_status status;
	int r;

	if (!who->certificate_id)
		return 0;
	r = store_certificate_status(tx, who->certificate_id, &status);
	if (r == 0 && status == STORE_REVOKED)
		return CA_ECERTREVOKED;
	return r == 0 && who->kind == SERVER_OPERATED ? recheck_operator(who, tx) : r;
}

int server_identify(struct server_request *request)
{
	struct server_peer *peer = server_connection_tls_peer(request->connection);
	const gnutls_datum_t *der;
	const char *jwt;
	int r;

	if (request->route->who & SERVER_ANYONE)
		return 0;
	jwt = bearer(request);
	if (jwt) {
		r = server_token_is_ours(jwt) ? identify_token(request, jwt)
					      : identify_outsider(request, jwt);
		return r ? r : authorise(request);
	}
	der = shown_certificate(request->connection);
	if (!der)
		return CA_EUNAUTHENTICATED;
	if (!peer->looked && server_connection_look_at_peer(request->connection))
		return CA_ECERTUNKNOWN;
	r = identify_certificate(request, peer, der);
	return r ? r : authorise(request);
}
