#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/json_line.h"
#include "tests/unit/support.h"

struct row {
	const char *text, *pointer;
	size_t line;
};

static void finds_the_line(void **state)
{
	static const struct row rows[] = {
		{ "{}", "", 1 },
		{ "\n\n {}", "", 3 },
		{ "[1,\n2,\n3]", "/0", 1 },
		{ "[1,\n2,\n3]", "/1", 2 },
		{ "[1,\n2,\n3]", "/2", 3 },
		{ "{\"a\":\n1,\"b\":\n\n2}", "/a", 2 },
		{ "{\"a\":\n1,\"b\":\n\n2}", "/b", 4 },
		{ "{\"a\": {\"b\": [\n[],\n[1,\n{\"c\":\ntrue}]]}}", "/a/b/1/1/c", 5 },
		/* what is skipped may look like anything */
		{ "{\"a\": \"\\\"}],{\\\\\", \"b\":\n\"x\"}", "/b", 2 },
		{ "{\"a\": [[\"]\"],\n{\"}\": \"{\"}], \"b\": -1e5}", "/b", 2 },
		/* keys: empty, with slashes, tildes, escapes */
		{ "{\"\":\n{\"\":\n0}}", "//", 3 },
		{ "{\"a/b\": 1,\n\"m~n\": 2}", "/m~0n", 2 },
		{ "{\"m~n\": 1,\n\"a/b\": 2}", "/a~1b", 2 },
		{ "{\"~1\": 1,\n\"/\": 2}", "/~1", 2 },
		{ "{\"~1\": 1,\n\"/\": 2}", "/~01", 1 },
		{ "{\"b\": 1,\n\"\\u0061\": 2}", "/a", 2 },
		{ "{\"\\\"\": 1,\n\"\\ud83d\\ude00\": 2}", "/\xf0\x9f\x98\x80", 2 },
		{ "{\"\\u002f\": 1,\n\"\\\\\": 2}", "/\\", 2 },
		{ "{\"ab\": 1,\n\"a\": 2, \"abc\": 3}", "/a", 2 },
		{ "\r\n\t[\r\n0]", "/0", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *json = json_loads(rows[i].text, JSON_DECODE_ANY, NULL);
		size_t line = server_json_line(rows[i].text, strlen(rows[i].text), rows[i].pointer);

		assert_non_null(json);
		json_decref(json);
		if (line != rows[i].line)
			print_error("row %zu: line %zu\n", i, line);
		assert_int_equal(line, rows[i].line);
	}
}

static void finds_nothing(void **state)
{
	static const struct row rows[] = {
		{ "{}", "/a", 0 },
		{ "[]", "/0", 0 },
		{ "[1]", "/1", 0 },
		{ "[1]", "/-", 0 },
		{ "[1]", "/00", 0 },
		{ "[1]", "/", 0 },
		{ "[1]", "/4294967296", 0 },
		{ "[1]", "/99999999999999999999", 0 },
		{ "{\"a\": 1}", "/a/b", 0 },
		{ "{\"a\": {\"b\": 1}}", "/b", 0 },
		{ "{\"a\": 1}", "a", 0 },
		{ "{\"a\": [1, 2]}", "/a/2", 0 },
		{ "{\"ab\": 1}", "/a", 0 },
		{ "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
		    server_json_line(rows[i].text, strlen(rows[i].text), rows[i].pointer), 0);
}

/* Text that jansson never took must not be read beyond its end: each cut stands in memory of just
 * its size, for the address sanitizer to watch. */
static void stays_inside(void **state)
{
	static const char text[] = "{\"a\\\"\": [1, \"\\u0041\", {\"b\": \"c\\\\\"}], \"d\": 2}";
	static const char *const pointers[] = { "", "/a\"", "/a\"/1", "/a\"/2/b", "/d", "/x" };

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, text, len);
		for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++)
			assert_true(server_json_line(cut, len, pointers[i]) <= 1);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_line),
		cmocka_unit_test(finds_nothing),
		cmocka_unit_test(stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
