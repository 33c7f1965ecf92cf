#include <string.h>

#include "store/db.h"
#include "store/operators.h"

static const char *const roles[] = {
	[STORE_ROLE_ADMIN] = "admin",
	[STORE_ROLE_TENANT_ADMIN] = "tenant-admin",
	[STORE_ROLE_OPERATOR] = "operator",
	[STORE_ROLE_AUDITOR] = "auditor",
};

#define ROLES (sizeof(roles) / sizeof(roles[0]))

const char *store_role_text(enum store_role role)
{
	return (size_t)role < ROLES ? roles[role] : NULL;
}

enum store_role store_role_parse(const char *text)
{
	for (size_t i = STORE_ROLE_ADMIN; text && i < ROLES; i++)
		if (strcmp(text, roles[i]) == 0)
			return (enum store_role)i;
	return (enum store_role)0;
}

int store_operator_add(struct store_tx *tx, struct store_operator *op)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_OPERATOR_ADD);
	store_put_id(&q, op->tenant_id);
	store_put_text(&q, op->name);
	store_put_int(&q, op->role);
	store_put_int(&q, op->created_at);
	store_put_int(&q, op->removed_at);
	rc = store_query_run(&q);
	if (rc == 0)
		op->id = store_db_last_id(tx);
	return rc;
}

/* The one row of a query whose values are put. */
static int get(struct store_query *q, struct store_operator *out)
{
	struct store_operator row = { 0 };
	int rc = store_query_first(q);

	if (rc == 0) {
		row.id = store_take_int(q);
		row.tenant_id = store_take_int(q);
		store_take_text(q, row.name, sizeof(row.name));
		row.role = (enum store_role)store_take_int(q);
		row.created_at = store_take_int(q);
		row.removed_at = store_take_int(q);
	}
	rc = store_query_end(q, rc);
	if (rc == 0)
		*out = row;
	return rc;
}

int store_operator_get(struct store_tx *tx, int64_t id, struct store_operator *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_OPERATOR_GET);
	store_put_int(&q, id);
	return get(&q, out);
}

int store_operator_get_name(struct store_tx *tx, const char *name, struct store_operator *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_OPERATOR_GET_NAME);
	store_put_text(&q, name);
	return get(&q, out);
}

int store_operator_remove(struct store_tx *tx, int64_t id, int64_t now)
{
	struct store_operator row;
	struct store_query q;
	int rc;

	rc = store_operator_get(tx, id, &row);
	if (rc || row.removed_at)
		return rc;
	store_query_start(&q, tx, STORE_SQL_OPERATOR_REMOVE);
	store_put_int(&q, id);
	store_put_int(&q, now);
	return store_query_run(&q);
}
