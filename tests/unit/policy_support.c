#include <string.h>

#include "tests/unit/policy_support.h"
#include "tests/unit/support.h"

static int find_source(void *arg, const char *name, struct server_policy_source *out)
{
	(void)arg;
	if (strcmp(name, "broken") == 0)
		return CA_ESTORE;
	if (strcmp(name, "prod") != 0 && strcmp(name, "ci") != 0 && strcmp(name, "bare") != 0)
		return CA_ENOTFOUND;
	out->oidc = strcmp(name, "prod") != 0;
	out->audience = strcmp(name, "ci") == 0;
	return 0;
}

const struct ca_ceiling policy_all = { 398 * CA_DAY, CA_ALLOW_ALL };
const struct ca_ceiling policy_low = { 10 * CA_DAY, 0 };

struct ca_constraints policy_bounds(void)
{
	struct ca_constraints bounds = { .trust_domain = "example.org" };

	assert_int_equal(ca_names_add(&bounds.dns, CA_NAME_DNS, "web.internal", 12, NULL), 0);
	assert_int_equal(ca_names_add(&bounds.dns, CA_NAME_DNS, "svc", 3, NULL), 0);
	assert_int_equal(
	    ca_patterns_add(&bounds.ip, CA_NAME_IP, "10.1.0.0/16", 11, false, NULL), 0);
	return bounds;
}

int policy_parse(const char *text, const struct ca_ceiling *ceiling,
    const struct ca_constraints *constraints, struct ca_document *out,
    struct server_policy_error *error)
{
	const struct server_policy_context context = {
		.constraints = constraints, .ceiling = ceiling, .source = find_source
	};

	return server_policy_parse(text, strlen(text), &context, out, error);
}
