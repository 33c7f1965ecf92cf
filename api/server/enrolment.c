/* POST /v1/certificates: from a request and a credential to a certificate on record. */
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/certificate_json.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "ca/policy.h"

/* One enrolment, from the parsed body to the answer. */
struct enrolment {
	json_t *body;
	const char *pem; /* the CSR; the body's */
	const struct ca_profile *profile;
	int64_t ttl;
	struct ca_csr *csr;
	const struct ca_authority *issuer;
	struct store_certificate row; /* signed, not yet on record */
	int64_t
	    recorded_id; /* certificates.id: this one, or the one that the same key got before */
	bool for_operator, role_named;
	struct store_operator
	    operator_; /* with for_operator: whose certificate it will be; id 0: made with it */
};

static void enrolment_free(void *state)
{
	struct enrolment *e = state;

	if (!e)
		return;
	json_decref(e->body);
	ca_csr_free(e->csr);
	store_certificate_clear(&e->row);
	free(e);
}

/* ---- what is asked ---- */

static int profile_field(struct server_request *request, struct enrolment *e)
{
	const struct server_identity *who = &request->identity;
	const char *token_profile = who->kind == SERVER_BEARER ? who->token.profile : NULL;
	const char *name;
	int r = server_json_string(e->body, "profile", false, &name, &request->why);

	if (r)
		return r;
	if (!name)
		name = token_profile ? token_profile : "service";
	e->profile = ca_profile_builtin(name);
	if (!e->profile)
		return ca_refuse(&request->why, CA_EPROFILE, "there is no profile %.64s", name);
	if (token_profile && strcmp(token_profile, name) != 0)
		return ca_refuse(&request->why, CA_EPROFILEREFUSED,
		    "the token is for the profile %s, not %s", token_profile, name);
	if (e->profile->for_operators && who->kind == SERVER_BEARER)
		return ca_refuse(&request->why, CA_EPROFILEREFUSED, "no token makes an operator");
	if (!e->profile->for_operators && who->kind == SERVER_OPERATED &&
	    !server_role_may_write(who->operator_.role))
		return server_refuse_role(request);
	return 0;
}

static int role_field(struct server_request *request, struct enrolment *e)
{
	const char *role;
	int r = server_json_string(e->body, "role", false, &role, &request->why);

	if (r)
		return r;
	if (role && !e->profile->for_operators)
		return ca_refuse(
		    &request->why, CA_EFIELD, "role goes with the profile operator only");
	e->role_named = role != NULL;
	e->operator_.role = role ? store_role_parse(role) : STORE_ROLE_OPERATOR;
	if (!e->operator_.role)
		return ca_refuse(&request->why, CA_EFIELD,
		    "role is none of admin, tenant-admin, operator, auditor");
	return 0;
}

static int parse_body(struct server_request *request, struct enrolment *e)
{
	static const char *const known[] = { "csr", "profile", "ttl", "role", NULL };
	int r = server_json_parse(&request->body, known, &e->body, &request->why);

	if (!r)
		r = server_json_string(e->body, "csr", true, &e->pem, &request->why);
	if (!r)
		r = server_json_duration(e->body, "ttl", &e->ttl, &request->why);
	if (!r)
		r = profile_field(request, e);
	if (!r)
		r = role_field(request, e);
	if (!r)
		r = ca_csr_parse(e->pem, strlen(e->pem), &e->csr, &request->why);
	return r;
}

/* ---- what it may have ---- */

/* The operator whom a certificate of the profile operator is for: one in office keeps its role, a
 * new name gets the one asked for. */
static int look_up_operator(
    struct server_request *request, struct enrolment *e, struct store_tx *tx, const char *name)
{
	enum store_role role = e->operator_.role;
	int r = store_operator_get_name(tx, name, &e->operator_);

	/* Everybody renews himself, with the role that he has. */
	if (!(request->identity.who & SERVER_ADMIN) &&
	    (r || e->operator_.id != request->identity.operator_.id))
		return ca_refuse(&request->why, CA_EPROFILEREFUSED,
		    "only an admin has a certificate made for another operator");
	if (r == CA_ENOTFOUND) {
		e->operator_ = (struct store_operator){ .role = role, .created_at = ca_now() };
		if (role != STORE_ROLE_ADMIN)
			e->operator_.tenant_id = STORE_TENANT_DEFAULT;
		snprintf(e->operator_.name, sizeof(e->operator_.name), "%s", name);
		return 0;
	}
	if (!r && e->operator_.removed_at)
		return ca_refuse(&request->why, CA_EOPERATORREMOVED, "%s was removed", name);
	if (!r && e->role_named && e->operator_.role != role)
		return ca_refuse(&request->why, CA_EEXIST, "%s is there already, with the role %s",
		    name, store_role_text(e->operator_.role));
	return r;
}

/* A token that nobody has used yet, as its row was read a moment ago. It is looked at again when it
 * is redeemed. */
static bool is_fresh(const struct store_token *token)
{
	return token->uses == 0 && !token->removed_at && ca_now() <= token->expires_at;
}

/* What stands in the store bears on the decision: an earlier use of the token, an operator of that
 * name. */
static int consult_store(struct server_request *request, struct enrolment *e)
{
	const struct server_identity *who = &request->identity;
	struct store_tx *tx = NULL;
	int r;

	e->for_operator = e->profile->for_operators;
	if (who->kind == SERVER_BEARER ? is_fresh(&who->token) : !e->for_operator)
		return 0;
	r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	if (who->kind == SERVER_BEARER)
		r = store_token_check(
		    tx, who->token.id, e->csr->spki_sha256, ca_now(), &e->recorded_id);
	else if (e->csr->common_name && strlen(e->csr->common_name) < STORE_OPERATOR_NAME)
		r = look_up_operator(request, e, tx, e->csr->common_name);
	store_read_end(tx);
	return r;
}

static const struct ca_authority *choose_issuer(
    const struct server_request *request, const struct enrolment *e)
{
	const struct ca_installation *installation = request->snapshot->installation;
	int64_t tenant = request->identity.tenant_id;

	if (e->for_operator)
		return ca_installation_authority(
		    installation, STORE_TENANT_SYSTEM, STORE_AUTHORITY_OPERATORS);
	return ca_installation_authority(
	    installation, tenant ? tenant : STORE_TENANT_DEFAULT, STORE_AUTHORITY_ISSUER);
}

static int decide(struct server_request *request, const struct enrolment *e, struct ca_grant *grant)
{
	const struct ca_installation *installation = request->snapshot->installation;
	const struct server_identity *who = &request->identity;
	const struct ca_policy_request policy = {
		.profile = e->profile,
		.csr = e->csr,
		.granted = who->kind == SERVER_BEARER ? &who->token.names : NULL,
		.reserved = &installation->settings.names,
		.reserved_keys = (const unsigned char(*)[CA_SHA256])installation->reserved_keys,
		.reserved_keys_len = installation->reserved_keys_len,
		.ttl = e->ttl,
		.now = ca_now(),
		.issuer_not_before = e->issuer->not_before,
		.issuer_not_after = e->issuer->not_after,
	};

	return ca_policy_evaluate(&policy, grant, &request->why);
}

/* Decide and sign; the result waits in e->row for its commit. */
static int sign(struct server_request *request, struct enrolment *e)
{
	const struct ca_urls urls = { request->snapshot->installation->settings.revocation_url };
	struct ca_grant grant = { 0 };
	int r;

	e->issuer = choose_issuer(request, e);
	if (!e->issuer)
		return CA_EINTERNAL;
	r = decide(request, e, &grant);
	if (!r)
		r = ca_authority_issue(e->issuer, e->csr, &grant, &urls, &e->row);
	ca_grant_clear(&grant);
	if (r)
		return r;
	e->row.issued_at = ca_now();
	e->row.issued_by = request->identity.kind == SERVER_BEARER
			       ? request->identity.token.certificate_id
			       : request->identity.certificate_id;
	snprintf(e->row.profile, sizeof(e->row.profile), "%s", e->profile->name);
	return 0;
}

/* ---- the record ---- */

static int record_operator(struct enrolment *e, struct store_tx *tx)
{
	struct store_operator operator_ = e->operator_;
	int r = operator_.id ? store_operator_get(tx, operator_.id, &operator_)
			     : store_operator_add(tx, &operator_);

	if (!r && operator_.removed_at)
		return CA_EOPERATORREMOVED;
	e->row.operator_id = operator_.id;
	return r ? r : store_certificate_add(tx, &e->row);
}

/* A token's use, checked and taken with the certificate that it pays for; so is its maker's right.
 */
static int redeem(struct server_request *request, struct enrolment *e, struct store_tx *tx)
{
	const struct store_token *token = &request->identity.token;
	struct store_operator maker;
	int r = store_operator_get(tx, token->operator_id, &maker);

	if (r == CA_ENOTFOUND || (!r && (maker.removed_at || !server_role_may_write(maker.role))))
		return CA_ETOKENMAKER;
	if (!r)
		r = store_token_redeem(
		    tx, token->id, e->row.spki_sha256, ca_now(), &e->recorded_id);
	if (!r)
		r = store_certificate_add(tx, &e->row);
	if (!r)
		r = store_token_used(tx, token->id, e->row.spki_sha256, e->row.id);
	return r;
}

static int run_record(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct enrolment *e = request->state;
	int r;

	/* It may be run again: what an earlier run assigned is forgotten. */
	e->row.id = e->row.lineage_id = e->recorded_id = 0;
	if (request->identity.kind == SERVER_BEARER)
		r = redeem(request, e, tx);
	else
		r = e->for_operator ? record_operator(e, tx) : store_certificate_add(tx, &e->row);
	if (r == CA_EEXIST && e->recorded_id)
		return 0; /* the same key, a moment earlier: it gets the same certificate */
	if (!r)
		e->recorded_id = e->row.id;
	return r;
}

/* ---- the answer ---- */

static int set_location(struct server_request *request, const struct store_certificate *row)
{
	char serial[2 * STORE_SERIAL_MAX + 1];

	ca_hex(row->serial, row->serial_len, serial);
	if (asprintf(&request->location, "/v1/certificates/%s", serial) < 0) {
		request->location = NULL;
		return CA_ENOMEM;
	}
	return 0;
}

static int answer_row(
    struct server_request *request, struct store_tx *tx, const struct store_certificate *row)
{
	int r = set_location(request, row);

	return r ? r
		 : server_certificate_json(request->snapshot->installation, tx, row, true,
		       server_answer_begin(request, 201, "application/json"));
}

/* The certificate just made is at hand; one that the same key got before is on record. */
static int answer_recorded(struct server_request *request)
{
	const struct enrolment *e = request->state;
	struct store_certificate row = { 0 };
	struct store_tx *tx = NULL;
	int r;

	if (e->recorded_id == e->row.id)
		return answer_row(request, NULL, &e->row);
	r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	r = store_certificate_get_id(tx, e->recorded_id, &row);
	if (!r && row.status == STORE_REVOKED)
		r = ca_refuse(
		    &request->why, CA_ECERTREVOKED, "what this key got for this token is revoked");
	if (!r)
		r = answer_row(request, tx, &row);
	store_certificate_clear(&row);
	store_read_end(tx);
	return r;
}

int server_certificates_create(struct server_request *request)
{
	struct enrolment *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return CA_ENOMEM;
	request->state = e; /* transferred */
	request->free_state = enrolment_free;
	request->resume = answer_recorded;
	r = parse_body(request, e);
	if (!r)
		r = consult_store(request, e);
	if (r == CA_EEXIST && e->recorded_id)
		return answer_recorded(request); /* a retry: the answer was lost */
	if (!r)
		r = server_request_admit(request);
	if (!r)
		r = sign(request, e);
	return r ? r : server_request_write(request, run_record);
}
