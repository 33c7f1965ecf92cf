#include <string.h>

#include "ca/base/error.h"
#include "tests/unit/support.h"

static void every_code_has_one_name(void **state)
{
	int named = 0;

	(void)state;
	for (int error = 0; error > -200; error--) {
		const char *code = ca_error_code(error);

		if (strcmp(code, "internal-error") == 0)
			continue;
		named++;
		assert_int_equal(ca_error_from_code(code), error);
		assert_true(strspn(code, "abcdefghijklmnopqrstuvwxyz-") == strlen(code));
		assert_true(strlen(ca_error_text(error)) > 0);
		assert_null(strchr(ca_error_text(error), '\n'));
	}
	assert_true(named > 50);
}

static void unknown_numbers_and_names(void **state)
{
	(void)state;
	assert_string_equal(ca_error_code(-9999), "internal-error");
	assert_string_equal(ca_error_code(17), "internal-error");
	assert_int_equal(ca_error_from_code("no-such-code"), 0);
	assert_int_equal(ca_error_from_code(NULL), 0);
	assert_int_equal(ca_error_from_code("internal-error"), CA_EINTERNAL);
}

static void a_refusal_is_printable_and_cut(void **state)
{
	struct ca_detail why;
	char huge[2 * CA_DETAIL_MAX];

	(void)state;
	assert_int_equal(ca_refuse(&why, CA_ENAME, "a%sb%d", "\n\x1b[31m\xc3\xa9", 7), CA_ENAME);
	assert_string_equal(why.text, "a??[31m??b7");
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	ca_refuse(&why, CA_ENAME, "%s", huge);
	assert_int_equal(strlen(why.text), CA_DETAIL_MAX - 1);
	assert_int_equal(ca_refuse(NULL, CA_ENAME, "%s", "nobody listens"), CA_ENAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_one_name),
		cmocka_unit_test(unknown_numbers_and_names),
		cmocka_unit_test(a_refusal_is_printable_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
