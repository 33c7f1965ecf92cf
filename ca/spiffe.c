#include <string.h>

#include "ca/base/names.h"
#include "ca/constraints.h"
#include "ca/spiffe.h"

#define SCHEME "spiffe://"
#define ID_MAX 2048 /* SPIFFE-ID, section 2.3 */
#define TRUST_DOMAIN_OCTETS "abcdefghijklmnopqrstuvwxyz0123456789.-"
#define SEGMENT_OCTETS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

int ca_spiffe_trust_domain_check(const char *text, struct ca_detail *why)
{
	struct ca_names names = CA_NAMES_INIT;
	size_t len = strlen(text);
	int r = CA_ENAME;

	/* All in the canonical spelling already: no upper case, no dot at the end. */
	if (len && len < CA_TRUST_DOMAIN && strspn(text, TRUST_DOMAIN_OCTETS) == len &&
	    text[len - 1] != '.')
		r = ca_names_add(&names, CA_NAME_DNS, text, len, NULL);
	ca_names_free(&names);
	if (r == CA_ENAME)
		r = ca_refuse(why, CA_ENAME,
		    "not a trust domain (a DNS name in lower case, without underscore, port or "
		    "user): %.100s",
		    text);
	return r;
}

bool ca_spiffe_is_id(const char *uri)
{
	return strncmp(uri, "spiffe:", 7) == 0;
}

static bool is_segment(const char *segment, size_t len)
{
	return len > 0 && strspn(segment, SEGMENT_OCTETS) >= len &&
	       !(segment[0] == '.' && (len == 1 || (len == 2 && segment[1] == '.')));
}

int ca_spiffe_id_check(const char *uri, struct ca_detail *why)
{
	const char *host = uri + sizeof(SCHEME) - 1, *path;
	char domain[CA_TRUST_DOMAIN];
	size_t len;
	int r;

	if (strncmp(uri, SCHEME, sizeof(SCHEME) - 1) != 0 || strlen(uri) > ID_MAX)
		return ca_refuse(
		    why, CA_ENAME, "not a SPIFFE ID, or one over %d octets: %.100s", ID_MAX, uri);
	len = strcspn(host, "/");
	if (len >= sizeof(domain))
		return ca_refuse(why, CA_ENAME, "a trust domain over 255 octets: %.100s", host);
	memcpy(domain, host, len);
	domain[len] = '\0';
	r = ca_spiffe_trust_domain_check(domain, why);
	if (r)
		return r;
	path = host + len;
	do {
		path += *path == '/';
		len = strcspn(path, "/");
		if (!is_segment(path, len))
			return ca_refuse(why, CA_ENAME,
			    "the path of a workload's SPIFFE ID has segments of A-Z, a-z, 0-9, . - "
			    "and _, none empty, \".\" or \"..\", and no slash at its end: %.150s",
			    uri);
		path += len;
	} while (*path);
	return 0;
}
