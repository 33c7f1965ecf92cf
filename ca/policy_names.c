#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/policy_names.h"
#include "ca/spiffe.h"
#include "ca/tenant_policy.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool ca_name_covers(const char *pattern, const char *value)
{
	const char *dot;

	if (strcasecmp(pattern, value) == 0)
		return true;
	if (strncmp(pattern, "*.", 2) != 0)
		return false;
	dot = strchr(value, '.');
	return dot && dot != value && strcasecmp(pattern + 1, dot) == 0;
}

static bool within_ceiling(const struct ca_policy_request *request, unsigned bit)
{
	return !request->ceiling || (request->ceiling->allowed & bit);
}

/* ---- one name ---- */

/* Reserved: equal to a reserved name, covered by one, or a wildcard that covers one. */
static bool is_reserved(const struct ca_name *name, const struct ca_names *reserved)
{
	for (size_t i = 0; reserved && i < reserved->n; i++) {
		const struct ca_name *r = &reserved->v[i];

		if (r->type != name->type)
			continue;
		if (strcmp(r->value, name->value) == 0)
			return true;
		if (name->type == CA_NAME_DNS && (ca_name_covers(name->value, r->value) ||
						     ca_name_covers(r->value, name->value)))
			return true;
	}
	return false;
}

static int check_profile(
    const struct ca_policy_request *request, const struct ca_name *name, struct ca_detail *why)
{
	const struct ca_profile *profile = request->profile;
	bool email = name->type == CA_NAME_EMAIL;

	if (email && !within_ceiling(request, CA_ALLOW_EMAIL))
		return ca_refuse(
		    why, CA_ENAMEREFUSED, "the tenant's ceiling does not allow e-mail names");
	if (email && strchr(name->value, '*'))
		return ca_refuse(
		    why, CA_ENAMEREFUSED, "an e-mail name with a star in it: %.200s", name->value);
	if (!(profile->any_name && !email) &&
	    !ca_patterns_match_within(&profile->names, name, request->effort))
		return ca_refuse(why, CA_ENAMEREFUSED, "the profile %s does not allow %s:%.150s",
		    profile->name, ca_name_type_text(name->type), name->value);
	return 0;
}

static int check_wildcard(
    const struct ca_policy_request *request, const struct ca_name *name, struct ca_detail *why)
{
	const char *who = NULL;

	if (name->type != CA_NAME_DNS || !strchr(name->value, '*'))
		return 0;
	if (!request->profile->wildcards)
		who = "profile";
	else if (request->no_wildcards)
		who = "rule";
	else if (!within_ceiling(request, CA_ALLOW_WILDCARDS))
		who = "tenant's ceiling";
	return who ? ca_refuse(why, CA_ENAMEREFUSED, "the %s does not allow wildcards: %.200s", who,
			 name->value)
		   : 0;
}

static int check_name(
    const struct ca_policy_request *request, const struct ca_name *name, struct ca_detail *why)
{
	int r = check_profile(request, name, why);

	if (!r)
		r = check_wildcard(request, name, why);
	if (r)
		return r;
	if (is_reserved(name, request->reserved))
		return ca_refuse(
		    why, CA_ENAMERESERVED, "%.200s is reserved for the CA itself", name->value);
	if ((request->granted && !ca_names_has(request->granted, name->type, name->value)) ||
	    (request->patterns &&
		!ca_patterns_match_within(request->patterns, name, request->effort)))
		return ca_refuse(why, CA_ENAMEREFUSED, "%s:%.200s is not granted",
		    ca_name_type_text(name->type), name->value);
	return request->constraints ? ca_constraints_check(request->constraints, name, why) : 0;
}

int ca_policy_check_names(
    const struct ca_policy_request *request, const struct ca_names *names, struct ca_detail *why)
{
	size_t effort = CA_EFFORT_MAX;
	const struct ca_policy_request bounded = {
		.profile = request->profile,
		.constraints = request->constraints,
		.ceiling = request->ceiling,
		.reserved = request->reserved,
		.effort = &effort,
	};
	int r = 0;

	if (names->n > request->profile->names_max)
		return ca_refuse(why, CA_ETOOMANYNAMES, "%zu names; the profile %s allows %zu",
		    names->n, request->profile->name, request->profile->names_max);
	for (size_t i = 0; i < names->n && !r; i++)
		r = check_name(&bounded, &names->v[i], why);
	return r;
}

/* ---- the CN ---- */

/* Can nobody take it for anything but a text? */
static bool is_free_text(const char *cn)
{
	size_t len = strlen(cn);

	if (len == 0 || len > CA_POLICY_CN_MAX || strspn(cn, LETTERS " _-.()") != len)
		return false;
	if (cn[0] == ' ' || cn[len - 1] == ' ')
		return false;
	/* Hosts, also those that no DNS name here may be like ("a_b.internal", "10.0.0"), and
	 * addresses as a number. */
	if (strchr(cn, '.') && strspn(cn, LETTERS "_-.") == len)
		return false;
	return strspn(cn, "0123456789") != len;
}

static bool fits_one(const struct ca_patterns *globs, const char *cn, size_t *effort)
{
	for (size_t i = 0; i < globs->n; i++)
		if (ca_glob_match_within(globs->v[i].text, cn, effort))
			return true;
	return false;
}

static bool fits_globs(const struct ca_policy_request *request, const char *cn)
{
	return fits_one(&request->profile->common_names, cn, request->effort) &&
	       (!request->common_names || fits_one(request->common_names, cn, request->effort));
}

static bool is_reserved_text(const char *cn, const struct ca_names *reserved)
{
	for (size_t i = 0; reserved && i < reserved->n; i++)
		if (ca_name_covers(reserved->v[i].value, cn))
			return true;
	return false;
}

static int take_free_text(const struct ca_policy_request *request, const char *cn,
    struct ca_grant *grant, struct ca_detail *why)
{
	if (!is_free_text(cn) || !fits_globs(request, cn))
		return ca_refuse(why, CA_ESUBJECT,
		    "the common name is neither a DNS name, nor an address in the subjectAltName, "
		    "nor one that the profile %s and the permission allow: %.100s",
		    request->profile->name, cn);
	if (!within_ceiling(request, CA_ALLOW_COMMON_NAME))
		return ca_refuse(why, CA_ESUBJECT,
		    "the tenant's ceiling does not allow a common name that is no name of the "
		    "certificate: %.100s",
		    cn);
	if (is_reserved_text(cn, request->reserved))
		return ca_refuse(why, CA_ENAMERESERVED, "%s is reserved for the CA itself", cn);
	grant->common_name = strdup(cn);
	return grant->common_name ? 0 : CA_ENOMEM;
}

/* A text that is also one label of a DNS name, where it can only be a client's. */
static bool is_label_of_a_client(const struct ca_policy_request *request, const char *cn)
{
	return request->profile->eku == CA_EKU_CLIENT_AUTH && !strchr(cn, '.') &&
	       is_free_text(cn) && fits_globs(request, cn);
}

/*
 * An address that the names have already, or a DNS name that is added to them (RFC 9525, section 2:
 * a peer looks for names in the subjectAltName only).
 */
static int take_name(const struct ca_policy_request *request, const char *cn,
    struct ca_names *canonical, struct ca_grant *grant, struct ca_detail *why)
{
	int r = ca_names_add(canonical, CA_NAME_IP, cn, strlen(cn), NULL);

	if (!r && !ca_names_has(&grant->names, CA_NAME_IP, canonical->v[0].value))
		return ca_refuse(why, CA_ESUBJECT,
		    "the common name %s is an address that is not in the subjectAltName", cn);
	if (r != CA_ENAME)
		return r;
	if (is_label_of_a_client(request, cn))
		return take_free_text(request, cn, grant, why);
	r = ca_names_add(canonical, CA_NAME_DNS, cn, strlen(cn), NULL);
	if (!r)
		r = ca_names_add(&grant->names, CA_NAME_DNS, cn, strlen(cn), why);
	return r == CA_ENAME ? take_free_text(request, cn, grant, why) : r;
}

static int take_common_name(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const char *cn = request->csr->common_name;
	struct ca_names canonical = CA_NAMES_INIT;
	int r;

	if (strlen(cn) > CA_POLICY_CN_MAX)
		return ca_refuse(
		    why, CA_ESUBJECT, "a common name over %d octets", CA_POLICY_CN_MAX);
	if (request->profile->spiffe)
		return ca_refuse(why, CA_ESUBJECT,
		    "the profile %s gives SPIFFE IDs, which stand beside no common name: leave %s "
		    "out",
		    request->profile->name, cn);
	r = take_name(request, cn, &canonical, grant, why);
	if (!r && canonical.n) {
		grant->common_name = canonical.v[0].value;
		canonical.v[0].value = NULL; /* transferred */
	}
	ca_names_free(&canonical);
	return r;
}

/* ---- SPIFFE (X.509-SVID, sections 2 and 4) ---- */

static int count_ids(const struct ca_policy_request *request, const struct ca_names *names,
    size_t *ids, size_t *uris, struct ca_detail *why)
{
	*ids = *uris = 0;
	for (size_t i = 0; i < names->n; i++) {
		const struct ca_name *name = &names->v[i];
		bool id = name->type == CA_NAME_URI && ca_spiffe_is_id(name->value);

		if (request->profile->spiffe && !id && name->type != CA_NAME_DNS)
			return ca_refuse(why, CA_ENAMEREFUSED,
			    "the profile %s gives a SPIFFE ID and DNS names, not %s:%.150s",
			    request->profile->name, ca_name_type_text(name->type), name->value);
		if (id && request->profile->spiffe && ca_spiffe_id_check(name->value, why))
			return CA_ENAMEREFUSED;
		*ids += id;
		*uris += name->type == CA_NAME_URI;
	}
	return 0;
}

static int check_spiffe(
    const struct ca_policy_request *request, const struct ca_grant *grant, struct ca_detail *why)
{
	size_t ids, uris;
	int r;

	if (!request->profile->spiffe && !request->constraints)
		return 0;
	r = count_ids(request, &grant->names, &ids, &uris, why);
	if (r)
		return r;
	if (request->profile->spiffe && ids == 0)
		return ca_refuse(why, CA_ENONAMES, "the profile %s requires a SPIFFE ID",
		    request->profile->name);
	if (ids && uris != 1)
		return ca_refuse(
		    why, CA_ENAMEREFUSED, "a SPIFFE ID stands in a certificate with no other URI");
	if (ids && ((grant->eku && ~grant->eku & (CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH)) ||
		       !(grant->key_usage & GNUTLS_KEY_DIGITAL_SIGNATURE)))
		return ca_refuse(why, CA_ENAMEREFUSED,
		    "a SPIFFE ID needs a profile with digitalSignature and both serverAuth and "
		    "clientAuth, or no extended key usage; %s is none",
		    request->profile->name);
	return 0;
}

/* ---- all ---- */

/* The CSR's, or, when it names nothing, what may be had. */
static int collect(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const struct ca_csr *csr = request->csr;
	int r = ca_names_copy(&csr->names, &grant->names);

	if (r)
		return r;
	if (csr->common_name)
		return take_common_name(request, grant, why);
	if (csr->names.n)
		return 0;
	if (request->granted)
		return ca_names_copy(request->granted, &grant->names);
	return request->patterns ? ca_patterns_literals(request->patterns, &grant->names) : 0;
}

static int decide(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	int r = collect(request, grant, why);

	if (r)
		return r;
	if (grant->names.n == 0 && !grant->common_name)
		return ca_refuse(why, CA_ENONAMES,
		    "neither the request nor the permission names anything to certify");
	if (grant->names.n > request->profile->names_max)
		return ca_refuse(why, CA_ETOOMANYNAMES, "%zu names; the profile %s allows %zu",
		    grant->names.n, request->profile->name, request->profile->names_max);
	for (size_t i = 0; i < grant->names.n && !r; i++)
		r = check_name(request, &grant->names.v[i], why);
	return r ? r : check_spiffe(request, grant, why);
}

int ca_policy_decide_names(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const size_t n = request->csr->names.n;
	int r = 0;

	if (ca_effort_take(request->effort, n * n)) /* each is held against those before it */
		r = decide(request, grant, why);
	if (*request->effort == 0)
		r = ca_refuse(why, CA_ETOOMANYNAMES,
		    "too much to compare: ask for fewer names, and write fewer or shorter "
		    "patterns");
	return r;
}
