#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/sources.h"

static const char *const kinds[] = {
	[STORE_SOURCE_KUBERNETES] = "kubernetes",
	[STORE_SOURCE_OIDC] = "oidc",
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void store_source_clear(struct store_source *source)
{
	if (!source)
		return;
	free(source->issuer);
	free(source->settings);
	memset(source, 0, sizeof(*source));
}

const char *store_source_kind_text(enum store_source_kind kind)
{
	return (size_t)kind < KINDS ? kinds[kind] : NULL;
}

enum store_source_kind store_source_kind_parse(const char *text)
{
	for (size_t i = STORE_SOURCE_KUBERNETES; text && i < KINDS; i++)
		if (strcmp(text, kinds[i]) == 0)
			return (enum store_source_kind)i;
	return (enum store_source_kind)0;
}

/* The one row of a query whose values are put. */
static int get(struct store_query *q, struct store_source *out)
{
	struct store_source row = { 0 };
	int rc = store_query_first(q);

	if (rc == 0) {
		row.id = store_take_int(q);
		store_take_text(q, row.name, sizeof(row.name));
		row.issuer = store_take_string(q);
		row.kind = (enum store_source_kind)store_take_int(q);
		row.version = store_take_int(q);
		row.settings = store_take_string(q);
		row.created_at = store_take_int(q);
		row.removed_at = store_take_int(q);
	}
	rc = store_query_end(q, rc);
	if (rc) {
		store_source_clear(&row);
		return rc;
	}
	*out = row;
	return 0;
}

static int get_issuer(struct store_tx *tx, const char *issuer, struct store_source *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_SOURCE_GET_ISSUER);
	store_put_text(&q, issuer);
	return get(&q, out);
}

int store_source_get_name(struct store_tx *tx, const char *name, struct store_source *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_SOURCE_GET_NAME);
	store_put_text(&q, name);
	return get(&q, out);
}

int store_source_next(struct store_tx *tx, int64_t after, struct store_source *out)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_SOURCE_NEXT);
	store_put_int(&q, after);
	return get(&q, out);
}

static int insert(struct store_tx *tx, struct store_source *source)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_SOURCE_ADD);
	store_put_text(&q, source->name);
	store_put_text(&q, source->issuer);
	store_put_int(&q, source->kind);
	store_put_text(&q, source->settings);
	store_put_int(&q, source->created_at);
	rc = store_query_run(&q);
	if (rc == 0) {
		source->id = store_db_last_id(tx);
		source->version = 1;
	}
	return rc;
}

/* The same source again, after it was removed. */
static int bring_back(
    struct store_tx *tx, const struct store_source *old, struct store_source *source)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_SOURCE_BRING_BACK);
	store_put_int(&q, old->id);
	store_put_text(&q, source->settings);
	rc = store_query_run(&q);
	if (rc == 0) {
		source->id = old->id;
		source->version = old->version + 1;
		source->created_at = old->created_at;
	}
	return rc;
}

int store_source_add(struct store_tx *tx, struct store_source *source, struct ca_detail *why)
{
	struct store_source named = { 0 }, issuing = { 0 };
	int by_name = store_source_get_name(tx, source->name, &named);
	int by_issuer = get_issuer(tx, source->issuer, &issuing);
	int rc;

	if (by_name && by_name != CA_ENOTFOUND)
		rc = by_name;
	else if (by_issuer && by_issuer != CA_ENOTFOUND)
		rc = by_issuer;
	else if (by_name == 0 && named.removed_at == 0)
		rc = ca_refuse(why, CA_EEXIST, "there is a source %s already", named.name);
	else if (by_issuer == 0 && issuing.removed_at == 0)
		rc = ca_refuse(why, CA_EEXIST, "the source %s has this issuer", issuing.name);
	else if (by_name && by_issuer)
		rc = insert(tx, source);
	else if (named.id == issuing.id && named.kind == source->kind)
		rc = bring_back(tx, &named, source);
	else
		rc = ca_refuse(why, CA_EEXIST,
		    by_name == 0 ? "the name %s belonged to a source of another issuer or kind"
				 : "the issuer belonged to the source %s",
		    by_name == 0 ? named.name : issuing.name);
	store_source_clear(&named);
	store_source_clear(&issuing);
	return rc;
}

int store_source_set(struct store_tx *tx, int64_t id, const char *settings)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_SOURCE_SET);
	store_put_int(&q, id);
	store_put_text(&q, settings);
	return store_query_run(&q);
}

int store_source_remove(struct store_tx *tx, int64_t id, int64_t now)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_SOURCE_REMOVE);
	store_put_int(&q, id);
	store_put_int(&q, now);
	return store_query_run(&q);
}
