/* New authorities, apart from recording them: `micad init` and every tenant made later begin with
 * some. */
#ifndef CA_AUTHORITY_DRAFT_H
#define CA_AUTHORITY_DRAFT_H

#include <stdint.h>

#include "ca/authority.h"
#include "ca/keyring.h"
#include "store/installation.h"

/* Everything is borrowed. */
struct ca_authority_plan {
	const char *name;  /* authorities.name: never another's */
	const char *title; /* the common name, but for a tag behind it that makes it distinct */
	const char *organization;
	int64_t tenant_id; /* 0: not known yet */
	enum store_authority_kind kind;
	int pathlen; /* -1: no limit */
	enum ca_key_type key_type;
	int64_t lifetime;
	const struct ca_constraints *constraints; /* NULL: none */
};

/*
 * A key and a certificate: self-signed when parent is NULL. *row (zeroed before) is filled for
 * store_authority_add() but for parent_id and sealed_key; *out is the authority opened, its ids as
 * in the row. CA_ECLOCK, CA_EISSUERENDS: the parent's lifetime.
 */
int ca_authority_draft(const struct ca_authority_plan *plan, const struct ca_authority *parent,
    const struct ca_urls *urls, int64_t now, struct store_authority *row,
    struct ca_authority **out);

/* Seal its key under the signing key of the row's tenant; row->sealed_key must be empty. */
int ca_authority_seal(
    const struct ca_keyring *ring, const struct ca_key *key, struct store_authority *row);

/* The type of a CA's key: what is given, or with CA_KEY_NONE the standard. CA_EINVAL: a type that
 * not every verifier takes. */
int ca_authority_key_type(enum ca_key_type given, enum ca_key_type standard, enum ca_key_type *out,
    struct ca_detail *why);

/* How long a root and the issuer below it live; 0 is filled in: 10 and 3 years. CA_EINVAL: under a
 * day, over 100 years, or an issuer that outlives its root. */
int ca_authority_lifetimes(int64_t *root, int64_t *issuer, struct ca_detail *why);

#endif
