/*
 * What a tenant may have certified at all: the second wall behind its policy. In its issuer's
 * certificate it stands as critical name constraints (RFC 5280, section 4.2.1.10), and since
 * verifiers differ in what they make of those, it is checked here for every form, too.
 */
#ifndef CA_CONSTRAINTS_H
#define CA_CONSTRAINTS_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/base/names.h"
#include "ca/pattern.h"

#define CA_TRUST_DOMAIN 256 /* 255 octets, and the NUL (SPIFFE-ID, section 2.1) */

/*
 * Nothing given: no constraint, but SPIFFE IDs need a trust domain of the tenant's own. Something
 * given: DNS names must stand below one of dns (or be it), when there are any; addresses must be in
 * one of ip, and none is allowed when that is empty; URIs must have the trust domain for their host
 * when there is one.
 */
struct ca_constraints {
	struct ca_names dns;                /* suffixes: DNS names without a wildcard */
	struct ca_patterns ip;              /* ranges */
	char trust_domain[CA_TRUST_DOMAIN]; /* "": none */
};

void ca_constraints_clear(struct ca_constraints *constraints); /* NULL is fine */
bool ca_constraints_any(const struct ca_constraints *constraints);

/* CA_ENAMEREFUSED with *why. The name is canonical. */
int ca_constraints_check(
    const struct ca_constraints *constraints, const struct ca_name *name, struct ca_detail *why);

/*
 * Set the extension, critical, when anything is constrained: permitted DNS and URI, permitted IP
 * ranges (of a family that has none, only its unspecified address), or all addresses excluded.
 * Never directory names or e-mail.
 */
int ca_constraints_set(gnutls_x509_crt_t crt, const struct ca_constraints *constraints);

#endif
