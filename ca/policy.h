/* The decision whether and what to issue: a pure function, no clock, no store. */
#ifndef CA_POLICY_H
#define CA_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/names.h"
#include "ca/constraints.h"
#include "ca/csr.h"
#include "ca/key.h"
#include "ca/pattern.h"
#include "ca/profile.h"

struct ca_ceiling; /* ca/tenant_policy.h */

#define CA_BACKDATE (5 * CA_MINUTE) /* notBefore stands this far before the moment of issuance */

/* All that a decision depends on. Everything is borrowed. */
struct ca_policy_request {
	const struct ca_profile *profile;
	const struct ca_csr *csr;
	const struct ca_constraints *constraints; /* the tenant's; NULL: none (an operator's
						     certificate) */
	const struct ca_ceiling *ceiling;         /* the tenant's; NULL: none */
	const struct ca_names *granted;     /* names the requester may have (a token's); NULL: any
					       that the profile allows (an operator asks) */
	const struct ca_patterns *patterns; /* the same as patterns (a rule's, filled: somebody from
					       outside asks); NULL: none. Given both, a name must
					       fit both */
	const struct ca_patterns *common_names; /* globs: what a CN may be that is no name, beside
						   what the profile says (a token's, a rule's);
						   NULL: the profile alone says it (an operator
						   asks) */
	bool no_wildcards;                      /* beside what the profile says */
	size_t *effort; /* what comparing may still take (ca/pattern.h); NULL: CA_EFFORT_MAX */
	const struct ca_names *reserved;                 /* micad's own names; NULL: none */
	const unsigned char (*reserved_keys)[CA_SHA256]; /* SPKI hashes of our own keys */
	size_t reserved_keys_len;
	int64_t ttl; /* seconds asked for; 0: the profile's default, cut by the ceiling */
	int64_t now;
	int64_t issuer_not_before, issuer_not_after;
};

/* What is to be issued. */
struct ca_grant {
	struct ca_names names; /* for the subjectAltName, the CN among them when it is a DNS name */
	char *organization, *organizational_unit; /* of the subject; owned; NULL: not there */
	char *common_name;  /* owned; NULL: none; with no organization either the subject is empty,
			       and the subjectAltName critical (RFC 5280, section 4.2.1.6) */
	unsigned key_usage; /* GNUTLS_KEY_*: the profile's, as far as they suit the key */
	unsigned eku;
	int64_t not_before;  /* now - CA_BACKDATE, but not before the issuer's */
	int64_t not_after;   /* now + ttl */
	int64_t renew_after; /* see struct ca_profile */
};

void ca_grant_clear(struct ca_grant *grant);

/*
 * Decide. The names are the CSR's (SAN, and the CN when it is a DNS name), or, when the CSR names
 * nothing, all of granted, or all of patterns that are names. Each must be allowed by the profile,
 * stand in granted or fit patterns, not be reserved, and be within the constraints; a wildcard that
 * covers a reserved name is reserved too. A SPIFFE ID must be of the tenant's trust domain, the
 * only URI, and the profile's usages must suit it.
 *
 * A CN is a DNS name, or an IP address that is in the SAN already, or else a text that fits the
 * profile's common_names, and the ceiling's CA_ALLOW_COMMON_NAME: letters, digits, space and
 * "_-.()", at most 64, nothing that a peer could take for a host, an address or a URI. One label of
 * a DNS name ("app") is such a text when the profile's only usage is clientAuth, for no peer looks
 * for a host's name there. Such a CN must be granted like a name is: common_names of the profile
 * and of the permission.
 *
 * Errors: CA_EKEYTYPE (or a key for which no usage is left), CA_EKEYRESERVED, CA_ENAMEREFUSED,
 * CA_ENAMERESERVED, CA_ENONAMES, CA_ETOOMANYNAMES (also for all that they are to be compared with),
 * CA_ESUBJECT, CA_ECSREXTENSION (a usage that the
 * profile does not grant), CA_ETTL (under 5 minutes, or past the profile's or the ceiling's
 * longest), CA_EISSUERENDS, CA_ECLOCK (now is before the issuer's notBefore), CA_ENAME (an
 * operator's name).
 */
int ca_policy_evaluate(
    const struct ca_policy_request *request, struct ca_grant *out, struct ca_detail *why);

/*
 * Could somebody have these names with the profile, within constraints, ceiling and what is
 * reserved (of the request nothing else is looked at)? For who makes a permission: what can never
 * be granted is better heard of then. CA_ENAMEREFUSED, CA_ENAMERESERVED, CA_ETOOMANYNAMES.
 */
int ca_policy_check_names(
    const struct ca_policy_request *request, const struct ca_names *names, struct ca_detail *why);

/* Does a name stand under another: equal, or the pattern "*.suffix" covers the value with one
 * label? */
bool ca_name_covers(const char *pattern, const char *value);

#endif
