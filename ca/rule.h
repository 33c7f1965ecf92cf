/*
 * Rules: which outside identity may ask which profile for which names. A claim is what somebody
 * else vouches for (a cluster, an OIDC issuer), verified; what the bearer says of itself is a
 * request, never evidence. Pure functions.
 */
#ifndef CA_RULE_H
#define CA_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/pattern.h"
#include "ca/profile.h"

#define CA_RULE_NAME 64
#define CA_SOURCE_NAME 64 /* a-z, 0-9 and "-", 63 octets at most, and the NUL */
#define CA_CLAIMS_MAX 64
#define CA_CLAIM_VALUE_MAX 1024 /* octets */
#define CA_PLACEHOLDER_VALUE_MAX 63

struct ca_claim {
	char *name;  /* "ns" and "sa" for a service account; an OIDC claim's name otherwise */
	char *value; /* text; a number or a truth value as JSON writes it */
};

/* A verified identity. All owned. */
struct ca_claims {
	char source[CA_SOURCE_NAME];
	char *subject; /* stable: "NAMESPACE/ACCOUNT" for a service account, "sub" for OIDC */
	char **audiences;
	size_t audiences_len;
	bool for_anybody; /* nobody has looked at the audiences: only a rule that names one does */
	struct ca_claim *v;
	size_t n;
};

int ca_claims_add(struct ca_claims *claims, const char *name, const char *value); /* CA_EEXIST */
int ca_claims_add_audience(struct ca_claims *claims, const char *audience);
const char *ca_claims_get(const struct ca_claims *claims, const char *name); /* NULL: none */
void ca_claims_clear(struct ca_claims *claims);                              /* NULL is fine */

struct ca_rule {
	char name[CA_RULE_NAME];
	char source[CA_SOURCE_NAME];
	char *audience;         /* NULL: what the source checks, which it must then; owned */
	struct ca_claim *match; /* every one must be there; the value is a glob; owned */
	size_t match_len;
	char profile[CA_PROFILE_NAME];
	struct ca_patterns names; /* with placeholders {claim} */
	struct ca_patterns
	    common_names; /* globs, with placeholders: what a CN may be that is no
			     name of the certificate, where the profile has it, too */
	bool wildcards;
};

void ca_rule_clear(struct ca_rule *rule); /* NULL is fine */

/* Does the rule speak of this identity? effort: see ca/pattern.h. */
bool ca_rule_matches(const struct ca_rule *rule, const struct ca_claims *claims, size_t *effort);

/*
 * The rule's patterns and globs with the claims filled in, into lists that are empty. CA_ECLAIM
 * with *why: a claim that is missing, or would break out of its placeholder: empty, over
 * CA_PLACEHOLDER_VALUE_MAX octets, or of anything but a-z, A-Z, 0-9, "-" and "_" (in a DNS name: no
 * upper case, no "_", and the label it makes must be one).
 */
int ca_rule_fill(const struct ca_rule *rule, const struct ca_claims *claims,
    struct ca_patterns *names, struct ca_patterns *common_names, struct ca_detail *why);

/* May a rule of an OIDC source rest on this claim, or does the bearer choose it, or is it the same
 * for everybody (aud, iss, exp, name, email …)? */
bool ca_claim_is_evidence(const char *name);

#endif
