/* mica policy test: what would somebody get, and why? */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/policy.h"
#include "api/client/verbs.h"
#include "ca/csr.h"
#include "ca/key.h"

/* ---- the request that is made up ---- */

static int names_read(
    const struct client_args *args, struct ca_names *names, struct client_problem *problem)
{
	static const struct {
		const char *flag;
		enum ca_name_type type;
	} flags[] = { { "dns", CA_NAME_DNS }, { "ip", CA_NAME_IP }, { "uri", CA_NAME_URI },
		{ "email", CA_NAME_EMAIL } };
	int error = 0;

	for (size_t k = 0; k < sizeof(flags) / sizeof(*flags); k++) {
		const struct client_values *values = client_arg_all(args, flags[k].flag);

		for (size_t i = 0; !error && i < values->n; i++)
			error = ca_names_add(names, flags[k].type, values->v[i],
			    strlen(values->v[i]), &problem->detail);
	}
	return error;
}

/* With a key that is thrown away. */
static int csr_make(
    const struct client_args *args, struct ca_buf *pem, struct client_problem *problem)
{
	const char *type_text = client_arg(args, "key-type");
	enum ca_key_type type = ca_key_type_parse(type_text ? type_text : "ec:p256");
	struct ca_names names = CA_NAMES_INIT;
	struct ca_key *key = NULL;
	int error;

	if (type == CA_KEY_NONE)
		return client_fail_usage(
		    problem, args->verb->name, "there is no key type %s", type_text);
	error = names_read(args, &names, problem);
	if (!error)
		error = ca_key_generate(type, &key);
	if (!error)
		error = ca_csr_create(
		    key, client_arg(args, "common-name"), names.n ? &names : NULL, pem);
	ca_names_free(&names);
	ca_key_free(key);
	return error;
}

static int csr_read(
    const struct client_args *args, struct ca_buf *pem, struct client_problem *problem)
{
	static const char *const made[] = { "dns", "ip", "uri", "email", "common-name",
		"key-type" };
	const char *file = client_arg(args, "csr");

	if (!file)
		return csr_make(args, pem, problem);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (client_arg(args, made[i]))
			return client_fail_usage(problem, args->verb->name,
			    "--csr already says what --%s would", made[i]);
	return client_file_read(file, CA_KEY_PEM_MAX, pem, &problem->detail);
}

/* ---- the identity that is made up ---- */

static int claims_add(const struct client_args *args, json_t *body, struct client_problem *problem)
{
	const struct client_values *values = client_arg_all(args, "claim");
	json_t *claims = json_object();

	if (json_object_set_new(body, "claims", claims))
		return CA_ENOMEM;
	for (size_t i = 0; i < values->n; i++) {
		const char *equals = strchr(values->v[i], '=');
		json_t *value = equals ? json_string(equals + 1) : NULL;

		if (!value)
			return client_fail_usage(problem, args->verb->name,
			    "--claim %s is not NAME=VALUE", values->v[i]);
		if (json_object_setn_new(
			claims, values->v[i], (size_t)(equals - values->v[i]), value))
			return client_fail_usage(
			    problem, args->verb->name, "--claim %s is not text", values->v[i]);
	}
	return 0;
}

static int identity_add(
    const struct client_args *args, json_t *body, struct client_problem *problem)
{
	const char *source = client_arg(args, "source");
	const char *audience = client_arg(args, "audience");

	if (!source && (audience || client_arg(args, "claim")))
		return client_fail_usage(problem, args->verb->name, "--source is missing");
	if (!source)
		return 0;
	if (json_object_set_new(body, "source", json_string(source)))
		return CA_EINVAL;
	if (audience && json_object_set_new(body, "audience", json_string(audience)))
		return CA_EINVAL;
	return claims_add(args, body, problem);
}

/* ---- the question ---- */

static int body_make(const struct client_args *args, json_t *body, struct client_problem *problem)
{
	struct ca_buf csr = CA_BUF_INIT, document = CA_BUF_INIT;
	int error = csr_read(args, &csr, problem);

	if (!error && client_arg(args, "file"))
		error = client_policy_read(args, &document, problem);
	if (!error && json_object_set_new(body, "csr", json_stringn(ca_buf_text(&csr), csr.len)))
		error = client_fail(problem, CA_EINVAL, "the request is not text");
	if (!error && client_arg(args, "file") &&
	    json_object_set_new(
		body, "document", json_stringn(ca_buf_text(&document), document.len)))
		error = client_fail(problem, CA_EINVAL, "the document is not UTF-8");
	if (!error && client_arg(args, "profile"))
		error =
		    json_object_set_new(body, "profile", json_string(client_arg(args, "profile")))
			? CA_EINVAL
			: 0;
	if (!error && client_arg(args, "ttl"))
		error = json_object_set_new(body, "ttl", json_string(client_arg(args, "ttl")))
			    ? CA_EINVAL
			    : 0;
	if (!error)
		error = identity_add(args, body, problem);
	ca_buf_free(&csr);
	ca_buf_free(&document);
	return error;
}

static int ask(const struct client_args *args, json_t **out, struct client_problem *problem)
{
	struct client_request request = { .method = "POST" };
	struct client_http *http = NULL;
	struct ca_buf path = CA_BUF_INIT;
	json_t *body = json_object();
	int error = body ? body_make(args, body, problem) : CA_ENOMEM;

	ca_buf_add_str(&path, "/v1/policy/test");
	client_query_add(&path, "tenant", client_arg(args, "tenant"));
	request.path = ca_buf_text(&path);
	request.body = body;
	if (!error)
		error = ca_buf_error(&path);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error = client_http_json(http, &request, out, problem);
	if (error)
		error = client_policy_fault(args, error, problem);
	json_decref(body);
	ca_buf_free(&path);
	client_http_close(http);
	return error;
}

/* ---- the answer ---- */

static void line_print(const char *label, const char *text)
{
	if (!*text)
		return;
	printf("%-12s ", label);
	client_safe_print(text);
	putchar('\n');
}

static void time_print(const char *label, const char *rfc3339)
{
	struct ca_buf text = CA_BUF_INIT;

	client_when_add(&text, rfc3339);
	line_print(label, ca_buf_text(&text));
	ca_buf_free(&text);
}

static void names_print(const json_t *answer, const char *type)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(answer, type), i, name)
	    line_print(type, json_string_value(name) ? json_string_value(name) : "");
}

static void answer_print(const json_t *answer)
{
	bool allowed = json_is_true(json_object_get(answer, "allowed"));

	puts(allowed ? "allowed" : "refused");
	line_print("tenant", client_json_text(answer, "tenant"));
	line_print("rule", client_json_text(answer, "rule"));
	line_print("profile", client_json_text(answer, "profile"));
	if (!allowed)
		return;
	line_print("common name", client_json_text(answer, "common_name"));
	names_print(answer, "dns");
	names_print(answer, "ip");
	names_print(answer, "uri");
	names_print(answer, "email");
	time_print("not after", client_json_text(answer, "not_after"));
	time_print("renew after", client_json_text(answer, "renew_after"));
}

/* A refusal is what was asked for, and still ends as one does. */
static int refusal_fail(const json_t *answer, struct client_problem *problem)
{
	const char *code = client_json_text(answer, "code");
	int error = ca_error_from_code(code);

	problem->status = 403;
	for (size_t i = 0; i < sizeof(problem->code) - 1 && code[i]; i++)
		problem->code[i] = code[i];
	return client_fail(
	    problem, error ? error : CA_EFORBIDDEN, "%s", client_json_text(answer, "detail"));
}

static int test_run(const struct client_args *args, struct client_problem *problem)
{
	json_t *answer = NULL;
	int error = ask(args, &answer, problem);

	if (!error && client_arg(args, "json"))
		error = client_json_print(answer);
	else if (!error)
		answer_print(answer);
	if (!error && !json_is_true(json_object_get(answer, "allowed")))
		error = refusal_fail(answer, problem);
	json_decref(answer);
	return error;
}

static const struct client_flag flags[] = {
	{ .name = "source", .value = "SOURCE", .help = "who vouches; default: yourself asks" },
	{ .name = "claim",
	    .value = "NAME=VALUE",
	    .many = true,
	    .help = "what it says of the identity" },
	{ .name = "audience", .value = "TEXT", .help = "whom its token is for" },
	{ .name = "csr", .value = "FILE", .help = "the request; - is standard input" },
	{ .name = "dns", .value = "NAME", .many = true, .help = "or: a DNS name to ask for" },
	{ .name = "ip", .value = "ADDRESS", .many = true, .help = "an IP address" },
	{ .name = "uri", .value = "URI", .many = true, .help = "a URI" },
	{ .name = "email", .value = "ADDRESS", .many = true, .help = "an e-mail address" },
	{ .name = "common-name", .value = "CN", .help = "the subject's CN" },
	{ .name = "key-type",
	    .value = "TYPE",
	    .words = "rsa:2048 rsa:3072 rsa:4096 ec:p256 ec:p384 ed25519",
	    .help = "of the key (default ec:p256)" },
	CLIENT_FLAG_PROFILE("default: what the rule says, or service"),
	{ .name = "ttl", .value = "DURATION", .help = "the lifetime to ask for" },
	{ .name = "file",
	    .letter = 'f',
	    .value = "FILE",
	    .help = "try this policy document instead of the one in force" },
	CLIENT_FLAG_TENANT,
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_policy_test = {
	.name = "policy test",
	.summary = "Ask what an identity would get, and why",
	.details = "  mica policy test --source prod --claim ns=payments --claim sa=api "
		   "--dns api.payments.svc\n",
	.flags = flags,
	.run = test_run,
};
