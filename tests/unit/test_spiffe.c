#include <string.h>

#include "ca/spiffe.h"
#include "tests/unit/support.h"

static const char *const domains[] = { "example.org", "a", "prod.example.internal", "1a.b-c.d" };

static const char *const no_domains[] = { "", "Example.org", "exa_mple.org", "example.org.",
	".example.org", "example..org", "-a.org", "a-.org", "example.org:443", "user@example.org",
	"*.example.org", "exa mple.org", "example.org/", "b\xc3\xbc.org", "10.0.0.1", "::1", "1",
	"example%2eorg", "example.org\n" };

static const char *const ids[] = { "spiffe://example.org/a", "spiffe://example.org/ns/a/sa/b",
	"spiffe://example.org/A.b-c_d", "spiffe://example.org/...", "spiffe://a/.a/..b",
	"spiffe://a/0" };

static const char *const no_ids[] = { "", "spiffe:", "spiffe://", "spiffe:///a",
	"spiffe://example.org", "spiffe://example.org/", "spiffe://example.org/a/",
	"spiffe://example.org//a", "spiffe://example.org/a//b", "spiffe://example.org/.",
	"spiffe://example.org/..", "spiffe://example.org/a/./b", "spiffe://example.org/a/../b",
	"spiffe://example.org/a/..", "spiffe://example.org/a%2fb", "spiffe://example.org/a?b",
	"spiffe://example.org?a", "spiffe://example.org/a#b", "spiffe://example.org#a",
	"spiffe://example.org:443/a", "spiffe://example.org:/a", "spiffe://user@example.org/a",
	"spiffe://user:word@example.org/a", "spiffe://exa_mple.org/a", "spiffe://EXAMPLE.org/a",
	"SPIFFE://example.org/a", "spiffe:example.org/a", "spiffe:/example.org/a",
	"https://example.org/a", "spiffe://example.org/a*", "spiffe://example.org/a b",
	"spiffe://example.org/a~b", "spiffe://example.org/b\xc3\xbc", "spiffe://example.org\\a/b",
	"spiffe://[::1]/a", "spiffe://10.0.0.1/a", " spiffe://example.org/a" };

static void test_tables(void **state)
{
	struct ca_detail why;

	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++)
		assert_int_equal(ca_spiffe_trust_domain_check(domains[i], &why), 0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		assert_int_equal(ca_spiffe_id_check(ids[i], &why), 0);
	for (size_t i = 0; i < sizeof(no_domains) / sizeof(*no_domains); i++) {
		why.text[0] = '\0';
		if (ca_spiffe_trust_domain_check(no_domains[i], &why) != CA_ENAME)
			fail_msg("a trust domain: %s", no_domains[i]);
		assert_string_not_equal(why.text, "");
	}
	for (size_t i = 0; i < sizeof(no_ids) / sizeof(*no_ids); i++) {
		why.text[0] = '\0';
		if (ca_spiffe_id_check(no_ids[i], &why) != CA_ENAME)
			fail_msg("a SPIFFE ID: %s", no_ids[i]);
		assert_string_not_equal(why.text, "");
		assert_int_equal(ca_spiffe_id_check(no_ids[i], NULL), CA_ENAME);
	}
}

static void test_lengths(void **state)
{
	char text[2100];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "spiffe://example.org/", 21);
	text[2048] = '\0';
	assert_int_equal(ca_spiffe_id_check(text, NULL), 0);
	text[2048] = 'a';
	text[2049] = '\0';
	assert_int_equal(ca_spiffe_id_check(text, NULL), CA_ENAME);
	/* A trust domain is a DNS name: 63 octets a label, 253 in all. */
	for (size_t i = 0; i < 300; i++)
		text[i] = i % 60 == 59 ? '.' : 'a';
	text[253] = '\0';
	assert_int_equal(ca_spiffe_trust_domain_check(text, NULL), 0);
	text[253] = 'a';
	text[254] = '\0';
	assert_int_equal(ca_spiffe_trust_domain_check(text, NULL), CA_ENAME);
	text[254] = 'a';
	text[300] = '\0';
	assert_int_equal(ca_spiffe_trust_domain_check(text, NULL), CA_ENAME);
	memmove(text + 9, text, 301);
	memcpy(text, "spiffe://", 9);
	memcpy(text + 309, "/a", 3);
	assert_int_equal(ca_spiffe_id_check(text, NULL), CA_ENAME);
}

static void test_scheme(void **state)
{
	(void)state;
	assert_true(ca_spiffe_is_id("spiffe://example.org/a"));
	assert_true(ca_spiffe_is_id("spiffe:anything"));
	assert_false(ca_spiffe_is_id("spiffes://example.org/a"));
	assert_false(ca_spiffe_is_id("https://spiffe://a"));
	assert_false(ca_spiffe_is_id(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_scheme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
