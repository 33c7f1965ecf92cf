/* mica revoke: take a certificate back. */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/verbs.h"

#define REASONS                                                                                    \
	"unspecified keyCompromise affiliationChanged superseded cessationOfOperation "            \
	"privilegeWithdrawn"

/* The words of RFC 5280, section 5.3.1, that fit a certificate of a service or an operator. */
static int reason_check(const char *reason, struct client_problem *problem)
{
	static const char *const reasons[] = { "unspecified", "keyCompromise", "affiliationChanged",
		"superseded", "cessationOfOperation", "privilegeWithdrawn" };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!strcmp(reason, reasons[i]))
			return 0;
	return client_fail_usage(
	    problem, "revoke", "--reason %s: the reasons are " REASONS, reason);
}

static void result_print(const json_t *object)
{
	struct ca_buf line = CA_BUF_INIT;

	ca_buf_addf(&line, "%s: revoked ", client_json_text(object, "serial"));
	client_when_add(&line, client_json_text(object, "revoked_at"));
	ca_buf_addf(&line, ", %s", client_json_text(object, "revocation_reason"));
	client_safe_print(ca_buf_text(&line));
	putchar('\n');
	ca_buf_free(&line);
}

static int revoke_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_request request = { .method = "POST" };
	const char *reason = client_arg(args, "reason");
	struct ca_buf path = CA_BUF_INIT;
	struct client_http *http = NULL;
	json_t *body = NULL, *object = NULL;
	int error;

	reason = reason ? reason : "unspecified";
	error = reason_check(reason, problem);
	ca_buf_add_str(&path, "/v1/certificates/");
	if (!error)
		error = client_serial(args->arguments[0], &path, problem);
	ca_buf_add_str(&path, "/revoke");
	body = json_pack("{s:s}", "reason", reason);
	if (!error && (!body || ca_buf_error(&path)))
		error = CA_ENOMEM;
	if (!error)
		error = client_operator_connect(args, &http, problem);
	request.path = ca_buf_text(&path);
	request.body = body;
	if (!error)
		error = client_http_json(http, &request, &object, problem);
	if (!error && client_arg(args, "json"))
		error = client_json_print(object);
	else if (!error)
		result_print(object);
	json_decref(object);
	json_decref(body);
	client_http_close(http);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag flags[] = {
	{ .name = "reason",
	    .value = "REASON",
	    .words = REASONS,
	    .help = "why, a word of RFC 5280 (default unspecified)" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_revoke = {
	.name = "revoke",
	.summary = "Revoke a certificate",
	.details = "Reasons: unspecified, keyCompromise, affiliationChanged, superseded,\n"
		   "cessationOfOperation, privilegeWithdrawn.\n",
	.arguments = "SERIAL",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = flags,
	.run = revoke_run,
};
