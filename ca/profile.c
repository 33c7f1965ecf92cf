#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "ca/csr.h"
#include "ca/key.h"
#include "ca/profile.h"

#define BIT(type) (1u << (type))
#define ALL_KEY_TYPES                                                                              \
	(BIT(CA_KEY_RSA_2048) | BIT(CA_KEY_RSA_3072) | BIT(CA_KEY_RSA_4096) |                      \
	    BIT(CA_KEY_RSA_OTHER) | BIT(CA_KEY_EC_P256) | BIT(CA_KEY_EC_P384) |                    \
	    BIT(CA_KEY_ED25519))
#define USAGES (GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT)
#define BOTH (CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH)

/* What all have in common but the operators'. */
#define FOR_SERVICES                                                                               \
	.key_types = ALL_KEY_TYPES, .key_usage = USAGES, .max_lifetime = 90 * CA_DAY, .grace = -1, \
	.names_max = 100

static char any_text[] = "*";
static char any_spiffe_id[] = "spiffe://**"; /* of whatever trust domain: the tenant's own */
static char any_dns[] = "**";
static struct ca_pattern any_common_name[] = { { CA_NAME_DNS, any_text } };
static struct ca_pattern spiffe_names[] = { { CA_NAME_URI, any_spiffe_id },
	{ CA_NAME_DNS, any_dns } };

static const struct ca_profile profiles[] = {
	{
	    .name = "service",
	    FOR_SERVICES,
	    .eku = BOTH,
	    .default_lifetime = 7 * CA_DAY,
	    .any_name = true,
	    .wildcards = true,
	},
	{
	    .name = "server",
	    FOR_SERVICES,
	    .eku = CA_EKU_SERVER_AUTH,
	    .default_lifetime = 7 * CA_DAY,
	    .any_name = true,
	},
	{
	    .name = "client",
	    FOR_SERVICES,
	    .eku = CA_EKU_CLIENT_AUTH,
	    .default_lifetime = 7 * CA_DAY,
	    .any_name = true,
	},
	{
	    /* Both usages: the members of a cluster, and a standby, are each other's clients. */
	    .name = "database-server",
	    FOR_SERVICES,
	    .eku = BOTH,
	    .default_lifetime = 30 * CA_DAY,
	    .any_name = true,
	},
	{
	    .name = "database-client",
	    FOR_SERVICES,
	    .eku = CA_EKU_CLIENT_AUTH,
	    .default_lifetime = 7 * CA_DAY,
	    .any_name = true,
	    .common_names = { any_common_name, 1 },
	},
	{
	    .name = "message-bus",
	    FOR_SERVICES,
	    .eku = BOTH,
	    .default_lifetime = 7 * CA_DAY,
	    .any_name = true,
	    .common_names = { any_common_name, 1 },
	},
	{
	    .name = "spiffe",
	    FOR_SERVICES,
	    .eku = BOTH,
	    .default_lifetime = CA_DAY,
	    .names = { spiffe_names, 2 },
	    .spiffe = true,
	},
	{
	    .name = "operator",
	    .key_types = ALL_KEY_TYPES,
	    .key_usage = USAGES,
	    .eku = CA_EKU_CLIENT_AUTH,
	    .default_lifetime = 30 * CA_DAY,
	    .max_lifetime = 30 * CA_DAY,
	    .for_operators = true,
	},
};

#define PROFILES (sizeof(profiles) / sizeof(*profiles))

const struct ca_profile *ca_profile_builtin(const char *name)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

const struct ca_profile *ca_profile_builtin_at(size_t i)
{
	return i < PROFILES ? &profiles[i] : NULL;
}

int ca_profile_init(struct ca_profile *profile, const char *name)
{
	struct ca_profile named = profiles[0]; /* borrows what the ready-made one has */

	if (strlen(name) >= sizeof(named.name))
		return CA_EINVAL;
	memset(named.name, 0, sizeof(named.name));
	memcpy(named.name, name, strlen(name));
	return ca_profile_copy(&named, profile);
}

int ca_profile_copy(const struct ca_profile *profile, struct ca_profile *out)
{
	struct ca_profile copy = *profile;
	int r;

	copy.names = copy.common_names = (struct ca_patterns){ 0 };
	copy.subject.organization = copy.subject.organizational_unit = NULL;
	r = ca_patterns_copy(&profile->names, &copy.names);
	if (!r)
		r = ca_patterns_copy(&profile->common_names, &copy.common_names);
	if (!r)
		r = ca_copy_text(profile->subject.organization, &copy.subject.organization);
	if (!r)
		r = ca_copy_text(
		    profile->subject.organizational_unit, &copy.subject.organizational_unit);
	if (r)
		ca_profile_clear(&copy);
	else
		*out = copy; /* transferred */
	return r;
}

void ca_profile_clear(struct ca_profile *profile)
{
	if (!profile)
		return;
	ca_patterns_free(&profile->names);
	ca_patterns_free(&profile->common_names);
	free(profile->subject.organization);
	free(profile->subject.organizational_unit);
	*profile = (struct ca_profile){ 0 };
}
