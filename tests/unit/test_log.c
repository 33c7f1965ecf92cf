#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "ca/base/log.h"
#include "tests/unit/support.h"

/* What the two calls below write to standard error. */
static char *logged(bool json, enum ca_log_level level, const char *event, const char *value)
{
	const struct ca_log_field fields[] = { { "key", value }, { "absent", NULL }, { 0 } };
	static char text[4096];
	int pipes[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	ca_log_setup(json, CA_LOG_INFO);
	ca_log_event(level, event, fields);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(pipes[1]);
	close(saved);
	n = read(pipes[0], text, sizeof(text) - 1);
	close(pipes[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void input_cannot_forge_a_line(void **state)
{
	char *text = logged(false, CA_LOG_WARN, "a\nb", "x\n2026 error forged \x1b[31m\"");

	(void)state;
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(
	    strstr(text, "warn  a?b key=\"x\\u000a2026 error forged \\u001b[31m\\\"\"\n"));
	assert_null(strstr(text, "absent"));
}

static void json_is_json(void **state)
{
	char *text = logged(true, CA_LOG_ERROR, "ev\"ent", "v\\al\tue\xff");
	json_t *line = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(line, "event")), "ev\"ent");
	assert_string_equal(json_string_value(json_object_get(line, "key")), "v\\al\tue\xc3\xbf");
	assert_int_equal(strlen(json_string_value(json_object_get(line, "time"))), 20);
	json_decref(line);
}

static void words_stay_bare_and_levels_count(void **state)
{
	(void)state;
	assert_non_null(strstr(logged(false, CA_LOG_INFO, "listening", "127.0.0.1:80"),
	    "info  listening key=127.0.0.1:80\n"));
	assert_non_null(strstr(logged(false, CA_LOG_INFO, "e", ""), "key=\"\"\n"));
	assert_string_equal(logged(false, CA_LOG_DEBUG, "too quiet", "x"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_cannot_forge_a_line),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(words_stay_bare_and_levels_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
