/* mica apply and mica policy: who may have which certificate. */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/policy.h"
#include "api/client/verbs.h"

/* ---- the document's file ---- */

int client_policy_read(
    const struct client_args *args, struct ca_buf *out, struct client_problem *problem)
{
	return client_file_read(client_arg(args, "file"), CLIENT_POLICY_MAX, out, &problem->detail);
}

int client_policy_fault(const struct client_args *args, int error, struct client_problem *problem)
{
	const char *file = client_arg(args, "file");
	struct ca_detail said = problem->detail;

	if (!file || strncmp(said.text, "line ", 5) != 0)
		return error;
	return client_fail(
	    problem, error, "%s, %s", strcmp(file, "-") ? file : "standard input", said.text);
}

static int path_make(const struct client_args *args, bool dry_run, struct ca_buf *path)
{
	ca_buf_add_str(path, "/v1/policy");
	client_query_add(path, "tenant", client_arg(args, "tenant"));
	client_query_add(path, "dry_run", dry_run ? "true" : NULL);
	return ca_buf_error(path);
}

/* ---- apply ---- */

static int put(struct client_http *http, const struct client_args *args,
    const struct ca_buf *document, const char *if_match, json_t **out,
    struct client_problem *problem)
{
	struct client_request request = {
		.method = "PUT", .octets = document, .if_match = if_match
	};
	struct ca_buf path = CA_BUF_INIT;
	int error = path_make(args, !if_match, &path);

	request.path = ca_buf_text(&path);
	if (!error)
		error = client_http_json(http, &request, out, problem);
	if (error)
		error = client_policy_fault(args, error, problem);
	ca_buf_free(&path);
	return error;
}

/* "+ rule payments" */
static size_t names_print(const json_t *names, char sign, const char *noun)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		printf("%c %s ", sign, noun);
		client_safe_print(json_string_value(name) ? json_string_value(name) : "");
		putchar('\n');
	}
	return json_array_size(names);
}

static size_t part_print(const json_t *part, const char *noun)
{
	return names_print(json_object_get(part, "removed"), '-', noun) +
	       names_print(json_object_get(part, "changed"), '~', noun) +
	       names_print(json_object_get(part, "added"), '+', noun);
}

/* What is going to be different, for people. */
static void difference_print(const json_t *answer)
{
	const json_t *rules = json_object_get(answer, "rules");
	size_t lines = part_print(json_object_get(answer, "profiles"), "profile");

	lines += part_print(rules, "rule");
	if (json_is_true(json_object_get(rules, "reordered"))) {
		puts("~ the order of the rules");
		lines++;
	}
	if (!json_is_true(json_object_get(answer, "changed")))
		puts("nothing to change");
	else if (!lines)
		puts("~ the spelling only");
}

/* Put it in the place of the version that it was compared with. */
static int apply_compared(struct client_http *http, const struct client_args *args,
    const struct ca_buf *document, json_t **answer, struct client_problem *problem)
{
	struct ca_buf tag = CA_BUF_INIT;
	json_t *applied = NULL;
	int error;

	ca_buf_addf(&tag, "\"%lld\"", (long long)client_json_number(*answer, "version"));
	error = ca_buf_error(&tag);
	if (!error)
		error = put(http, args, document, ca_buf_text(&tag), &applied, problem);
	ca_buf_free(&tag);
	if (error)
		return error;
	if (!client_arg(args, "json"))
		printf(
		    "applied, version %lld\n", (long long)client_json_number(applied, "version"));
	json_decref(*answer);
	*answer = applied; /* transferred */
	return 0;
}

static int apply(struct client_http *http, const struct client_args *args,
    const struct ca_buf *document, struct client_problem *problem)
{
	json_t *answer = NULL;
	int error = put(http, args, document, NULL, &answer, problem);

	if (!error && !client_arg(args, "json"))
		difference_print(answer);
	if (!error && !client_arg(args, "dry-run") &&
	    json_is_true(json_object_get(answer, "changed")))
		error = apply_compared(http, args, document, &answer, problem);
	if (!error && client_arg(args, "json"))
		error = client_json_print(answer);
	json_decref(answer);
	return error;
}

static int apply_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_http *http = NULL;
	struct ca_buf document = CA_BUF_INIT;
	int error = client_arg(args, "file")
			? 0
			: client_fail_usage(problem, args->verb->name, "--file is missing");

	if (!error)
		error = client_policy_read(args, &document, problem);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error = apply(http, args, &document, problem);
	ca_buf_free(&document);
	client_http_close(http);
	return error;
}

static const struct client_flag apply_flags[] = {
	{ .name = "file",
	    .letter = 'f',
	    .value = "FILE",
	    .help = "the policy document; - is standard input" },
	CLIENT_FLAG_TENANT,
	{ .name = "dry-run", .help = "only show what would change" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_apply = {
	.name = "apply",
	.summary = "Put a policy document in force",
	.details = "  mica apply -f policy.json --dry-run\n"
		   "  mica apply -f policy.json\n\n"
		   "What it changes is shown first; what it leaves out is removed.\n",
	.flags = apply_flags,
	.run = apply_run,
};

/* ---- export ---- */

static int export_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "GET" };
	struct client_http *http = NULL;
	struct ca_buf path = CA_BUF_INIT, document = CA_BUF_INIT;
	int error = path_make(args, false, &path);

	request.path = ca_buf_text(&path);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error = client_http_send(http, &request, &document, problem);
	if (!error)
		fwrite(ca_buf_text(&document), 1, document.len, stdout);
	ca_buf_free(&path);
	ca_buf_free(&document);
	client_http_close(http);
	return error;
}

static const struct client_flag export_flags[] = {
	CLIENT_FLAG_TENANT,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_policy_export = {
	.name = "policy export",
	.summary = "Print the policy document in force, as it was applied",
	.flags = export_flags,
	.run = export_run,
};
