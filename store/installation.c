#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "store/db.h"
#include "store/installation.h"

void store_blob_clear(struct store_blob *blob)
{
	if (!blob)
		return;
	ca_wipe(blob->data, blob->len);
	free(blob->data);
	*blob = (struct store_blob){ 0 };
}

/* ---- the installation ---- */

void store_installation_clear(struct store_installation *row)
{
	if (!row)
		return;
	free(row->name);
	free(row->public_url);
	free(row->revocation_url);
	ca_names_free(&row->names);
	memset(row, 0, sizeof(*row));
}

int store_installation_set(struct store_tx *tx, const struct store_installation *row)
{
	struct ca_buf names = CA_BUF_INIT;
	struct store_query q;
	int rc;

	ca_names_format(&row->names, &names);
	rc = ca_buf_error(&names);
	if (rc)
		goto out;
	store_query_start(&q, tx, STORE_SQL_INSTALLATION_SET);
	store_put_text(&q, row->name);
	store_put_text(&q, row->public_url);
	store_put_text(&q, row->revocation_url);
	store_put_text(&q, ca_buf_text(&names));
	store_put_int(&q, row->created_at);
	store_put_id(&q, row->server_certificate_id);
	store_put_int(&q, row->last_seen_at);
	rc = store_query_run(&q);
out:
	ca_buf_free(&names);
	return rc;
}

int store_installation_get(struct store_tx *tx, struct store_installation *out)
{
	struct store_installation row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_INSTALLATION_GET);
	rc = store_query_first(&q);
	if (rc == 0) {
		row.name = store_take_string(&q);
		row.public_url = store_take_string(&q);
		row.revocation_url = store_take_string(&q);
		store_take_names(&q, &row.names);
		row.created_at = store_take_int(&q);
		row.server_certificate_id = store_take_int(&q);
		row.last_seen_at = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc)
		store_installation_clear(&row);
	else
		*out = row;
	return rc;
}

/* Update the one row with one number. */
static int update(struct store_tx *tx, enum store_statement which, int64_t value)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, which);
	store_put_id(&q, value);
	rc = store_query_run(&q);
	if (rc == 0 && store_db_changes(tx) == 0)
		rc = CA_ENOTFOUND;
	return rc;
}

int store_installation_set_server(struct store_tx *tx, int64_t certificate_id)
{
	return update(tx, STORE_SQL_INSTALLATION_SET_SERVER, certificate_id);
}

int store_heartbeat(struct store_tx *tx, int64_t now)
{
	return update(tx, STORE_SQL_HEARTBEAT, now);
}

/* ---- keys that seal ---- */

void store_sealing_key_clear(struct store_sealing_key *key)
{
	if (!key)
		return;
	store_blob_clear(&key->wrapped);
	memset(key, 0, sizeof(*key));
}

int store_sealing_key_add(struct store_tx *tx, struct store_sealing_key *key)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_SEALING_KEY_ADD);
	store_put_int(&q, key->tenant_id);
	store_put_int(&q, key->purpose);
	store_put_int(&q, key->version);
	store_put_blob(&q, key->wrapped.data, key->wrapped.len);
	store_put_int(&q, key->created_at);
	rc = store_query_run(&q);
	if (rc == 0)
		key->id = store_db_last_id(tx);
	return rc;
}

static int next_sealing_key(struct store_tx *tx, int64_t after, struct store_sealing_key *out)
{
	struct store_sealing_key row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_SEALING_KEYS);
	store_put_int(&q, after);
	rc = store_query_first(&q);
	if (rc == 0) {
		row.id = store_take_int(&q);
		row.tenant_id = store_take_int(&q);
		row.purpose = (enum store_key_purpose)store_take_int(&q);
		row.version = (int)store_take_int(&q);
		store_take_blob(&q, &row.wrapped.data, &row.wrapped.len);
		row.created_at = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc)
		store_sealing_key_clear(&row);
	else
		*out = row;
	return rc;
}

int store_sealing_key_each(
    struct store_tx *tx, int (*each)(const struct store_sealing_key *key, void *arg), void *arg)
{
	struct store_sealing_key key = { 0 };
	int64_t after = 0;
	int rc = 0;

	while (rc == 0) {
		rc = next_sealing_key(tx, after, &key);
		if (rc)
			return rc == CA_ENOTFOUND ? 0 : rc;
		after = key.id;
		rc = each(&key, arg);
		store_sealing_key_clear(&key);
	}
	return rc;
}

/* ---- certificate authorities ---- */

void store_authority_clear(struct store_authority *authority)
{
	if (!authority)
		return;
	store_blob_clear(&authority->certificate);
	store_blob_clear(&authority->sealed_key);
	memset(authority, 0, sizeof(*authority));
}

int store_authority_add(struct store_tx *tx, struct store_authority *authority)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_AUTHORITY_ADD);
	store_put_int(&q, authority->tenant_id);
	store_put_id(&q, authority->parent_id);
	store_put_int(&q, authority->kind);
	store_put_int(&q, authority->status);
	store_put_text(&q, authority->name);
	store_put_blob(&q, authority->serial, authority->serial_len);
	store_put_blob(&q, authority->spki_sha256, STORE_HASH);
	store_put_int(&q, authority->not_before);
	store_put_int(&q, authority->not_after);
	store_put_int(&q, authority->crl_shards);
	store_put_blob(&q, authority->certificate.data, authority->certificate.len);
	store_put_blob(&q, authority->sealed_key.data, authority->sealed_key.len);
	store_put_int(&q, authority->created_at);
	rc = store_query_run(&q);
	if (rc == 0)
		authority->id = store_db_last_id(tx);
	return rc;
}

static void take_authority(struct store_query *q, struct store_authority *row)
{
	row->id = store_take_int(q);
	row->tenant_id = store_take_int(q);
	row->parent_id = store_take_int(q);
	row->kind = (enum store_authority_kind)store_take_int(q);
	row->status = (enum store_authority_status)store_take_int(q);
	store_take_text(q, row->name, sizeof(row->name));
	store_take_octets(q, row->serial, sizeof(row->serial), &row->serial_len);
	store_take_hash(q, row->spki_sha256);
	row->not_before = store_take_int(q);
	row->not_after = store_take_int(q);
	row->crl_shards = (int)store_take_int(q);
	store_take_blob(q, &row->certificate.data, &row->certificate.len);
	store_take_blob(q, &row->sealed_key.data, &row->sealed_key.len);
	row->created_at = store_take_int(q);
}

static int next_authority(struct store_tx *tx, int64_t after, struct store_authority *out)
{
	struct store_authority row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_AUTHORITIES);
	store_put_int(&q, after);
	rc = store_query_first(&q);
	if (rc == 0)
		take_authority(&q, &row);
	rc = store_query_end(&q, rc);
	if (rc)
		store_authority_clear(&row);
	else
		*out = row;
	return rc;
}

int store_authority_each(
    struct store_tx *tx, int (*each)(const struct store_authority *authority, void *arg), void *arg)
{
	struct store_authority authority = { 0 };
	int64_t after = 0;
	int rc = 0;

	while (rc == 0) {
		rc = next_authority(tx, after, &authority);
		if (rc)
			return rc == CA_ENOTFOUND ? 0 : rc;
		after = authority.id;
		rc = each(&authority, arg);
		store_authority_clear(&authority);
	}
	return rc;
}

static int keep_aside(
    struct store_tx *tx, int64_t id, const unsigned char *serial, size_t serial_len, int64_t now)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_AUTHORITY_KEEP_ASIDE);
	store_put_int(&q, id);
	store_put_blob(&q, serial, serial_len);
	store_put_int(&q, now);
	rc = store_query_run(&q);
	if (rc == 0 && store_db_changes(tx) == 0)
		rc = CA_EPRECONDITION;
	return rc;
}

int store_authority_replace_certificate(struct store_tx *tx,
    const struct store_authority *authority, const unsigned char *old_serial, size_t old_serial_len,
    int64_t now)
{
	struct store_query q;
	int rc;

	rc = keep_aside(tx, authority->id, old_serial, old_serial_len, now);
	if (rc)
		return rc;
	store_query_start(&q, tx, STORE_SQL_AUTHORITY_REPLACE);
	store_put_int(&q, authority->id);
	store_put_blob(&q, authority->serial, authority->serial_len);
	store_put_int(&q, authority->not_before);
	store_put_int(&q, authority->not_after);
	store_put_blob(&q, authority->certificate.data, authority->certificate.len);
	return store_query_run(&q);
}

/* ---- secrets ---- */

void store_secret_clear(struct store_secret *secret)
{
	if (!secret)
		return;
	store_blob_clear(&secret->sealed);
	memset(secret, 0, sizeof(*secret));
}

int store_secret_set(struct store_tx *tx, const struct store_secret *secret)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_SECRET_SET);
	store_put_int(&q, secret->tenant_id);
	store_put_text(&q, secret->name);
	store_put_blob(&q, secret->sealed.data, secret->sealed.len);
	store_put_int(&q, secret->created_at);
	return store_query_run(&q);
}

int store_secret_get(
    struct store_tx *tx, int64_t tenant_id, const char *name, struct store_secret *out)
{
	struct store_secret row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_SECRET_GET);
	store_put_int(&q, tenant_id);
	store_put_text(&q, name);
	rc = store_query_first(&q);
	if (rc == 0) {
		row.tenant_id = store_take_int(&q);
		store_take_text(&q, row.name, sizeof(row.name));
		store_take_blob(&q, &row.sealed.data, &row.sealed.len);
		row.created_at = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc)
		store_secret_clear(&row);
	else
		*out = row;
	return rc;
}
