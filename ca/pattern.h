/*
 * Patterns for names, as profiles, rules and tenants give them, in one canonical spelling each:
 * DNS    "db.internal" exactly that; a "*" within a label stands for any run of its characters (a
 *        label of "*" alone for one label), and a leading "**." for one or more labels:
 *        "*.web.internal", "api-*.internal", "**.svc.cluster.local"; "**" alone for any name
 * IP     an address, or a range in CIDR form (RFC 4632): "10.0.0.0/8", "2001:db8::/32"; "0.0.0.0/0"
 *        and "::/0" for all
 * URI    exactly that; behind scheme and authority, which are literal, "*" stands for any run of
 *        characters without a slash, "**" for any run: "spiffe://example.org/ns/payments/sa/api-*".
 *        A name with a percent sign, or with "." or ".." for a segment, fits no star
 * EMAIL  "ops@example.org", "*@example.org"; stars in the local part only
 * A wildcard name ("*.web.internal") is matched by a pattern that covers all it stands for; whether
 * wildcards are wanted at all is decided elsewhere (struct ca_profile, struct ca_rule).
 */
#ifndef CA_PATTERN_H
#define CA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/base/names.h"

#define CA_PATTERNS_MAX 256 /* in one list */
#define CA_GLOB_LENGTH_MAX 64
#define CA_PATTERN_LENGTH_MAX 512 /* octets */

struct ca_pattern {
	enum ca_name_type type;
	char *text; /* canonical, or, with placeholders, as given; owned by the list */
};

struct ca_patterns {
	struct ca_pattern *v;
	size_t n;
};

/*
 * Check, canonicalise and append. With placeholders true, "{claim}" may stand for a whole DNS label
 * or a part of one, or for a part of a URI's path (never of its scheme or authority) or of an
 * e-mail's local part; a claim's name is of a-z, 0-9 and _. Between two placeholders, and between
 * one and a star, something must stand that no claim may bring (anything but letters, digits, "-"
 * and "_"): with "{ns}-{sa}" the account c of the namespace a-b would be b-c of a, and "{ns}-*"
 * would give a the names of a-b. A pattern that is there already is not added again. CA_ENAME (with
 * *why), CA_ETOOMANYNAMES, CA_ENOMEM; the list is unchanged on failure.
 */
int ca_patterns_add(struct ca_patterns *patterns, enum ca_name_type type, const char *text,
    size_t len, bool placeholders, struct ca_detail *why);

/*
 * The same for a glob over a text that is no name (a common name): 1 to CA_GLOB_LENGTH_MAX
 * printable octets, "*" for any run of them; kept with the type CA_NAME_DNS, and matched by
 * ca_glob_match(). A placeholder stands apart from the next one, and from a star, by something that
 * no claim could bring: none of a-z, 0-9 and "-".
 */
int ca_patterns_add_glob(struct ca_patterns *patterns, const char *text, size_t len,
    bool placeholders, struct ca_detail *why);

int ca_patterns_copy(const struct ca_patterns *patterns, struct ca_patterns *out);
void ca_patterns_free(struct ca_patterns *patterns); /* NULL is fine */

/*
 * Steps that comparisons for one decision may take, of some nanoseconds each: both sides are chosen
 * by strangers, who could make hours of them. When none is left, nothing fits any more.
 */
#define CA_EFFORT_MAX ((size_t)1 << 26)

/* Take steps off what is left (NULL: there is no bound). False: they are not to be had. */
bool ca_effort_take(size_t *effort, size_t steps);

/* Does the canonical name fit one of the patterns (without placeholders)? In time linear in the
 * product of their lengths, whatever the stars. */
bool ca_patterns_match(const struct ca_patterns *patterns, const struct ca_name *name);
bool ca_patterns_match_within(
    const struct ca_patterns *patterns, const struct ca_name *name, size_t *effort);

/* The patterns that are names, without a star, appended to names. */
int ca_patterns_literals(const struct ca_patterns *patterns, struct ca_names *names);

/* Does a text of any kind (a claim, a common name) fit a glob, in which "*" is any run of octets?
 */
bool ca_glob_match(const char *glob, const char *text);
bool ca_glob_match_within(const char *glob, const char *text, size_t *effort);

#endif
