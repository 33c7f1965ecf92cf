#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/names.h"

#define DNS_MAX 253
#define LABEL_MAX 63
#define URI_MAX 2048
#define EMAIL_MAX 254
#define LOCAL_PART_MAX 64

static const char *const type_texts[] = { "dns", "ip", "uri", "email" };

const char *ca_name_type_text(enum ca_name_type type)
{
	return type_texts[type];
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One label of letters, digits and inner hyphens (RFC 1123, section 2.1). */
static bool label_ok(const char *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!alphanumeric(label[i]) && label[i] != '-')
			return false;
	return true;
}

static bool labels_ok(const char *name)
{
	for (;;) {
		size_t len = strcspn(name, ".");

		if (!label_ok(name, len))
			return false;
		if (!name[len])
			return true;
		name += len + 1;
	}
}

/* An all-digit last label would read as an IPv4 address (RFC 1123, section 2.1). */
static bool looks_like_address(const char *name)
{
	const char *last = strrchr(name, '.');

	last = last ? last + 1 : name;
	return last[strspn(last, "0123456789")] == '\0';
}

static bool canonical_dns(char *name)
{
	size_t len = strlen(name);

	for (char *p = name; *p; p++)
		*p = lower(*p);
	if (len && name[len - 1] == '.')
		name[--len] = '\0';
	if (len > DNS_MAX)
		return false;
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	return labels_ok(name) && !looks_like_address(name);
}

/* The canonical text of an address is never longer than its longest spelling, INET6_ADDRSTRLEN. */
static bool canonical_ip(const char *text, char out[INET6_ADDRSTRLEN])
{
	unsigned char octets[16];

	if (inet_pton(AF_INET, text, octets) == 1)
		return inet_ntop(AF_INET, octets, out, INET6_ADDRSTRLEN);
	if (inet_pton(AF_INET6, text, octets) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)octets))
		return inet_ntop(AF_INET, octets + 12, out, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, octets, out, INET6_ADDRSTRLEN);
}

/* An absolute URI of printable ASCII with an authority (RFC 3986, section 3); scheme and authority
 * become lower case. */
static bool canonical_uri(char *uri)
{
	size_t len = strlen(uri), scheme, authority;
	char *host;

	if (len > URI_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (uri[i] <= ' ' || uri[i] > '~' || strchr("\"<>\\^`{|}", uri[i]))
			return false;
	scheme = strcspn(uri, ":");
	for (size_t i = 0; i < scheme; i++) {
		uri[i] = lower(uri[i]);
		if (!alphanumeric(uri[i]) && (i == 0 || !strchr("+-.", uri[i])))
			return false;
	}
	if (scheme == 0 || (uri[0] >= '0' && uri[0] <= '9') || strncmp(uri + scheme, "://", 3) != 0)
		return false;
	host = uri + scheme + 3;
	authority = strcspn(host, "/?#");
	for (size_t i = 0; i < authority; i++)
		host[i] = lower(host[i]);
	return authority > 0;
}

static bool canonical_email(char *address)
{
	char *at = strrchr(address, '@');

	if (!at || at == address || at - address > LOCAL_PART_MAX || strlen(address) > EMAIL_MAX)
		return false;
	for (const char *p = address; p < at; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"(),:;<>@[\\]", *p))
			return false;
	return canonical_dns(at + 1) && at[1] != '*';
}

/* The canonical form, allocated; NULL with *r assigned. */
static char *canonical(enum ca_name_type type, const char *value, size_t len, int *r)
{
	char address[INET6_ADDRSTRLEN];
	char *copy;
	bool ok = false;

	*r = CA_ENAME;
	if (len == 0 || len > URI_MAX || memchr(value, '\0', len))
		return NULL;
	copy = strndup(value, len);
	if (!copy) {
		*r = CA_ENOMEM;
		return NULL;
	}
	switch (type) {
	case CA_NAME_DNS:
		ok = canonical_dns(copy);
		break;
	case CA_NAME_URI:
		ok = canonical_uri(copy);
		break;
	case CA_NAME_EMAIL:
		ok = canonical_email(copy);
		break;
	case CA_NAME_IP:
		ok = canonical_ip(copy, address);
		free(copy);
		if (!ok)
			return NULL;
		copy = strdup(address);
		*r = CA_ENOMEM;
		return copy;
	}
	if (!ok) {
		free(copy);
		return NULL;
	}
	return copy;
}

/* value is transferred, on failure freed. */
static int append(
    struct ca_names *names, enum ca_name_type type, char *value, struct ca_detail *why)
{
	struct ca_name *v;

	if (ca_names_has(names, type, value)) {
		free(value);
		return 0;
	}
	if (names->n == CA_NAMES_MAX) {
		free(value);
		return ca_refuse(why, CA_ETOOMANYNAMES, "more than %d names", CA_NAMES_MAX);
	}
	v = reallocarray(names->v, names->n + 1, sizeof(*v));
	if (!v) {
		free(value);
		return CA_ENOMEM;
	}
	names->v = v;
	names->v[names->n++] = (struct ca_name){ type, value }; /* transferred */
	return 0;
}

int ca_names_add(struct ca_names *names, enum ca_name_type type, const char *value, size_t len,
    struct ca_detail *why)
{
	int r;
	char *copy = canonical(type, value, len, &r);

	if (copy)
		return append(names, type, copy, why);
	return ca_refuse(
	    why, r, "not a %s name: %.*s", type_texts[type], (int)(len < 100 ? len : 100), value);
}

int ca_names_add_ip(
    struct ca_names *names, const unsigned char *octets, size_t len, struct ca_detail *why)
{
	char text[INET6_ADDRSTRLEN];

	if (len != 4 && len != 16)
		return ca_refuse(why, CA_ENAME, "an IP address of %zu octets", len);
	if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)))
		return CA_EINTERNAL;
	return ca_names_add(names, CA_NAME_IP, text, strlen(text), why);
}

bool ca_names_has(const struct ca_names *names, enum ca_name_type type, const char *value)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->v[i].type == type && strcmp(names->v[i].value, value) == 0)
			return true;
	return false;
}

const char *ca_names_first(const struct ca_names *names, enum ca_name_type type)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->v[i].type == type)
			return names->v[i].value;
	return NULL;
}

int ca_names_copy(const struct ca_names *names, struct ca_names *out)
{
	struct ca_names copy = CA_NAMES_INIT;
	int r = 0;

	for (size_t i = 0; i < names->n && !r; i++) {
		char *value = strdup(names->v[i].value);

		r = value ? append(&copy, names->v[i].type, value, NULL) : CA_ENOMEM;
	}
	if (r)
		ca_names_free(&copy);
	else
		*out = copy; /* transferred */
	return r;
}

void ca_names_format(const struct ca_names *names, struct ca_buf *out)
{
	for (size_t i = 0; i < names->n; i++)
		ca_buf_addf(
		    out, "%s%s:%s", i ? "\n" : "", type_texts[names->v[i].type], names->v[i].value);
}

/* One line, "type:value". */
static int parse_line(const char *line, size_t len, struct ca_names *out)
{
	for (size_t t = 0; t < sizeof(type_texts) / sizeof(*type_texts); t++) {
		size_t n = strlen(type_texts[t]);

		if (len > n && strncmp(line, type_texts[t], n) == 0 && line[n] == ':')
			return ca_names_add(
			    out, (enum ca_name_type)t, line + n + 1, len - n - 1, NULL);
	}
	return CA_ENAME;
}

int ca_names_parse(const char *text, struct ca_names *out)
{
	struct ca_names names = CA_NAMES_INIT;
	int r = 0;

	while (*text && !r) {
		size_t len = strcspn(text, "\n");

		r = parse_line(text, len, &names);
		text += len + (text[len] == '\n');
	}
	if (r)
		ca_names_free(&names);
	else
		*out = names; /* transferred */
	return r;
}

void ca_names_free(struct ca_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i].value);
	free(names->v);
	*names = (struct ca_names)CA_NAMES_INIT;
}
