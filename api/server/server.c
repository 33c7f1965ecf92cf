#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/server/connections.h"
#include "api/server/health.h"
#include "api/server/request.h"
#include "api/server/server.h"
#include "api/server/tls.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/text.h"
#include "ca/url.h"

#define CONNECTION_MEMORY                                                                          \
	8192           /* libmicrohttpd's pool a connection: headers and a piece of body           \
			*/
#define DRAIN_MS 10000 /* how long requests under way may take to end */
#define SPARE_FILES 64 /* descriptors for everything but connections */

/* ---- what has to stand before anything is served ---- */

static int fail(const char *what, int error, const struct ca_detail *why)
{
	ca_logf(CA_LOG_ERROR, "%s: %s (%s)", what,
	    why && why->text[0] ? why->text : ca_error_text(error), ca_error_code(error));
	return error;
}

static int open_store(struct server *server)
{
	const struct store_options options = { .queue_max = server->options->queue };
	char *path = ca_path_join(server->options->state, CA_STATE_DB);
	struct ca_detail why = { "" };
	int r;

	if (!path)
		return CA_ENOMEM;
	r = store_open(path, &options, &server->store, &why);
	if (r == CA_ENOTFOUND)
		ca_refuse(&why, r, "there is no installation in %s; make one with micad init",
		    server->options->state);
	free(path);
	return r ? fail("cannot open the store", r, &why) : 0;
}

static int load_installation(struct server *server)
{
	struct ca_detail why = { "" };
	int r = server_snapshot_reload_all(server, &why);

	return r ? fail("cannot open the installation", r, &why) : 0;
}

/* What tokens name: the installation's address, or another one that the command line gives. */
static int choose_public_url(struct server *server)
{
	const struct store_installation *settings =
	    &server->snapshots.current->installation->settings;
	const char *url = server->options->public_url;
	struct ca_names host = CA_NAMES_INIT;
	struct ca_detail why = { "" };
	int r = ca_url_check(
	    url ? url : settings->public_url, "https", &server->public_url, &host, &why);

	/* A name that is not reserved could be certified to anybody, who would then pass for micad.
	 */
	if (!r && !ca_names_has(&settings->names, host.v[0].type, host.v[0].value))
		r = ca_refuse(&why, CA_EINVAL, "%s is not one of the names given to micad init",
		    host.v[0].value);
	ca_names_free(&host);
	return r ? fail("--public-url", r, &why) : 0;
}

/* A core file would hold the CA's keys. */
static void forbid_core(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none))
		ca_logf(CA_LOG_WARN, "core files cannot be forbidden: %s", strerror(errno));
}

/* Every connection is a descriptor. */
static int raise_file_limit(unsigned connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return CA_EIO;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= connections + SPARE_FILES)
		return 0;
	ca_logf(CA_LOG_ERROR, "--max-connections %u needs %u open files, and the limit is %llu",
	    connections, connections + SPARE_FILES, (unsigned long long)limit.rlim_cur);
	return CA_EINVAL;
}

/* ---- HTTP ---- */

/* libmicrohttpd's words, at a level where nobody is woken by a client that hangs up. */
__attribute__((format(printf, 2, 0))) static void log_mhd(void *cls, const char *format, va_list ap)
{
	char text[512];

	(void)cls;
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	ca_logf(CA_LOG_DEBUG, "libmicrohttpd: %s", text);
}

static struct MHD_Daemon *start_http(struct server *server)
{
	const struct server_options *options = server->options;
	const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_TLS |
			       MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
			       MHD_USE_ERROR_LOG;

	/* The limit holds for each thread alone, and ours below it for all: libmicrohttpd must
	 * never meet its own. */
	return MHD_start_daemon(flags, 0, NULL, NULL, server_request_handle, server,
	    MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,                                      //
	    MHD_OPTION_THREAD_POOL_SIZE, options->threads > 1 ? options->threads : 0,       //
	    MHD_OPTION_CONNECTION_LIMIT, (options->max_connections + 1) * options->threads, //
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,                  //
	    MHD_OPTION_CONNECTION_TIMEOUT, 0u,                                              //
	    MHD_OPTION_NOTIFY_CONNECTION, server_connections_notify, server->connections,   //
	    MHD_OPTION_NOTIFY_COMPLETED, server_request_completed, server,                  //
	    MHD_OPTION_HTTPS_PRIORITIES, SERVER_TLS_PRIORITIES,                             //
	    MHD_OPTION_HTTPS_CERT_CALLBACK2, server_tls_retrieve,                           //
	    MHD_OPTION_END);
}

/* ---- signals ---- */

static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static void wait_for_end(const sigset_t *signals)
{
	int number;

	do {
		if (sigwait(signals, &number))
			return;
	} while (number == SIGHUP);
	ca_logf(CA_LOG_INFO, "stopping");
}

/* Requests that wait for their commit hold a suspended connection, which libmicrohttpd must not be
 * stopped with. */
static void wait_for_requests(void)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	while (server_requests_waiting())
		nanosleep(&pause, NULL);
}

/* ---- */

/* How well commits were shared stands beside the end. */
static void log_end(struct store *store)
{
	struct store_stats stats;
	char commits[24], writes[24];
	const struct ca_log_field fields[] = { { "commits", commits }, { "writes", writes },
		{ 0 } };

	store_stats(store, &stats);
	snprintf(commits, sizeof(commits), "%llu", (unsigned long long)stats.commits);
	snprintf(writes, sizeof(writes), "%llu", (unsigned long long)stats.jobs);
	ca_log_event(CA_LOG_INFO, "stopped", fields);
}

static int serve(struct server *server, const sigset_t *signals)
{
	struct MHD_Daemon *daemon = start_http(server);
	int r;

	if (!daemon) {
		ca_logf(CA_LOG_ERROR, "libmicrohttpd does not start");
		return CA_EINTERNAL;
	}
	r = server_connections_start(server->connections, daemon);
	if (!r) {
		wait_for_end(signals);
		atomic_store(&server->stopping, true);
	}
	server_connections_drain(server->connections, DRAIN_MS);
	atomic_store(&server->drained, true);
	server_workers_stop(&server->workers);
	wait_for_requests();
	MHD_stop_daemon(daemon);
	return r;
}

static int start(struct server *server)
{
	int r = raise_file_limit(server->options->max_connections);

	if (!r)
		r = open_store(server);
	if (!r)
		r = load_installation(server);
	if (!r)
		r = choose_public_url(server);
	if (r)
		return r;
	r = server_tls_open(server->store, server->snapshots.current->installation, &server->tls);
	if (r)
		return fail("no server certificate", r, NULL);
	r = server_health_start(server, &server->health);
	return r ? r
		 : server_connections_open(server, server->options->listen, &server->connections);
}

int server_run(const struct server_options *options)
{
	struct server server = { .options = options,
		.snapshots = SERVER_SNAPSHOTS_INIT,
		.verified = { .lock = PTHREAD_MUTEX_INITIALIZER } };
	struct ca_detail why = { "" };
	sigset_t signals;
	int lock = -1, r;

	server_workers_init(&server.workers);
	block_signals(&signals);
	forbid_core();
	r = ca_state_lock(options->state, &lock, &why);
	if (r)
		return fail("cannot take the state directory", r, &why);
	r = start(&server);
	if (!r)
		r = serve(&server, &signals);
	server_health_stop(server.health);
	server_connections_free(server.connections);
	server_tls_free(server.tls);
	if (!r)
		log_end(server.store);
	store_close(server.store);
	server_snapshots_clear(&server.snapshots);
	free(server.public_url);
	close(lock);
	return r;
}
