/*
 * One connection of micad, as the request it carries sees it: its TLS session, its peer, and its
 * deadlines, of which libmicrohttpd has only one, for idleness. All of it is called on the
 * connection's own thread, which is one of libmicrohttpd's.
 */
#ifndef API_SERVER_CONNECTION_H
#define API_SERVER_CONNECTION_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/certificates.h"

struct server_connection;
struct server_identity;

/* The one that serves this request; NULL if there was no memory for it. */
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
 * its handshake and api/server/identity.c, on the connection's own thread.
 */
struct server_peer {
	bool looked; /* its certificate was read: there is one, and serial is that of it */
	unsigned char serial[STORE_SERIAL_MAX];
	size_t serial_len;
	int64_t issuer_id; /* the authority whose signature on it was verified; 0: not yet */
	struct server_identity *known; /* whom it stood for when the store's rights had that
					  version; owned, NULL: not looked up yet */
	uint64_t known_rights;
};

struct server_peer *server_connection_tls_peer(struct server_connection *connection);

/*
 * Read the certificate that the client shows, in its handshake, or, when a session is resumed,
 * which brings it along, at its first request. 0, or what server_tls_check_peer() says.
 */
int server_connection_look_at_peer(struct server_connection *connection);

#endif
