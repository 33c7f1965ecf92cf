#include <stdlib.h>
#include <string.h>

#include "api/server/policy_surroundings.h"
#include "api/server/request.h"

static int find_source(void *arg, const char *name, struct server_policy_source *out)
{
	const struct server_snapshot *snapshot = arg;
	const struct server_source *source = server_snapshot_source_name(snapshot, name);

	if (!source)
		return CA_ENOTFOUND;
	*out = (struct server_policy_source){
		.oidc = source->kind == STORE_SOURCE_OIDC,
		.audience = source->settings.audiences_len > 0,
	};
	return 0;
}

struct server_policy_context server_policy_surroundings(
    struct server_snapshot *snapshot, const struct server_tenant *tenant)
{
	return (struct server_policy_context){
		.constraints = &tenant->constraints,
		.ceiling = &tenant->ceiling,
		.source = find_source,
		.arg = snapshot,
	};
}

int server_policy_problem(
    struct server_request *request, int error, const struct server_policy_error *what)
{
	if (error == CA_ENOMEM)
		return error;
	free(request->pointer);
	request->pointer = strdup(what->pointer);
	if (!request->pointer)
		return CA_ENOMEM;
	request->line = what->line;
	request->why = what->detail;
	return error;
}
