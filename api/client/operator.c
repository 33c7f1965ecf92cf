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

/* Ask for an operator's certificate; body lacks only the CSR. member is where the certificate
 * stands in the answer, NULL: it is the answer. */
struct asking {
	const char *path;
	json_t *body;
	const char *member;
};

static const json_t *certificate_of(const struct asking *asking, const json_t *answer)
{
	return asking->member ? json_object_get(answer, asking->member) : answer;
}

static int operator_ask(struct client_http *http, const struct asking *asking,
    const struct ca_buf *csr, json_t **answer, struct client_issued *issued,
    struct client_problem *problem)
{
	const struct client_request request = {
		.method = "POST", .path = asking->path, .body = asking->body
	};
	int error = ca_buf_error(csr);

	if (!error && json_object_set_new(asking->body, "csr", json_string(ca_buf_text(csr))))
		error = CA_ENOMEM;
	if (!error)
		error = client_http_json(http, &request, answer, problem);
	return error ? error : client_issued_read(certificate_of(asking, *answer), issued, problem);
}

/* A certificate for a new key, written as a context to dir. */
static int operator_issue(struct client_http *http, const struct client_home *home,
    const struct asking *asking, const char *name, const char *dir, json_t **out,
    struct client_problem *problem)
{
	struct client_issued issued = { 0 };
	struct ca_buf csr = CA_BUF_INIT;
	struct ca_key *key = NULL;
	json_t *answer = NULL;
	int error = client_home_prepare(dir, problem);

	if (!error)
		error = ca_key_generate(CA_KEY_RSA_2048, &key);
	if (!error)
		error = ca_csr_create(key, name, NULL, &csr);
	if (!error)
		error = operator_ask(http, asking, &csr, &answer, &issued, problem);
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
	client_issued_clear(&issued);
	ca_key_free(key);
	ca_buf_free(&csr);
	return error;
}

/* The SHA-256 of the key of a request that was made elsewhere. */
static int csr_key_id(const char *file, const struct ca_buf *pem, unsigned char id[CA_SHA256],
    struct client_problem *problem)
{
	const gnutls_datum_t text = { pem->data, (unsigned)pem->len };
	gnutls_x509_crq_t crq = NULL;
	size_t len = CA_SHA256;
	int g = gnutls_x509_crq_init(&crq);

	if (g < 0)
		return CA_ENOMEM;
	g = gnutls_x509_crq_import(crq, &text, GNUTLS_X509_FMT_PEM);
	if (g >= 0)
		g = gnutls_x509_crq_get_key_id(crq, GNUTLS_KEYID_USE_SHA256, id, &len);
	gnutls_x509_crq_deinit(crq);
	if (g >= 0 && len == CA_SHA256)
		return 0;
	return client_fail(problem, CA_ECSR, "%s holds no certificate request in PEM", file);
}

static int issued_check_key_id(const struct client_issued *issued,
    const unsigned char wanted[CA_SHA256], struct client_problem *problem)
{
	unsigned char id[CA_SHA256];
	size_t len = sizeof(id);

	if (gnutls_x509_crt_get_key_id(issued->crts[0], GNUTLS_KEYID_USE_SHA256, id, &len) < 0 ||
	    len != CA_SHA256 || memcmp(id, wanted, CA_SHA256) != 0)
		return client_fail(problem, CA_EANSWER, "the CA's certificate is for another key");
	return 0;
}

/* A certificate for a request that was made elsewhere, with a key that stays there: appended to
 * pem. */
static int operator_certify(struct client_http *http, const struct asking *asking, const char *name,
    const char *file, struct ca_buf *pem, json_t **out, struct client_problem *problem)
{
	struct client_issued issued = { 0 };
	struct ca_buf csr = CA_BUF_INIT;
	unsigned char key_id[CA_SHA256];
	json_t *answer = NULL;
	int error = client_file_read(file, CA_CSR_MAX, &csr, &problem->detail);

	if (!error)
		error = csr_key_id(file, &csr, key_id, problem);
	if (!error)
		error = operator_ask(http, asking, &csr, &answer, &issued, problem);
	if (!error)
		error = issued_check_key_id(&issued, key_id, problem);
	if (!error)
		error = client_issued_check_common_name(&issued, name, problem);
	if (!error) {
		ca_buf_add(pem, issued.pem.data, issued.pem.len);
		*out = answer;
		answer = NULL; /* transferred */
	}
	json_decref(answer);
	client_issued_clear(&issued);
	ca_buf_free(&csr);
	return error;
}

static int result_print(const struct client_args *args, const char *dir, const json_t *answer,
    const json_t *certificate)
{
	struct ca_buf line = CA_BUF_INIT;

	if (client_arg(args, "json"))
		return client_json_print(answer);
	ca_buf_addf(&line, "%s: operator %s, valid until ", dir,
	    client_json_text(certificate, "common_name"));
	client_when_add(&line, client_json_text(certificate, "not_after"));
	client_safe_print(ca_buf_text(&line));
	putchar('\n');
	ca_buf_free(&line);
	return 0;
}

/* A context that is there already is somebody's: not to be written over. */
static int out_check(const struct client_args *args, struct client_problem *problem)
{
	const char *dir = client_arg(args, "out");
	char *path = dir ? ca_path_join(dir, "tls.key") : NULL;
	int error = 0;

	if (!dir)
		return client_fail_usage(problem, args->verb->name, "--out is missing");
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

static int create_check(const struct client_args *args, struct client_problem *problem)
{
	if (!client_arg(args, "csr"))
		return out_check(args, problem);
	if (client_arg(args, "out"))
		return client_fail_usage(problem, args->verb->name,
		    "--out makes a key, and --csr has one: the certificate is printed");
	return 0;
}

/* The certificate of a key that is kept elsewhere. */
static int certify_and_print(const struct client_args *args, struct client_http *http,
    const struct asking *asking, struct client_problem *problem)
{
	struct ca_buf pem = CA_BUF_INIT;
	json_t *answer = NULL;
	int error = operator_certify(
	    http, asking, args->arguments[0], client_arg(args, "csr"), &pem, &answer, problem);

	if (!error && client_arg(args, "json"))
		error = client_json_print(answer);
	else if (!error)
		fputs(ca_buf_text(&pem), stdout);
	json_decref(answer);
	ca_buf_free(&pem);
	return error;
}

static int issue_and_print(const struct client_args *args, struct client_http *http,
    const struct client_home *home, const struct asking *asking, const char *name, const char *dir,
    struct client_problem *problem)
{
	json_t *answer = NULL;
	int error = operator_issue(http, home, asking, name, dir, &answer, problem);

	if (!error)
		error = result_print(args, dir, answer, certificate_of(asking, answer));
	json_decref(answer);
	return error;
}

static int create_run(const struct client_args *args, struct client_problem *problem)
{
	struct asking asking = { .path = "/v1/operators", .member = "certificate" };
	struct client_home home = { 0 };
	struct client_http *http = NULL;
	int error = create_check(args, problem);

	asking.body = json_pack("{s:s, s:s*, s:s*, s:s*}", "name", args->arguments[0], "role",
	    client_arg(args, "role"), "tenant", client_arg(args, "tenant"), "email",
	    client_arg(args, "email"));
	if (!error && !asking.body)
		error = client_fail_usage(problem, args->verb->name, "an argument is not text");
	if (!error)
		error = client_home_find(args, &home, problem);
	if (!error)
		error = client_home_connect(args, &home, &http, problem);
	if (!error && client_arg(args, "csr"))
		error = certify_and_print(args, http, &asking, problem);
	else if (!error)
		error = issue_and_print(args, http, &home, &asking, args->arguments[0],
		    client_arg(args, "out"), problem);
	json_decref(asking.body);
	client_http_close(http);
	client_home_clear(&home);
	return error;
}

static const struct client_flag create_flags[] = {
	{ .name = "role",
	    .value = "ROLE",
	    .words = "admin tenant-admin operator auditor",
	    .help = "admin, tenant-admin, operator (default) or auditor" },
	{ .name = "tenant",
	    .value = "TENANT",
	    .help = "whose operator it is (default: yours, or default)" },
	{ .name = "email", .value = "ADDRESS", .help = "kept sealed; operator list finds it" },
	{ .name = "out", .value = "DIR", .help = "where the new context goes" },
	{ .name = "csr",
	    .value = "FILE",
	    .help = "a request for a key kept elsewhere; the certificate is printed" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_operator_create = {
	.name = "operator create",
	.summary = "Make an operator and write the context",
	.details = "  mica operator create ada --role auditor --out ./ada\n"
		   "  mica operator create ada --csr ada.csr >ada.crt\n",
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

/* Another operator, whose certificate has run out or whose key is lost, gets a new context. */
static int renew_check(const struct client_args *args, struct client_problem *problem)
{
	if (args->n_arguments)
		return out_check(args, problem);
	if (client_arg(args, "out"))
		return client_fail_usage(
		    problem, args->verb->name, "--out goes with the name of another operator");
	return 0;
}

static int renew_run(const struct client_args *args, struct client_problem *problem)
{
	struct asking asking = { .path = "/v1/certificates" };
	struct client_home home = { 0 };
	struct client_http *http = NULL;
	json_t *self = NULL;
	int error = renew_check(args, problem);

	asking.body = json_pack("{s:s}", "profile", "operator");
	if (!error && !asking.body)
		error = CA_ENOMEM;
	if (!error)
		error = client_home_find(args, &home, problem);
	if (!error)
		error = client_home_connect(args, &home, &http, problem);
	if (!error && args->n_arguments) {
		error = issue_and_print(args, http, &home, &asking, args->arguments[0],
		    client_arg(args, "out"), problem);
	} else if (!error) {
		error = whoami(http, &self, problem);
		if (!error)
			error = issue_and_print(args, http, &home, &asking,
			    client_json_text(self, "name"), home.dir, problem);
	}
	json_decref(asking.body);
	json_decref(self);
	client_http_close(http);
	client_home_clear(&home);
	return error;
}

static const struct client_flag renew_flags[] = {
	{ .name = "out", .value = "DIR", .help = "with NAME: where the new context goes" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_operator_renew = {
	.name = "operator renew",
	.summary = "Renew your own context, with a new key",
	.details = "With NAME and --out, an admin gives an operator who lost the key, or let the\n"
		   "certificate run out, a new context; the role stays.\n",
	.arguments = "[NAME]",
	.arguments_max = 1,
	.flags = renew_flags,
	.run = renew_run,
};
