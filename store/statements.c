#include "store/statements.h"

#define CERTIFICATE_COLUMNS                                                                        \
	"id, tenant_id, issuer_id, parent_id, coalesce(lineage_id, id), issued_by, "               \
	"operator_id, serial, "                                                                    \
	"spki_sha256, request_sha256, profile, not_before, not_after, renew_after, issued_at, "    \
	"status, revoked_at, revocation_reason, crl_shard, common_name, names, der, identity_id"

#define OPERATOR_COLUMNS "id, tenant_id, name, role, created_at, removed_at"

#define IDENTITY_COLUMNS                                                                           \
	"i.id, i.tenant_id, i.source_id, i.subject, i.created_at, i.disabled_at, s.name"

/* ?3 the source's name (NULL: any), ?4 whether it is disabled (negative: any). */
#define IDENTITY_WANTED "(?3 IS NULL OR s.name = ?3) AND (?4 < 0 OR (i.disabled_at != 0) = ?4)"

#define TENANT_COLUMNS "id, name, created_at, removed_at, revoked_to"

#define TOKEN_COLUMNS                                                                              \
	"id, tenant_id, operator_id, certificate_id, profile, names, uses_max, uses, created_at, " \
	"expires_at, removed_at, spki_sha256, common_name, seq"

#define SOURCE_COLUMNS "id, name, issuer, kind, version, settings, created_at, removed_at"

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
	[STORE_SQL_TENANT_GET] = "SELECT " TENANT_COLUMNS " FROM tenants WHERE id = ?1",
	[STORE_SQL_TENANT_GET_NAME] = "SELECT " TENANT_COLUMNS " FROM tenants WHERE name = ?1",
	[STORE_SQL_TENANT_IDS] = "SELECT id FROM tenants WHERE id > ?1 ORDER BY id LIMIT 1",
	[STORE_SQL_TENANT_NEXT] = "SELECT " TENANT_COLUMNS " FROM tenants "
				  "WHERE id > ?1 ORDER BY id LIMIT 1",
	[STORE_SQL_TENANT_SETTINGS_GET] =
	    "SELECT trust_domain, dns_suffixes, ip_ranges, max_lifetime, allowed, alive_max, "
	    "minute_max, identity_alive_max, identity_minute_max FROM tenants WHERE id = ?1",
	[STORE_SQL_TENANT_SETTINGS_SET] =
	    "UPDATE tenants SET trust_domain = ?2, dns_suffixes = ?3, ip_ranges = ?4, "
	    "max_lifetime = ?5, allowed = ?6, alive_max = ?7, minute_max = ?8, "
	    "identity_alive_max = ?9, identity_minute_max = ?10 WHERE id = ?1",
	[STORE_SQL_TENANT_REMOVE] =
	    "UPDATE tenants SET removed_at = ?2, revoked_to = 0, trust_domain = NULL "
	    "WHERE id = ?1",
	[STORE_SQL_TENANT_OPERATOR] = "SELECT id FROM operators WHERE id > ?2 AND tenant_id = ?1 "
				      "AND removed_at = 0 ORDER BY id LIMIT 1",
	[STORE_SQL_TENANT_REMOVE_TOKENS] =
	    "UPDATE tokens INDEXED BY tokens_of_tenant SET removed_at = ?2 "
	    "WHERE tenant_id = ?1 AND removed_at = 0",
	[STORE_SQL_TENANT_END_AUTHORITIES] =
	    "UPDATE authorities INDEXED BY authorities_of_tenant SET status = ?2 "
	    "WHERE tenant_id = ?1 AND status = ?3",
	[STORE_SQL_TENANT_TO_REVOKE] = "SELECT id FROM tenants WHERE id > ?1 AND removed_at <> 0 "
				       "AND revoked_to >= 0 ORDER BY id LIMIT 1",
	[STORE_SQL_TENANT_BATCH] =
	    "SELECT max(id) FROM (SELECT id FROM certificates INDEXED BY certificates_of_tenant "
	    "WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3)",
	/* ?3 the reason, ?4 behind, ?5 up to */
	[STORE_SQL_TENANT_REVOKE] = "UPDATE certificates INDEXED BY certificates_of_tenant "
				    "SET status = 1, revoked_at = ?2, revocation_reason = ?3 "
				    "WHERE tenant_id = ?1 AND id > ?4 AND id <= ?5 AND status = 0",
	[STORE_SQL_TENANT_REVOKED_TO] = "UPDATE tenants SET revoked_to = ?2 WHERE id = ?1",

	[STORE_SQL_POLICY_GET] = "SELECT version, document, changed_at, operator_id FROM policies "
				 "WHERE tenant_id = ?1",
	[STORE_SQL_POLICY_PUT] =
	    "INSERT INTO policies (tenant_id, version, document, changed_at, operator_id) "
	    "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant_id) DO UPDATE SET version = ?2, "
	    "document = ?3, changed_at = ?4, operator_id = ?5",

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
	[STORE_SQL_AUTHORITY_KEEP_ASIDE] =
	    "INSERT INTO replaced_certificates "
	    "(authority_id, serial, not_after, certificate, replaced_at) "
	    "SELECT id, serial, not_after, certificate, ?3 FROM authorities "
	    "WHERE id = ?1 AND serial = ?2 AND status = 1",
	[STORE_SQL_AUTHORITY_REPLACE] =
	    "UPDATE authorities SET serial = ?2, not_before = ?3, not_after = ?4, "
	    "certificate = ?5 WHERE id = ?1",

	[STORE_SQL_SECRET_SET] =
	    "INSERT INTO secrets (tenant_id, name, sealed, created_at) VALUES (?1, ?2, ?3, ?4) "
	    "ON CONFLICT (tenant_id, name) DO UPDATE SET sealed = ?3, created_at = ?4",
	[STORE_SQL_SECRET_GET] = "SELECT tenant_id, name, sealed, created_at FROM secrets "
				 "WHERE tenant_id = ?1 AND name = ?2",

	[STORE_SQL_OPERATOR_ADD] =
	    "INSERT INTO operators (tenant_id, name, role, created_at, removed_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5)",
	[STORE_SQL_OPERATOR_GET] = "SELECT " OPERATOR_COLUMNS " FROM operators WHERE id = ?1",
	[STORE_SQL_OPERATOR_GET_NAME] =
	    "SELECT " OPERATOR_COLUMNS " FROM operators WHERE name = ?1",
	[STORE_SQL_OPERATOR_SET_EMAIL] =
	    "UPDATE operators SET email_hash = ?2, email_sealed = ?3 WHERE id = ?1",
	[STORE_SQL_OPERATOR_ADMINS] = "SELECT count(*) FROM (SELECT 1 FROM operators "
				      "WHERE role = ?1 AND removed_at = 0 LIMIT ?2)",
	[STORE_SQL_OPERATOR_LIST] =
	    "SELECT " OPERATOR_COLUMNS ", email_hash, email_sealed FROM operators "
	    "WHERE id > ?1 AND removed_at = 0 AND (?2 = 0 OR tenant_id = ?2) ORDER BY id LIMIT ?3",
	[STORE_SQL_OPERATOR_LIST_EMAIL] = "SELECT " OPERATOR_COLUMNS ", email_hash, email_sealed "
					  "FROM operators INDEXED BY operators_by_email "
					  "WHERE email_hash = ?4 AND id > ?1 AND removed_at = 0 "
					  "AND (?2 = 0 OR tenant_id = ?2) ORDER BY id LIMIT ?3",
	[STORE_SQL_OPERATOR_REMOVE] = "UPDATE operators SET removed_at = ?2 "
				      "WHERE id = ?1 AND removed_at = 0",
	[STORE_SQL_OPERATOR_REVOKE] = "UPDATE certificates INDEXED BY certificates_of_operator "
				      "SET status = 1, revoked_at = ?2, revocation_reason = ?3 "
				      "WHERE operator_id = ?1 AND not_after >= ?2 AND status = 0",
	[STORE_SQL_OPERATOR_REMOVE_TOKENS] =
	    "UPDATE tokens SET removed_at = ?2 WHERE removed_at = 0 AND certificate_id IN "
	    "(SELECT id FROM certificates INDEXED BY certificates_of_operator "
	    "WHERE operator_id = ?1)",

	[STORE_SQL_CERTIFICATE_ADD] =
	    "INSERT INTO certificates (tenant_id, issuer_id, parent_id, lineage_id, issued_by, "
	    "operator_id, "
	    "serial, spki_sha256, request_sha256, profile, not_before, not_after, renew_after, "
	    "issued_at, status, revoked_at, revocation_reason, crl_shard, common_name, names, der, "
	    "identity_id) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
	    "?18, ?19, ?20, ?21, ?22)",
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

	[STORE_SQL_IDENTITY_ADD] =
	    "INSERT INTO identities (tenant_id, source_id, subject, created_at, disabled_at) "
	    "VALUES (?1, ?2, ?3, ?4, 0)",
	[STORE_SQL_IDENTITY_FIND] = "SELECT id, disabled_at FROM identities "
				    "WHERE tenant_id = ?1 AND source_id = ?2 AND subject = ?3",
	[STORE_SQL_IDENTITY_GET] =
	    "SELECT " IDENTITY_COLUMNS " FROM identities i JOIN sources s ON s.id = i.source_id "
	    "WHERE i.id = ?1 AND (?2 = 0 OR i.tenant_id = ?2)",
	[STORE_SQL_IDENTITY_DISABLE] = "UPDATE identities SET disabled_at = ?2 WHERE id = ?1",
	[STORE_SQL_IDENTITY_ALIVE] =
	    "SELECT count(*) FROM (SELECT 1 FROM certificates INDEXED BY certificates_of_identity "
	    "WHERE identity_id = ?1 AND status = 0 AND not_after >= ?2 LIMIT ?3)",
	/* ?1 tenant, ?2 the id before, ?5 how many may be looked at, ?6 subject. */
	[STORE_SQL_IDENTITY_LIST] =
	    "SELECT " IDENTITY_COLUMNS ", " IDENTITY_WANTED " FROM identities i "
	    "CROSS JOIN sources s ON s.id = i.source_id "
	    "WHERE ?1 = 0 AND i.id > ?2 ORDER BY i.id LIMIT ?5",
	[STORE_SQL_IDENTITY_LIST_TENANT] =
	    "SELECT " IDENTITY_COLUMNS ", " IDENTITY_WANTED
	    " FROM identities i INDEXED BY identities_of_tenant "
	    "CROSS JOIN sources s ON s.id = i.source_id "
	    "WHERE i.tenant_id = ?1 AND i.id > ?2 ORDER BY i.id LIMIT ?5",
	[STORE_SQL_IDENTITY_LIST_SUBJECT] =
	    "SELECT " IDENTITY_COLUMNS ", " IDENTITY_WANTED
	    " FROM tenants t CROSS JOIN sources s CROSS JOIN identities i "
	    "ON i.tenant_id = t.id AND i.source_id = s.id AND i.subject = ?6 "
	    "WHERE (?1 = 0 OR t.id = ?1) AND i.id > ?2 ORDER BY i.id LIMIT ?5",

	[STORE_SQL_ALIVE_GET] =
	    "SELECT certificates, swept, swept_id FROM alive WHERE tenant_id = ?1",
	/* All that have not ended are counted in an index alone, and the few revoked taken off. */
	[STORE_SQL_ALIVE_COUNT] =
	    "SELECT (SELECT count(*) FROM certificates INDEXED BY certificates_by_expiry "
	    "WHERE tenant_id = ?1 AND not_after >= ?2) - "
	    "(SELECT count(*) FROM certificates INDEXED BY certificates_revoked "
	    "WHERE tenant_id = ?1 AND status = 1 AND not_after >= ?2)",
	[STORE_SQL_ALIVE_SET] =
	    "INSERT OR REPLACE INTO alive (tenant_id, certificates, swept, swept_id) "
	    "VALUES (?1, ?2, ?3, ?4)",
	[STORE_SQL_ALIVE_REMOVE] = "DELETE FROM alive WHERE tenant_id = ?1",
	[STORE_SQL_ALIVE_ENDED] =
	    "SELECT not_after, id, status = 0 FROM certificates INDEXED BY certificates_by_expiry "
	    "WHERE tenant_id = ?1 AND (not_after, id) >= (?2, ?3) AND not_after < ?4 "
	    "ORDER BY not_after, id LIMIT ?5",
	[STORE_SQL_ALIVE_REVOKED] =
	    "UPDATE alive SET certificates = max(certificates - 1, 0) "
	    "WHERE tenant_id = (SELECT tenant_id FROM certificates WHERE id = ?1) "
	    "AND (swept, swept_id) <= (SELECT not_after, id FROM certificates WHERE id = ?1)",
	[STORE_SQL_ALIVE_TENANTS] =
	    "SELECT tenant_id FROM alive WHERE tenant_id > ?1 ORDER BY tenant_id LIMIT 1",
	[STORE_SQL_RATE_GET] = "SELECT began_at, used FROM rates WHERE tenant_id = ?1 AND key = ?2",
	/* ?4 a window that began before it is over; one from the future is another clock's. */
	[STORE_SQL_RATE_TAKE] =
	    "INSERT INTO rates (tenant_id, key, began_at, used) VALUES (?1, ?2, ?3, 1) "
	    "ON CONFLICT (tenant_id, key) DO UPDATE SET "
	    "used = iif(began_at > ?4 AND began_at <= ?3, used + 1, 1), "
	    "began_at = iif(began_at > ?4 AND began_at <= ?3, began_at, ?3)",
	[STORE_SQL_RATE_OVER] =
	    "SELECT tenant_id, key FROM rates INDEXED BY rates_by_age WHERE began_at <= ?1 "
	    "ORDER BY began_at LIMIT 1",
	[STORE_SQL_RATE_REMOVE] = "DELETE FROM rates WHERE tenant_id = ?1 AND key = ?2",

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

	[STORE_SQL_SOURCE_ADD] =
	    "INSERT INTO sources (name, issuer, kind, version, settings, created_at, removed_at) "
	    "VALUES (?1, ?2, ?3, 1, ?4, ?5, 0)",
	[STORE_SQL_SOURCE_BRING_BACK] =
	    "UPDATE sources SET settings = ?2, version = version + 1, removed_at = 0 "
	    "WHERE id = ?1",
	[STORE_SQL_SOURCE_GET_NAME] = "SELECT " SOURCE_COLUMNS " FROM sources WHERE name = ?1",
	[STORE_SQL_SOURCE_GET_ISSUER] = "SELECT " SOURCE_COLUMNS " FROM sources WHERE issuer = ?1",
	[STORE_SQL_SOURCE_NEXT] = "SELECT " SOURCE_COLUMNS " FROM sources "
				  "WHERE id > ?1 ORDER BY id LIMIT 1",
	[STORE_SQL_SOURCE_SET] = "UPDATE sources SET settings = ?2, version = version + 1 "
				 "WHERE id = ?1",
	[STORE_SQL_SOURCE_REMOVE] = "UPDATE sources SET removed_at = ?2, version = version + 1 "
				    "WHERE id = ?1 AND removed_at = 0",

	[STORE_SQL_TOKEN_ADD] =
	    "INSERT INTO tokens (id, tenant_id, operator_id, certificate_id, profile, names, "
	    "uses_max, uses, created_at, expires_at, removed_at, spki_sha256, common_name) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[STORE_SQL_TOKEN_GET] = "SELECT " TOKEN_COLUMNS " FROM tokens "
				"WHERE id = ?1 AND (?2 = 0 OR tenant_id = ?2)",
	[STORE_SQL_TOKEN_CHECK] =
	    "SELECT t.seq, t.removed_at, t.expires_at, t.uses_max - t.uses, u.token_seq, "
	    "u.certificate_id, t.spki_sha256 IS NULL OR t.spki_sha256 = ?2 "
	    "FROM tokens t LEFT JOIN token_uses u "
	    "ON u.token_seq = t.seq AND u.spki_sha256 = ?2 WHERE t.id = ?1",
	[STORE_SQL_TOKEN_TAKE] = "UPDATE tokens SET uses = uses + 1 "
				 "WHERE seq = ?1 AND uses < uses_max",
	[STORE_SQL_TOKEN_TAKE_KEY] = "INSERT INTO token_uses (token_seq, spki_sha256) "
				     "VALUES (?1, ?2)",
	[STORE_SQL_TOKEN_USED] =
	    "UPDATE token_uses SET certificate_id = ?3 "
	    "WHERE token_seq = (SELECT seq FROM tokens WHERE id = ?1) AND spki_sha256 = ?2",
	[STORE_SQL_TOKEN_SEQ] =
	    "SELECT seq FROM tokens WHERE id = ?1 AND (?2 = 0 OR tenant_id = ?2)",
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
