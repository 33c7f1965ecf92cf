/*
 * The subject alternative names that Mica issues for (RFC 5280, section 4.2.1.6), in one canonical
 * spelling each: DNS   lower-case LDH labels (A-labels for IDNs), no trailing dot, at most 253
 * octets; a leading "*." is a wildcard IP    as inet_ntop() writes it (IPv4-mapped IPv6 becomes
 * IPv4) URI   scheme and authority in lower case, absolute, printable ASCII, at most 2048 octets
 *   EMAIL local part as given, domain in lower case
 * Two equal names have equal text. The text form of a list is a line each, "dns:web.internal",
 * "ip:10.0.0.1", "uri:spiffe://…", and is what the store keeps.
 */
#ifndef CA_BASE_NAMES_H
#define CA_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"

#define CA_NAMES_MAX 256 /* names in one list: a backstop above every profile's own limit */

enum ca_name_type { CA_NAME_DNS, CA_NAME_IP, CA_NAME_URI, CA_NAME_EMAIL };

struct ca_name {
	enum ca_name_type type;
	char *value; /* canonical, owned by the list */
};

struct ca_names {
	struct ca_name *v;
	size_t n;
};

#define CA_NAMES_INIT                                                                              \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * Check, canonicalise and append; a name already in the list is not added again and is no error.
 * value need not end in a NUL at len; a NUL inside is malformed. CA_ENAME, CA_ETOOMANYNAMES,
 * CA_ENOMEM; the list is unchanged on failure.
 */
int ca_names_add(struct ca_names *names, enum ca_name_type type, const char *value, size_t len,
    struct ca_detail *why);

/* An IP address from its 4 or 16 octets, as a certificate carries it. */
int ca_names_add_ip(
    struct ca_names *names, const unsigned char *octets, size_t len, struct ca_detail *why);

/* True when the canonical value stands in the list, letter for letter (a wildcard matches only
 * itself). */
bool ca_names_has(const struct ca_names *names, enum ca_name_type type, const char *value);

/* The first name of the type, or NULL. Borrowed. */
const char *ca_names_first(const struct ca_names *names, enum ca_name_type type);

/* Deep copy into *out, which must be empty. */
int ca_names_copy(const struct ca_names *names, struct ca_names *out);

/* The text form, and back. Text that Mica did not write: CA_ENAME. */
void ca_names_format(const struct ca_names *names, struct ca_buf *out);
int ca_names_parse(const char *text, struct ca_names *out);

/* "dns", "ip", "uri", "email". Static. */
const char *ca_name_type_text(enum ca_name_type type);

/* Free all; the list is empty and usable again. NULL is fine. */
void ca_names_free(struct ca_names *names);

#endif
