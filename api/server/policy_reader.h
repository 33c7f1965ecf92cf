/*
 * What reads a policy document has in common: it knows where it is, and says of a value that it
 * refuses where that stands. For policy_*.c only.
 */
#ifndef API_SERVER_POLICY_READER_H
#define API_SERVER_POLICY_READER_H

#include <jansson.h>
#include <stdint.h>

#include "api/server/policy_document.h"
#include "ca/base/buf.h"

/* A place in the document: the way to it from the top, on the stack of who reads. */
struct server_policy_place {
	const struct server_policy_place *up; /* NULL: the document */
	const char *key;                      /* NULL: an array's element */
	size_t index;
};

struct server_policy_reader {
	const struct server_policy_context *context; /* NULL: a document on record */
	struct ca_document document;                 /* what was read so far */
	struct ca_buf pointer;                       /* to the value that is refused, whole */
	struct ca_detail *why;
};

/* Refuse the value at the place. Returns error. */
int server_policy_refuse(struct server_policy_reader *reader, const struct server_policy_place *at,
    int error, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Refuse it in the words that another function left in reader->why. CA_EPOLICY, unless error is a
 * CA_ENOMEM. */
int server_policy_refuse_as_said(
    struct server_policy_reader *reader, const struct server_policy_place *at, int error);

/* ---- an object's fields, from a table that ends at a NULL name ---- */

struct server_policy_field {
	const char *name;
	int (*read)(struct server_policy_reader *reader, const struct server_policy_place *at,
	    json_t *value, void *out);
};

/* Read every member with the field of its name; one without is refused. what: "a profile". */
int server_policy_read_object(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, const struct server_policy_field *fields,
    const char *what, void *out);

/* Read every element of an array of at most max. */
int server_policy_read_array(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, size_t max,
    int (*read)(struct server_policy_reader *reader, const struct server_policy_place *at,
	json_t *value, void *out),
    void *out);

/* ---- values ---- */

/* A string of min to max octets; borrowed from value. */
int server_policy_read_string(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, size_t min, size_t max, const char **out);

/* Such a string without control characters, copied. */
int server_policy_read_text(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, size_t max, char **out);

int server_policy_read_bool(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, bool *out);
int server_policy_read_int(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, int64_t min, int64_t max, int64_t *out);

/* A duration text from min to max seconds. */
int server_policy_read_duration(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, int64_t min, int64_t max, int64_t *out);

/* A name of a profile, a rule or a source: a-z, 0-9 and "-", not first or last, 63 octets at most.
 * what: "profile". */
int server_policy_check_name(struct server_policy_reader *reader,
    const struct server_policy_place *at, const char *name, const char *what);

/* An object of arrays of name patterns: dns, ip, uri, email. */
int server_policy_read_patterns(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, bool placeholders,
    struct ca_patterns *out);

/* An array of globs for common names. */
int server_policy_read_globs(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, bool placeholders,
    struct ca_patterns *out);

/* Can a pattern of any name that the tenant may have certified be granted at all? As far as that
 * can be told from its end; CA_ENAMEREFUSED with reader->why. */
int server_policy_check_constraints(
    struct server_policy_reader *reader, struct ca_pattern *pattern);

/* ---- the document's parts ---- */

/* Append to reader->document; the fields "profiles" and "rules". */
int server_policy_read_profiles(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *unused);
int server_policy_read_rules(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *unused);

#endif
