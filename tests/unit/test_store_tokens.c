#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#include "store/certificates.h"
#include "store/installation.h"
#include "store/operators.h"
#include "store/tokens.h"

#define NOW 1800000000
#define ONE "0123456789abcdef0123456789abcdef"

static char *dir;
static struct store *store;
static struct store_tx *tx; /* reading; the teardown ends it */

static const unsigned char key_a[STORE_HASH] = { 0xa };
static const unsigned char key_b[STORE_HASH] = { 0xb };
static const unsigned char key_c[STORE_HASH] = { 0xc };

static void begin(void)
{
	assert_int_equal(store_read_begin(store, &tx), 0);
}

static void end(void)
{
	store_read_end(tx);
	tx = NULL;
}

static int populate(struct store_tx *wtx, void *arg)
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
	struct store_operator ada = { .name = "ada", .role = STORE_ROLE_ADMIN };

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_tenant_add(wtx, &tenants[i]), 0);
	assert_int_equal(store_authority_add(wtx, &issuer), 0);
	assert_int_equal(store_operator_add(wtx, &ada), 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	assert_int_equal(store_write(store, populate, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end();
	store_close(store);
	store = NULL;
	support_rmdir(dir);
	return 0;
}

static int add(struct store_tx *wtx, void *arg)
{
	return store_token_add(wtx, arg);
}

/* NULL: any key. */
static const unsigned char *bound_to;

static int put(const char *id, int64_t tenant, int uses, int64_t expires)
{
	struct store_token token = { .tenant_id = tenant,
		.operator_id = 1,
		.profile = "service",
		.uses_max = uses,
		.created_at = NOW,
		.expires_at = expires };
	int rc;

	(void)snprintf(token.id, sizeof(token.id), "%s", id);
	token.bound = bound_to != NULL;
	if (bound_to)
		memcpy(token.spki_sha256, bound_to, STORE_HASH);
	assert_int_equal(ca_names_add(&token.names, CA_NAME_DNS, "web.internal", 12, NULL), 0);
	rc = store_write(store, add, &token);
	store_token_clear(&token);
	return rc;
}

/* One enrolment, as the server does it. */
struct enrolment {
	const char *id;
	const unsigned char *key;
	int64_t now;
	int64_t certificate_id; /* what the key has, new or from before */
	unsigned int serial;
	int result;
};

static int enrol(struct store_tx *wtx, void *arg)
{
	struct enrolment *e = arg;
	unsigned char der[] = { 0x30, 0x00 };
	struct store_certificate row = { .tenant_id = 2,
		.issuer_id = 1,
		.serial = { 1 },
		.serial_len = 5,
		.profile = "service",
		.der = der,
		.der_len = 2 };
	int rc;

	memcpy(row.serial + 1, &e->serial, sizeof(e->serial));
	memcpy(row.spki_sha256, e->key, STORE_HASH);
	rc = store_token_redeem(wtx, e->id, e->key, e->now, &e->certificate_id);
	if (rc)
		return rc;
	rc = store_certificate_add(wtx, &row);
	if (rc == 0)
		rc = store_token_used(wtx, e->id, e->key, row.id);
	if (rc == 0)
		e->certificate_id = row.id;
	return rc;
}

static int try_at(
    const unsigned char *key, unsigned int serial, int64_t now, int64_t *certificate_id)
{
	struct enrolment e = { .id = ONE, .key = key, .now = now, .serial = serial };
	int64_t looked = 0;
	int rc;
	int check;

	begin();
	check = store_token_check(tx, ONE, key, now, &looked);
	end();
	rc = store_write(store, enrol, &e);
	assert_int_equal(check, rc);
	if (rc == CA_EEXIST)
		assert_int_equal(looked, e.certificate_id);
	*certificate_id = e.certificate_id;
	return rc;
}

static int remove_one(struct store_tx *wtx, void *arg)
{
	return store_token_remove(wtx, *(int64_t *)arg, ONE, NOW + 1);
}

static int uses_of(const char *id)
{
	struct store_token token = { 0 };
	int uses;

	begin();
	assert_int_equal(store_token_get(tx, 0, id, &token), 0);
	end();
	uses = token.uses;
	store_token_clear(&token);
	return uses;
}

/* ---- tests ---- */

static void gives_back_what_was_added(void **state)
{
	struct store_token token = { 0 };

	(void)state;
	assert_int_equal(put(ONE, 2, 3, NOW + 60), 0);
	assert_int_equal(put(ONE, 3, 1, NOW + 60), CA_EEXIST);
	begin();
	assert_int_equal(store_token_get(tx, 3, ONE, &token), CA_ENOTFOUND);
	assert_int_equal(store_token_get(tx, 0, "", &token), CA_ENOTFOUND);
	assert_int_equal(store_token_get(tx, 2, ONE, &token), 0);
	assert_string_equal(token.id, ONE);
	assert_int_equal(token.tenant_id, 2);
	assert_int_equal(token.operator_id, 1);
	assert_string_equal(token.profile, "service");
	assert_true(ca_names_has(&token.names, CA_NAME_DNS, "web.internal"));
	assert_int_equal(token.uses_max, 3);
	assert_int_equal(token.uses, 0);
	assert_int_equal(token.created_at, NOW);
	assert_int_equal(token.expires_at, NOW + 60);
	assert_int_equal(token.removed_at, 0);
	assert_false(token.bound);
	store_token_clear(&token);
}

static void bound_to_one_key(void **state)
{
	struct store_token token = { 0 };
	int64_t first = 0, again = 0, none = 0;

	(void)state;
	bound_to = key_b;
	assert_int_equal(put(ONE, 2, 2, NOW + 60), 0);
	bound_to = NULL;
	assert_int_equal(try_at(key_a, 1, NOW, &none), CA_ETOKENKEY);
	assert_int_equal(uses_of(ONE), 0);
	assert_int_equal(try_at(key_b, 2, NOW, &first), 0);
	assert_int_equal(try_at(key_b, 3, NOW, &again), CA_EEXIST);
	assert_int_equal(first, again);
	assert_int_equal(try_at(key_a, 4, NOW, &none), CA_ETOKENKEY);
	assert_int_equal(try_at(key_a, 5, NOW + 61, &none), CA_ETOKENEXPIRED);
	assert_int_equal(none, 0);
	assert_int_equal(uses_of(ONE), 1);
	begin();
	assert_int_equal(store_token_get(tx, 2, ONE, &token), 0);
	end();
	assert_true(token.bound);
	assert_memory_equal(token.spki_sha256, key_b, STORE_HASH);
	store_token_clear(&token);
}

static void one_use_is_one_key(void **state)
{
	int64_t first = 0, again = 0, none = 0;

	(void)state;
	assert_int_equal(try_at(key_a, 1, NOW, &none), CA_ETOKENFOREIGN);
	assert_int_equal(put(ONE, 2, 1, NOW + 60), 0);
	assert_int_equal(try_at(key_a, 1, NOW, &first), 0);
	assert_int_equal(try_at(key_a, 2, NOW + 60, &again), CA_EEXIST);
	assert_int_equal(first, again);
	assert_int_equal(try_at(key_b, 3, NOW, &none), CA_ETOKENREPLAYED);
	assert_int_equal(none, 0);
	assert_int_equal(uses_of(ONE), 1);
	assert_int_equal(try_at(key_a, 4, NOW + 61, &none), CA_ETOKENEXPIRED);
	assert_int_equal(try_at(key_b, 4, NOW + 61, &none), CA_ETOKENEXPIRED);
}

static void several_uses_are_several_keys(void **state)
{
	int64_t a = 0, b = 0, again = 0, none = 0;

	(void)state;
	assert_int_equal(put(ONE, 2, 2, NOW + 60), 0);
	assert_int_equal(try_at(key_a, 1, NOW, &a), 0);
	assert_int_equal(try_at(key_a, 2, NOW, &again), CA_EEXIST);
	assert_int_equal(try_at(key_b, 3, NOW, &b), 0);
	assert_int_not_equal(a, b);
	assert_int_equal(try_at(key_c, 4, NOW, &none), CA_ETOKENREPLAYED);
	assert_int_equal(try_at(key_a, 5, NOW, &again), CA_EEXIST);
	assert_int_equal(again, a);
	assert_int_equal(uses_of(ONE), 2);
}

/* The serial is taken: the certificate cannot be added, and the token must not be spent. */
static void a_failed_enrolment_spends_nothing(void **state)
{
	struct enrolment e = { .id = ONE, .key = key_b, .now = NOW, .serial = 1 };
	int64_t id = 0;

	(void)state;
	assert_int_equal(put(ONE, 2, 2, NOW + 60), 0);
	assert_int_equal(try_at(key_a, 1, NOW, &id), 0);
	assert_int_equal(store_write(store, enrol, &e), CA_EEXIST);
	assert_int_equal(e.certificate_id, 0);
	assert_int_equal(uses_of(ONE), 1);
	assert_int_equal(try_at(key_b, 2, NOW, &id), 0);
}

static void a_removed_token_is_no_good(void **state)
{
	int64_t wrong = 3, right = 2, any = 0, id = 0;
	struct store_token token = { 0 };

	(void)state;
	assert_int_equal(store_write(store, remove_one, &any), CA_ENOTFOUND);
	assert_int_equal(put(ONE, 2, 2, NOW + 60), 0);
	assert_int_equal(try_at(key_a, 1, NOW, &id), 0);
	assert_int_equal(store_write(store, remove_one, &wrong), CA_ENOTFOUND);
	assert_int_equal(store_write(store, remove_one, &right), 0);
	assert_int_equal(store_write(store, remove_one, &any), 0);
	assert_int_equal(try_at(key_a, 2, NOW, &id), CA_ETOKENREMOVED);
	assert_int_equal(try_at(key_b, 3, NOW + 900, &id), CA_ETOKENREMOVED);
	begin();
	assert_int_equal(store_token_get(tx, 2, ONE, &token), 0);
	assert_int_equal(token.removed_at, NOW + 1);
	store_token_clear(&token);
}

static int use_unknown(struct store_tx *wtx, void *arg)
{
	(void)arg;
	return store_token_used(wtx, ONE, key_a, 1);
}

static void a_use_needs_a_redemption(void **state)
{
	(void)state;
	assert_int_equal(store_write(store, use_unknown, NULL), CA_ENOTFOUND);
	assert_int_equal(put(ONE, 2, 2, NOW + 60), 0);
	assert_int_equal(store_write(store, use_unknown, NULL), CA_ENOTFOUND);
}

/* ---- races ---- */

static pthread_barrier_t barrier;

static void *race(void *arg)
{
	struct enrolment *e = arg;

	pthread_barrier_wait(&barrier);
	e->result = store_write(store, enrol, e);
	return NULL;
}

#define RACERS 4

static void run_race(struct enrolment e[RACERS])
{
	pthread_t threads[RACERS];

	pthread_barrier_init(&barrier, NULL, RACERS);
	for (size_t i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &e[i]), 0);
	for (size_t i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

/* Different keys race for one use, again and again: one wins. */
static void of_racing_keys_one_wins(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		unsigned char keys[RACERS][STORE_HASH] = { { 0 } };
		struct enrolment e[RACERS];
		char id[STORE_TOKEN_ID];
		int won = 0;

		(void)snprintf(id, sizeof(id), "%032x", round);
		assert_int_equal(put(id, 2, 1, NOW + 60), 0);
		for (unsigned int i = 0; i < RACERS; i++) {
			keys[i][0] = (unsigned char)i;
			e[i] = (struct enrolment){
				.id = id, .key = keys[i], .now = NOW, .serial = round * RACERS + i
			};
		}
		run_race(e);
		for (size_t i = 0; i < RACERS; i++) {
			won += e[i].result == 0;
			assert_true(e[i].result == 0 || e[i].result == CA_ETOKENREPLAYED);
		}
		assert_int_equal(won, 1);
		assert_int_equal(uses_of(id), 1);
	}
	begin();
	{
		int64_t n = 0;

		assert_int_equal(store_certificate_count(tx, &n), 0);
		assert_int_equal(n, 50);
	}
}

/* The same key races with itself (a client that tries again too soon): one certificate, and all get
 * it. */
static void a_key_racing_itself_gets_one_certificate(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		struct enrolment e[RACERS];
		char id[STORE_TOKEN_ID];
		int won = 0;

		(void)snprintf(id, sizeof(id), "%032x", round);
		assert_int_equal(put(id, 2, 1, NOW + 60), 0);
		for (unsigned int i = 0; i < RACERS; i++)
			e[i] = (struct enrolment){
				.id = id, .key = key_a, .now = NOW, .serial = round * RACERS + i
			};
		run_race(e);
		for (size_t i = 0; i < RACERS; i++) {
			won += e[i].result == 0;
			assert_true(e[i].result == 0 || e[i].result == CA_EEXIST);
			assert_int_equal(e[i].certificate_id, e[0].certificate_id);
		}
		assert_int_equal(won, 1);
	}
}

/* ---- listing and pruning ---- */

struct seen {
	char ids[10][STORE_TOKEN_ID];
	size_t n;
};

static int see(const struct store_token *token, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n < 10);
	assert_int_equal(token->names.n, 1);
	memcpy(seen->ids[seen->n++], token->id, STORE_TOKEN_ID);
	return 0;
}

static int say_not_found(const struct store_token *token, void *arg)
{
	(void)token;
	(void)arg;
	return CA_ENOTFOUND;
}

static void lists_those_that_have_not_expired(void **state)
{
	struct seen seen = { .n = 0 };
	bool more = false;

	(void)state;
	assert_int_equal(put("b", 2, 1, NOW + 60), 0);
	assert_int_equal(put("a", 3, 1, NOW + 50), 0);
	assert_int_equal(put("d", 2, 1, NOW + 10), 0);
	assert_int_equal(put("c", 2, 1, NOW + 50), 0);
	begin();
	assert_int_equal(store_token_list(tx, 0, NOW + 50, NULL, 2, &more, see, &seen), 0);
	assert_true(more);
	assert_int_equal(seen.n, 2);
	assert_int_equal(store_token_list(tx, 0, NOW + 50, "a", 2, &more, see, &seen), 0);
	assert_false(more);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.ids[0], "b");
	assert_string_equal(seen.ids[1], "a");
	assert_string_equal(seen.ids[2], "c");
	assert_int_equal(store_token_list(tx, 2, NOW + 50, NULL, 2, &more, see, &seen), 0);
	assert_false(more);
	assert_int_equal(seen.n, 5);
	assert_string_equal(seen.ids[4], "c");
	assert_int_equal(store_token_list(tx, 1, NOW, NULL, 2, &more, see, &seen), 0);
	assert_int_equal(seen.n, 5);
	assert_int_equal(store_token_list(tx, 2, NOW, "x", 2, &more, see, &seen), CA_ENOTFOUND);
	assert_int_equal(
	    store_token_list(tx, 2, NOW, NULL, 2, &more, say_not_found, NULL), CA_ENOTFOUND);
}

struct pruning {
	int64_t before;
	size_t max, removed;
};

static int prune(struct store_tx *wtx, void *arg)
{
	struct pruning *p = arg;

	return store_token_prune(wtx, p->before, p->max, &p->removed);
}

static void prunes_the_expired(void **state)
{
	struct pruning p = { .before = NOW + 61, .max = 2 };
	struct store_token token = { 0 };
	int64_t id = 0;

	(void)state;
	assert_int_equal(put("a", 2, 1, NOW + 61), 0);
	assert_int_equal(put(ONE, 2, 1, NOW + 60), 0);
	assert_int_equal(put("b", 2, 1, NOW + 5), 0);
	assert_int_equal(put("c", 2, 1, NOW + 4), 0);
	assert_int_equal(try_at(key_a, 1, NOW, &id), 0);
	assert_int_equal(store_write(store, prune, &p), 0);
	assert_int_equal(p.removed, 2);
	assert_int_equal(uses_of(ONE), 1);
	assert_int_equal(store_write(store, prune, &p), 0);
	assert_int_equal(p.removed, 1);
	assert_int_equal(store_write(store, prune, &p), 0);
	assert_int_equal(p.removed, 0);
	begin();
	assert_int_equal(store_token_get(tx, 0, ONE, &token), CA_ENOTFOUND);
	assert_int_equal(store_token_get(tx, 0, "a", &token), 0);
	store_token_clear(&token);
	end();
	/* Forgotten whole: its uses are not somebody else's. */
	assert_int_equal(put(ONE, 2, 1, NOW + 60), 0);
	assert_int_equal(try_at(key_a, 2, NOW, &id), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_back_what_was_added, setup, teardown),
		cmocka_unit_test_setup_teardown(bound_to_one_key, setup, teardown),
		cmocka_unit_test_setup_teardown(one_use_is_one_key, setup, teardown),
		cmocka_unit_test_setup_teardown(several_uses_are_several_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_enrolment_spends_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_token_is_no_good, setup, teardown),
		cmocka_unit_test_setup_teardown(a_use_needs_a_redemption, setup, teardown),
		cmocka_unit_test_setup_teardown(of_racing_keys_one_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_key_racing_itself_gets_one_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_those_that_have_not_expired, setup, teardown),
		cmocka_unit_test_setup_teardown(prunes_the_expired, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
