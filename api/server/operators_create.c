/*
 * POST /v1/operators: a new operator with the first certificate. The key is made on the operator's
 * side; what it may do stands in the row, never in the certificate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/certificate_json.h"
#include "api/server/email.h"
#include "api/server/json.h"
#include "api/server/operator_json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/tenancy.h"
#include "ca/base/clock.h"
#include "ca/policy.h"

struct creation {
	json_t *body;
	struct ca_csr *csr;
	struct store_operator op;
	bool with_email;
	char address[SERVER_EMAIL];
	struct store_email email;
	struct store_certificate row; /* signed, not yet on record */
};

static void creation_free(void *state)
{
	struct creation *c = state;

	if (!c)
		return;
	json_decref(c->body);
	ca_csr_free(c->csr);
	store_certificate_clear(&c->row);
	ca_wipe(c->address, sizeof(c->address));
	free(c);
}

/* ---- what is asked ---- */

static int role_field(struct server_request *request, struct creation *c)
{
	const char *role;
	int r = server_json_string(c->body, "role", false, &role, &request->why);

	if (r)
		return r;
	c->op.role = role ? store_role_parse(role) : STORE_ROLE_OPERATOR;
	if (!c->op.role)
		return ca_refuse(&request->why, CA_EFIELD,
		    "role is none of admin, tenant-admin, operator, auditor");
	if (c->op.role == STORE_ROLE_ADMIN && !(request->identity.who & SERVER_ADMIN))
		return ca_refuse(&request->why, CA_EFORBIDDEN, "only an admin makes an admin");
	return 0;
}

static int tenant_field(struct server_request *request, struct creation *c)
{
	const struct server_tenant *tenant = NULL;
	const char *name;
	int r = server_json_string(c->body, "tenant", false, &name, &request->why);

	if (r)
		return r;
	if (c->op.role == STORE_ROLE_ADMIN && name)
		return ca_refuse(&request->why, CA_EFIELD,
		    "an admin is the whole installation's: leave tenant out");
	if (c->op.role == STORE_ROLE_ADMIN)
		return 0;
	r = server_tenant_of(request, name, &tenant);
	if (!r)
		c->op.tenant_id = tenant->row.id;
	return r;
}

static int email_field(struct server_request *request, struct creation *c)
{
	const char *email;
	int r = server_json_string(c->body, "email", false, &email, &request->why);

	c->with_email = !r && email;
	return c->with_email ? server_email_check("email", email, c->address, &request->why) : r;
}

static int name_request(struct ca_csr *csr, const char *name)
{
	if (asprintf(&csr->common_name, "%s", name) >= 0)
		return 0;
	csr->common_name = NULL;
	return CA_ENOMEM;
}

/* The name stands in the body; a request made elsewhere may name its subject so, or not at all. */
static int csr_field(struct server_request *request, struct creation *c)
{
	const char *name, *pem;
	int r = server_json_string(c->body, "name", true, &name, &request->why);

	if (!r)
		r = server_json_string(c->body, "csr", true, &pem, &request->why);
	if (!r)
		r = ca_csr_parse(pem, strlen(pem), &c->csr, &request->why);
	if (r)
		return r;
	if (!c->csr->common_name)
		return name_request(c->csr, name);
	if (strcmp(c->csr->common_name, name) != 0)
		return ca_refuse(&request->why, CA_ESUBJECT,
		    "the request's common name is %.64s, not the operator's name",
		    c->csr->common_name);
	return 0;
}

static int parse_body(struct server_request *request, struct creation *c)
{
	static const char *const known[] = { "name", "role", "tenant", "email", "csr", NULL };
	int r = server_json_parse(&request->body, known, &c->body, &request->why);

	if (!r)
		r = role_field(request, c);
	if (!r)
		r = tenant_field(request, c);
	if (!r)
		r = email_field(request, c);
	return r ? r : csr_field(request, c);
}

/* ---- the certificate ---- */

static int decide(const struct server_request *request, const struct creation *c,
    const struct ca_authority *issuer, struct ca_grant *grant, struct ca_detail *why)
{
	const struct ca_installation *installation = request->snapshot->installation;
	const struct ca_policy_request policy = {
		.profile = ca_profile_builtin("operator"),
		.csr = c->csr,
		.reserved = &installation->settings.names,
		.reserved_keys = (const unsigned char(*)[CA_SHA256])installation->reserved_keys,
		.reserved_keys_len = installation->reserved_keys_len,
		.now = ca_now(),
		.issuer_not_before = issuer->not_before,
		.issuer_not_after = issuer->not_after,
	};

	return ca_policy_evaluate(&policy, grant, why);
}

/* Decide and sign; what the operator is called has been checked with that. */
static int sign(struct server_request *request, struct creation *c)
{
	const struct ca_installation *installation = request->snapshot->installation;
	const struct ca_urls urls = { installation->settings.revocation_url };
	const struct ca_authority *issuer =
	    ca_installation_authority(installation, STORE_TENANT_SYSTEM, STORE_AUTHORITY_OPERATORS);
	struct ca_grant grant = { 0 };
	int r = issuer ? decide(request, c, issuer, &grant, &request->why) : CA_EINTERNAL;

	if (!r)
		r = server_request_admit(request);
	if (!r)
		r = ca_authority_issue(issuer, c->csr, &grant, &urls, &c->row);
	ca_grant_clear(&grant);
	if (r)
		return r;
	c->row.issued_at = ca_now();
	c->row.issued_by = request->identity.certificate_id;
	snprintf(c->row.profile, sizeof(c->row.profile), "operator");
	snprintf(c->op.name, sizeof(c->op.name), "%s", c->csr->common_name);
	c->op.created_at = c->row.issued_at;
	return c->with_email ? server_email_seal(installation, &c->op, c->address, &c->email) : 0;
}

/* ---- the record ---- */

/* Before anything is written: the tenant may be gone by now, and the name may be taken. */
static int check(struct server_request *request, const struct creation *c, struct store_tx *tx)
{
	struct store_operator taken;
	struct store_tenant tenant = { 0 };
	int r = c->op.tenant_id ? store_tenant_get(tx, c->op.tenant_id, &tenant) : 0;

	if (!r && tenant.removed_at)
		r = ca_refuse(
		    &request->why, CA_ETENANTREMOVED, "the tenant %s was removed", tenant.name);
	if (r)
		return r;
	r = store_operator_get_name(tx, c->op.name, &taken);
	if (!r)
		r = ca_refuse(&request->why, CA_EEXIST,
		    "the name %s is taken, and belongs to one operator for ever", c->op.name);
	return r == CA_ENOTFOUND ? 0 : r;
}

static int run_record(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	struct creation *c = request->state;
	int r = check(request, c, tx);

	/* It may be run again: what an earlier run assigned is forgotten. */
	c->row.id = c->row.lineage_id = 0;
	if (!r)
		r = store_operator_add(tx, &c->op);
	if (!r && c->with_email)
		r = store_operator_set_email(tx, c->op.id, &c->email);
	c->row.operator_id = c->op.id;
	return r ? r : store_certificate_add(tx, &c->row);
}

/* ---- the answer ---- */

static int operator_text(const struct server_request *request, const struct creation *c, char **out)
{
	json_t *body = server_operator_json(request->snapshot, &c->op);

	if (body && json_object_set_new(
			body, "email", c->with_email ? json_string(c->address) : json_null()))
		*out = NULL;
	else
		*out = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return *out ? 0 : CA_ENOMEM;
}

static int answer_recorded(struct server_request *request)
{
	const struct creation *c = request->state;
	struct ca_buf *out = server_answer_begin(request, 201, "application/json");
	char *text = NULL;
	int r = operator_text(request, c, &text);

	if (r)
		return r;
	ca_buf_addf(out, "{\"operator\":%s,\"certificate\":", text);
	ca_wipe(text, strlen(text));
	free(text);
	r = server_certificate_json(request->snapshot->installation, NULL, &c->row, true, out);
	ca_buf_add_str(out, "}\n");
	return r ? r : ca_buf_error(out);
}

int server_operators_create(struct server_request *request)
{
	struct creation *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return CA_ENOMEM;
	request->state = c; /* transferred */
	request->free_state = creation_free;
	request->resume = answer_recorded;
	r = parse_body(request, c);
	if (!r)
		r = sign(request, c);
	return r ? r : server_request_write(request, run_record);
}
