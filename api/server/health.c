#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "api/server/health.h"
#include "api/server/removal.h"
#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "api/server/tls.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "ca/installation.h"
#include "store/quotas.h"
#include "store/tokens.h"

#define LOOK_MS 5000       /* how often readiness is looked at */
#define STALE_MS 30000     /* a look as old as this says nothing any more: the housekeeper hangs */
#define CLOCK_BACK CA_HOUR /* how far the clock may go back without a word */
#define PRUNE_AFTER CA_DAY /* how long a token that ended stays on record */
#define PRUNE_MAX 1000
#define SWEEP_MAX 2000 /* ended certificates that one round takes off each tenant's count */

struct server_health {
	struct server *server;
	pthread_t housekeeper;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool quit;
	bool wanted; /* there is something to do: no pause before it */
	_Atomic(const char *) reason;
	atomic_int_least64_t looked_ms;
	int64_t pruned_at;
};

/* ---- what is looked at ---- */

struct heartbeat {
	int64_t now;
	int64_t back_by; /* seconds that the clock stands before the last beat */
};

/* The time of the last beat tells a clock that went back, also over a restart. */
static int beat(struct store_tx *tx, void *arg)
{
	struct heartbeat *heartbeat = arg;
	struct store_installation row = { 0 };
	int r = store_installation_get(tx, &row);

	heartbeat->back_by = r ? 0 : row.last_seen_at - heartbeat->now;
	if (!r)
		r = store_heartbeat(tx, heartbeat->now);
	store_installation_clear(&row);
	return r;
}

/* Can every issuer that serves a tenant sign, and is it within its time? */
static const char *check_issuers(const struct ca_installation *installation, int64_t now)
{
	const struct ca_authority *issuer =
	    ca_installation_authority(installation, STORE_TENANT_DEFAULT, STORE_AUTHORITY_ISSUER);

	if (!issuer || !issuer->key || ca_key_selftest(issuer->key))
		return "issuer";
	if (now < issuer->not_before)
		return "clock";
	return now > issuer->not_after ? "issuer" : NULL;
}

static const char *examine(struct server_health *health)
{
	struct heartbeat heartbeat = { .now = ca_now() };
	struct server_snapshot *snapshot;
	const char *reason;
	int r;

	r = store_write(health->server->store, beat, &heartbeat);
	/* A full queue is a store that works. */
	if (r && r != CA_EOVERLOADED)
		return "store";
	if (heartbeat.back_by > CLOCK_BACK)
		ca_logf(CA_LOG_ERROR,
		    "the clock went back by %lld s: was it wrong then, or is it now?",
		    (long long)heartbeat.back_by);
	snapshot = server_snapshot_take(health->server);
	reason = check_issuers(snapshot->installation, heartbeat.now);
	server_snapshot_release(snapshot);
	return reason;
}

static void look(struct server_health *health)
{
	const char *before = atomic_load(&health->reason), *now = examine(health);

	atomic_store(&health->reason, now);
	atomic_store(&health->looked_ms, ca_monotonic_ms());
	if (now && now != before)
		ca_logf(CA_LOG_ERROR, "not ready: %s", now);
	if (!now && before)
		ca_logf(CA_LOG_INFO, "ready again");
}

/* ---- what is kept in order ---- */

static int prune(struct store_tx *tx, void *arg)
{
	size_t *removed = arg;

	return store_token_prune(tx, ca_now() - PRUNE_AFTER, PRUNE_MAX, removed);
}

static int sweep(struct store_tx *tx, void *arg)
{
	(void)arg;
	return store_quota_sweep(tx, ca_now(), SWEEP_MAX);
}

/* True: there is more to do. */
static bool keep_house(struct server_health *health)
{
	struct server_snapshot *snapshot;
	int64_t now = ca_now();
	size_t removed = 0;

	server_snapshot_catch_up(health->server);
	snapshot = server_snapshot_take(health->server);
	/* What goes wrong is logged where it does, and is tried again. */
	(void)server_tls_renew_if_due(health->server->tls, snapshot->installation, now);
	server_snapshot_release(snapshot);
	(void)store_write(health->server->store, sweep, NULL);
	if ((now < health->pruned_at || now >= health->pruned_at + CA_HOUR) &&
	    store_write(health->server->store, prune, &removed) == 0 && removed < PRUNE_MAX)
		health->pruned_at = now;
	return server_removal_go_on(health->server->store);
}

/* Under the lock. */
static void pause_between(struct server_health *health)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_MS / 1000;
	if (!health->wanted && !health->quit)
		pthread_cond_timedwait(&health->wake, &health->lock, &until);
	health->wanted = false;
}

static void *housekeeper(void *arg)
{
	struct server_health *health = arg;
	bool more;

	look(health);
	pthread_mutex_lock(&health->lock);
	while (!health->quit) {
		pause_between(health);
		if (health->quit)
			break;
		pthread_mutex_unlock(&health->lock);
		look(health);
		more = keep_house(health);
		pthread_mutex_lock(&health->lock);
		health->wanted |= more;
	}
	pthread_mutex_unlock(&health->lock);
	return NULL;
}

/* ---- start, end, and the routes ---- */

int server_health_start(struct server *server, struct server_health **out)
{
	struct server_health *health = calloc(1, sizeof(*health));
	pthread_condattr_t attributes;

	if (!health)
		return CA_ENOMEM;
	health->server = server;
	pthread_mutex_init(&health->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&health->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Stale until the first look is over, which nobody but readiness has to wait for. */
	atomic_store(&health->looked_ms, ca_monotonic_ms() - STALE_MS - 1);
	if (pthread_create(&health->housekeeper, NULL, housekeeper, health)) {
		pthread_cond_destroy(&health->wake);
		pthread_mutex_destroy(&health->lock);
		free(health);
		return CA_EINTERNAL;
	}
	*out = health;
	return 0;
}

void server_health_stop(struct server_health *health)
{
	if (!health)
		return;
	pthread_mutex_lock(&health->lock);
	health->quit = true;
	pthread_cond_signal(&health->wake);
	pthread_mutex_unlock(&health->lock);
	pthread_join(health->housekeeper, NULL);
	pthread_cond_destroy(&health->wake);
	pthread_mutex_destroy(&health->lock);
	free(health);
}

void server_health_wake(struct server_health *health)
{
	if (!health)
		return;
	pthread_mutex_lock(&health->lock);
	health->wanted = true;
	pthread_cond_signal(&health->wake);
	pthread_mutex_unlock(&health->lock);
}

const char *server_health_reason(struct server_health *health)
{
	if (ca_monotonic_ms() - atomic_load(&health->looked_ms) > STALE_MS)
		return "stale";
	return atomic_load(&health->reason);
}

int server_healthz(struct server_request *request)
{
	return server_answer_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

int server_readyz(struct server_request *request)
{
	const char *reason = server_health_reason(request->server->health);

	if (!reason)
		return server_answer_json(request, 200, json_pack("{s:s}", "status", "ready"));
	request->retry_after = SERVER_RETRY_AFTER;
	return server_answer_json(
	    request, 503, json_pack("{s:s, s:s}", "status", "not-ready", "reason", reason));
}
