/* The decision whether and what to issue: a pure function, no clock, no store. */
#ifndef CA_POLICY_H
#define CA_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/names.h"
#include "ca/csr.h"
#include "ca/key.h"
#include "ca/profile.h"

#define CA_BACKDATE (5 * CA_MINUTE) /* notBefore stands this far before the moment of issuance */

/* All that a decision depends on. Everything is borrowed. */
struct ca_policy_request {
	const struct ca_profile *profile;
	const struct ca_csr *csr;
	const struct ca_names *granted;  /* names the requester may have; NULL: any that the profile
					    allows (an operator asks) */
	const struct ca_names *reserved; /* micad's own names; NULL: none */
	const unsigned char (*reserved_keys)[CA_SHA256]; /* SPKI hashes of our own keys */
	size_t reserved_keys_len;
	int64_t ttl; /* seconds asked for; 0: the profile's default */
	int64_t now;
	int64_t issuer_not_before, issuer_not_after;
};

/* What is to be issued. */
struct ca_grant {
	struct ca_names names; /* DNS, IP, URI for the subjectAltName, the CN among them when it is
				  a DNS name */
	char *common_name;  /* owned; NULL: empty subject, and the subjectAltName is critical (RFC
			       5280, section 4.2.1.6) */
	unsigned key_usage; /* GNUTLS_KEY_*: digitalSignature, for RSA keyEncipherment too */
	unsigned eku;
	int64_t not_before;  /* now - CA_BACKDATE, but not before the issuer's */
	int64_t not_after;   /* now + ttl */
	int64_t renew_after; /* a third of the lifetime before the end; half when the lifetime is
				under ten days */
};

void ca_grant_clear(struct ca_grant *grant);

/*
 * Decide. The names are the CSR's (SAN, and the CN when it is a DNS name), or, when the CSR names
 * none, all of granted. Each must stand in granted (when given), not be reserved, and be allowed by
 * the profile; a wildcard that covers a reserved name is reserved too. A CN that is an IP address
 * already in the SAN is fine; any other CN that is not a DNS name is CA_ESUBJECT. Errors:
 * CA_EKEYTYPE, CA_EKEYRESERVED, CA_ENAMEREFUSED, CA_ENAMERESERVED, CA_ENONAMES, CA_ETOOMANYNAMES,
 * CA_ESUBJECT, CA_ECSREXTENSION (a usage that the profile does not grant), CA_ETTL (under 5
 * minutes, or past the profile's longest), CA_EISSUERENDS, CA_ECLOCK (now is before the issuer's
 * notBefore), CA_ENAME (an operator's name).
 */
int ca_policy_evaluate(
    const struct ca_policy_request *request, struct ca_grant *out, struct ca_detail *why);

/* Does a name stand under another: equal, or the pattern "*.suffix" covers the value with one
 * label? */
bool ca_name_covers(const char *pattern, const char *value);

#endif
