#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/certificate_json.h"
#include "api/server/cursor.h"
#include "api/server/json.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tenancy.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"

/* ---- one certificate ---- */

/* May whoever asks do to the row what the roles in others may do to any row of their tenant? To its
 * own it may. */
static int check_reach(
    struct server_request *request, const struct store_certificate *row, unsigned others)
{
	const struct server_identity *who = &request->identity;
	bool sees =
	    (who->who & SERVER_MAY_READ) && (!who->tenant_id || who->tenant_id == row->tenant_id);

	if (row->id == who->certificate_id)
		return 0;
	if (!sees)
		return CA_ENOTFOUND; /* whether it exists is none of its business */
	if (who->who & others)
		return 0;
	return server_refuse_role(request);
}

/* The row that the path names. */
static int find(struct server_request *request, struct store_tx *tx, unsigned others,
    struct store_certificate *out)
{
	unsigned char serial[STORE_SERIAL_MAX];
	size_t len;
	int r;

	if (ca_unhex(request->parameter, serial, sizeof(serial), &len) || len == 0)
		return ca_refuse(&request->why, CA_ENOTFOUND, "%.64s is not a serial number",
		    request->parameter);
	r = store_certificate_get(tx, 0, serial, len, out);
	if (!r)
		r = check_reach(request, out, others);
	if (r)
		store_certificate_clear(out);
	if (r == CA_ENOTFOUND)
		ca_refuse(&request->why, r, "no certificate %.64s on record", request->parameter);
	return r;
}

static int answer_as(struct server_request *request, struct store_tx *tx,
    const struct store_certificate *row, const char *type)
{
	const struct ca_installation *installation = request->snapshot->installation;
	struct ca_buf pem = CA_BUF_INIT;
	int r;

	if (strcmp(type, "application/json") == 0)
		return server_certificate_json(
		    installation, tx, row, true, server_answer_begin(request, 200, type));
	if (strcmp(type, "application/pkix-cert") == 0)
		return server_answer_octets(request, 200, type, row->der, row->der_len);
	r = server_certificate_pem(installation, row, &pem);
	if (!r)
		r = server_answer_octets(
		    request, 200, "application/pem-certificate-chain", pem.data, pem.len);
	ca_buf_free(&pem);
	return r;
}

int server_certificates_show(struct server_request *request)
{
	static const char *const offered[] = { "application/json",
		"application/pem-certificate-chain", "application/pkix-cert", NULL };
	const char *type = server_request_accept(request, offered);
	struct store_certificate row = { 0 };
	struct store_tx *tx = NULL;
	int r;

	if (!type)
		return ca_refuse(&request->why, CA_ENOTACCEPTABLE, "there is %s, %s and %s",
		    offered[0], offered[1], offered[2]);
	r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	r = find(request, tx, SERVER_MAY_READ, &row);
	if (!r)
		r = answer_as(request, tx, &row, type);
	store_certificate_clear(&row);
	store_read_end(tx);
	return r;
}

/* ---- listing ---- */

static int time_parameter(struct server_request *request, const char *key, int64_t *out)
{
	const char *text = server_request_query(request, key);

	if (!text || ca_time_parse(text, out) == 0)
		return 0;
	return ca_refuse(
	    &request->why, CA_EQUERY, "%s is not a time such as 2026-01-31T12:00:00Z", key);
}

/* "good" is neither revoked nor expired, "expired" whatever ended, revoked before or not. */
static int status_parameter(struct server_request *request, struct store_filter *filter)
{
	const char *status = server_request_query(request, "status");
	int64_t now = ca_now();

	filter->status = -1;
	if (!status || strcmp(status, "any") == 0)
		return 0;
	if (strcmp(status, "revoked") == 0) {
		filter->status = STORE_REVOKED;
	} else if (strcmp(status, "good") == 0) {
		filter->status = STORE_GOOD;
		if (filter->expires_after < now)
			filter->expires_after = now;
	} else if (strcmp(status, "expired") == 0) {
		if (!filter->expires_before || filter->expires_before > now)
			filter->expires_before = now;
	} else {
		return ca_refuse(
		    &request->why, CA_EQUERY, "status is none of good, revoked, expired, any");
	}
	return 0;
}

struct listing {
	struct server_request *request;
	struct store_tx *tx;
	struct ca_buf *out;
	int64_t last_id;
};

static int add_row(const struct store_certificate *row, void *arg)
{
	struct listing *listing = arg;

	/* Listed by suffix, a certificate with several names below it comes several times in a row.
	 */
	if (row->id == listing->last_id)
		return 0;
	if (listing->last_id)
		ca_buf_add_byte(listing->out, ',');
	listing->last_id = row->id;
	return server_certificate_json(
	    listing->request->snapshot->installation, listing->tx, row, false, listing->out);
}

static int list(struct server_request *request, struct store_tx *tx, struct store_filter *filter,
    struct store_cursor *cursor, size_t limit)
{
	struct listing listing = { .request = request,
		.tx = tx,
		.out = server_answer_begin(request, 200, "application/json") };
	bool more = false;
	int r;

	ca_buf_add_str(listing.out, "{\"certificates\":[");
	r = store_certificate_list(tx, filter, limit, cursor, &more, add_row, &listing);
	if (r == CA_EINVAL)
		r = ca_refuse(&request->why, CA_EQUERY, "name is not a DNS name, address or URI");
	if (r)
		return r;
	ca_buf_add_str(listing.out, "],\"next\":");
	if (more)
		server_cursor_write(cursor, filter, listing.out);
	else
		ca_buf_add_str(listing.out, "null");
	ca_buf_add_str(listing.out, "}\n");
	return ca_buf_error(listing.out);
}

int server_certificates_list(struct server_request *request)
{
	struct store_filter filter = { 0 };
	struct store_cursor cursor = { 0 };
	struct store_tx *tx = NULL;
	size_t limit = 0;
	int r;

	filter.name = server_request_query(request, "name");
	filter.profile = server_request_query(request, "profile");
	r = server_tenant_scope(request, &filter.tenant_id);
	if (!r)
		r = time_parameter(request, "expires_before", &filter.expires_before);
	if (!r)
		r = time_parameter(request, "expires_after", &filter.expires_after);
	if (!r)
		r = status_parameter(request, &filter);
	if (!r)
		r = server_limit_parameter(request, &limit);
	if (!r)
		r = server_cursor_parse(
		    server_request_query(request, "cursor"), &filter, &cursor, &request->why);
	if (!r)
		r = store_read_begin(request->server->store, &tx);
	if (!r)
		r = list(request, tx, &filter, &cursor, limit);
	store_read_end(tx);
	store_cursor_clear(&cursor);
	return r;
}

/* ---- revocation ---- */

struct revocation {
	int64_t id;
	int reason;
};

static int run_revoke(struct store_tx *tx, void *arg)
{
	struct server_request *request = arg;
	const struct revocation *revocation = request->state;

	return store_certificate_revoke(tx, revocation->id, ca_now(), revocation->reason, NULL);
}

static int answer_revoked(struct server_request *request)
{
	const struct revocation *revocation = request->state;
	struct store_certificate row = { 0 };
	struct store_tx *tx = NULL;
	int r = store_read_begin(request->server->store, &tx);

	if (r)
		return r;
	r = store_certificate_get_id(tx, revocation->id, &row);
	if (!r)
		r = server_certificate_json(request->snapshot->installation, tx, &row, false,
		    server_answer_begin(request, 200, "application/json"));
	store_certificate_clear(&row);
	store_read_end(tx);
	return r;
}

static int reason_field(struct server_request *request, int *out)
{
	static const char *const known[] = { "reason", NULL };
	const char *reason;
	json_t *body = NULL;
	int r = server_json_parse(&request->body, known, &body, &request->why);

	if (!r)
		r = server_json_string(body, "reason", false, &reason, &request->why);
	if (!r) {
		*out = reason ? server_reason_parse(reason) : 0;
		if (*out < 0)
			r = ca_refuse(&request->why, CA_EFIELD,
			    "reason is none of unspecified, keyCompromise, affiliationChanged, "
			    "superseded, cessationOfOperation, privilegeWithdrawn");
	}
	json_decref(body);
	return r;
}

int server_certificates_revoke(struct server_request *request)
{
	struct revocation *revocation = calloc(1, sizeof(*revocation));
	struct store_certificate row = { 0 };
	struct store_tx *tx = NULL;
	int r;

	if (!revocation)
		return CA_ENOMEM;
	request->state = revocation; /* transferred */
	request->free_state = free;
	request->resume = answer_revoked;
	r = reason_field(request, &revocation->reason);
	if (!r)
		r = store_read_begin(request->server->store, &tx);
	if (r)
		return r;
	r = find(request, tx, SERVER_MAY_WRITE, &row);
	store_read_end(tx);
	revocation->id = row.id;
	store_certificate_clear(&row);
	return r ? r : server_request_write(request, run_revoke);
}
