/*
 * micad's running server: one process-wide context, its start, its work and its end.
 * It is set up by server_run() and torn down there; handlers reach it through their request.
 */
#ifndef API_SERVER_SERVER_H
#define API_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server/snapshot.h"
#include "api/server/verified.h"
#include "api/server/worker.h"
#include "ca/key.h"
#include "store/store.h"

/* Bounds of one connection, in milliseconds of the monotonic clock. */
#define SERVER_HANDSHAKE_MS 10000 /* from accept to the end of the TLS handshake */
#define SERVER_REQUEST_MS 30000   /* from the first octet of a request to the last of its answer */
/* from a request's last octet until its change is begun, or refused */
#define SERVER_ANSWER_MS 10000
#define SERVER_IDLE_MS 60000 /* between requests */

#define SERVER_RETRY_AFTER 1 /* seconds; what a 503 asks for */

struct server_options {
	const char *state;
	const char *listen;      /* ADDR:PORT, [ADDR]:PORT or :PORT */
	const char *master_key;  /* NULL: STATE/master.key */
	const char *public_url;  /* NULL: the installation's */
	const char *credentials; /* the directory of sources' bearer tokens; NULL: none */
	const struct ca_key_backend *rsa_backend;
	unsigned threads; /* that serve requests */
	unsigned max_connections;
	unsigned queue; /* requests that may wait for their commit */
};

struct server_connections;
struct server_health;
struct server_tls;

struct server {
	const struct server_options *options;
	struct store *store;
	struct server_snapshots snapshots;
	char *public_url; /* owned; without a trailing slash */
	struct server_tls *tls;
	struct server_verified verified;
	struct server_workers workers;
	struct server_connections *connections;
	struct server_health *health;
	atomic_bool stopping; /* answers say Connection: close */
	atomic_bool drained;  /* no job is submitted any more */
};

/* `micad serve`: returns after SIGTERM or SIGINT, with 0, or with why it could not start (logged).
 */
int server_run(const struct server_options *options);

#endif
