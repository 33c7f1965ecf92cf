#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "api/server/connection_private.h"
#include "api/server/server.h"
#include "api/server/tls.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

#define LINGER_MS 1000 /* idle for this long while draining: nothing is on its way any more */
#define STUCK_MS 1500  /* a handshake as old as this while draining will not become a request */

/*
 * GnuTLS 3.7 gathers a handshake message of up to 16 MB before it looks at it, from strangers too,
 * and after the handshake as well. So what a client may send is bounded: for its handshake (with a
 * certificate, or a ticket that holds one, of at most 16 KB), for a request's headers, and for a
 * body, which is drained to 4 MB.
 */
#define GREETING_OCTETS_MAX 32768
#define BODY_OCTETS_MAX (5 << 20)

enum phase { PHASE_HANDSHAKE, PHASE_IDLE, PHASE_REQUEST };

struct server_connection *server_connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

gnutls_session_t server_connection_session(const struct server_connection *connection)
{
	return connection->session;
}

const char *server_connection_peer(const struct server_connection *connection)
{
	return connection->address;
}

struct server_peer *server_connection_tls_peer(struct server_connection *connection)
{
	return &connection->peer;
}

/* ---- phases and deadlines ---- */

static void enter(struct server_connection *c, enum phase phase, int64_t ms)
{
	atomic_store(&c->phase, phase);
	atomic_store(&c->heard, false);
	atomic_store(&c->deadline_ms, ca_monotonic_ms() + ms);
	c->octets = 0;
}

void server_connection_heard(struct server_connection *connection)
{
	/* A pipelined request came with the one before it. */
	if (atomic_load(&connection->phase) != PHASE_REQUEST)
		enter(connection, PHASE_REQUEST, SERVER_REQUEST_MS);
	atomic_store(&connection->heard, true);
	connection->octets = 0;
}

void server_connection_idle(struct server_connection *connection)
{
	enter(connection, PHASE_IDLE, SERVER_IDLE_MS);
}

bool server_connection_overdue(const struct server_connection *connection, int64_t now)
{
	return atomic_load(&connection->deadline_ms) < now;
}

bool server_connection_idles(const struct server_connection *connection)
{
	return atomic_load(&connection->phase) == PHASE_IDLE;
}

int64_t server_connection_unheard_for(const struct server_connection *connection, int64_t now)
{
	int64_t left = atomic_load(&connection->deadline_ms) - now;

	switch (atomic_load(&connection->phase)) {
	case PHASE_HANDSHAKE:
		return SERVER_HANDSHAKE_MS - left;
	case PHASE_REQUEST:
		return atomic_load(&connection->heard) ? -1 : SERVER_REQUEST_MS - left;
	default:
		return SERVER_IDLE_MS - left;
	}
}

bool server_connection_lingers(const struct server_connection *connection, int64_t now)
{
	int64_t ms = server_connection_unheard_for(connection, now);
	int unread = 0;

	switch (atomic_load(&connection->phase)) {
	case PHASE_IDLE:
		/* What a busy thread has not read yet is a request all the same. */
		return ms > LINGER_MS && ioctl(connection->fd, FIONREAD, &unread) == 0 &&
		       unread == 0;
	case PHASE_HANDSHAKE:
		return ms > STUCK_MS;
	default:
		return false;
	}
}

void server_connection_cut(struct server_connection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
}

/* ---- the TLS transport ---- */

/* The handshake would block: let the attendant wait for the socket instead of libmicrohttpd. */
static void wait_for_handshake(struct server_connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT };
	int op = c->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	event.data.ptr = c;
	c->in_epoll = true;
	atomic_store(&c->waiting, true);
	MHD_suspend_connection(c->mhd);
	if (epoll_ctl(c->epoll_fd, op, c->fd, &event) == 0)
		return;
	ca_logf(CA_LOG_ERROR, "epoll: %s", strerror(errno));
	atomic_store(&c->waiting, false);
	server_connection_cut(c);
	MHD_resume_connection(c->mhd);
}

void server_connection_resume(struct server_connection *connection)
{
	if (atomic_exchange(&connection->waiting, false))
		MHD_resume_connection(connection->mhd);
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
	struct server_connection *c = ptr;
	ssize_t n = recv(c->fd, data, len, 0);

	if (n >= 0) {
		if (n > 0 && atomic_load(&c->phase) == PHASE_IDLE)
			enter(c, PHASE_REQUEST, SERVER_REQUEST_MS);
		c->octets += (size_t)n;
		if (c->octets <= (atomic_load(&c->heard) ? BODY_OCTETS_MAX : GREETING_OCTETS_MAX))
			return n;
		gnutls_transport_set_errno(c->session, EMSGSIZE);
		return -1;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		gnutls_transport_set_errno(c->session, errno);
		return -1;
	}
	if (atomic_load(&c->phase) == PHASE_HANDSHAKE)
		wait_for_handshake(c);
	gnutls_transport_set_errno(c->session, EAGAIN);
	return -1;
}

void server_connection_answering(struct server_connection *connection)
{
	connection->join.expected = true;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int iov_len)
{
	struct server_connection *c = ptr;
	ssize_t n = server_join_push(&c->join, c->fd, iov, iov_len);

	if (n < 0)
		gnutls_transport_set_errno(c->session, errno);
	return n;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	struct server_connection *c = ptr;

	return gnutls_system_recv_timeout((gnutls_transport_ptr_t)(intptr_t)c->fd, ms);
}

int server_connection_look_at_peer(struct server_connection *connection)
{
	struct server_peer *peer = &connection->peer;
	int r;

	peer->serial_len = sizeof(peer->serial);
	r = server_tls_check_peer(connection->session, peer->serial, &peer->serial_len);
	peer->looked = r == 0;
	return r;
}

/* The client's Finished is the last message a handshake reads, in TLS 1.2 and 1.3, resumed or not.
 */
static int handshake_hook(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
    const gnutls_datum_t *message)
{
	struct server_connection *c = gnutls_session_get_ptr(session);

	(void)when;
	(void)message;
	if (incoming && type == GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY)
		return server_connection_look_at_peer(c); /* should it not hold the key, it fails */
	if (incoming && type == GNUTLS_HANDSHAKE_FINISHED)
		enter(c, PHASE_IDLE, SERVER_IDLE_MS);
	return 0;
}

/* ---- start and end ---- */

static void peer_address(struct MHD_Connection *mhd, char out[INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	const void *octets = NULL;

	out[0] = '\0';
	if (address && address->sa_family == AF_INET)
		octets = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	if (address && address->sa_family == AF_INET6)
		octets = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (octets)
		inet_ntop(address->sa_family, octets, out, INET6_ADDRSTRLEN);
}

struct server_connection *server_connection_new(struct MHD_Connection *mhd, int epoll_fd)
{
	struct server_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->mhd = mhd;
	c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	c->epoll_fd = epoll_fd;
	c->session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
	peer_address(mhd, c->address);
	enter(c, PHASE_HANDSHAKE, SERVER_HANDSHAKE_MS);
	gnutls_session_set_ptr(c->session, c);
	gnutls_transport_set_ptr(c->session, c);
	gnutls_transport_set_pull_function(c->session, pull);
	gnutls_transport_set_pull_timeout_function(c->session, pull_timeout);
	gnutls_transport_set_vec_push_function(c->session, push);
	gnutls_handshake_set_hook_function(
	    c->session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST, handshake_hook);
	server_tls_session(c->session);
	return c;
}

void server_connection_free(struct server_connection *connection)
{
	if (!connection)
		return;
	server_join_clear(&connection->join);
	free(connection->peer.known);
	free(connection);
}
