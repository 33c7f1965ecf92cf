#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/policies.h"
#include "store/tenants.h"

void store_policy_clear(struct store_policy *policy)
{
	if (!policy)
		return;
	free(policy->document);
	memset(policy, 0, sizeof(*policy));
}

static int none(struct store_policy *out)
{
	struct store_policy policy = { .document = strdup(STORE_POLICY_NONE) };

	if (!policy.document)
		return CA_ENOMEM;
	*out = policy;
	return 0;
}

int store_policy_get(struct store_tx *tx, int64_t tenant_id, struct store_policy *out)
{
	struct store_policy row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_POLICY_GET);
	store_put_int(&q, tenant_id);
	rc = store_query_first(&q);
	if (rc == 0) {
		row.version = store_take_int(&q);
		row.document = store_take_string(&q);
		row.changed_at = store_take_int(&q);
		row.operator_id = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc == 0)
		*out = row;
	else
		store_policy_clear(&row);
	return rc == CA_ENOTFOUND ? none(out) : rc;
}

/* A version of a document, with who put it when. */
struct change {
	int64_t version;
	const char *document;
	int64_t operator_id, now;
};

static int put(struct store_tx *tx, int64_t tenant_id, const struct change *change)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_POLICY_PUT);
	store_put_int(&q, tenant_id);
	store_put_int(&q, change->version);
	store_put_text(&q, change->document);
	store_put_int(&q, change->now);
	store_put_int(&q, change->operator_id);
	return store_query_run(&q);
}

int store_policy_put(struct store_tx *tx, int64_t tenant_id, int64_t expected, const char *document,
    int64_t operator_id, int64_t now, int64_t *version)
{
	struct change change = { 0, document, operator_id, now };
	struct store_policy old = { 0 };
	int rc;

	rc = store_tenant_check(tx, tenant_id);
	if (rc == 0)
		rc = store_policy_get(tx, tenant_id, &old);
	if (rc == 0 && expected != STORE_POLICY_ANY_VERSION && expected != old.version)
		rc = CA_EPRECONDITION;
	if (rc)
		goto out;
	change.version = old.version;
	if (old.version == 0 || strcmp(old.document, document) != 0) {
		change.version++;
		rc = put(tx, tenant_id, &change);
	}
	if (rc == 0)
		*version = change.version;
out:
	store_policy_clear(&old);
	return rc;
}
