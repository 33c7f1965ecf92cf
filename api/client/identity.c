/* mica identity: who was granted something from outside. */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/verbs.h"

/* ---- list ---- */

static int table_print(const json_t *list)
{
	static const char *const heading[] = { "ID", "TENANT", "SOURCE", "SUBJECT", "STATE",
		"CERTIFICATES" };
	struct client_table table = { .columns = 6 };
	const json_t *entry;
	size_t i;

	client_table_add(&table, heading);
	json_array_foreach(json_object_get(list, "identities"), i, entry)
	{
		bool disabled = json_is_true(json_object_get(entry, "disabled"));
		char id[24], alive[24];

		snprintf(id, sizeof(id), "%lld", (long long)client_json_number(entry, "id"));
		snprintf(alive, sizeof(alive), "%lld",
		    (long long)client_json_number(entry, "certificates"));
		client_table_add(&table,
		    (const char *const[]){ id, client_json_text(entry, "tenant"),
			client_json_text(entry, "source"), client_json_text(entry, "subject"),
			disabled ? "disabled" : "enabled", alive });
	}
	return client_table_print(&table);
}

static int state_read(
    const struct client_args *args, const char **out, struct client_problem *problem)
{
	const char *state = client_arg(args, "state");

	*out = NULL;
	if (state && strcmp(state, "disabled") != 0 && strcmp(state, "enabled") != 0)
		return client_fail_usage(
		    problem, args->verb->name, "--state is neither enabled nor disabled");
	if (state)
		*out = strcmp(state, "disabled") == 0 ? "true" : "false";
	return 0;
}

static int list_run(const struct client_args *args, struct client_problem *problem)
{
	struct ca_buf path = CA_BUF_INIT;
	const char *disabled;
	int error = state_read(args, &disabled, problem);

	if (error)
		return error;
	ca_buf_add_str(&path, "/v1/identities");
	client_query_add(&path, "tenant", client_arg(args, "tenant"));
	client_query_add(&path, "source", client_arg(args, "source"));
	client_query_add(&path, "subject", client_arg(args, "subject"));
	client_query_add(&path, "disabled", disabled);
	error = ca_buf_error(&path);
	if (!error)
		error = client_list(args, ca_buf_text(&path), "identities", table_print, problem);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag list_flags[] = {
	{ .name = "tenant", .value = "TENANT", .help = "of this tenant (admins)" },
	{ .name = "source", .value = "SOURCE", .help = "from this source" },
	{ .name = "subject", .value = "SUBJECT", .help = "exactly this one" },
	{ .name = "state",
	    .value = "STATE",
	    .words = "enabled disabled",
	    .help = "enabled or disabled (default both)" },
	CLIENT_FLAGS_LIST,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_identity_list = {
	.name = "identity list",
	.summary = "List who got certificates from outside",
	.details = "  mica identity list --source prod --subject payments/api\n",
	.flags = list_flags,
	.run = list_run,
};

/* ---- disable, enable ---- */

static int change(const struct client_args *args, const char *act, struct client_problem *problem)
{
	struct client_request request = { .method = "POST" };
	struct ca_buf path = CA_BUF_INIT;
	struct client_http *http = NULL;
	const char *id = args->arguments[0];
	json_t *answer = NULL;
	int error;

	if (!*id || strspn(id, "0123456789") != strlen(id))
		return client_fail_usage(
		    problem, args->verb->name, "%s is not the id of an identity", id);
	ca_buf_addf(&path, "/v1/identities/%s/%s", id, act);
	request.path = ca_buf_text(&path);
	error = ca_buf_error(&path);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error = client_http_json(http, &request, &answer, problem);
	if (!error && client_arg(args, "json")) {
		error = client_json_print(answer);
	} else if (!error) {
		client_safe_print(client_json_text(answer, "subject"));
		printf(": %sd\n", act);
	}
	json_decref(answer);
	client_http_close(http);
	ca_buf_free(&path);
	return error;
}

static int disable_run(const struct client_args *args, struct client_problem *problem)
{
	return change(args, "disable", problem);
}

static int enable_run(const struct client_args *args, struct client_problem *problem)
{
	return change(args, "enable", problem);
}

static const struct client_flag change_flags[] = { CLIENT_FLAGS_OPERATOR, CLIENT_FLAG_END };

const struct client_verb client_verb_identity_disable = {
	.name = "identity disable",
	.summary = "Give an identity nothing any more",
	.details = "What it has stays good until it ends: revoke that, too.\n",
	.arguments = "ID",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = change_flags,
	.run = disable_run,
};

const struct client_verb client_verb_identity_enable = {
	.name = "identity enable",
	.summary = "Let an identity enrol again",
	.arguments = "ID",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = change_flags,
	.run = enable_run,
};
