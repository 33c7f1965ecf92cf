#include <stdio.h>
#include <string.h>

#include "ca/certificate.h"
#include "ca/constraints.h"
#include "ca/spiffe.h"

#define HOST_MAX 253

void ca_constraints_clear(struct ca_constraints *constraints)
{
	if (!constraints)
		return;
	ca_names_free(&constraints->dns);
	ca_patterns_free(&constraints->ip);
	constraints->trust_domain[0] = '\0';
}

bool ca_constraints_any(const struct ca_constraints *constraints)
{
	return constraints->dns.n || constraints->ip.n || constraints->trust_domain[0];
}

/* ---- names ---- */

/* Is the name the suffix or below it? A wildcard is below what all its names are below. */
static bool is_below(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	if (len < suffix_len || strcmp(name + len - suffix_len, suffix) != 0)
		return false;
	return len == suffix_len || name[len - suffix_len - 1] == '.';
}

static bool is_permitted_host(const struct ca_constraints *constraints, const char *name)
{
	for (size_t i = 0; i < constraints->dns.n; i++)
		if (is_below(name, constraints->dns.v[i].value))
			return true;
	return constraints->dns.n == 0;
}

/* The host of a URI, which must be a plain name: who reads user, brackets or percent signs
 * otherwise than we do would see another one. */
static bool get_host(const char *uri, char host[HOST_MAX + 1])
{
	const char *start = strstr(uri, "://");
	size_t len, authority;

	if (!start)
		return false;
	start += 3;
	authority = strcspn(start, "/?#");
	len = strspn(start, "abcdefghijklmnopqrstuvwxyz0123456789.-");
	if (len == 0 || len > HOST_MAX || len > authority)
		return false;
	if (len < authority &&
	    (start[len] != ':' || strspn(start + len + 1, "0123456789") != authority - len - 1))
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	return true;
}

static int check_spiffe_id(
    const struct ca_constraints *constraints, const char *uri, struct ca_detail *why)
{
	const char *domain = constraints->trust_domain;
	size_t len = strlen(domain);
	int r;

	if (!len)
		return ca_refuse(why, CA_ENAMEREFUSED,
		    "the tenant has no trust domain, so there is no SPIFFE ID in it: %.150s", uri);
	r = ca_spiffe_id_check(uri, why);
	if (r)
		return r == CA_ENAME ? CA_ENAMEREFUSED : r;
	uri += strlen("spiffe://");
	if (strncmp(uri, domain, len) != 0 || uri[len] != '/')
		return ca_refuse(why, CA_ENAMEREFUSED,
		    "the tenant's trust domain is %.100s, not that of spiffe://%.100s", domain,
		    uri);
	return 0;
}

static int check_uri(
    const struct ca_constraints *constraints, const char *uri, struct ca_detail *why)
{
	char host[HOST_MAX + 1];

	if (ca_spiffe_is_id(uri))
		return check_spiffe_id(constraints, uri, why);
	if (!constraints->trust_domain[0] && constraints->dns.n == 0)
		return 0;
	if (get_host(uri, host) &&
	    (constraints->trust_domain[0] ? strcmp(host, constraints->trust_domain) == 0
					  : is_permitted_host(constraints, host)))
		return 0;
	return ca_refuse(
	    why, CA_ENAMEREFUSED, "the host of uri:%.150s is outside of what the tenant has", uri);
}

int ca_constraints_check(
    const struct ca_constraints *constraints, const struct ca_name *name, struct ca_detail *why)
{
	bool permitted = true;

	switch (name->type) {
	case CA_NAME_DNS:
		permitted = is_permitted_host(constraints, name->value);
		break;
	case CA_NAME_IP:
		permitted =
		    !ca_constraints_any(constraints) || ca_patterns_match(&constraints->ip, name);
		break;
	case CA_NAME_URI:
		return check_uri(constraints, name->value, why);
	case CA_NAME_EMAIL:
		break;
	}
	return permitted
		   ? 0
		   : ca_refuse(why, CA_ENAMEREFUSED, "%s:%.200s is outside of what the tenant has",
			 ca_name_type_text(name->type), name->value);
}

/* ---- the extension ---- */

typedef int add_function(gnutls_x509_name_constraints_t constraints,
    gnutls_x509_subject_alt_name_t type, const gnutls_datum_t *name);

static int add_text(
    gnutls_x509_name_constraints_t nc, gnutls_x509_subject_alt_name_t type, const char *text)
{
	char copy[CA_TRUST_DOMAIN];
	const gnutls_datum_t name = { (unsigned char *)copy, (unsigned)strlen(text) };

	if (strlen(text) >= sizeof(copy))
		return GNUTLS_E_INVALID_REQUEST;
	memcpy(copy, text, strlen(text) + 1);
	return gnutls_x509_name_constraints_add_permitted(nc, type, &name);
}

static int add_range(gnutls_x509_name_constraints_t nc, const char *text, add_function *add)
{
	char cidr[64];
	gnutls_datum_t range = { NULL, 0 };
	int g;

	snprintf(cidr, sizeof(cidr), "%s%s", text,
	    strchr(text, '/')   ? ""
	    : strchr(text, ':') ? "/128"
				: "/32");
	g = gnutls_x509_cidr_to_rfc5280(cidr, &range);
	if (g >= 0)
		g = add(nc, GNUTLS_SAN_IPADDRESS, &range);
	gnutls_free(range.data);
	return g;
}

/*
 * No range: all addresses are excluded. Ranges of one family only: GnuTLS holds the other one for
 * unrestricted, and Java compares addresses of one family with an excluded 0.0.0.0/0 or ::/0 of the
 * other, and refuses certificates that it should take. So the other family is restricted, too, to
 * the one address that nobody has. (0.0.0.0 and :: are not granted by that:
 * ca_constraints_check().)
 */
static int add_ranges(gnutls_x509_name_constraints_t nc, const struct ca_patterns *ranges)
{
	bool v4 = false, v6 = false;
	int g = 0;

	for (size_t i = 0; i < ranges->n && g >= 0; i++) {
		if (strchr(ranges->v[i].text, ':'))
			v6 = true;
		else
			v4 = true;
		g = add_range(nc, ranges->v[i].text, gnutls_x509_name_constraints_add_permitted);
	}
	if (g >= 0 && !v4)
		g = v6 ? add_range(nc, "0.0.0.0/32", gnutls_x509_name_constraints_add_permitted)
		       : add_range(nc, "0.0.0.0/0", gnutls_x509_name_constraints_add_excluded);
	if (g >= 0 && !v6)
		g = v4 ? add_range(nc, "::/128", gnutls_x509_name_constraints_add_permitted)
		       : add_range(nc, "::/0", gnutls_x509_name_constraints_add_excluded);
	return g;
}

int ca_constraints_set(gnutls_x509_crt_t crt, const struct ca_constraints *constraints)
{
	gnutls_x509_name_constraints_t nc = NULL;
	int g;

	if (!ca_constraints_any(constraints))
		return 0;
	g = gnutls_x509_name_constraints_init(&nc);
	for (size_t i = 0; i < constraints->dns.n && g >= 0; i++)
		g = add_text(nc, GNUTLS_SAN_DNSNAME, constraints->dns.v[i].value);
	if (g >= 0 && constraints->trust_domain[0])
		g = add_text(nc, GNUTLS_SAN_URI, constraints->trust_domain);
	if (g >= 0)
		g = add_ranges(nc, &constraints->ip);
	if (g >= 0)
		g = gnutls_x509_crt_set_name_constraints(crt, nc, 1);
	gnutls_x509_name_constraints_deinit(nc);
	return g < 0 ? ca_certificate_failed("write name constraints", g) : 0;
}
