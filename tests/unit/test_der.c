#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/text.h"
#include "ca/der.h"
#include "tests/unit/support.h"

static unsigned char room[70000];
static struct ca_der der;

static void begin(void)
{
	memset(room, 0xee, sizeof(room));
	ca_der_begin(&der, room, sizeof(room));
}

/* What was written, in hexadecimal; and nothing in front of it was touched. */
static void expect(const char *hex)
{
	size_t len = 12345;
	const unsigned char *octets = ca_der_octets(&der, &len);
	char *text;

	assert_non_null(octets);
	assert_int_equal(len, strlen(hex) / 2);
	assert_ptr_equal(octets, room + sizeof(room) - len);
	text = malloc(2 * len + 1);
	assert_non_null(text);
	ca_hex(octets, len, text);
	assert_string_equal(text, hex);
	for (const unsigned char *p = room; p < octets; p++)
		if (*p != 0xee)
			fail_msg("written to in front of what was written");
	free(text);
}

static void expect_failure(void)
{
	size_t len = 12345;

	assert_null(ca_der_octets(&der, &len));
	assert_int_equal(len, 12345);
}

static void test_nothing(void **state)
{
	(void)state;
	begin();
	expect("");
	ca_der_raw(&der, NULL, 0);
	expect("");
	ca_der_wrap(&der, CA_DER_SEQUENCE, der.len);
	expect("3000");
	ca_der_begin(&der, room, 0);
	assert_false(der.failed);
	ca_der_raw(&der, NULL, 0);
	assert_false(der.failed);
	ca_der_wrap(&der, CA_DER_SEQUENCE, 0);
	expect_failure();
}

static void test_integer(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
		const char *hex;
	} rows[] = {
		{ "", 0, "020100" },
		{ "\0", 1, "020100" },
		{ "\0\0\0", 3, "020100" },
		{ "\x01", 1, "020101" },
		{ "\x7f", 1, "02017f" },
		{ "\x80", 1, "02020080" },
		{ "\0\x80", 2, "02020080" },
		{ "\0\0\xff", 3, "020200ff" },
		{ "\0\x7f\x80", 3, "02027f80" },
		{ "\x80\x00", 2, "0203008000" },
		{ "\x01\x00", 2, "02020100" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		ca_der_integer(&der, (const unsigned char *)rows[i].octets, rows[i].len);
		expect(rows[i].hex);
	}
}

static void test_small_things(void **state)
{
	static const struct ca_der_oid one = { 1, { 0x2a } };
	static const struct ca_der_oid rsa = { 9,
		{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b } };

	(void)state;
	begin();
	ca_der_boolean(&der, true);
	ca_der_boolean(&der, false);
	expect("0101000101ff");
	begin();
	ca_der_oid(&der, &rsa);
	ca_der_oid(&der, &one);
	expect("06012a06092a864886f70d01010b");
	begin();
	ca_der_octet_string(&der, "abc", 3);
	ca_der_octet_string(&der, NULL, 0);
	expect("04000403616263");
}

static void test_bits(void **state)
{
	static const struct {
		unsigned char octets[2];
		const char *hex;
	} rows[] = {
		{ { 0x00, 0x00 }, "030100" },
		{ { 0x80, 0x00 }, "03020780" },
		{ { 0xa0, 0x00 }, "030205a0" },
		{ { 0x01, 0x00 }, "03020001" },
		{ { 0xff, 0x00 }, "030200ff" },
		{ { 0x00, 0x80 }, "0303070080" },
		{ { 0x81, 0x80 }, "0303078180" },
		{ { 0x00, 0x01 }, "0303000001" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		ca_der_named_bits(&der, rows[i].octets, 2);
		expect(rows[i].hex);
	}
	begin();
	ca_der_named_bits(&der, NULL, 0);
	expect("030100");
	begin();
	ca_der_bit_string(&der, rows[1].octets, 2);
	ca_der_bit_string(&der, NULL, 0);
	expect("0301000303008000");
}

/* RFC 5280, section 4.1.2.5: UTCTime through 2049. */
static void test_time(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "\x17\x0d"
		     "700101000000Z" },
		{ -1, "\x17\x0d"
		      "691231235959Z" },
		{ 951782400, "\x17\x0d"
			     "000229000000Z" },
		{ 1709251199, "\x17\x0d"
			      "240229235959Z" },
		{ -631152000, "\x17\x0d"
			      "500101000000Z" },
		{ -631152001, "\x18\x0f"
			      "19491231235959Z" },
		{ 2524607999, "\x17\x0d"
			      "491231235959Z" },
		{ 2524608000, "\x18\x0f"
			      "20500101000000Z" },
		{ 4107542399, "\x18\x0f"
			      "21000228235959Z" },
		{ 4107542400, "\x18\x0f"
			      "21000301000000Z" },
		{ 253402300799, "\x18\x0f"
				"99991231235959Z" },
		{ -62167219200, "\x18\x0f"
				"00000101000000Z" },
	};
	static const int64_t bad[] = { 253402300800, -62167219201, INT64_MAX, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = 0;
		const unsigned char *octets;

		begin();
		ca_der_time(&der, rows[i].seconds);
		octets = ca_der_octets(&der, &len);
		assert_non_null(octets);
		assert_int_equal(len, strlen(rows[i].text));
		assert_memory_equal(octets, rows[i].text, len);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		ca_der_time(&der, bad[i]);
		expect_failure();
	}
}

/* X.690, section 10.1: the shortest form, on both sides of every border. */
static void test_lengths(void **state)
{
	static const struct {
		size_t len;
		const char *header;
		size_t header_len;
	} rows[] = {
		{ 0, "\x04\x00", 2 },
		{ 1, "\x04\x01", 2 },
		{ 127, "\x04\x7f", 2 },
		{ 128, "\x04\x81\x80", 3 },
		{ 255, "\x04\x81\xff", 3 },
		{ 256, "\x04\x82\x01\x00", 4 },
		{ 65535, "\x04\x82\xff\xff", 4 },
		{ 65536, "\x04\x83\x01\x00\x00", 5 },
	};
	static unsigned char content[65536];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = 0;
		const unsigned char *octets;

		memset(content, (int)i + 1, sizeof(content));
		begin();
		ca_der_octet_string(&der, content, rows[i].len);
		octets = ca_der_octets(&der, &len);
		assert_non_null(octets);
		assert_int_equal(len, rows[i].header_len + rows[i].len);
		assert_memory_equal(octets, rows[i].header, rows[i].header_len);
		assert_memory_equal(octets + rows[i].header_len, content, rows[i].len);
	}
}

/* Every length that a small room may cross: written when it fits to the octet, a failure when it
 * lacks one, and nothing is ever written outside. */
static void test_room(void **state)
{
	(void)state;
	for (size_t len = 0; len < 300; len++) {
		unsigned char content[300] = { 0 };
		size_t whole = len + (len < 128 ? 2 : len < 256 ? 3 : 4), got = 0;

		for (size_t cap = whole ? whole - 1 : 0; cap <= whole + 1; cap++) {
			unsigned char *exact = malloc(cap); /* so that a sanitizer sees its ends */

			assert_non_null(exact);
			ca_der_begin(&der, exact, cap);
			ca_der_octet_string(&der, content, len);
			if (cap < whole) {
				expect_failure();
			} else {
				assert_ptr_equal(ca_der_octets(&der, &got), exact + cap - whole);
				assert_int_equal(got, whole);
			}
			free(exact);
		}
	}
}

/* A failure stays, even where the next thing would fit again. */
static void test_failure_is_sticky(void **state)
{
	static const struct ca_der_oid oid = { 1, { 0x2a } };
	unsigned char four[4];

	(void)state;
	ca_der_begin(&der, four, sizeof(four));
	ca_der_octet_string(&der, "abc", 3);
	expect_failure();
	ca_der_oid(&der, &oid);
	ca_der_boolean(&der, true);
	ca_der_integer(&der, four, 0);
	ca_der_time(&der, 0);
	ca_der_named_bits(&der, NULL, 0);
	ca_der_wrap(&der, CA_DER_SEQUENCE, 0);
	expect_failure();
	begin();
	ca_der_wrap(&der, CA_DER_SEQUENCE, 1); /* a mark that lies ahead */
	expect_failure();
	begin();
	ca_der_raw(&der, room, sizeof(room) + 1);
	expect_failure();
	begin();
	ca_der_raw(&der, room, SIZE_MAX);
	ca_der_boolean(&der, true);
	expect_failure();
	assert_int_equal(der.len, 0);
}

static void test_nesting(void **state)
{
	static const struct ca_der_oid a = { 3, { 0x55, 0x1d, 0x13 } };
	size_t mark, inner;

	(void)state;
	begin();
	mark = der.len;
	ca_der_octet_string(&der, "z", 1);
	inner = der.len;
	ca_der_boolean(&der, true);
	ca_der_wrap(&der, CA_DER_CONTEXT | 2, inner);
	ca_der_oid(&der, &a);
	ca_der_wrap(&der, CA_DER_CONSTRUCTED | 3, mark);
	expect("a30d0603551d1382030101ff04017a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_integer),
		cmocka_unit_test(test_small_things),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_failure_is_sticky),
		cmocka_unit_test(test_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
