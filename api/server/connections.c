#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/server/connections.h"
#include "api/server/join.h"
#include "api/server/listener.h"
#include "api/server/server.h"
#include "api/server/tls.h"
#include "ca/base/clock.h"
#include "ca/base/error.h"
#include "ca/base/log.h"

#define TICK_MS 500    /* how often deadlines are looked at */
#define LINGER_MS 1000 /* idle for this long while draining: nothing is on its way any more */
#define STUCK_MS 1500  /* a handshake as old as this while draining will not become a request */
#define HONEST_MS                                                                                  \
	1000 /* a handshake, or headers, that take longer than this may make room at the limit */
#define EVENTS 64

/*
 * GnuTLS 3.7 gathers a handshake message of up to 16 MB before it looks at it, from strangers too,
 * and after the handshake as well. So what a client may send is bounded: for its handshake (with a
 * certificate, or a ticket that holds one, of at most 16 KB), for a request's headers, and for a
 * body, which is drained to 4 MB.
 */
#define GREETING_OCTETS_MAX 32768
#define BODY_OCTETS_MAX (5 << 20)

/* When a wave of so many connections has gone, its memory is given back to the system. */
#define WAVE 256
#define TOP_PIECE 98304 /* over libc's 64 KB, below what it takes from the system */

enum phase { PHASE_HANDSHAKE, PHASE_IDLE, PHASE_REQUEST };

struct server_connection {
	struct server_connections *all;
	struct MHD_Connection *mhd;
	gnutls_session_t session;
	int fd;
	atomic_int phase;
	atomic_bool heard; /* of the present request, all headers have come */
	atomic_int_least64_t deadline_ms;
	size_t octets; /* received since the phase began, or the headers ended */
	bool in_epoll; /* known to the attendant's epoll (its thread and ours, never at once) */
	atomic_bool waiting; /* suspended until the socket has something for the handshake */
	struct server_peer peer;
	struct server_join join;
	char address[INET6_ADDRSTRLEN];
	struct server_connection *prev, *next; /* under all->lock */
};

struct server_connections {
	struct server *server;
	struct MHD_Daemon *daemon;
	int listen_fd; /* -1 once it is closed */
	int epoll_fd;
	int wake_fd; /* eventfd: a connection ended, or the drain began */
	pthread_t attendant;
	bool attendant_runs;
	atomic_bool draining; /* accept what is in the backlog, then listen no longer */
	atomic_bool deaf;     /* nobody listens any longer, and the backlog is empty */
	atomic_bool quit;
	bool paused;       /* at the limit: the attendant does not accept */
	unsigned crest;    /* most connections at a tick since memory was given back */
	unsigned ebb;      /* connections at the last tick */
	atomic_uint count; /* accepted and not yet closed */
	pthread_mutex_t lock;
	struct server_connection *head; /* those that libmicrohttpd started */
};

/* ---- one connection, on libmicrohttpd's thread ---- */

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

void server_connection_answering(struct server_connection *connection)
{
	connection->join.expected = true;
}

void server_connection_idle(struct server_connection *connection)
{
	enter(connection, PHASE_IDLE, SERVER_IDLE_MS);
}

/* The handshake would block: let the attendant wait for the socket instead of libmicrohttpd. */
static void wait_for_handshake(struct server_connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT };
	int op = c->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	event.data.ptr = c;
	c->in_epoll = true;
	atomic_store(&c->waiting, true);
	MHD_suspend_connection(c->mhd);
	if (epoll_ctl(c->all->epoll_fd, op, c->fd, &event) == 0)
		return;
	ca_logf(CA_LOG_ERROR, "epoll: %s", strerror(errno));
	atomic_store(&c->waiting, false);
	shutdown(c->fd, SHUT_RDWR);
	MHD_resume_connection(c->mhd);
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

/* The client's Finished is the last message a handshake reads, in TLS 1.2 and 1.3, resumed or not.
 */
static int handshake_hook(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
    const gnutls_datum_t *message)
{
	struct server_connection *c = gnutls_session_get_ptr(session);

	(void)when;
	(void)message;
	if (incoming && type == GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY)
		return server_tls_check_peer(session);
	if (incoming && type == GNUTLS_HANDSHAKE_FINISHED)
		enter(c, PHASE_IDLE, SERVER_IDLE_MS);
	return 0;
}

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

static struct server_connection *connection_started(
    struct server_connections *all, struct MHD_Connection *mhd)
{
	struct server_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->all = all;
	c->mhd = mhd;
	c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
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

	pthread_mutex_lock(&all->lock);
	c->next = all->head;
	if (c->next)
		c->next->prev = c;
	all->head = c;
	pthread_mutex_unlock(&all->lock);
	return c;
}

static void wake(struct server_connections *all)
{
	const uint64_t one = 1;

	/* The counter cannot overflow by ones; nothing else can fail. */
	if (write(all->wake_fd, &one, sizeof(one)) < 0)
		ca_logf(CA_LOG_ERROR, "eventfd: %s", strerror(errno));
}

/* The socket is open until this returns, so the attendant never touches a descriptor that was
 * reused. */
static void connection_closed(struct server_connection *c)
{
	struct server_connections *all = c->all;
	unsigned before;

	pthread_mutex_lock(&all->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		all->head = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&all->lock);
	server_join_clear(&c->join);
	free(c->peer.known);
	free(c);
	before = atomic_fetch_sub(&all->count, 1);
	if (before >= all->server->options->max_connections || atomic_load(&all->server->stopping))
		wake(all);
}

void server_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct server_connections *all = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = connection_started(all, mhd);
		return;
	}
	if (*socket_context)
		connection_closed(*socket_context);
	else
		atomic_fetch_sub(&all->count, 1);
	*socket_context = NULL;
}

/* ---- the attendant ---- */

/* With all->lock held, so that the socket cannot be closed meanwhile. */
static void cut(struct server_connection *c)
{
	shutdown(c->fd, SHUT_RDWR);
}

static void end_overdue(struct server_connections *all)
{
	int64_t now = ca_monotonic_ms();

	pthread_mutex_lock(&all->lock);
	for (struct server_connection *c = all->head; c; c = c->next)
		if (atomic_load(&c->deadline_ms) < now)
			cut(c);
	pthread_mutex_unlock(&all->lock);
}

/* For how long has it kept us waiting for a request, in milliseconds; -1: there is one, to be
 * answered. */
static int64_t unheard_for(const struct server_connection *c, int64_t now)
{
	int64_t left = atomic_load(&c->deadline_ms) - now;

	switch (atomic_load(&c->phase)) {
	case PHASE_HANDSHAKE:
		return SERVER_HANDSHAKE_MS - left;
	case PHASE_REQUEST:
		return atomic_load(&c->heard) ? -1 : SERVER_REQUEST_MS - left;
	default:
		return SERVER_IDLE_MS - left;
	}
}

/*
 * At the limit somebody has to make room: whoever has been in the middle of a handshake or of its
 * headers the longest, if that is longer than an honest client takes, for else strangers who never
 * finish would drive out the others; then whoever has idled the longest.
 */
static void make_room(struct server_connections *all)
{
	struct server_connection *slow = NULL, *idle = NULL;
	int64_t now = ca_monotonic_ms(), slowest = HONEST_MS, longest = -1;

	pthread_mutex_lock(&all->lock);
	for (struct server_connection *c = all->head; c; c = c->next) {
		int64_t ms = unheard_for(c, now);
		bool idles = atomic_load(&c->phase) == PHASE_IDLE;

		if (idles && ms > longest) {
			longest = ms;
			idle = c;
		} else if (!idles && ms > slowest) {
			slowest = ms;
			slow = c;
		}
	}
	if (slow || idle)
		cut(slow ? slow : idle);
	pthread_mutex_unlock(&all->lock);
}

static void hand_over(
    struct server_connections *all, int fd, const struct sockaddr *address, socklen_t len)
{
	const int on = 1;

	/* Answers are small and whole: waiting for more to send only costs time. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	atomic_fetch_add(&all->count, 1);
	if (MHD_add_connection(all->daemon, fd, address, len) != MHD_YES)
		atomic_fetch_sub(&all->count, 1); /* it closed the socket */
}

static void watch_listener(struct server_connections *all, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0 };

	event.data.ptr = &all->listen_fd;
	if (epoll_ctl(all->epoll_fd, EPOLL_CTL_MOD, all->listen_fd, &event))
		ca_logf(CA_LOG_ERROR, "epoll: %s", strerror(errno));
	all->paused = !on;
}

/* Accept until nobody waits, or the limit is reached; whoever waits then brings us here again. */
static void accept_all(struct server_connections *all)
{
	bool accepted = false;

	while (atomic_load(&all->count) < all->server->options->max_connections) {
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		int fd = accept4(all->listen_fd, (struct sockaddr *)&address, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			hand_over(all, fd, (struct sockaddr *)&address, len);
			accepted = true;
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		ca_logf(CA_LOG_ERROR, "accept: %s", strerror(errno));
		accepted = false;
		break;
	}
	if (accepted)
		return;
	/* Out of room: try again when a connection has ended, or at the next tick. */
	watch_listener(all, false);
	make_room(all);
}

static void stop_listening(struct server_connections *all)
{
	if (all->listen_fd < 0)
		return;
	accept_all(all);
	close(all->listen_fd);
	all->listen_fd = -1;
	all->paused = false;
	atomic_store(&all->deaf, true);
}

static void attend_event(struct server_connections *all, const struct epoll_event *event)
{
	struct server_connection *c;
	uint64_t ignored;

	if (event->data.ptr == &all->listen_fd) {
		accept_all(all);
		return;
	}
	if (event->data.ptr == &all->wake_fd) {
		if (read(all->wake_fd, &ignored, sizeof(ignored)) < 0)
			return;
		if (all->paused)
			watch_listener(all, true);
		if (atomic_load(&all->draining))
			stop_listening(all);
		return;
	}
	c = event->data.ptr;
	if (atomic_exchange(&c->waiting, false))
		MHD_resume_connection(c->mhd);
}

/* libc keeps what was freed, of a wave 20 KB a connection: give it back once no more of them go. */
static void ebb(struct server_connections *all)
{
	unsigned count = atomic_load(&all->count);
	bool over = count >= all->ebb;
	void *piece;

	all->ebb = count;
	if (count > all->crest)
		all->crest = count;
	if (!over || all->crest - count < WAVE || count > all->crest / 2)
		return;
	malloc_trim(0);
	/* That leaves the top of this thread's arena, where the sessions were: it shrinks when a
	 * large piece of it is freed. The compiler would elide a bare malloc() and free(). */
	piece = gnutls_malloc(TOP_PIECE);
	gnutls_free(piece);
	all->crest = count;
}

static void *attend(void *arg)
{
	struct server_connections *all = arg;
	int64_t next_tick = ca_monotonic_ms() + TICK_MS;

	while (!atomic_load(&all->quit)) {
		struct epoll_event events[EVENTS];
		int64_t left = next_tick - ca_monotonic_ms();
		int n = epoll_wait(all->epoll_fd, events, EVENTS, left > 0 ? (int)left : 0);

		for (int i = 0; i < n; i++)
			attend_event(all, &events[i]);
		if (ca_monotonic_ms() < next_tick)
			continue;
		next_tick = ca_monotonic_ms() + TICK_MS;
		end_overdue(all);
		store_expire(all->server->store);
		ebb(all);
		if (all->paused)
			watch_listener(all, true);
	}
	return NULL;
}

/* ---- start and end ---- */

static int add_to_epoll(struct server_connections *all, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	event.data.ptr = fd;
	return epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, *fd, &event) ? CA_EIO : 0;
}

int server_connections_open(
    struct server *server, const char *address, struct server_connections **out)
{
	struct server_connections *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return CA_ENOMEM;
	all->server = server;
	all->listen_fd = -1;
	pthread_mutex_init(&all->lock, NULL);
	all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	all->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = all->epoll_fd < 0 || all->wake_fd < 0 ? CA_EIO
						  : server_listener_open(address, &all->listen_fd);
	if (!r)
		r = add_to_epoll(all, &all->wake_fd);
	if (r)
		server_connections_free(all);
	else
		*out = all;
	return r;
}

int server_connections_start(struct server_connections *all, struct MHD_Daemon *daemon)
{
	all->daemon = daemon;
	if (add_to_epoll(all, &all->listen_fd) ||
	    pthread_create(&all->attendant, NULL, attend, all))
		return CA_EIO;
	all->attendant_runs = true;
	server_listener_log(all->listen_fd);
	return 0;
}

/* Has it idled, or been stuck in its handshake, so long that no request is on its way? */
static bool lingers(const struct server_connection *c, int64_t now)
{
	int64_t ms = unheard_for(c, now);
	int unread = 0;

	switch (atomic_load(&c->phase)) {
	case PHASE_IDLE:
		/* What a busy thread has not read yet is a request all the same. */
		return ms > LINGER_MS && ioctl(c->fd, FIONREAD, &unread) == 0 && unread == 0;
	case PHASE_HANDSHAKE:
		return ms > STUCK_MS;
	default:
		return false;
	}
}

/* Cut what lingers; true while something is still open. */
static bool drain_once(struct server_connections *all, bool everything)
{
	int64_t now = ca_monotonic_ms();

	pthread_mutex_lock(&all->lock);
	for (struct server_connection *c = all->head; c; c = c->next)
		if (everything || lingers(c, now))
			cut(c);
	pthread_mutex_unlock(&all->lock);
	return atomic_load(&all->count) > 0 || !atomic_load(&all->deaf);
}

void server_connections_drain(struct server_connections *all, int wait_ms)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t until = ca_monotonic_ms() + wait_ms;

	if (!all->attendant_runs)
		return;
	atomic_store(&all->draining, true);
	wake(all);
	do
		nanosleep(&pause, NULL);
	while (drain_once(all, ca_monotonic_ms() > until) && ca_monotonic_ms() < until + wait_ms);
	atomic_store(&all->quit, true);
	wake(all);
	pthread_join(all->attendant, NULL);
	all->attendant_runs = false;
	pthread_mutex_lock(&all->lock);
	for (struct server_connection *c = all->head; c; c = c->next)
		if (atomic_exchange(&c->waiting, false))
			MHD_resume_connection(c->mhd);
	pthread_mutex_unlock(&all->lock);
}

void server_connections_free(struct server_connections *all)
{
	if (!all)
		return;
	if (all->listen_fd >= 0)
		close(all->listen_fd);
	if (all->epoll_fd >= 0)
		close(all->epoll_fd);
	if (all->wake_fd >= 0)
		close(all->wake_fd);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
