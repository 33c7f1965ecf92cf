/*
 * The connections of micad: accepting, spreading, their limit, and their end.
 *
 * One thread of ours, the attendant, accepts and hands each socket to libmicrohttpd's pool. It
 * waits for the sockets of those whose TLS handshake is suspended, and ends those that pass their
 * deadline.
 */
#ifndef API_SERVER_CONNECTIONS_H
#define API_SERVER_CONNECTIONS_H

#include <microhttpd.h>

struct server;
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
void server_connections_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code);

#endif
