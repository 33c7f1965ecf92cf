/* mica tenant: the walled-off parts of an installation. */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/verbs.h"

#define QUOTA_MAX 1000000000

/* ---- what create and set have in common ---- */

/* A flag that may be repeated, as a list; one empty value is the empty list. */
static int list_add(
    const struct client_args *args, const char *flag, const char *member, json_t *body)
{
	const struct client_values *values = client_arg_all(args, flag);
	json_t *list;

	if (!values->n)
		return 0;
	list = json_array();
	if (json_object_set_new(body, member, list))
		return CA_ENOMEM;
	for (size_t i = 0; i < values->n; i++)
		if (*values->v[i] && json_array_append_new(list, json_string(values->v[i])))
			return CA_EINVAL;
	return 0;
}

static int quotas_add(const struct client_args *args, json_t *body, struct client_problem *problem)
{
	static const char *const flags[] = { "max-alive", "max-per-minute",
		"max-alive-per-identity", "max-per-minute-per-identity" };
	static const char *const members[] = { "alive", "per_minute", "identity_alive",
		"identity_per_minute" };
	json_t *quotas = json_object();
	int error = quotas ? 0 : CA_ENOMEM;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags) && !error; i++) {
		int64_t n = 0;

		if (!client_arg(args, flags[i]))
			continue;
		error = client_arg_number(args, flags[i], 0, QUOTA_MAX, 0, &n, problem);
		if (!error && json_object_set_new(quotas, members[i], json_integer(n)))
			error = CA_ENOMEM;
	}
	if (!error && json_object_size(quotas) && json_object_set(body, "quotas", quotas))
		error = CA_ENOMEM;
	json_decref(quotas);
	return error;
}

static int text_add(
    const struct client_args *args, const char *flag, const char *member, json_t *body)
{
	const char *text = client_arg(args, flag);

	if (!text)
		return 0;
	return json_object_set_new(body, member, *text ? json_string(text) : json_null())
		   ? CA_EINVAL
		   : 0;
}

static int settings_add(
    const struct client_args *args, json_t *body, struct client_problem *problem)
{
	int error = list_add(args, "dns-suffix", "dns_suffixes", body);

	if (!error)
		error = list_add(args, "ip-range", "ip_ranges", body);
	if (!error)
		error = list_add(args, "allow", "allow", body);
	if (!error)
		error = text_add(args, "trust-domain", "trust_domain", body);
	if (!error)
		error = text_add(args, "max-lifetime", "max_lifetime", body);
	if (error == CA_EINVAL)
		return client_fail_usage(problem, args->verb->name, "a value is not text");
	return error ? error : quotas_add(args, body, problem);
}

/* ---- showing one ---- */

static void line_print(const char *label, const char *text)
{
	if (!*text)
		return;
	printf("%-13s  ", label);
	client_safe_print(text);
	putchar('\n');
}

static void list_print(const char *label, const json_t *list)
{
	struct ca_buf text = CA_BUF_INIT;
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *value = json_string_value(one);

		ca_buf_addf(&text, "%s%s", i ? ", " : "", value ? value : "");
	}
	line_print(label, ca_buf_text(&text));
	ca_buf_free(&text);
}

static void when_print(const char *label, const char *time)
{
	struct ca_buf text = CA_BUF_INIT;

	if (*time)
		client_when_add(&text, time);
	line_print(label, ca_buf_text(&text));
	ca_buf_free(&text);
}

static void authority_print(const char *label, const json_t *authority)
{
	struct ca_buf text = CA_BUF_INIT;

	if (!json_is_object(authority))
		return;
	ca_buf_addf(&text, "%s, %s, until ", client_json_text(authority, "name"),
	    client_json_text(authority, "key_type"));
	client_when_add(&text, client_json_text(authority, "not_after"));
	line_print(label, ca_buf_text(&text));
	line_print("", client_json_text(authority, "fingerprint"));
	ca_buf_free(&text);
}

static void quotas_print(const json_t *quotas)
{
	static const struct {
		const char *member, *words;
	} all[] = { { "alive", "alive" }, { "per_minute", "a minute" },
		{ "identity_alive", "alive of each identity" },
		{ "identity_per_minute", "a minute of each identity" } };
	struct ca_buf text = CA_BUF_INIT;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (json_is_integer(json_object_get(quotas, all[i].member)))
			ca_buf_addf(&text, "%s%lld %s", text.len ? ", " : "",
			    (long long)client_json_number(quotas, all[i].member), all[i].words);
	line_print("at most", ca_buf_text(&text));
	ca_buf_free(&text);
}

static int tenant_print(const json_t *tenant)
{
	line_print("name", client_json_text(tenant, "name"));
	when_print("created", client_json_text(tenant, "created"));
	when_print("removed", client_json_text(tenant, "removed"));
	if (json_is_true(json_object_get(tenant, "revoking")))
		line_print("", "its certificates are being revoked");
	list_print("DNS suffixes", json_object_get(tenant, "dns_suffixes"));
	list_print("IP ranges", json_object_get(tenant, "ip_ranges"));
	line_print("trust domain", client_json_text(tenant, "trust_domain"));
	line_print("max lifetime", client_json_text(tenant, "max_lifetime"));
	list_print("allowed", json_object_get(tenant, "allow"));
	quotas_print(json_object_get(tenant, "quotas"));
	authority_print("root", json_object_get(tenant, "root"));
	authority_print("issuer", json_object_get(tenant, "issuer"));
	return 0;
}

/* ---- asking ---- */

/* The path of the tenant named on the command line. */
static int path_make(
    const struct client_args *args, struct ca_buf *path, struct client_problem *problem)
{
	const char *name = args->arguments[0];

	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
		return client_fail_usage(
		    problem, args->verb->name, "%s is not the name of a tenant", name);
	ca_buf_addf(path, "/v1/tenants/%s", name);
	return ca_buf_error(path);
}

/* Ask, and print the tenant that is answered with. */
static int tenant_ask(const struct client_args *args, const struct client_request *request,
    struct client_problem *problem)
{
	struct client_http *http = NULL;
	json_t *answer = NULL;
	int error = client_operator_connect(args, &http, problem);

	if (!error)
		error = client_http_json(http, request, &answer, problem);
	if (!error)
		error = client_arg(args, "json") ? client_json_print(answer) : tenant_print(answer);
	json_decref(answer);
	client_http_close(http);
	return error;
}

#define SETTINGS_FLAGS                                                                             \
	{ .name = "dns-suffix",                                                                    \
		.value = "SUFFIX",                                                                 \
		.many = true,                                                                      \
		.help = "its DNS names stand below it; '' for no bound" },                         \
	    { .name = "ip-range",                                                                  \
		    .value = "CIDR",                                                               \
		    .many = true,                                                                  \
		    .help = "its addresses are in it; '' for none" },                              \
	    { .name = "trust-domain",                                                              \
		    .value = "DOMAIN",                                                             \
		    .help = "of its SPIFFE IDs; '' for none" },                                    \
	    { .name = "max-lifetime",                                                              \
		    .value = "DURATION",                                                           \
		    .help = "of its certificates (default 90d)" },                                 \
	    { .name = "allow",                                                                     \
		    .value = "WORD",                                                               \
		    .many = true,                                                                  \
		    .words = "email common-name wildcards",                                        \
		    .help = "what its profiles may grant; '' for none of them" },                  \
	    { .name = "max-alive",                                                                 \
		    .value = "N",                                                                  \
		    .help = "certificates at a time; 0 for no bound" },                            \
	    { .name = "max-per-minute", .value = "N", .help = "certificates a minute" },           \
	    { .name = "max-alive-per-identity",                                                    \
		    .value = "N",                                                                  \
		    .help = "the same, of each identity" },                                        \
	{                                                                                          \
		.name = "max-per-minute-per-identity", .value = "N",                               \
		.help = "the same, of each identity"                                               \
	}

/* ---- create, set ---- */

static int create_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "POST", .path = "/v1/tenants" };
	json_t *body = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", "name", args->arguments[0],
	    "key_type", client_arg(args, "key-type"), "root_key_type",
	    client_arg(args, "root-key-type"), "lifetime", client_arg(args, "lifetime"),
	    "root_lifetime", client_arg(args, "root-lifetime"));
	int error = body ? settings_add(args, body, problem)
			 : client_fail_usage(problem, args->verb->name, "a value is not text");

	request.body = body;
	if (!error)
		error = tenant_ask(args, &request, problem);
	json_decref(body);
	return error;
}

static const struct client_flag create_flags[] = {
	SETTINGS_FLAGS,
	{ .name = "key-type",
	    .value = "TYPE",
	    .words = "rsa:2048 rsa:3072 rsa:4096 ec:p256 ec:p384",
	    .help = "of its issuer (default rsa:2048)" },
	{ .name = "root-key-type",
	    .value = "TYPE",
	    .words = "rsa:2048 rsa:3072 rsa:4096 ec:p256 ec:p384",
	    .help = "of its root (default rsa:3072)" },
	{ .name = "lifetime", .value = "DURATION", .help = "of its issuer (default 3 years)" },
	{ .name = "root-lifetime", .value = "DURATION", .help = "of its root (default 10 years)" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_tenant_create = {
	.name = "tenant create",
	.summary = "Make a tenant, with a root and an issuer of its own",
	.details = "  mica tenant create blue --dns-suffix blue.internal --ip-range 10.1.0.0/16\n",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = create_flags,
	.run = create_run,
};

static int set_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "PATCH" };
	struct ca_buf path = CA_BUF_INIT;
	json_t *body = json_object();
	int error = body ? path_make(args, &path, problem) : CA_ENOMEM;

	if (!error)
		error = settings_add(args, body, problem);
	if (!error && !json_object_size(body))
		error = client_fail_usage(problem, args->verb->name, "nothing is to be set");
	request.path = ca_buf_text(&path);
	request.body = body;
	if (!error)
		error = tenant_ask(args, &request, problem);
	json_decref(body);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag set_flags[] = { SETTINGS_FLAGS, CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END };

const struct client_verb client_verb_tenant_set = {
	.name = "tenant set",
	.summary = "Set what a tenant may have",
	.details = "What is not given stays as it is; a list is replaced as a whole. Other\n"
		   "suffixes, ranges or another trust domain: the issuer gets a new certificate\n"
		   "for the same key.\n",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = set_flags,
	.run = set_run,
};

/* ---- list, show ---- */

static int table_print(const json_t *list)
{
	static const char *const heading[] = { "NAME", "STATE", "TRUST DOMAIN", "DNS SUFFIXES" };
	struct client_table table = { .columns = 4 };
	const json_t *entry, *one;
	size_t i, k;

	client_table_add(&table, heading);
	json_array_foreach(json_object_get(list, "tenants"), i, entry)
	{
		const char *state = *client_json_text(entry, "removed") ? "removed" : "there";
		struct ca_buf suffixes = CA_BUF_INIT;

		json_array_foreach(json_object_get(entry, "dns_suffixes"), k, one)
		{
			const char *value = json_string_value(one);

			ca_buf_addf(&suffixes, "%s%s", k ? " " : "", value ? value : "");
		}
		client_table_add(
		    &table, (const char *const[]){ client_json_text(entry, "name"), state,
				client_json_text(entry, "trust_domain"), ca_buf_text(&suffixes) });
		ca_buf_free(&suffixes);
	}
	return client_table_print(&table);
}

static int list_run(const struct client_args *args, struct client_problem *problem)
{
	return client_list(args,
	    client_arg(args, "removed") ? "/v1/tenants?removed=true" : "/v1/tenants", "tenants",
	    table_print, problem);
}

static const struct client_flag list_flags[] = {
	{ .name = "removed", .help = "those that were removed, too" },
	{ .name = "limit", .value = "N", .help = "at most so many (default 100)" },
	{ .name = "all", .help = "every one of them" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_tenant_list = {
	.name = "tenant list",
	.summary = "List the tenants",
	.flags = list_flags,
	.run = list_run,
};

static int show_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "GET" };
	struct ca_buf path = CA_BUF_INIT;
	int error = path_make(args, &path, problem);

	request.path = ca_buf_text(&path);
	if (!error)
		error = tenant_ask(args, &request, problem);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag show_flags[] = { CLIENT_FLAGS_OPERATOR, CLIENT_FLAG_END };

const struct client_verb client_verb_tenant_show = {
	.name = "tenant show",
	.summary = "Show a tenant",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = show_flags,
	.run = show_run,
};

/* ---- remove ---- */

/* Nothing brings a tenant back: its name is to be given twice. */
static int confirmed(const struct client_args *args, struct client_problem *problem)
{
	const char *again = client_arg(args, "yes");

	if (again && strcmp(again, args->arguments[0]) == 0)
		return 0;
	return client_fail_usage(problem, args->verb->name,
	    "this revokes all certificates of %s, for ever: confirm with --yes %s",
	    args->arguments[0], args->arguments[0]);
}

static int remove_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "DELETE" };
	struct ca_buf path = CA_BUF_INIT, body = CA_BUF_INIT;
	struct client_http *http = NULL;
	int error = path_make(args, &path, problem);

	if (!error)
		error = confirmed(args, problem);
	request.path = ca_buf_text(&path);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error = client_http_send(http, &request, &body, problem);
	if (!error && client_arg(args, "json")) {
		json_t *document = json_pack("{s:[s]}", "removed", args->arguments[0]);

		error = document ? client_json_print(document) : CA_ENOMEM;
		json_decref(document);
	} else if (!error) {
		printf("%s: removed\n", args->arguments[0]);
	}
	client_http_close(http);
	ca_buf_free(&body);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag remove_flags[] = {
	{ .name = "yes", .value = "NAME", .help = "the name once more: it is meant" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_tenant_remove = {
	.name = "tenant remove",
	.summary = "Remove a tenant, and revoke all that it has",
	.details = "Its name is never used again.\n",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = remove_flags,
	.run = remove_run,
};
