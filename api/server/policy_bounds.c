/* Patterns that lie wholly outside the tenant's bounds, and so could never be granted. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/server/policy_reader.h"

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return k <= n && strcasecmp(text + n - k, end) == 0;
}

/* What stands behind the last star or placeholder. */
static const char *fixed_end(const char *pattern)
{
	const char *star = strrchr(pattern, '*'), *brace = strrchr(pattern, '}');
	const char *last = !star || (brace && brace > star) ? brace : star;

	return last ? last + 1 : pattern;
}

/* Could a name with this end stand below the suffix, or be it? Both are compared with a dot before
 * them, so that labels are compared whole. */
static bool end_meets(const char *end, const char *suffix)
{
	char dotted[1 + 256];

	if (snprintf(dotted, sizeof(dotted), ".%s", suffix) >= (int)sizeof(dotted))
		return true;
	return ends_with(end, dotted) || ends_with(dotted, end);
}

static int check_dns(
    const struct ca_constraints *constraints, const char *pattern, struct ca_detail *why)
{
	const char *end = fixed_end(pattern);

	if (!constraints->dns.n)
		return 0;
	for (size_t i = 0; i < constraints->dns.n; i++)
		if (end_meets(end, constraints->dns.v[i].value))
			return 0;
	return ca_refuse(why, CA_ENAMEREFUSED,
	    "%.150s lies outside the tenant's DNS suffixes: nothing could be granted by it",
	    pattern);
}

/* Two ranges meet when one holds the other's first address. */
static bool ranges_meet(struct ca_pattern *one, struct ca_pattern *other)
{
	const struct ca_patterns list = { .v = one, .n = 1 };
	char first[64];
	struct ca_name name = { .type = CA_NAME_IP, .value = first };
	size_t len = strcspn(other->text, "/");

	if (len >= sizeof(first))
		return false;
	memcpy(first, other->text, len);
	first[len] = '\0';
	return ca_patterns_match(&list, &name);
}

static int check_ip(
    const struct ca_constraints *constraints, struct ca_pattern *pattern, struct ca_detail *why)
{
	if (!ca_constraints_any(constraints))
		return 0;
	for (size_t i = 0; i < constraints->ip.n; i++)
		if (ranges_meet(&constraints->ip.v[i], pattern) ||
		    ranges_meet(pattern, &constraints->ip.v[i]))
			return 0;
	return ca_refuse(why, CA_ENAMEREFUSED,
	    "%.64s lies outside the tenant's IP ranges: nothing could be granted by it",
	    pattern->text);
}

/* Scheme and authority of a URI pattern are literal: they decide, whatever path follows. */
static int check_uri(
    const struct ca_constraints *constraints, const char *pattern, struct ca_detail *why)
{
	const char *authority = strstr(pattern, "://");
	struct ca_buf uri = CA_BUF_INIT;
	struct ca_names names = CA_NAMES_INIT;
	int r;

	if (!authority)
		return 0;
	authority += 3;
	ca_buf_add(&uri, pattern, (size_t)(authority - pattern) + strcspn(authority, "/?#*{"));
	ca_buf_add_str(&uri, "/x");
	r = ca_buf_error(&uri);
	if (!r)
		r = ca_names_add(&names, CA_NAME_URI, ca_buf_text(&uri), uri.len, why);
	if (!r)
		r = ca_constraints_check(constraints, &names.v[0], why);
	ca_names_free(&names);
	ca_buf_free(&uri);
	return r;
}

int server_policy_check_constraints(struct server_policy_reader *reader, struct ca_pattern *pattern)
{
	const struct ca_constraints *constraints =
	    reader->context ? reader->context->constraints : NULL;
	const struct ca_name name = { .type = pattern->type, .value = pattern->text };

	if (!constraints)
		return 0;
	switch (pattern->type) {
	case CA_NAME_DNS:
		return strpbrk(pattern->text, "*{")
			   ? check_dns(constraints, pattern->text, reader->why)
			   : ca_constraints_check(constraints, &name, reader->why);
	case CA_NAME_IP:
		return check_ip(constraints, pattern, reader->why);
	case CA_NAME_URI:
		return check_uri(constraints, pattern->text, reader->why);
	default:
		return 0;
	}
}
