#include "store/statements.h"

#define CERTIFICATE_COLUMNS                                                                        \
	"id, tenant_id, issuer_id, parent_id, coalesce(lineage_id, id), issued_by, "               \
	"operator_id, serial, "                                                                    \
	"spki_sha256, request_sha256, profile, not_before, not_after, renew_after, issued_at, "    \
	"status, revoked_at, revocation_reason, crl_shard, common_name, names, der"

#define TOKEN_COLUMNS                                                                              \
	"id, tenant_id, operator_id, certificate_id, profile, names, uses_max, uses, created_at, " \
	"expires_at, removed_at, seq"

/* Which tokens a prune forgets: both of its statements must pick the same ones. */
#define TOKEN_PRUNED                                                                               \
	"(SELECT seq FROM tokens WHERE expires_at < ?1 ORDER BY expires_at, seq LIMIT ?2)"

static const char *const statements[STORE_STATEMENTS] = {
	[STORE_SQL_BEGIN_READ] = "BEGIN",
	[STORE_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[STORE_SQL_COMMIT] = "COMMIT",
	[STORE_SQL_ROLLBACK] = "ROLLBACK",

	[STORE_SQL_INSTALLATION_SET] =
	    "INSERT INTO installation (id, name, public_url, revocation_url, names, created_at, "
	    "server_certificate_id, last_seen_at) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7) "
	    "ON CONFLICT (id) DO UPDATE SET name = ?1, public_url = ?2, revocation_url = ?3, "
	    "names = ?4, created_at = ?5, server_certificate_id = ?6, last_seen_at = ?7",
	[STORE_SQL_INSTALLATION_GET] =
	    "SELECT name, public_url, revocation_url, names, created_at, server_certificate_id, "
	    "last_seen_at FROM installation WHERE id = 1",
	[STORE_SQL_INSTALLATION_SET_SERVER] =
	    "UPDATE installation SET server_certificate_id = ?1 WHERE id = 1",
	[STORE_SQL_HEARTBEAT] = "UPDATE installation SET last_seen_at = ?1 WHERE id = 1",

	[STORE_SQL_TENANT_ADD] = "INSERT INTO tenants (id, name, created_at, removed_at) "
				 "VALUES (?1, ?2, ?3, ?4)",
	[STORE_SQL_TENANT_GET] = "SELECT id, name, created_at, removed_at FROM tenants "
				 "WHERE id = ?1",
	[STORE_SQL_TENANT_GET_NAME] = "SELECT id, name, created_at, removed_at FROM tenants "
				      "WHERE name = ?1",
	[STORE_SQL_TENANT_NEXT] = "SELECT id, name, created_at, removed_at FROM tenants "
				  "WHERE id > ?1 ORDER BY id LIMIT 1",
	[STORE_SQL_TENANT_IDS] = "SELECT id FROM tenants WHERE id > ?1 ORDER BY id LIMIT 1",

	[STORE_SQL_SEALING_KEY_ADD] =
	    "INSERT INTO sealing_keys (tenant_id, purpose, version, wrapped, created_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5)",
	[STORE_SQL_SEALING_KEYS] = "SELECT id, tenant_id, purpose, version, wrapped, created_at "
				   "FROM sealing_keys WHERE id > ?1 ORDER BY id LIMIT 1",

	[STORE_SQL_AUTHORITY_ADD] =
	    "INSERT INTO authorities (tenant_id, parent_id, kind, status, name, serial, "
	    "spki_sha256, not_before, not_after, crl_shards, certificate, sealed_key, created_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[STORE_SQL_AUTHORITIES] =
	    "SELECT id, tenant_id, parent_id, kind, status, name, serial, spki_sha256, "
	    "not_before, not_after, crl_shards, certificate, sealed_key, created_at "
	    "FROM authorities WHERE id > ?1 ORDER BY id LIMIT 1",

	[STORE_SQL_SECRET_SET] =
	    "INSERT INTO secrets (tenant_id, name, sealed, created_at) VALUES (?1, ?2, ?3, ?4) "
	    "ON CONFLICT (tenant_id, name) DO UPDATE SET sealed = ?3, created_at = ?4",
	[STORE_SQL_SECRET_GET] = "SELECT tenant_id, name, sealed, created_at FROM secrets "
				 "WHERE tenant_id = ?1 AND name = ?2",

	[STORE_SQL_OPERATOR_ADD] =
	    "INSERT INTO operators (tenant_id, name, role, created_at, removed_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5)",
	[STORE_SQL_OPERATOR_GET] = "SELECT id, tenant_id, name, role, created_at, removed_at "
				   "FROM operators WHERE id = ?1",
	[STORE_SQL_OPERATOR_GET_NAME] = "SELECT id, tenant_id, name, role, created_at, removed_at "
					"FROM operators WHERE name = ?1",
	[STORE_SQL_OPERATOR_REMOVE] = "UPDATE operators SET removed_at = ?2 "
				      "WHERE id = ?1 AND removed_at = 0",

	[STORE_SQL_CERTIFICATE_ADD] =
	    "INSERT INTO certificates (tenant_id, issuer_id, parent_id, lineage_id, issued_by, "
	    "operator_id, "
	    "serial, spki_sha256, request_sha256, profile, not_before, not_after, renew_after, "
	    "issued_at, status, revoked_at, revocation_reason, crl_shard, common_name, names, der) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
	    "?18, ?19, ?20, ?21)",
	[STORE_SQL_CERTIFICATE_STATUS] = "SELECT status FROM certificates WHERE id = ?1",
	[STORE_SQL_CERTIFICATE_SERIAL] = "SELECT serial FROM certificates WHERE id = ?1",
	[STORE_SQL_CERTIFICATE_ADD_NAME] =
	    "INSERT INTO certificate_names (tenant_id, rname, certificate_id, not_after) "
	    "VALUES (?1, ?2, ?3, ?4)",
	[STORE_SQL_CERTIFICATE_GET] = "SELECT " CERTIFICATE_COLUMNS " FROM certificates "
				      "WHERE serial = ?1 AND (?2 = 0 OR tenant_id = ?2)",
	[STORE_SQL_CERTIFICATE_GET_ID] =
	    "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE id = ?1",
	[STORE_SQL_CERTIFICATE_OF_OPERATOR] =
	    "SELECT " CERTIFICATE_COLUMNS " FROM certificates INDEXED BY certificates_of_operator "
	    "WHERE operator_id = ?1 AND status = 0 ORDER BY not_after DESC, id DESC LIMIT 1",
	[STORE_SQL_CERTIFICATE_REVOKE] =
	    "UPDATE certificates SET status = 1, revoked_at = ?2, revocation_reason = ?3 "
	    "WHERE id = ?1 AND status = 0",
	[STORE_SQL_CERTIFICATE_COUNT] = "SELECT count(*) FROM certificates",

	/* ?1 tenant, ?2 start: id, ?3 start: not_after, ?4 not_after's bound, ?5 first name, ?6
	 * last name. No row is read, only indexes. INDEXED BY: a plan that changes is an error. */
	[STORE_SQL_LIST_NEWEST] = "SELECT id, 0, NULL "
				  "FROM certificates INDEXED BY certificates_of_tenant "
				  "WHERE tenant_id = ?1 AND id <= ?2 ORDER BY id DESC",
	[STORE_SQL_LIST_REVOKED] = "SELECT id, 0, NULL "
				   "FROM certificates INDEXED BY certificates_revoked "
				   "WHERE status = 1 AND tenant_id = ?1 AND id <= ?2 "
				   "ORDER BY id DESC",
	[STORE_SQL_LIST_EXPIRY] =
	    "SELECT id, not_after, NULL FROM certificates INDEXED BY certificates_by_expiry "
	    "WHERE tenant_id = ?1 AND (not_after, id) >= (?3, ?2) AND not_after < ?4 "
	    "ORDER BY not_after, id",
	[STORE_SQL_LIST_NAME] = "SELECT certificate_id, not_after, NULL FROM certificate_names "
				"WHERE tenant_id = ?1 AND rname = ?5 AND certificate_id <= ?2 "
				"ORDER BY certificate_id DESC",
	[STORE_SQL_LIST_SUFFIX] =
	    "SELECT certificate_id, not_after, rname FROM certificate_names "
	    "WHERE tenant_id = ?1 AND (rname, certificate_id) >= (?5, ?2) AND rname <= ?6 "
	    "ORDER BY rname, certificate_id",
	/* It sorts all that is below the name: STORE_SQL_LIST_NAME_COUNT says whether it may. */
	[STORE_SQL_LIST_NAME_EXPIRY] =
	    "SELECT certificate_id, not_after, NULL FROM certificate_names "
	    "WHERE tenant_id = ?1 AND rname BETWEEN ?5 AND ?6 AND not_after < ?4 "
	    "AND (not_after, certificate_id) >= (?3, ?2) ORDER BY not_after, certificate_id",
	[STORE_SQL_LIST_NAME_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM certificate_names "
				      "WHERE tenant_id = ?1 AND rname BETWEEN ?2 AND ?3 LIMIT ?4)",
	/* ?2 the filter's status (negative: any), ?3 its profile (NULL: any). */
	[STORE_SQL_LIST_WANTED] =
	    "SELECT (?2 < 0 OR status = ?2) AND (?3 IS NULL OR profile = ?3), names "
	    "FROM certificates WHERE id = ?1",

	[STORE_SQL_TOKEN_ADD] =
	    "INSERT INTO tokens (id, tenant_id, operator_id, certificate_id, profile, names, "
	    "uses_max, uses, created_at, expires_at, removed_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[STORE_SQL_TOKEN_GET] = "SELECT " TOKEN_COLUMNS " FROM tokens "
				"WHERE id = ?1 AND (?2 = 0 OR tenant_id = ?2)",
	[STORE_SQL_TOKEN_CHECK] =
	    "SELECT t.seq, t.removed_at, t.expires_at, t.uses_max - t.uses, u.token_seq, "
	    "u.certificate_id FROM tokens t LEFT JOIN token_uses u "
	    "ON u.token_seq = t.seq AND u.spki_sha256 = ?2 WHERE t.id = ?1",
	[STORE_SQL_TOKEN_TAKE] = "UPDATE tokens SET uses = uses + 1 "
				 "WHERE seq = ?1 AND uses < uses_max",
	[STORE_SQL_TOKEN_TAKE_KEY] = "INSERT INTO token_uses (token_seq, spki_sha256) "
				     "VALUES (?1, ?2)",
	[STORE_SQL_TOKEN_USED] =
	    "UPDATE token_uses SET certificate_id = ?3 "
	    "WHERE token_seq = (SELECT seq FROM tokens WHERE id = ?1) AND spki_sha256 = ?2",
	[STORE_SQL_TOKEN_SEQ] = "SELECT seq FROM tokens WHERE id = ?1",
	[STORE_SQL_TOKEN_LIST] = "SELECT " TOKEN_COLUMNS " FROM tokens "
				 "WHERE seq > ?1 AND expires_at >= ?2 ORDER BY seq LIMIT 1",
	[STORE_SQL_TOKEN_LIST_TENANT] =
	    "SELECT " TOKEN_COLUMNS " FROM tokens INDEXED BY tokens_of_tenant "
	    "WHERE tenant_id = ?3 AND seq > ?1 AND expires_at >= ?2 ORDER BY seq LIMIT 1",
	[STORE_SQL_TOKEN_REMOVE] = "UPDATE tokens SET removed_at = ?2 "
				   "WHERE id = ?1 AND removed_at = 0",
	[STORE_SQL_TOKEN_REMOVE_MADE_WITH] = "UPDATE tokens SET removed_at = ?2 "
					     "WHERE certificate_id = ?1 AND removed_at = 0",
	[STORE_SQL_TOKEN_PRUNE_USES] = "DELETE FROM token_uses WHERE token_seq IN " TOKEN_PRUNED,
	[STORE_SQL_TOKEN_PRUNE] = "DELETE FROM tokens WHERE seq IN " TOKEN_PRUNED,
};

const char *store_statement_sql(enum store_statement which)
{
	return statements[which];
}
