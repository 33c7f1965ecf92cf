#include "api/server/removal.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "store/tenants.h"

#define BATCH 500
#define TURN_MS 1000

struct batch {
	int64_t tenant_id;
	bool done; /* with this tenant */
};

/* One transaction: the first tenant that has some left, and some of its. CA_ENOTFOUND: none has. */
static int revoke_batch(struct store_tx *tx, void *arg)
{
	struct batch *batch = arg;
	int r = store_tenant_next_to_revoke(tx, 0, &batch->tenant_id);

	return r ? r
		 : store_tenant_revoke_some(tx, batch->tenant_id, ca_now(), BATCH, &batch->done);
}

static bool is_any_left(struct store *store)
{
	struct store_tx *tx = NULL;
	int64_t id;
	int r = store_read_begin(store, &tx);

	if (!r)
		r = store_tenant_next_to_revoke(tx, 0, &id);
	store_read_end(tx);
	return r == 0;
}

bool server_removal_go_on(struct store *store)
{
	const int64_t until = ca_monotonic_ms() + TURN_MS;

	if (!is_any_left(store))
		return false;
	while (ca_monotonic_ms() < until) {
		struct batch batch = { 0 };
		int r = store_write(store, revoke_batch, &batch);

		/* The store is busy, or fails, which it has logged: later. */
		if (r)
			return false;
		if (batch.done) {
			ca_logf(CA_LOG_INFO,
			    "all certificates of the removed tenant %lld are revoked",
			    (long long)batch.tenant_id);
			return is_any_left(store);
		}
	}
	return true;
}
