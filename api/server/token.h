/*
 * The enrolment token as it travels: a JWT (RFC 7519) in JWS compact form, HS256 with the
 * installation's own key, so that only this installation verifies it. What it grants stands in the
 * store's row; its claims tell the client where to go and what it will get.
 */
#ifndef API_SERVER_TOKEN_H
#define API_SERVER_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/installation.h"
#include "store/tokens.h"

#define SERVER_TOKEN_MAX 6144 /* octets of a JWT; libmicrohttpd has 8 KiB for all headers */
#define SERVER_TOKEN_SKEW 60  /* seconds that iat may lie ahead of our clock */

/* Append the JWT for a row. fingerprint: SHA-256 of the root's DER. */
int server_token_create(const struct ca_installation *installation, const char *public_url,
    const char *tenant, const struct store_token *row, const unsigned char fingerprint[CA_SHA256],
    struct ca_buf *out);

/* Has it the header that server_token_create() writes? */
bool server_token_is_ours(const char *jwt);

/*
 * Check form, signature and times; id is the row to look up. Only the exact header that
 * server_token_create() writes is taken, so no other algorithm, and no header parameter, ever
 * reaches the JOSE library. CA_ETOKEN, CA_ETOKENFOREIGN (made for another root),
 * CA_ETOKENSIGNATURE, CA_ETOKENEXPIRED, CA_ETOKENEARLY.
 */
int server_token_verify(const struct ca_installation *installation, const char *jwt, size_t len,
    int64_t now, char id[STORE_TOKEN_ID], struct ca_detail *why);

#endif
