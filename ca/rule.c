#include <stdlib.h>
#include <string.h>

#include "ca/rule.h"

/* ---- claims ---- */

int ca_claims_add(struct ca_claims *claims, const char *name, const char *value)
{
	struct ca_claim claim = { NULL, NULL };
	struct ca_claim *v;
	int r = CA_ENOMEM;

	if (ca_claims_get(claims, name))
		return CA_EEXIST;
	if (claims->n == CA_CLAIMS_MAX || strlen(value) > CA_CLAIM_VALUE_MAX)
		return CA_ECLAIM;
	claim.name = strdup(name);
	claim.value = strdup(value);
	if (!claim.name || !claim.value)
		goto out;
	v = reallocarray(claims->v, claims->n + 1, sizeof(*v));
	if (!v)
		goto out;
	claims->v = v;
	claims->v[claims->n++] = claim;
	claim = (struct ca_claim){ NULL, NULL }; /* transferred */
	r = 0;
out:
	free(claim.name);
	free(claim.value);
	return r;
}

int ca_claims_add_audience(struct ca_claims *claims, const char *audience)
{
	char *copy = strdup(audience);
	char **v = reallocarray(claims->audiences, claims->audiences_len + 1, sizeof(*v));

	if (v)
		claims->audiences = v;
	if (!v || !copy) {
		free(copy);
		return CA_ENOMEM;
	}
	claims->audiences[claims->audiences_len++] = copy; /* transferred */
	return 0;
}

const char *ca_claims_get(const struct ca_claims *claims, const char *name)
{
	for (size_t i = 0; i < claims->n; i++)
		if (strcmp(claims->v[i].name, name) == 0)
			return claims->v[i].value;
	return NULL;
}

void ca_claims_clear(struct ca_claims *claims)
{
	if (!claims)
		return;
	for (size_t i = 0; i < claims->n; i++) {
		free(claims->v[i].name);
		free(claims->v[i].value);
	}
	for (size_t i = 0; i < claims->audiences_len; i++)
		free(claims->audiences[i]);
	free(claims->v);
	free(claims->audiences);
	free(claims->subject);
	*claims = (struct ca_claims){ 0 };
}

bool ca_claim_is_evidence(const char *name)
{
	/*
	 * About the token (RFC 7519, section 4.1; OpenID Connect Core, sections 2 and 3); what a
	 * person writes about itself (section 5.1); and, of pipelines, what anybody's has: a
	 * branch called main, a workflow of that name, a reusable workflow that is called.
	 */
	static const char *const others[] = { "aud", "iss", "exp", "nbf", "iat", "jti", "typ",
		"nonce", "auth_time", "acr", "amr", "azp", "at_hash", "c_hash", "sid", "scope",
		"scp", "name", "given_name", "family_name", "middle_name", "nickname",
		"preferred_username", "profile", "picture", "website", "email", "email_verified",
		"gender", "birthdate", "zoneinfo", "locale", "phone_number",
		"phone_number_verified", "address", "updated_at", "ref", "ref_type", "ref_path",
		"ref_protected", "base_ref", "head_ref", "sha", "workflow", "workflow_sha",
		"job_workflow_ref", "job_workflow_sha", "run_id", "run_number", "run_attempt",
		"event_name", "environment", "runner_environment", "runner_id", "deployment_tier",
		"environment_action", "environment_protected", "repository_visibility",
		"pipeline_id", "pipeline_source", "job_id", "user_email" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(others[i], name) == 0)
			return false;
	return true;
}

/* ---- rules ---- */

void ca_rule_clear(struct ca_rule *rule)
{
	if (!rule)
		return;
	for (size_t i = 0; i < rule->match_len; i++) {
		free(rule->match[i].name);
		free(rule->match[i].value);
	}
	free(rule->match);
	free(rule->audience);
	ca_patterns_free(&rule->names);
	ca_patterns_free(&rule->common_names);
	*rule = (struct ca_rule){ 0 };
}

static bool has_audience(const struct ca_claims *claims, const char *audience)
{
	for (size_t i = 0; i < claims->audiences_len; i++)
		if (strcmp(claims->audiences[i], audience) == 0)
			return true;
	return false;
}

bool ca_rule_matches(const struct ca_rule *rule, const struct ca_claims *claims, size_t *effort)
{
	if (strcmp(rule->source, claims->source) != 0)
		return false;
	if (rule->audience ? !has_audience(claims, rule->audience) : claims->for_anybody)
		return false;
	for (size_t i = 0; i < rule->match_len; i++) {
		const char *value = ca_claims_get(claims, rule->match[i].name);

		if (!value || !ca_glob_match_within(rule->match[i].value, value, effort))
			return false;
	}
	return true;
}

/* ---- placeholders ---- */

static int check_value(
    enum ca_name_type type, const char *name, const char *value, struct ca_detail *why)
{
	static const char octets[] =
	    "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char dns_octets[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len;

	if (!value)
		return ca_refuse(why, CA_ECLAIM, "the rule needs the claim %s", name);
	len = strlen(value);
	if (len == 0 || len > CA_PLACEHOLDER_VALUE_MAX ||
	    strspn(value, type == CA_NAME_DNS ? dns_octets : octets) != len)
		return ca_refuse(why, CA_ECLAIM,
		    "the claim %s cannot stand in a name (1 to %d of a-z, 0-9, -%s): %.100s", name,
		    CA_PLACEHOLDER_VALUE_MAX, type == CA_NAME_DNS ? "" : ", A-Z, _", value);
	return 0;
}

/* One placeholder at text, "{claim}…"; *len is what it takes there. */
static int fill_one(enum ca_name_type type, const char *text, const struct ca_claims *claims,
    struct ca_buf *out, size_t *len, struct ca_detail *why)
{
	size_t n = strcspn(text + 1, "}");
	char name[CA_PATTERN_LENGTH_MAX + 1];
	const char *value;
	int r;

	if (!text[1 + n] || n >= sizeof(name))
		return CA_EINTERNAL;
	memcpy(name, text + 1, n);
	name[n] = '\0';
	value = ca_claims_get(claims, name);
	r = check_value(type, name, value, why);
	if (!r)
		ca_buf_add_str(out, value);
	*len = n + 2;
	return r;
}

static int fill_pattern(const struct ca_pattern *pattern, const struct ca_claims *claims,
    struct ca_buf *text, struct ca_detail *why)
{
	const char *p = pattern->text;
	int r = 0;

	while (*p && !r) {
		size_t len = strcspn(p, "{");

		ca_buf_add(text, p, len);
		p += len;
		if (*p) {
			r = fill_one(pattern->type, p, claims, text, &len, why);
			p += r ? 0 : len;
		}
	}
	return r ? r : ca_buf_error(text);
}

static int fill_names(const struct ca_rule *rule, const struct ca_claims *claims,
    struct ca_patterns *out, struct ca_detail *why)
{
	struct ca_buf text = CA_BUF_INIT;
	int r = 0;

	for (size_t i = 0; i < rule->names.n && !r; i++) {
		const struct ca_pattern *pattern = &rule->names.v[i];

		ca_buf_clear(&text);
		r = fill_pattern(pattern, claims, &text, why);
		if (!r)
			r = ca_patterns_add(
			    out, pattern->type, ca_buf_text(&text), text.len, false, NULL);
		/* "-a" in "{ns}.svc": of the right octets, and yet no label. */
		if (r == CA_ENAME)
			r = ca_refuse(why, CA_ECLAIM,
			    "the claims make no name of the pattern %.150s", pattern->text);
	}
	ca_buf_free(&text);
	return r;
}

static int fill_globs(const struct ca_rule *rule, const struct ca_claims *claims,
    struct ca_patterns *out, struct ca_detail *why)
{
	struct ca_buf text = CA_BUF_INIT;
	int r = 0;

	for (size_t i = 0; i < rule->common_names.n && !r; i++) {
		ca_buf_clear(&text);
		r = fill_pattern(&rule->common_names.v[i], claims, &text, why);
		if (!r)
			r = ca_patterns_add_glob(out, ca_buf_text(&text), text.len, false, why);
	}
	ca_buf_free(&text);
	return r;
}

int ca_rule_fill(const struct ca_rule *rule, const struct ca_claims *claims,
    struct ca_patterns *names, struct ca_patterns *common_names, struct ca_detail *why)
{
	struct ca_patterns filled = { 0 }, globs = { 0 };
	int r = fill_names(rule, claims, &filled, why);

	if (!r)
		r = fill_globs(rule, claims, &globs, why);
	if (!r) {
		*names = filled;       /* transferred */
		*common_names = globs; /* transferred */
		return 0;
	}
	ca_patterns_free(&filled);
	ca_patterns_free(&globs);
	return r;
}
