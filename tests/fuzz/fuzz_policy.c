/* Policy documents: parsing with and without what surrounds them, and where a fault is said to be.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/server/json_line.h"
#include "api/server/policy_document.h"
#include "ca/base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every source is there; by the length of its name a cluster, or an issuer. */
static int find_source(void *arg, const char *name, struct server_policy_source *out)
{
	size_t len = 0;

	(void)arg;
	while (name[len])
		len++;
	out->oidc = len % 2;
	out->audience = len % 3;
	return 0;
}

static void parse(const char *text, size_t size, const struct server_policy_context *context)
{
	struct ca_document document = { 0 };
	struct server_policy_error error;

	if (server_policy_parse(text, size, context, &document, &error) && error.line == 0)
		abort();
	ca_document_clear(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ca_ceiling ceiling = { 30 * CA_DAY, CA_ALLOW_COMMON_NAME };
	static const struct ca_constraints constraints = { .trust_domain = "example.org" };
	const struct server_policy_context context = {
		.constraints = &constraints, .ceiling = &ceiling, .source = find_source
	};
	const char *text = (const char *)data;

	parse(text, size, NULL);
	parse(text, size, &context);
	(void)server_json_line(text, size, "/rules/0/names/dns/0");
	return 0;
}
