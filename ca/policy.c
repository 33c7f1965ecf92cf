#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ca/base/clock.h"
#include "ca/policy.h"

#define TTL_MIN (5 * CA_MINUTE)
#define SHORT_LIFETIME (10 * CA_DAY)
#define CN_MAX 64 /* RFC 5280, appendix A.1: ub-common-name */

void ca_grant_clear(struct ca_grant *grant)
{
	if (!grant)
		return;
	ca_names_free(&grant->names);
	free(grant->common_name);
	*grant = (struct ca_grant){ .names = CA_NAMES_INIT };
}

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

static bool is_rsa(enum ca_key_type type)
{
	return type == CA_KEY_RSA_2048 || type == CA_KEY_RSA_3072 || type == CA_KEY_RSA_4096 ||
	       type == CA_KEY_RSA_OTHER;
}

static int decide_key(const struct ca_policy_request *request, struct ca_detail *why)
{
	const struct ca_csr *csr = request->csr;

	if (csr->key_type == CA_KEY_NONE || !(request->profile->key_types & (1u << csr->key_type)))
		return ca_refuse(why, CA_EKEYTYPE, "the profile %s does not allow %s keys",
		    request->profile->name, ca_key_type_text(csr->key_type));
	for (size_t i = 0; i < request->reserved_keys_len; i++)
		if (memcmp(request->reserved_keys[i], csr->spki_sha256, CA_SHA256) == 0)
			return ca_refuse(why, CA_EKEYRESERVED,
			    "this is the key of one of the CA's own certificates");
	return 0;
}

static int decide_usages(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const struct ca_csr *csr = request->csr;

	grant->eku = request->profile->eku;
	grant->key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
	if (is_rsa(csr->key_type))
		grant->key_usage |= GNUTLS_KEY_KEY_ENCIPHERMENT;
	if (csr->eku & ~grant->eku)
		return ca_refuse(why, CA_ECSREXTENSION,
		    "the profile %s does not grant the extended key usage asked for",
		    request->profile->name);
	if (csr->key_usage & ~grant->key_usage)
		return ca_refuse(why, CA_ECSREXTENSION,
		    "a key usage asked for is not granted: leave it out, or ask for "
		    "digitalSignature%s only",
		    is_rsa(csr->key_type) ? " and keyEncipherment" : "");
	return 0;
}

static int decide_times(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const struct ca_profile *profile = request->profile;
	int64_t ttl = request->ttl ? request->ttl : profile->default_lifetime;
	char text[32];

	if (request->now < request->issuer_not_before)
		return ca_refuse(why, CA_ECLOCK,
		    "the CA's clock stands before the start of its own certificate");
	if (ttl < TTL_MIN)
		return ca_refuse(why, CA_ETTL, "a lifetime under 5 minutes");
	if (ttl > profile->max_lifetime)
		return ca_refuse(why, CA_ETTL, "the profile %s allows a lifetime of %s at most",
		    profile->name, ca_duration_text(profile->max_lifetime, text));
	if (ttl > request->issuer_not_after - request->now)
		return ca_refuse(why, CA_EISSUERENDS,
		    "the certificate would outlive its issuer; ask for a shorter lifetime");
	grant->not_before = request->now - CA_BACKDATE;
	if (grant->not_before < request->issuer_not_before)
		grant->not_before = request->issuer_not_before;
	grant->not_after = request->now + ttl;
	grant->renew_after = grant->not_after - ttl / (ttl < SHORT_LIFETIME ? 2 : 3);
	return 0;
}

/* An operator's name: "ada", "ci.deploy@build-1". */
static bool is_operator_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._@-";
	size_t len = strlen(name);

	return len > 0 && len <= CN_MAX && strchr(first, name[0]) && strspn(name, rest) == len;
}

static int decide_operator(const struct ca_csr *csr, struct ca_grant *grant, struct ca_detail *why)
{
	if (!csr->common_name)
		return ca_refuse(
		    why, CA_ESUBJECT, "the request lacks a common name: the operator's name");
	if (!is_operator_name(csr->common_name))
		return ca_refuse(why, CA_ENAME,
		    "not an operator's name (a-z, 0-9, and behind the first . _ @ -, at most %d): "
		    "%s",
		    CN_MAX, csr->common_name);
	if (csr->names.n)
		return ca_refuse(why, CA_ENAMEREFUSED,
		    "an operator's certificate carries no name but the common name, not %s",
		    csr->names.v[0].value);
	grant->common_name = strdup(csr->common_name);
	return grant->common_name ? 0 : CA_ENOMEM;
}

/*
 * The CN: an address that the names have already, or a DNS name that is added to them (RFC 9525,
 * section 2: a peer looks for names in the subjectAltName only).
 */
static int add_common_name(
    struct ca_names *canonical, const char *cn, struct ca_grant *grant, struct ca_detail *why)
{
	int r = ca_names_add(canonical, CA_NAME_IP, cn, strlen(cn), NULL);

	if (r == CA_ENAME) {
		r = ca_names_add(canonical, CA_NAME_DNS, cn, strlen(cn), NULL);
		if (!r)
			return ca_names_add(&grant->names, CA_NAME_DNS, cn, strlen(cn), why);
		if (r == CA_ENAME)
			r = ca_refuse(why, CA_ESUBJECT,
			    "the common name is neither a DNS name nor an address: %s", cn);
		return r;
	}
	if (!r && !ca_names_has(&grant->names, CA_NAME_IP, canonical->v[0].value))
		r = ca_refuse(why, CA_ESUBJECT,
		    "the common name %s is an address that is not in the subjectAltName", cn);
	return r;
}

static int decide_common_name(
    const struct ca_csr *csr, struct ca_grant *grant, struct ca_detail *why)
{
	struct ca_names canonical = CA_NAMES_INIT;
	int r;

	if (strlen(csr->common_name) > CN_MAX)
		return ca_refuse(why, CA_ESUBJECT, "a common name over %d octets", CN_MAX);
	r = add_common_name(&canonical, csr->common_name, grant, why);
	if (!r) {
		grant->common_name = canonical.v[0].value;
		canonical.v[0].value = NULL; /* transferred */
	}
	ca_names_free(&canonical);
	return r;
}

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

static int decide_name(
    const struct ca_policy_request *request, const struct ca_name *name, struct ca_detail *why)
{
	if (name->type == CA_NAME_EMAIL)
		return ca_refuse(why, CA_ENAMEREFUSED, "the profile %s does not allow e-mail names",
		    request->profile->name);
	if (is_reserved(name, request->reserved))
		return ca_refuse(
		    why, CA_ENAMERESERVED, "%s is reserved for the CA itself", name->value);
	if (request->granted && !ca_names_has(request->granted, name->type, name->value))
		return ca_refuse(why, CA_ENAMEREFUSED, "%s:%s is not granted",
		    ca_name_type_text(name->type), name->value);
	return 0;
}

static int decide_names(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const struct ca_csr *csr = request->csr;
	int r = ca_names_copy(&csr->names, &grant->names);

	if (!r && csr->common_name)
		r = decide_common_name(csr, grant, why);
	if (!r && grant->names.n == 0 && request->granted)
		r = ca_names_copy(request->granted, &grant->names);
	if (r)
		return r;
	if (grant->names.n == 0)
		return ca_refuse(why, CA_ENONAMES,
		    "neither the request nor the permission names anything to certify");
	if (grant->names.n > request->profile->names_max)
		return ca_refuse(why, CA_ETOOMANYNAMES, "%zu names; the profile %s allows %zu",
		    grant->names.n, request->profile->name, request->profile->names_max);
	for (size_t i = 0; i < grant->names.n && !r; i++)
		r = decide_name(request, &grant->names.v[i], why);
	return r;
}

int ca_policy_evaluate(
    const struct ca_policy_request *request, struct ca_grant *out, struct ca_detail *why)
{
	struct ca_grant grant = { .names = CA_NAMES_INIT };
	int r = decide_key(request, why);

	if (!r)
		r = decide_usages(request, &grant, why);
	if (!r && request->profile->for_operators)
		r = decide_operator(request->csr, &grant, why);
	else if (!r)
		r = decide_names(request, &grant, why);
	if (!r)
		r = decide_times(request, &grant, why);
	if (r)
		ca_grant_clear(&grant);
	else
		*out = grant; /* transferred */
	return r;
}
