/* mica token: permissions to enrol. */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/verbs.h"

#define USES_MAX 1000

/* ---- create ---- */

static int names_add(const struct client_args *args, json_t *body)
{
	static const char *const keys[] = { "dns", "ip", "uri", "email" };

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		const struct client_values *values = client_arg_all(args, keys[k]);
		json_t *list = json_array();

		if (json_object_set_new(body, keys[k], list))
			return CA_ENOMEM;
		for (size_t i = 0; i < values->n; i++)
			if (json_array_append_new(list, json_string(values->v[i])))
				return CA_EINVAL;
	}
	return 0;
}

static int body_make(const struct client_args *args, json_t **out, struct client_problem *problem)
{
	json_t *body = NULL;
	int64_t uses, ttl;
	int error = client_arg_number(args, "uses", 1, USES_MAX, 1, &uses, problem);

	if (!error)
		error = client_arg_duration(args, "ttl", 0, &ttl, problem);
	if (error)
		return error;
	body = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "tenant",
	    client_arg(args, "tenant"), "profile", client_arg(args, "profile"), "common_name",
	    client_arg(args, "common-name"), "spki_sha256", client_arg(args, "spki-sha256"), "ttl",
	    client_arg(args, "ttl"), "uses", (json_int_t)uses);
	error = body ? names_add(args, body) : CA_ENOMEM;
	if (error == CA_EINVAL)
		client_fail_usage(problem, args->verb->name, "a name is not text");
	if (error)
		json_decref(body);
	else
		*out = body;
	return error;
}

/* The token alone, so that it can be piped into `mica fetch --token-file -`. */
static int token_print(const json_t *answer, struct client_problem *problem)
{
	const char *token = client_json_text(answer, "token");

	if (!*token)
		return client_fail(problem, CA_EANSWER, "the CA's answer holds no token");
	client_safe_print(token);
	putchar('\n');
	return 0;
}

static int create_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "POST", .path = "/v1/tokens" };
	struct client_http *http = NULL;
	json_t *body = NULL, *answer = NULL;
	int error = body_make(args, &body, problem);

	if (!error)
		error = client_operator_connect(args, &http, problem);
	request.body = body;
	if (!error)
		error = client_http_json(http, &request, &answer, problem);
	if (!error && client_arg(args, "json"))
		error = client_json_print(answer);
	else if (!error)
		error = token_print(answer, problem);
	json_decref(answer);
	json_decref(body);
	client_http_close(http);
	return error;
}

static const struct client_flag create_flags[] = {
	CLIENT_FLAG_TENANT,
	CLIENT_FLAG_PROFILE("default service"),
	{ .name = "dns", .value = "NAME", .many = true, .help = "a DNS name the bearer may have" },
	{ .name = "ip", .value = "ADDRESS", .many = true, .help = "an IP address" },
	{ .name = "uri", .value = "URI", .many = true, .help = "a URI" },
	{ .name = "email", .value = "ADDRESS", .many = true, .help = "an e-mail address" },
	{ .name = "common-name",
	    .value = "CN",
	    .help = "a common name that is no DNS name, such as a database role" },
	{ .name = "spki-sha256",
	    .value = "HEX",
	    .help = "SHA-256 of the only public key that it is good for" },
	{ .name = "ttl", .value = "DURATION", .help = "of the token (default 1h, at most 24h)" },
	{ .name = "uses", .value = "N", .help = "certificates to be had with it (default 1)" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_token_create = {
	.name = "token create",
	.summary = "Make an enrolment token and print it",
	.details = "  mica token create --dns web.internal | mica fetch --token-file - --out "
		   "/etc/web/tls\n",
	.flags = create_flags,
	.run = create_run,
};

/* ---- list ---- */

static int table_print(const json_t *list)
{
	static const char *const heading[] = { "ID", "PROFILE", "USES LEFT", "EXPIRES", "BY",
		"NAMES" };
	struct client_table table = { .columns = 6 };
	const json_t *entry;
	size_t i;

	client_table_add(&table, heading);
	json_array_foreach(json_object_get(list, "tokens"), i, entry)
	{
		struct ca_buf names = CA_BUF_INIT, expires = CA_BUF_INIT;
		char uses[64];

		snprintf(uses, sizeof(uses), "%lld of %lld",
		    (long long)client_json_number(entry, "uses_left"),
		    (long long)client_json_number(entry, "uses"));
		client_json_names(entry, &names);
		client_when_add(&expires, client_json_text(entry, "expires"));
		client_table_add(
		    &table, (const char *const[]){ client_json_text(entry, "id"),
				client_json_text(entry, "profile"), uses, ca_buf_text(&expires),
				client_json_text(entry, "operator"), ca_buf_text(&names) });
		ca_buf_free(&names);
		ca_buf_free(&expires);
	}
	return client_table_print(&table);
}

static int list_run(const struct client_args *args, struct client_problem *problem)
{
	return client_list(args, "/v1/tokens", "tokens", table_print, problem);
}

static const struct client_flag list_flags[] = {
	CLIENT_FLAGS_LIST,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_token_list = {
	.name = "token list",
	.summary = "List enrolment tokens",
	.flags = list_flags,
	.run = list_run,
};

/* ---- remove ---- */

static int remove_one(struct client_http *http, const char *id, struct client_problem *problem)
{
	struct client_request request = { .method = "DELETE" };
	struct ca_buf path = CA_BUF_INIT, body = CA_BUF_INIT;
	int error;

	if (!*id || strspn(id, "0123456789abcdefABCDEF") != strlen(id))
		return client_fail_usage(
		    problem, "token remove", "%s is not the id of a token", id);
	ca_buf_addf(&path, "/v1/tokens/%s", id);
	request.path = ca_buf_text(&path);
	error = ca_buf_error(&path);
	if (!error)
		error = client_http_send(http, &request, &body, problem);
	ca_buf_free(&path);
	ca_buf_free(&body);
	return error;
}

static int remove_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_http *http = NULL;
	json_t *removed = json_array();
	int error = client_operator_connect(args, &http, problem);

	for (size_t i = 0; !error && i < args->n_arguments; i++) {
		error = remove_one(http, args->arguments[i], problem);
		if (!error && !client_arg(args, "json"))
			printf("%s: removed\n", args->arguments[i]);
		if (!error && json_array_append_new(removed, json_string(args->arguments[i])))
			error = CA_ENOMEM;
	}
	if (client_arg(args, "json") && (!error || json_array_size(removed))) {
		json_t *document = json_pack("{s:O}", "removed", removed);
		int printed = document ? client_json_print(document) : CA_ENOMEM;

		error = error ? error : printed;
		json_decref(document);
	}
	json_decref(removed);
	client_http_close(http);
	return error;
}

static const struct client_flag remove_flags[] = { CLIENT_FLAGS_OPERATOR, CLIENT_FLAG_END };

const struct client_verb client_verb_token_remove = {
	.name = "token remove",
	.summary = "Take enrolment tokens back",
	.arguments = "ID...",
	.arguments_min = 1,
	.arguments_max = CLIENT_ARGUMENTS_MAX,
	.flags = remove_flags,
	.run = remove_run,
};
