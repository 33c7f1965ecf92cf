#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"
#include "tests/unit/support.h"

static void grows_and_stays_terminated(void **state)
{
	struct ca_buf buf = CA_BUF_INIT;

	(void)state;
	assert_string_equal(ca_buf_text(&buf), "");
	for (int i = 0; i < 10000; i++)
		ca_buf_add_byte(&buf, (unsigned char)('a' + i % 26));
	ca_buf_addf(&buf, "-%s-%d", "end", 42);
	assert_int_equal(buf.len, 10007);
	assert_int_equal(buf.data[buf.len], 0);
	assert_string_equal(ca_buf_text(&buf) + 10000, "-end-42");
	assert_int_equal(ca_buf_error(&buf), 0);
	ca_buf_clear(&buf);
	assert_string_equal(ca_buf_text(&buf), "");
	ca_buf_add(&buf, "x", 0);
	assert_int_equal(buf.len, 0);
	ca_buf_free(&buf);
	ca_buf_free(&buf);
	ca_buf_free(NULL);
}

static void failure_is_sticky(void **state)
{
	struct ca_buf buf = CA_BUF_INIT;

	(void)state;
	ca_buf_add_str(&buf, "before");
	ca_buf_add(&buf, "huge", SIZE_MAX / 2);
	ca_buf_add_str(&buf, "after");
	assert_int_equal(ca_buf_error(&buf), CA_ENOMEM);
	assert_string_equal(ca_buf_text(&buf), "");
	ca_buf_free(&buf);
	assert_int_equal(ca_buf_error(&buf), 0);
}

static void taking_leaves_it_empty(void **state)
{
	struct ca_buf buf = CA_BUF_INIT;
	unsigned char *data;
	size_t len = 99;

	(void)state;
	assert_null(ca_buf_take(&buf, &len));
	assert_int_equal(len, 99);
	ca_buf_add_str(&buf, "content");
	data = ca_buf_take(&buf, &len);
	assert_int_equal(len, 7);
	assert_memory_equal(data, "content", 8);
	assert_null(buf.data);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(failure_is_sticky),
		cmocka_unit_test(taking_leaves_it_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
