#include <string.h>

#include "api/server/verified.h"
#include "tests/unit/support.h"

static struct server_verified verified = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void hash(unsigned char out[32], unsigned char first, unsigned char last)
{
	memset(out, 7, 32);
	out[0] = first;
	out[31] = last;
}

static void only_what_was_added_is_there(void **state)
{
	unsigned char a[32], b[32];

	(void)state;
	hash(a, 1, 1);
	hash(b, 1, 2); /* the same place */
	assert_false(server_verified_has(&verified, a, 5));
	server_verified_add(&verified, a, 5);
	assert_true(server_verified_has(&verified, a, 5));
	assert_false(server_verified_has(&verified, a, 6));
	assert_false(server_verified_has(&verified, b, 5));
}

static void an_empty_place_holds_nothing(void **state)
{
	static const unsigned char zeroes[32];

	(void)state;
	assert_false(server_verified_has(&verified, zeroes, 0));
}

static void a_newer_one_takes_the_place(void **state)
{
	unsigned char a[32], b[32];

	(void)state;
	hash(a, 1, 1);
	hash(b, 1, 2);
	server_verified_add(&verified, a, 5);
	server_verified_add(&verified, b, 5);
	assert_true(server_verified_has(&verified, b, 5));
	assert_false(server_verified_has(&verified, a, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_added_is_there),
		cmocka_unit_test(an_empty_place_holds_nothing),
		cmocka_unit_test(a_newer_one_takes_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
