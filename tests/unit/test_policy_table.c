/* Decisions within a tenant: profile, what is asked, what may be had, constraints and ceiling. What
 * holds without a tenant stands in test_policy.c, what rules do in test_rule.c. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/tenant_policy.h"
#include "tests/unit/support.h"

#define NOW ((int64_t)1800000000)
#define CN64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_aa" /* 64 */

/* Empty fields stand for the usual: the profile "service", rsa:2048, no ceiling, a tenant without
 * constraints. */
struct row {
	/* the profile: a ready-made one, with what stands here instead of its own */
	const char *profile, *names, *cns;
	unsigned p_eku, p_ku, p_keys;
	int renewal;
	/* the request */
	enum ca_key_type key;
	const char *cn, *asks;
	unsigned ku, eku;
	int64_t ttl;
	/* what may be had */
	const char *granted, *patterns, *reserved;
	const char
	    *globs; /* for a CN that is no name, one a line; NULL: the profile alone says it */
	bool no_wildcards;
	/* the tenant */
	const char *suffixes, *ranges, *domain;
	int64_t ceiling;  /* longest lifetime; 0: no ceiling */
	unsigned allowed; /* with a ceiling */
	/* what comes of it */
	int expected;
	const char *gets; /* NULL: not looked at */
	const char *cn_out;
	int64_t lasts; /* 0: not looked at */
	int64_t renews;
};

#define SPIFFE_ID "uri:spiffe://example.org/ns/a/sa/b"
#define DOMAIN "example.org"

/* clang-format off */
static const struct row rows[] = {
	/* ---- a rule's patterns ---- */
	{ .asks = "dns:a.web.internal", .patterns = "dns:*.web.internal", .gets = "dns:a.web.internal" },
	{ .asks = "dns:A.Web.Internal.", .patterns = "dns:*.web.internal", .gets = "dns:a.web.internal" },
	{ .asks = "dns:evilweb.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:evilweb.internal", .patterns = "dns:**.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:evilweb.internal", .patterns = "dns:web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:web.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.web.internal.evil", .patterns = "dns:**.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.b.web.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.b.web.internal", .patterns = "dns:**.web.internal", .gets = "dns:a.b.web.internal" },
	{ .asks = "dns:a.web.internal\ndns:b.db.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.web.internal\ndns:b.db.internal", .patterns = "dns:*.web.internal\ndns:*.db.internal" },
	{ .asks = "dns:api-1.internal", .patterns = "dns:api-*.internal", .gets = "dns:api-1.internal" },
	{ .asks = "dns:api-1.db.internal", .patterns = "dns:api-*.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "ip:10.1.2.3", .patterns = "ip:10.0.0.0/8", .gets = "ip:10.1.2.3" },
	{ .asks = "ip:::ffff:10.1.2.3", .patterns = "ip:10.0.0.0/8", .gets = "ip:10.1.2.3" },
	{ .asks = "ip:::ffff:11.1.2.3", .patterns = "ip:10.0.0.0/8", .expected = CA_ENAMEREFUSED },
	{ .asks = "ip:::ffff:10.1.2.3", .patterns = "ip:::/0", .expected = CA_ENAMEREFUSED },
	{ .asks = "ip:10.1.2.3", .patterns = "dns:**", .expected = CA_ENAMEREFUSED },
	{ .asks = "uri:https://a.web.internal/", .patterns = "dns:**", .expected = CA_ENAMEREFUSED },
	{ .asks = "uri:https://web.internal/a/../b", .patterns = "uri:https://web.internal/a/**", .expected = CA_ENAMEREFUSED },
	{ .asks = "uri:https://web.internal/a/%2e%2e/b", .patterns = "uri:https://web.internal/a/**", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.internal", .patterns = "", .expected = CA_ENAMEREFUSED },
	/* nothing asked for: the patterns that are names */
	{ .patterns = "dns:a.internal\ndns:*.internal\nip:10.0.0.1\nip:10.0.0.0/8", .gets = "dns:a.internal\nip:10.0.0.1" },
	{ .patterns = "dns:*.internal", .expected = CA_ENONAMES },
	{ .patterns = "", .expected = CA_ENONAMES },
	{ .patterns = "dns:a.internal\ndns:ca.internal", .reserved = "dns:ca.internal", .expected = CA_ENAMERESERVED },
	{ .patterns = "dns:a.internal\nip:10.0.0.1", .suffixes = "dns:internal", .expected = CA_ENAMEREFUSED },
	/* given both, both hold */
	{ .asks = "dns:a.internal", .granted = "dns:a.internal", .patterns = "dns:*.internal" },
	{ .asks = "dns:b.internal", .granted = "dns:a.internal", .patterns = "dns:*.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.internal", .granted = "dns:a.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	/* ---- wildcards ---- */
	{ .asks = "dns:*.web.internal", .patterns = "dns:*.web.internal", .gets = "dns:*.web.internal" },
	{ .asks = "dns:*.web.internal", .patterns = "dns:**.web.internal" },
	{ .asks = "dns:*.web.internal", .patterns = "dns:*.web.internal", .no_wildcards = true, .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.web.internal", .patterns = "dns:a*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.web.internal", .patterns = "dns:a.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.internal", .patterns = "dns:**.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.a.web.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.web.internal", .patterns = "dns:**" },
	{ .profile = "server", .asks = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "client", .asks = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-server", .asks = "dns:*.web.internal", .granted = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "message-bus", .cn = "*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "*", .expected = CA_ESUBJECT },
	{ .profile = "server", .granted = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .cn = "*.web.internal", .no_wildcards = true, .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.web.internal", .ceiling = CA_YEAR, .allowed = CA_ALLOW_ALL },
	{ .asks = "dns:*.web.internal", .ceiling = CA_YEAR, .allowed = CA_ALLOW_ALL & ~CA_ALLOW_WILDCARDS, .expected = CA_ENAMEREFUSED },
	{ .cn = "*.web.internal", .ceiling = CA_YEAR, .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.internal", .patterns = "dns:*.internal", .reserved = "dns:ca.internal", .expected = CA_ENAMERESERVED },
	{ .asks = "dns:*.internal", .patterns = "dns:**", .reserved = "dns:CA.internal", .expected = CA_ENAMERESERVED },
	{ .asks = "dns:*.a.internal", .patterns = "dns:**", .reserved = "dns:ca.internal" },
	{ .asks = "dns:ca.internal", .patterns = "dns:**", .reserved = "dns:*.internal", .expected = CA_ENAMERESERVED },
	{ .cn = "CA.Internal.", .patterns = "dns:**", .reserved = "dns:ca.internal", .expected = CA_ENAMERESERVED },
	/* ---- a profile's names ---- */
	{ .names = "dns:*.web.internal", .asks = "dns:a.web.internal" },
	{ .names = "dns:*.web.internal", .asks = "dns:a.db.internal", .expected = CA_ENAMEREFUSED },
	{ .names = "dns:*.web.internal", .asks = "ip:10.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .names = "dns:*.web.internal", .asks = "uri:https://a.web.internal/", .expected = CA_ENAMEREFUSED },
	{ .names = "dns:*.web.internal", .cn = "a.db.internal", .asks = "dns:a.web.internal", .expected = CA_ENAMEREFUSED },
	{ .names = "dns:*.web.internal", .asks = "dns:a.db.internal", .granted = "dns:a.db.internal", .expected = CA_ENAMEREFUSED },
	{ .names = "dns:*.web.internal", .asks = "dns:a.db.internal", .patterns = "dns:**", .expected = CA_ENAMEREFUSED },
	{ .names = "dns:*.web.internal", .granted = "dns:a.web.internal\ndns:a.db.internal", .expected = CA_ENAMEREFUSED },
	{ .names = "ip:10.0.0.0/8", .asks = "ip:10.0.0.1" },
	{ .names = "ip:10.0.0.0/8", .asks = "ip:11.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .names = "ip:10.0.0.0/8", .asks = "ip:::ffff:11.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .names = "uri:https://web.internal/*", .asks = "uri:https://web.internal/a" },
	{ .names = "uri:https://web.internal/*", .asks = "uri:https://web.internal.evil/a", .expected = CA_ENAMEREFUSED },
	{ .names = "", .asks = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	/* e-mail: by explicit grant only, of profile and ceiling */
	{ .asks = "email:a@example.org", .expected = CA_ENAMEREFUSED },
	{ .asks = "email:a@example.org", .granted = "email:a@example.org", .expected = CA_ENAMEREFUSED },
	{ .asks = "email:a@example.org", .patterns = "email:*@example.org", .expected = CA_ENAMEREFUSED },
	{ .names = "email:*@example.org", .asks = "email:a@example.org", .gets = "email:a@example.org" },
	{ .names = "email:*@example.org", .asks = "email:A@Example.ORG", .gets = "email:A@example.org" },
	{ .names = "email:*@example.org", .asks = "email:a@example.org.evil", .expected = CA_ENAMEREFUSED },
	{ .names = "email:*@example.org", .asks = "email:a@evil.example.org", .expected = CA_ENAMEREFUSED },
	{ .names = "email:*@example.org", .asks = "email:*@example.org", .expected = CA_ENAMEREFUSED },
	{ .names = "email:*@example.org", .asks = "email:a@example.org", .patterns = "dns:**", .expected = CA_ENAMEREFUSED },
	{ .names = "email:*@example.org", .asks = "email:a@example.org", .patterns = "email:a@example.org" },
	{ .names = "email:*@example.org", .asks = "email:a@example.org", .ceiling = CA_YEAR, .allowed = CA_ALLOW_EMAIL },
	{ .names = "email:*@example.org", .asks = "email:a@example.org", .ceiling = CA_YEAR, .allowed = CA_ALLOW_ALL & ~CA_ALLOW_EMAIL, .expected = CA_ENAMEREFUSED },
	{ .names = "email:*@example.org", .cn = "a@example.org", .asks = "email:a@example.org", .expected = CA_ESUBJECT },
	/* ---- the tenant's constraints, every form ---- */
	{ .suffixes = "dns:web.internal", .asks = "dns:a.web.internal" },
	{ .suffixes = "dns:web.internal", .asks = "dns:web.internal" },
	{ .suffixes = "dns:web.internal", .asks = "dns:*.web.internal" },
	{ .suffixes = "dns:web.internal", .asks = "dns:*.internal", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .asks = "dns:evilweb.internal", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .asks = "dns:a.db.internal", .granted = "dns:a.db.internal", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .asks = "dns:a.db.internal", .patterns = "dns:**", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .cn = "a.db.internal", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .cn = "a.db.internal", .asks = "dns:a.web.internal", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .cn = "localhost", .asks = "dns:a.web.internal", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .asks = "dns:a.web.internal\nip:10.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .cn = "10.0.0.1", .asks = "ip:10.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .asks = "uri:https://a.db.internal/", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .asks = "uri:https://a.web.internal/" },
	{ .suffixes = "dns:web.internal", .asks = "uri:https://a.web.internal@evil/", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .ranges = "ip:10.1.0.0/16", .asks = "dns:web.internal\nip:10.1.0.1" },
	{ .suffixes = "dns:web.internal", .ranges = "ip:10.1.0.0/16", .asks = "ip:10.2.0.1", .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:web.internal", .ranges = "ip:10.1.0.0/16", .asks = "ip:fd00::1", .expected = CA_ENAMEREFUSED },
	/* ---- SPIFFE IDs ---- */
	{ .domain = DOMAIN, .asks = SPIFFE_ID, .gets = SPIFFE_ID },
	{ .domain = DOMAIN, .asks = SPIFFE_ID "\ndns:a.internal" },
	{ .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .suffixes = "dns:example.org", .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:SPIFFE://Example.ORG/ns/a/sa/b", .gets = SPIFFE_ID },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org.evil/a", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://evilexample.org/a", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://a.example.org/a", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org:443/a", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://x@example.org/a", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org@evil/a", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/a%2fb", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/a/", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/a/../b", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/a?b", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/a#b", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:spiffe://example.org/*", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = SPIFFE_ID "\nuri:spiffe://example.org/other", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = SPIFFE_ID "\nuri:https://example.org/", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .asks = "uri:https://example.org/a\nuri:https://example.org/b" },
	{ .domain = DOMAIN, .granted = SPIFFE_ID "\nuri:spiffe://example.org/other", .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .patterns = SPIFFE_ID "\ndns:a.internal", .gets = SPIFFE_ID "\ndns:a.internal" },
	{ .domain = DOMAIN, .patterns = "uri:spiffe://example.org/ns/a/**", .asks = SPIFFE_ID },
	{ .domain = DOMAIN, .patterns = "uri:spiffe://example.org/ns/*", .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .domain = DOMAIN, .patterns = "uri:spiffe://other.org/**", .asks = "uri:spiffe://other.org/a", .expected = CA_ENAMEREFUSED },
	/* usages that suit it */
	{ .profile = "server", .domain = DOMAIN, .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .profile = "client", .domain = DOMAIN, .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .p_eku = CA_EKU_CODE_SIGNING, .domain = DOMAIN, .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .p_ku = GNUTLS_KEY_KEY_ENCIPHERMENT, .domain = DOMAIN, .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	/* the profile that requires one */
	{ .profile = "spiffe", .domain = DOMAIN, .asks = SPIFFE_ID, .gets = SPIFFE_ID, .lasts = CA_DAY },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = SPIFFE_ID "\ndns:a.internal" },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = "dns:a.internal", .expected = CA_ENONAMES },
	{ .profile = "spiffe", .domain = DOMAIN, .granted = SPIFFE_ID, .gets = SPIFFE_ID },
	{ .profile = "spiffe", .domain = DOMAIN, .patterns = SPIFFE_ID, .gets = SPIFFE_ID },
	{ .profile = "spiffe", .domain = DOMAIN, .cn = "a.internal", .asks = SPIFFE_ID, .expected = CA_ESUBJECT },
	{ .profile = "spiffe", .domain = DOMAIN, .cn = "a", .asks = SPIFFE_ID, .expected = CA_ESUBJECT },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = SPIFFE_ID "\nip:10.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = SPIFFE_ID "\nuri:https://example.org/", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .names = "ip:0.0.0.0/0", .domain = DOMAIN, .ranges = "ip:0.0.0.0/0", .asks = SPIFFE_ID "\nip:10.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .names = "email:*@example.org", .domain = DOMAIN, .asks = SPIFFE_ID "\nemail:a@example.org", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .names = "uri:https://example.org/*", .domain = DOMAIN, .asks = "uri:https://example.org/a", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = "uri:https://example.org/", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = SPIFFE_ID "\nuri:spiffe://example.org/b", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .domain = DOMAIN, .asks = SPIFFE_ID "\ndns:*.a.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .asks = SPIFFE_ID, .expected = CA_ENAMEREFUSED },
	{ .profile = "spiffe", .domain = DOMAIN, .expected = CA_ENONAMES },
	/* ---- a CN that is no name ---- */
	{ .profile = "database-client", .cn = "app_rw", .gets = "", .cn_out = "app_rw" },
	{ .profile = "database-client", .cn = "App", .gets = "", .cn_out = "App" },
	{ .profile = "database-client", .cn = "App", .asks = "dns:a.internal", .gets = "dns:a.internal", .cn_out = "App" },
	{ .profile = "database-client", .cn = "app_rw", .granted = "dns:a.internal", .gets = "", .cn_out = "app_rw" },
	{ .profile = "database-client", .cn = "Ada Lovelace", .gets = "", .cn_out = "Ada Lovelace" },
	{ .profile = "database-client", .cn = CN64, .cn_out = CN64, .gets = "" },
	{ .profile = "database-client", .cn = "a" CN64, .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app_rw", .suffixes = "dns:web.internal", .gets = "", .cn_out = "app_rw" },
	{ .profile = "database-client", .cn = "db.internal", .gets = "dns:db.internal", .cn_out = "db.internal" },
	{ .profile = "database-client", .cn = "db.internal", .suffixes = "dns:web.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "db.internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "db.internal.", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "DB.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "db_1.internal", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app.", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "*.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "10.0.0.1", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "10.0.1", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "167772161", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "::1", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "fe80::1%eth0", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "[::1]", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "10.0.0.1:80", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "10.0.0.0/8", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "ada@example.org", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "spiffe://example.org/a", .domain = DOMAIN, .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "a/CN=admin", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "a,CN=admin", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "a+b", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app\n", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app\x7f", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = " app", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app ", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "\xc3\xa4pp", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "ca", .reserved = "dns:ca", .expected = CA_ENAMERESERVED },
	{ .profile = "database-client", .cn = "CA", .reserved = "dns:ca", .expected = CA_ENAMERESERVED },
	{ .profile = "database-client", .expected = CA_ENONAMES },
	{ .profile = "database-client", .cn = "app_rw", .ceiling = CA_YEAR, .allowed = CA_ALLOW_COMMON_NAME, .cn_out = "app_rw", .gets = "" },
	{ .profile = "database-client", .cn = "app_rw", .ceiling = CA_YEAR, .allowed = CA_ALLOW_ALL & ~CA_ALLOW_COMMON_NAME, .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app", .ceiling = CA_YEAR, .expected = CA_ESUBJECT },
	/* where a server's name could be read from it, one label is a host */
	{ .profile = "message-bus", .cn = "orders", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .profile = "message-bus", .cn = "orders", .gets = "dns:orders", .cn_out = "orders" },
	{ .profile = "message-bus", .cn = "orders_1", .granted = "dns:a.internal", .gets = "", .cn_out = "orders_1" },
	{ .profile = "database-client", .p_eku = CA_EKU_CLIENT_AUTH | CA_EKU_CODE_SIGNING, .cn = "app", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	/* globs, and who comes from outside */
	{ .profile = "database-client", .cns = "app_*", .cn = "app_rw", .cn_out = "app_rw", .gets = "" },
	{ .profile = "database-client", .cns = "app_*", .cn = "xapp_rw", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cns = "app_*", .cn = "App_rw", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cns = "app*", .cn = "app", .cn_out = "app", .gets = "" },
	{ .profile = "database-client", .cns = "app*", .cn = "app.internal", .granted = "", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cns = "app*", .cn = "app_a.internal", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cns = "app*", .cn = "postgres", .granted = "", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cns = "app_*", .cn = "app_rw", .patterns = "dns:a.internal", .globs = "*", .cn_out = "app_rw", .gets = "" },
	{ .profile = "database-client", .cn = "app_rw", .patterns = "dns:a.internal", .globs = "app_*", .cn_out = "app_rw", .gets = "" },
	{ .profile = "database-client", .cn = "app_rw", .patterns = "dns:a.internal", .globs = "app_ro\napp_rw", .cn_out = "app_rw", .gets = "" },
	{ .profile = "database-client", .cn = "app_rw", .patterns = "dns:a.internal", .globs = "", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app_rw", .patterns = "dns:a.internal", .globs = "app_ro", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cns = "db_*", .cn = "app_rw", .patterns = "dns:a.internal", .globs = "app_*", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "postgres", .patterns = "dns:a.internal", .globs = "app_*", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "postgres", .granted = "", .globs = "postgres", .cn_out = "postgres", .gets = "" },
	{ .profile = "database-client", .cn = "db.internal", .patterns = "dns:a.internal", .globs = "*", .expected = CA_ENAMEREFUSED },
	{ .profile = "database-client", .cn = "10.0.0.1", .patterns = "dns:a.internal", .globs = "*", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "ada@example.org", .patterns = "dns:a.internal", .globs = "*", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "app_rw", .globs = "*", .ceiling = CA_YEAR, .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cn = "ca", .globs = "*", .reserved = "dns:ca", .expected = CA_ENAMERESERVED },
	{ .profile = "message-bus", .cn = "orders", .granted = "dns:a.internal", .globs = "orders", .expected = CA_ENAMEREFUSED },
	{ .profile = "client", .cn = "app_rw", .granted = "dns:a.internal", .globs = "app_rw", .expected = CA_ESUBJECT },
	{ .profile = "spiffe", .domain = DOMAIN, .cn = "app_rw", .asks = SPIFFE_ID, .globs = "app_rw", .expected = CA_ESUBJECT },
	{ .profile = "database-client", .cns = "app_*", .cn = "app_rw", .asks = "dns:b.internal", .patterns = "dns:a.internal", .globs = "app_*", .expected = CA_ENAMEREFUSED },
	{ .cn = "app_rw", .expected = CA_ESUBJECT },
	{ .profile = "client", .cn = "app_rw", .expected = CA_ESUBJECT },
	{ .profile = "client", .cn = "app", .gets = "dns:app", .cn_out = "app" },
	/* the CN as a name */
	{ .cn = "a.web.internal", .patterns = "dns:*.web.internal", .gets = "dns:a.web.internal", .cn_out = "a.web.internal" },
	{ .cn = "a.db.internal", .asks = "dns:a.web.internal", .patterns = "dns:*.web.internal", .expected = CA_ENAMEREFUSED },
	{ .cn = "::ffff:10.0.0.1", .asks = "ip:10.0.0.1", .patterns = "ip:10.0.0.0/8", .cn_out = "10.0.0.1", .gets = "ip:10.0.0.1" },
	{ .cn = "10.0.0.2", .asks = "ip:10.0.0.1", .patterns = "ip:10.0.0.0/8", .expected = CA_ESUBJECT },
	{ .cn = "10.0.0.1", .patterns = "ip:10.0.0.0/8", .expected = CA_ESUBJECT },
	/* ---- keys and usages ---- */
	{ .p_keys = 1u << CA_KEY_EC_P256, .asks = "dns:a.internal", .expected = CA_EKEYTYPE },
	{ .p_keys = 1u << CA_KEY_EC_P256, .key = CA_KEY_EC_P256, .asks = "dns:a.internal" },
	{ .p_keys = 1u << CA_KEY_RSA_2048, .key = CA_KEY_RSA_OTHER, .asks = "dns:a.internal", .expected = CA_EKEYTYPE },
	{ .p_ku = GNUTLS_KEY_KEY_ENCIPHERMENT, .key = CA_KEY_EC_P256, .asks = "dns:a.internal", .expected = CA_EKEYTYPE },
	{ .p_ku = GNUTLS_KEY_KEY_ENCIPHERMENT, .asks = "dns:a.internal", .ku = GNUTLS_KEY_DIGITAL_SIGNATURE, .expected = CA_ECSREXTENSION },
	{ .p_ku = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_AGREEMENT, .key = CA_KEY_EC_P256, .asks = "dns:a.internal", .ku = GNUTLS_KEY_KEY_AGREEMENT },
	{ .p_ku = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_AGREEMENT, .key = CA_KEY_ED25519, .asks = "dns:a.internal", .ku = GNUTLS_KEY_KEY_AGREEMENT, .expected = CA_ECSREXTENSION },
	{ .p_ku = GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN, .asks = "dns:a.internal", .expected = CA_EKEYTYPE },
	{ .p_ku = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN, .asks = "dns:a.internal", .ku = GNUTLS_KEY_KEY_CERT_SIGN, .expected = CA_ECSREXTENSION },
	{ .profile = "server", .asks = "dns:a.internal", .eku = CA_EKU_CLIENT_AUTH, .expected = CA_ECSREXTENSION },
	{ .profile = "client", .asks = "dns:a.internal", .eku = CA_EKU_SERVER_AUTH, .expected = CA_ECSREXTENSION },
	{ .asks = "dns:a.internal", .eku = CA_EKU_CODE_SIGNING, .expected = CA_ECSREXTENSION },
	{ .asks = "dns:a.internal", .eku = CA_EKU_EMAIL_PROTECTION, .expected = CA_ECSREXTENSION },
	{ .p_eku = CA_EKU_CODE_SIGNING, .asks = "dns:a.internal", .eku = CA_EKU_CODE_SIGNING },
	{ .p_eku = CA_EKU_CODE_SIGNING, .asks = "dns:a.internal", .eku = CA_EKU_SERVER_AUTH, .expected = CA_ECSREXTENSION },
	/* ---- lifetimes ---- */
	{ .asks = "dns:a.internal", .lasts = 7 * CA_DAY, .renews = 7 * CA_DAY / 2 },
	{ .asks = "dns:a.internal", .ceiling = CA_DAY, .lasts = CA_DAY, .renews = CA_DAY / 2 },
	{ .asks = "dns:a.internal", .ceiling = 7 * CA_DAY, .lasts = 7 * CA_DAY },
	{ .asks = "dns:a.internal", .ceiling = 30 * CA_DAY, .lasts = 7 * CA_DAY },
	{ .asks = "dns:a.internal", .ceiling = CA_DAY, .ttl = CA_DAY, .lasts = CA_DAY },
	{ .asks = "dns:a.internal", .ceiling = CA_DAY, .ttl = CA_DAY + 1, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ceiling = CA_DAY, .ttl = 91 * CA_DAY, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ceiling = CA_YEAR, .ttl = 91 * CA_DAY, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ceiling = CA_MINUTE, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = INT64_MAX, .ceiling = CA_DAY, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = INT64_MIN, .ceiling = CA_DAY, .expected = CA_ETTL },
	{ .profile = "database-server", .asks = "dns:a.internal", .lasts = 30 * CA_DAY, .renews = 20 * CA_DAY },
	{ .asks = "dns:a.internal", .renewal = 80, .ttl = 10 * CA_DAY, .renews = 8 * CA_DAY },
	{ .asks = "dns:a.internal", .renewal = 1, .ttl = 1000, .renews = 10 },
	{ .asks = "dns:a.internal", .renewal = 99, .ttl = 90 * CA_DAY, .renews = 90 * CA_DAY / 100 * 99 },
	{ .profile = "operator", .cn = "ada", .cn_out = "ada", .gets = "", .lasts = 30 * CA_DAY, .renews = 20 * CA_DAY },
	{ .profile = "operator", .cn = "ada", .ttl = 30 * CA_DAY + 1, .expected = CA_ETTL },
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(*rows))

/* What a row needs in memory. */
struct table {
	struct ca_profile profile;
	struct ca_csr csr;
	struct ca_names granted, reserved;
	struct ca_patterns patterns, globs;
	struct ca_constraints constraints;
	struct ca_ceiling ceiling;
	struct ca_policy_request request;
};

static void parse_names(const char *lines, struct ca_names *out)
{
	if (lines)
		assert_int_equal(ca_names_parse(lines, out), 0);
}

static void set_common_names(struct ca_profile *profile, const char *globs)
{
	ca_patterns_free(&profile->common_names);
	support_globs(globs, false, &profile->common_names);
}

static void lay_profile(const struct row *row, struct ca_profile *profile)
{
	const char *name = row->profile ? row->profile : "service";

	assert_int_equal(ca_profile_copy(ca_profile_builtin(name), profile), 0);
	profile->renewal_point = row->renewal;
	if (row->p_eku)
		profile->eku = row->p_eku;
	if (row->p_ku)
		profile->key_usage = row->p_ku;
	if (row->p_keys)
		profile->key_types = row->p_keys;
	if (row->cns)
		set_common_names(profile, row->cns);
	if (row->names) {
		profile->any_name = false;
		support_patterns(row->names, false, &profile->names);
	}
}

static void lay(const struct row *row, struct table *t)
{
	*t = (struct table){ 0 };
	lay_profile(row, &t->profile);
	t->csr.key_type = row->key ? row->key : CA_KEY_RSA_2048;
	t->csr.common_name = row->cn ? strdup(row->cn) : NULL;
	t->csr.key_usage = row->ku;
	t->csr.eku = row->eku;
	parse_names(row->asks, &t->csr.names);
	parse_names(row->granted, &t->granted);
	parse_names(row->reserved, &t->reserved);
	parse_names(row->suffixes, &t->constraints.dns);
	support_patterns(row->patterns, false, &t->patterns);
	support_globs(row->globs, false, &t->globs);
	support_patterns(row->ranges, false, &t->constraints.ip);
	if (row->domain)
		memcpy(t->constraints.trust_domain, row->domain, strlen(row->domain) + 1);
	t->ceiling = (struct ca_ceiling){ row->ceiling, row->allowed };
	t->request = (struct ca_policy_request){
		.profile = &t->profile,
		.csr = &t->csr,
		.constraints = &t->constraints,
		.ceiling = row->ceiling ? &t->ceiling : NULL,
		.granted = row->granted ? &t->granted : NULL,
		.patterns = row->patterns ? &t->patterns : NULL,
		.common_names = row->globs ? &t->globs : NULL,
		.no_wildcards = row->no_wildcards,
		.reserved = row->reserved ? &t->reserved : NULL,
		.ttl = row->ttl,
		.now = NOW,
		.issuer_not_before = NOW - CA_YEAR,
		.issuer_not_after = NOW + CA_YEAR,
	};
}

static void clear(struct table *t)
{
	ca_profile_clear(&t->profile);
	free(t->csr.common_name);
	ca_names_free(&t->csr.names);
	ca_names_free(&t->granted);
	ca_names_free(&t->reserved);
	ca_patterns_free(&t->patterns);
	ca_patterns_free(&t->globs);
	ca_constraints_clear(&t->constraints);
}

static void check_grant(size_t i, const struct row *row, const struct ca_grant *grant)
{
	struct ca_buf names = CA_BUF_INIT;

	ca_names_format(&grant->names, &names);
	if (row->gets && strcmp(ca_buf_text(&names), row->gets) != 0)
		fail_msg("row %zu: gets %s, not %s", i, ca_buf_text(&names), row->gets);
	if (row->gets && row->cn_out &&
	    (!grant->common_name || strcmp(row->cn_out, grant->common_name) != 0))
		fail_msg(
		    "row %zu: the CN is %s", i, grant->common_name ? grant->common_name : "absent");
	if (!row->cn && grant->common_name)
		fail_msg("row %zu: a CN from nowhere: %s", i, grant->common_name);
	if (row->lasts && grant->not_after != NOW + row->lasts)
		fail_msg("row %zu: lasts %lld s", i, (long long)(grant->not_after - NOW));
	if (row->renews && grant->renew_after != NOW + row->renews)
		fail_msg("row %zu: renews after %lld s", i, (long long)(grant->renew_after - NOW));
	assert_true(grant->renew_after > NOW && grant->renew_after < grant->not_after);
	ca_buf_free(&names);
}

static void test_table(void **state)
{
	(void)state;
	assert_true(ROWS >= 150);
	for (size_t i = 0; i < ROWS; i++) {
		struct ca_grant grant = { .eku = 99 };
		struct ca_detail why = { "" };
		struct table t;
		int r;

		lay(&rows[i], &t);
		r = ca_policy_evaluate(&t.request, &grant, &why);
		if (r != rows[i].expected)
			fail_msg("row %zu (%s: cn %s, asks %s): %s, not %s: %s", i, t.profile.name,
			    rows[i].cn ? rows[i].cn : "-", rows[i].asks ? rows[i].asks : "-",
			    ca_error_code(r), ca_error_code(rows[i].expected), why.text);
		if (r) {
			assert_int_equal(grant.eku, 99); /* untouched */
			assert_string_not_equal(why.text, "");
			assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), r);
		} else {
			check_grant(i, &rows[i], &grant);
			ca_grant_clear(&grant);
		}
		clear(&t);
	}
}

/* ---- what a table has no columns for ---- */

static void test_subject(void **state)
{
	struct row row = { .asks = "dns:a.internal" };
	struct ca_grant grant;
	struct table t;

	(void)state;
	lay(&row, &t);
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	assert_null(grant.organization);
	assert_null(grant.organizational_unit);
	ca_grant_clear(&grant);
	t.profile.subject.organization = strdup("Example");
	t.profile.subject.organizational_unit = strdup("Payments");
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	assert_string_equal(grant.organization, "Example");
	assert_string_equal(grant.organizational_unit, "Payments");
	ca_grant_clear(&grant);
	assert_null(grant.organization);
	clear(&t);
}

/* A refusal names what is in the way. */
static void test_reasons(void **state)
{
	static const struct {
		struct row row;
		const char *words;
	} reasons[] = {
		{ { .asks = "dns:a.internal", .ceiling = CA_DAY, .ttl = 2 * CA_DAY }, "ceiling" },
		{ { .asks = "dns:a.internal", .ttl = 91 * CA_DAY }, "profile service" },
		{ { .asks = "dns:*.internal", .ceiling = CA_DAY }, "ceiling" },
		{ { .asks = "dns:*.internal", .no_wildcards = true }, "rule" },
		{ { .profile = "server", .asks = "dns:*.internal" }, "profile" },
		{ { .asks = "dns:b.internal", .patterns = "dns:a.internal" }, "dns:b.internal" },
		{ { .asks = "dns:b.internal", .suffixes = "dns:web.internal" }, "tenant" },
		{ { .profile = "database-client", .cn = "app_1", .ceiling = CA_DAY }, "ceiling" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct ca_detail why = { "" };
		struct ca_grant grant;
		struct table t;

		lay(&reasons[i].row, &t);
		assert_true(ca_policy_evaluate(&t.request, &grant, &why) < 0);
		if (!strstr(why.text, reasons[i].words))
			fail_msg("%s: %s", reasons[i].words, why.text);
		clear(&t);
	}
}

/* Without a tenant (an operator's own certificate, a server's) there is no trust domain either. */
static void test_without_a_tenant(void **state)
{
	struct row row = { .asks = "uri:spiffe://anything/a\nuri:https://anything/" };
	struct ca_grant grant;
	struct table t;

	(void)state;
	lay(&row, &t);
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_ENAMEREFUSED);
	t.request.constraints = NULL;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	ca_grant_clear(&grant);
	clear(&t);
	row = (struct row){ .profile = "spiffe", .asks = "uri:spiffe://anything/a/" };
	lay(&row, &t);
	t.request.constraints = NULL;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_ENAMEREFUSED);
	clear(&t);
}

static void test_ceiling(void **state)
{
	const struct ca_ceiling ceiling = { 30 * CA_DAY, 0 }, all = { 30 * CA_DAY, CA_ALLOW_ALL };
	struct ca_detail why = { "" };
	struct ca_profile profile;

	(void)state;
	assert_int_equal(ca_profile_init(&profile, "web"), 0);
	assert_int_equal(ca_ceiling_check(&all, &profile, &why), CA_ECEILING); /* 90 days */
	assert_non_null(strstr(why.text, "web"));
	profile.max_lifetime = 30 * CA_DAY;
	assert_int_equal(ca_ceiling_check(&all, &profile, &why), 0);
	assert_int_equal(ca_ceiling_check(&ceiling, &profile, &why), CA_ECEILING); /* wildcards */
	profile.wildcards = false;
	assert_int_equal(ca_ceiling_check(&ceiling, &profile, &why), 0);
	set_common_names(&profile, "app_*");
	assert_int_equal(ca_ceiling_check(&all, &profile, &why), 0);
	assert_int_equal(ca_ceiling_check(&ceiling, &profile, &why), CA_ECEILING);
	ca_patterns_free(&profile.common_names);
	support_patterns("dns:a.internal\nemail:*@example.org", false, &profile.names);
	assert_int_equal(ca_ceiling_check(&all, &profile, &why), 0);
	assert_int_equal(ca_ceiling_check(&ceiling, &profile, NULL), CA_ECEILING);
	ca_patterns_free(&profile.names);
	profile.default_lifetime = 31 * CA_DAY;
	assert_int_equal(ca_ceiling_check(&all, &profile, &why), CA_ECEILING);
	ca_profile_clear(&profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_without_a_tenant),
		cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
