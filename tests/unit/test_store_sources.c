#include <stdlib.h>
#include <string.h>

#include "store/sources.h"
#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#define NOW 1800000000

static char *dir;
static struct store *store;
static struct store_tx *tx; /* reading; the teardown ends it */

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_read_end(tx);
	tx = NULL;
	store_close(store);
	support_rmdir(dir);
	return 0;
}

/* ---- one change each ---- */

struct change {
	struct store_source row;
	struct ca_detail why;
};

static int run_add(struct store_tx *wtx, void *arg)
{
	struct change *change = arg;

	return store_source_add(wtx, &change->row, &change->why);
}

static int add(const char *name, const char *issuer, enum store_source_kind kind, int64_t *id)
{
	struct change change = { .row = { .kind = kind, .created_at = NOW } };
	int r;

	strcpy(change.row.name, name);
	change.row.issuer = strdup(issuer);
	change.row.settings = strdup("{\"a\":1}");
	r = store_write(store, run_add, &change);
	assert_true(r == 0 || change.why.text[0]);
	if (id)
		*id = change.row.id;
	store_source_clear(&change.row);
	return r;
}

static int run_set(struct store_tx *wtx, void *arg)
{
	const int64_t *id = arg;

	return store_source_set(wtx, *id, "{\"b\":2}");
}

static int run_remove(struct store_tx *wtx, void *arg)
{
	const int64_t *id = arg;

	return store_source_remove(wtx, *id, NOW + 5);
}

static void get(const char *name, struct store_source *out)
{
	assert_int_equal(store_read_begin(store, &tx), 0);
	assert_int_equal(store_source_get_name(tx, name, out), 0);
	store_read_end(tx);
	tx = NULL;
}

/* ---- */

static void a_source_has_its_life(void **state)
{
	struct store_source row = { 0 };
	int64_t id;

	(void)state;
	assert_int_equal(add("prod", "https://a.example.org", STORE_SOURCE_KUBERNETES, &id), 0);
	get("prod", &row);
	assert_true(row.id == id && row.version == 1 && row.kind == STORE_SOURCE_KUBERNETES);
	assert_string_equal(row.issuer, "https://a.example.org");
	assert_string_equal(row.settings, "{\"a\":1}");
	assert_true(row.created_at == NOW && row.removed_at == 0);
	store_source_clear(&row);
	assert_int_equal(store_write(store, run_set, &id), 0);
	get("prod", &row);
	assert_int_equal(row.version, 2);
	assert_string_equal(row.settings, "{\"b\":2}");
	store_source_clear(&row);
	assert_int_equal(store_write(store, run_remove, &id), 0);
	assert_int_equal(store_write(store, run_remove, &id), 0);
	get("prod", &row);
	assert_true(row.version == 3 && row.removed_at == NOW + 5);
	store_source_clear(&row);
}

static void a_name_belongs_to_one_issuer(void **state)
{
	struct store_source row = { 0 };
	int64_t id, again;

	(void)state;
	assert_int_equal(add("prod", "https://a.example.org", STORE_SOURCE_OIDC, &id), 0);
	assert_int_equal(add("prod", "https://a.example.org", STORE_SOURCE_OIDC, NULL), CA_EEXIST);
	assert_int_equal(add("prod", "https://b.example.org", STORE_SOURCE_OIDC, NULL), CA_EEXIST);
	assert_int_equal(add("test", "https://a.example.org", STORE_SOURCE_OIDC, NULL), CA_EEXIST);
	assert_int_equal(store_write(store, run_remove, &id), 0);
	assert_int_equal(add("prod", "https://b.example.org", STORE_SOURCE_OIDC, NULL), CA_EEXIST);
	assert_int_equal(add("test", "https://a.example.org", STORE_SOURCE_OIDC, NULL), CA_EEXIST);
	assert_int_equal(
	    add("prod", "https://a.example.org", STORE_SOURCE_KUBERNETES, NULL), CA_EEXIST);
	/* The very same comes back, and what holds on to it finds it. */
	assert_int_equal(add("prod", "https://a.example.org", STORE_SOURCE_OIDC, &again), 0);
	assert_true(again == id);
	get("prod", &row);
	assert_true(row.version == 3 && row.removed_at == 0);
	store_source_clear(&row);
	assert_int_equal(add("test", "https://b.example.org", STORE_SOURCE_OIDC, NULL), 0);
	/* Two removed ones do not make a new one. */
	assert_int_equal(store_write(store, run_remove, &id), 0);
	assert_int_equal(add("prod", "https://b.example.org", STORE_SOURCE_OIDC, NULL), CA_EEXIST);
}

static void one_after_the_other(void **state)
{
	struct store_source row = { 0 };
	int64_t after = 0, removed;

	(void)state;
	assert_int_equal(add("a", "https://a.example.org", STORE_SOURCE_OIDC, NULL), 0);
	assert_int_equal(add("b", "https://b.example.org", STORE_SOURCE_OIDC, &removed), 0);
	assert_int_equal(add("c", "https://c.example.org", STORE_SOURCE_OIDC, NULL), 0);
	assert_int_equal(store_write(store, run_remove, &removed), 0);
	assert_int_equal(store_read_begin(store, &tx), 0);
	for (const char *name = "abc"; *name; name++) {
		assert_int_equal(store_source_next(tx, after, &row), 0);
		assert_int_equal(row.name[0], *name);
		after = row.id;
		store_source_clear(&row);
	}
	assert_int_equal(store_source_next(tx, after, &row), CA_ENOTFOUND);
	assert_int_equal(store_source_get_name(tx, "d", &row), CA_ENOTFOUND);
}

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(store_source_kind_parse("kubernetes"), STORE_SOURCE_KUBERNETES);
	assert_int_equal(store_source_kind_parse("oidc"), STORE_SOURCE_OIDC);
	assert_int_equal(store_source_kind_parse("OIDC"), 0);
	assert_int_equal(store_source_kind_parse(NULL), 0);
	assert_string_equal(store_source_kind_text(STORE_SOURCE_OIDC), "oidc");
	assert_null(store_source_kind_text((enum store_source_kind)0));
	assert_null(store_source_kind_text((enum store_source_kind)9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_source_has_its_life, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_belongs_to_one_issuer, setup, teardown),
		cmocka_unit_test_setup_teardown(one_after_the_other, setup, teardown),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
