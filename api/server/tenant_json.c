#include <stdlib.h>
#include <string.h>

#include "api/server/json.h"
#include "api/server/tenant_json.h"
#include "ca/base/clock.h"
#include "ca/profile.h"
#include "ca/tenant.h"
#include "ca/tenant_policy.h"

#define LIFETIME_MIN (5 * CA_MINUTE)
#define QUOTA_MAX 1000000000

static const struct store_tenant_settings defaults = SERVER_TENANT_DEFAULTS;

static const struct allowed {
	const char *word;
	unsigned bit;
} allowed[] = {
	{ "email", CA_ALLOW_EMAIL },
	{ "common-name", CA_ALLOW_COMMON_NAME },
	{ "wildcards", CA_ALLOW_WILDCARDS },
};

#define ALLOWED (sizeof(allowed) / sizeof(*allowed))

/* ---- in ---- */

/* Text without a NUL or another control character: it is to stand on a line. */
static bool is_line(const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != json_string_length(value))
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int put(char **out, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return CA_ENOMEM;
	free(*out);
	*out = copy; /* transferred */
	return 0;
}

/* A list of texts, a line each. */
static int lines_field(const json_t *body, const char *key, char **out, struct ca_detail *why)
{
	const json_t *list = json_object_get(body, key), *entry;
	struct ca_buf lines = CA_BUF_INIT;
	size_t i;
	int r = 0;

	if (!list)
		return 0;
	if (!json_is_null(list) && !json_is_array(list))
		return ca_refuse(why, CA_EFIELD, "the field %s is not a list", key);
	json_array_foreach(list, i, entry)
	{
		if (!is_line(entry) || !*json_string_value(entry))
			r = ca_refuse(why, CA_EFIELD, "an entry of %s is not a text", key);
		if (r)
			break;
		ca_buf_addf(&lines, "%s\n", json_string_value(entry));
	}
	if (!r)
		r = ca_buf_error(&lines);
	if (!r)
		r = put(out, ca_buf_text(&lines));
	ca_buf_free(&lines);
	return r;
}

static int trust_domain_field(const json_t *body, char **out, struct ca_detail *why)
{
	const json_t *value = json_object_get(body, "trust_domain");

	if (!value)
		return 0;
	if (json_is_null(value))
		return put(out, NULL);
	if (!is_line(value))
		return ca_refuse(why, CA_EFIELD, "the field trust_domain is not a text");
	return put(out, json_string_value(value));
}

static int lifetime_field(const json_t *body, int64_t *out, struct ca_detail *why)
{
	int64_t lifetime = *out;
	int r;

	if (json_is_null(json_object_get(body, "max_lifetime"))) {
		*out = defaults.max_lifetime;
		return 0;
	}
	r = server_json_duration(body, "max_lifetime", &lifetime, why);
	if (r)
		return r;
	if (lifetime < LIFETIME_MIN || lifetime > CA_PROFILE_LIFETIME_MAX)
		return ca_refuse(
		    why, CA_EFIELD, "the field max_lifetime is from 5 minutes to 398 days");
	*out = lifetime;
	return 0;
}

static unsigned bit_of(const json_t *word)
{
	for (size_t i = 0; json_is_string(word) && i < ALLOWED; i++)
		if (strcmp(json_string_value(word), allowed[i].word) == 0)
			return allowed[i].bit;
	return 0;
}

static int allow_field(const json_t *body, unsigned *out, struct ca_detail *why)
{
	const json_t *list = json_object_get(body, "allow"), *entry;
	unsigned bits = 0;
	size_t i;

	if (!list)
		return 0;
	if (json_is_null(list))
		bits = defaults.allowed;
	else if (!json_is_array(list))
		return ca_refuse(why, CA_EFIELD, "the field allow is not a list");
	json_array_foreach(list, i, entry)
	{
		if (!bit_of(entry))
			return ca_refuse(why, CA_EFIELD,
			    "the field allow holds words of: email, common-name, wildcards");
		bits |= bit_of(entry);
	}
	*out = bits;
	return 0;
}

static int quotas_field(
    const json_t *body, struct store_tenant_settings *settings, struct ca_detail *why)
{
	const struct {
		const char *key;
		int64_t *value;
	} quotas[] = { { "alive", &settings->alive_max }, { "per_minute", &settings->minute_max },
		{ "identity_alive", &settings->identity_alive_max },
		{ "identity_per_minute", &settings->identity_minute_max } };
	json_t *object = json_object_get(body, "quotas");
	size_t known = 0;
	int r = 0;

	if (!object)
		return 0;
	if (!json_is_null(object) && !json_is_object(object))
		return ca_refuse(why, CA_EFIELD, "the field quotas is not an object");
	for (size_t i = 0; i < sizeof(quotas) / sizeof(*quotas) && !r; i++) {
		const json_t *value = json_object_get(object, quotas[i].key);

		known += value != NULL;
		if (json_is_null(object) || json_is_null(value))
			*quotas[i].value = 0;
		r = server_json_int(object, quotas[i].key, 0, QUOTA_MAX, quotas[i].value, why);
	}
	if (!r && known != json_object_size(object))
		r = ca_refuse(why, CA_EFIELDUNKNOWN,
		    "the fields of quotas are: alive, per_minute, identity_alive, "
		    "identity_per_minute");
	return r;
}

static int canonicalise(struct store_tenant_settings *settings, struct ca_detail *why)
{
	struct ca_constraints constraints = { 0 };
	int r = ca_tenant_constraints(settings, &constraints, why);

	if (!r)
		r = ca_tenant_set_constraints(&constraints, settings);
	if (r == CA_ETOOMANYNAMES) /* of a setting, not of a certificate: the same words */
		r = CA_EFIELD;
	ca_constraints_clear(&constraints);
	return r;
}

int server_tenant_settings(
    const json_t *body, struct store_tenant_settings *settings, struct ca_detail *why)
{
	int r = lines_field(body, "dns_suffixes", &settings->dns_suffixes, why);

	if (!r)
		r = lines_field(body, "ip_ranges", &settings->ip_ranges, why);
	if (!r)
		r = trust_domain_field(body, &settings->trust_domain, why);
	if (!r)
		r = lifetime_field(body, &settings->max_lifetime, why);
	if (!r)
		r = allow_field(body, &settings->allowed, why);
	if (!r)
		r = quotas_field(body, settings, why);
	return r ? r : canonicalise(settings, why);
}

/* ---- out ---- */

static json_t *lines_json(const char *lines)
{
	json_t *list = json_array();

	while (list && lines && *lines) {
		size_t len = strcspn(lines, "\n");

		if (len > 0 && json_array_append_new(list, json_stringn(lines, len))) {
			json_decref(list);
			return NULL;
		}
		lines += len + (lines[len] == '\n');
	}
	return list;
}

static json_t *allow_json(unsigned bits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ALLOWED; i++)
		if (list && bits & allowed[i].bit &&
		    json_array_append_new(list, json_string(allowed[i].word))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *quota_json(int64_t quota)
{
	return quota ? json_integer(quota) : json_null();
}

static json_t *quotas_json(const struct store_tenant_settings *settings)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "alive", quota_json(settings->alive_max),
	    "per_minute", quota_json(settings->minute_max), "identity_alive",
	    quota_json(settings->identity_alive_max), "identity_per_minute",
	    quota_json(settings->identity_minute_max));
}

static json_t *authority_json(const struct ca_authority *authority)
{
	if (!authority)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", authority->name, "key_type",
	    ca_key_type_text(ca_key_type(authority->key)), "fingerprint",
	    server_json_hex(authority->sha256, sizeof(authority->sha256)), "not_before",
	    server_json_time(authority->not_before), "not_after",
	    server_json_time(authority->not_after));
}

json_t *server_tenant_json(const struct ca_installation *installation,
    const struct store_tenant *tenant, const struct store_tenant_settings *settings)
{
	char lifetime[32];
	const bool revoking = tenant->removed_at && tenant->revoked_to >= 0;
	const struct ca_authority *root = NULL, *issuer = NULL;

	if (!tenant->removed_at) {
		root = ca_installation_root(installation, tenant->id);
		issuer =
		    ca_installation_authority(installation, tenant->id, STORE_AUTHORITY_ISSUER);
	}

	return json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:s?, s:s, s:o, s:o, s:o, s:o}", "name",
	    tenant->name, "created", server_json_time(tenant->created_at), "removed",
	    server_json_time(tenant->removed_at), "revoking", revoking, "dns_suffixes",
	    lines_json(settings->dns_suffixes), "ip_ranges", lines_json(settings->ip_ranges),
	    "trust_domain", settings->trust_domain, "max_lifetime",
	    ca_duration_text(settings->max_lifetime, lifetime), "allow",
	    allow_json(settings->allowed), "quotas", quotas_json(settings), "root",
	    authority_json(root), "issuer", authority_json(issuer));
}
