/*
 * The connections of micad: accepting, spreading, deadlines, and stalled TLS handshakes.
 *
 * One thread of ours, the attendant, accepts and hands each socket to libmicrohttpd's pool.
 * libmicrohttpd 0.9.75 in epoll mode spins while a TLS handshake waits for its peer, so a
 * connection whose handshake would block is suspended, and the attendant waits for its socket. The
 * attendant also ends connections that pass their deadline, which libmicrohttpd measures by
 * idleness only.
 */
#ifndef API_SERVER_CONNECTIONS_H
#define API_SERVER_CONNECTIONS_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdbool.h>

#include "api/server/identity.h"
#include "store/certificates.h"

struct server;
struct server_connection;
struct server_connections;

/* Bind and listen; the address that was bound is logged. CA_EINVAL (not an address), CA_EIO. */
int server_connections_open(
    struct server *server, const char *address, struct server_connections **out);

/* Begin to accept, into daemon. */
int server_connections_start(struct server_connections *all, struct MHD_Daemon *daemon);

/*
 * Accept what waits in the backlog, listen no longer, let requests under way end (at most wait_ms),
 * then cut the rest. Afterwards no connection is suspended for its handshake, and the daemon may be
 * stopped.
 */
void server_connections_drain(struct server_connections *all, int wait_ms);

void server_connections_free(struct server_connections *all); /* NULL is fine */

/* For MHD_OPTION_NOTIFY_CONNECTION; cls is the struct server_connections. */
void server_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code);

/* The one that serves this request. */
struct server_connection *server_connection_of(struct MHD_Connection *mhd);

/* All headers of a request have come. */
void server_connection_heard(struct server_connection *connection);

/* A request's answer was sent: the connection idles from now on. */
void server_connection_idle(struct server_connection *connection);

/* An answer is queued whose head and body are to be sent together. */
void server_connection_answering(struct server_connection *connection);

gnutls_session_t server_connection_session(const struct server_connection *connection);

/* The peer's address as text. Borrowed, alive as long as the connection. */
const char *server_connection_peer(const struct server_connection *connection);

/*
 * What is known of the client's certificate for the life of the connection; filled by
 * api/server/identity.c, on the connection's own thread.
 */
struct server_peer {
	bool looked; /* the fields below are filled */
	bool shown;  /* the client showed a certificate (and proved that it holds the key) */
	unsigned char serial[STORE_SERIAL_MAX];
	size_t serial_len;
	int64_t issuer_id; /* the authority whose signature on it was verified; 0: not yet */
	struct server_identity *known; /* whom it stood for when the store's rights had that
					  version; owned, NULL: not looked up yet */
	uint64_t known_rights;
};

struct server_peer *server_connection_tls_peer(struct server_connection *connection);

#endif
