/*
 * The keys that an issuer signs with: a JSON Web Key Set (RFC 7517), of which only what was checked
 * here is kept. Immutable, and shared by references.
 */
#ifndef API_SERVER_JWKS_H
#define API_SERVER_JWKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/error.h"

#define SERVER_JWKS_TEXT_MAX (1u << 20)
#define SERVER_JWKS_KEYS_MAX 128
#define SERVER_JWK_ID_MAX 256 /* octets of a kid */

struct server_jwks;

/* Is this a signature algorithm that is taken from others: RSA and ECDSA with SHA-2, never "none",
 * never a MAC? */
bool server_jws_algorithm_ok(const char *alg);

/*
 * Check a set. Keys that are not fit to verify a signature are left out, as section 5 says: of
 * another type or use, with private members, RSA outside 2048 to 8192 bits or with a small
 * exponent. An empty set is one. CA_EFIELD: not a set.
 */
int server_jwks_create(const json_t *document, struct server_jwks **out, struct ca_detail *why);

/* The same from JSON text. */
int server_jwks_parse(
    const char *text, size_t len, struct server_jwks **out, struct ca_detail *why);

struct server_jwks *server_jwks_hold(struct server_jwks *jwks); /* NULL is fine */
void server_jwks_release(struct server_jwks *jwks);             /* NULL is fine */

size_t server_jwks_len(const struct server_jwks *jwks);

/*
 * The one key that fits the algorithm and has this id; kid NULL: the only one that fits. A JWK of
 * public members and nothing else, borrowed from the set. CA_EJWTKEY: none, or not just one.
 */
int server_jwks_find(const struct server_jwks *jwks, const char *alg, const char *kid,
    const json_t **out, struct ca_detail *why);

#endif
