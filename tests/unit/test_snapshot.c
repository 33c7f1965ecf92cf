#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/server.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "store/policies.h"
#include "tests/unit/support.h"

/* An installation, and as much of a server as reads it. */
struct world {
	char *dir, *key, *away;
	struct server_options options;
	struct server server;
};

static int set_up(void **state)
{
	static const struct server_snapshots init = SERVER_SNAPSHOTS_INIT;
	struct world *world = calloc(1, sizeof(*world));
	struct ca_init_result result = { 0 };
	struct ca_init_options options = {
		.key_type = CA_KEY_EC_P256,
		.root_key_type = CA_KEY_EC_P256,
	};
	char *db;

	assert_non_null(world);
	options.state = world->dir = support_mkdir();
	assert_int_equal(ca_init(&options, &result, NULL), 0);
	ca_init_result_clear(&result);
	world->key = support_path(world->dir, CA_STATE_MASTER_KEY);
	world->away = support_path(world->dir, "away");
	world->options.state = world->dir;
	world->options.rsa_backend = &ca_key_gnutls;
	world->server.options = &world->options;
	memcpy(&world->server.snapshots, &init, sizeof(init));
	db = support_path(world->dir, CA_STATE_DB);
	assert_int_equal(store_open(db, NULL, &world->server.store, NULL), 0);
	free(db);
	assert_int_equal(server_snapshot_reload_all(&world->server, NULL), 0);
	ca_log_setup(false, CA_LOG_NONE);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	store_close(world->server.store);
	server_snapshots_clear(&world->server.snapshots);
	support_rmdir(world->dir);
	free(world->key);
	free(world->away);
	free(world);
	return 0;
}

static const struct server_snapshot *current(const struct world *world)
{
	return world->server.snapshots.current;
}

/* Of the tenant default. */
static int set_suffixes(struct store_tx *tx, void *suffixes)
{
	struct store_tenant_settings settings = { 0 };
	struct store_tenant tenant;
	int r = store_tenant_get_name(tx, "default", &tenant);

	if (!r)
		r = store_tenant_settings_get(tx, tenant.id, &settings);
	if (r)
		return r;
	free(settings.dns_suffixes);
	settings.dns_suffixes = strdup(suffixes);
	r = store_tenant_settings_set(tx, tenant.id, &settings, 1);
	store_tenant_settings_clear(&settings);
	return r;
}

static void change(struct world *world, const char *suffixes)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", suffixes);
	assert_int_equal(store_write(world->server.store, set_suffixes, text), 0);
}

static const char *suffix(const struct world *world)
{
	const struct server_tenant *tenant = server_snapshot_tenant_name(current(world), "default");

	assert_non_null(tenant);
	return tenant->constraints.dns.n ? tenant->constraints.dns.v[0].value : "";
}

static void in_step_nothing_is_read(void **state)
{
	struct world *world = *state;
	const struct server_snapshot *before = current(world);

	server_snapshot_catch_up(&world->server);
	assert_ptr_equal(current(world), before);
	change(world, "a.internal\n");
	server_snapshot_catch_up(&world->server);
	assert_string_equal(suffix(world), "");
	assert_int_equal(server_snapshot_reload(&world->server), 0);
	assert_string_equal(suffix(world), "a.internal");
}

static void what_could_not_be_read_is_read_later(void **state)
{
	struct world *world = *state;
	const struct server_snapshot *before;

	change(world, "-\n");
	assert_int_equal(server_snapshot_reload(&world->server), CA_ENAME);
	before = current(world);
	server_snapshot_catch_up(&world->server);
	assert_ptr_equal(current(world), before);
	change(world, "b.internal\n");
	server_snapshot_catch_up(&world->server);
	assert_string_equal(suffix(world), "b.internal");
	before = current(world);
	server_snapshot_catch_up(&world->server);
	assert_ptr_equal(current(world), before);
}

static int put_policy(struct store_tx *tx, void *document)
{
	struct store_tenant tenant;
	int64_t version;
	int r = store_tenant_get_name(tx, "default", &tenant);

	return r ? r
		 : store_policy_put(
		       tx, tenant.id, STORE_POLICY_ANY_VERSION, document, 1, 1, &version);
}

static const struct ca_profile *profiles(const struct server_snapshot *snapshot)
{
	return server_snapshot_tenant_name(snapshot, "default")->document.profiles;
}

/* A document is read once, and outlives the snapshot that it was read for. */
static void documents_are_shared(void **state)
{
	static char first[] = "{\"profiles\": {\"a\": {}}}",
		    second[] = "{\"profiles\": {\"b\": {}}}";
	struct world *world = *state;
	struct server_snapshot *held;

	assert_int_equal(store_write(world->server.store, put_policy, first), 0);
	assert_int_equal(server_snapshot_reload(&world->server), 0);
	held = server_snapshot_take(&world->server);
	assert_string_equal(profiles(held)->name, "a");
	assert_int_equal(server_snapshot_reload(&world->server), 0);
	assert_ptr_not_equal(current(world), held);
	assert_ptr_equal(profiles(current(world)), profiles(held));
	assert_int_equal(store_write(world->server.store, put_policy, second), 0);
	assert_int_equal(server_snapshot_reload(&world->server), 0);
	assert_string_equal(profiles(current(world))->name, "b");
	assert_string_equal(profiles(held)->name, "a");
	server_snapshot_release(held);
	assert_string_equal(profiles(current(world))->name, "b");
}

static void authorities_too(void **state)
{
	struct world *world = *state;
	const struct ca_installation *before = current(world)->installation;

	assert_int_equal(rename(world->key, world->away), 0);
	assert_int_equal(server_snapshot_reload_all(&world->server, NULL), CA_ENOMASTERKEY);
	server_snapshot_catch_up(&world->server);
	/* Another change does not make that good. */
	assert_int_equal(server_snapshot_reload(&world->server), 0);
	assert_ptr_equal(current(world)->installation, before);
	assert_int_equal(rename(world->away, world->key), 0);
	server_snapshot_catch_up(&world->server);
	assert_ptr_not_equal(current(world)->installation, before);
	before = current(world)->installation;
	server_snapshot_catch_up(&world->server);
	assert_ptr_equal(current(world)->installation, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_step_nothing_is_read),
		cmocka_unit_test(what_could_not_be_read_is_read_later),
		cmocka_unit_test(documents_are_shared),
		cmocka_unit_test(authorities_too),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
