/* Small conversions between octets and text: hexadecimal, base64url (RFC 4648), and whole numbers.
 */
#ifndef CA_BASE_TEXT_H
#define CA_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower-case hexadecimal of len octets; out has room for 2 * len + 1. */
void ca_hex(const void *data, size_t len, char *out);

/*
 * Octets from hexadecimal, as people write it: either case, colons or spaces between octets
 * allowed. out has room for max octets; *len is assigned on success. CA_EINVAL: something else in
 * it, an odd digit, or over max.
 */
int ca_unhex(const char *text, unsigned char *out, size_t max, size_t *len);

/* base64url without padding; out has room for (len * 4 + 2) / 3 + 1. */
void ca_base64url(const void *data, size_t len, char *out);

/* Octets from unpadded base64url of text_len characters. CA_EINVAL: something else in it, or over
 * max. */
int ca_unbase64url(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len);

/* A whole decimal number from min to max and nothing else. CA_EINVAL otherwise. */
int ca_parse_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* A copy; NULL stays NULL. CA_ENOMEM: *out is NULL. */
int ca_copy_text(const char *text, char **out);

/* True when text is NULL or "". */
bool ca_empty(const char *text);

#endif
