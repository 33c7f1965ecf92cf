/* What would somebody get, and why? Asked without a certificate being made. */
#include <stdlib.h>
#include <string.h>

#include "api/server/decision.h"
#include "api/server/json.h"
#include "api/server/policy_surroundings.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"

/* One question, and what was found. Strings are the body's. */
struct trial {
	json_t *body;
	const struct server_tenant *tenant;
	const char *csr_pem, *profile, *source, *document_text;
	int64_t ttl;
	struct ca_csr *csr;
	struct ca_claims claims;     /* with a source */
	struct ca_names granted;     /* without one, as a token's */
	bool names_given;            /* else any that the profile allows, as for an operator */
	struct ca_document document; /* with a text of it */
	const struct ca_rule *rule;
	struct ca_grant grant;
};

static void trial_clear(struct trial *trial)
{
	json_decref(trial->body);
	ca_csr_free(trial->csr);
	ca_claims_clear(&trial->claims);
	ca_names_free(&trial->granted);
	ca_document_clear(&trial->document);
	ca_grant_clear(&trial->grant);
}

/* ---- the identity that is made up ---- */

/* A claim's value as text, as a token's would be taken. */
static int add_claim(
    struct server_request *request, struct ca_claims *claims, const char *name, const json_t *value)
{
	char *text = json_is_string(value) ? strdup(json_string_value(value))
		     : json_is_integer(value) || json_is_boolean(value)
			 ? json_dumps(value, JSON_ENCODE_ANY)
			 : NULL;
	int r;

	if (!text && (json_is_object(value) || json_is_array(value) || json_is_real(value) ||
			 json_is_null(value)))
		return ca_refuse(&request->why, CA_EFIELD,
		    "the claim %.64s is not a string, a whole number or a truth value", name);
	r = text ? ca_claims_add(claims, name, text) : CA_ENOMEM;
	free(text);
	return r;
}

/* A service account's is NAMESPACE/ACCOUNT; an OIDC issuer says it in sub. */
static int set_subject(struct ca_claims *claims)
{
	const char *ns = ca_claims_get(claims, "ns"), *sa = ca_claims_get(claims, "sa");
	const char *sub = ca_claims_get(claims, "sub");
	struct ca_buf subject = CA_BUF_INIT;
	size_t len;

	if (sub || !ns || !sa)
		ca_buf_add_str(&subject, sub ? sub : "-");
	else
		ca_buf_addf(&subject, "%s/%s", ns, sa);
	claims->subject = (char *)ca_buf_take(&subject, &len);
	return claims->subject ? 0 : CA_ENOMEM;
}

static int claims_field(struct server_request *request, struct trial *trial)
{
	json_t *claims = json_object_get(trial->body, "claims"), *value;
	const char *name;
	int r = 0;

	if (claims && !json_is_object(claims))
		return ca_refuse(&request->why, CA_EFIELD, "the field claims is not a JSON object");
	json_object_foreach(claims, name, value)
	{
		r = add_claim(request, &trial->claims, name, value);
		if (r)
			return r;
	}
	return set_subject(&trial->claims);
}

static int identity_fields(struct server_request *request, struct trial *trial)
{
	const struct server_policy_context context =
	    server_policy_surroundings(request->snapshot, trial->tenant);
	struct server_policy_source source = { 0 };
	const char *audience;
	int r = server_json_string(trial->body, "audience", false, &audience, &request->why);

	if (!r && strlen(trial->source) >= sizeof(trial->claims.source))
		r = ca_refuse(&request->why, CA_EFIELD, "the field source is too long for a name");
	if (!r && context.source && context.source(context.arg, trial->source, &source))
		r = ca_refuse(&request->why, CA_EFIELD, "there is no source %.64s", trial->source);
	if (r)
		return r;
	memcpy(trial->claims.source, trial->source, strlen(trial->source) + 1);
	trial->claims.for_anybody = source.oidc && !source.audience;
	if (audience)
		r = ca_claims_add_audience(&trial->claims, audience);
	return r ? r : claims_field(request, trial);
}

static int granted_field(struct server_request *request, struct trial *trial)
{
	const json_t *granted = json_object_get(trial->body, "granted");

	if (!granted || json_is_null(granted))
		return 0;
	if (!json_is_object(granted))
		return ca_refuse(
		    &request->why, CA_EFIELD, "the field granted is not a JSON object");
	trial->names_given = true;
	return server_json_names(granted, &trial->granted, &request->why);
}

/* ---- the question ---- */

static int document_field(struct server_request *request, struct trial *trial)
{
	const struct server_policy_context context =
	    server_policy_surroundings(request->snapshot, trial->tenant);
	struct server_policy_error error;
	int r;

	if (!trial->document_text)
		return 0;
	r = server_policy_parse(
	    trial->document_text, strlen(trial->document_text), &context, &trial->document, &error);
	return r ? server_policy_problem(request, r, &error) : 0;
}

static int parse_body(struct server_request *request, struct trial *trial)
{
	static const char *const known[] = { "audience", "claims", "csr", "document", "granted",
		"profile", "source", "ttl", NULL };
	struct ca_detail *why = &request->why;
	int r = server_json_parse(&request->body, known, &trial->body, why);

	if (!r)
		r = server_json_string(trial->body, "csr", true, &trial->csr_pem, why);
	if (!r)
		r = server_json_string(trial->body, "profile", false, &trial->profile, why);
	if (!r)
		r = server_json_string(trial->body, "source", false, &trial->source, why);
	if (!r)
		r = server_json_string(trial->body, "document", false, &trial->document_text, why);
	if (!r)
		r = server_json_duration(trial->body, "ttl", &trial->ttl, why);
	if (!r)
		r = document_field(request, trial);
	if (r)
		return r;
	return trial->source ? identity_fields(request, trial) : granted_field(request, trial);
}

/* ---- the answer ---- */

static int evaluate(struct server_request *request, struct trial *trial)
{
	const struct ca_document *document =
	    trial->document_text ? &trial->document : &trial->tenant->document;
	struct ca_rules_request rules = {
		.document = document, .claims = &trial->claims, .profile = trial->profile
	};
	const struct ca_authority *issuer;
	const char *name = trial->profile ? trial->profile : "service";
	int r = ca_csr_parse(trial->csr_pem, strlen(trial->csr_pem), &trial->csr, &request->why);

	if (!r)
		r = server_decision_begin(request->snapshot, trial->tenant, trial->csr, trial->ttl,
		    &rules.policy, &issuer);
	if (r)
		return r;
	if (trial->source)
		return ca_rules_evaluate(&rules, &trial->rule, &trial->grant, &request->why);
	rules.policy.profile = ca_document_profile(document, name);
	if (!rules.policy.profile || rules.policy.profile->for_operators)
		return ca_refuse(&request->why, CA_EPROFILE, "there is no profile %.64s", name);
	rules.policy.granted = trial->names_given ? &trial->granted : NULL;
	return ca_policy_evaluate(&rules.policy, &trial->grant, &request->why);
}

/* Did something fail that says nothing about the question? */
static bool is_failure(int error)
{
	return error == CA_ENOMEM || error == CA_EINTERNAL || error == CA_EIO || error == CA_ESTORE;
}

static json_t *refusal_json(
    const struct server_request *request, const struct trial *trial, int error)
{
	const struct ca_rule *rule = trial->rule;

	return json_pack("{s:b, s:s, s:s?, s:s?, s:s, s:s}", "allowed", 0, "tenant",
	    trial->tenant->row.name, "rule", rule ? rule->name : NULL, "profile",
	    rule ? rule->profile : trial->profile, "code", ca_error_code(error), "detail",
	    request->why.text[0] ? request->why.text : ca_error_text(error));
}

static json_t *grant_json(const struct trial *trial)
{
	const struct ca_grant *grant = &trial->grant;
	const struct ca_rule *rule = trial->rule;
	const char *profile = rule ? rule->profile : trial->profile ? trial->profile : "service";

	return json_pack(
	    "{s:b, s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "allowed",
	    1, "tenant", trial->tenant->row.name, "rule", rule ? rule->name : NULL, "profile",
	    profile, "common_name", grant->common_name, "organization", grant->organization,
	    "organizational_unit", grant->organizational_unit, "dns",
	    server_json_names_of(&grant->names, CA_NAME_DNS), "ip",
	    server_json_names_of(&grant->names, CA_NAME_IP), "uri",
	    server_json_names_of(&grant->names, CA_NAME_URI), "email",
	    server_json_names_of(&grant->names, CA_NAME_EMAIL), "not_before",
	    server_json_time(grant->not_before), "not_after", server_json_time(grant->not_after),
	    "renew_after", server_json_time(grant->renew_after));
}

int server_policy_try(struct server_request *request)
{
	struct trial trial = { 0 };
	int r = server_tenant_of(request, server_request_query(request, "tenant"), &trial.tenant);
	int decided = 0;

	if (!r)
		r = parse_body(request, &trial);
	if (!r) {
		decided = evaluate(request, &trial);
		r = is_failure(decided) ? decided : 0;
	}
	if (!r)
		r = server_answer_json(request, 200,
		    decided ? refusal_json(request, &trial, decided) : grant_json(&trial));
	trial_clear(&trial);
	return r;
}
