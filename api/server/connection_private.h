/*
 * A connection, as the attendant of all of them sees it (connections.c), and nobody else. A
 * connection knows nothing of the others.
 */
#ifndef API_SERVER_CONNECTION_PRIVATE_H
#define API_SERVER_CONNECTION_PRIVATE_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server/connection.h"
#include "api/server/join.h"

/* prev and next are the attendant's, under its lock; all else is connection.c's. */
struct server_connection {
	struct MHD_Connection *mhd;
	gnutls_session_t session;
	int fd;
	int epoll_fd;      /* the attendant's; borrowed */
	atomic_int phase;  /* handshake, idle or request */
	atomic_bool heard; /* of the present request, all headers have come */
	atomic_int_least64_t deadline_ms;
	size_t octets;       /* received since the phase began, or the headers ended */
	bool in_epoll;       /* epoll_fd knows the socket */
	atomic_bool waiting; /* suspended until the socket has something for the handshake */
	struct server_peer peer;
	struct server_join join;
	char address[INET6_ADDRSTRLEN];
	struct server_connection *prev, *next;
};

/*
 * On the connection's own thread, at its start: its session reads and writes through us from now
 * on. libmicrohttpd 0.9.75 in epoll mode spins while a TLS handshake waits for its peer, so a
 * connection whose handshake would block is suspended and put into epoll_fd, as the data.ptr of one
 * event, for which server_connection_resume() has to be called. NULL: no memory.
 */
struct server_connection *server_connection_new(struct MHD_Connection *mhd, int epoll_fd);

/* On its own thread, at its end. */
void server_connection_free(struct server_connection *connection);

/*
 * For the attendant, while the connection cannot end: its lock is held, without which no connection
 * leaves the list, or the connection is suspended. now is that of ca_monotonic_ms().
 */

/* Let its handshake go on, if it was suspended for that. */
void server_connection_resume(struct server_connection *connection);

/* End it: libmicrohttpd finds the socket shut, and closes it. */
void server_connection_cut(struct server_connection *connection);

bool server_connection_overdue(const struct server_connection *connection, int64_t now);

/* Is it between requests, or before the first? */
bool server_connection_idles(const struct server_connection *connection);

/* For how long has it kept us waiting for a request, in milliseconds; -1: there is one, to be
 * answered. */
int64_t server_connection_unheard_for(const struct server_connection *connection, int64_t now);

/* Has it idled, or been stuck in its handshake, so long that no request is on its way? */
bool server_connection_lingers(const struct server_connection *connection, int64_t now);

#endif
