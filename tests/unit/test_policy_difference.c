#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/policy_difference.h"
#include "tests/unit/support.h"

struct row {
	const char *from, *to;
	const char *profiles[3], *rules[3]; /* added, changed, removed; with spaces between */
	bool reordered;
};

#define R(name) "{\"name\": \"" name "\", \"source\": \"s\"}"
#define R2(name) "{\"source\": \"t\", \"name\": \"" name "\"}"

static const struct row rows[] = {
	{ "{}", "{}", { "", "", "" }, { "", "", "" }, false },
	{ "{}", "{\"profiles\": {}, \"rules\": []}", { "", "", "" }, { "", "", "" }, false },
	{ "{}", "{\"profiles\": {\"b\": {}, \"a\": {}}, \"rules\": [" R("y") "," R("x") "]}",
	    { "b a", "", "" }, { "y x", "", "" }, false },
	{ "{\"profiles\": {\"b\": {}, \"a\": {}}, \"rules\": [" R("y") "," R("x") "]}", "{}",
	    { "", "", "b a" }, { "", "", "y x" }, false },
	/* the order of members, and of profiles, is spelling */
	{ "{\"profiles\": {\"a\": {\"p\": 1, \"q\": [1]}, \"b\": {}}}",
	    "{\"profiles\": {\"b\": {}, \"a\": {\"q\": [ 1 ], \"p\": 1}}}", { "", "", "" },
	    { "", "", "" }, false },
	{ "{\"profiles\": {\"a\": {\"p\": [1, 2]}}}", "{\"profiles\": {\"a\": {\"p\": [2, 1]}}}",
	    { "", "a", "" }, { "", "", "" }, false },
	{ "{\"rules\": [" R("x") "]}", "{\"rules\": [" R2("x") "]}", { "", "", "" },
	    { "", "x", "" }, false },
	/* the order of rules is not */
	{ "{\"rules\": [" R("x") "," R("y") "]}", "{\"rules\": [" R("y") "," R("x") "]}",
	    { "", "", "" }, { "", "", "" }, true },
	{ "{\"rules\": [" R("x") "," R("y") "," R("z") "]}", "{\"rules\": [" R("x") "," R("z") "]}",
	    { "", "", "" }, { "", "", "y" }, false },
	{ "{\"rules\": [" R("x") "," R("z") "]}",
	    "{\"rules\": [" R("n") "," R("x") "," R("y") "," R2("z") "]}", { "", "", "" },
	    { "n y", "z", "" }, false },
	{ "{\"rules\": [" R("x") "," R("y") "," R("z") "]}",
	    "{\"rules\": [" R("n") "," R("z") "," R("x") "]}", { "", "", "" }, { "n", "", "y" },
	    true },
	/* all at once */
	{ "{\"profiles\": {\"a\": {}, \"b\": {}, \"c\": {}}, \"rules\": [" R("x") "]}",
	    "{\"rules\": [" R("n") "], \"profiles\": {\"d\": {}, \"c\": {}, \"b\": {\"p\": 1}}}",
	    { "d", "b", "a" }, { "n", "", "x" }, false },
};

static void expect(const json_t *part, const char *const wanted[3])
{
	static const char *const lists[] = { "added", "changed", "removed" };

	for (size_t k = 0; k < 3; k++) {
		const json_t *list = json_object_get(part, lists[k]), *name;
		struct ca_buf text = CA_BUF_INIT;
		size_t i;

		assert_true(json_is_array(list));
		json_array_foreach(list, i, name)
		{
			ca_buf_addf(&text, "%s%s", i ? " " : "", json_string_value(name));
		}
		assert_string_equal(ca_buf_text(&text), wanted[k]);
		ca_buf_free(&text);
	}
}

static void tells_what_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *from = json_loads(rows[i].from, 0, NULL);
		json_t *to = json_loads(rows[i].to, 0, NULL);
		json_t *difference = server_policy_difference(from, to);

		assert_non_null(from);
		assert_non_null(to);
		assert_non_null(difference);
		expect(json_object_get(difference, "profiles"), rows[i].profiles);
		expect(json_object_get(difference, "rules"), rows[i].rules);
		assert_int_equal(json_is_true(json_object_get(
				     json_object_get(difference, "rules"), "reordered")),
		    rows[i].reordered);
		json_decref(difference);
		json_decref(from);
		json_decref(to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
