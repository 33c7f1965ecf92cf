/*
 * What one tenant may have, and who in it: its constraints and ceiling, which the installation's
 * admin sets, and its profiles and rules, which its document declares. Immutable once made; any
 * number of threads may read it.
 */
#ifndef CA_TENANT_POLICY_H
#define CA_TENANT_POLICY_H

#include "ca/constraints.h"
#include "ca/policy.h"
#include "ca/profile.h"
#include "ca/rule.h"

#define CA_POLICY_PROFILES_MAX 100
#define CA_POLICY_RULES_MAX 1000

/* Bits of a ceiling. */
enum {
	CA_ALLOW_EMAIL = 1,       /* profiles may grant e-mail names */
	CA_ALLOW_COMMON_NAME = 2, /* profiles may grant a CN that is no name */
	CA_ALLOW_WILDCARDS = 4,
	CA_ALLOW_ALL = 7,
};

struct ca_ceiling {
	int64_t max_lifetime; /* seconds */
	unsigned allowed;     /* CA_ALLOW_* */
};

/* The document's part. All owned. */
struct ca_document {
	struct ca_profile *profiles;
	size_t profiles_len;
	struct ca_rule *rules;
	size_t rules_len;
};

void ca_document_clear(struct ca_document *document); /* NULL is fine */

/* Does a profile go beyond the ceiling? 0, or CA_ECEILING with *why. Ready-made profiles are not
 * checked: they are cut by it at issuance. */
int ca_ceiling_check(
    const struct ca_ceiling *ceiling, const struct ca_profile *profile, struct ca_detail *why);

/* The document's profile of that name, or the ready-made one, or NULL. "operator" is always the
 * ready-made one. */
const struct ca_profile *ca_document_profile(const struct ca_document *document, const char *name);

/* One question to the rules. Everything is borrowed. */
struct ca_rules_request {
	const struct ca_document *document;
	const struct ca_claims *claims;
	const char *profile; /* NULL: whatever the rule says */
	struct ca_policy_request
	    policy; /* profile, patterns, wildcards and effort are filled in per rule */
};

/*
 * The first rule, in the document's order, that matches the identity (and the profile, when one is
 * asked for) and grants all that is asked; rules are not added up. *rule is assigned to it
 * (borrowed from the document). CA_ENORULE: none matches; otherwise the refusal of the first that
 * did match, *rule assigned to that one; CA_ETOOMANYNAMES: more than can be compared
 * (CA_EFFORT_MAX).
 */
int ca_rules_evaluate(const struct ca_rules_request *request, const struct ca_rule **rule,
    struct ca_grant *out, struct ca_detail *why);

#endif
