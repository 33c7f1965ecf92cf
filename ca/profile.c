/* The built-in profiles. */
#include <string.h>

#include "ca/base/clock.h"
#include "ca/key.h"
#include "ca/csr.h"
#include "ca/profile.h"

#define BIT(type) (1u << (type))
#define ALL_KEY_TYPES                                                                              \
	(BIT(CA_KEY_RSA_2048) | BIT(CA_KEY_RSA_3072) | BIT(CA_KEY_RSA_4096) |                      \
	    BIT(CA_KEY_RSA_OTHER) | BIT(CA_KEY_EC_P256) | BIT(CA_KEY_EC_P384) |                    \
	    BIT(CA_KEY_ED25519))

static const struct ca_profile profiles[] = {
	{
	    .name = "service",
	    .key_types = ALL_KEY_TYPES,
	    .eku = CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH,
	    .default_lifetime = 7 * CA_DAY,
	    .max_lifetime = 90 * CA_DAY,
	    .names_max = 100,
	},
	{
	    .name = "operator",
	    .key_types = ALL_KEY_TYPES,
	    .eku = CA_EKU_CLIENT_AUTH,
	    .default_lifetime = 90 * CA_DAY,
	    .max_lifetime = 90 * CA_DAY,
	    .for_operators = true,
	},
};

const struct ca_profile *ca_profile_builtin(const char *name)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}
