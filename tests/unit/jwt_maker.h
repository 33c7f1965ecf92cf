/* JWTs as others make them, good and bad, with keys made at test time. Each call fails the test on
 * error. */
#ifndef TESTS_JWT_MAKER_H
#define TESTS_JWT_MAKER_H

#include <jansson.h>
#include <stddef.h>

#define JWT_NOW 1800000000 /* what the tests take for the time */

/* A new private JWK for the algorithm, with this kid (NULL: none). */
json_t *jwt_key(const char *alg, const char *kid);

/* Its public half, without the names of operations and algorithm that libjose adds. */
json_t *jwt_public(const json_t *key);

/* {"keys": […]} of the public halves; ends at NULL. */
json_t *jwt_set(const json_t *key, ...) __attribute__((sentinel));

/* Header and claims as they are written, signed with the key; claims may be NULL: good ones for the
 * audience "ca". To be freed. */
char *jwt_make(const char *header, const char *claims, const json_t *key);

/* The same without a true signature: this one, in base64url already. */
char *jwt_forge(const char *header, const char *claims, const char *signature);

#endif
