/* mica fetch: a key of our own, and a certificate for it. */
#include <stdlib.h>
#include <string.h>

#include "api/client/anchor.h"
#include "api/client/fetch.h"
#include "api/client/held.h"
#include "api/client/http.h"
#include "api/client/output.h"
#include "api/client/pkcs12.h"
#include "api/client/staged.h"
#include "api/client/trust.h"
#include "api/client/verbs.h"
#include "ca/base/text.h"
#include "ca/csr.h"

struct fetch {
	struct client_fetch_plan plan;
	struct client_staged staged;
	struct ca_key *key;
	struct client_anchor anchor; /* the one root that is believed */
	struct client_http *http;    /* believes only that */
	struct ca_buf bundle;        /* what becomes ca.crt */
	json_t *answer;              /* the certificate object; or what DIR holds already */
	struct client_issued issued;
};

static int bundle_get(struct client_http *http, const char *tenant, struct ca_buf *bundle,
    struct client_problem *problem)
{
	struct ca_buf path = CA_BUF_INIT;
	const struct client_request request = { .method = "GET",
		.accept = "application/pem-certificate-chain" };
	struct client_request with_path = request;
	int error;

	ca_buf_add_str(&path, "/v1/trust-bundle");
	client_query_add(&path, "tenant", tenant);
	with_path.path = ca_buf_text(&path);
	error = ca_buf_error(&path);
	if (!error)
		error = client_http_send(http, &with_path, bundle, problem);
	ca_buf_free(&path);
	return error;
}

/* The root with the fingerprint expected. Nobody is believed yet, and nothing told. */
static int root_find(struct fetch *f, struct client_problem *problem)
{
	const struct client_http_setup setup = {
		.url = f->plan.url, .deadline = f->plan.deadline, .retry = true
	};
	struct ca_buf bundle = CA_BUF_INIT, root = CA_BUF_INIT;
	struct client_http *http = NULL;
	int error = client_http_open(&setup, &http, problem);

	if (!error)
		error = bundle_get(http, NULL, &bundle, problem);
	if (!error)
		error = client_trust_pick(&bundle, f->plan.fingerprint, &root, problem);
	if (!error)
		error = client_anchor_make(&root, &f->anchor, problem);
	client_http_close(http);
	ca_buf_free(&bundle);
	ca_buf_free(&root);
	return error;
}

/* The roots for ca.crt, from a CA that has proved who it is. Another tenant than the first has
 * roots of its own. */
static int bundle_find(struct fetch *f, struct client_problem *problem)
{
	const struct client_http_setup setup = { .url = f->plan.url,
		.ca_file = f->anchor.path,
		.deadline = f->plan.deadline,
		.retry = true };
	const char *tenant = f->plan.tenant ? f->plan.tenant : f->plan.token.tenant;
	int error = client_http_open(&setup, &f->http, problem);

	if (tenant && !strcmp(tenant, "default"))
		tenant = NULL;
	return error ? error : bundle_get(f->http, tenant, &f->bundle, problem);
}

static int body_make(const struct fetch *f, json_t **out)
{
	struct ca_buf csr = CA_BUF_INIT;
	json_t *body = NULL;
	int error = ca_csr_create(f->key, f->plan.common_name, &f->plan.names, &csr);

	if (!error) {
		body = json_pack("{s:s, s:s*, s:s*, s:s*}", "csr", ca_buf_text(&csr), "tenant",
		    f->plan.tenant, "profile", f->plan.profile, "ttl", f->plan.ttl);
		error = body ? 0 : CA_ENOMEM;
	}
	ca_buf_free(&csr);
	if (!error)
		*out = body;
	return error;
}

static int certificate_ask(struct fetch *f, struct client_problem *problem)
{
	struct client_request request = {
		.method = "POST", .path = "/v1/certificates", .bearer = f->plan.token.text
	};
	json_t *body = NULL;
	int error = body_make(f, &body);

	request.body = body;
	if (!error)
		error = client_http_json(f->http, &request, &f->answer, problem);
	if (!error)
		error = client_issued_read(f->answer, &f->issued, problem);
	if (!error)
		error = client_issued_check_key(&f->issued, f->key, problem);
	if (!error && f->plan.common_name)
		error = client_issued_check_common_name(&f->issued, f->plan.common_name, problem);
	if (!error)
		error = client_issued_check(&f->issued, &f->plan.names, &f->bundle, problem);
	json_decref(body);
	return error;
}

static int files_write(struct fetch *f, struct client_problem *problem)
{
	const struct client_fetch_plan *plan = &f->plan;
	const struct ca_buf *crt = &f->issued.pem;
	struct ca_buf key = CA_BUF_INIT, combined = CA_BUF_INIT, p12 = CA_BUF_INIT;
	struct client_file files[CLIENT_LAYOUT_FILES_MAX];
	const char *name = plan->names.n ? plan->names.v[0].value : plan->common_name;
	char id[2 * CA_SHA256 + 1];
	size_t n = 0;
	int error = ca_key_export_pem(f->key, &key);

	ca_hex(plan->token.id_sha256, CA_SHA256, id);
	ca_buf_add(&combined, crt->data, crt->len);
	ca_buf_add(&combined, key.data, key.len);
	if (!error)
		error = ca_buf_error(&combined);
	if (!error && plan->pkcs12)
		error = client_pkcs12(&f->issued, f->key, ca_buf_text(&plan->password), name, &p12);
	files[n++] = (struct client_file){ "tls.key", key.data, key.len, plan->mode };
	files[n++] = (struct client_file){ "tls.crt", crt->data, crt->len, 0644 };
	files[n++] = (struct client_file){ "ca.crt", f->bundle.data, f->bundle.len, 0644 };
	files[n++] = (struct client_file){ CLIENT_HELD_TOKEN, id, sizeof(id) - 1, 0600 };
	if (plan->combined)
		files[n++] =
		    (struct client_file){ "tls.pem", combined.data, combined.len, plan->mode };
	if (plan->pkcs12)
		files[n++] = (struct client_file){ "tls.p12", p12.data, p12.len, plan->mode };
	if (!error)
		error = client_layout_write(plan->dir, files, n, &plan->owner, &problem->detail);
	ca_buf_free(&key);
	ca_buf_free(&combined);
	ca_buf_free(&p12);
	return error;
}

static int result_print(const struct fetch *f)
{
	struct ca_buf line = CA_BUF_INIT;
	int error;

	if (f->plan.json)
		return client_json_print(f->answer);
	ca_buf_add_str(&line, f->plan.dir);
	ca_buf_addf(&line, ": %scertificate %s, valid until ",
	    f->issued.n ? "" : "nothing due: ", client_json_text(f->answer, "serial"));
	client_when_add(&line, client_json_text(f->answer, "not_after"));
	client_safe_print(ca_buf_text(&line));
	putchar('\n');
	error = ca_buf_error(&line);
	ca_buf_free(&line);
	return error;
}

/* The order matters: the key is on the disk before the CA hears of it, and the token is sent only
 * to a CA that proved itself. */
static int certificate_fetch(struct fetch *f, struct client_problem *problem)
{
	const struct client_fetch_plan *plan = &f->plan;
	int error = client_layout_probe(plan->dir, &plan->owner, &problem->detail);

	if (!error)
		error = client_staged_key(&f->staged, plan->key_type, &f->key, problem);
	if (!error)
		error = root_find(f, problem);
	if (!error)
		error = bundle_find(f, problem);
	if (!error)
		error = certificate_ask(f, problem);
	if (!error)
		error = files_write(f, problem);
	return error;
}

/* Has the CA said no for good, so that no certificate was or will be made for the key? */
static bool refused(const struct client_problem *problem)
{
	return problem->status >= 400 && problem->status < 500 && problem->status != 408 &&
	       problem->status != 429; /* RFC 9110, section 15.5.9; RFC 6585, section 4 */
}

static int fetch_steps(struct fetch *f, struct client_problem *problem)
{
	const struct client_fetch_plan *plan = &f->plan;
	int error = client_staged_open(plan->dir, plan->token.id_sha256, &f->staged, problem);

	if (error)
		return error;
	client_held_fetched(plan, &f->answer);
	if (!f->answer)
		error = certificate_fetch(f, problem);
	if (!error || (f->staged.made && refused(problem)))
		client_staged_remove(&f->staged);
	return error ? error : result_print(f);
}

static int fetch_run(const struct client_args *args, struct client_problem *problem)
{
	struct fetch f = { .staged = CLIENT_STAGED_INIT, .anchor = CLIENT_ANCHOR_INIT };
	int error = client_fetch_plan(args, &f.plan, problem);

	if (!error)
		error = fetch_steps(&f, problem);
	if (f.plan.dir)
		problem->none_valid = !client_held_valid(f.plan.dir);
	client_http_close(f.http);
	client_anchor_clear(&f.anchor);
	client_issued_clear(&f.issued);
	json_decref(f.answer);
	ca_buf_free(&f.bundle);
	ca_key_free(f.key);
	client_staged_close(&f.staged);
	client_fetch_plan_clear(&f.plan);
	return error;
}

static const struct client_flag flags[] = {
	{ .name = "token-file",
	    .value = "FILE",
	    .help = "the enrolment token, or one of Kubernetes or OIDC; - for standard input" },
	{ .name = "out", .value = "DIR", .help = "where the files go" },
	{ .name = "ca-url", .value = "URL", .help = "the CA (default: the token's)" },
	{ .name = "fingerprint",
	    .value = "HEX",
	    .help = "SHA-256 of the CA's root (default: the token's)" },
	{ .name = "dns",
	    .value = "NAME",
	    .many = true,
	    .help = "a DNS name (default: the token's)" },
	{ .name = "ip", .value = "ADDRESS", .many = true, .help = "an IP address" },
	{ .name = "uri", .value = "URI", .many = true, .help = "a URI" },
	{ .name = "email", .value = "ADDRESS", .many = true, .help = "an e-mail address" },
	{ .name = "common-name",
	    .value = "CN",
	    .help = "default: the first DNS name; '' for none" },
	{ .name = "tenant", .value = "TENANT", .help = "default: the token's, or default" },
	CLIENT_FLAG_PROFILE("default: the token's, or the rule's"),
	{ .name = "ttl", .value = "DURATION", .help = "lifetime (default: the profile's)" },
	{ .name = "key-type",
	    .value = "TYPE",
	    .words = "rsa:2048 rsa:3072 rsa:4096 ec:p256 ec:p384 ed25519",
	    .help = "default rsa:2048" },
	{ .name = "format",
	    .value = "FORMATS",
	    .words = "pem combined pkcs12 pem,combined pem,pkcs12",
	    .help = "pem, and besides combined, pkcs12" },
	{ .name = "pkcs12-password-file",
	    .value = "FILE",
	    .help = "for --format pkcs12; - for standard input" },
	{ .name = "mode", .value = "MODE", .help = "of files with the key (default 0600)" },
	{ .name = "owner", .value = "USER", .help = "of all files" },
	{ .name = "group", .value = "GROUP", .help = "of all files" },
	CLIENT_FLAG_TIMEOUT,
	CLIENT_FLAG_JSON,
	CLIENT_FLAG_VERBOSE,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_fetch = {
	.name = "fetch",
	.summary = "Get a certificate for a service with an enrolment token",
	.details = "Writes DIR/tls.key, DIR/tls.crt (certificate, issuer) and DIR/ca.crt, all at "
		   "once; with\n"
		   "--format combined also tls.pem, with pkcs12 also tls.p12.\n\n"
		   "  mica token create --dns web.internal | mica fetch --token-file - --out "
		   "/etc/web/tls\n",
	.flags = flags,
	.run = fetch_run,
};
