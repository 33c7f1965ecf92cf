#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/server/connection_private.h"
#include "api/server/connections.h"
#include "api/server/listener.h"
#include "api/server/server.h"
#include "ca/base/clock.h"
#include "ca/base/error.h"
#include "ca/base/log.h"

#define TICK_MS 500 /* how often deadlines are looked at */
#define EVENTS 64

/* A handshake, or headers, that take longer than this may make room at the limit. */
#define HONEST_MS 1000

/* When a wave of so many connections has gone, its memory is given back to the system. */
#define WAVE 256
#define TOP_PIECE 98304 /* over libc's 64 KB, below what it takes from the system */

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

/* ---- their beginning and end, on libmicrohttpd's threads ---- */

static void connection_started(struct server_connections *all, struct server_connection *c)
{
	pthread_mutex_lock(&all->lock);
	c->next = all->head;
	if (c->next)
		c->next->prev = c;
	all->head = c;
	pthread_mutex_unlock(&all->lock);
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
static void connection_closed(struct server_connections *all, struct server_connection *c)
{
	unsigned before;

	pthread_mutex_lock(&all->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		all->head = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&all->lock);
	server_connection_free(c);
	before = atomic_fetch_sub(&all->count, 1);
	if (before >= all->server->options->max_connections || atomic_load(&all->server->stopping))
		wake(all);
}

void server_connections_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct server_connections *all = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = server_connection_new(mhd, all->epoll_fd);
		if (*socket_context)
			connection_started(all, *socket_context);
		return;
	}
	if (*socket_context)
		connection_closed(all, *socket_context);
	else
		atomic_fetch_sub(&all->count, 1);
	*socket_context = NULL;
}

/* ---- the attendant ---- */

static void end_overdue(struct server_connections *all)
{
	int64_t now = ca_monotonic_ms();

	pthread_mutex_lock(&all->lock);
	for (struct server_connection *c = all->head; c; c = c->next)
		if (server_connection_overdue(c, now))
			server_connection_cut(c);
	pthread_mutex_unlock(&all->lock);
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
		int64_t ms = server_connection_unheard_for(c, now);
		bool idles = server_connection_idles(c);

		if (idles && ms > longest) {
			longest = ms;
			idle = c;
		} else if (!idles && ms > slowest) {
			slowest = ms;
			slow = c;
		}
	}
	if (slow || idle)
		server_connection_cut(slow ? slow : idle);
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
	server_connection_resume(event->data.ptr);
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

/* Cut what lingers; true while something is still open. */
static bool drain_once(struct server_connections *all, bool everything)
{
	int64_t now = ca_monotonic_ms();

	pthread_mutex_lock(&all->lock);
	for (struct server_connection *c = all->head; c; c = c->next)
		if (everything || server_connection_lingers(c, now))
			server_connection_cut(c);
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
		server_connection_resume(c);
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
