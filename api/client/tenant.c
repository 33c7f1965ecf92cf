/* mica tenant: the walled-off parts of an installation. */
#include <string.h>

#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/resource.h"
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

static void authority_print(const char *label, const json_t *authority)
{
	struct ca_buf text = CA_BUF_INIT;

	if (!json_is_object(authority))
		return;
	ca_buf_addf(&text, "%s, %s, until ", client_json_text(authority, "name"),
	    client_json_text(authority, "key_type"));
	client_when_add(&text, client_json_text(authority, "not_after"));
	client_resource_line(label, ca_buf_text(&text));
	client_resource_line("", client_json_text(authority, "fingerprint"));
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
	client_resource_line("at most", ca_buf_text(&text));
	ca_buf_free(&text);
}

static int tenant_print(const json_t *tenant)
{
	client_resource_line("name", client_json_text(tenant, "name"));
	client_resource_when("created", client_json_text(tenant, "created"));
	client_resource_when("removed", client_json_text(tenant, "removed"));
	if (json_is_true(json_object_get(tenant, "revoking")))
		client_resource_line("", "its certificates are being revoked");
	client_resource_list("DNS suffixes", json_object_get(tenant, "dns_suffixes"));
	client_resource_list("IP ranges", json_object_get(tenant, "ip_ranges"));
	client_resource_line("trust domain", client_json_text(tenant, "trust_domain"));
	client_resource_line("max lifetime", client_json_text(tenant, "max_lifetime"));
	client_resource_list("allowed", json_object_get(tenant, "allow"));
	quotas_print(json_object_get(tenant, "quotas"));
	authority_print("root", json_object_get(tenant, "root"));
	authority_print("issuer", json_object_get(tenant, "issuer"));
	return 0;
}

static const struct client_resource tenants = { "/v1/tenants", "tenant", tenant_print };

/* ---- flags ---- */

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
		error = client_resource_ask(args, &tenants, &request, problem);
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
	json_t *body = json_object();
	int error = body ? settings_add(args, body, problem) : CA_ENOMEM;

	if (!error && !json_object_size(body))
		error = client_fail_usage(problem, args->verb->name, "nothing is to be set");
	if (!error)
		error = client_resource_change(args, &tenants, "PATCH", body, problem);
	json_decref(body);
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
	CLIENT_FLAGS_LIST,
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
	return client_resource_show(args, &tenants, problem);
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
	int error = confirmed(args, problem);

	return error ? error : client_resource_remove(args, &tenants, problem);
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
