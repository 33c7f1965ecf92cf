/* mica source: whose tokens the CA believes. */
#include <stdio.h>
#include <string.h>

#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/resource.h"
#include "api/client/verbs.h"

#define FILE_MAX 262144

/* ---- what create and set have in common ---- */

static int file_text(const char *path, struct ca_buf *out, struct client_problem *problem)
{
	int error = client_file_read(path, FILE_MAX, out, &problem->detail);

	return error ? error : ca_buf_error(out);
}

/* The keys of a JWKS file. */
static int keys_add(const char *path, json_t *body, struct client_problem *problem)
{
	struct ca_buf text = CA_BUF_INIT;
	json_t *document = NULL, *keys;
	int error = file_text(path, &text, problem);

	if (!error)
		document = json_loadb(ca_buf_text(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	ca_buf_free(&text);
	if (error)
		return error;
	keys = json_object_get(document, "keys");
	if (!json_is_array(keys))
		error = client_fail(
		    problem, CA_EINVAL, "%s is not a JSON Web Key Set: {\"keys\": […]}", path);
	else if (json_object_set_new(body, "jwks", json_pack("{s:O}", "keys", keys)))
		error = CA_ENOMEM;
	json_decref(document);
	return error;
}

/* Where to ask, whom to believe there, and what to show. */
static int peer_add(const struct client_args *args, const char *member, const char *url,
    json_t *body, struct client_problem *problem)
{
	const char *file = client_arg(args, "ca-file");
	struct ca_buf ca = CA_BUF_INIT;
	json_t *peer;
	int error;

	if (!file)
		return client_fail_usage(
		    problem, args->verb->name, "--ca-file is missing: whom to believe at %s", url);
	error = file_text(file, &ca, problem);
	if (!error) {
		peer = json_pack("{s:s, s:s%, s:s*}", "url", url, "ca", ca_buf_text(&ca), ca.len,
		    "bearer", client_arg(args, "bearer"));
		if (!peer)
			error = client_fail(problem, CA_EINVAL, "%s is not text", file);
		else if (json_object_set_new(body, member, peer))
			error = CA_ENOMEM;
	}
	ca_buf_free(&ca);
	return error;
}

static int settings_add(
    const struct client_args *args, json_t *body, struct client_problem *problem)
{
	const struct client_values *audiences = client_arg_all(args, "audience");
	const char *review = client_arg(args, "token-review"), *url = client_arg(args, "jwks-url"),
		   *file = client_arg(args, "jwks-file");

	if (audiences->n) {
		json_t *list = json_array();

		for (size_t i = 0; i < audiences->n; i++)
			json_array_append_new(list, json_string(audiences->v[i]));
		if (json_object_set_new(body, "audiences", list))
			return CA_ENOMEM;
	}
	if (!!review + !!url + !!file != 1)
		return client_fail_usage(problem, args->verb->name,
		    "one of --token-review, --jwks-url and --jwks-file is needed");
	if (file)
		return keys_add(file, body, problem);
	return peer_add(
	    args, review ? "token_review" : "jwks", review ? review : url, body, problem);
}

/* "keys that were given", "TokenReview by https://…" */
static void method_add(struct ca_buf *out, const json_t *source)
{
	const json_t *review = json_object_get(source, "token_review");
	const json_t *jwks = json_object_get(source, "jwks");
	size_t keys = json_array_size(json_object_get(jwks, "keys"));

	if (review)
		ca_buf_addf(out, "TokenReview by %s", client_json_text(review, "url"));
	else if (*client_json_text(jwks, "url"))
		ca_buf_addf(out, "the keys at %s", client_json_text(jwks, "url"));
	else
		ca_buf_addf(out, "%zu keys that were given", keys);
}

static int source_print(const json_t *source)
{
	const json_t *peer = json_object_get(source, "token_review");
	struct ca_buf method = CA_BUF_INIT;

	if (!peer)
		peer = json_object_get(source, "jwks");
	if (peer)
		method_add(&method, source);
	client_resource_line("name", client_json_text(source, "name"));
	client_resource_line("kind", client_json_text(source, "kind"));
	client_resource_line("issuer", client_json_text(source, "issuer"));
	client_resource_list("audiences", json_object_get(source, "audiences"));
	client_resource_line("checked by", ca_buf_text(&method));
	client_resource_line("bearer", client_json_text(peer, "bearer"));
	client_resource_when("created", client_json_text(source, "created"));
	ca_buf_free(&method);
	return 0;
}

static const struct client_resource sources = { "/v1/sources", "source", source_print };

#define SETTINGS_FLAGS                                                                             \
	{ .name = "audience",                                                                      \
		.value = "AUDIENCE",                                                               \
		.many = true,                                                                      \
		.help = "that its tokens are made for (of a cluster: default the CA's URL)" },     \
	    { .name = "token-review",                                                              \
		    .value = "URL",                                                                \
		    .help = "of the cluster, which is asked about every token" },                  \
	    { .name = "jwks-url", .value = "URL", .help = "of the issuer's keys" },                \
	    { .name = "jwks-file", .value = "FILE", .help = "the issuer's keys" },                 \
	    { .name = "ca-file", .value = "FILE", .help = "whom to believe at the URL" },          \
	{                                                                                          \
		.name = "bearer", .value = "NAME",                                                 \
		.help = "the file with the token to show, in micad's --credentials"                \
	}

/* ---- create, set ---- */

static int create_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "POST", .path = "/v1/sources" };
	const char *kind = client_arg(args, "kind"), *issuer = client_arg(args, "issuer");
	json_t *body;
	int error;

	if (!kind || !issuer)
		return client_fail_usage(
		    problem, args->verb->name, "--%s is missing", kind ? "issuer" : "kind");
	body = json_pack(
	    "{s:s, s:s, s:s}", "name", args->arguments[0], "kind", kind, "issuer", issuer);
	error = body ? settings_add(args, body, problem) : CA_EINVAL;
	request.body = body;
	if (!error)
		error = client_resource_ask(args, &sources, &request, problem);
	json_decref(body);
	return error;
}

static const struct client_flag create_flags[] = {
	{ .name = "kind",
	    .value = "KIND",
	    .words = "kubernetes oidc",
	    .help = "kubernetes (service accounts) or oidc" },
	{ .name = "issuer", .value = "ISSUER", .help = "what its tokens have for iss" },
	SETTINGS_FLAGS,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_source_create = {
	.name = "source create",
	.summary = "Believe the tokens of a cluster or an OIDC issuer",
	.details = "  mica source create prod --kind kubernetes \\\n"
		   "    --issuer https://kubernetes.default.svc.cluster.local \\\n"
		   "    --token-review https://kubernetes.default.svc --ca-file ca.crt \\\n"
		   "    --bearer prod\n",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = create_flags,
	.run = create_run,
};

static int set_run(const struct client_args *args, struct client_problem *problem)
{
	json_t *body = json_object();
	int error = body ? settings_add(args, body, problem) : CA_ENOMEM;

	if (!error)
		error = client_resource_change(args, &sources, "PUT", body, problem);
	json_decref(body);
	return error;
}

static const struct client_flag set_flags[] = { SETTINGS_FLAGS, CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END };

const struct client_verb client_verb_source_set = {
	.name = "source set",
	.summary = "Replace a source's settings",
	.details = "What is not given is not kept: all settings are replaced. Name, kind and\n"
		   "issuer stay.\n",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = set_flags,
	.run = set_run,
};

/* ---- list, show, remove ---- */

static int table_print(const json_t *list)
{
	static const char *const heading[] = { "NAME", "KIND", "ISSUER" };
	struct client_table table = { .columns = 3 };
	const json_t *entry;
	size_t i;

	client_table_add(&table, heading);
	json_array_foreach(json_object_get(list, "sources"), i, entry) client_table_add(
	    &table, (const char *const[]){ client_json_text(entry, "name"),
			client_json_text(entry, "kind"), client_json_text(entry, "issuer") });
	return client_table_print(&table);
}

static int list_run(const struct client_args *args, struct client_problem *problem)
{
	return client_list(args, "/v1/sources", "sources", table_print, problem);
}

static const struct client_flag list_flags[] = {
	CLIENT_FLAGS_LIST,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_source_list = {
	.name = "source list",
	.summary = "List the sources",
	.flags = list_flags,
	.run = list_run,
};

static int show_run(const struct client_args *args, struct client_problem *problem)
{
	return client_resource_show(args, &sources, problem);
}

static const struct client_flag show_flags[] = { CLIENT_FLAGS_OPERATOR, CLIENT_FLAG_END };

const struct client_verb client_verb_source_show = {
	.name = "source show",
	.summary = "Show a source",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = show_flags,
	.run = show_run,
};

static int remove_run(const struct client_args *args, struct client_problem *problem)
{
	return client_resource_remove(args, &sources, problem);
}

const struct client_verb client_verb_source_remove = {
	.name = "source remove",
	.summary = "Believe a source no longer",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = show_flags,
	.run = remove_run,
};
