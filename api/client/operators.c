/* mica operator list, remove: the operators there are. */

#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/resource.h"
#include "api/client/verbs.h"

/* ---- list ---- */

static int table_print(const json_t *list)
{
	static const char *const heading[] = { "NAME", "ROLE", "TENANT", "EXPIRES", "EMAIL" };
	struct client_table table = { .columns = 5 };
	const json_t *entry;
	size_t i;

	client_table_add(&table, heading);
	json_array_foreach(json_object_get(list, "operators"), i, entry)
	{
		struct ca_buf expires = CA_BUF_INIT;

		client_when_add(&expires, client_json_text(entry, "expires"));
		client_table_add(
		    &table, (const char *const[]){ client_json_text(entry, "name"),
				client_json_text(entry, "role"), client_json_text(entry, "tenant"),
				ca_buf_text(&expires), client_json_text(entry, "email") });
		ca_buf_free(&expires);
	}
	return client_table_print(&table);
}

static int list_run(const struct client_args *args, struct client_problem *problem)
{
	struct ca_buf path = CA_BUF_INIT;
	int error;

	ca_buf_add_str(&path, "/v1/operators");
	client_query_add(&path, "tenant", client_arg(args, "tenant"));
	client_query_add(&path, "email", client_arg(args, "email"));
	error = ca_buf_error(&path);
	if (!error)
		error = client_list(args, ca_buf_text(&path), "operators", table_print, problem);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag list_flags[] = {
	{ .name = "tenant", .value = "TENANT", .help = "of this tenant (admins)" },
	{ .name = "email", .value = "ADDRESS", .help = "with this address (admins)" },
	CLIENT_FLAGS_LIST,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_operator_list = {
	.name = "operator list",
	.summary = "List the operators in office",
	.flags = list_flags,
	.run = list_run,
};

/* ---- remove ---- */

static int remove_run(const struct client_args *args, struct client_problem *problem)
{
	static const struct client_resource operators = { "/v1/operators", "operator", NULL };

	return client_resource_remove(args, &operators, problem);
}

static const struct client_flag remove_flags[] = { CLIENT_FLAGS_OPERATOR, CLIENT_FLAG_END };

const struct client_verb client_verb_operator_remove = {
	.name = "operator remove",
	.summary = "Remove an operator, with certificates and tokens",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = remove_flags,
	.run = remove_run,
};
