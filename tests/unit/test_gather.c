#include "store/gather.h"
#include "tests/unit/support.h"

/* Groups of up to `clients` jobs come as they would when each client has one request under way. */
static size_t taken(struct store_gather *gather, size_t clients)
{
	size_t target = store_gather_target(gather, clients > 1);
	size_t n = clients < target ? clients : target;

	store_gather_learn(gather, target, n);
	return n;
}

static void one_client_never_waits(void **state)
{
	struct store_gather gather = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(store_gather_target(&gather, false), 1);
		assert_int_equal(taken(&gather, 1), 1);
	}
}

static void many_clients_share_a_commit(void **state)
{
	struct store_gather gather = { 0 };
	size_t jobs = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		jobs += taken(&gather, 1000);
	assert_int_equal(store_gather_target(&gather, false), STORE_GATHER_MAX);
	assert_true(jobs > 4 * 1000);
}

static void a_few_clients_are_seldom_waited_for_in_vain(void **state)
{
	struct store_gather gather = { 0 };
	int in_vain = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		in_vain += store_gather_target(&gather, true) > 5;
		taken(&gather, 5);
	}
	assert_in_range(in_vain, 1, 1000 / 8);
}

static void when_the_others_leave_it_soon_stops_waiting(void **state)
{
	struct store_gather gather = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		taken(&gather, 32);
	for (int i = 0; i < 8; i++)
		taken(&gather, 1);
	assert_int_equal(store_gather_target(&gather, false), 1);
}

static void one_late_comer_does_not_undo_what_was_learnt(void **state)
{
	struct store_gather gather = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		taken(&gather, 32);
	taken(&gather, 3);
	assert_true(store_gather_target(&gather, false) > STORE_GATHER_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_client_never_waits),
		cmocka_unit_test(many_clients_share_a_commit),
		cmocka_unit_test(a_few_clients_are_seldom_waited_for_in_vain),
		cmocka_unit_test(when_the_others_leave_it_soon_stops_waiting),
		cmocka_unit_test(one_late_comer_does_not_undo_what_was_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
