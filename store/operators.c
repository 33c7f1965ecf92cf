#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/operators.h"

static const char *const roles[] = {
	[STORE_ROLE_ADMIN] = "admin",
	[STORE_ROLE_TENANT_ADMIN] = "tenant-admin",
	[STORE_ROLE_OPERATOR] = "operator",
	[STORE_ROLE_AUDITOR] = "auditor",
};

#define CESSATION_OF_OPERATION 5 /* RFC 5280, section 5.3.1 */

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

static void take_row(struct store_query *q, struct store_operator *row)
{
	row->id = store_take_int(q);
	row->tenant_id = store_take_int(q);
	store_take_text(q, row->name, sizeof(row->name));
	row->role = (enum store_role)store_take_int(q);
	row->created_at = store_take_int(q);
	row->removed_at = store_take_int(q);
}

/* The one row of a query whose values are put. */
static int get(struct store_query *q, struct store_operator *out)
{
	struct store_operator row = { 0 };
	int rc = store_query_first(q);

	if (rc == 0)
		take_row(q, &row);
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

int store_operator_set_email(struct store_tx *tx, int64_t id, const struct store_email *email)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_OPERATOR_SET_EMAIL);
	store_put_int(&q, id);
	store_put_blob(&q, email->hash, STORE_HASH);
	store_put_blob(&q, email->sealed, email->sealed_len);
	return store_query_run(&q);
}

/* ---- listing ---- */

static void take_email(struct store_query *q, struct store_email *email)
{
	unsigned char *sealed = NULL;
	size_t len = 0;

	store_take_hash(q, email->hash);
	store_take_blob(q, &sealed, &len); /* NULL where there is none */
	if (sealed && len <= sizeof(email->sealed)) {
		memcpy(email->sealed, sealed, len);
		email->sealed_len = len;
	}
	free(sealed);
}

int store_operator_list(struct store_tx *tx, int64_t tenant_id, const unsigned char *email_hash,
    size_t max, int64_t *after, bool *more,
    int (*each)(const struct store_operator *op, const struct store_email *email, void *arg),
    void *arg)
{
	struct store_query q;
	int64_t place = *after;
	bool over = false;
	int rc = 0;

	assert(max >= 1 && max <= STORE_PAGE_MAX);
	store_query_start(
	    &q, tx, email_hash ? STORE_SQL_OPERATOR_LIST_EMAIL : STORE_SQL_OPERATOR_LIST);
	store_put_int(&q, place);
	store_put_int(&q, tenant_id);
	store_put_int(&q, (int64_t)max + 1);
	if (email_hash)
		store_put_blob(&q, email_hash, STORE_HASH);
	for (size_t n = 0; !over && (rc = store_query_next(&q)) == 1; n++) {
		struct store_operator row = { 0 };
		struct store_email email = { 0 };

		over = n == max;
		take_row(&q, &row);
		take_email(&q, &email);
		rc = q.error ? q.error : over ? 0 : each(&row, &email, arg);
		if (rc)
			break;
		if (!over)
			place = row.id;
	}
	rc = store_query_end(&q, rc);
	if (rc)
		return rc;
	*after = place;
	*more = over;
	return 0;
}

/* ---- the end ---- */

int store_operator_other_admin(struct store_tx *tx, const struct store_operator *op, bool *out)
{
	int64_t self = op->role == STORE_ROLE_ADMIN && !op->removed_at, n = 0;
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_OPERATOR_ADMINS);
	store_put_int(&q, STORE_ROLE_ADMIN);
	store_put_int(&q, self + 1);
	rc = store_query_first(&q);
	if (rc == 0)
		n = store_take_int(&q);
	rc = store_query_end(&q, rc);
	if (rc == 0)
		*out = n > self;
	return rc;
}

static int change(struct store_tx *tx, enum store_statement which, int64_t id, int64_t now)
{
	struct store_query q;

	store_query_start(&q, tx, which);
	store_put_int(&q, id);
	store_put_int(&q, now);
	if (which == STORE_SQL_OPERATOR_REVOKE)
		store_put_int(&q, CESSATION_OF_OPERATION);
	return store_query_run(&q);
}

int store_operator_remove(struct store_tx *tx, int64_t id, int64_t now)
{
	struct store_operator row;
	int rc = store_operator_get(tx, id, &row);

	if (rc || row.removed_at)
		return rc;
	rc = change(tx, STORE_SQL_OPERATOR_REMOVE, id, now);
	if (rc == 0)
		rc = change(tx, STORE_SQL_OPERATOR_REVOKE, id, now);
	/* Tokens that an earlier certificate of the operator's made, too. */
	return rc ? rc : change(tx, STORE_SQL_OPERATOR_REMOVE_TOKENS, id, now);
}
