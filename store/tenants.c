#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/installation.h"
#include "store/operators.h"
#include "store/quotas.h"
#include "store/tenants.h"

/* RFC 5280, section 5.3.1 */
#define CESSATION_OF_OPERATION 5

#define ALL_REVOKED (-1)

/* ---- rows ---- */

int store_tenant_add(struct store_tx *tx, struct store_tenant *tenant)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TENANT_ADD);
	store_put_id(&q, tenant->id);
	store_put_text(&q, tenant->name);
	store_put_int(&q, tenant->created_at);
	store_put_int(&q, tenant->removed_at);
	rc = store_query_run(&q);
	if (rc == 0)
		tenant->id = store_db_last_id(tx);
	return rc;
}

/* The one row of a query whose values are put. */
static int get(struct store_query *q, struct store_tenant *out)
{
	struct store_tenant row = { 0 };
	int rc = store_query_first(q);

	if (rc == 0) {
		row.id = store_take_int(q);
		store_take_text(q, row.name, sizeof(row.name));
		row.created_at = store_take_int(q);
		row.removed_at = store_take_int(q);
		row.revoked_to = store_take_int(q);
	}
	rc = store_query_end(q, rc);
	if (rc == 0)
		*out = row;
	return rc;
}

int store_tenant_get(struct store_tx *tx, int64_t id, struct store_tenant *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_GET);
	store_put_int(&q, id);
	return get(&q, out);
}

int store_tenant_get_name(struct store_tx *tx, const char *name, struct store_tenant *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_GET_NAME);
	store_put_text(&q, name);
	return get(&q, out);
}

int store_tenant_check(struct store_tx *tx, int64_t id)
{
	struct store_tenant tenant;
	int rc = store_tenant_get(tx, id, &tenant);

	if (rc == 0 && tenant.removed_at)
		rc = CA_ETENANTREMOVED;
	return rc;
}

int store_tenant_next(struct store_tx *tx, int64_t after, struct store_tenant *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_NEXT);
	store_put_int(&q, after);
	return get(&q, out);
}

int store_tenant_each(
    struct store_tx *tx, int (*each)(const struct store_tenant *tenant, void *arg), void *arg)
{
	struct store_tenant tenant = { 0 };
	int rc = 0;

	while (rc == 0) {
		rc = store_tenant_next(tx, tenant.id, &tenant);
		if (rc)
			return rc == CA_ENOTFOUND ? 0 : rc;
		rc = each(&tenant, arg);
	}
	return rc;
}

/* ---- settings ---- */

void store_tenant_settings_clear(struct store_tenant_settings *settings)
{
	if (!settings)
		return;
	free(settings->trust_domain);
	free(settings->dns_suffixes);
	free(settings->ip_ranges);
	memset(settings, 0, sizeof(*settings));
}

int store_tenant_settings_get(struct store_tx *tx, int64_t id, struct store_tenant_settings *out)
{
	struct store_tenant_settings row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TENANT_SETTINGS_GET);
	store_put_int(&q, id);
	rc = store_query_first(&q);
	if (rc == 0) {
		row.trust_domain = store_take_string(&q);
		row.dns_suffixes = store_take_string(&q);
		row.ip_ranges = store_take_string(&q);
		row.max_lifetime = store_take_int(&q);
		row.allowed = (unsigned)store_take_int(&q);
		row.alive_max = store_take_int(&q);
		row.minute_max = store_take_int(&q);
		row.identity_alive_max = store_take_int(&q);
		row.identity_minute_max = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc)
		store_tenant_settings_clear(&row);
	else
		*out = row;
	return rc;
}

static int update_settings(
    struct store_tx *tx, int64_t id, const struct store_tenant_settings *settings)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_SETTINGS_SET);
	store_put_int(&q, id);
	store_put_text(&q, settings->trust_domain);
	store_put_text(&q, settings->dns_suffixes ? settings->dns_suffixes : "");
	store_put_text(&q, settings->ip_ranges ? settings->ip_ranges : "");
	store_put_int(&q, settings->max_lifetime);
	store_put_int(&q, settings->allowed);
	store_put_int(&q, settings->alive_max);
	store_put_int(&q, settings->minute_max);
	store_put_int(&q, settings->identity_alive_max);
	store_put_int(&q, settings->identity_minute_max);
	return store_query_run(&q);
}

int store_tenant_settings_set(
    struct store_tx *tx, int64_t id, const struct store_tenant_settings *settings, int64_t now)
{
	struct store_tenant_settings old = { 0 };
	int rc;

	rc = store_tenant_check(tx, id);
	if (rc == 0)
		rc = store_tenant_settings_get(tx, id, &old);
	if (rc == 0)
		rc = update_settings(tx, id, settings);
	if (rc == 0 && old.alive_max != settings->alive_max)
		rc = store_quota_set(tx, id, settings->alive_max, now);
	store_tenant_settings_clear(&old);
	return rc;
}

/* ---- the end of a tenant ---- */

/* A change of rows of the tenant, with a number. */
static int change(struct store_tx *tx, enum store_statement which, int64_t id, int64_t number)
{
	struct store_query q;

	store_query_start(&q, tx, which);
	store_put_int(&q, id);
	store_put_int(&q, number);
	return store_query_run(&q);
}

static int next_operator(struct store_tx *tx, int64_t tenant_id, int64_t *id)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TENANT_OPERATOR);
	store_put_int(&q, tenant_id);
	store_put_int(&q, *id);
	rc = store_query_first(&q);
	if (rc == 0)
		*id = store_take_int(&q);
	return store_query_end(&q, rc);
}

static int remove_operators(struct store_tx *tx, int64_t tenant_id, int64_t now)
{
	int64_t id = 0;
	int rc;

	while ((rc = next_operator(tx, tenant_id, &id)) == 0) {
		rc = store_operator_remove(tx, id, now);
		if (rc)
			return rc;
	}
	return rc == CA_ENOTFOUND ? 0 : rc;
}

/* Their keys stay: what they signed before needs its CRL to its last expiry. */
static int end_authorities(struct store_tx *tx, int64_t id)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_END_AUTHORITIES);
	store_put_int(&q, id);
	store_put_int(&q, STORE_AUTHORITY_TRUSTED);
	store_put_int(&q, STORE_AUTHORITY_ACTIVE);
	return store_query_run(&q);
}

int store_tenant_remove(struct store_tx *tx, int64_t id, int64_t now)
{
	int rc;

	rc = store_tenant_check(tx, id);
	if (rc == 0)
		rc = change(tx, STORE_SQL_TENANT_REMOVE, id, now);
	if (rc == 0)
		rc = remove_operators(tx, id, now);
	if (rc == 0)
		rc = change(tx, STORE_SQL_TENANT_REMOVE_TOKENS, id, now);
	if (rc == 0)
		rc = store_quota_set(tx, id, 0, now);
	return rc ? rc : end_authorities(tx, id);
}

/* The one number that a query whose values are put yields. */
static int take_one(struct store_query *q, int64_t *out)
{
	int64_t found = 0;
	int rc = store_query_first(q);

	if (rc == 0)
		found = store_take_int(q);
	rc = store_query_end(q, rc);
	if (rc == 0)
		*out = found;
	return rc;
}

int store_tenant_next_to_revoke(struct store_tx *tx, int64_t after, int64_t *id)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_TO_REVOKE);
	store_put_int(&q, after);
	return take_one(&q, id);
}

/* The last id of the next batch; 0: there is none. */
static int find_batch(
    struct store_tx *tx, const struct store_tenant *tenant, size_t limit, int64_t *last)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_BATCH);
	store_put_int(&q, tenant->id);
	store_put_int(&q, tenant->revoked_to);
	store_put_int(&q, (int64_t)limit);
	return take_one(&q, last);
}

static int revoke_batch(
    struct store_tx *tx, const struct store_tenant *tenant, int64_t now, int64_t last)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_TENANT_REVOKE);
	store_put_int(&q, tenant->id);
	store_put_int(&q, now);
	store_put_int(&q, CESSATION_OF_OPERATION);
	store_put_int(&q, tenant->revoked_to);
	store_put_int(&q, last);
	return store_query_run(&q);
}

int store_tenant_revoke_some(struct store_tx *tx, int64_t id, int64_t now, size_t limit, bool *done)
{
	struct store_tenant tenant;
	int64_t last = 0;
	bool none_left;
	int rc;

	rc = store_tenant_get(tx, id, &tenant);
	if (rc == 0 && !tenant.removed_at)
		rc = CA_ENOTFOUND;
	if (rc == 0 && tenant.revoked_to != ALL_REVOKED)
		rc = find_batch(tx, &tenant, limit, &last);
	if (rc)
		return rc;
	none_left = last == 0;
	if (!none_left)
		rc = revoke_batch(tx, &tenant, now, last);
	if (rc == 0 && tenant.revoked_to != ALL_REVOKED)
		rc = change(tx, STORE_SQL_TENANT_REVOKED_TO, id, none_left ? ALL_REVOKED : last);
	if (rc == 0)
		*done = none_left;
	return rc;
}
