/*
 * Bodies in: strict JSON objects, read field by field; every field must be known. And a few ways to
 * make JSON.
 */
#ifndef API_SERVER_JSON_H
#define API_SERVER_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"
#include "ca/base/names.h"

/*
 * Parse a body: one object, no key twice. CA_EBODYEMPTY, CA_EJSON, CA_EJSONTRAILING,
 * CA_EFIELDUNKNOWN (a key not among known, which is NULL-terminated). Free with json_decref().
 */
int server_json_parse(
    const struct ca_buf *body, const char *const *known, json_t **out, struct ca_detail *why);

/* A string field; absent or null: *out is NULL, or CA_EFIELDMISSING when it is required. Borrowed
 * from the object. */
int server_json_string(
    const json_t *object, const char *key, bool required, const char **out, struct ca_detail *why);

/* A whole number from min to max; absent: *out stays. */
int server_json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
    struct ca_detail *why);

/* A duration text ("24h"); absent: *out stays. */
int server_json_duration(
    const json_t *object, const char *key, int64_t *out, struct ca_detail *why);

/* The fields dns, ip and uri, arrays of strings, each may be absent. names must be empty and is,
 * after a failure, too. */
int server_json_names(const json_t *object, struct ca_names *names, struct ca_detail *why);

/* Append text as a JSON string; what is not printable ASCII is escaped, as if each octet were a
 * character of Latin-1. */
void server_json_quote(struct ca_buf *out, const char *text);

/* The names of one type, as an array. A new reference; NULL when out of memory. */
json_t *server_json_names_of(const struct ca_names *names, enum ca_name_type type);

/* A time as RFC 3339 text; 0 is null. A new reference. */
json_t *server_json_time(int64_t seconds);

/* Octets in hexadecimal. A new reference. */
json_t *server_json_hex(const unsigned char *data, size_t len);

#endif
