/* What the verbs on a resource with a name of its own have in common: /v1/COLLECTION/NAME. */
#ifndef API_CLIENT_RESOURCE_H
#define API_CLIENT_RESOURCE_H

#include <jansson.h>

#include "api/client/http.h"
#include "api/client/options.h"

struct client_resource {
	const char *collection; /* "/v1/tenants" */
	const char *noun;       /* "tenant" */
	int (*print)(const json_t *resource);
};

/* Ask as an operator, and print the resource that is answered with: as JSON with --json. */
int client_resource_ask(const struct client_args *args, const struct client_resource *resource,
    const struct client_request *request, struct client_problem *problem);

/* The same for the one that the command line's first argument names. body may be NULL. */
int client_resource_change(const struct client_args *args, const struct client_resource *resource,
    const char *method, json_t *body, struct client_problem *problem);

int client_resource_show(const struct client_args *args, const struct client_resource *resource,
    struct client_problem *problem);
int client_resource_remove(const struct client_args *args, const struct client_resource *resource,
    struct client_problem *problem);

/* "label          text", nothing when text is empty; a stranger may have written it. */
void client_resource_line(const char *label, const char *text);
void client_resource_when(const char *label, const char *rfc3339);
void client_resource_list(const char *label, const json_t *texts);

#endif
