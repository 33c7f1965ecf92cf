#include <stdio.h>

#include "store/migrations.h"

/*
 * Append-only: a step that was ever released stays as it is, and a change is a new step at the end.
 *
 * Foreign keys point at small tables only. A reference to certificates would cost an index of its
 * own on the day rows are pruned, and is kept true by its writers instead.
 */
static const char *const migrations[] = {
	/* 1: the first */
	"CREATE TABLE tenants ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL UNIQUE,"
	"  created_at INTEGER NOT NULL,"
	"  removed_at INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE sealing_keys ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
	"  purpose INTEGER NOT NULL,"
	"  version INTEGER NOT NULL,"
	"  wrapped BLOB NOT NULL,"
	"  created_at INTEGER NOT NULL,"
	"  UNIQUE (tenant_id, purpose, version)"
	") STRICT;"

	"CREATE TABLE authorities ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
	"  parent_id INTEGER REFERENCES authorities (id)," /* NULL: self-signed */
	"  kind INTEGER NOT NULL,"
	"  status INTEGER NOT NULL,"
	"  name TEXT NOT NULL UNIQUE,"
	"  serial BLOB NOT NULL,"
	"  spki_sha256 BLOB NOT NULL,"
	"  not_before INTEGER NOT NULL,"
	"  not_after INTEGER NOT NULL,"
	"  crl_shards INTEGER NOT NULL CHECK (crl_shards >= 1),"
	"  certificate BLOB NOT NULL,"
	"  sealed_key BLOB," /* NULL: the key is kept elsewhere */
	"  created_at INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE secrets ("
	"  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
	"  name TEXT NOT NULL,"
	"  sealed BLOB NOT NULL,"
	"  created_at INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant_id, name)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE operators ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER REFERENCES tenants (id)," /* NULL: the whole installation */
	"  name TEXT NOT NULL UNIQUE,"
	"  role INTEGER NOT NULL,"
	"  created_at INTEGER NOT NULL,"
	"  removed_at INTEGER NOT NULL"
	") STRICT;"

	/* DER last: what is searched and shown is read without it where a row spills over pages. */
	"CREATE TABLE certificates ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
	"  issuer_id INTEGER NOT NULL REFERENCES authorities (id),"
	"  parent_id INTEGER,"
	"  lineage_id INTEGER," /* NULL: it is the first of its lineage */
	"  issued_by INTEGER,"  /* certificates.id of the operator's that stands behind it */
	"  operator_id INTEGER REFERENCES operators (id),"
	"  status INTEGER NOT NULL CHECK (status IN (0, 1)),"
	"  not_before INTEGER NOT NULL,"
	"  not_after INTEGER NOT NULL,"
	"  renew_after INTEGER NOT NULL,"
	"  issued_at INTEGER NOT NULL,"
	"  revoked_at INTEGER,"
	"  revocation_reason INTEGER NOT NULL,"
	"  crl_shard INTEGER NOT NULL,"
	"  serial BLOB NOT NULL,"
	"  spki_sha256 BLOB NOT NULL,"
	"  request_sha256 BLOB,"
	"  profile TEXT NOT NULL,"
	"  common_name TEXT NOT NULL,"
	"  names TEXT NOT NULL," /* as ca_names_format() writes them */
	"  der BLOB NOT NULL"
	") STRICT;"
	"CREATE UNIQUE INDEX certificates_by_serial ON certificates (serial);"
	"CREATE INDEX certificates_of_tenant ON certificates (tenant_id);"
	"CREATE INDEX certificates_by_expiry ON certificates (tenant_id, not_after);"
	"CREATE INDEX certificates_revoked ON certificates (tenant_id) WHERE status = 1;"
	"CREATE INDEX certificates_of_operator ON certificates (operator_id, not_after)"
	"  WHERE operator_id IS NOT NULL;"

	/* rname: a letter for the type and the value, DNS with its labels reversed
	 * ("d:internal.web.", "i:10.0.0.1"), so that all names below a suffix stand together. */
	"CREATE TABLE certificate_names ("
	"  tenant_id INTEGER NOT NULL,"
	"  rname TEXT NOT NULL,"
	"  certificate_id INTEGER NOT NULL,"
	"  not_after INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant_id, rname, certificate_id)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE tokens ("
	"  seq INTEGER PRIMARY KEY," /* the order they were made in */
	"  id TEXT NOT NULL UNIQUE,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
	"  operator_id INTEGER NOT NULL REFERENCES operators (id),"
	"  certificate_id INTEGER NOT NULL," /* the operator's, that it was made with */
	"  profile TEXT NOT NULL,"
	"  names TEXT NOT NULL,"
	"  uses_max INTEGER NOT NULL,"
	"  uses INTEGER NOT NULL CHECK (uses <= uses_max),"
	"  created_at INTEGER NOT NULL,"
	"  expires_at INTEGER NOT NULL,"
	"  removed_at INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX tokens_of_tenant ON tokens (tenant_id);"
	"CREATE INDEX tokens_by_expiry ON tokens (expires_at);"
	"CREATE INDEX tokens_by_certificate ON tokens (certificate_id);"

	"CREATE TABLE token_uses ("
	"  token_seq INTEGER NOT NULL REFERENCES tokens (seq),"
	"  spki_sha256 BLOB NOT NULL,"
	"  certificate_id INTEGER,"
	"  PRIMARY KEY (token_seq, spki_sha256)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE installation ("
	"  id INTEGER PRIMARY KEY CHECK (id = 1),"
	"  name TEXT NOT NULL,"
	"  public_url TEXT NOT NULL,"
	"  revocation_url TEXT,"
	"  names TEXT NOT NULL,"
	"  created_at INTEGER NOT NULL,"
	"  server_certificate_id INTEGER REFERENCES certificates (id),"
	"  last_seen_at INTEGER NOT NULL"
	") STRICT;",

	/* 2: tenants made at run time and their policy, who asks from outside, quotas */
	"ALTER TABLE tenants ADD COLUMN trust_domain TEXT;"
	"ALTER TABLE tenants ADD COLUMN dns_suffixes TEXT NOT NULL DEFAULT '';" /* one a line */
	"ALTER TABLE tenants ADD COLUMN ip_ranges TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE tenants ADD COLUMN max_lifetime INTEGER NOT NULL DEFAULT 7776000;"
	"ALTER TABLE tenants ADD COLUMN allowed INTEGER NOT NULL DEFAULT 6;"
	/* quotas; 0: none */
	"ALTER TABLE tenants ADD COLUMN alive_max INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tenants ADD COLUMN minute_max INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tenants ADD COLUMN identity_alive_max INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tenants ADD COLUMN identity_minute_max INTEGER NOT NULL DEFAULT 0;"
	/* of a removed one: certificates.id up to which all are revoked; -1: all are */
	"ALTER TABLE tenants ADD COLUMN revoked_to INTEGER NOT NULL DEFAULT 0;"
	"CREATE UNIQUE INDEX tenants_by_trust_domain ON tenants (trust_domain)"
	"  WHERE trust_domain IS NOT NULL;"

	"CREATE INDEX authorities_of_tenant ON authorities (tenant_id);"

	/* A CA's certificate that another one for the same key took the place of. */
	"CREATE TABLE replaced_certificates ("
	"  id INTEGER PRIMARY KEY,"
	"  authority_id INTEGER NOT NULL REFERENCES authorities (id),"
	"  serial BLOB NOT NULL,"
	"  not_after INTEGER NOT NULL,"
	"  certificate BLOB NOT NULL,"
	"  replaced_at INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE policies ("
	"  tenant_id INTEGER PRIMARY KEY REFERENCES tenants (id),"
	"  version INTEGER NOT NULL,"
	"  document TEXT NOT NULL,"
	"  changed_at INTEGER NOT NULL,"
	"  operator_id INTEGER NOT NULL REFERENCES operators (id)"
	") STRICT;"

	/* Whose tokens are believed. A name belongs to one issuer for ever. */
	"CREATE TABLE sources ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL UNIQUE,"
	"  issuer TEXT NOT NULL UNIQUE,"
	"  kind INTEGER NOT NULL,"
	"  version INTEGER NOT NULL,"
	"  settings TEXT NOT NULL," /* JSON */
	"  created_at INTEGER NOT NULL,"
	"  removed_at INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE identities ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant_id INTEGER NOT NULL REFERENCES tenants (id),"
	"  source_id INTEGER NOT NULL REFERENCES sources (id),"
	"  subject TEXT NOT NULL,"
	"  created_at INTEGER NOT NULL,"
	"  disabled_at INTEGER NOT NULL,"
	"  UNIQUE (tenant_id, source_id, subject)"
	") STRICT;"
	"CREATE INDEX identities_of_tenant ON identities (tenant_id);"
	"ALTER TABLE certificates ADD COLUMN identity_id INTEGER;"
	"CREATE INDEX certificates_of_identity ON certificates (identity_id, not_after)"
	"  WHERE identity_id IS NOT NULL AND status = 0;"

	/* How often something was done since a moment. */
	"CREATE TABLE rates ("
	"  tenant_id INTEGER NOT NULL,"
	"  key TEXT NOT NULL,"
	"  began_at INTEGER NOT NULL,"
	"  used INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant_id, key)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX rates_by_age ON rates (began_at);"

	/* How many certificates of a tenant with a quota are alive: those that are good, from the
	 * place (swept, swept_id) on in the order of (not_after, id). What stands before it has
	 * ended, and was taken off. */
	"CREATE TABLE alive ("
	"  tenant_id INTEGER PRIMARY KEY,"
	"  certificates INTEGER NOT NULL,"
	"  swept INTEGER NOT NULL,"
	"  swept_id INTEGER NOT NULL"
	") STRICT;"

	"ALTER TABLE tokens ADD COLUMN spki_sha256 BLOB;" /* the only key it is good for */
	"ALTER TABLE tokens ADD COLUMN common_name TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE operators ADD COLUMN email_sealed BLOB;"
	"ALTER TABLE operators ADD COLUMN email_hash BLOB;"
	"CREATE INDEX operators_by_email ON operators (email_hash) WHERE email_hash IS NOT NULL;",
};

#define NEWEST ((int)(sizeof(migrations) / sizeof(migrations[0])))

int store_schema_newest(void)
{
	return NEWEST;
}

/* The steps after `version`, inside the caller's transaction. */
static int run_steps(struct store_tx *tx, int64_t version)
{
	char pragma[48];
	int rc;

	for (; version < NEWEST; version++) {
		rc = store_db_exec(tx, migrations[version]);
		if (rc)
			return rc;
	}
	(void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", NEWEST);
	return store_db_exec(tx, pragma);
}

int store_schema_create(struct store_tx *tx)
{
	char pragma[48];
	int rc;

	(void)snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d", STORE_APPLICATION_ID);
	rc = store_db_begin(tx, true);
	if (rc)
		return rc;
	rc = store_db_exec(tx, pragma);
	if (rc == 0)
		rc = run_steps(tx, 0);
	if (rc == 0)
		return store_db_commit(tx);
	store_db_rollback(tx);
	return rc;
}

static int check(struct store_tx *tx, int64_t *version, struct ca_detail *why)
{
	int64_t application;
	int rc;

	rc = store_db_pragma(tx, "PRAGMA application_id", &application);
	if (rc == 0)
		rc = store_db_pragma(tx, "PRAGMA user_version", version);
	if (rc)
		return rc;
	if (application != STORE_APPLICATION_ID || *version < 0)
		return ca_refuse(why, CA_ESTORESCHEMA, "the database was not made by Mica");
	if (*version > NEWEST)
		return ca_refuse(why, CA_ESTORESCHEMA,
		    "the database was made by a newer Mica (schema %lld; this program knows %d)",
		    (long long)*version, NEWEST);
	return 0;
}

int store_schema_update(struct store_tx *tx, struct ca_detail *why)
{
	int64_t version;
	int rc;

	rc = check(tx, &version, why);
	if (rc || version == NEWEST)
		return rc;
	rc = store_db_begin(tx, true);
	if (rc)
		return rc;
	/* Somebody else may have been faster. */
	rc = check(tx, &version, why);
	if (rc == 0)
		rc = run_steps(tx, version);
	if (rc == 0)
		return store_db_commit(tx);
	store_db_rollback(tx);
	return rc;
}
