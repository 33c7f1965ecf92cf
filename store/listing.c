#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "store/certificates.h"
#include "store/db.h"
#include "store/listing.h"

/*
 * Rows that one page may look at and leave out before it ends short, with a cursor to go on from: a
 * filter that few rows pass must not hold a reader for long.
 */
#define LOOK_MAX 50000

/* ---- names as they are searched ---- */

/* "web.internal" becomes "internal.web.". */
static void add_reversed(struct ca_buf *out, const char *dns)
{
	size_t end = strlen(dns);

	while (end > 0) {
		size_t start = end;

		while (start > 0 && dns[start - 1] != '.')
			start--;
		ca_buf_add(out, dns + start, end - start);
		ca_buf_add_byte(out, '.');
		end = start > 0 ? start - 1 : 0;
	}
}

void store_rname_add(struct ca_buf *out, const struct ca_name *name)
{
	static const char letters[] = {
		[CA_NAME_DNS] = 'd', [CA_NAME_IP] = 'i', [CA_NAME_URI] = 'u', [CA_NAME_EMAIL] = 'e'
	};

	ca_buf_add_byte(out, (unsigned char)letters[name->type]);
	ca_buf_add_byte(out, ':');
	if (name->type == CA_NAME_DNS)
		add_reversed(out, name->value);
	else
		ca_buf_add_str(out, name->value);
}

/* ---- pages ---- */

void store_cursor_clear(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	free(cursor->name);
	*cursor = (struct store_cursor){ 0 };
}

enum order { NEWEST_FIRST, BY_EXPIRY, BY_NAME };

/* One way to walk a tenant's rows. */
struct path {
	enum store_statement statement;
	int values; /* how many of the statements' common values it has */
	enum order order;
	bool sorted; /* it yields its rows in this order */
};

static const struct path path_newest = { STORE_SQL_LIST_NEWEST, 4, NEWEST_FIRST, true };
static const struct path path_revoked = { STORE_SQL_LIST_REVOKED, 4, NEWEST_FIRST, true };
static const struct path path_expiry = { STORE_SQL_LIST_EXPIRY, 6, BY_EXPIRY, true };
static const struct path path_name = { STORE_SQL_LIST_NAME, 7, NEWEST_FIRST, true };
static const struct path path_suffix = { STORE_SQL_LIST_SUFFIX, 8, BY_NAME, true };
static const struct path path_name_expiry = { STORE_SQL_LIST_NAME_EXPIRY, 8, BY_EXPIRY, false };

/*
 * One page in the making. Each tenant's index is walked in turn, and the places found are merged:
 * none but the first `max` of all are kept. The fence is the first place that is known not to be on
 * the page; it is where the next begins.
 */
struct walk {
	const struct store_filter *filter;
	const struct path *path;
	struct ca_buf first, last;  /* bounds of the rnames looked for */
	struct store_cursor start;  /* its name is borrowed */
	struct store_cursor *found; /* room for max + 1 */
	size_t n, max;
	struct store_cursor fence;
	bool fenced;
};

static int compare(const struct walk *w, const struct store_cursor *a, const struct store_cursor *b)
{
	int names;

	if (w->path->order == BY_EXPIRY && a->not_after != b->not_after)
		return a->not_after < b->not_after ? -1 : 1;
	if (w->path->order == BY_NAME) {
		names = strcmp(a->name, b->name);
		if (names)
			return names;
	}
	if (a->id == b->id)
		return 0;
	return (a->id < b->id) == (w->path->order != NEWEST_FIRST) ? -1 : 1;
}

/* The fence moves towards the beginning; *place is moved into it. What was found behind it is
 * dropped. */
static void set_fence(struct walk *w, struct store_cursor *place)
{
	store_cursor_clear(&w->fence);
	w->fence = *place;
	*place = (struct store_cursor){ 0 }; /* transferred */
	w->fenced = true;
	while (w->n > 0 && compare(w, &w->found[w->n - 1], &w->fence) >= 0)
		store_cursor_clear(&w->found[--w->n]);
}

/* Keep *place, moved, in its order; one that is there already (found by another of its names) is
 * left. */
static void keep(struct walk *w, struct store_cursor *place)
{
	size_t i = w->n;

	while (i > 0 && compare(w, &w->found[i - 1], place) > 0)
		i--;
	if (i > 0 && compare(w, &w->found[i - 1], place) == 0)
		return;
	memmove(w->found + i + 1, w->found + i, (w->n - i) * sizeof(*w->found));
	w->found[i] = *place;
	*place = (struct store_cursor){ 0 }; /* transferred */
	if (++w->n > w->max) {
		struct store_cursor overflow = w->found[--w->n];

		set_fence(w, &overflow);
	}
}

/* ?1 to ?8 of the listings, as far as this one has them. */
static void put_values(struct walk *w, struct store_query *q, int64_t tenant_id)
{
	const struct store_filter *f = w->filter;

	store_put_int(q, tenant_id);
	store_put_int(q, f->status);
	store_put_text(q, f->profile);
	store_put_int(q, w->start.id);
	if (w->path->values < 6)
		return;
	store_put_int(q, w->start.not_after);
	store_put_int(q, f->expires_before ? f->expires_before : INT64_MAX);
	if (w->path->values < 7)
		return;
	store_put_text(q, w->start.name);
	if (w->path->values == 8)
		store_put_text(q, ca_buf_text(&w->last));
}

/* Judge the row at hand. 1: the tenant's other rows are all behind the fence. */
static int look_at(struct walk *w, struct store_query *q, size_t *looks)
{
	struct store_cursor place = { 0 };
	bool behind;

	place.id = store_take_int(q);
	place.not_after = store_take_int(q);
	place.name = store_take_string(q);
	if (w->path->order == BY_NAME && !place.name)
		return CA_ENOMEM;
	behind = w->fenced && compare(w, &place, &w->fence) >= 0;
	if (w->path->sorted && !behind && (*looks)-- == 0) {
		set_fence(w, &place);
		behind = true;
	}
	if (!behind && store_take_int(q))
		keep(w, &place);
	store_cursor_clear(&place);
	return behind && w->path->sorted;
}

static int walk_tenant(struct walk *w, struct store_tx *tx, int64_t tenant_id, size_t looks)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, w->path->statement);
	put_values(w, &q, tenant_id);
	while ((rc = store_query_next(&q)) == 1) {
		rc = look_at(w, &q, &looks);
		if (rc)
			break;
	}
	return store_query_end(&q, rc < 0 ? rc : 0);
}

/* The first tenant behind *id, which becomes it. */
static int next_tenant(struct store_tx *tx, int64_t *id)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TENANT_IDS);
	store_put_int(&q, *id);
	rc = store_query_first(&q);
	if (rc == 0)
		*id = store_take_int(&q);
	return store_query_end(&q, rc);
}

/* Find the page's rows. Every tenant is given the same number of looks, and at least one: each page
 * gets further. */
static int walk(struct walk *w, struct store_tx *tx)
{
	size_t tenants = 0;
	int64_t id = 0;
	int rc;

	if (w->filter->tenant_id)
		return walk_tenant(w, tx, w->filter->tenant_id, LOOK_MAX);
	while ((rc = next_tenant(tx, &id)) == 0)
		tenants++;
	id = 0;
	while (rc == CA_ENOTFOUND && (rc = next_tenant(tx, &id)) == 0) {
		rc = walk_tenant(w, tx, id, LOOK_MAX / (tenants + 1) + 1);
		if (rc == 0)
			rc = CA_ENOTFOUND;
	}
	return rc == CA_ENOTFOUND ? 0 : rc;
}

/* What the filter's name looks like. */
static int parse_name(const char *name, struct ca_names *out)
{
	size_t len = strlen(name);
	int rc;

	if (strstr(name, "://"))
		return ca_names_add(out, CA_NAME_URI, name, len, NULL);
	rc = ca_names_add(out, CA_NAME_IP, name, len, NULL);
	return rc == CA_ENAME ? ca_names_add(out, CA_NAME_DNS, name, len, NULL) : rc;
}

/*
 * The range of rnames that the filter asks for. Below "*.internal" stands what begins with
 * "d:internal." and goes on: all up to "d:internal/", for '/' follows '.' in ASCII.
 */
static int set_bounds(struct walk *w, bool suffix)
{
	const char *name = w->filter->name + (suffix ? 2 : 0);
	struct ca_names names = CA_NAMES_INIT;
	int rc;

	if (suffix)
		rc = name[0] == '*' ? CA_EINVAL
				    : ca_names_add(&names, CA_NAME_DNS, name, strlen(name), NULL);
	else
		rc = parse_name(name, &names);
	if (rc)
		goto out;
	store_rname_add(&w->first, &names.v[0]);
	store_rname_add(&w->last, &names.v[0]);
	rc = ca_buf_error(&w->first);
	if (rc == 0)
		rc = ca_buf_error(&w->last);
	if (rc == 0 && suffix) {
		w->last.data[w->last.len - 1] = '/';
		ca_buf_add_byte(&w->first, '!');
		rc = ca_buf_error(&w->first);
	}
out:
	ca_names_free(&names);
	return rc == CA_ENAME ? CA_EINVAL : rc;
}

/* Where to begin: at the cursor, but never outside what the filter allows, for a cursor comes from
 * a client. */
static void set_start(struct walk *w, const struct store_cursor *cursor)
{
	w->start.id = cursor->id;
	w->start.not_after = cursor->not_after;
	w->start.name = (char *)w->first.data;
	if (w->path->order == NEWEST_FIRST && cursor->id == 0)
		w->start.id = INT64_MAX;
	if (w->path->order == BY_EXPIRY && cursor->not_after < w->filter->expires_after) {
		w->start.id = 0;
		w->start.not_after = w->filter->expires_after;
	}
	if (w->path->order == BY_NAME) {
		if (cursor->name && strcmp(cursor->name, ca_buf_text(&w->first)) > 0)
			w->start.name = cursor->name;
		else
			w->start.id = 0;
	}
}

static int prepare(struct walk *w, const struct store_cursor *cursor)
{
	const struct store_filter *f = w->filter;
	bool by_expiry = f->expires_before || f->expires_after;
	bool suffix = f->name && strncmp(f->name, "*.", 2) == 0;
	int rc;

	if (f->name) {
		rc = set_bounds(w, suffix);
		if (rc)
			return rc;
		w->path = by_expiry ? &path_name_expiry : suffix ? &path_suffix : &path_name;
	} else if (by_expiry) {
		w->path = &path_expiry;
	} else {
		w->path = f->status == STORE_REVOKED ? &path_revoked : &path_newest;
	}
	set_start(w, cursor);
	w->found = calloc(w->max + 1, sizeof(*w->found));
	return w->found ? 0 : CA_ENOMEM;
}

static int hand_out(struct walk *w, struct store_tx *tx,
    int (*each)(const struct store_certificate *row, void *arg), void *arg)
{
	struct store_certificate row = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->n; i++) {
		rc = store_certificate_get_id(tx, w->found[i].id, &row);
		if (rc == 0)
			rc = each(&row, arg);
		store_certificate_clear(&row);
	}
	return rc;
}

int store_certificate_list(struct store_tx *tx, const struct store_filter *filter, size_t max,
    struct store_cursor *cursor, bool *more,
    int (*each)(const struct store_certificate *row, void *arg), void *arg)
{
	struct walk w = { .filter = filter, .max = max };
	int rc;

	assert(max >= 1 && max <= STORE_PAGE_MAX);
	rc = prepare(&w, cursor);
	if (rc == 0)
		rc = walk(&w, tx);
	if (rc == 0)
		rc = hand_out(&w, tx, each, arg);
	if (rc == 0) {
		store_cursor_clear(cursor);
		*cursor = w.fence;
		w.fence = (struct store_cursor){ 0 }; /* transferred */
		*more = w.fenced;
	}
	while (w.n > 0)
		store_cursor_clear(&w.found[--w.n]);
	free(w.found);
	store_cursor_clear(&w.fence);
	ca_buf_free(&w.first);
	ca_buf_free(&w.last);
	return rc;
}
