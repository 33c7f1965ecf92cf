#include <stdlib.h>
#include <string.h>

#include "ca/base/error.h"
#include "ca/base/text.h"
#include "tests/unit/support.h"

static void hex_both_ways(void **state)
{
	const unsigned char octets[] = { 0x00, 0x7f, 0xff, 0x1a };
	unsigned char back[4];
	char text[9];
	size_t len = 0;

	(void)state;
	ca_hex(octets, sizeof(octets), text);
	assert_string_equal(text, "007fff1a");
	assert_int_equal(ca_unhex("00:7F:ff:1a", back, sizeof(back), &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(back, octets, 4);
	assert_int_equal(ca_unhex("00 7f ff 1A", back, sizeof(back), &len), 0);
	assert_int_equal(ca_unhex("", back, sizeof(back), &len), 0);
	assert_int_equal(len, 0);
}

static void hex_that_is_none(void **state)
{
	static const char *const bad[] = { "0", "0g", "007fff1a00", "00::11", ":00", "00:", " 00",
		"00-11", "0 0", "\xc3\xa9" };
	unsigned char octets[4];
	size_t len = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ca_unhex(bad[i], octets, sizeof(octets), &len), CA_EINVAL);
	assert_int_equal(len, 7);
}

static void base64url_both_ways(void **state)
{
	/* RFC 4648, section 10, without padding. */
	static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
	static const char *const encoded[] = { "", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE",
		"Zm9vYmFy" };
	unsigned char back[8];
	char text[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		ca_base64url(plain[i], strlen(plain[i]), text);
		assert_string_equal(text, encoded[i]);
		assert_int_equal(ca_unbase64url(text, strlen(text), back, sizeof(back), &len), 0);
		assert_int_equal(len, strlen(plain[i]));
		assert_memory_equal(back, plain[i], len);
	}
	ca_base64url("\xfb\xff\xbf", 3, text);
	assert_string_equal(text, "-_-_");
}

static void base64url_that_is_none(void **state)
{
	static const char *const bad[] = { "Z", "Zh", "Zm9=", "Zm9v+A", "Zm 9", "Zm9vYmFyZm9v",
		"Zm9", "Zg\n" };
	unsigned char octets[8];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    ca_unbase64url(bad[i], strlen(bad[i]), octets, sizeof(octets), &len),
		    CA_EINVAL);
}

static void whole_numbers(void **state)
{
	static const char *const bad[] = { "", "-", "1x", " 1", "+1", "0x10", "1.0",
		"99999999999999999999", "11", "-6" };
	int64_t n = 3;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ca_parse_int(bad[i], -5, 10, &n), CA_EINVAL);
	assert_int_equal(ca_parse_int(NULL, -5, 10, &n), CA_EINVAL);
	assert_int_equal(n, 3);
	assert_int_equal(ca_parse_int("10", -5, 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(ca_parse_int("-5", -5, 10, &n), 0);
	assert_int_equal(n, -5);
}

static void test_copy(void **state)
{
	char *copy = NULL;

	(void)state;
	assert_int_equal(ca_copy_text("a", &copy), 0);
	assert_string_equal(copy, "a");
	free(copy);
	assert_int_equal(ca_copy_text(NULL, &copy), 0);
	assert_null(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(hex_that_is_none),
		cmocka_unit_test(base64url_both_ways),
		cmocka_unit_test(base64url_that_is_none),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
