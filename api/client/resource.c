#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/resource.h"
#include "api/client/verbs.h"

#define LABEL 13 /* columns */

static int path_make(const struct client_args *args, const struct client_resource *resource,
    struct ca_buf *path, struct client_problem *problem)
{
	const char *name = args->arguments[0];

	/* Nothing that means something else in a path. */
	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._@-") != strlen(name) ||
	    *name == '.')
		return client_fail_usage(
		    problem, args->verb->name, "%s is not the name of a %s", name, resource->noun);
	ca_buf_addf(path, "%s/%s", resource->collection, name);
	return ca_buf_error(path);
}

int client_resource_ask(const struct client_args *args, const struct client_resource *resource,
    const struct client_request *request, struct client_problem *problem)
{
	struct client_http *http = NULL;
	json_t *answer = NULL;
	int error = client_operator_connect(args, &http, problem);

	if (!error)
		error = client_http_json(http, request, &answer, problem);
	if (!error)
		error =
		    client_arg(args, "json") ? client_json_print(answer) : resource->print(answer);
	json_decref(answer);
	client_http_close(http);
	return error;
}

int client_resource_change(const struct client_args *args, const struct client_resource *resource,
    const char *method, json_t *body, struct client_problem *problem)
{
	struct client_request request = { .method = method, .body = body };
	struct ca_buf path = CA_BUF_INIT;
	int error = path_make(args, resource, &path, problem);

	request.path = ca_buf_text(&path);
	if (!error)
		error = client_resource_ask(args, resource, &request, problem);
	ca_buf_free(&path);
	return error;
}

int client_resource_show(const struct client_args *args, const struct client_resource *resource,
    struct client_problem *problem)
{
	return client_resource_change(args, resource, "GET", NULL, problem);
}

static int removed_print(const struct client_args *args)
{
	json_t *document;
	int error;

	if (!client_arg(args, "json")) {
		printf("%s: removed\n", args->arguments[0]);
		return 0;
	}
	document = json_pack("{s:[s]}", "removed", args->arguments[0]);
	error = document ? client_json_print(document) : CA_ENOMEM;
	json_decref(document);
	return error;
}

int client_resource_remove(const struct client_args *args, const struct client_resource *resource,
    struct client_problem *problem)
{
	struct client_request request = { .method = "DELETE" };
	struct ca_buf path = CA_BUF_INIT, body = CA_BUF_INIT;
	struct client_http *http = NULL;
	int error = path_make(args, resource, &path, problem);

	request.path = ca_buf_text(&path);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error = client_http_send(http, &request, &body, problem);
	if (!error)
		error = removed_print(args);
	client_http_close(http);
	ca_buf_free(&body);
	ca_buf_free(&path);
	return error;
}

/* ---- one resource, a line a member ---- */

void client_resource_line(const char *label, const char *text)
{
	if (!*text)
		return;
	printf("%-*s  ", LABEL, label);
	client_safe_print(text);
	putchar('\n');
}

void client_resource_when(const char *label, const char *rfc3339)
{
	struct ca_buf text = CA_BUF_INIT;

	if (*rfc3339)
		client_when_add(&text, rfc3339);
	client_resource_line(label, ca_buf_text(&text));
	ca_buf_free(&text);
}

void client_resource_list(const char *label, const json_t *texts)
{
	struct ca_buf text = CA_BUF_INIT;
	const json_t *one;
	size_t i;

	json_array_foreach(texts, i, one)
	{
		const char *value = json_string_value(one);

		ca_buf_addf(&text, "%s%s", i ? ", " : "", value ? value : "");
	}
	client_resource_line(label, ca_buf_text(&text));
	ca_buf_free(&text);
}
