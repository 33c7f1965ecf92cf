#include <string.h>

#include "ca/base/clock.h"
#include "ca/base/error.h"
#include "tests/unit/support.h"

static void times_as_text(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 2147483648, "2038-01-19T03:14:08Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ -62167219200, "0000-01-01T00:00:00Z" },
		{ -50000000000, "0385-07-25T07:06:40Z" },
	};
	char text[CA_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t back = 1;

		assert_string_equal(ca_time_text(rows[i].seconds, text), rows[i].text);
		assert_int_equal(ca_time_parse(rows[i].text, &back), 0);
		assert_int_equal(back, rows[i].seconds);
	}
	assert_string_equal(ca_time_text(INT64_MAX, text), "9999-12-31T23:59:59Z");
	assert_string_equal(ca_time_text(INT64_MIN, text), "0000-01-01T00:00:00Z");
}

static void offsets_and_fractions(void **state)
{
	int64_t a, b;

	(void)state;
	assert_int_equal(ca_time_parse("2026-11-23T16:04:05+01:00", &a), 0);
	assert_int_equal(ca_time_parse("2026-11-23T15:04:05.999z", &b), 0);
	assert_int_equal(a, b);
	assert_int_equal(ca_time_parse("2026-11-23 09:34:05-05:30", &b), 0);
	assert_int_equal(a, b);
}

static void times_that_are_none(void **state)
{
	static const char *const bad[] = { "", "2026", "2026-11-23", "2026-11-23T15:04:05",
		"2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z",
		"2026-11-23T24:00:00Z", "2026-11-23T15:04:05Zx", "2026-11-23T15:04:05+0100",
		"2026-11-23T15:04:05.Z", "26-11-23T15:04:05Z", "2026-11-23T15:04:05+25:00",
		"-026-11-23T15:04:05Z", "now" };
	int64_t t = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ca_time_parse(bad[i], &t), CA_EINVAL);
	assert_int_equal(t, 5);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		const char *canonical;
	} rows[] = {
		{ "90s", 90, "1m30s" },
		{ "5m", 300, "5m" },
		{ "24h", 86400, "1d" },
		{ "1h30m", 5400, "1h30m" },
		{ "7d", 604800, "7d" },
		{ "2w", 1209600, "14d" },
		{ "10y", 315360000, "10y" },
		{ "1s", 1, "1s" },
		{ "1d1s", 86401, "1440m1s" },
		{ "100y", 3153600000, "100y" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t seconds = 0;

		assert_int_equal(ca_duration_parse(rows[i].text, &seconds), 0);
		assert_int_equal(seconds, rows[i].seconds);
		assert_string_equal(ca_duration_text(seconds, text), rows[i].canonical);
	}
}

static void durations_that_are_none(void **state)
{
	static const char *const bad[] = { "", "0s", "0h0m", "5", "h", "-5m", "1.5h", "5 m", "5M",
		"101y", "99999999999999999999s", "9223372036854775807y", "1hx", "1h2" };
	int64_t seconds = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ca_duration_parse(bad[i], &seconds), CA_EINVAL);
	assert_int_equal(ca_duration_parse(NULL, &seconds), CA_EINVAL);
	assert_int_equal(seconds, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_as_text),
		cmocka_unit_test(offsets_and_fractions),
		cmocka_unit_test(times_that_are_none),
		cmocka_unit_test(durations),
		cmocka_unit_test(durations_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
