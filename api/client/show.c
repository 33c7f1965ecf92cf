/* mica show: one certificate on record. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/verbs.h"

enum format { TEXT, PEM, DER, JSON };

static const char *const accepts[] = { "application/json", "application/pem-certificate-chain",
	"application/pkix-cert", "application/json" };

static int format_choose(
    const struct client_args *args, enum format *out, struct client_problem *problem)
{
	static const char *const words[] = { "text", "pem", "der" };
	const char *text = client_arg(args, "as");

	*out = client_arg(args, "json") ? JSON : TEXT;
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		if (i == DER && isatty(STDOUT_FILENO))
			return client_fail_usage(
			    problem, "show", "DER is not for a terminal: send it to a file");
		if (i != TEXT)
			*out = (enum format)i;
		return 0;
	}
	return client_fail_usage(
	    problem, "show", "--as %s: the formats are text, pem and der", text);
}

static void line_print(const char *label, const char *value)
{
	if (!*value)
		return;
	printf("%-12s  ", label);
	client_safe_print(value);
	putchar('\n');
}

static void time_print(const json_t *object, const char *label, const char *key)
{
	struct ca_buf text = CA_BUF_INIT;

	if (*client_json_text(object, key))
		client_when_add(&text, client_json_text(object, key));
	line_print(label, ca_buf_text(&text));
	ca_buf_free(&text);
}

static void names_print(const json_t *object)
{
	static const char *const keys[] = { "dns", "ip", "uri" };
	const json_t *name;
	size_t i;

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		json_array_foreach(json_object_get(object, keys[k]), i, name)
		{
			const char *text = json_string_value(name);

			line_print(keys[k], text ? text : "");
		}
	}
}

static void text_print(const json_t *object)
{
	line_print("serial", client_json_text(object, "serial"));
	line_print("status", client_json_text(object, "status"));
	time_print(object, "revoked", "revoked_at");
	line_print("reason", client_json_text(object, "revocation_reason"));
	line_print("common name", client_json_text(object, "common_name"));
	names_print(object);
	line_print("profile", client_json_text(object, "profile"));
	line_print("tenant", client_json_text(object, "tenant"));
	line_print("issuer", client_json_text(object, "issuer"));
	time_print(object, "issued", "issued_at");
	time_print(object, "not before", "not_before");
	time_print(object, "not after", "not_after");
	time_print(object, "renew after", "renew_after");
	line_print("lineage", client_json_text(object, "lineage"));
	line_print("fingerprint", client_json_text(object, "fingerprint"));
}

static int body_print(const struct ca_buf *body, enum format format, struct client_problem *problem)
{
	json_t *object = NULL;
	int error;

	if (format == PEM || format == DER) {
		fwrite(body->data, 1, body->len, stdout);
		return 0;
	}
	error = client_json_parse(body, &object, problem);
	if (!error && format == JSON)
		error = client_json_print(object);
	else if (!error)
		text_print(object);
	json_decref(object);
	return error;
}

static int show_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "GET" };
	struct ca_buf path = CA_BUF_INIT, body = CA_BUF_INIT;
	struct client_http *http = NULL;
	enum format format;
	int error = format_choose(args, &format, problem);

	ca_buf_add_str(&path, "/v1/certificates/");
	if (!error)
		error = client_serial(args->arguments[0], &path, problem);
	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error) {
		request.path = ca_buf_text(&path);
		request.accept = accepts[format];
		error = client_http_send(http, &request, &body, problem);
	}
	if (!error)
		error = body_print(&body, format, problem);
	client_http_close(http);
	ca_buf_free(&path);
	ca_buf_free(&body);
	return error;
}

static const struct client_flag flags[] = {
	{ .name = "as",
	    .value = "FORMAT",
	    .words = "text pem der",
	    .help = "text (default), pem (with the issuer) or der" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_show = {
	.name = "show",
	.summary = "Show one certificate on record",
	.arguments = "SERIAL",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = flags,
	.run = show_run,
};
