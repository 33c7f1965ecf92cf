/* SPIFFE IDs (SPIFFE-ID, section 2): trust domains and the URIs in X.509-SVIDs. */
#ifndef CA_SPIFFE_H
#define CA_SPIFFE_H

#include <stdbool.h>

#include "ca/base/error.h"

/*
 * A trust domain that we issue for: a-z, 0-9, "." and "-"; no underscore, which SPIFFE allows,
 * since Java refuses it in name constraints; a DNS name in form, so that it can stand there.
 * CA_ENAME.
 */
int ca_spiffe_trust_domain_check(const char *text, struct ca_detail *why);

/* Does the URI have the scheme spiffe? */
bool ca_spiffe_is_id(const char *uri);

/*
 * A workload's ID: a trust domain, a path of at least one segment of a-z, A-Z, 0-9, ".", "-" and
 * "_", none empty, "." or ".."; no port, user, query, fragment, percent-encoding or trailing slash;
 * at most 2048 octets. CA_ENAME with *why.
 */
int ca_spiffe_id_check(const char *uri, struct ca_detail *why);

#endif
