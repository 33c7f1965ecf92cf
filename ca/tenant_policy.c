#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/tenant_policy.h"

void ca_document_clear(struct ca_document *document)
{
	if (!document)
		return;
	for (size_t i = 0; i < document->profiles_len; i++)
		ca_profile_clear(&document->profiles[i]);
	for (size_t i = 0; i < document->rules_len; i++)
		ca_rule_clear(&document->rules[i]);
	free(document->profiles);
	free(document->rules);
	*document = (struct ca_document){ 0 };
}

static bool grants_email(const struct ca_profile *profile)
{
	for (size_t i = 0; i < profile->names.n; i++)
		if (profile->names.v[i].type == CA_NAME_EMAIL)
			return true;
	return false;
}

int ca_ceiling_check(
    const struct ca_ceiling *ceiling, const struct ca_profile *profile, struct ca_detail *why)
{
	char text[32];

	if (profile->max_lifetime > ceiling->max_lifetime ||
	    profile->default_lifetime > ceiling->max_lifetime)
		return ca_refuse(why, CA_ECEILING,
		    "the profile %s allows a longer lifetime than the tenant's ceiling, %s",
		    profile->name, ca_duration_text(ceiling->max_lifetime, text));
	if (grants_email(profile) && !(ceiling->allowed & CA_ALLOW_EMAIL))
		return ca_refuse(why, CA_ECEILING,
		    "the profile %s grants e-mail names, which the tenant's ceiling does not allow",
		    profile->name);
	if (profile->common_names.n && !(ceiling->allowed & CA_ALLOW_COMMON_NAME))
		return ca_refuse(why, CA_ECEILING,
		    "the profile %s grants common names that are no names of the certificate, "
		    "which the tenant's ceiling does not allow",
		    profile->name);
	if (profile->wildcards && !(ceiling->allowed & CA_ALLOW_WILDCARDS))
		return ca_refuse(why, CA_ECEILING,
		    "the profile %s grants wildcards, which the tenant's ceiling does not allow",
		    profile->name);
	return 0;
}

const struct ca_profile *ca_document_profile(const struct ca_document *document, const char *name)
{
	const struct ca_profile *builtin = ca_profile_builtin(name);

	if (builtin && builtin->for_operators)
		return builtin;
	for (size_t i = 0; document && i < document->profiles_len; i++)
		if (strcmp(document->profiles[i].name, name) == 0)
			return &document->profiles[i];
	return builtin;
}

/* ---- rules ---- */

static int evaluate(const struct ca_rules_request *request, const struct ca_rule *rule,
    size_t *effort, struct ca_grant *out, struct ca_detail *why)
{
	struct ca_policy_request policy = request->policy;
	struct ca_patterns patterns = { 0 }, common_names = { 0 };
	int r;

	policy.profile = ca_document_profile(request->document, rule->profile);
	if (!policy.profile)
		return ca_refuse(
		    why, CA_EPROFILE, "the rule %s names a profile that is not there", rule->name);
	if (policy.profile->for_operators)
		return ca_refuse(
		    why, CA_EPROFILEREFUSED, "operators' certificates are not given by rules");
	r = ca_rule_fill(rule, request->claims, &patterns, &common_names, why);
	if (r)
		return r;
	policy.granted = NULL;
	policy.patterns = &patterns;
	policy.common_names = &common_names;
	policy.no_wildcards |= !rule->wildcards;
	policy.effort = effort;
	r = ca_policy_evaluate(&policy, out, why);
	ca_patterns_free(&patterns);
	ca_patterns_free(&common_names);
	return r;
}

int ca_rules_evaluate(const struct ca_rules_request *request, const struct ca_rule **rule,
    struct ca_grant *out, struct ca_detail *why)
{
	const struct ca_document *document = request->document;
	struct ca_detail detail = { "" };
	int r, refusal = CA_ENORULE;
	size_t effort = CA_EFFORT_MAX;

	for (size_t i = 0; i < document->rules_len && effort; i++) {
		const struct ca_rule *candidate = &document->rules[i];

		if (request->profile && strcmp(candidate->profile, request->profile) != 0)
			continue;
		if (!ca_rule_matches(candidate, request->claims, &effort))
			continue;
		r = evaluate(
		    request, candidate, &effort, out, refusal == CA_ENORULE ? &detail : NULL);
		if (r == 0 || refusal == CA_ENORULE)
			*rule = candidate;
		if (r == 0 || r == CA_ENOMEM || r == CA_EINTERNAL)
			return r;
		if (refusal == CA_ENORULE)
			refusal = r;
	}
	if (!effort)
		return ca_refuse(why, CA_ETOOMANYNAMES,
		    "too many rules speak of this identity for the names asked for: name the "
		    "profile, and ask for fewer names");
	if (refusal == CA_ENORULE)
		return ca_refuse(why, CA_ENORULE, "no rule for %.100s of the source %s%s%s",
		    request->claims->subject ? request->claims->subject : "anybody",
		    request->claims->source, request->profile ? " and the profile " : "",
		    request->profile ? request->profile : "");
	return ca_refuse(why, refusal, "%s", detail.text);
}
