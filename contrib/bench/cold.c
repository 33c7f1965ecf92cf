/*
 * cold: how long a micad takes from exec to its first certificate.
 *
 * In rounds: start it on an existing state and a free loopback port, wait for the address in its
 * log, connect as the first operator, ask for one certificate, stop it. The request and its key are
 * made before; connecting and the full handshake count.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contrib/bench/arguments.h"
#include "contrib/bench/connection.h"
#include "contrib/bench/measure.h"
#include "contrib/bench/requests.h"

#define ROUNDS_MAX 1000
#define START_MS 20000 /* given up after that */
#define LOG_MAX 16384

extern char **environ;

struct options {
	const char *micad, *state;
	size_t rounds;
	bool json;
};

/* A micad under way, and its log: what it wrote to stderr. */
struct child {
	pid_t pid;
	int log_fd;
	size_t len;
	char log[LOG_MAX]; /* NUL-terminated */
};

struct figures {
	int64_t listening_ns[ROUNDS_MAX], certificate_ns[ROUNDS_MAX];
};

static const char usage[] =
    "usage: cold --micad PATH --state DIR [OPTION]…\n"
    "Measure the time from a micad's exec to its first certificate.\n\n"
    "  --micad PATH  the program\n"
    "  --state DIR   an installation that no micad serves, with the operator's DIR/admin\n"
    "  --rounds N    starts (15)\n"
    "  --json        JSON instead of a table\n"
    "It ends with 0 when every round got its certificate, else with 1.\n";

/* ---- the child ---- */

static int spawn(const struct options *options, int write_fd, pid_t *pid)
{
	char micad[] = "micad", serve[] = "serve", state_flag[] = "--state", listen[] = "--listen",
	     address[] = "127.0.0.1:0";
	char *state = strdup(options->state);
	char *const argv[] = { micad, serve, state_flag, state, listen, address, NULL };
	posix_spawn_file_actions_t actions;
	int r = -1;

	if (!state)
		return -1;
	if (posix_spawn_file_actions_init(&actions) == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, write_fd, STDERR_FILENO);
		if (!r)
			r = posix_spawn(pid, options->micad, &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	free(state);
	return r ? -1 : 0;
}

static int child_start(const struct options *options, struct child *out)
{
	int fds[2];

	out->len = 0;
	out->log[0] = '\0';
	if (pipe2(fds, O_CLOEXEC))
		return -1;
	if (spawn(options, fds[1], &out->pid)) {
		fprintf(stderr, "cold: %s cannot be run\n", options->micad);
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	close(fds[1]);
	out->log_fd = fds[0];
	return 0;
}

/* More of the log; -1: it ended, or nothing came in time. */
static int child_read(struct child *child, int64_t until_ns)
{
	struct pollfd p = { .fd = child->log_fd, .events = POLLIN };
	int64_t left = (until_ns - bench_now_ns()) / 1000000;
	ssize_t n;

	if (left <= 0 || child->len + 1 >= LOG_MAX || poll(&p, 1, (int)left) != 1)
		return -1;
	n = read(child->log_fd, child->log + child->len, LOG_MAX - 1 - child->len);
	if (n <= 0)
		return -1;
	child->len += (size_t)n;
	child->log[child->len] = '\0';
	return 0;
}

/* The port behind "listening … address=127.0.0.1:", once that line is whole. */
static bool find_port(const char *log, char *out, size_t size)
{
	static const char before[] = "address=127.0.0.1:";
	const char *line = strstr(log, " listening "), *at = line ? strstr(line, before) : NULL;
	size_t len;

	if (!at || !strchr(at, '\n'))
		return false;
	at += sizeof(before) - 1;
	len = strspn(at, "0123456789");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

static int await_listening(struct child *child, struct bench_target *target)
{
	int64_t until = bench_now_ns() + (int64_t)START_MS * 1000000;

	while (!find_port(child->log, target->port, sizeof(target->port)))
		if (child_read(child, until)) {
			fprintf(stderr, "cold: micad does not listen: %s\n", child->log);
			return -1;
		}
	return 0;
}

/* It is told to stop, and has this long to do so before it is killed. */
static int child_end(struct child *child)
{
	int64_t until = bench_now_ns() + (int64_t)START_MS * 1000000;
	int status = -1;

	kill(child->pid, SIGTERM);
	while (child_read(child, until) == 0)
		continue;
	if (bench_now_ns() >= until)
		kill(child->pid, SIGKILL);
	close(child->log_fd);
	if (waitpid(child->pid, &status, 0) == child->pid && status == 0)
		return 0;
	fprintf(stderr, "cold: micad did not end well: %s\n", child->log);
	return -1;
}

/* ---- a round ---- */

static int first_certificate(const struct bench_target *target, const struct bench_request *request)
{
	struct bench_connection *connection = NULL;
	struct bench_answer *answer = calloc(1, sizeof(*answer));
	const char *why = "out of memory";
	int r = -1;

	if (!answer || bench_connect(target, &connection, &why)) {
		fprintf(stderr, "cold: %s\n", why);
		goto out;
	}
	if (bench_exchange(connection, request->text, request->len, answer) != BENCH_ANSWERED)
		fprintf(stderr, "cold: no answer\n");
	else if (answer->status != 201)
		fprintf(stderr, "cold: status %d: %.300s\n", answer->status, answer->body);
	else
		r = 0;
out:
	bench_disconnect(connection);
	free(answer);
	return r;
}

static int round_run(const struct options *options, struct bench_target *target,
    const struct bench_request *request, int64_t *listening_ns, int64_t *certificate_ns)
{
	int64_t start = bench_now_ns();
	struct child child;
	int r;

	if (child_start(options, &child))
		return -1;
	r = await_listening(&child, target);
	*listening_ns = bench_now_ns() - start;
	if (!r)
		r = first_certificate(target, request);
	*certificate_ns = bench_now_ns() - start;
	return child_end(&child) ? -1 : r;
}

/* ---- the run ---- */

static void report(const struct options *options, struct figures *figures)
{
	size_t n = options->rounds;
	double ms[4];

	bench_sort(figures->listening_ns, n);
	bench_sort(figures->certificate_ns, n);
	ms[0] = (double)bench_percentile(figures->listening_ns, n, 0.5) / 1e6;
	ms[1] = (double)figures->listening_ns[0] / 1e6;
	ms[2] = (double)bench_percentile(figures->certificate_ns, n, 0.5) / 1e6;
	ms[3] = (double)figures->certificate_ns[0] / 1e6;
	if (options->json)
		printf("{\"rounds\":%zu,\"listening_ms\":%.2f,\"listening_min_ms\":%.2f,"
		       "\"first_certificate_ms\":%.2f,\"first_certificate_min_ms\":%.2f}\n",
		    n, ms[0], ms[1], ms[2], ms[3]);
	else
		printf("of %zu starts     median ms   min ms\n"
		       "listening         %9.2f  %7.2f\n"
		       "first certificate %9.2f  %7.2f\n",
		    n, ms[0], ms[1], ms[2], ms[3]);
}

static int run(const struct options *options)
{
	static struct figures figures;
	struct bench_target target = { 0 };
	struct bench_requests requests = { 0 };
	char home[4096];
	int r = -1;

	snprintf(home, sizeof(home), "%s/admin", options->state);
	/* The port of each round's own takes the place of this one. */
	if (bench_target_load(home, "https://127.0.0.1:1", &target) ||
	    bench_requests_make(options->rounds, "127.0.0.1", &requests))
		goto out;
	for (size_t i = 0; i < options->rounds; i++)
		if (round_run(options, &target, &requests.v[i], &figures.listening_ns[i],
			&figures.certificate_ns[i]))
			goto out;
	report(options, &figures);
	r = 0;
out:
	bench_requests_free(&requests);
	bench_target_free(&target);
	return r;
}

/* ---- options ---- */

static const struct option long_options[] = {
	{ "micad", required_argument, NULL, 'm' },
	{ "state", required_argument, NULL, 's' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, BENCH_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take(int option, void *arg)
{
	struct options *out = arg;

	switch (option) {
	case 'm':
		out->micad = optarg;
		return 0;
	case 's':
		out->state = optarg;
		return 0;
	case 'r':
		return bench_number(optarg, ROUNDS_MAX, &out->rounds);
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

	return options->micad && options->state ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const struct bench_arguments arguments = { usage, long_options, take, check };
	struct options options = { .rounds = 15 };
	int r = bench_arguments_read(&arguments, argc, argv, &options);

	if (r)
		return r > 0 ? 0 : 2;
	return run(&options) ? 1 : 0;
}
