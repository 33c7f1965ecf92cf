/* mica operator: who may tell the CA what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/trust.h"
#include "api/client/verbs.h"
#include "ca/base/file.h"
#include "ca/csr.h"

/* A certificate of the profile "operator" for a new key, written as a context to dir. role may be
 * NULL. */
static int operator_issue(struct client_http *http, const struct client_home *home,
    const char *name, const char *role, const char *dir, json_t **out,
    struct client_problem *problem)
{
	struct client_request request = { .method = "POST", .path = "/v1/certificates" };
	struct client_issued issued = { 0 };
	struct ca_buf csr = CA_BUF_INIT;
	struct ca_key *key = NULL;
	json_t *body = NULL, *answer = NULL;
	int error = client_home_prepare(dir, problem);

	if (!error)
		error = ca_key_generate(CA_KEY_RSA_2048, &key);
	if (!error)
		error = ca_csr_create(key, name, NULL, &csr);
	body = json_pack(
	    "{s:s, s:s, s:s*}", "csr", ca_buf_text(&csr), "profile", "operator", "role", role);
	request.body = body;
	if (!error)
		error = body ? client_http_json(http, &request, &answer, problem) : CA_ENOMEM;
	if (!error)
		error = client_issued_read(answer, &issued, problem);
	if (!error)
		error = client_issued_check_key(&issued, key, problem);
	if (!error)
		error = client_issued_check_common_name(&issued, name, problem);
	if (!error) /* a renewed context goes on with its own URL, whatever --ca-url said this time
		     */
		error = client_home_write(home, dir,
		    !strcmp(dir, home->dir) && home->stored ? home->stored : home->url, &issued.pem,
		    key, problem);
	if (!error) {
		*out = answer;
		answer = NULL; /* transferred */
	}
	json_decref(answer);
	json_decref(body);
	client_issued_clear(&issued);
	ca_key_free(key);
	ca_buf_free(&csr);
	return error;
}

static int result_print(const struct client_args *args, const char *dir, const json_t *answer)
{
	struct ca_buf line = CA_BUF_INIT;

	if (client_arg(args, "json"))
		return client_json_print(answer);
	ca_buf_addf(
	    &line, "%s: operator %s, valid until ", dir, client_json_text(answer, "common_name"));
	client_when_add(&line, client_json_text(answer, "not_after"));
	client_safe_print(ca_buf_text(&line));
	putchar('\n');
	ca_buf_free(&line);
	return 0;
}

/* A context that is there already is somebody's: not to be written over. */
static int out_check(const char *dir, struct client_problem *problem)
{
	char *path = dir ? ca_path_join(dir, "tls.key") : NULL;
	int error = 0;

	if (!dir)
		return client_fail_usage(problem, "operator create", "--out is missing");
	if (!path)
		return CA_ENOMEM;
	if (!access(path, F_OK))
		error = client_fail(problem, CA_EEXIST,
		    "%s is there already: name another directory, or renew with mica operator "
		    "renew",
		    path);
	free(path);
	return error;
}

static int create_run(const struct client_args *args, struct client_problem *problem)
{
	const char *dir = client_arg(args, "out");
	struct client_home home = { 0 };
	struct client_http *http = NULL;
	json_t *answer = NULL;
	int error = out_check(dir, problem);

	if (!error)
		error = client_home_find(args, &home, problem);
	if (!error)
		error = client_home_connect(args, &home, &http, problem);
	if (!error)
		error = operator_issue(http, &home, args->arguments[0], client_arg(args, "role"),
		    dir, &answer, problem);
	if (!error)
		error = result_print(args, dir, answer);
	json_decref(answer);
	client_http_close(http);
	client_home_clear(&home);
	return error;
}

static const struct client_flag create_flags[] = {
	{ .name = "role",
	    .value = "ROLE",
	    .words = "admin tenant-admin operator auditor",
	    .help = "admin, tenant-admin, operator (default) or auditor" },
	{ .name = "out", .value = "DIR", .help = "where the new context goes" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_operator_create = {
	.name = "operator create",
	.summary = "Make an operator and write the context",
	.details =
	    "For an operator who is there already: a new certificate, with the role unchanged.\n",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = create_flags,
	.run = create_run,
};

static int whoami(struct client_http *http, json_t **out, struct client_problem *problem)
{
	const struct client_request request = { .method = "GET", .path = "/v1/whoami" };
	json_t *answer = NULL;
	int error = client_http_json(http, &request, &answer, problem);

	if (!error && (strcmp(client_json_text(answer, "kind"), "operator") != 0 ||
			  !*client_json_text(answer, "name")))
		error = client_fail(problem, CA_EFORBIDDEN, "the context is not an operator's");
	if (error)
		json_decref(answer);
	else
		*out = answer;
	return error;
}

static int renew_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_home home = { 0 };
	struct client_http *http = NULL;
	json_t *answer = NULL, *self = NULL;
	int error = client_home_find(args, &home, problem);

	if (!error)
		error = client_home_connect(args, &home, &http, problem);
	if (!error)
		error = whoami(http, &self, problem);
	if (!error)
		error = operator_issue(
		    http, &home, client_json_text(self, "name"), NULL, home.dir, &answer, problem);
	if (!error)
		error = result_print(args, home.dir, answer);
	json_decref(answer);
	json_decref(self);
	client_http_close(http);
	client_home_clear(&home);
	return error;
}

static const struct client_flag renew_flags[] = { CLIENT_FLAGS_OPERATOR, CLIENT_FLAG_END };

const struct client_verb client_verb_operator_renew = {
	.name = "operator renew",
	.summary = "Renew your own context, with a new key",
	.flags = renew_flags,
	.run = renew_run,
};
