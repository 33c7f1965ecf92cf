#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "ca/policy.h"
#include "ca/policy_names.h"
#include "ca/tenant_policy.h"

#define TTL_MIN (5 * CA_MINUTE)
#define SHORT_LIFETIME (10 * CA_DAY)

void ca_grant_clear(struct ca_grant *grant)
{
	if (!grant)
		return;
	ca_names_free(&grant->names);
	free(grant->common_name);
	free(grant->organization);
	free(grant->organizational_unit);
	*grant = (struct ca_grant){ .names = CA_NAMES_INIT };
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

/* What a key of the type can do, of what is given (RFC 5480, section 3; RFC 8410, section 5; RFC
 * 4055, section 1.2). */
static unsigned suits(enum ca_key_type type, unsigned usages)
{
	const unsigned agreement =
	    GNUTLS_KEY_KEY_AGREEMENT | GNUTLS_KEY_ENCIPHER_ONLY | GNUTLS_KEY_DECIPHER_ONLY;

	usages &= ~(unsigned)(GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN); /* a CA's */
	if (is_rsa(type))
		return usages & ~agreement;
	usages &= ~(unsigned)(GNUTLS_KEY_KEY_ENCIPHERMENT | GNUTLS_KEY_DATA_ENCIPHERMENT);
	return type == CA_KEY_ED25519 ? usages & ~agreement : usages;
}

static int decide_usages(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	const struct ca_csr *csr = request->csr;

	grant->eku = request->profile->eku;
	grant->key_usage = suits(csr->key_type, request->profile->key_usage);
	if (!grant->key_usage)
		return ca_refuse(why, CA_EKEYTYPE,
		    "the profile %s has no key usage that a key of the type %s is fit for",
		    request->profile->name, ca_key_type_text(csr->key_type));
	if (csr->eku & ~grant->eku)
		return ca_refuse(why, CA_ECSREXTENSION,
		    "the profile %s does not grant the extended key usage asked for",
		    request->profile->name);
	if (csr->key_usage & ~grant->key_usage)
		return ca_refuse(why, CA_ECSREXTENSION,
		    "the profile %s does not grant a key usage asked for to a key of this type: "
		    "leave it out",
		    request->profile->name);
	return 0;
}

static int decide_lifetime(
    const struct ca_policy_request *request, int64_t *out, struct ca_detail *why)
{
	const struct ca_profile *profile = request->profile;
	const struct ca_ceiling *ceiling = request->ceiling;
	int64_t ttl = request->ttl ? request->ttl : profile->default_lifetime;
	char text[32];

	if (ttl > profile->max_lifetime)
		return ca_refuse(why, CA_ETTL, "the profile %s allows a lifetime of %s at most",
		    profile->name, ca_duration_text(profile->max_lifetime, text));
	if (ceiling && ttl > ceiling->max_lifetime) {
		if (request->ttl)
			return ca_refuse(why, CA_ETTL,
			    "the tenant's ceiling allows a lifetime of %s at most",
			    ca_duration_text(ceiling->max_lifetime, text));
		ttl = ceiling->max_lifetime;
	}
	if (ttl < TTL_MIN)
		return ca_refuse(why, CA_ETTL, "a lifetime under 5 minutes");
	*out = ttl;
	return 0;
}

/* Seconds of the lifetime after which renewal is due. */
static int64_t renewal_point(const struct ca_profile *profile, int64_t ttl)
{
	if (profile->renewal_point)
		return ttl / 100 * profile->renewal_point +
		       ttl % 100 * profile->renewal_point / 100;
	return ttl - ttl / (ttl < SHORT_LIFETIME ? 2 : 3);
}

static int decide_times(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why)
{
	int64_t ttl = 0;
	int r;

	if (request->now < request->issuer_not_before)
		return ca_refuse(why, CA_ECLOCK,
		    "the CA's clock stands before the start of its own certificate");
	r = decide_lifetime(request, &ttl, why);
	if (r)
		return r;
	if (ttl > request->issuer_not_after - request->now)
		return ca_refuse(why, CA_EISSUERENDS,
		    "the certificate would outlive its issuer; ask for a shorter lifetime");
	grant->not_before = request->now - CA_BACKDATE;
	if (grant->not_before < request->issuer_not_before)
		grant->not_before = request->issuer_not_before;
	grant->not_after = request->now + ttl;
	grant->renew_after = request->now + renewal_point(request->profile, ttl);
	return 0;
}

/* An operator's name: "ada", "ci.deploy@build-1". */
static bool is_operator_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._@-";
	size_t len = strlen(name);

	return len > 0 && len <= CA_POLICY_CN_MAX && strchr(first, name[0]) &&
	       strspn(name, rest) == len;
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
		    CA_POLICY_CN_MAX, csr->common_name);
	if (csr->names.n)
		return ca_refuse(why, CA_ENAMEREFUSED,
		    "an operator's certificate carries no name but the common name, not %s",
		    csr->names.v[0].value);
	grant->common_name = strdup(csr->common_name);
	return grant->common_name ? 0 : CA_ENOMEM;
}

static int decide_subject(const struct ca_profile *profile, struct ca_grant *grant)
{
	int r = ca_copy_text(profile->subject.organization, &grant->organization);

	return r ? r
		 : ca_copy_text(profile->subject.organizational_unit, &grant->organizational_unit);
}

static int decide(
    const struct ca_policy_request *request, struct ca_grant *out, struct ca_detail *why)
{
	struct ca_grant grant = { .names = CA_NAMES_INIT };
	int r = decide_key(request, why);

	if (!r)
		r = decide_usages(request, &grant, why);
	if (!r && request->profile->for_operators)
		r = decide_operator(request->csr, &grant, why);
	else if (!r)
		r = ca_policy_decide_names(request, &grant, why);
	if (!r)
		r = decide_subject(request->profile, &grant);
	if (!r)
		r = decide_times(request, &grant, why);
	if (r)
		ca_grant_clear(&grant);
	else
		*out = grant; /* transferred */
	return r;
}

int ca_policy_evaluate(
    const struct ca_policy_request *request, struct ca_grant *out, struct ca_detail *why)
{
	struct ca_policy_request bounded = *request;
	size_t effort = CA_EFFORT_MAX;

	if (!bounded.effort)
		bounded.effort = &effort;
	return decide(&bounded, out, why);
}
