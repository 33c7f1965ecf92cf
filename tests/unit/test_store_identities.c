#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#include "store/certificates.h"
#include "store/db.h"
#include "store/identities.h"
#include "store/installation.h"

#define NOW 1800000000

static char *dir;
static struct store *store;
static struct store_tx *tx; /* reading; the teardown ends it */

static int populate(struct store_tx *wtx, void *arg)
{
	struct store_tenant tenants[] = { { 1, "system", NOW, 0, 0 }, { 2, "default", NOW, 0, 0 },
		{ 3, "other", NOW, 0, 0 } };

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_tenant_add(wtx, &tenants[i]), 0);
	return store_db_exec(wtx,
	    "INSERT INTO sources (id, name, issuer, kind, version, settings, created_at, "
	    "removed_at) VALUES (1, 'prod', 'https://prod', 1, 1, '{}', 1, 0), "
	    "(2, 'ci', 'https://ci', 2, 1, '{}', 1, 0)");
}

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	assert_int_equal(store_write(store, populate, NULL), 0);
	return 0;
}

static void begin(void)
{
	assert_int_equal(store_read_begin(store, &tx), 0);
}

static void end(void)
{
	store_read_end(tx);
	tx = NULL;
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

/* ---- what the tests do ---- */

struct who {
	int64_t tenant_id, source_id;
	const char *subject;
	int64_t now;
	int64_t id;
};

static int run_ensure(struct store_tx *wtx, void *arg)
{
	struct who *who = arg;

	return store_identity_ensure(
	    wtx, who->tenant_id, who->source_id, who->subject, who->now, &who->id);
}

static int ensure(int64_t tenant_id, int64_t source_id, const char *subject, int64_t *id)
{
	struct who who = { tenant_id, source_id, subject, NOW, 0 };
	int rc = store_write(store, run_ensure, &who);

	*id = who.id;
	return rc;
}

static int64_t added(int64_t tenant_id, int64_t source_id, const char *subject)
{
	int64_t id = 0;

	assert_int_equal(ensure(tenant_id, source_id, subject, &id), 0);
	assert_true(id > 0);
	return id;
}

static int run_disable(struct store_tx *wtx, void *arg)
{
	const struct who *who = arg;

	return store_identity_disable(wtx, who->tenant_id, who->id, who->now);
}

static int run_enable(struct store_tx *wtx, void *arg)
{
	const struct who *who = arg;

	return store_identity_enable(wtx, who->tenant_id, who->id);
}

static int disable(int64_t tenant_id, int64_t id, int64_t now)
{
	return store_write(store, run_disable, &(struct who){ tenant_id, 0, NULL, now, id });
}

static int enable(int64_t tenant_id, int64_t id)
{
	return store_write(store, run_enable, &(struct who){ tenant_id, 0, NULL, 0, id });
}

static int64_t disabled_at(int64_t id)
{
	struct store_identity row = { 0 };
	int64_t at;

	begin();
	assert_int_equal(store_identity_get(tx, 0, id, &row), 0);
	end();
	at = row.disabled_at;
	store_identity_clear(&row);
	return at;
}

/* ---- one ---- */

static void test_each_is_there_once(void **state)
{
	int64_t one = added(2, 1, "ns/sa"), id = 0;

	(void)state;
	assert_int_equal(added(2, 1, "ns/sa"), one);
	assert_int_not_equal(added(3, 1, "ns/sa"), one);
	assert_int_not_equal(added(2, 2, "ns/sa"), one);
	assert_int_not_equal(added(2, 1, "ns/SA"), one);
	begin();
	assert_int_equal(store_identity_find(tx, 2, 1, "ns/sa", &id), 0);
	assert_int_equal(id, one);
	assert_int_equal(store_identity_find(tx, 2, 1, "ns/s", &id), CA_ENOTFOUND);
	assert_int_equal(store_identity_find(tx, 1, 1, "ns/sa", &id), CA_ENOTFOUND);
}

static void test_get(void **state)
{
	int64_t id = added(2, 2, "repo:web:ref:main");
	struct store_identity row = { 0 };

	(void)state;
	begin();
	assert_int_equal(store_identity_get(tx, 2, id, &row), 0);
	assert_int_equal(row.id, id);
	assert_int_equal(row.tenant_id, 2);
	assert_int_equal(row.source_id, 2);
	assert_string_equal(row.source, "ci");
	assert_string_equal(row.subject, "repo:web:ref:main");
	assert_int_equal(row.created_at, NOW);
	assert_int_equal(row.disabled_at, 0);
	store_identity_clear(&row);
	assert_int_equal(store_identity_get(tx, 3, id, &row), CA_ENOTFOUND);
	assert_int_equal(store_identity_get(tx, 0, id + 1, &row), CA_ENOTFOUND);
	assert_null(row.subject);
	store_identity_clear(NULL);
}

static void test_disabled_and_enabled(void **state)
{
	int64_t id = added(2, 1, "ns/sa"), found = 0;

	(void)state;
	assert_int_equal(disable(2, id, NOW + 1), 0);
	assert_int_equal(disable(2, id, NOW + 9), 0);
	assert_int_equal(disabled_at(id), NOW + 1);
	assert_int_equal(ensure(2, 1, "ns/sa", &found), CA_EIDENTITYDISABLED);
	assert_int_equal(found, id);
	begin();
	assert_int_equal(store_identity_find(tx, 2, 1, "ns/sa", &found), CA_EIDENTITYDISABLED);
	assert_int_equal(store_identity_check(tx, id), CA_EIDENTITYDISABLED);
	assert_int_equal(store_identity_check(tx, 999), CA_ENOTFOUND);
	end();
	assert_int_equal(enable(2, id), 0);
	assert_int_equal(enable(0, id), 0);
	assert_int_equal(disabled_at(id), 0);
	assert_int_equal(added(2, 1, "ns/sa"), id);
	begin();
	assert_int_equal(store_identity_check(tx, id), 0);
}

static void test_of_another_tenant(void **state)
{
	int64_t id = added(2, 1, "ns/sa");

	(void)state;
	assert_int_equal(disable(3, id, NOW), CA_ENOTFOUND);
	assert_int_equal(disable(2, id + 1, NOW), CA_ENOTFOUND);
	assert_int_equal(enable(3, id), CA_ENOTFOUND);
	assert_int_equal(disabled_at(id), 0);
}

/* What is remembered of somebody's rights must be read anew; a new identity takes nothing away. */
static void test_rights_change_with_it(void **state)
{
	uint64_t rights = store_rights_version(store);
	int64_t id = added(2, 1, "ns/sa");

	(void)state;
	assert_int_equal(store_rights_version(store), rights);
	assert_int_equal(disable(2, id, NOW), 0);
	assert_true(store_rights_version(store) > rights);
	rights = store_rights_version(store);
	assert_int_equal(disable(2, id, NOW), 0); /* nothing changed */
	assert_int_equal(store_rights_version(store), rights);
	assert_int_equal(enable(2, id), 0);
	assert_true(store_rights_version(store) > rights);
}

/* ---- listings ---- */

struct list {
	int64_t ids[2000];
	size_t n, pages, longest, stop;
};

static int collect(const struct store_identity *row, void *arg)
{
	struct list *list = arg;

	assert_non_null(row->subject);
	assert_non_null(row->source);
	assert_true(list->n < 2000);
	list->ids[list->n++] = row->id;
	return list->stop && list->n == list->stop ? CA_EIO : 0;
}

static void walk(const struct store_identity_filter *filter, size_t max, struct list *list)
{
	int64_t after = 0;
	bool more = true;

	*list = (struct list){ 0 };
	begin();
	while (more) {
		size_t before = list->n;

		assert_true(list->pages++ < 100);
		assert_int_equal(
		    store_identity_list(tx, filter, max, &after, &more, collect, list), 0);
		assert_true(list->n - before <= max);
		if (list->n - before > list->longest)
			list->longest = list->n - before;
	}
	end();
	for (size_t i = 1; i < list->n; i++)
		assert_true(list->ids[i - 1] < list->ids[i]);
}

static size_t count(const struct store_identity_filter *filter)
{
	struct list list;

	walk(filter, 7, &list);
	return list.n;
}

static int run_many(struct store_tx *wtx, void *arg)
{
	const int *n = arg;
	char subject[32];
	int64_t id;
	int rc = 0;

	for (int i = 0; rc == 0 && i < *n; i++) {
		(void)snprintf(subject, sizeof(subject), "ns/%d", i / 4);
		rc = store_identity_ensure(wtx, 2 + i % 2, 1 + i / 2 % 2, subject, NOW, &id);
		if (rc == 0 && i % 8 == 0)
			rc = store_identity_disable(wtx, 0, id, NOW);
	}
	return rc;
}

static void many(int n)
{
	assert_int_equal(store_write(store, run_many, &n), 0);
}

static void test_list_filters(void **state)
{
	struct list list;

	(void)state;
	begin();
	end();
	assert_int_equal(count(&(struct store_identity_filter){ .disabled = -1 }), 0);
	many(64);
#define COUNT(...) count(&(struct store_identity_filter){ __VA_ARGS__ })
	assert_int_equal(COUNT(.disabled = -1), 64);
	assert_int_equal(COUNT(.disabled = 1), 8);
	assert_int_equal(COUNT(.disabled = 0), 56);
	assert_int_equal(COUNT(.tenant_id = 2, .disabled = -1), 32);
	assert_int_equal(COUNT(.tenant_id = 2, .disabled = 1), 8);
	assert_int_equal(COUNT(.tenant_id = 3, .disabled = 1), 0);
	assert_int_equal(COUNT(.tenant_id = 1, .disabled = -1), 0);
	assert_int_equal(COUNT(.source = "ci", .disabled = -1), 32);
	assert_int_equal(COUNT(.source = "c", .disabled = -1), 0);
	assert_int_equal(COUNT(.tenant_id = 3, .source = "ci", .disabled = -1), 16);
	assert_int_equal(COUNT(.subject = "ns/3", .disabled = -1), 4);
	assert_int_equal(COUNT(.subject = "ns/4", .disabled = 1), 1);
	assert_int_equal(COUNT(.tenant_id = 2, .subject = "ns/3", .disabled = -1), 2);
	assert_int_equal(
	    COUNT(.tenant_id = 2, .source = "prod", .subject = "ns/3", .disabled = -1), 1);
	assert_int_equal(COUNT(.subject = "ns/%", .disabled = -1), 0);
#undef COUNT
	walk(&(struct store_identity_filter){ .disabled = -1 }, 64, &list);
	assert_int_equal(list.pages, 1);
	walk(&(struct store_identity_filter){ .disabled = -1 }, 63, &list);
	assert_int_equal(list.pages, 2);
	walk(&(struct store_identity_filter){ .subject = "ns/3", .disabled = -1 }, 1, &list);
	assert_int_equal(list.pages, 4);
}

/* Few rows pass: pages come short, but nothing is lost, and each is looked for in bounded steps. */
static void test_list_in_steps(void **state)
{
	struct list list;

	(void)state;
	many(4000);
	walk(&(struct store_identity_filter){ .tenant_id = 3, .disabled = 1 }, 500, &list);
	assert_int_equal(list.n, 0);
	assert_true(list.pages > 1);
	walk(&(struct store_identity_filter){ .disabled = 1 }, 500, &list);
	assert_int_equal(list.n, 500);
	assert_true(list.pages > 3);
	walk(&(struct store_identity_filter){ .source = "prod", .disabled = 0 }, 500, &list);
	assert_int_equal(list.n, 1500);
	assert_int_equal(list.longest, 375); /* of a thousand looked at */
}

static void test_each_ends_a_list(void **state)
{
	struct list list = { .stop = 3 };
	int64_t after = 0;
	bool more = false;

	(void)state;
	many(8);
	begin();
	assert_int_equal(store_identity_list(tx, &(struct store_identity_filter){ .disabled = -1 },
			     7, &after, &more, collect, &list),
	    CA_EIO);
	assert_int_equal(list.n, 3);
	assert_int_equal(after, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_is_there_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_get, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disabled_and_enabled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_another_tenant, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights_change_with_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_in_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_ends_a_list, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
