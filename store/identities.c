#include <assert.h>
#include <stdlib.h>

#include "store/certificates.h"
#include "store/db.h"
#include "store/identities.h"

/*
 * Rows that one page may look at: twice the longest page, so that one that keeps all is never
 * short. A look takes some 2 µs.
 */
#define LOOK_MAX ((int64_t)2 * STORE_PAGE_MAX)

void store_identity_clear(struct store_identity *identity)
{
	if (!identity)
		return;
	free(identity->source);
	free(identity->subject);
	*identity = (struct store_identity){ 0 };
}

/* ---- the one that asks ---- */

int store_identity_find(
    struct store_tx *tx, int64_t tenant_id, int64_t source_id, const char *subject, int64_t *id)
{
	struct store_query q;
	int64_t disabled_at = 0, found = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_IDENTITY_FIND);
	store_put_int(&q, tenant_id);
	store_put_int(&q, source_id);
	store_put_text(&q, subject);
	rc = store_query_first(&q);
	if (rc == 0) {
		found = store_take_int(&q);
		disabled_at = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc)
		return rc;
	*id = found;
	return disabled_at ? CA_EIDENTITYDISABLED : 0;
}

int store_identity_ensure(struct store_tx *tx, int64_t tenant_id, int64_t source_id,
    const char *subject, int64_t now, int64_t *id)
{
	struct store_query q;
	int rc = store_identity_find(tx, tenant_id, source_id, subject, id);

	if (rc != CA_ENOTFOUND)
		return rc;
	store_query_start(&q, tx, STORE_SQL_IDENTITY_ADD);
	store_put_int(&q, tenant_id);
	store_put_int(&q, source_id);
	store_put_text(&q, subject);
	store_put_int(&q, now);
	rc = store_query_run(&q);
	if (rc == 0)
		*id = store_db_last_id(tx);
	return rc;
}

int store_identity_alive(struct store_tx *tx, int64_t id, int64_t now, int64_t max, int64_t *out)
{
	struct store_query q;
	int64_t n = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_IDENTITY_ALIVE);
	store_put_int(&q, id);
	store_put_int(&q, now);
	store_put_int(&q, max);
	rc = store_query_first(&q);
	if (rc == 0)
		n = store_take_int(&q);
	rc = store_query_end(&q, rc);
	if (rc == 0)
		*out = n;
	return rc;
}

/* ---- rows ---- */

static void take_row(struct store_query *q, struct store_identity *row)
{
	row->id = store_take_int(q);
	row->tenant_id = store_take_int(q);
	row->source_id = store_take_int(q);
	row->subject = store_take_string(q);
	row->created_at = store_take_int(q);
	row->disabled_at = store_take_int(q);
	row->source = store_take_string(q);
}

int store_identity_get(
    struct store_tx *tx, int64_t tenant_id, int64_t id, struct store_identity *out)
{
	struct store_identity row = { 0 };
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_IDENTITY_GET);
	store_put_int(&q, id);
	store_put_int(&q, tenant_id);
	rc = store_query_first(&q);
	if (rc == 0)
		take_row(&q, &row);
	rc = store_query_end(&q, rc);
	if (rc)
		store_identity_clear(&row);
	else
		*out = row;
	return rc;
}

/* When it was disabled; 0: it is not. */
static int get_disabled(struct store_tx *tx, int64_t tenant_id, int64_t id, int64_t *disabled_at)
{
	struct store_identity row = { 0 };
	int rc = store_identity_get(tx, tenant_id, id, &row);

	if (rc == 0)
		*disabled_at = row.disabled_at;
	store_identity_clear(&row);
	return rc;
}

int store_identity_check(struct store_tx *tx, int64_t id)
{
	int64_t disabled_at = 0;
	int rc = get_disabled(tx, 0, id, &disabled_at);

	return rc == 0 && disabled_at ? CA_EIDENTITYDISABLED : rc;
}

static int set_disabled(struct store_tx *tx, int64_t tenant_id, int64_t id, int64_t disabled_at)
{
	struct store_query q;
	int64_t before = 0;
	int rc = get_disabled(tx, tenant_id, id, &before);

	if (rc || (before != 0) == (disabled_at != 0))
		return rc;
	store_query_start(&q, tx, STORE_SQL_IDENTITY_DISABLE);
	store_put_int(&q, id);
	store_put_int(&q, disabled_at);
	return store_query_run(&q);
}

int store_identity_disable(struct store_tx *tx, int64_t tenant_id, int64_t id, int64_t now)
{
	return set_disabled(tx, tenant_id, id, now);
}

int store_identity_enable(struct store_tx *tx, int64_t tenant_id, int64_t id)
{
	return set_disabled(tx, tenant_id, id, 0);
}

/* ---- listing ---- */

/* A subject is found in each tenant and source by the unique index; all else is walked by id. */
static enum store_statement choose(const struct store_identity_filter *filter)
{
	if (filter->subject)
		return STORE_SQL_IDENTITY_LIST_SUBJECT;
	return filter->tenant_id ? STORE_SQL_IDENTITY_LIST_TENANT : STORE_SQL_IDENTITY_LIST;
}

static void put_filter(
    struct store_query *q, const struct store_identity_filter *filter, int64_t after)
{
	store_put_int(q, filter->tenant_id);
	store_put_int(q, after);
	store_put_text(q, filter->source);
	store_put_int(q, filter->disabled);
	store_put_int(q, LOOK_MAX);
	if (filter->subject)
		store_put_text(q, filter->subject);
}

/* One page in the making. */
struct page {
	size_t left;   /* to be handed out */
	int64_t looks; /* rows that were looked at */
	int64_t place; /* the id up to which all is done */
	bool over;     /* the row at hand is the first of the next page */
	int (*each)(const struct store_identity *identity, void *arg);
	void *arg;
};

static int look(struct store_query *q, struct page *page)
{
	struct store_identity row = { 0 };
	bool wanted;
	int rc;

	take_row(q, &row);
	wanted = store_take_int(q) != 0;
	rc = q->error;
	page->looks++;
	page->over = rc == 0 && wanted && page->left == 0;
	if (rc == 0 && wanted && !page->over) {
		page->left--;
		rc = page->each(&row, page->arg);
	}
	if (rc == 0 && !page->over)
		page->place = row.id;
	store_identity_clear(&row);
	return rc;
}

int store_identity_list(struct store_tx *tx, const struct store_identity_filter *filter, size_t max,
    int64_t *after, bool *more, int (*each)(const struct store_identity *identity, void *arg),
    void *arg)
{
	struct page page = { .left = max, .place = *after, .each = each, .arg = arg };
	struct store_query q;
	int rc = 0;

	assert(max >= 1 && max <= STORE_PAGE_MAX);
	store_query_start(&q, tx, choose(filter));
	put_filter(&q, filter, *after);
	while (!page.over && (rc = store_query_next(&q)) == 1) {
		rc = look(&q, &page);
		if (rc)
			break;
	}
	rc = store_query_end(&q, rc);
	if (rc)
		return rc;
	*after = page.place;
	*more = page.over || page.looks == LOOK_MAX;
	return 0;
}
