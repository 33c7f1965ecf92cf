#include <stdio.h>
#include <string.h>

#include "ca/base/names.h"
#include "tests/unit/support.h"

static int add(struct ca_names *names, enum ca_name_type type, const char *value)
{
	return ca_names_add(names, type, value, strlen(value), NULL);
}

static void canonical_spelling(void **state)
{
	static const struct {
		enum ca_name_type type;
		const char *value, *canonical;
	} rows[] = {
		{ CA_NAME_DNS, "Web.Internal.", "web.internal" },
		{ CA_NAME_DNS, "localhost", "localhost" },
		{ CA_NAME_DNS, "*.Apps.Internal", "*.apps.internal" },
		{ CA_NAME_DNS, "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ CA_NAME_DNS, "a.b-c.d1", "a.b-c.d1" },
		{ CA_NAME_DNS, "10.0.0.1.in-addr.arpa", "10.0.0.1.in-addr.arpa" },
		{ CA_NAME_IP, "10.0.0.1", "10.0.0.1" },
		{ CA_NAME_IP, "2001:DB8:0:0::1", "2001:db8::1" },
		{ CA_NAME_IP, "::ffff:10.0.0.1", "10.0.0.1" },
		{ CA_NAME_URI, "SPIFFE://Example.Org/ns/A", "spiffe://example.org/ns/A" },
		{ CA_NAME_URI, "https://h:1/p?Q#F", "https://h:1/p?Q#F" },
		{ CA_NAME_EMAIL, "Ops@Example.COM", "Ops@example.com" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ca_names names = CA_NAMES_INIT;

		assert_int_equal(add(&names, rows[i].type, rows[i].value), 0);
		assert_string_equal(names.v[0].value, rows[i].canonical);
		assert_int_equal(add(&names, rows[i].type, rows[i].canonical), 0);
		assert_int_equal(names.n, 1);
		assert_true(ca_names_has(&names, rows[i].type, rows[i].canonical));
		ca_names_free(&names);
	}
}

static void malformed(void **state)
{
	static const struct {
		enum ca_name_type type;
		const char *value;
	} rows[] = {
		{ CA_NAME_DNS, "" },
		{ CA_NAME_DNS, "." },
		{ CA_NAME_DNS, "a..b" },
		{ CA_NAME_DNS, ".a" },
		{ CA_NAME_DNS, "a.." },
		{ CA_NAME_DNS, "-a.b" },
		{ CA_NAME_DNS, "a-.b" },
		{ CA_NAME_DNS, "a_b.c" },
		{ CA_NAME_DNS, "a b" },
		{ CA_NAME_DNS, "a.b/c" },
		{ CA_NAME_DNS, "b\xc3\xbc"
			       "cher.example" },
		{ CA_NAME_DNS, "10.0.0.1" },
		{ CA_NAME_DNS, "a.123" },
		{ CA_NAME_DNS, "*" },
		{ CA_NAME_DNS, "*." },
		{ CA_NAME_DNS, "a.*.b" },
		{ CA_NAME_DNS, "*a.b" },
		{ CA_NAME_DNS, "*.*.b" },
		{ CA_NAME_DNS, "a\nb" },
		{ CA_NAME_DNS,
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" },
		{ CA_NAME_IP, "10.0.0" },
		{ CA_NAME_IP, "10.0.0.256" },
		{ CA_NAME_IP, "010.0.0.1" },
		{ CA_NAME_IP, "10.0.0.1/8" },
		{ CA_NAME_IP, "fe80::1%eth0" },
		{ CA_NAME_IP, "" },
		{ CA_NAME_URI, "spiffe:example.org" },
		{ CA_NAME_URI, "://x" },
		{ CA_NAME_URI, "1a://x" },
		{ CA_NAME_URI, "a:///x" },
		{ CA_NAME_URI, "a://b c" },
		{ CA_NAME_URI, "a://b\n" },
		{ CA_NAME_URI, "a://\xc3\xbc" },
		{ CA_NAME_URI, "a://b\"c" },
		{ CA_NAME_EMAIL, "a" },
		{ CA_NAME_EMAIL, "@b.c" },
		{ CA_NAME_EMAIL, "a@" },
		{ CA_NAME_EMAIL, "a b@c.d" },
		{ CA_NAME_EMAIL, "a@*.d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ca_names names = CA_NAMES_INIT;
		struct ca_detail why = { "" };

		if (ca_names_add(&names, rows[i].type, rows[i].value, strlen(rows[i].value),
			&why) != CA_ENAME)
			fail_msg("taken: %s", rows[i].value);
		assert_true(strlen(why.text) > 0);
		assert_int_equal(names.n, 0);
	}
}

static void inner_nul_and_bounds(void **state)
{
	struct ca_names names = CA_NAMES_INIT;
	char dns[300], uri[2100] = "a://";

	(void)state;
	assert_int_equal(
	    ca_names_add(&names, CA_NAME_DNS, "a.internal\0.evil", 16, NULL), CA_ENAME);
	memset(dns, 'a', sizeof(dns));
	for (size_t i = 50; i < sizeof(dns); i += 50)
		dns[i] = '.';
	assert_int_equal(ca_names_add(&names, CA_NAME_DNS, dns, 253, NULL), 0);
	assert_int_equal(ca_names_add(&names, CA_NAME_DNS, dns, 254, NULL), CA_ENAME);
	memset(uri + 4, 'x', sizeof(uri) - 4);
	assert_int_equal(ca_names_add(&names, CA_NAME_URI, uri, 2048, NULL), 0);
	assert_int_equal(ca_names_add(&names, CA_NAME_URI, uri, 2049, NULL), CA_ENAME);
	ca_names_free(&names);
}

static void too_many(void **state)
{
	struct ca_names names = CA_NAMES_INIT;
	char value[32];

	(void)state;
	for (int i = 0; i < CA_NAMES_MAX; i++) {
		snprintf(value, sizeof(value), "n%d.internal", i);
		assert_int_equal(add(&names, CA_NAME_DNS, value), 0);
	}
	assert_int_equal(add(&names, CA_NAME_DNS, "n0.internal"), 0);
	assert_int_equal(add(&names, CA_NAME_DNS, "one.more"), CA_ETOOMANYNAMES);
	assert_int_equal(names.n, CA_NAMES_MAX);
	ca_names_free(&names);
}

static void addresses_from_octets(void **state)
{
	const unsigned char v4[] = { 192, 0, 2, 1 };
	const unsigned char v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct ca_names names = CA_NAMES_INIT;

	(void)state;
	assert_int_equal(ca_names_add_ip(&names, v4, 4, NULL), 0);
	assert_int_equal(ca_names_add_ip(&names, v6, 16, NULL), 0);
	assert_int_equal(ca_names_add_ip(&names, v6, 8, NULL), CA_ENAME);
	assert_int_equal(ca_names_add_ip(&names, v4, 0, NULL), CA_ENAME);
	assert_true(ca_names_has(&names, CA_NAME_IP, "192.0.2.1"));
	assert_true(ca_names_has(&names, CA_NAME_IP, "2001:db8::1"));
	ca_names_free(&names);
}

static void text_form_both_ways(void **state)
{
	struct ca_names names = CA_NAMES_INIT, back = CA_NAMES_INIT, copy = CA_NAMES_INIT;
	struct ca_buf text = CA_BUF_INIT;

	(void)state;
	add(&names, CA_NAME_DNS, "web.internal");
	add(&names, CA_NAME_IP, "2001:db8::1");
	add(&names, CA_NAME_URI, "spiffe://example.org/web");
	ca_names_format(&names, &text);
	assert_string_equal(
	    ca_buf_text(&text), "dns:web.internal\nip:2001:db8::1\nuri:spiffe://example.org/web");
	assert_int_equal(ca_names_parse(ca_buf_text(&text), &back), 0);
	assert_int_equal(ca_names_copy(&back, &copy), 0);
	assert_int_equal(copy.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(copy.v[i].value, names.v[i].value);
	assert_string_equal(ca_names_first(&copy, CA_NAME_IP), "2001:db8::1");
	assert_null(ca_names_first(&copy, CA_NAME_EMAIL));
	ca_names_free(&back);
	assert_int_equal(ca_names_parse("", &back), 0);
	assert_int_equal(back.n, 0);
	assert_int_equal(ca_names_parse("web.internal", &back), CA_ENAME);
	assert_int_equal(ca_names_parse("dns:ok.internal\nx:y", &back), CA_ENAME);
	assert_int_equal(ca_names_parse("dns:", &back), CA_ENAME);
	assert_int_equal(back.n, 0);
	ca_names_free(&names);
	ca_names_free(&copy);
	ca_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_spelling),
		cmocka_unit_test(malformed),
		cmocka_unit_test(inner_nul_and_bounds),
		cmocka_unit_test(too_many),
		cmocka_unit_test(addresses_from_octets),
		cmocka_unit_test(text_form_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
