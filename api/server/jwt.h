/*
 * A JWT (RFC 7519) that somebody else made, in JWS compact form (RFC 7515, section 7.1), as a
 * stranger's bearer token. Its header and claims are read strictly; nothing but what passed here
 * ever reaches libjose.
 */
#ifndef API_SERVER_JWT_H
#define API_SERVER_JWT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server/jwks.h"
#include "api/server/token.h"

#define SERVER_JWT_MAX SERVER_TOKEN_MAX /* octets: they share the room for headers */
#define SERVER_JWT_SKEW 60              /* seconds that iat and nbf may lie ahead of our clock */
#define SERVER_JWT_AUDIENCES_MAX 32
#define SERVER_JWT_SUBJECT_MAX 1024 /* octets */

/* Read, and of good form; not verified until server_jwt_verify() says so. */
struct server_jwt {
	json_t *jws;             /* the three parts, for libjose; owned */
	json_t *header, *claims; /* owned */
	const char *alg, *kid;   /* borrowed; kid is NULL when the header has none */
	const char *issuer, *subject;
	int64_t expires;
	int64_t issued, not_before; /* 0: not said */
};

/*
 * Three parts of unpadded base64url, at most SERVER_JWT_MAX octets; header and claims JSON objects
 * without a member twice. In the header alg (one that is taken), kid and typ, and nothing else:
 * CA_EJWTALGORITHM. The claims iss, sub, aud, exp, and, if they are there, nbf and iat, of the
 * right types: CA_ETOKEN. *out is to be cleared after success.
 */
int server_jwt_parse(const char *text, size_t len, struct server_jwt *out, struct ca_detail *why);
void server_jwt_clear(struct server_jwt *jwt);

/* The issuer that the token claims to be of, unverified: only good to find who can tell. Nothing
 * but the claim iss is looked at. CA_ETOKEN. */
int server_jwt_issuer(const char *text, size_t len, char *out, size_t size, struct ca_detail *why);

/* exp without grace; nbf and iat with SERVER_JWT_SKEW. CA_ETOKENEXPIRED, CA_ETOKENEARLY. */
int server_jwt_check_times(const struct server_jwt *jwt, int64_t now, struct ca_detail *why);

/* Is one of these among those that it was made for? CA_EJWTAUDIENCE. */
int server_jwt_check_audience(
    const struct server_jwt *jwt, const char *const *audiences, size_t len, struct ca_detail *why);

/* The signature. CA_EJWTKEY: no key of the set fits; CA_ETOKENSIGNATURE. */
int server_jwt_verify(
    const struct server_jwt *jwt, const struct server_jwks *jwks, struct ca_detail *why);

#endif
