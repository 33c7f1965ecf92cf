/*
 * idle: what a micad's idle connections cost it in memory.
 *
 * In waves: N connections with a full TLS handshake and a request each, held open while the
 * server's memory is read, then closed, and its memory read again. A second wave that needs more
 * than the first would be a leak. On this side a connection keeps nothing but its socket.
 */
#include <dirent.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "contrib/bench/arguments.h"
#include "contrib/bench/connection.h"
#include "contrib/bench/measure.h"
#include "contrib/bench/target.h"

#define CONNECTIONS_MAX 1000000
#define WAVES_MAX 100
#define SPARE_FILES 32
#define OPENERS 8 /* threads that shake hands at the same time */
#define ANSWER_SECONDS 30
#define GONE_SECONDS 60 /* how long the server may take to see that a wave has closed */
#define ANSWER_MAX 32768

struct options {
	const char *home, *url;
	size_t connections, waves, seconds;
	pid_t pid;
	bool anonymous, json;
};

struct wave {
	struct bench_memory held, after;
	size_t open;    /* still so when the memory was read */
	double seconds; /* of opening */
};

struct opening {
	const struct bench_target *target;
	const struct addrinfo *address;
	int *fds; /* n, -1: not open */
	size_t n;
	atomic_size_t next, failed;
};

static const char usage[] =
    "usage: idle --home DIR --pid PID [OPTION]…\n"
    "Measure the memory that idle connections cost a running micad.\n\n"
    "  --home DIR       an operator's context: tls.crt tls.key ca.crt ca-url\n"
    "  --url URL        instead of the one in ca-url\n"
    "  --pid PID        the server's process\n"
    "  --connections N  open at the same time (10000)\n"
    "  --waves W        of as many (2)\n"
    "  --seconds S      they idle before memory is read, and after they closed (2)\n"
    "  --anonymous      show no client certificate\n"
    "  --json           JSON instead of a table\n"
    "It ends with 0 when every connection stood at the time of reading, else with 1.\n";

/* ---- one connection ---- */

static int tcp_connect(const struct addrinfo *address)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	close(fd);
	return -1;
}

static int handshake(gnutls_session_t session, const struct bench_target *target, int fd)
{
	int r;

	if (gnutls_set_default_priority(session) < 0 ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, target->cred) < 0)
		return -1;
	gnutls_session_set_verify_cert(session, target->host, 0);
	gnutls_transport_set_int(session, fd);
	do
		r = gnutls_handshake(session);
	while (r == GNUTLS_E_INTERRUPTED);
	return r < 0 ? -1 : 0;
}

/* Has the whole answer come? */
static bool is_whole(const char *answer, size_t len)
{
	static const char name[] = "\r\nContent-Length:";
	const char *end = strstr(answer, "\r\n\r\n"), *at = strcasestr(answer, name);

	return end && at && at < end &&
	       len >= (size_t)(end + 4 - answer) + strtoul(at + sizeof(name) - 1, NULL, 10);
}

static int exchange(gnutls_session_t session, const struct bench_target *target)
{
	int64_t until = bench_now_ns() + (int64_t)ANSWER_SECONDS * 1000000000;
	char text[ANSWER_MAX] = "";
	int len = snprintf(text, sizeof(text), "GET /v1/trust-bundle HTTP/1.1\r\nHost: %s\r\n\r\n",
	    target->authority);
	size_t have = 0;
	ssize_t n = gnutls_record_send(session, text, (size_t)len);

	text[0] = '\0';
	while (n >= 0 && have + 1 < sizeof(text)) {
		n = gnutls_record_recv(session, text + have, sizeof(text) - 1 - have);
		/* A session ticket is reported as "again". */
		if (n == GNUTLS_E_INTERRUPTED || (n == GNUTLS_E_AGAIN && bench_now_ns() < until)) {
			n = 0;
			continue;
		}
		if (n <= 0)
			return -1;
		have += (size_t)n;
		text[have] = '\0';
		if (is_whole(text, have))
			return strncmp(text, "HTTP/1.1 200 ", 13) == 0 ? 0 : -1;
	}
	return -1;
}

/* A used, now idle connection; -1. */
static int open_one(const struct opening *opening)
{
	gnutls_session_t session = NULL;
	int fd = tcp_connect(opening->address);

	if (fd < 0)
		return -1;
	if (gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP) < 0 ||
	    handshake(session, opening->target, fd) || exchange(session, opening->target)) {
		close(fd);
		fd = -1;
	}
	gnutls_deinit(session);
	return fd;
}

/* ---- a wave ---- */

static void *open_some(void *arg)
{
	struct opening *opening = arg;
	size_t i;

	while ((i = atomic_fetch_add(&opening->next, 1)) < opening->n) {
		opening->fds[i] = open_one(opening);
		if (opening->fds[i] < 0 && atomic_fetch_add(&opening->failed, 1) == 0)
			fprintf(stderr, "idle: connection %zu got no answer\n", i + 1);
	}
	return NULL;
}

static int open_all(struct opening *opening)
{
	pthread_t threads[OPENERS];
	size_t n;

	for (n = 0; n < OPENERS; n++)
		if (pthread_create(&threads[n], NULL, open_some, opening))
			break;
	if (n == 0)
		fprintf(stderr, "idle: no thread\n");
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return n == 0 || atomic_load(&opening->failed) ? -1 : 0;
}

/* The server has not closed it. */
static bool stands(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

static size_t count_standing(const struct opening *opening)
{
	size_t n = 0;

	for (size_t i = 0; i < opening->n; i++)
		n += stands(opening->fds[i]);
	return n;
}

static void close_all(struct opening *opening)
{
	for (size_t i = 0; i < opening->n; i++)
		if (opening->fds[i] >= 0)
			close(opening->fds[i]);
}

/* The server's open sockets; 0: unknown. */
static size_t count_sockets(pid_t pid)
{
	char path[64], link[8];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));)
		n += readlinkat(dirfd(dir), entry->d_name, link, sizeof(link)) == sizeof(link) &&
		     memcmp(link, "socket:[", sizeof(link)) == 0;
	closedir(dir);
	return n;
}

/* Wait until the server has closed them, too. */
static int await_gone(pid_t pid, size_t sockets)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int64_t until = bench_now_ns() + (int64_t)GONE_SECONDS * 1000000000;

	while (count_sockets(pid) > sockets) {
		if (bench_now_ns() > until) {
			fprintf(stderr, "idle: the server still holds connections that closed\n");
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void rest(size_t seconds)
{
	const struct timespec pause = { .tv_sec = (time_t)seconds };

	nanosleep(&pause, NULL);
}

static int wave_run(const struct options *options, const struct bench_target *target,
    const struct addrinfo *address, struct wave *out)
{
	struct opening opening = {
		.target = target, .address = address, .n = options->connections
	};
	size_t sockets = count_sockets(options->pid);
	int64_t start = bench_now_ns();
	int r;

	opening.fds = calloc(opening.n, sizeof(*opening.fds));
	if (!opening.fds)
		return -1;
	memset(opening.fds, -1, opening.n * sizeof(*opening.fds));
	r = open_all(&opening);
	out->seconds = (double)(bench_now_ns() - start) / 1e9;
	rest(options->seconds);
	bench_process_memory(options->pid, &out->held);
	out->open = count_standing(&opening);
	close_all(&opening);
	free(opening.fds);
	if (await_gone(options->pid, sockets))
		r = -1;
	rest(options->seconds);
	bench_process_memory(options->pid, &out->after);
	return out->open == options->connections ? r : -1;
}

/* ---- the run ---- */

static void print_wave(const struct options *options, const struct wave *wave, size_t i)
{
	if (options->json)
		printf("%s{\"open\":%zu,\"seconds\":%.1f,\"rss_anon_mb\":%.2f,\"rss_mb\":%.2f,"
		       "\"after_rss_anon_mb\":%.2f}",
		    i ? "," : "", wave->open, wave->seconds, wave->held.anon_mb, wave->held.rss_mb,
		    wave->after.anon_mb);
	else
		printf("%4zu  %6zu  %7.1f  %10.2f  %8.2f  %13.2f\n", i + 1, wave->open,
		    wave->seconds, wave->held.anon_mb, wave->held.rss_mb, wave->after.anon_mb);
	fflush(stdout);
}

static int measure(const struct options *options, const struct bench_target *target,
    const struct addrinfo *address)
{
	struct bench_memory idle;
	int r = 0;

	bench_process_memory(options->pid, &idle);
	if (idle.anon_mb < 0) {
		fprintf(stderr, "idle: process %ld cannot be looked at\n", (long)options->pid);
		return -1;
	}
	if (options->json)
		printf("{\"connections\":%zu,\"idle_rss_anon_mb\":%.2f,\"waves\":[",
		    options->connections, idle.anon_mb);
	else
		printf("before: RssAnon %.2f MB\nwave    open  seconds  RssAnon MB  VmRSS MB  "
		       "afterwards MB\n",
		    idle.anon_mb);
	for (size_t i = 0; i < options->waves && !r; i++) {
		struct wave wave = { 0 };

		r = wave_run(options, target, address, &wave);
		print_wave(options, &wave, i);
	}
	if (options->json)
		printf("]}\n");
	return r;
}

/* Every connection is an open file, here as there. */
static int raise_file_limit(size_t connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= connections + SPARE_FILES)
		return 0;
	fprintf(stderr, "idle: %zu connections need %zu open files, and the limit is %llu\n",
	    connections, connections + SPARE_FILES, (unsigned long long)limit.rlim_cur);
	return -1;
}

/* Take the operator's certificate away: only the trust in the server stays. */
static int forget_certificate(const char *home, struct bench_target *target)
{
	char path[4096];

	gnutls_certificate_free_credentials(target->cred);
	target->cred = NULL;
	snprintf(path, sizeof(path), "%s/ca.crt", home);
	if (gnutls_certificate_allocate_credentials(&target->cred) < 0 ||
	    gnutls_certificate_set_x509_trust_file(target->cred, path, GNUTLS_X509_FMT_PEM) < 1)
		return -1;
	return 0;
}

static int run(const struct options *options)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct bench_target target = { 0 };
	struct addrinfo *address = NULL;
	int r = -1;

	if (raise_file_limit(options->connections) ||
	    bench_target_load(options->home, options->url, &target) ||
	    (options->anonymous && forget_certificate(options->home, &target)))
		goto out;
	if (getaddrinfo(target.host, target.port, &hints, &address)) {
		fprintf(stderr, "idle: no such host: %s\n", target.authority);
		goto out;
	}
	r = measure(options, &target, address);
out:
	if (address)
		freeaddrinfo(address);
	bench_target_free(&target);
	return r;
}

/* ---- options ---- */

static const struct option long_options[] = {
	{ "home", required_argument, NULL, 'h' },
	{ "url", required_argument, NULL, 'u' },
	{ "pid", required_argument, NULL, 'p' },
	{ "connections", required_argument, NULL, 'c' },
	{ "waves", required_argument, NULL, 'w' },
	{ "seconds", required_argument, NULL, 's' },
	{ "anonymous", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, BENCH_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take(int option, void *arg)
{
	struct options *out = arg;

	switch (option) {
	case 'h':
		out->home = optarg;
		return 0;
	case 'u':
		out->url = optarg;
		return 0;
	case 'p':
		return bench_pid(optarg, &out->pid);
	case 'c':
		return bench_number(optarg, CONNECTIONS_MAX, &out->connections);
	case 'w':
		return bench_number(optarg, WAVES_MAX, &out->waves);
	case 's':
		return bench_number(optarg, 3600, &out->seconds);
	case 'a':
		out->anonymous = true;
		return 0;
	case 'j':
		out->json = true;
		return 0;
	default:
		return -1;
	}
}

static int check(const void *arg)
{
	const struct options *options = arg;

	return options->home && options->pid ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const struct bench_arguments arguments = { usage, long_options, take, check };
	struct options options = { .connections = 10000, .waves = 2, .seconds = 2 };
	int r = bench_arguments_read(&arguments, argc, argv, &options);

	if (r)
		return r > 0 ? 0 : 2;
	return run(&options) ? 1 : 0;
}
