#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/policy.h"
#include "tests/unit/support.h"

#define NOW ((int64_t)1800000000)
#define FROM (NOW - 30 * CA_DAY)
#define TO (NOW + 365 * CA_DAY)

/* A decision: what is asked, what may be had, and what comes of it. Empty fields stand for the
 * usual. */
struct row {
	const char *profile;   /* NULL: "service" */
	enum ca_key_type key;  /* CA_KEY_NONE: rsa:2048 */
	const char *cn, *asks; /* names as lines */
	unsigned ku, eku;
	const char *granted; /* NULL: any */
	const char *reserved;
	int64_t ttl;
	int64_t now, from, to; /* 0: NOW, FROM, TO */
	int expected;
	const char *gets; /* NULL: not looked at */
	const char *cn_out;
};

static const struct row rows[] = {
	/* names asked for and granted */
	{ .asks = "dns:a.internal", .granted = "dns:a.internal", .gets = "dns:a.internal" },
	{ .asks = "dns:a.internal", .gets = "dns:a.internal" },
	{ .asks = "dns:A.Internal.", .granted = "dns:a.internal", .gets = "dns:a.internal" },
	{ .asks = "dns:a.internal",
	    .granted = "dns:a.internal\ndns:b.internal",
	    .gets = "dns:a.internal" },
	{ .asks = "dns:a.internal\nip:10.0.0.1\nuri:spiffe://example.com/a",
	    .granted = "uri:spiffe://example.com/a\nip:10.0.0.1\ndns:a.internal",
	    .gets = "dns:a.internal\nip:10.0.0.1\nuri:spiffe://example.com/a" },
	{ .asks = "ip:::ffff:10.0.0.1", .granted = "ip:10.0.0.1", .gets = "ip:10.0.0.1" },
	/* nothing asked for: all that is granted, no CN */
	{ .granted = "dns:a.internal\nip:10.0.0.1", .gets = "dns:a.internal\nip:10.0.0.1" },
	{ .granted = "", .expected = CA_ENONAMES },
	{ .expected = CA_ENONAMES },
	{ .granted = "dns:ca.internal",
	    .reserved = "dns:ca.internal",
	    .expected = CA_ENAMERESERVED },
	{ .granted = "email:a@example.com", .expected = CA_ENAMEREFUSED },
	/* beyond the grant: refused, not dropped */
	{ .asks = "dns:b.internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.internal\ndns:b.internal",
	    .granted = "dns:a.internal",
	    .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.internal", .granted = "", .expected = CA_ENAMEREFUSED },
	{ .asks = "ip:10.0.0.2", .granted = "ip:10.0.0.1", .expected = CA_ENAMEREFUSED },
	{ .asks = "uri:spiffe://example.com/b",
	    .granted = "uri:spiffe://example.com/a",
	    .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:x.a.internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:xa.internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "uri:https://a.internal/",
	    .granted = "dns:a.internal",
	    .expected = CA_ENAMEREFUSED },
	/* e-mail is for no profile */
	{ .asks = "email:a@example.com", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:a.internal\nemail:a@example.com",
	    .granted = "dns:a.internal\nemail:a@example.com",
	    .expected = CA_ENAMEREFUSED },
	/* wildcards */
	{ .asks = "dns:*.a.internal", .granted = "dns:*.a.internal", .gets = "dns:*.a.internal" },
	{ .asks = "dns:*.a.internal", .gets = "dns:*.a.internal" },
	{ .asks = "dns:x.a.internal", .granted = "dns:*.a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.a.internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.a.internal", .granted = "dns:x.a.internal", .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.x.a.internal",
	    .granted = "dns:*.a.internal",
	    .expected = CA_ENAMEREFUSED },
	{ .asks = "dns:*.internal", .granted = "dns:*.a.internal", .expected = CA_ENAMEREFUSED },
	/* reserved names, granted or not */
	{ .asks = "dns:ca.internal", .reserved = "dns:ca.internal", .expected = CA_ENAMERESERVED },
	{ .asks = "dns:CA.Internal.", .reserved = "dns:ca.internal", .expected = CA_ENAMERESERVED },
	{ .asks = "dns:ca.internal",
	    .granted = "dns:ca.internal",
	    .reserved = "dns:ca.internal",
	    .expected = CA_ENAMERESERVED },
	{ .asks = "dns:a.internal\ndns:ca.internal",
	    .reserved = "dns:b.internal\ndns:ca.internal",
	    .expected = CA_ENAMERESERVED },
	{ .asks = "dns:*.internal",
	    .granted = "dns:*.internal",
	    .reserved = "dns:ca.internal",
	    .expected = CA_ENAMERESERVED },
	{ .asks = "dns:*.internal", .reserved = "dns:ca.x.internal", .gets = "dns:*.internal" },
	{ .asks = "dns:*.ca.internal", .reserved = "dns:ca.internal", .gets = "dns:*.ca.internal" },
	{ .asks = "dns:x.internal", .reserved = "dns:*.internal", .expected = CA_ENAMERESERVED },
	{ .asks = "dns:x.ca.internal", .reserved = "dns:ca.internal", .gets = "dns:x.ca.internal" },
	{ .asks = "dns:aca.internal", .reserved = "dns:ca.internal", .gets = "dns:aca.internal" },
	{ .asks = "ip:10.0.0.1", .reserved = "ip:10.0.0.1", .expected = CA_ENAMERESERVED },
	{ .asks = "ip:::ffff:10.0.0.1", .reserved = "ip:10.0.0.1", .expected = CA_ENAMERESERVED },
	{ .asks = "ip:10.0.0.2",
	    .reserved = "ip:10.0.0.1\ndns:ca.internal",
	    .gets = "ip:10.0.0.2" },
	{ .cn = "ca.internal",
	    .asks = "dns:a.internal",
	    .reserved = "dns:ca.internal",
	    .expected = CA_ENAMERESERVED },
	/* the CN */
	{ .cn = "a.internal", .gets = "dns:a.internal", .cn_out = "a.internal" },
	{ .cn = "A.Internal",
	    .asks = "dns:a.internal",
	    .gets = "dns:a.internal",
	    .cn_out = "a.internal" },
	{ .cn = "b.internal",
	    .asks = "dns:a.internal",
	    .gets = "dns:a.internal\ndns:b.internal",
	    .cn_out = "b.internal" },
	{ .cn = "b.internal",
	    .asks = "dns:a.internal",
	    .granted = "dns:a.internal",
	    .expected = CA_ENAMEREFUSED },
	{ .cn = "b.internal", .granted = "dns:a.internal", .expected = CA_ENAMEREFUSED },
	{ .cn = "*.a.internal",
	    .granted = "dns:*.a.internal",
	    .gets = "dns:*.a.internal",
	    .cn_out = "*.a.internal" },
	{ .cn = "10.0.0.1", .asks = "ip:10.0.0.1", .gets = "ip:10.0.0.1", .cn_out = "10.0.0.1" },
	{ .cn = "FD00:0::1", .asks = "ip:fd00::1", .gets = "ip:fd00::1", .cn_out = "fd00::1" },
	{ .cn = "10.0.0.1", .asks = "dns:a.internal", .expected = CA_ESUBJECT },
	{ .cn = "10.0.0.1", .granted = "ip:10.0.0.1", .expected = CA_ESUBJECT },
	{ .cn = "Example Web Server", .asks = "dns:a.internal", .expected = CA_ESUBJECT },
	{ .cn = "a@example.com", .asks = "dns:a.internal", .expected = CA_ESUBJECT },
	{ .cn = "spiffe://example.com/a",
	    .asks = "uri:spiffe://example.com/a",
	    .expected = CA_ESUBJECT },
	{ .cn = "", .asks = "dns:a.internal", .expected = CA_ESUBJECT },
	{ .cn = "a.b\n.internal", .asks = "dns:a.internal", .expected = CA_ESUBJECT },
	{ .cn = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.internal" /* 64 */ },
	{ .cn = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.internal" /* 65 */,
	    .expected = CA_ESUBJECT },
	/* keys */
	{ .asks = "dns:a.internal", .key = CA_KEY_RSA_3072 },
	{ .asks = "dns:a.internal", .key = CA_KEY_RSA_4096 },
	{ .asks = "dns:a.internal", .key = CA_KEY_RSA_OTHER },
	{ .asks = "dns:a.internal", .key = CA_KEY_EC_P256 },
	{ .asks = "dns:a.internal", .key = CA_KEY_EC_P384 },
	{ .asks = "dns:a.internal", .key = CA_KEY_ED25519 },
	/* usages */
	{ .asks = "dns:a.internal", .ku = GNUTLS_KEY_DIGITAL_SIGNATURE },
	{ .asks = "dns:a.internal",
	    .ku = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT },
	{ .asks = "dns:a.internal",
	    .ku = GNUTLS_KEY_KEY_ENCIPHERMENT,
	    .key = CA_KEY_EC_P256,
	    .expected = CA_ECSREXTENSION },
	{ .asks = "dns:a.internal", .ku = GNUTLS_KEY_KEY_AGREEMENT, .expected = CA_ECSREXTENSION },
	{ .asks = "dns:a.internal",
	    .ku = GNUTLS_KEY_NON_REPUDIATION,
	    .expected = CA_ECSREXTENSION },
	{ .asks = "dns:a.internal", .ku = GNUTLS_KEY_KEY_CERT_SIGN, .expected = CA_ECSREXTENSION },
	{ .asks = "dns:a.internal", .eku = CA_EKU_SERVER_AUTH },
	{ .asks = "dns:a.internal", .eku = CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH },
	{ .asks = "dns:a.internal", .eku = 4, .expected = CA_ECSREXTENSION },
	/* lifetimes */
	{ .asks = "dns:a.internal", .ttl = 5 * CA_MINUTE },
	{ .asks = "dns:a.internal", .ttl = 5 * CA_MINUTE - 1, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = -1, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = INT64_MIN, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = 90 * CA_DAY },
	{ .asks = "dns:a.internal", .ttl = 90 * CA_DAY + 1, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = INT64_MAX, .expected = CA_ETTL },
	{ .asks = "dns:a.internal", .ttl = CA_HOUR, .to = NOW + CA_HOUR },
	{ .asks = "dns:a.internal",
	    .ttl = CA_HOUR,
	    .to = NOW + CA_HOUR - 1,
	    .expected = CA_EISSUERENDS },
	{ .asks = "dns:a.internal", .to = NOW + CA_DAY, .expected = CA_EISSUERENDS },
	{ .asks = "dns:a.internal", .to = NOW - CA_DAY, .expected = CA_EISSUERENDS },
	{ .asks = "dns:a.internal", .from = NOW + 1, .expected = CA_ECLOCK },
	{ .asks = "dns:a.internal", .from = NOW },
	{ .asks = "dns:a.internal", .now = 1, .expected = CA_ECLOCK },
	/* operators */
	{ .profile = "operator", .cn = "ada", .gets = "", .cn_out = "ada" },
	{ .profile = "operator",
	    .cn = "ci.deploy_1@build-1",
	    .gets = "",
	    .cn_out = "ci.deploy_1@build-1" },
	{ .profile = "operator", .cn = "0x", .gets = "", .cn_out = "0x" },
	{ .profile = "operator", .expected = CA_ESUBJECT },
	{ .profile = "operator", .cn = "", .expected = CA_ENAME },
	{ .profile = "operator", .cn = "Ada", .expected = CA_ENAME },
	{ .profile = "operator", .cn = "-ada", .expected = CA_ENAME },
	{ .profile = "operator", .cn = "@ada", .expected = CA_ENAME },
	{ .profile = "operator", .cn = "ada lovelace", .expected = CA_ENAME },
	{ .profile = "operator", .cn = "ada\n", .expected = CA_ENAME },
	{ .profile = "operator",
	    .cn = "\xc3\xa4"
		  "da",
	    .expected = CA_ENAME },
	{ .profile = "operator",
	    .cn = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 */ },
	{ .profile = "operator",
	    .cn = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 65 */,
	    .expected = CA_ENAME },
	{ .profile = "operator", .cn = "ada", .asks = "dns:ada", .expected = CA_ENAMEREFUSED },
	{ .profile = "operator", .cn = "ada", .eku = CA_EKU_CLIENT_AUTH },
	{ .profile = "operator",
	    .cn = "ada",
	    .eku = CA_EKU_SERVER_AUTH,
	    .expected = CA_ECSREXTENSION },
	{ .profile = "operator", .cn = "ada", .ttl = 30 * CA_DAY + 1, .expected = CA_ETTL },
	{ .profile = "operator", .cn = "ada", .to = NOW + CA_DAY, .expected = CA_EISSUERENDS },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* What a row needs in memory. */
struct table {
	struct ca_csr csr;
	struct ca_names granted, reserved;
	struct ca_policy_request request;
};

static void lay(const struct row *row, struct table *t)
{
	const char *profile = row->profile ? row->profile : "service";

	*t = (struct table){ 0 };
	t->csr.key_type = row->key ? row->key : CA_KEY_RSA_2048;
	t->csr.common_name = row->cn ? strdup(row->cn) : NULL;
	t->csr.key_usage = row->ku;
	t->csr.eku = row->eku;
	if (row->asks)
		assert_int_equal(ca_names_parse(row->asks, &t->csr.names), 0);
	if (row->granted)
		assert_int_equal(ca_names_parse(row->granted, &t->granted), 0);
	if (row->reserved)
		assert_int_equal(ca_names_parse(row->reserved, &t->reserved), 0);
	t->request = (struct ca_policy_request){
		.profile = ca_profile_builtin(profile),
		.csr = &t->csr,
		.granted = row->granted ? &t->granted : NULL,
		.reserved = row->reserved ? &t->reserved : NULL,
		.ttl = row->ttl,
		.now = row->now ? row->now : NOW,
		.issuer_not_before = row->from ? row->from : FROM,
		.issuer_not_after = row->to ? row->to : TO,
	};
	assert_non_null(t->request.profile);
}

static void clear(struct table *t)
{
	free(t->csr.common_name);
	ca_names_free(&t->csr.names);
	ca_names_free(&t->granted);
	ca_names_free(&t->reserved);
}

static void check_grant(size_t i, const struct row *row, const struct ca_grant *grant)
{
	struct ca_buf names = CA_BUF_INIT;

	ca_names_format(&grant->names, &names);
	if (row->gets && strcmp(ca_buf_text(&names), row->gets) != 0)
		fail_msg("row %zu: gets %s, not %s", i, ca_buf_text(&names), row->gets);
	if (row->gets && (!row->cn_out != !grant->common_name ||
			     (row->cn_out && strcmp(row->cn_out, grant->common_name) != 0)))
		fail_msg(
		    "row %zu: the CN is %s", i, grant->common_name ? grant->common_name : "absent");
	if (row->ttl && grant->not_after != NOW + row->ttl)
		fail_msg("row %zu: the lifetime is not the one asked for", i);
	ca_buf_free(&names);
}

static void test_table(void **state)
{
	(void)state;
	assert_true(ROWS >= 60);
	for (size_t i = 0; i < ROWS; i++) {
		struct ca_grant grant = { .eku = 99 };
		struct ca_detail why = { "" };
		struct table t;
		int r;

		lay(&rows[i], &t);
		r = ca_policy_evaluate(&t.request, &grant, &why);
		if (r != rows[i].expected)
			fail_msg("row %zu (cn %s, asks %s): %s, not %s: %s", i,
			    rows[i].cn ? rows[i].cn : "-", rows[i].asks ? rows[i].asks : "-",
			    ca_error_code(r), ca_error_code(rows[i].expected), why.text);
		if (r) {
			assert_int_equal(grant.eku, 99); /* untouched */
			assert_string_not_equal(why.text, "");
			/* The same without a place for the reason. */
			assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), r);
		} else {
			check_grant(i, &rows[i], &grant);
			ca_grant_clear(&grant);
		}
		clear(&t);
	}
	ca_grant_clear(NULL);
}

static struct ca_grant grant_of(const struct row *row)
{
	struct ca_grant grant;
	struct table t;

	lay(row, &t);
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	clear(&t);
	return grant;
}

static void test_times(void **state)
{
	struct row row = { .asks = "dns:a.internal" };
	struct ca_grant grant = grant_of(&row);

	(void)state;
	assert_int_equal(grant.not_before, NOW - CA_BACKDATE);
	assert_int_equal(grant.not_after, NOW + 7 * CA_DAY);
	assert_int_equal(grant.renew_after, NOW + 7 * CA_DAY / 2);
	ca_grant_clear(&grant);
	row.ttl = 10 * CA_DAY;
	grant = grant_of(&row);
	assert_int_equal(grant.renew_after, NOW + 10 * CA_DAY - 10 * CA_DAY / 3);
	ca_grant_clear(&grant);
	row.ttl = 10 * CA_DAY - 2;
	grant = grant_of(&row);
	assert_int_equal(grant.renew_after, NOW + (10 * CA_DAY - 2) / 2);
	ca_grant_clear(&grant);
	row.from = NOW - 10; /* an issuer younger than the back-dating */
	grant = grant_of(&row);
	assert_int_equal(grant.not_before, NOW - 10);
	ca_grant_clear(&grant);
	row = (struct row){ .profile = "operator", .cn = "ada" };
	grant = grant_of(&row);
	assert_int_equal(grant.not_after, NOW + 30 * CA_DAY);
	assert_int_equal(grant.renew_after, NOW + 20 * CA_DAY);
	ca_grant_clear(&grant);
}

static void test_usages(void **state)
{
	struct row row = { .asks = "dns:a.internal" };
	struct ca_grant grant = grant_of(&row);

	(void)state;
	assert_int_equal(
	    grant.key_usage, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT);
	assert_int_equal(grant.eku, CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH);
	ca_grant_clear(&grant);
	row.key = CA_KEY_ED25519;
	row.eku = CA_EKU_SERVER_AUTH; /* less asked for: still exactly the profile's */
	grant = grant_of(&row);
	assert_int_equal(grant.key_usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
	assert_int_equal(grant.eku, CA_EKU_SERVER_AUTH | CA_EKU_CLIENT_AUTH);
	ca_grant_clear(&grant);
	row = (struct row){ .profile = "operator", .cn = "ada" };
	grant = grant_of(&row);
	assert_int_equal(grant.eku, CA_EKU_CLIENT_AUTH);
	ca_grant_clear(&grant);
}

static void test_reserved_keys(void **state)
{
	static const unsigned char reserved[2][CA_SHA256] = { { 1 }, { 2 } };
	struct row row = { .asks = "dns:a.internal" };
	struct ca_grant grant;
	struct table t;

	(void)state;
	lay(&row, &t);
	t.request.reserved_keys = reserved;
	t.request.reserved_keys_len = 2;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	ca_grant_clear(&grant);
	t.csr.spki_sha256[0] = 2;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_EKEYRESERVED);
	t.csr.spki_sha256[0] = 1;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_EKEYRESERVED);
	t.csr.spki_sha256[31] = 1;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	ca_grant_clear(&grant);
	clear(&t);
}

static void test_key_types_of_a_profile(void **state)
{
	struct ca_profile only_p256 = *ca_profile_builtin("service");
	struct row row = { .asks = "dns:a.internal" };
	struct ca_grant grant;
	struct table t;

	(void)state;
	only_p256.key_types = 1u << CA_KEY_EC_P256;
	lay(&row, &t);
	t.request.profile = &only_p256;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_EKEYTYPE);
	t.csr.key_type = CA_KEY_EC_P256;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	ca_grant_clear(&grant);
	only_p256.key_types = ~0u;
	t.csr.key_type = CA_KEY_NONE;
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_EKEYTYPE);
	clear(&t);
}

static void test_number_of_names(void **state)
{
	struct row row = { .cn = "n0.internal" };
	struct ca_grant grant;
	struct table t;
	char name[32];

	(void)state;
	lay(&row, &t);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d.internal", i);
		assert_int_equal(
		    ca_names_add(&t.csr.names, CA_NAME_DNS, name, strlen(name), NULL), 0);
	}
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), 0);
	assert_int_equal(grant.names.n, 100);
	ca_grant_clear(&grant);
	/* The CN counts. */
	free(t.csr.common_name);
	t.csr.common_name = strdup("another.internal");
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_ETOOMANYNAMES);
	for (int i = 100; i < CA_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d.internal", i);
		assert_int_equal(
		    ca_names_add(&t.csr.names, CA_NAME_DNS, name, strlen(name), NULL), 0);
	}
	assert_int_equal(ca_policy_evaluate(&t.request, &grant, NULL), CA_ETOOMANYNAMES);
	clear(&t);
}

static void test_covers(void **state)
{
	(void)state;
	assert_true(ca_name_covers("a.internal", "a.internal"));
	assert_true(ca_name_covers("*.internal", "a.internal"));
	assert_true(ca_name_covers("*.internal", "*.internal"));
	assert_true(ca_name_covers("*.Internal", "A.internal"));
	assert_false(ca_name_covers("*.internal", "internal"));
	assert_false(ca_name_covers("*.internal", ".internal"));
	assert_false(ca_name_covers("*.internal", "a.b.internal"));
	assert_false(ca_name_covers("*.internal", "a.internals"));
	assert_false(ca_name_covers("a.internal", "*.internal"));
	assert_false(ca_name_covers("*", "internal"));
	assert_false(ca_name_covers("*internal", "a.internal"));
	assert_false(ca_name_covers("", "a"));
	assert_false(ca_name_covers("*.internal", ""));
	assert_true(ca_name_covers("10.0.0.1", "10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_usages),
		cmocka_unit_test(test_reserved_keys),
		cmocka_unit_test(test_key_types_of_a_profile),
		cmocka_unit_test(test_number_of_names),
		cmocka_unit_test(test_covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
