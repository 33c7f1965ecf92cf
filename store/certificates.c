#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "store/certificates.h"
#include "store/db.h"
#include "store/listing.h"
#include "store/quotas.h"

void store_certificate_clear(struct store_certificate *row)
{
	if (!row)
		return;
	ca_names_free(&row->names);
	free(row->der);
	memset(row, 0, sizeof(*row));
}

/* ---- rows ---- */

static int add_names(struct store_tx *tx, const struct store_certificate *row, int64_t id)
{
	struct ca_buf rname = CA_BUF_INIT;
	struct store_query q;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < row->names.n; i++) {
		ca_buf_clear(&rname);
		store_rname_add(&rname, &row->names.v[i]);
		rc = ca_buf_error(&rname);
		if (rc)
			break;
		store_query_start(&q, tx, STORE_SQL_CERTIFICATE_ADD_NAME);
		store_put_int(&q, row->tenant_id);
		store_put_text(&q, ca_buf_text(&rname));
		store_put_int(&q, id);
		store_put_int(&q, row->not_after);
		rc = store_query_run(&q);
	}
	ca_buf_free(&rname);
	return rc;
}

static int add_row(struct store_tx *tx, const struct store_certificate *row, const char *names)
{
	static const unsigned char no_request[STORE_HASH];
	bool request = memcmp(row->request_sha256, no_request, STORE_HASH) != 0;
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_ADD);
	store_put_int(&q, row->tenant_id);
	store_put_int(&q, row->issuer_id);
	store_put_id(&q, row->parent_id);
	store_put_id(&q, row->lineage_id);
	store_put_id(&q, row->issued_by);
	store_put_id(&q, row->operator_id);
	store_put_blob(&q, row->serial, row->serial_len);
	store_put_blob(&q, row->spki_sha256, STORE_HASH);
	store_put_blob(&q, request ? row->request_sha256 : NULL, STORE_HASH);
	store_put_text(&q, row->profile);
	store_put_int(&q, row->not_before);
	store_put_int(&q, row->not_after);
	store_put_int(&q, row->renew_after);
	store_put_int(&q, row->issued_at);
	store_put_int(&q, row->status);
	store_put_id(&q, row->revoked_at);
	store_put_int(&q, row->revocation_reason);
	store_put_int(&q, row->crl_shard);
	store_put_text(&q, row->common_name);
	store_put_text(&q, names);
	store_put_blob(&q, row->der, row->der_len);
	store_put_id(&q, row->identity_id);
	return store_query_run(&q);
}

int store_certificate_add(struct store_tx *tx, struct store_certificate *row)
{
	struct ca_buf names = CA_BUF_INIT;
	int64_t id;
	int rc;

	ca_names_format(&row->names, &names);
	rc = ca_buf_error(&names);
	if (rc == 0)
		rc = add_row(tx, row, ca_buf_text(&names));
	if (rc)
		goto out;
	id = store_db_last_id(tx);
	rc = add_names(tx, row, id);
	if (rc)
		goto out;
	row->id = id;
	if (row->lineage_id == 0)
		row->lineage_id = id;
out:
	ca_buf_free(&names);
	return rc;
}

static void take_row(struct store_query *q, struct store_certificate *row)
{
	row->id = store_take_int(q);
	row->tenant_id = store_take_int(q);
	row->issuer_id = store_take_int(q);
	row->parent_id = store_take_int(q);
	row->lineage_id = store_take_int(q);
	row->issued_by = store_take_int(q);
	row->operator_id = store_take_int(q);
	store_take_octets(q, row->serial, sizeof(row->serial), &row->serial_len);
	store_take_hash(q, row->spki_sha256);
	store_take_hash(q, row->request_sha256);
	store_take_text(q, row->profile, sizeof(row->profile));
	row->not_before = store_take_int(q);
	row->not_after = store_take_int(q);
	row->renew_after = store_take_int(q);
	row->issued_at = store_take_int(q);
	row->status = (enum store_status)store_take_int(q);
	row->revoked_at = store_take_int(q);
	row->revocation_reason = (int)store_take_int(q);
	row->crl_shard = (int)store_take_int(q);
	store_take_text(q, row->common_name, sizeof(row->common_name));
	store_take_names(q, &row->names);
	store_take_blob(q, &row->der, &row->der_len);
	row->identity_id = store_take_int(q);
}

/* The one row of a query whose values are put. */
static int get(struct store_query *q, struct store_certificate *out)
{
	struct store_certificate row = { 0 };
	int rc = store_query_first(q);

	if (rc == 0)
		take_row(q, &row);
	rc = store_query_end(q, rc);
	if (rc)
		store_certificate_clear(&row);
	else
		*out = row;
	return rc;
}

int store_certificate_get(struct store_tx *tx, int64_t tenant_id, const unsigned char *serial,
    size_t serial_len, struct store_certificate *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_GET);
	store_put_blob(&q, serial, serial_len);
	store_put_int(&q, tenant_id);
	return get(&q, out);
}

int store_certificate_get_id(struct store_tx *tx, int64_t id, struct store_certificate *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_GET_ID);
	store_put_int(&q, id);
	return get(&q, out);
}

int store_certificate_status(struct store_tx *tx, int64_t id, enum store_status *out)
{
	enum store_status status = STORE_GOOD;
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_STATUS);
	store_put_int(&q, id);
	rc = store_query_first(&q);
	if (rc == 0)
		status = (enum store_status)store_take_int(&q);
	rc = store_query_end(&q, rc);
	if (rc == 0)
		*out = status;
	return rc;
}

int store_certificate_serial(
    struct store_tx *tx, int64_t id, unsigned char serial[STORE_SERIAL_MAX], size_t *len)
{
	struct store_query q;
	size_t n = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_SERIAL);
	store_put_int(&q, id);
	rc = store_query_first(&q);
	if (rc == 0)
		store_take_octets(&q, serial, STORE_SERIAL_MAX, &n);
	rc = store_query_end(&q, rc);
	if (rc == 0)
		*len = n;
	return rc;
}

int store_certificate_of_operator(
    struct store_tx *tx, int64_t operator_id, struct store_certificate *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_OF_OPERATOR);
	store_put_int(&q, operator_id);
	return get(&q, out);
}

/* What else a revocation changes: tokens made with the certificate, and its tenant's count. */
static int follow_revocation(struct store_tx *tx, int64_t id, int64_t now)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TOKEN_REMOVE_MADE_WITH);
	store_put_int(&q, id);
	store_put_int(&q, now);
	rc = store_query_run(&q);
	return rc ? rc : store_quota_revoked(tx, id);
}

int store_certificate_revoke(
    struct store_tx *tx, int64_t id, int64_t now, int reason, bool *changed)
{
	struct store_certificate row = { 0 };
	struct store_query q;
	bool revoked;
	int rc;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_REVOKE);
	store_put_int(&q, id);
	store_put_int(&q, now);
	store_put_int(&q, reason);
	rc = store_query_run(&q);
	if (rc)
		return rc;
	revoked = store_db_changes(tx) > 0;
	if (revoked)
		rc = follow_revocation(tx, id, now);
	else
		rc = store_certificate_get_id(tx, id, &row);
	store_certificate_clear(&row);
	if (rc)
		return rc;
	if (changed)
		*changed = revoked;
	return 0;
}

int store_certificate_count(struct store_tx *tx, int64_t *out)
{
	struct store_query q;
	int64_t n = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_CERTIFICATE_COUNT);
	rc = store_query_first(&q);
	if (rc == 0)
		n = store_take_int(&q);
	rc = store_query_end(&q, rc);
	if (rc == 0)
		*out = n;
	return rc;
}
