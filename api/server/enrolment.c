/* POST /v1/certificates: from a request and a credential to a certificate on record. */
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/certificate_json.h"
#include "api/server/decision.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "store/identities.h"
#include "store/quotas.h"

/* Certificates that one pod may have in a minute: more than one that starts anew again and again
 * comes to. */
#define POD_MINUTE_MAX 10

/* One enrolment, from the parsed body to the answer. */
struct enrolment {
	json_t *body;
	const char *pem, *profile; /* the body's; profile NULL: not named */
	int64_t ttl;
	struct ca_csr *csr;
	const struct server_tenant *tenant; /* NULL: an operator's certificate */
	const struct ca_authority *issuer;
	struct store_certificate row; /* signed, not yet on record */
	int64_t
	    recorded_id; /* certificates.id: this one, or the one that the same key got before */
	struct store_operator operator_; /* whose certificate it will be; id 0: a service's */
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

/* An operator's certificate is asked for by the profile's name alone. */
static bool is_for_operator(const struct enrolment *e)
{
	return e->profile && strcmp(e->profile, "operator") == 0;
}

static int profile_field(struct server_request *request, struct enrolment *e)
{
	const struct server_identity *who = &request->identity;
	int r = server_json_string(e->body, "profile", false, &e->profile, &request->why);

	if (r)
		return r;
	if (is_for_operator(e))
		return who->kind == SERVER_OPERATED
			   ? 0
			   : ca_refuse(&request->why, CA_EPROFILEREFUSED,
				 "only an operator gets an operator's certificate");
	if (who->kind == SERVER_OPERATED && !server_role_may_write(who->operator_.role))
		return server_refuse_role(request);
	if (who->kind != SERVER_BEARER)
		return 0;
	if (e->profile && strcmp(who->token.profile, e->profile) != 0)
		return ca_refuse(&request->why, CA_EPROFILEREFUSED,
		    "the token is for the profile %s, not %.64s", who->token.profile, e->profile);
	e->profile = who->token.profile;
	return 0;
}

static int tenant_field(struct server_request *request, struct enrolment *e)
{
	const char *name;
	int r = server_json_string(e->body, "tenant", false, &name, &request->why);

	if (r)
		return r;
	if (is_for_operator(e))
		return name ? ca_refuse(&request->why, CA_EFIELD,
				  "an operator's certificate is of no tenant")
			    : 0;
	return server_tenant_of(request, name, &e->tenant);
}

static int parse_body(struct server_request *request, struct enrolment *e)
{
	static const char *const known[] = { "csr", "profile", "tenant", "ttl", NULL };
	int r = server_json_parse(&request->body, known, &e->body, &request->why);

	if (!r)
		r = server_json_string(e->body, "csr", true, &e->pem, &request->why);
	if (!r)
		r = server_json_duration(e->body, "ttl", &e->ttl, &request->why);
	if (!r)
		r = profile_field(request, e);
	if (!r)
		r = tenant_field(request, e);
	if (!r)
		r = ca_csr_parse(e->pem, strlen(e->pem), &e->csr, &request->why);
	return r;
}

/* ---- what it may have ---- */

/* Everybody renews himself; an admin has a certificate made for another operator, too. */
static int look_up_operator(
    struct server_request *request, struct enrolment *e, struct store_tx *tx)
{
	const char *name = e->csr->common_name ? e->csr->common_name : "";
	int r = store_operator_get_name(tx, name, &e->operator_);

	if (!(request->identity.who & SERVER_ADMIN) &&
	    (r || e->operator_.id != request->identity.operator_.id))
		return ca_refuse(&request->why, CA_EPROFILEREFUSED,
		    "only an admin has a certificate made for another operator");
	if (r == CA_ENOTFOUND)
		return ca_refuse(&request->why, r, "there is no operator %.64s", name);
	if (!r && e->operator_.removed_at)
		return ca_refuse(&request->why, CA_EOPERATORREMOVED, "%.64s was removed", name);
	return r;
}

/* A token that nobody has used yet, as its row was read a moment ago. It is looked at again when it
 * is redeemed. */
static bool is_fresh(const struct store_token *token)
{
	return token->uses == 0 && !token->bound && !token->removed_at &&
	       ca_now() <= token->expires_at;
}

/* What stands in the store bears on the decision: an earlier use of the token, an operator of that
 * name. */
static int consult_store(struct server_request *request, struct enrolment *e)
{
	const struct server_identity *who = &request->identity;
	struct store_tx *tx = NULL;
	int r;

	if (who->kind == SERVER_BEARER ? is_fresh(&who->token) : !is_for_operator(e))
		return 0;
	r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	r = who->kind == SERVER_BEARER ? store_token_check(tx, who->token.id, e->csr->spki_sha256,
					     ca_now(), &e->recorded_id)
				       : look_up_operator(request, e, tx);
	store_read_end(tx);
	return r;
}

/* The rules decide for whom somebody else vouches. */
static int decide_by_rules(struct server_request *request, struct enrolment *e,
    const struct ca_policy_request *policy, struct ca_grant *grant)
{
	const struct ca_rules_request rules = {
		.document = &e->tenant->document,
		.claims = &request->identity.outside.claims,
		.profile = e->profile,
		.policy = *policy,
	};
	const struct ca_rule *rule = NULL;
	int r = ca_rules_evaluate(&rules, &rule, grant, &request->why);

	if (!r)
		e->profile = rule->profile;
	return r;
}

/* A token grants names, and a CN that is none, one by one. */
static int decide_by_token(
    struct server_request *request, const struct ca_policy_request *asked, struct ca_grant *grant)
{
	struct store_token *token = &request->identity.token;
	struct ca_pattern common_name = { CA_NAME_DNS, token->common_name };
	const struct ca_patterns common_names = { &common_name, token->common_name[0] != 0 };
	struct ca_policy_request policy = *asked;

	policy.granted = &token->names;
	policy.common_names = &common_names;
	return ca_policy_evaluate(&policy, grant, &request->why);
}

static int decide(struct server_request *request, struct enrolment *e, struct ca_grant *grant)
{
	const struct server_identity *who = &request->identity;
	struct ca_policy_request policy;
	int r = server_decision_begin(
	    request->snapshot, e->tenant, e->csr, e->ttl, &policy, &e->issuer);

	if (r)
		return r;
	if (who->kind == SERVER_OUTSIDER)
		return decide_by_rules(request, e, &policy, grant);
	if (!e->profile)
		e->profile = "service";
	policy.profile = ca_document_profile(&e->tenant->document, e->profile);
	if (!policy.profile)
		return ca_refuse(
		    &request->why, CA_EPROFILE, "there is no profile %.64s", e->profile);
	return who->kind == SERVER_BEARER ? decide_by_token(request, &policy, grant)
					  : ca_policy_evaluate(&policy, grant, &request->why);
}

static int decide_operator(
    struct server_request *request, struct enrolment *e, struct ca_grant *grant)
{
	struct ca_policy_request policy;
	int r = server_decision_operator(request->snapshot, e->csr, e->ttl, &policy, &e->issuer);

	return r ? r : ca_policy_evaluate(&policy, grant, &request->why);
}

/* Decide and sign; the result waits in e->row for its commit. */
static int sign(struct server_request *request, struct enrolment *e)
{
	const struct ca_urls urls = { request->snapshot->installation->settings.revocation_url };
	struct ca_grant grant = { 0 };
	int r = e->tenant ? decide(request, e, &grant) : decide_operator(request, e, &grant);

	if (!r)
		r = ca_authority_issue(e->issuer, e->csr, &grant, &urls, &e->row);
	ca_grant_clear(&grant);
	if (r)
		return r;
	e->row.issued_at = ca_now();
	e->row.issued_by = request->identity.kind == SERVER_BEARER
			       ? request->identity.token.certificate_id
			       : request->identity.certificate_id;
	snprintf(e->row.profile, sizeof(e->row.profile), "%s", e->profile);
	return 0;
}

/* ---- the record ---- */

static int record_operator(struct enrolment *e, struct store_tx *tx)
{
	struct store_operator operator_;
	int r = store_operator_get(tx, e->operator_.id, &operator_);

	if (!r && operator_.removed_at)
		return CA_EOPERATORREMOVED;
	e->row.operator_id = e->operator_.id;
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
	return r ? r
		 : store_token_redeem(tx, token->id, e->row.spki_sha256, ca_now(), &e->recorded_id);
}

static struct store_quota_ask quota_of(
    const struct server_request *request, const struct enrolment *e)
{
	const struct store_tenant_settings *settings = &e->tenant->settings;
	const char *pod = request->identity.outside.pod_uid;

	return (struct store_quota_ask){
		.tenant_id = e->tenant->row.id,
		.identity_id = e->row.identity_id,
		.pod = pod[0] ? pod : NULL,
		.source_id = pod[0] ? request->identity.source->id : 0,
		.now = e->row.issued_at,
		.not_after = e->row.not_after,
		.alive_max = settings->alive_max,
		.minute_max = settings->minute_max,
		.identity_alive_max = settings->identity_alive_max,
		.identity_minute_max = settings->identity_minute_max,
		.pod_minute_max = POD_MINUTE_MAX,
	};
}

/* Who asks from outside: on record with its first certificate, and not disabled. What refuses does
 * so before anything is written. */
static int admit_outsider(struct server_request *request, struct enrolment *e, struct store_tx *tx)
{
	const struct server_identity *who = &request->identity;
	int64_t tenant_id = e->tenant->row.id, source_id = who->source->id;
	const char *subject = who->outside.claims.subject;
	struct store_quota_ask ask;
	int r = store_identity_find(tx, tenant_id, source_id, subject, &e->row.identity_id);

	if (r && r != CA_ENOTFOUND)
		return r;
	ask = quota_of(request, e);
	r = store_quota_check(tx, &ask, &request->why);
	return r ? r
		 : store_identity_ensure(
		       tx, tenant_id, source_id, subject, ca_now(), &e->row.identity_id);
}

/* A service's certificate, within the rights and bounds that are on record at this moment. */
static int record_service(struct server_request *request, struct enrolment *e, struct store_tx *tx)
{
	const struct server_identity *who = &request->identity;
	struct store_quota_ask ask;
	int r = store_tenant_check(tx, e->tenant->row.id);

	if (!r && who->kind == SERVER_OUTSIDER)
		r = admit_outsider(request, e, tx);
	ask = quota_of(request, e);
	if (!r && who->kind == SERVER_BEARER)
		r = store_quota_check(tx, &ask, &request->why);
	if (!r && who->kind == SERVER_BEARER)
		r = redeem(request, e, tx);
	if (!r)
		r = store_quota_take(tx, &ask, &request->why);
	if (!r)
		r = store_certificate_add(tx, &e->row);
	if (!r && who->kind == SERVER_BEARER)
		r = store_token_used(tx, who->token.id, e->row.spki_sha256, e->row.id);
	return r;
}

static int run_record(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct enrolment *e = request->state;
	int r;

	/* It may be run again: what an earlier run assigned, and said, is forgotten. */
	e->row.id = e->row.lineage_id = e->row.identity_id = e->recorded_id = 0;
	request->why.text[0] = '\0';
	r = e->tenant ? record_service(request, e, tx) : record_operator(e, tx);
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
