#include <stdio.h>

#include "ca/base/clock.h"
#include "store/db.h"
#include "store/identities.h"
#include "store/quotas.h"

#define WINDOW CA_MINUTE
#define CLOCK_BACK CA_HOUR /* how far it may go back without a word */

/*
 * What one enrolment does of the housekeeping. More than what it adds, so that there is never a
 * backlog: rows that expired are taken off a tenant's count (5 µs each), windows that are over are
 * forgotten.
 */
#define SWEEP_MAX 64
#define PRUNE_MAX 8

/* ---- a tenant's certificates that are alive ---- */

/* A row of the table alive; see store/migrations.c. */
struct alive {
	int64_t certificates;
	int64_t swept, swept_id;
};

static int get_alive(struct store_tx *tx, int64_t tenant_id, struct alive *out)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_ALIVE_GET);
	store_put_int(&q, tenant_id);
	rc = store_query_first(&q);
	if (rc == 0) {
		out->certificates = store_take_int(&q);
		out->swept = store_take_int(&q);
		out->swept_id = store_take_int(&q);
	}
	return store_query_end(&q, rc);
}

static int set_alive(struct store_tx *tx, int64_t tenant_id, const struct alive *alive)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_ALIVE_SET);
	store_put_int(&q, tenant_id);
	store_put_int(&q, alive->certificates);
	store_put_int(&q, alive->swept);
	store_put_int(&q, alive->swept_id);
	return store_query_run(&q);
}

static int count_alive(struct store_tx *tx, int64_t tenant_id, int64_t now, struct alive *out)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_ALIVE_COUNT);
	store_put_int(&q, tenant_id);
	store_put_int(&q, now);
	rc = store_query_first(&q);
	if (rc == 0)
		*out = (struct alive){ .certificates = store_take_int(&q), .swept = now };
	return store_query_end(&q, rc);
}

/* Take off, in *alive only, what has expired since it was swept: at most max rows. *seen: how many
 * there were. */
static int sweep(struct store_tx *tx, int64_t tenant_id, int64_t now, size_t max,
    struct alive *alive, size_t *seen)
{
	struct store_query q;
	size_t n = 0;
	int rc;

	store_query_start(&q, tx, STORE_SQL_ALIVE_ENDED);
	store_put_int(&q, tenant_id);
	store_put_int(&q, alive->swept);
	store_put_int(&q, alive->swept_id);
	store_put_int(&q, now);
	store_put_int(&q, (int64_t)max);
	while ((rc = store_query_next(&q)) == 1) {
		alive->swept = store_take_int(&q);
		alive->swept_id = store_take_int(&q) + 1;
		if (store_take_int(&q) && alive->certificates > 0)
			alive->certificates--;
		n++;
	}
	rc = store_query_end(&q, rc);
	if (rc == 0 && n < max && alive->swept < now) {
		alive->swept = now;
		alive->swept_id = 0;
	}
	*seen = n;
	return rc;
}

/* Swept by a clock that was wrong: nothing that ends before then would be counted. */
static bool is_of_the_future(const struct alive *alive, int64_t now)
{
	return alive->swept > now + CLOCK_BACK;
}

/* What is alive now, as far as it was swept. */
static int look_at_alive(struct store_tx *tx, const struct store_quota_ask *ask, struct alive *out)
{
	size_t seen;
	int rc = get_alive(tx, ask->tenant_id, out);

	if (rc == CA_ENOTFOUND || (rc == 0 && is_of_the_future(out, ask->now)))
		return count_alive(tx, ask->tenant_id, ask->now, out);
	return rc ? rc : sweep(tx, ask->tenant_id, ask->now, SWEEP_MAX, out, &seen);
}

static int check_alive(struct store_tx *tx, const struct store_quota_ask *ask, struct alive *alive,
    struct ca_detail *why)
{
	int rc = ask->alive_max ? look_at_alive(tx, ask, alive) : 0;

	if (rc || !ask->alive_max || alive->certificates < ask->alive_max)
		return rc;
	return ca_refuse(why, CA_EQUOTA,
	    "the tenant's quota of certificates alive is %lld, and used up",
	    (long long)ask->alive_max);
}

/* Store what was swept, and count the new certificate in: behind all of its second, for its id is
 * the newest. One that ends before what was swept (the clock went back) would never be taken off.
 */
static int take_alive(struct store_tx *tx, const struct store_quota_ask *ask, struct alive *alive)
{
	if (!ask->alive_max)
		return 0;
	if (ask->not_after >= alive->swept)
		alive->certificates++;
	return set_alive(tx, ask->tenant_id, alive);
}

int store_quota_revoked(struct store_tx *tx, int64_t certificate_id)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_ALIVE_REVOKED);
	store_put_int(&q, certificate_id);
	return store_query_run(&q);
}

static int recount(struct store_tx *tx, int64_t tenant_id, int64_t now)
{
	struct alive alive = { 0 };
	int rc = count_alive(tx, tenant_id, now, &alive);

	return rc ? rc : set_alive(tx, tenant_id, &alive);
}

int store_quota_set(struct store_tx *tx, int64_t tenant_id, int64_t alive_max, int64_t now)
{
	struct store_query q;

	if (alive_max)
		return recount(tx, tenant_id, now);
	store_query_start(&q, tx, STORE_SQL_ALIVE_REMOVE);
	store_put_int(&q, tenant_id);
	return store_query_run(&q);
}

/* ---- an identity's ---- */

static int check_identity(
    struct store_tx *tx, const struct store_quota_ask *ask, struct ca_detail *why)
{
	int64_t n = 0;
	int rc;

	if (!ask->identity_id || !ask->identity_alive_max)
		return 0;
	rc = store_identity_alive(tx, ask->identity_id, ask->now, ask->identity_alive_max, &n);
	if (rc || n < ask->identity_alive_max)
		return rc;
	return ca_refuse(why, CA_EQUOTA,
	    "the identity's quota of certificates alive is %lld, and used up",
	    (long long)ask->identity_alive_max);
}

/* ---- rates ---- */

#define RATES 3
#define RATE_KEY 128 /* with the NUL; what is longer than any UID shares its quota */

struct rate {
	char key[RATE_KEY];
	const char *whose;
	int64_t max;
};

static size_t rates_of(const struct store_quota_ask *ask, struct rate out[RATES])
{
	size_t n = 0;

	if (ask->minute_max)
		out[n++] = (struct rate){ "tenant", "the tenant", ask->minute_max };
	if (ask->identity_id && ask->identity_minute_max) {
		out[n] = (struct rate){ .whose = "the identity", .max = ask->identity_minute_max };
		(void)snprintf(
		    out[n++].key, RATE_KEY, "identity:%lld", (long long)ask->identity_id);
	}
	if (ask->pod && ask->pod_minute_max) {
		out[n] = (struct rate){ .whose = "the pod", .max = ask->pod_minute_max };
		(void)snprintf(
		    out[n++].key, RATE_KEY, "pod:%lld:%s", (long long)ask->source_id, ask->pod);
	}
	return n;
}

static int check_rate(struct store_tx *tx, const struct store_quota_ask *ask,
    const struct rate *rate, struct ca_detail *why)
{
	int64_t began_at = 0, used = 0;
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_RATE_GET);
	store_put_int(&q, ask->tenant_id);
	store_put_text(&q, rate->key);
	rc = store_query_first(&q);
	if (rc == 0) {
		began_at = store_take_int(&q);
		used = store_take_int(&q);
	}
	rc = store_query_end(&q, rc);
	if (rc)
		return rc == CA_ENOTFOUND ? 0 : rc;
	if (used < rate->max || began_at <= ask->now - WINDOW || began_at > ask->now)
		return 0;
	return ca_refuse(why, CA_EQUOTA,
	    "the quota of %s is %lld a minute, and used up: again in %lld s", rate->whose,
	    (long long)rate->max, (long long)(began_at + WINDOW - ask->now));
}

static int take_rate(
    struct store_tx *tx, const struct store_quota_ask *ask, const struct rate *rate)
{
	struct store_query q;

	store_query_start(&q, tx, STORE_SQL_RATE_TAKE);
	store_put_int(&q, ask->tenant_id);
	store_put_text(&q, rate->key);
	store_put_int(&q, ask->now);
	store_put_int(&q, ask->now - WINDOW);
	return store_query_run(&q);
}

/* The oldest window that is over; CA_ENOTFOUND: none is. */
static int get_over(struct store_tx *tx, int64_t now, int64_t *tenant_id, char key[RATE_KEY])
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_RATE_OVER);
	store_put_int(&q, now - WINDOW);
	rc = store_query_first(&q);
	if (rc == 0) {
		*tenant_id = store_take_int(&q);
		store_take_text(&q, key, RATE_KEY);
	}
	return store_query_end(&q, rc);
}

static int prune_rates(struct store_tx *tx, int64_t now, size_t max)
{
	char key[RATE_KEY];
	struct store_query q;
	int64_t tenant_id = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < max; i++) {
		rc = get_over(tx, now, &tenant_id, key);
		if (rc)
			break;
		store_query_start(&q, tx, STORE_SQL_RATE_REMOVE);
		store_put_int(&q, tenant_id);
		store_put_text(&q, key);
		rc = store_query_run(&q);
	}
	return rc == CA_ENOTFOUND ? 0 : rc;
}

/* ---- all of it ---- */

/* Everything that may refuse; *alive is what the tenant's count has become. */
static int check(struct store_tx *tx, const struct store_quota_ask *ask, const struct rate *rates,
    size_t n, struct alive *alive, struct ca_detail *why)
{
	int rc = check_alive(tx, ask, alive, why);

	if (rc == 0)
		rc = check_identity(tx, ask, why);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_rate(tx, ask, &rates[i], why);
	return rc;
}

int store_quota_check(struct store_tx *tx, const struct store_quota_ask *ask, struct ca_detail *why)
{
	struct rate rates[RATES];
	struct alive alive = { 0 };

	return check(tx, ask, rates, rates_of(ask, rates), &alive, why);
}

int store_quota_take(struct store_tx *tx, const struct store_quota_ask *ask, struct ca_detail *why)
{
	struct rate rates[RATES];
	struct alive alive = { 0 };
	size_t n = rates_of(ask, rates);
	int rc = check(tx, ask, rates, n, &alive, why);

	if (rc == 0)
		rc = take_alive(tx, ask, &alive);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = take_rate(tx, ask, &rates[i]);
	return rc == 0 && n ? prune_rates(tx, ask->now, PRUNE_MAX) : rc;
}

/* The first tenant behind *id whose count is kept, which becomes it. */
static int next_kept(struct store_tx *tx, int64_t *id)
{
	struct store_query q;
	int rc;

	store_query_start(&q, tx, STORE_SQL_ALIVE_TENANTS);
	store_put_int(&q, *id);
	rc = store_query_first(&q);
	if (rc == 0)
		*id = store_take_int(&q);
	return store_query_end(&q, rc);
}

int store_quota_sweep(struct store_tx *tx, int64_t now, size_t max)
{
	int64_t id = 0;
	int rc;

	while ((rc = next_kept(tx, &id)) == 0) {
		struct alive alive = { 0 };
		size_t seen = 0;

		rc = get_alive(tx, id, &alive);
		if (rc == 0 && is_of_the_future(&alive, now))
			rc = recount(tx, id, now);
		else if (rc == 0)
			rc = sweep(tx, id, now, max, &alive, &seen);
		if (rc == 0 && seen)
			rc = set_alive(tx, id, &alive);
		if (rc)
			return rc;
	}
	return rc == CA_ENOTFOUND ? prune_rates(tx, now, max) : rc;
}
