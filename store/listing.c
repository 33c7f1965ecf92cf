#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/buf.h"
#include "store/certificates.h"
#include "store/db.h"
#include "store/listing.h"

/*
 * Rows that one page may look at, kept ones included, before it ends at the next one that is left
 * out, with a cursor to go on from: a filter that few rows pass must not hold a reader for long.
 * Each look reads a page of the file, which takes some 5 µs.
 */
#define LOOK_MAX 200

/*
 * Entries below a name that one page may sort by expiry, at about 0.2 µs each. Where there are
 * more, the rows are walked by expiry instead, and their names looked at.
 */
#define SORT_MAX 2048

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

/* One way to walk a tenant's rows: places in their order, out of an index alone. */
struct path {
	enum store_statement statement;
	int values; /* how many of the statements' common values it has */
	enum order order;
};

static const struct path path_newest = { STORE_SQL_LIST_NEWEST, 2, NEWEST_FIRST };
static const struct path path_revoked = { STORE_SQL_LIST_REVOKED, 2, NEWEST_FIRST };
static const struct path path_expiry = { STORE_SQL_LIST_EXPIRY, 4, BY_EXPIRY };
static const struct path path_name = { STORE_SQL_LIST_NAME, 5, NEWEST_FIRST };
static const struct path path_suffix = { STORE_SQL_LIST_SUFFIX, 6, BY_NAME };
static const struct path path_name_expiry = { STORE_SQL_LIST_NAME_EXPIRY, 6, BY_EXPIRY };

/*
 * One page in the making. Each tenant's index is walked in turn, and the places found are merged:
 * none but the first `max` of all are kept. The fence is the first place that is known not to be on
 * the page; it is where the next begins.
 */
struct walk {
	const struct store_filter *filter;
	const struct path *path;    /* how the tenant at hand is walked; the order is one for all */
	bool by_name_and_expiry;    /* the path is chosen anew for each tenant */
	bool suffix;                /* names below filter->name are looked for, not itself */
	struct ca_buf first, last;  /* bounds of the rnames looked for */
	struct ca_buf line;         /* what they are, or end with, in certificates.names */
	struct store_cursor start;  /* its name is borrowed */
	struct store_cursor *found; /* room for max + 1 */
	size_t n, max;
	struct store_cursor fence;
	bool fenced;
	size_t looks, sorts; /* what is left of LOOK_MAX and SORT_MAX */
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

/* ?1 to ?6 of the listings, as far as this one has them. */
static void put_values(struct walk *w, struct store_query *q, int64_t tenant_id)
{
	const struct store_filter *f = w->filter;

	store_put_int(q, tenant_id);
	store_put_int(q, w->start.id);
	if (w->path->values < 4)
		return;
	store_put_int(q, w->start.not_after);
	store_put_int(q, f->expires_before ? f->expires_before : INT64_MAX);
	if (w->path->values < 5)
		return;
	store_put_text(q, w->start.name);
	if (w->path->values == 6)
		store_put_text(q, ca_buf_text(&w->last));
}

/* Is one of the names, in the text form of ca_names_format(), looked for? */
static bool names_match(const struct walk *w, const char *names)
{
	const char *wanted = ca_buf_text(&w->line);

	while (*names) {
		size_t len = strcspn(names, "\n");
		size_t skip = w->suffix && len > w->line.len ? len - w->line.len : 0;

		/* "dns:" and a label stand before a suffix. */
		if (len - skip == w->line.len && memcmp(names + skip, wanted, w->line.len) == 0 &&
		    (!w->suffix || (skip > 4 && strncmp(names, "dns:", 4) == 0)))
			return true;
		names += len + (names[len] == '\n');
	}
	return false;
}

/* What the path does not know of a row has to be looked up. */
static bool needs_look(const struct walk *w)
{
	const struct store_filter *f = w->filter;

	return f->profile || (f->status >= 0 && w->path != &path_revoked) ||
	       (w->by_name_and_expiry && w->path == &path_expiry);
}

/* 1: the filter wants the row; 0: it does not. */
static int look_up(const struct walk *w, struct store_tx *tx, int64_t id)
{
	const struct store_filter *f = w->filter;
	struct store_query q;
	char *names = NULL;
	int wanted = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_LIST_WANTED);
	store_put_int(&q, id);
	store_put_int(&q, f->status);
	store_put_text(&q, f->profile);
	rc = store_query_first(&q);
	if (rc == 0) {
		wanted = store_take_int(&q) != 0;
		if (wanted && w->by_name_and_expiry && w->path == &path_expiry) {
			names = store_take_string(&q);
			wanted = names && names_match(w, names);
		}
	}
	rc = store_query_end(&q, rc);
	free(names);
	return rc ? rc : wanted;
}

/* Judge the place at hand. 1: it and the tenant's other places are behind the fence. */
static int judge(struct walk *w, struct store_tx *tx, struct store_cursor *place)
{
	int wanted = 1;

	if (w->fenced && compare(w, place, &w->fence) >= 0)
		return 1;
	if (needs_look(w)) {
		if (w->looks == 0) {
			set_fence(w, place);
			return 1;
		}
		wanted = look_up(w, tx, place->id);
		if (wanted < 0)
			return wanted;
		/* One that is kept costs as much again, but a page full of them is never short. */
		if (!wanted || w->looks > 1)
			w->looks--;
	}
	if (wanted)
		keep(w, place);
	return 0;
}

/* A name with an expiry can be walked in two ways, which yield the same rows in the same order. */
static int choose_path(struct walk *w, struct store_tx *tx, int64_t tenant_id)
{
	struct store_query q;
	size_t n = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_LIST_NAME_COUNT);
	store_put_int(&q, tenant_id);
	store_put_text(&q, ca_buf_text(&w->first));
	store_put_text(&q, ca_buf_text(&w->last));
	store_put_int(&q, (int64_t)w->sorts + 1);
	rc = store_query_first(&q);
	if (rc == 0)
		n = (size_t)store_take_int(&q);
	rc = store_query_end(&q, rc);
	if (rc)
		return rc;
	w->path = n <= w->sorts ? &path_name_expiry : &path_expiry;
	w->sorts -= n <= w->sorts ? n : w->sorts / 2; /* to have counted in vain is not free */
	return 0;
}

static int walk_tenant(struct walk *w, struct store_tx *tx, int64_t tenant_id)
{
	struct store_query q;
	int rc = 0;

	if (w->by_name_and_expiry)
		rc = choose_path(w, tx, tenant_id);
	if (rc)
		return rc;
	store_query_start(&q, tx, w->path->statement);
	put_values(w, &q, tenant_id);
	while ((rc = store_query_next(&q)) == 1) {
		struct store_cursor place = { .id = store_take_int(&q),
			.not_after = store_take_int(&q) };

		place.name = store_take_string(&q);
		rc = w->path->order == BY_NAME && !place.name ? CA_ENOMEM : judge(w, tx, &place);
		store_cursor_clear(&place);
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

/* Find the page's rows. Every tenant is given the same number of looks, and what those before it
 * left, but at least one: each page gets further. */
static int walk(struct walk *w, struct store_tx *tx)
{
	size_t tenants = 0, share;
	int64_t id = 0;
	int rc;

	w->sorts = SORT_MAX;
	w->looks = LOOK_MAX;
	if (w->filter->tenant_id)
		return walk_tenant(w, tx, w->filter->tenant_id);
	while ((rc = next_tenant(tx, &id)) == 0)
		tenants++;
	share = LOOK_MAX / (tenants ? tenants : 1) + 1;
	w->looks = 0;
	id = 0;
	while (rc == CA_ENOTFOUND && (rc = next_tenant(tx, &id)) == 0) {
		w->looks += share;
		rc = walk_tenant(w, tx, id);
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
static int set_bounds(struct walk *w, const struct ca_names *names)
{
	store_rname_add(&w->first, &names->v[0]);
	store_rname_add(&w->last, &names->v[0]);
	if (w->suffix) {
		if (w->last.len > 0)
			w->last.data[w->last.len - 1] = '/';
		ca_buf_add_byte(&w->first, '!');
		ca_buf_addf(&w->line, ".%s", names->v[0].value);
	} else {
		ca_names_format(names, &w->line);
	}
	if (ca_buf_error(&w->first) || ca_buf_error(&w->last))
		return CA_ENOMEM;
	return ca_buf_error(&w->line);
}

static int set_name(struct walk *w)
{
	const char *name = w->filter->name + (w->suffix ? 2 : 0);
	struct ca_names names = CA_NAMES_INIT;
	int rc;

	if (w->suffix)
		rc = name[0] == '*' ? CA_EINVAL
				    : ca_names_add(&names, CA_NAME_DNS, name, strlen(name), NULL);
	else
		rc = parse_name(name, &names);
	if (rc == 0)
		rc = set_bounds(w, &names);
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
	int rc;

	if (f->name) {
		w->suffix = strncmp(f->name, "*.", 2) == 0;
		w->by_name_and_expiry = by_expiry;
		rc = set_name(w);
		if (rc)
			return rc;
		w->path = by_expiry ? &path_name_expiry : w->suffix ? &path_suffix : &path_name;
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
	ca_buf_free(&w.line);
	return rc;
}
