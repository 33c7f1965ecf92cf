/* The document's profiles. */
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "api/server/policy_reader.h"
#include "ca/base/clock.h"
#include "ca/csr.h"
#include "ca/key.h"

#define LIFETIME_MIN (5 * CA_MINUTE)
#define TEXT_MAX 64 /* RFC 5280, appendix A.1: ub-common-name, ub-organization-name … */

/* What is read, and what of it stands in the document. */
struct profile {
	struct ca_profile *profile;
	const json_t *json;
};

/* ---- sets of words ---- */

struct word {
	const char *text;
	unsigned bits;
	const char *never; /* why it is refused; NULL: it is not */
};

static int read_word(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, const struct word *words, const char *what, unsigned *out)
{
	const char *text = "";
	int r = server_policy_read_string(reader, at, value, 1, TEXT_MAX, &text);

	if (r)
		return r;
	while (words->text && strcmp(words->text, text) != 0)
		words++;
	if (!words->text)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "there is no %s called %.64s here", what, text);
	if (words->never)
		return server_policy_refuse(reader, at, CA_EPOLICY, "%s %s", text, words->never);
	*out |= words->bits;
	return 0;
}

static int read_key_type(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	static const struct word words[] = {
		{ "rsa:2048", 1u << CA_KEY_RSA_2048, NULL },
		{ "rsa:3072", 1u << CA_KEY_RSA_3072, NULL },
		{ "rsa:4096", 1u << CA_KEY_RSA_4096, NULL },
		/* any size from 2048 to 4096 bits */
		{ "rsa",
		    1u << CA_KEY_RSA_2048 | 1u << CA_KEY_RSA_3072 | 1u << CA_KEY_RSA_4096 |
			1u << CA_KEY_RSA_OTHER,
		    NULL },
		{ "ec:p256", 1u << CA_KEY_EC_P256, NULL },
		{ "ec:p384", 1u << CA_KEY_EC_P384, NULL },
		{ "ed25519", 1u << CA_KEY_ED25519, NULL },
		{ 0 },
	};

	return read_word(reader, at, value, words, "key type", out);
}

static int read_key_usage(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	static const struct word words[] = {
		{ "digitalSignature", GNUTLS_KEY_DIGITAL_SIGNATURE, NULL },
		{ "nonRepudiation", GNUTLS_KEY_NON_REPUDIATION, NULL },
		{ "keyEncipherment", GNUTLS_KEY_KEY_ENCIPHERMENT, NULL },
		{ "dataEncipherment", GNUTLS_KEY_DATA_ENCIPHERMENT, NULL },
		{ "keyAgreement", GNUTLS_KEY_KEY_AGREEMENT, NULL },
		{ "keyCertSign", 0, "would make a CA of whoever has the certificate" },
		{ "cRLSign", 0, "would let whoever has the certificate sign the CA's CRLs" },
		{ 0 },
	};

	return read_word(reader, at, value, words, "key usage", out);
}

static int read_ext_key_usage(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	static const struct word words[] = {
		{ "serverAuth", CA_EKU_SERVER_AUTH, NULL },
		{ "clientAuth", CA_EKU_CLIENT_AUTH, NULL },
		{ "OCSPSigning", 0,
		    "would let whoever has the certificate say which certificates are good" },
		{ "anyExtendedKeyUsage", 0, "would make the certificate good for everything" },
		{ 0 },
	};

	return read_word(reader, at, value, words, "extended key usage", out);
}

static int read_set(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value,
    int (*read)(
	struct server_policy_reader *, const struct server_policy_place *, json_t *, void *),
    unsigned *out)
{
	unsigned bits = 0;
	int r = server_policy_read_array(reader, at, value, 32, read, &bits);

	if (!r && json_array_size(value) == 0)
		r = server_policy_refuse(reader, at, CA_EPOLICY, "this array is empty");
	if (!r)
		*out = bits;
	return r;
}

static int read_key_types(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;

	return read_set(reader, at, value, read_key_type, &p->profile->key_types);
}

static int read_key_usages(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;
	int r = read_set(reader, at, value, read_key_usage, &p->profile->key_usage);

	if (!r && !(p->profile->key_usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		r = server_policy_refuse(reader, at, CA_EPOLICY,
		    "digitalSignature is missing: without it there is no TLS 1.3, and none at all "
		    "with an EC key");
	return r;
}

static int read_ext_key_usages(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;

	return read_set(reader, at, value, read_ext_key_usage, &p->profile->eku);
}

/* ---- times ---- */

static int read_default_lifetime(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_duration(reader, at, value, LIFETIME_MIN, CA_PROFILE_LIFETIME_MAX,
	    &p->profile->default_lifetime);
}

static int read_max_lifetime(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_duration(
	    reader, at, value, LIFETIME_MIN, CA_PROFILE_LIFETIME_MAX, &p->profile->max_lifetime);
}

static int read_renewal_point(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;
	int64_t percent = 0;
	int r = server_policy_read_int(reader, at, value, 1, 99, &percent);

	if (!r)
		p->profile->renewal_point = (int)percent;
	return r;
}

static int read_grace(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;

	if (json_is_string(value) && strcmp(json_string_value(value), "0s") == 0) {
		p->profile->grace = 0;
		return 0;
	}
	return server_policy_read_duration(
	    reader, at, value, 1, CA_PROFILE_LIFETIME_MAX, &p->profile->grace);
}

/* ---- names and subjects ---- */

static int read_max_names(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;
	int64_t n = 0;
	int r = server_policy_read_int(reader, at, value, 1, CA_NAMES_MAX, &n);

	if (!r)
		p->profile->names_max = (size_t)n;
	return r;
}

static int read_names(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;

	p->profile->any_name = false;
	return server_policy_read_patterns(reader, at, value, false, &p->profile->names);
}

static int read_common_names(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_globs(reader, at, value, false, &p->profile->common_names);
}

static int read_organization(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_text(
	    reader, at, value, TEXT_MAX, &p->profile->subject.organization);
}

static int read_organizational_unit(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_text(
	    reader, at, value, TEXT_MAX, &p->profile->subject.organizational_unit);
}

static int read_subject(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	static const struct server_policy_field fields[] = { { "organization", read_organization },
		{ "organizational_unit", read_organizational_unit }, { 0 } };

	return server_policy_read_object(reader, at, value, fields, "subject", out);
}

/* ---- switches ---- */

static int read_wildcards(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_bool(reader, at, value, &p->profile->wildcards);
}

static int read_spiffe(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_bool(reader, at, value, &p->profile->spiffe);
}

static int read_new_key(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct profile *p = out;

	return server_policy_read_bool(reader, at, value, &p->profile->new_key);
}

/* ---- a whole profile ---- */

static size_t count(const struct ca_patterns *names, enum ca_name_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++)
		n += names->v[i].type == type;
	return n;
}

static int check_spiffe(struct server_policy_reader *reader, const struct server_policy_place *at,
    const struct ca_profile *profile)
{
	const struct server_policy_place names = { .up = at, .key = "names" },
					 common_names = { .up = at, .key = "common_names" };

	if (!profile->spiffe)
		return 0;
	if (profile->common_names.n)
		return server_policy_refuse(reader, &common_names, CA_EPOLICY,
		    "a profile with spiffe grants no common name");
	if (profile->any_name)
		return 0;
	if (count(&profile->names, CA_NAME_IP) || count(&profile->names, CA_NAME_EMAIL))
		return server_policy_refuse(reader, &names, CA_EPOLICY,
		    "a profile with spiffe grants a SPIFFE ID and DNS names only");
	if (!count(&profile->names, CA_NAME_URI))
		return server_policy_refuse(reader, &names, CA_EPOLICY,
		    "a profile with spiffe needs a pattern for the SPIFFE ID under uri");
	return 0;
}

/* What the document leaves out follows from what it says, and is cut by the ceiling. */
static void settle(const struct server_policy_reader *reader, struct profile *p)
{
	struct ca_profile *profile = p->profile;
	const struct ca_ceiling *ceiling = reader->context ? reader->context->ceiling : NULL;

	if (!json_object_get(p->json, "max_lifetime")) {
		if (ceiling && profile->max_lifetime > ceiling->max_lifetime)
			profile->max_lifetime = ceiling->max_lifetime;
		if (json_object_get(p->json, "default_lifetime") &&
		    profile->max_lifetime < profile->default_lifetime)
			profile->max_lifetime = profile->default_lifetime;
	}
	if (!json_object_get(p->json, "default_lifetime") &&
	    profile->default_lifetime > profile->max_lifetime)
		profile->default_lifetime = profile->max_lifetime;
	if (!json_object_get(p->json, "wildcards") && ceiling &&
	    !(ceiling->allowed & CA_ALLOW_WILDCARDS))
		profile->wildcards = false;
}

/* The field that ca_ceiling_check() spoke of, so that its line can be named. */
static const char *beyond_ceiling(
    const struct ca_ceiling *ceiling, const struct ca_profile *profile, const json_t *json)
{
	if (profile->max_lifetime > ceiling->max_lifetime)
		return json_object_get(json, "max_lifetime") ? "max_lifetime" : "default_lifetime";
	if (count(&profile->names, CA_NAME_EMAIL) && !(ceiling->allowed & CA_ALLOW_EMAIL))
		return "names";
	if (profile->common_names.n && !(ceiling->allowed & CA_ALLOW_COMMON_NAME))
		return "common_names";
	return json_object_get(json, "wildcards") ? "wildcards" : NULL;
}

static int check_ceiling(struct server_policy_reader *reader, const struct server_policy_place *at,
    const struct profile *p)
{
	const struct ca_ceiling *ceiling = reader->context ? reader->context->ceiling : NULL;
	struct ca_detail said;
	struct server_policy_place place = { .up = at };

	if (!ceiling || !ca_ceiling_check(ceiling, p->profile, reader->why))
		return 0;
	said = *reader->why;
	place.key = beyond_ceiling(ceiling, p->profile, p->json);
	return server_policy_refuse(reader, place.key ? &place : at, CA_ECEILING, "%s", said.text);
}

static int check_profile(
    struct server_policy_reader *reader, const struct server_policy_place *at, struct profile *p)
{
	const struct server_policy_place lifetime = { .up = at, .key = "default_lifetime" };
	int r = 0;

	settle(reader, p);
	if (p->profile->default_lifetime > p->profile->max_lifetime)
		r = server_policy_refuse(
		    reader, &lifetime, CA_EPOLICY, "default_lifetime is longer than max_lifetime");
	if (!r)
		r = check_spiffe(reader, at, p->profile);
	if (!r)
		r = check_ceiling(reader, at, p);
	return r;
}

static int read_profile(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, struct ca_profile *profile)
{
	static const struct server_policy_field fields[] = {
		{ "key_types", read_key_types },
		{ "key_usages", read_key_usages },
		{ "ext_key_usages", read_ext_key_usages },
		{ "default_lifetime", read_default_lifetime },
		{ "max_lifetime", read_max_lifetime },
		{ "renewal_point", read_renewal_point },
		{ "grace", read_grace },
		{ "max_names", read_max_names },
		{ "wildcards", read_wildcards },
		{ "names", read_names },
		{ "common_names", read_common_names },
		{ "spiffe", read_spiffe },
		{ "new_key", read_new_key },
		{ "subject", read_subject },
		{ 0 },
	};
	struct profile p = { .profile = profile, .json = value };
	int r = server_policy_read_object(reader, at, value, fields, "a profile", &p);

	return r ? r : check_profile(reader, at, &p);
}

int server_policy_read_profiles(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *unused)
{
	struct ca_document *document = &reader->document;
	const char *name;
	json_t *member;
	int r = 0;

	(void)unused;
	if (!json_is_object(value))
		return server_policy_refuse(reader, at, CA_EPOLICY, "profiles is a JSON object");
	if (json_object_size(value) > CA_POLICY_PROFILES_MAX)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "more than %d profiles", CA_POLICY_PROFILES_MAX);
	document->profiles = calloc(json_object_size(value) + 1, sizeof(*document->profiles));
	if (!document->profiles)
		return CA_ENOMEM;
	json_object_foreach(value, name, member)
	{
		const struct server_policy_place place = { .up = at, .key = name };
		struct ca_profile *profile = &document->profiles[document->profiles_len];

		r = server_policy_check_name(reader, &place, name, "profile");
		if (!r && strcmp(name, "operator") == 0)
			r = server_policy_refuse(reader, &place, CA_EPOLICY,
			    "the profile operator is the installation's own");
		if (!r)
			r = ca_profile_init(profile, name);
		if (r)
			break;
		document->profiles_len++;
		r = read_profile(reader, &place, member, profile);
		if (r)
			break;
	}
	return r;
}
