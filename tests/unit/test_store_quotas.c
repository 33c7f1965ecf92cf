#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#include "store/certificates.h"
#include "store/db.h"
#include "store/identities.h"
#include "store/installation.h"
#include "store/quotas.h"

#define NOW 1800000000
#define DAY 86400

static char *dir;
static struct store *store;
static unsigned serials;

static int populate(struct store_tx *tx, void *arg)
{
	static unsigned char octets[] = { 0x30, 0x00 };
	struct store_tenant tenants[] = { { 1, "system", NOW, 0, 0 }, { 2, "default", NOW, 0, 0 },
		{ 3, "other", NOW, 0, 0 } };
	struct store_authority issuer = { .tenant_id = 2,
		.name = "default-1",
		.serial = { 1 },
		.serial_len = 1,
		.crl_shards = 1,
		.certificate = { octets, 2 } };

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_tenant_add(tx, &tenants[i]), 0);
	assert_int_equal(store_authority_add(tx, &issuer), 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	assert_int_equal(store_write(store, populate, NULL), 0);
	serials = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	support_rmdir(dir);
	return 0;
}

/* ---- what the tests do ---- */

static int add_certificate(struct store_tx *tx, const struct store_quota_ask *ask, int64_t *id)
{
	unsigned char der[] = { 0x30, 0x00 };
	struct store_certificate row = { .tenant_id = ask->tenant_id,
		.issuer_id = 1,
		.identity_id = ask->identity_id,
		.serial = { 1 },
		.serial_len = 5,
		.profile = "service",
		.not_after = ask->not_after,
		.der = der,
		.der_len = 2 };
	unsigned serial = ++serials;
	int rc;

	memcpy(row.serial + 1, &serial, sizeof(serial));
	rc = store_certificate_add(tx, &row);
	*id = row.id;
	return rc;
}

struct enrolment {
	struct store_quota_ask ask;
	struct ca_detail why;
	int64_t id;
};

/* One enrolment, as the server does it. */
static int run_enrol(struct store_tx *tx, void *arg)
{
	struct enrolment *e = arg;
	int rc;

	e->why.text[0] = '\0';
	rc = store_quota_take(tx, &e->ask, &e->why);
	return rc ? rc : add_certificate(tx, &e->ask, &e->id);
}

static struct enrolment last;

static int enrol(const struct store_quota_ask *ask, int64_t now, int64_t lifetime)
{
	last = (struct enrolment){ .ask = *ask };
	last.ask.now = now;
	last.ask.not_after = now + lifetime;
	return store_write(store, run_enrol, &last);
}

static int run_set(struct store_tx *tx, void *arg)
{
	const int64_t *values = arg;

	return store_quota_set(tx, 2, values[0], values[1]);
}

static void set_quota(int64_t alive_max, int64_t now)
{
	assert_int_equal(store_write(store, run_set, (int64_t[]){ alive_max, now }), 0);
}

static int run_revoke(struct store_tx *tx, void *arg)
{
	return store_certificate_revoke(tx, *(int64_t *)arg, NOW, 4, NULL);
}

static void revoke(int64_t id)
{
	assert_int_equal(store_write(store, run_revoke, &id), 0);
}

static int run_sweep(struct store_tx *tx, void *arg)
{
	const int64_t *values = arg;

	return store_quota_sweep(tx, values[0], (size_t)values[1]);
}

static void sweep(int64_t now, int64_t max)
{
	assert_int_equal(store_write(store, run_sweep, (int64_t[]){ now, max }), 0);
}

static int64_t number(const char *sql)
{
	struct store_tx *tx;
	int64_t n = -1;

	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_db_pragma(tx, sql, &n), 0);
	store_read_end(tx);
	return n;
}

static int64_t kept(void)
{
	return number("SELECT ifnull(max(certificates), -1) FROM alive WHERE tenant_id = 2");
}

/* ---- a tenant's certificates alive ---- */

static void test_no_quota_keeps_nothing(void **state)
{
	const struct store_quota_ask none = { .tenant_id = 2, .pod = "uid", .identity_id = 7 };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(enrol(&none, NOW, DAY), 0);
	assert_int_equal(number("SELECT count(*) FROM alive"), 0);
	assert_int_equal(number("SELECT count(*) FROM rates"), 0);
}

static void test_alive_is_bounded(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 3 };
	const struct store_quota_ask other = { .tenant_id = 3 };

	(void)state;
	set_quota(3, NOW);
	assert_int_equal(enrol(&other, NOW, DAY), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(enrol(&ask, NOW + i, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 3, DAY), CA_EQUOTA);
	assert_string_equal(
	    last.why.text, "the tenant's quota of certificates alive is 3, and used up");
	assert_int_equal(kept(), 3);
	assert_int_equal(enrol(&other, NOW, DAY), 0);
}

static void test_expired_makes_room_at_its_second(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 2 };

	(void)state;
	set_quota(2, NOW);
	assert_int_equal(enrol(&ask, NOW, 100), 0);
	assert_int_equal(enrol(&ask, NOW, 200), 0);
	/* It is good in its last second. */
	assert_int_equal(enrol(&ask, NOW + 100, 1000), CA_EQUOTA);
	assert_int_equal(enrol(&ask, NOW + 101, 1000), 0);
	assert_int_equal(enrol(&ask, NOW + 101, 1000), CA_EQUOTA);
	assert_int_equal(enrol(&ask, NOW + 5000, 1000), 0);
	assert_int_equal(enrol(&ask, NOW + 5000, 1000), 0);
	assert_int_equal(enrol(&ask, NOW + 5000, 1000), CA_EQUOTA);
	assert_int_equal(kept(), 2);
}

static void test_revoked_makes_room_once(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 2 };
	int64_t first;

	(void)state;
	set_quota(2, NOW);
	assert_int_equal(enrol(&ask, NOW, 100), 0);
	first = last.id;
	assert_int_equal(enrol(&ask, NOW, 200), 0);
	revoke(first);
	revoke(first);
	assert_int_equal(kept(), 1);
	assert_int_equal(enrol(&ask, NOW, 300), 0);
	assert_int_equal(enrol(&ask, NOW, 300), CA_EQUOTA);
	/* It expires, too: that makes no second room. */
	assert_int_equal(enrol(&ask, NOW + 101, 300), CA_EQUOTA);
	assert_int_equal(enrol(&ask, NOW + 201, 300), 0);
	assert_int_equal(enrol(&ask, NOW + 201, 300), CA_EQUOTA);
}

static void test_revoked_after_its_end(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 3 };
	int64_t swept, unswept;

	(void)state;
	set_quota(3, NOW);
	assert_int_equal(enrol(&ask, NOW, 100), 0);
	swept = last.id;
	assert_int_equal(enrol(&ask, NOW, 1000), 0);
	unswept = last.id;
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	sweep(NOW + 500, 100);
	assert_int_equal(kept(), 2);
	revoke(swept); /* was taken off when it ended */
	assert_int_equal(kept(), 2);
	revoke(unswept); /* ended by now, let us say, but nobody has looked yet */
	assert_int_equal(kept(), 1);
	sweep(NOW + 2000, 100);
	assert_int_equal(kept(), 1);
}

static void test_sweeps_in_steps_through_one_second(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 1000 };
	const struct store_quota_ask lowered = { .tenant_id = 2, .alive_max = 5 };
	int64_t ids[10];

	(void)state;
	set_quota(1000, NOW);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(enrol(&ask, NOW, 100), 0);
		if (i % 20 == 0)
			ids[i / 20] = last.id;
	}
	sweep(NOW + 101, 30);
	assert_int_equal(kept(), 170);
	revoke(ids[0]); /* swept */
	revoke(ids[1]);
	assert_int_equal(kept(), 170);
	revoke(ids[2]); /* of the same second, and not swept */
	revoke(ids[9]);
	assert_int_equal(kept(), 168);
	/* Beyond the bound, until enough steps were made. */
	assert_int_equal(enrol(&lowered, NOW + 101, DAY), CA_EQUOTA);
	assert_int_equal(kept(), 168);
	sweep(NOW + 101, 100);
	assert_int_equal(kept(), 69);
	assert_int_equal(enrol(&lowered, NOW + 101, DAY), CA_EQUOTA);
	sweep(NOW + 101, 100);
	assert_int_equal(kept(), 0);
	assert_int_equal(enrol(&lowered, NOW + 101, DAY), 0);
	assert_int_equal(kept(), 1);
}

static void test_enrolments_sweep_by_themselves(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 300 };

	(void)state;
	set_quota(300, NOW);
	for (int i = 0; i < 300; i++)
		assert_int_equal(enrol(&ask, NOW, 100), 0);
	assert_int_equal(enrol(&ask, NOW, 100), CA_EQUOTA);
	for (int i = 0; i < 300; i++)
		assert_int_equal(enrol(&ask, NOW + 101, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 101, DAY), CA_EQUOTA);
	assert_int_equal(kept(), 300);
}

static void test_a_quota_set_later_counts_what_is_there(void **state)
{
	const struct store_quota_ask none = { .tenant_id = 2 },
				     ask = { .tenant_id = 2, .alive_max = 3 };

	(void)state;
	assert_int_equal(enrol(&none, NOW, 100), 0); /* ended by then */
	assert_int_equal(enrol(&none, NOW, DAY), 0);
	assert_int_equal(enrol(&none, NOW, DAY), 0);
	revoke(last.id);
	assert_int_equal(enrol(&none, NOW, DAY), 0);
	set_quota(3, NOW + 1000);
	assert_int_equal(kept(), 2);
	assert_int_equal(enrol(&ask, NOW + 1000, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 1000, DAY), CA_EQUOTA);
	/* Taken away, and given again. */
	set_quota(0, NOW + 1000);
	assert_int_equal(kept(), -1);
	assert_int_equal(enrol(&none, NOW + 1000, DAY), 0);
	set_quota(3, NOW + 1000);
	assert_int_equal(kept(), 4);
	assert_int_equal(enrol(&ask, NOW + 1000, DAY), CA_EQUOTA);
}

static void test_a_quota_that_nobody_counted_for(void **state)
{
	const struct store_quota_ask none = { .tenant_id = 2 },
				     ask = { .tenant_id = 2, .alive_max = 2 };

	(void)state;
	assert_int_equal(enrol(&none, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(kept(), 2);
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
}

static void test_the_clock_goes_back(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 2 };

	(void)state;
	set_quota(2, NOW);
	assert_int_equal(enrol(&ask, NOW + 1800, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, 100), 0); /* ends before what was swept */
	assert_int_equal(kept(), 1);
	sweep(NOW + 10 * DAY, 100);
	assert_int_equal(kept(), 0);
}

/* A clock that stood in the future for a moment must not leave the tenant without a quota until
 * then. */
static void test_the_clock_goes_forth_and_back(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .alive_max = 2 };
	int64_t id;

	(void)state;
	set_quota(2, NOW);
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	id = last.id;
	sweep(NOW + 400 * DAY, 100);
	assert_int_equal(enrol(&ask, NOW + 400 * DAY, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
	revoke(id);
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
	assert_int_equal(kept(), 2);
	/* Counted anew for good, also when nobody may have one. */
	sweep(NOW + 400 * DAY, 100);
	assert_int_equal(kept(), 1);
	sweep(NOW, 100);
	assert_int_equal(kept(), 2);
	/* What the wrong clock made counts to its end. */
	assert_int_equal(enrol(&ask, NOW + 2 * DAY, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 2 * DAY, DAY), CA_EQUOTA);
}

/* ---- an identity's ---- */

static int run_add_identity(struct store_tx *tx, void *arg)
{
	int rc =
	    store_db_exec(tx, "INSERT INTO sources (name, issuer, kind, version, settings, "
			      "created_at, removed_at) VALUES ('prod', 'i', 1, 1, '{}', 1, 0)");

	return rc ? rc : store_identity_ensure(tx, 2, 1, "ns/sa", NOW, arg);
}

static void test_identity_alive(void **state)
{
	struct store_quota_ask ask = { .tenant_id = 2, .identity_alive_max = 2 };
	struct store_tx *tx;
	int64_t n = 0;

	(void)state;
	assert_int_equal(store_write(store, run_add_identity, &ask.identity_id), 0);
	assert_int_equal(enrol(&ask, NOW, 100), 0);
	assert_int_equal(enrol(&ask, NOW, 200), 0);
	assert_int_equal(enrol(&ask, NOW + 100, 200), CA_EQUOTA);
	assert_string_equal(
	    last.why.text, "the identity's quota of certificates alive is 2, and used up");
	assert_int_equal(enrol(&ask, NOW + 101, 200), 0);
	assert_int_equal(enrol(&ask, NOW + 101, 200), CA_EQUOTA);
	revoke(3);
	assert_int_equal(enrol(&ask, NOW + 101, 200), 0);
	ask.identity_id = 99; /* another has its own */
	assert_int_equal(enrol(&ask, NOW + 101, 200), 0);
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_identity_alive(tx, 1, NOW + 101, 10, &n), 0);
	store_read_end(tx);
	assert_int_equal(n, 2);
}

/* ---- rates ---- */

static void test_a_tenants_minute(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2, .minute_max = 3 };
	const struct store_quota_ask other = { .tenant_id = 3, .minute_max = 3 };

	(void)state;
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 30, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 40, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 40, DAY), CA_EQUOTA);
	assert_string_equal(
	    last.why.text, "the quota of the tenant is 3 a minute, and used up: again in 20 s");
	assert_int_equal(enrol(&other, NOW + 40, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 59, DAY), CA_EQUOTA);
	assert_int_equal(enrol(&ask, NOW + 60, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 60, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 60, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 119, DAY), CA_EQUOTA);
	for (int i = 0; i < 3; i++)
		assert_int_equal(enrol(&ask, NOW + 120, DAY), 0);
	assert_int_equal(enrol(&ask, NOW + 120, DAY), CA_EQUOTA);
	/* A window that lies in the future binds nobody. */
	assert_int_equal(enrol(&ask, NOW - DAY, DAY), 0);
	assert_int_equal(enrol(&ask, NOW - DAY, DAY), 0);
	assert_int_equal(enrol(&ask, NOW - DAY, DAY), 0);
	assert_int_equal(enrol(&ask, NOW - DAY, DAY), CA_EQUOTA);
}

static void test_identities_and_pods_have_their_own(void **state)
{
	struct store_quota_ask ask = { .tenant_id = 2,
		.identity_id = 1,
		.pod = "11111111-2222-3333-4444-555555555555",
		.identity_minute_max = 4,
		.pod_minute_max = 2 };

	(void)state;
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
	assert_non_null(strstr(last.why.text, "the quota of the pod is 2 "));
	ask.pod = "99999999-2222-3333-4444-555555555555";
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	ask.pod = "00000000-2222-3333-4444-555555555555";
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
	assert_non_null(strstr(last.why.text, "the quota of the identity is 4 "));
	ask.identity_id = 2;
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	/* Another cluster's pod with a UID that was seen here. */
	ask.pod = "11111111-2222-3333-4444-555555555555";
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
	ask.source_id = 7;
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	ask.pod = NULL;
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
}

static void test_refused_counts_nowhere(void **state)
{
	struct store_quota_ask ask = { .tenant_id = 2,
		.alive_max = 10,
		.minute_max = 10,
		.identity_id = 1,
		.identity_minute_max = 1 };

	(void)state;
	set_quota(10, NOW);
	assert_int_equal(enrol(&ask, NOW, DAY), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
	assert_int_equal(kept(), 1);
	assert_int_equal(number("SELECT max(used) FROM rates"), 1);
	ask.identity_id = 0;
	for (int i = 0; i < 9; i++)
		assert_int_equal(enrol(&ask, NOW, DAY), 0);
	assert_int_equal(enrol(&ask, NOW, DAY), CA_EQUOTA);
}

static void test_windows_are_forgotten(void **state)
{
	struct store_quota_ask ask = { .tenant_id = 2, .pod_minute_max = 2 };
	char pod[16];

	(void)state;
	ask.pod = pod;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(pod, sizeof(pod), "pod-%d", i);
		assert_int_equal(enrol(&ask, NOW, DAY), 0);
	}
	assert_int_equal(number("SELECT count(*) FROM rates"), 100);
	assert_int_equal(enrol(&ask, NOW + 59, DAY), 0);
	assert_int_equal(number("SELECT count(*) FROM rates"), 100);
	assert_int_equal(enrol(&ask, NOW + 60, DAY), 0); /* and forgets some */
	assert_true(number("SELECT count(*) FROM rates") < 100);
	sweep(NOW + 60, 1000);
	assert_int_equal(number("SELECT count(*) FROM rates"), 1);
}

/* ---- jobs that are run anew ---- */

static int run_check(struct store_tx *tx, void *arg)
{
	int64_t before = store_db_changes_total(tx);
	int rc = store_quota_check(tx, arg, NULL);

	assert_int_equal(store_db_changes_total(tx), before);
	return rc;
}

static void test_check_writes_nothing(void **state)
{
	struct store_quota_ask ask = {
		.tenant_id = 2, .alive_max = 2, .minute_max = 5, .now = NOW
	};

	(void)state;
	assert_int_equal(store_write(store, run_check, &ask), 0);
	assert_int_equal(enrol(&ask, NOW, 10), 0);
	assert_int_equal(enrol(&ask, NOW, 20), 0);
	assert_int_equal(store_write(store, run_check, &ask), CA_EQUOTA);
	ask.now = NOW + 15;
	assert_int_equal(store_write(store, run_check, &ask), 0);
}

static int run_refused_late(struct store_tx *tx, void *arg)
{
	int rc = run_enrol(tx, arg);

	return rc ? rc : CA_EFORBIDDEN;
}

/* The writer is held in a group of its own until the gate opens: what waits then is the next. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int run_hold(struct store_tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return 0;
}

struct noted {
	struct enrolment e; /* first: the job's argument is both */
	int result;
};

static void note(void *arg, int result)
{
	((struct noted *)arg)->result = result;
}

/* One of them refuses after it wrote: what the others took is taken once. */
static void test_a_group_that_is_run_anew(void **state)
{
	const struct store_quota_ask ask = { .tenant_id = 2,
		.alive_max = 3,
		.minute_max = 100,
		.now = NOW,
		.not_after = NOW + DAY };
	struct noted noted[6] = { 0 };
	struct store_job jobs[6] = { 0 };

	(void)state;
	set_quota(3, NOW);
	pthread_mutex_lock(&gate);
	for (size_t i = 0; i < 6; i++) {
		noted[i] = (struct noted){ .e.ask = ask, .result = 1 };
		jobs[i] = (struct store_job){
			.run = i == 0   ? run_hold
			       : i == 2 ? run_refused_late
					: run_enrol,
			.done = note,
			.arg = &noted[i],
		};
		assert_int_equal(store_submit(store, &jobs[i]), 0);
	}
	pthread_mutex_unlock(&gate);
	sweep(NOW, 1); /* behind them all */
	assert_int_equal(noted[1].result, 0);
	assert_int_equal(noted[2].result, CA_EFORBIDDEN);
	assert_int_equal(noted[3].result, 0);
	assert_int_equal(noted[4].result, 0);
	assert_int_equal(noted[5].result, CA_EQUOTA);
	assert_int_equal(kept(), 3);
	assert_int_equal(number("SELECT used FROM rates"), 3);
	assert_int_equal(number("SELECT count(*) FROM certificates"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_quota_keeps_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alive_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_expired_makes_room_at_its_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoked_makes_room_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoked_after_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_sweeps_in_steps_through_one_second, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_enrolments_sweep_by_themselves, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_quota_set_later_counts_what_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_quota_that_nobody_counted_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_clock_goes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_clock_goes_forth_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity_alive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_tenants_minute, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_identities_and_pods_have_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_counts_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_windows_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_group_that_is_run_anew, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
