#include <assert.h>
#include <string.h>

#include "store/db.h"
#include "store/tokens.h"

void store_token_clear(struct store_token *token)
{
	if (!token)
		return;
	ca_names_free(&token->names);
	memset(token, 0, sizeof(*token));
}

int store_token_add(struct store_tx *tx, const struct store_token *token)
{
	struct ca_buf names = CA_BUF_INIT;
	struct store_query q;
	int rc;

	ca_names_format(&token->names, &names);
	rc = ca_buf_error(&names);
	if (rc)
		goto out;
	store_query_start(&q, tx, STORE_SQL_TOKEN_ADD);
	store_put_text(&q, token->id);
	store_put_int(&q, token->tenant_id);
	store_put_int(&q, token->operator_id);
	store_put_int(&q, token->certificate_id);
	store_put_text(&q, token->profile);
	store_put_text(&q, ca_buf_text(&names));
	store_put_int(&q, token->uses_max);
	store_put_int(&q, token->uses);
	store_put_int(&q, token->created_at);
	store_put_int(&q, token->expires_at);
	store_put_int(&q, token->removed_at);
	store_put_blob(&q, token->bound ? token->spki_sha256 : NULL, STORE_HASH);
	store_put_text(&q, token->common_name);
	rc = store_query_run(&q);
out:
	ca_buf_free(&names);
	return rc;
}

/* The public key that a token is bound to, if it is to one. */
static bool take_key(struct store_query *q, unsigned char spki[STORE_HASH])
{
	static const unsigned char none[STORE_HASH];

	store_take_hash(q, spki);
	return memcmp(spki, none, STORE_HASH) != 0;
}

/* The one row of a query whose values are put; *seq is its place in the order of tokens. */
static int get(struct store_query *q, struct store_token *out, int64_t *seq)
{
	struct store_token row = { 0 };
	int64_t place = 0;
	int rc = store_query_first(q);

	if (rc == 0) {
		store_take_text(q, row.id, sizeof(row.id));
		row.tenant_id = store_take_int(q);
		row.operator_id = store_take_int(q);
		row.certificate_id = store_take_int(q);
		store_take_text(q, row.profile, sizeof(row.profile));
		store_take_names(q, &row.names);
		row.uses_max = (int)store_take_int(q);
		row.uses = (int)store_take_int(q);
		row.created_at = store_take_int(q);
		row.expires_at = store_take_int(q);
		row.removed_at = store_take_int(q);
		row.bound = take_key(q, row.spki_sha256);
		store_take_text(q, row.common_name, sizeof(row.common_name));
		place = store_take_int(q);
	}
	rc = store_query_end(q, rc);
	if (rc) {
		store_token_clear(&row);
		return rc;
	}
	*out = row;
	*seq = place;
	return 0;
}

int store_token_get(struct store_tx *tx, int64_t tenant_id, const char *id, struct store_token *out)
{
	struct store_query q;
	int64_t seq;

	store_query_start(&q, tx, STORE_SQL_TOKEN_GET);
	store_put_text(&q, id);
	store_put_int(&q, tenant_id);
	return get(&q, out, &seq);
}

/* ---- redemption ---- */

/* What stands on record about a token and one public key. */
struct redemption {
	int64_t seq;
	int64_t removed_at, expires_at;
	int64_t uses_left;
	bool taken;             /* by this key */
	int64_t certificate_id; /* what the key got; 0: nothing yet */
	bool fits;              /* the token is bound to no other key */
};

static int look(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    struct redemption *out)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TOKEN_CHECK);
	store_put_text(&q, id);
	store_put_blob(&q, spki, STORE_HASH);
	rc = store_query_first(&q);
	if (rc == 0) {
		out->seq = store_take_int(&q);
		out->removed_at = store_take_int(&q);
		out->expires_at = store_take_int(&q);
		out->uses_left = store_take_int(&q);
		out->taken = store_take_present(&q);
		out->certificate_id = store_take_int(&q);
		out->fits = store_take_int(&q) != 0;
	}
	rc = store_query_end(&q, rc);
	return rc == CA_ENOTFOUND ? CA_ETOKENFOREIGN : rc;
}

static int judge(const struct redemption *r, int64_t now, int64_t *certificate_id)
{
	if (r->removed_at)
		return CA_ETOKENREMOVED;
	if (now > r->expires_at)
		return CA_ETOKENEXPIRED;
	if (!r->fits)
		return CA_ETOKENKEY;
	if (r->taken && r->certificate_id) {
		*certificate_id = r->certificate_id;
		return CA_EEXIST;
	}
	/* Taken, and no certificate came of it: the use is this key's already. */
	if (r->taken || r->uses_left > 0)
		return 0;
	return CA_ETOKENREPLAYED;
}

int store_token_check(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    int64_t now, int64_t *certificate_id)
{
	struct redemption r = { 0 };
	int rc = look(tx, id, spki, &r);

	return rc ? rc : judge(&r, now, certificate_id);
}

int store_token_redeem(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    int64_t now, int64_t *certificate_id)
{
	struct redemption r = { 0 };
	struct store_query q;
	int rc;

	rc = look(tx, id, spki, &r);
	if (rc == 0)
		rc = judge(&r, now, certificate_id);
	if (rc || r.taken)
		return rc;
	store_query_start(&q, tx, STORE_SQL_TOKEN_TAKE);
	store_put_int(&q, r.seq);
	rc = store_query_run(&q);
	if (rc)
		return rc;
	store_query_start(&q, tx, STORE_SQL_TOKEN_TAKE_KEY);
	store_put_int(&q, r.seq);
	store_put_blob(&q, spki, STORE_HASH);
	return store_query_run(&q);
}

int store_token_used(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    int64_t certificate_id)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TOKEN_USED);
	store_put_text(&q, id);
	store_put_blob(&q, spki, STORE_HASH);
	store_put_int(&q, certificate_id);
	rc = store_query_run(&q);
	if (rc == 0 && store_db_changes(tx) == 0)
		rc = CA_ENOTFOUND;
	return rc;
}

/* ---- listing and the end of tokens ---- */

/* The place of the token with this id, of one tenant (0: any), in the order of tokens. */
static int place_of(struct store_tx *tx, int64_t tenant_id, const char *id, int64_t *seq)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_TOKEN_SEQ);
	store_put_text(&q, id);
	store_put_int(&q, tenant_id);
	rc = store_query_first(&q);
	if (rc == 0)
		*seq = store_take_int(&q);
	return store_query_end(&q, rc);
}

/* The first token behind *seq, which becomes its place. */
static int get_next(
    struct store_tx *tx, int64_t tenant_id, int64_t now, int64_t *seq, struct store_token *out)
{
	struct store_query q;

	store_query_start(&q, tx, tenant_id ? STORE_SQL_TOKEN_LIST_TENANT : STORE_SQL_TOKEN_LIST);
	store_put_int(&q, *seq);
	store_put_int(&q, now);
	if (tenant_id)
		store_put_int(&q, tenant_id);
	return get(&q, out, seq);
}

int store_token_list(struct store_tx *tx, int64_t tenant_id, int64_t now, const char *after,
    size_t max, bool *more, int (*each)(const struct store_token *token, void *arg), void *arg)
{
	struct store_token token = { 0 };
	int64_t seq = 0;
	int rc = 0;

	assert(max >= 1 && max <= STORE_PAGE_MAX);
	if (after)
		rc = place_of(tx, tenant_id, after, &seq);
	for (size_t n = 0; rc == 0; n++) {
		rc = get_next(tx, tenant_id, now, &seq, &token);
		if (rc == CA_ENOTFOUND || (rc == 0 && n == max)) {
			*more = rc == 0;
			store_token_clear(&token);
			return 0;
		}
		if (rc == 0)
			rc = each(&token, arg);
		store_token_clear(&token);
	}
	return rc;
}

int store_token_remove(struct store_tx *tx, int64_t tenant_id, const char *id, int64_t now)
{
	struct store_token token = { 0 };
	struct store_query q;
	int rc;

	rc = store_token_get(tx, tenant_id, id, &token);
	if (rc || token.removed_at)
		goto out;
	store_query_start(&q, tx, STORE_SQL_TOKEN_REMOVE);
	store_put_text(&q, id);
	store_put_int(&q, now);
	rc = store_query_run(&q);
out:
	store_token_clear(&token);
	return rc;
}

static int prune(struct store_tx *tx, enum store_statement which, int64_t before, size_t max)
{
	struct store_query q;

	store_query_start(&q, tx, which);
	store_put_int(&q, before);
	store_put_int(&q, (int64_t)max);
	return store_query_run(&q);
}

int store_token_prune(struct store_tx *tx, int64_t before, size_t max, size_t *removed)
{
	int rc;

	rc = prune(tx, STORE_SQL_TOKEN_PRUNE_USES, before, max);
	if (rc == 0)
		rc = prune(tx, STORE_SQL_TOKEN_PRUNE, before, max);
	if (rc == 0)
		*removed = (size_t)store_db_changes(tx);
	return rc;
}
