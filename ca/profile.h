/* A profile: what a certificate may look like, whoever asks. Pure policy. */
#ifndef CA_PROFILE_H
#define CA_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/names.h"
#include "ca/pattern.h"

#define CA_PROFILE_NAME 64 /* a-z, 0-9 and "-", 63 octets at most, and the NUL */
#define CA_PROFILE_LIFETIME_MAX (398 * CA_DAY)

struct ca_profile {
	char name[CA_PROFILE_NAME];
	unsigned key_types;       /* bits: 1u << enum ca_key_type */
	unsigned key_usage;       /* GNUTLS_KEY_*, of which a key that cannot encipher (EC, Ed25519)
				     gets no keyEncipherment */
	unsigned eku;             /* CA_EKU_*; exactly these go into the certificate */
	int64_t default_lifetime; /* seconds from the moment of issuance */
	int64_t max_lifetime;
	int renewal_point; /* percent of the lifetime after which renewal is due; 0: two thirds, or
			      half for a lifetime under ten days */
	int64_t grace;     /* seconds after the end in which it may still renew; -1: one lifetime, 7
			      days at most */
	size_t names_max;
	bool any_name; /* DNS, IP and URI names need not stand in names (e-mail always must) */
	struct ca_patterns names; /* owned, when the profile is */
	bool wildcards;           /* "*.web.internal" may be asked for */
	bool spiffe;  /* one SPIFFE ID is required, and nothing else but DNS names; then no CN */
	bool new_key; /* a renewal needs a new key */
	struct ca_patterns common_names; /* globs (type CA_NAME_DNS, matched by ca_glob_match()) of
					    what a CN may be that is no name of the certificate: a
					    PostgreSQL role. It is not repeated in the SAN */
	struct {
		char *organization, *organizational_unit; /* what a certificate's subject has beside
							     the CN; owned; NULL: not there */
	} subject;
	bool for_operators; /* the subject is an operator: a CN that is an operator's name, and no
			       subjectAltName */
};

/*
 * Ready-made: "service" (serverAuth and clientAuth), "server", "client", "database-server",
 * "database-client" (a CN that is a role, no SAN needed), "message-bus" (both usages; a CN that is
 * a user), "spiffe", and "operator" (clientAuth, 30 days). NULL for any other name. Static.
 */
const struct ca_profile *ca_profile_builtin(const char *name);

/* The ready-made ones in order; NULL behind the last. */
const struct ca_profile *ca_profile_builtin_at(size_t i);

/* What an absent field of a document's profile stands for: the builtin "service" without its name.
 */
int ca_profile_init(struct ca_profile *profile, const char *name);
int ca_profile_copy(const struct ca_profile *profile, struct ca_profile *out);
void ca_profile_clear(struct ca_profile *profile); /* NULL is fine */

#endif
