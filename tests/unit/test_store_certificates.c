#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

#include "store/certificates.h"
#include "store/db.h"
#include "store/installation.h"
#include "store/operators.h"

#define NOW 1800000000
#define OTHER 3 /* the second tenant with certificates */

static char *dir;
static struct store *store;
static struct store_tx *tx; /* reading; the teardown ends it */

/* ---- fixture ---- */

static int populate(struct store_tx *wtx, void *arg)
{
	static unsigned char octets[] = { 0x30, 0x00 };
	struct store_tenant tenants[] = { { 1, "system", NOW, 0, 0 }, { 2, "default", NOW, 0, 0 },
		{ OTHER, "other", NOW, 0, 0 } };
	struct store_authority issuer = { .tenant_id = 2,
		.kind = STORE_AUTHORITY_ISSUER,
		.status = STORE_AUTHORITY_ACTIVE,
		.name = "default-1",
		.serial = { 1 },
		.serial_len = 1,
		.crl_shards = 1,
		.certificate = { octets, 2 } };
	struct store_operator ada = { .name = "ada", .role = STORE_ROLE_ADMIN };

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_tenant_add(wtx, &tenants[i]), 0);
	assert_int_equal(store_authority_add(wtx, &issuer), 0);
	assert_int_equal(store_operator_add(wtx, &ada), 0);
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

static int setup(void **state)
{
	(void)state;
	dir = support_mkdir();
	store = support_store(dir);
	assert_int_equal(store_write(store, populate, NULL), 0);
	return 0;
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

/* A row whose serial says n; names is a list separated by spaces. */
static struct store_certificate make(unsigned int n, int64_t tenant, const char *names)
{
	struct store_certificate row = { .tenant_id = tenant,
		.issuer_id = 1,
		.serial_len = 18,
		.profile = "service",
		.not_before = NOW,
		.not_after = NOW + 1000,
		.renew_after = NOW + 500,
		.issued_at = NOW + 1,
		.der_len = 5 };
	char *copy = strdup(names);
	char *save = NULL;

	row.der = (unsigned char *)strdup("30 82");
	row.serial[0] = 0x40;
	memcpy(row.serial + 14, &n, sizeof(n));
	memset(row.spki_sha256, (int)n & 0xff, STORE_HASH);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		enum ca_name_type type = strstr(p, "://")             ? CA_NAME_URI
					 : p[0] >= '0' && p[0] <= '9' ? CA_NAME_IP
								      : CA_NAME_DNS;

		assert_int_equal(ca_names_add(&row.names, type, p, strlen(p), NULL), 0);
	}
	free(copy);
	return row;
}

static int add(struct store_tx *wtx, void *arg)
{
	return store_certificate_add(wtx, arg);
}

static int64_t put(struct store_certificate *row)
{
	int64_t id;

	assert_int_equal(store_write(store, add, row), 0);
	id = row->id;
	store_certificate_clear(row);
	return id;
}

/* ---- one row ---- */

static void gives_back_what_was_added(void **state)
{
	struct store_certificate in = make(1, 2, "web.internal 10.0.0.1 spiffe://internal/web");
	struct store_certificate out = { 0 };

	(void)state;
	in.parent_id = 40;
	in.lineage_id = 39;
	in.operator_id = 1;
	in.identity_id = 8;
	in.request_sha256[31] = 7;
	in.crl_shard = 3;
	assert_int_equal(store_write(store, add, &in), 0);
	assert_int_equal(in.id, 1);
	begin();
	assert_int_equal(store_certificate_get(tx, 0, in.serial, in.serial_len, &out), 0);
	assert_int_equal(out.id, in.id);
	assert_int_equal(out.tenant_id, 2);
	assert_int_equal(out.issuer_id, 1);
	assert_int_equal(out.parent_id, 40);
	assert_int_equal(out.lineage_id, 39);
	assert_int_equal(out.operator_id, 1);
	assert_int_equal(out.identity_id, 8);
	assert_int_equal(out.serial_len, in.serial_len);
	assert_memory_equal(out.serial, in.serial, in.serial_len);
	assert_memory_equal(out.spki_sha256, in.spki_sha256, STORE_HASH);
	assert_memory_equal(out.request_sha256, in.request_sha256, STORE_HASH);
	assert_string_equal(out.profile, "service");
	assert_int_equal(out.not_before, in.not_before);
	assert_int_equal(out.not_after, in.not_after);
	assert_int_equal(out.renew_after, in.renew_after);
	assert_int_equal(out.issued_at, in.issued_at);
	assert_int_equal(out.status, STORE_GOOD);
	assert_int_equal(out.revoked_at, 0);
	assert_int_equal(out.crl_shard, 3);
	assert_int_equal(out.names.n, 3);
	assert_true(ca_names_has(&out.names, CA_NAME_URI, "spiffe://internal/web"));
	assert_int_equal(out.der_len, 5);
	assert_memory_equal(out.der, "30 82", 5);
	store_certificate_clear(&out);
	end();
	store_certificate_clear(&in);
}

static void finds_by_serial_and_tenant(void **state)
{
	struct store_certificate row = make(1, 2, "web.internal");
	struct store_certificate again = make(1, OTHER, "web.internal");
	struct store_certificate out = { 0 };

	(void)state;
	assert_int_equal(store_write(store, add, &row), 0);
	assert_int_equal(row.lineage_id, row.id);
	/* The serial is unique across tenants, and the refused row leaves no names. */
	assert_int_equal(store_write(store, add, &again), CA_EEXIST);
	assert_int_equal(again.id, 0);
	begin();
	assert_int_equal(
	    store_certificate_get(tx, OTHER, row.serial, row.serial_len, &out), CA_ENOTFOUND);
	assert_int_equal(
	    store_certificate_get(tx, 2, row.serial, row.serial_len - 1, &out), CA_ENOTFOUND);
	assert_int_equal(store_certificate_get(tx, 2, row.serial, 0, &out), CA_ENOTFOUND);
	assert_int_equal(store_certificate_get(tx, 2, row.serial, row.serial_len, &out), 0);
	assert_int_equal(out.lineage_id, out.id);
	for (int i = 0; i < STORE_HASH; i++)
		assert_int_equal(out.request_sha256[i], 0);
	store_certificate_clear(&out);
	assert_int_equal(store_certificate_get_id(tx, 2, &out), CA_ENOTFOUND);
	end();
	store_certificate_clear(&row);
	store_certificate_clear(&again);
}

static int revoke_twice(struct store_tx *wtx, void *arg)
{
	bool changed = false;

	(void)arg;
	assert_int_equal(store_certificate_revoke(wtx, 1, NOW + 5, 1, &changed), 0);
	assert_true(changed);
	assert_int_equal(store_certificate_revoke(wtx, 1, NOW + 9, 4, &changed), 0);
	assert_false(changed);
	assert_int_equal(store_certificate_revoke(wtx, 1, NOW + 9, 4, NULL), 0);
	assert_int_equal(store_certificate_revoke(wtx, 2, NOW, 0, &changed), CA_ENOTFOUND);
	return 0;
}

static void revokes_once(void **state)
{
	struct store_certificate row = make(1, 2, "web.internal");
	struct store_certificate out = { 0 };

	(void)state;
	put(&row);
	assert_int_equal(store_write(store, revoke_twice, NULL), 0);
	begin();
	assert_int_equal(store_certificate_get_id(tx, 1, &out), 0);
	assert_int_equal(out.status, STORE_REVOKED);
	assert_int_equal(out.revoked_at, NOW + 5);
	assert_int_equal(out.revocation_reason, 1);
	store_certificate_clear(&out);
	end();
}

static int revoke_second(struct store_tx *wtx, void *arg)
{
	(void)arg;
	return store_certificate_revoke(wtx, 2, NOW, 0, NULL);
}

static void finds_an_operators_newest(void **state)
{
	struct store_certificate out = { 0 };

	(void)state;
	for (unsigned int i = 1; i <= 4; i++) {
		static const int64_t ends[] = { 0, 10, 30, 20, 40 };
		struct store_certificate row = make(i, 1, "");

		row.operator_id = i == 4 ? 0 : 1;
		row.not_after = NOW + ends[i];
		put(&row);
	}
	assert_int_equal(store_write(store, revoke_second, NULL), 0);
	begin();
	assert_int_equal(store_certificate_of_operator(tx, 1, &out), 0);
	assert_int_equal(out.id, 3);
	assert_int_equal(out.names.n, 0);
	store_certificate_clear(&out);
	assert_int_equal(store_certificate_of_operator(tx, 2, &out), CA_ENOTFOUND);
	assert_int_equal(store_certificate_of_operator(tx, 0, &out), CA_ENOTFOUND);
	end();
}

static int spoil_names(struct store_tx *wtx, void *arg)
{
	(void)arg;
	return store_db_exec(wtx, "UPDATE certificates SET names = 'what is this'");
}

static void a_row_mica_did_not_write_is_an_error(void **state)
{
	struct store_certificate row = make(1, 2, "web.internal");
	struct store_certificate out = { 0 };

	(void)state;
	put(&row);
	assert_int_equal(store_write(store, spoil_names, NULL), 0);
	begin();
	assert_int_equal(store_certificate_get_id(tx, 1, &out), CA_ESTORE);
	assert_null(out.der);
	end();
}

/* ---- listings, held against a plain model ---- */

#define ROWS 240
#define ROWS_MANY 6000
#define STEPS_MAX 150000 /* of SQLite's machine, for one page: about 2 ms */

static struct store_certificate model[ROWS_MANY];
static size_t rows; /* in the model */

static int add_model(struct store_tx *wtx, void *arg)
{
	static const char *const names[] = { "web.internal", "db.internal www.db.internal",
		"*.db.internal 10.0.0.1", "internal", "web.internal.example.com", "webinternal",
		"a-b.internal a.b.internal *.internal", "spiffe://internal/web web.internal",
		"2001:db8::1", "" };
	unsigned int seed = 7;

	(void)arg;
	rows = ROWS;
	for (unsigned int i = 0; i < ROWS; i++) {
		unsigned int r = seed = seed * 1103515245 + 12345;

		model[i] = make(i, r >> 8 & 1 ? 2 : OTHER, names[(r >> 12) % 10]);
		model[i].not_after = NOW + (r >> 20) % 40;
		if ((r >> 26) % 3 == 0)
			(void)snprintf(model[i].profile, STORE_PROFILE_MAX, "other");
		assert_int_equal(store_certificate_add(wtx, &model[i]), 0);
		if ((r >> 28) % 4 == 0) {
			assert_int_equal(
			    store_certificate_revoke(wtx, model[i].id, NOW, 0, NULL), 0);
			model[i].status = STORE_REVOKED;
		}
	}
	return 0;
}

/* Labels in reverse, to sort by. */
static void reverse(const char *dns, char *out)
{
	size_t end = strlen(dns);
	size_t n = 0;

	for (size_t i = end + 1; i-- > 0;) {
		if (i > 0 && dns[i - 1] != '.')
			continue;
		memcpy(out + n, dns + i, end - i);
		n += end - i;
		out[n++] = '.';
		end = i ? i - 1 : 0;
	}
	out[n] = '\0';
}

struct entry {
	int64_t id, not_after;
	char name[300];
};

static int by_id_down(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->id < y->id) - (x->id > y->id);
}

static int by_expiry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->not_after != y->not_after)
		return x->not_after < y->not_after ? -1 : 1;
	return by_id_down(b, a);
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : by_id_down(b, a);
}

/* How many entries the row makes in a listing by name; as many as names match. */
static size_t match_names(
    const struct store_filter *f, const struct store_certificate *row, struct entry *out)
{
	const char *suffix = f->name && strncmp(f->name, "*.", 2) == 0 ? f->name + 1 : NULL;
	size_t n = 0;

	for (size_t i = 0; i < row->names.n; i++) {
		const char *value = row->names.v[i].value;
		size_t len = strlen(value);

		if (suffix && (row->names.v[i].type != CA_NAME_DNS || len <= strlen(suffix) ||
				  strcmp(value + len - strlen(suffix), suffix) != 0))
			continue;
		if (!suffix && (!f->name || strcmp(value, f->name) != 0))
			continue;
		out[n].id = row->id;
		out[n].not_after = row->not_after;
		reverse(value, out[n++].name);
	}
	return n;
}

static size_t expect(const struct store_filter *f, struct entry *out)
{
	bool expiry = f->expires_before || f->expires_after;
	bool suffix = f->name && strncmp(f->name, "*.", 2) == 0;
	size_t n = 0;

	for (size_t i = 0; i < rows; i++) {
		const struct store_certificate *row = &model[i];
		size_t matches = 1;

		if ((f->tenant_id && row->tenant_id != f->tenant_id) ||
		    (f->profile && strcmp(f->profile, row->profile) != 0) ||
		    (f->status >= 0 && f->status != (int)row->status) ||
		    (f->expires_before && row->not_after >= f->expires_before) ||
		    (f->expires_after && row->not_after < f->expires_after))
			continue;
		out[n].id = row->id;
		out[n].not_after = row->not_after;
		if (f->name)
			matches = match_names(f, row, out + n);
		n += matches && (!suffix || expiry) ? 1 : matches;
	}
	qsort(out, n, sizeof(*out), expiry ? by_expiry : suffix ? by_name : by_id_down);
	return n;
}

struct seen {
	const struct entry *expected;
	size_t n, max;
};

static int see(const struct store_certificate *row, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n < seen->max);
	assert_int_equal(row->id, seen->expected[seen->n].id);
	assert_int_equal(row->names.n, model[row->id - 1].names.n);
	seen->n++;
	return 0;
}

/* What SQLite's machine did since it was asked last. */
static int steps(void)
{
	int n = 0;

	for (int i = 0; i < STORE_STATEMENTS; i++)
		if (tx->prepared[i])
			n += sqlite3_stmt_status(tx->prepared[i], SQLITE_STMTSTATUS_VM_STEP, 1);
	return n;
}

/* List page by page and compare. Where rows have to be looked at, a page may be short. */
static void check(const struct store_filter *f, size_t page)
{
	static struct entry expected[ROWS_MANY * 4];
	struct seen seen = { expected, 0, expect(f, expected) };
	bool looks = f->profile || f->status >= 0 || (f->name && rows > ROWS);
	struct store_cursor cursor = { 0 };
	bool more = true;
	size_t pages = 0;

	(void)steps();
	while (more) {
		size_t before = seen.n;

		assert_int_equal(
		    store_certificate_list(tx, f, page, &cursor, &more, see, &seen), 0);
		assert_true(seen.n - before <= page);
		assert_true(looks || !more || seen.n - before == page);
		assert_true(++pages <= seen.max / page + rows / 50 + 2);
		assert_in_range(steps(), 0, STEPS_MAX);
	}
	assert_int_equal(seen.n, seen.max);
	assert_null(cursor.name);
	assert_int_equal(cursor.id, 0);
}

static void clear_model(void)
{
	for (size_t i = 0; i < rows; i++)
		store_certificate_clear(&model[i]);
}

static void lists_what_a_plain_model_lists(void **state)
{
	static const char *const names[] = { NULL, "web.internal", "*.internal", "*.db.internal",
		"10.0.0.1", "2001:db8::1", "spiffe://internal/web", "nobody.internal" };
	static const int64_t expiry[][2] = { { 0, 0 }, { NOW + 20, 0 }, { 0, NOW + 10 },
		{ NOW + 30, NOW + 5 }, { NOW, 0 } };
	static const int64_t tenants[] = { 0, 1, 2, OTHER };
	static const size_t pages[] = { 1, 7, STORE_PAGE_MAX };

	(void)state;
	assert_int_equal(store_write(store, add_model, NULL), 0);
	begin();
	for (unsigned int i = 0; i < 8 * 5 * 4 * 3 * 2 * 3; i++) {
		struct store_filter f = { .name = names[i % 8],
			.expires_before = expiry[i / 8 % 5][0],
			.expires_after = expiry[i / 8 % 5][1],
			.tenant_id = tenants[i / 40 % 4],
			.status = (int)(i / 160 % 3) - 1,
			.profile = i / 480 % 2 ? "other" : NULL };

		check(&f, pages[i / 960 % 3]);
	}
	end();
	clear_model();
}

/* A row's names: '#' stands for its number. */
static struct store_certificate make_numbered(unsigned int n, int64_t tenant, const char *pattern)
{
	char list[128];
	size_t len = 0;

	for (; *pattern; pattern++) {
		assert_true(len + 12 < sizeof(list));
		if (*pattern == '#')
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%u", n);
		else
			list[len++] = *pattern;
	}
	list[len] = '\0';
	return make(n, tenant, list);
}

static int add_many_names(struct store_tx *wtx, void *arg)
{
	static const char *const names[] = { "a#.web.internal b#.web.internal", "*.web.internal",
		"n#.db.internal", "internal", "n#.xweb.internal", "db.internal", "",
		"spiffe://web.internal/#", "spiffe://x/n.web.internal", "10.0.0.1 n#.example.com",
		"n#.web.internal.example.com", "n#.web.internal", "c#.web.internal" };
	unsigned int seed = 9;

	(void)arg;
	rows = ROWS_MANY;
	for (unsigned int i = 0; i < rows; i++) {
		unsigned int r = seed = seed * 1103515245 + 12345;

		model[i] = make_numbered(i, (r >> 8) % 8 ? 2 : OTHER, names[(r >> 12) % 13]);
		model[i].not_after = NOW + (r >> 16) % 900;
		model[i].status = (r >> 20) % 40 ? STORE_GOOD : STORE_REVOKED;
		assert_int_equal(store_certificate_add(wtx, &model[i]), 0);
	}
	return 0;
}

/* Below some of these names stand so many entries that they are not sorted. */
static void a_name_with_an_expiry_lists_the_same_both_ways(void **state)
{
	static const char *const names[] = { "*.internal", "*.web.internal", "*.db.internal",
		"*.web.internal.example.com", "db.internal", "10.0.0.1", "internal",
		"*.b7.internal" };
	static const int64_t expiry[][2] = { { 0, NOW }, { NOW + 600, NOW + 300 },
		{ NOW + 301, NOW + 300 }, { NOW, 0 } };
	static const int64_t tenants[] = { 0, 2, OTHER };
	static const size_t pages[] = { STORE_PAGE_MAX, 97 };

	(void)state;
	assert_int_equal(store_write(store, add_many_names, NULL), 0);
	begin();
	for (unsigned int i = 0; i < 8 * 4 * 3 * 2 * 2; i++) {
		struct store_filter f = { .name = names[i % 8],
			.expires_before = expiry[i / 8 % 4][0],
			.expires_after = expiry[i / 8 % 4][1],
			.tenant_id = tenants[i / 32 % 3],
			.status = i / 96 % 2 ? STORE_REVOKED : -1 };

		check(&f, pages[i / 192 % 2]);
	}
	end();
	clear_model();
}

static int refuse_second(const struct store_certificate *row, void *arg)
{
	int *n = arg;

	(void)row;
	return ++*n == 2 ? CA_ESEAL : 0;
}

static void a_callers_refusal_ends_the_listing(void **state)
{
	struct store_filter f = { .status = -1 };
	struct store_cursor cursor = { .id = 0 };
	bool more = false;
	int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct store_certificate row = make(i, 2, "web.internal");

		put(&row);
	}
	begin();
	assert_int_equal(
	    store_certificate_list(tx, &f, 10, &cursor, &more, refuse_second, &n), CA_ESEAL);
	assert_int_equal(n, 2);
	assert_int_equal(cursor.id, 0);
	end();
}

static int count(const struct store_certificate *row, void *arg)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static int list_count(const struct store_filter *f, struct store_cursor *cursor)
{
	bool more = false;
	int n = 0;
	int rc = store_certificate_list(tx, f, STORE_PAGE_MAX, cursor, &more, count, &n);

	store_cursor_clear(cursor);
	return rc ? rc : n;
}

/* A name may be given in any spelling that a request may use; anything else is refused. */
static void names_are_taken_as_people_write_them(void **state)
{
	static const char *const found[] = { "WEB.Internal", "*.INTERNAL", "2001:DB8:0::1",
		"SPIFFE://internal/Web" };
	static const char *const refused[] = { "", "*", "*.", "*..internal", "*.*.internal", "a b",
		"-x.internal", "10.0.0.256", "*.10.0.0.1", "spiffe://", "web.internal\n", "%",
		"_" };
	struct store_certificate row = make(1, 2, "web.internal 2001:db8::1 spiffe://internal/Web");

	(void)state;
	put(&row);
	begin();
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		struct store_filter f = { .name = found[i], .status = -1 };
		struct store_cursor cursor = { 0 };

		assert_int_equal(list_count(&f, &cursor), 1);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct store_filter f = { .name = refused[i], .status = -1 };
		struct store_cursor cursor = { 0 };

		if (list_count(&f, &cursor) != CA_EINVAL)
			fail_msg("\"%s\" was not refused", refused[i]);
	}
	end();
}

/* A cursor comes back from a client, who may have made it up: it never widens what the filter
 * grants. */
static void a_made_up_cursor_stays_within_the_filter(void **state)
{
	static const char *const names[] = { "", "d:", "d:a.", "d:internal.", "i:", "\xff\xff",
		"z" };
	static const int64_t ids[] = { INT64_MIN, -1, 0, 1, INT64_MAX };
	struct store_certificate mine = make(1, 2, "a.internal");
	struct store_certificate outside = make(2, 2, "internal a.example");
	struct store_certificate other = make(3, OTHER, "a.internal");

	(void)state;
	put(&mine);
	put(&outside);
	put(&other);
	begin();
	for (unsigned int i = 0; i < 7 * 5 * 3; i++) {
		struct store_filter f = { .tenant_id = 2,
			.status = -1,
			.name = i / 35 == 2 ? NULL : "*.internal",
			.expires_after = i / 35 == 1 ? NOW : 0,
			.profile = i / 35 == 2 ? "none" : NULL };
		struct store_cursor cursor = {
			.id = ids[i / 7 % 5], .not_after = ids[i % 5], .name = strdup(names[i % 7])
		};
		int n = list_count(&f, &cursor);

		assert_true(n == 0 || n == 1);
	}
	end();
}

/* What of i to j is not there yet: even rows are the default tenant's, ends are mixed up. */
static void add_range(struct store_tx *wtx, int from, int to, int end)
{
	char *row = sqlite3_mprintf(
	    "WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	    "INSERT INTO certificates (id, tenant_id, issuer_id, status, not_before, not_after, "
	    "renew_after, issued_at, revocation_reason, crl_shard, serial, spki_sha256, profile, "
	    "common_name, names, der) SELECT i, 2 + (i & 1), 1, 0, 1, %d + i * 7919 %% 120000, 1, "
	    "1, 0, "
	    "0, CAST(i AS BLOB), zeroblob(32), iif(i IN (8, 60002, 119998), 'rare', 'service'), "
	    "'', 'dns:n' || i || '.web.internal', x'' FROM n",
	    from, to, end);
	char *name = sqlite3_mprintf("INSERT INTO certificate_names SELECT tenant_id, "
				     "'d:internal.web.n' || id || '.', id, not_after "
				     "FROM certificates WHERE id BETWEEN %d AND %d",
	    from, to);

	assert_int_equal(store_db_exec(wtx, row), 0);
	assert_int_equal(store_db_exec(wtx, name), 0);
	sqlite3_free(row);
	sqlite3_free(name);
}

static int add_many(struct store_tx *wtx, void *arg)
{
	(void)arg;
	add_range(wtx, 1, 120000, 1);
	return 0;
}

struct noted {
	int64_t ids[8];
	size_t n;
};

static int note_id(const struct store_certificate *row, void *arg)
{
	struct noted *noted = arg;

	assert_true(noted->n < 8);
	noted->ids[noted->n++] = row->id;
	return 0;
}

/* To the end of a listing, every page of it cheap. Returns the number of pages. */
static size_t list_all(const struct store_filter *f, struct noted *out)
{
	struct store_cursor cursor = { 0 };
	size_t pages = 0;
	bool more = true;

	(void)steps();
	while (more) {
		assert_int_equal(store_certificate_list(tx, f, 2, &cursor, &more, note_id, out), 0);
		assert_in_range(steps(), 0, STEPS_MAX);
		assert_true(++pages < 2000);
	}
	return pages;
}

/* A filter that few rows pass does not walk the whole table in one go, and still finds them all, in
 * order. */
static void a_rare_row_is_found_in_short_pages(void **state)
{
	static const struct store_filter filters[] = {
		{ .status = -1, .profile = "rare" },
		{ .status = -1, .profile = "rare", .name = "*.internal" },
		{ .status = -1, .profile = "rare", .expires_after = 1 },
		{ .status = -1, .profile = "rare", .expires_after = 1, .name = "*.internal" },
		{ .status = -1,
		    .profile = "rare",
		    .expires_after = 1,
		    .name = "*.web.internal",
		    .tenant_id = 2 },
	};
	/* By number, by name and by end: 8, 60002 and 119998 end at 63352, … */
	static const int64_t orders[][3] = { { 119998, 60002, 8 }, { 119998, 60002, 8 }, { 0 },
		{ 0 }, { 0 } };

	(void)state;
	assert_int_equal(store_write(store, add_many, NULL), 0);
	begin();
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		struct noted noted = { .n = 0 };

		assert_true(list_all(&filters[i], &noted) > 10);
		assert_int_equal(noted.n, 3);
		for (size_t k = 0; k < 3; k++)
			if (orders[i][k])
				assert_int_equal(noted.ids[k], orders[i][k]);
	}
	end();
}

/* A name that nothing stands below, or everything with no end in the window. */
static void an_empty_answer_is_cheap(void **state)
{
	static const struct store_filter filters[] = {
		{ .status = -1, .expires_after = 1, .name = "*.example.com" },
		{ .status = -1, .expires_after = 1, .name = "web.example.com" },
		{ .status = -1, .expires_after = 200000, .name = "*.internal" },
		{ .status = -1, .expires_before = 1, .name = "*.internal", .tenant_id = OTHER },
		{ .status = -1, .name = "*.example.com", .profile = "rare" },
		{ .status = STORE_REVOKED },
		{ .status = STORE_REVOKED, .profile = "rare" },
	};

	(void)state;
	assert_int_equal(store_write(store, add_many, NULL), 0);
	begin();
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		struct noted noted = { .n = 0 };

		assert_int_equal(list_all(&filters[i], &noted), 1);
		assert_int_equal(noted.n, 0);
	}
	end();
}

/* However many looks that takes. */
static void a_page_of_rows_that_all_pass_is_full(void **state)
{
	struct store_filter f = { .status = STORE_GOOD, .expires_after = 1, .profile = "service" };
	struct store_cursor cursor = { 0 };
	bool more = false;
	int n = 0;

	(void)state;
	assert_int_equal(store_write(store, add_many, NULL), 0);
	begin();
	assert_int_equal(
	    store_certificate_list(tx, &f, STORE_PAGE_MAX, &cursor, &more, count, &n), 0);
	assert_int_equal(n, STORE_PAGE_MAX);
	assert_true(more);
	end();
}

static int add_some(struct store_tx *wtx, void *arg)
{
	(void)arg;
	add_range(wtx, 1, 1000, 1);
	return 0;
}

/* They end outside of the window that is listed. */
static int add_more(struct store_tx *wtx, void *arg)
{
	(void)arg;
	add_range(wtx, 1001, 9000, 1000000);
	return 0;
}

struct ends {
	int64_t last;
	size_t n;
};

static int note_end(const struct store_certificate *row, void *arg)
{
	struct ends *ends = arg;

	assert_true(row->not_after > ends->last);
	assert_true(row->id <= 1000);
	assert_int_equal(row->tenant_id, 2);
	ends->last = row->not_after;
	ends->n++;
	return 0;
}

/* While a listing goes on the name grows so that it is walked the other way: the cursor holds. */
static void a_cursor_outlives_a_change_of_ways(void **state)
{
	struct store_filter f = {
		.status = -1, .tenant_id = 2, .name = "*.web.internal", .expires_before = 1000000
	};
	struct store_cursor cursor = { 0 };
	struct ends ends = { .n = 0 };
	bool more = true;

	(void)state;
	assert_int_equal(store_write(store, add_some, NULL), 0);
	for (int page = 0; more; page++) {
		if (page == 3)
			assert_int_equal(store_write(store, add_more, NULL), 0);
		begin();
		assert_int_equal(
		    store_certificate_list(tx, &f, 37, &cursor, &more, note_end, &ends), 0);
		end();
	}
	assert_int_equal(ends.n, 500);
}

/* ---- plans ---- */

static void no_listing_scans_or_sorts(void **state)
{

	(void)state;
	begin();
	for (int i = STORE_SQL_INSTALLATION_SET; i < STORE_STATEMENTS; i++) {
		char *sql = sqlite3_mprintf(
		    "EXPLAIN QUERY PLAN %s", store_statement_sql((enum store_statement)i));
		sqlite3_stmt *stmt = NULL;

		assert_int_equal(sqlite3_prepare_v2(tx->db, sql, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(stmt, 3);
			bool counts = i == STORE_SQL_CERTIFICATE_COUNT ||
				      i == STORE_SQL_OPERATOR_ADMINS ||       /* few in all */
				      strcmp(step, "SCAN (subquery-1)") == 0; /* it has a limit */
			bool none = strcmp(step, "SCAN CONSTANT ROW") == 0;
			/* One a tenant and source. */
			bool each =
			    i == STORE_SQL_IDENTITY_LIST_SUBJECT && strncmp(step, "SCAN i", 6) != 0;
			bool sorts = i == STORE_SQL_LIST_NAME_EXPIRY || each; /* few */

			if ((strstr(step, "SCAN") && !counts && !each && !none) ||
			    (strstr(step, "TEMP B-TREE") && !sorts))
				fail_msg("%s: %s", sql, step);
		}
		sqlite3_finalize(stmt);
		sqlite3_free(sql);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_back_what_was_added, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_by_serial_and_tenant, setup, teardown),
		cmocka_unit_test_setup_teardown(revokes_once, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_an_operators_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_row_mica_did_not_write_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_what_a_plain_model_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_name_with_an_expiry_lists_the_same_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_callers_refusal_ends_the_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    names_are_taken_as_people_write_them, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_made_up_cursor_stays_within_the_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_rare_row_is_found_in_short_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_answer_is_cheap, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_page_of_rows_that_all_pass_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_cursor_outlives_a_change_of_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(no_listing_scans_or_sorts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
