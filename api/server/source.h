/*
 * A source: whose tokens are believed, and how one is checked: by asking the cluster (TokenReview),
 * or with the issuer's keys (JWKS), which are given or fetched, and kept while they cannot be
 * fetched anew. Made from a row of the store; shared by references, from snapshot to snapshot while
 * the row stays the same, so that the keys stay too. Any thread.
 */
#ifndef API_SERVER_SOURCE_H
#define API_SERVER_SOURCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "api/server/outbound.h"
#include "api/server/outside.h"
#include "api/server/source_settings.h"
#include "store/sources.h"

#define SERVER_SOURCE_ASK 1 /* the network is needed: server_source_ask() */

#define SERVER_SOURCE_PAUSE_MS 10000   /* between two fetches of keys */
#define SERVER_SOURCE_RETRY_MS 1000    /* after a cluster that did not answer a TokenReview */
#define SERVER_SOURCE_STALE_MS 3600000 /* keys older than that are fetched anew */
#define SERVER_SOURCE_WAIT_MS 2000     /* for a fetch that is under way */

/* How the world is reached; tests have their own. */
struct server_source_world {
	int (*ask)(struct server_outbound *outbound, const char *url, const char *body,
	    struct ca_buf *answer, long *status, struct ca_detail *why);
	int64_t (*monotonic_ms)(void);
};

struct server_source {
	atomic_uint references;
	int64_t id, version; /* of the row: the same ones, the same source */
	char name[CA_SOURCE_NAME];
	char *issuer;
	enum store_source_kind kind;
	struct server_source_settings settings;

	const struct server_source_world *world;
	struct server_outbound *outbound; /* NULL: nobody is asked */
	bool bearer_missing;              /* there is no directory that it could be in */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t fetched;
	struct server_jwks *keys; /* the last good ones; NULL: none yet */
	int64_t fetched_ms;       /* when they came, by when their fetch began */
	int64_t tried_ms;         /* when keys were last asked for, or a review went without an
				     answer; 0: not so */
	bool fetching;
	bool probing; /* one asks a cluster that did not answer */
};

/*
 * From a row that is not removed. credentials: the directory of bearer tokens (NULL: there is
 * none). world NULL: the real one. CA_EFIELD with *why: the settings are not such.
 */
int server_source_create(const struct store_source *row, const char *credentials,
    const struct server_source_world *world, struct server_source **out, struct ca_detail *why);

struct server_source *server_source_hold(struct server_source *source);
void server_source_release(struct server_source *source); /* NULL is fine */

/*
 * Check a token whose issuer (server_jwt_issuer()) is the source's, as far as that goes without the
 * network: 0 and *out, to be cleared; SERVER_SOURCE_ASK; or CA_ETOKEN, CA_EJWTISSUER,
 * CA_EJWTALGORITHM, CA_EJWTAUDIENCE, CA_EJWTKEY, CA_ETOKENSIGNATURE, CA_ETOKENEXPIRED,
 * CA_ETOKENEARLY, CA_EJWTREFUSED, CA_ECLAIM, CA_ESOURCE. public_url is the audience of a cluster's
 * tokens, unless the source names others.
 */
int server_source_check(struct server_source *source, const char *jwt, size_t len, int64_t now,
    const char *public_url, struct server_outside *out, struct ca_detail *why);

/* The same, with the network: on a worker's thread, for it may take SERVER_OUTBOUND_MS. Never
 * SERVER_SOURCE_ASK. */
int server_source_ask(struct server_source *source, const char *jwt, size_t len, int64_t now,
    const char *public_url, struct server_outside *out, struct ca_detail *why);

#endif
