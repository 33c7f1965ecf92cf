/*
 * load: how fast a micad issues certificates over keep-alive HTTPS, and what each costs it.
 *
 * The keys and requests are made first, a distinct RSA-2048 key each; then N connections, a thread
 * each, send one request after the other as an operator. The server's CPU time is read from its
 * process clock, and stands beside the cost of a bare RSA-2048 signature measured in the same run.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contrib/bench/connection.h"
#include "contrib/bench/measure.h"
#include "contrib/bench/requests.h"

#define LEVELS_MAX 16
#define CONNECTIONS_MAX 1024

struct options {
	const char *home, *url, *serials;
	size_t levels[LEVELS_MAX]; /* connections at once, a measurement each */
	size_t levels_n;
	size_t requests, keys;
	pid_t pid;
	bool json;
};

/* One measurement: what all its connections share, and what came of it. */
struct level {
	const struct bench_target *target;
	const struct bench_request *requests; /* borrowed: keys of them */
	size_t keys;
	size_t total; /* requests to send */
	FILE *serials;
	atomic_size_t next;
	atomic_size_t answered;    /* 201 */
	atomic_size_t refused;     /* another status */
	atomic_size_t unanswered;  /* sent, and the connection ended first */
	atomic_size_t unconnected; /* not sent: no connection could be made */
	atomic_size_t cut;         /* the connection ended within the answer */
	int64_t *latency_ns;       /* of request i; 0: not answered by a 201 */
	pthread_barrier_t start;
	size_t connections;
	double seconds, cpu_ms; /* cpu_ms: of the server, all in all; negative when unknown */
	struct bench_memory memory;
};

static const char usage[] =
    "usage: load --home DIR [OPTION]…\n"
    "Measure issuance by a running micad.\n\n"
    "  --home DIR            an operator's context: tls.crt tls.key ca.crt ca-url\n"
    "  --url URL             instead of the one in ca-url\n"
    "  --connections N[,N]…  connections at once, a measurement each (1)\n"
    "  --requests M          requests a measurement (1000)\n"
    "  --keys K              distinct keys; fewer than M are used again and again (M)\n"
    "  --pid PID             the server's process: its CPU time and memory\n"
    "  --serials FILE        append the serial number of every certificate received\n"
    "  --json                JSON instead of a table\n"
    "It ends with 0 when every request was answered by a certificate, else with 1.\n";

/* ---- sending ---- */

static void note_serial(FILE *file, const char *body)
{
	static const char key[] = "\"serial\"";
	const char *at = strstr(body, key);

	if (!file || !at)
		return;
	at += sizeof(key) - 1;
	at += strspn(at, ": \"");
	flockfile(file);
	fprintf(file, "%.*s\n", (int)strcspn(at, "\""), at);
	fflush(file);
	funlockfile(file);
}

/* Complain once a level, so that a flood of refusals stays readable. */
static void note_refusal(struct level *level, const struct bench_answer *answer)
{
	if (atomic_fetch_add(&level->refused, 1) == 0)
		fprintf(stderr, "load: status %d: %.300s\n", answer->status, answer->body);
}

/* Returns false when the connection is of no more use. */
static bool send_one(
    struct level *level, size_t i, struct bench_connection *connection, struct bench_answer *answer)
{
	const struct bench_request *request = &level->requests[i % level->keys];
	int64_t before = bench_now_ns();

	switch (bench_exchange(connection, request->text, request->len, answer)) {
	case BENCH_CLOSED:
		atomic_fetch_add(&level->unanswered, 1);
		return false;
	case BENCH_CUT:
		atomic_fetch_add(&level->cut, 1);
		return false;
	case BENCH_ANSWERED:
		break;
	}
	if (answer->status == 201) {
		level->latency_ns[i] = bench_now_ns() - before;
		atomic_fetch_add(&level->answered, 1);
		note_serial(level->serials, answer->body);
	} else {
		note_refusal(level, answer);
	}
	return !answer->closing;
}

/* A connection that the server ends is made anew; one that cannot be made, or 503, ends or slows
 * this thread only. */
static void *connection_run(void *arg)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct level *level = arg;
	struct bench_connection *connection = NULL;
	struct bench_answer *answer = calloc(1, sizeof(*answer));
	const char *why = "out of memory";
	size_t i;

	if (answer && bench_connect(level->target, &connection, &why))
		connection = NULL;
	pthread_barrier_wait(&level->start);
	while (answer && (i = atomic_fetch_add(&level->next, 1)) < level->total) {
		if (!connection && bench_connect(level->target, &connection, &why)) {
			connection = NULL;
			if (atomic_fetch_add(&level->unconnected, 1) == 0)
				fprintf(stderr, "load: %s\n", why);
			break;
		}
		if (!send_one(level, i, connection, answer)) {
			bench_disconnect(connection);
			connection = NULL;
		}
		if (answer->status == 503)
			nanosleep(&pause, NULL);
	}
	bench_disconnect(connection);
	free(answer);
	return NULL;
}

static int level_run(struct level *level, pid_t pid)
{
	pthread_t threads[CONNECTIONS_MAX];
	int64_t cpu = -1, start;
	size_t n;

	pthread_barrier_init(&level->start, NULL, (unsigned)level->connections + 1);
	for (n = 0; n < level->connections; n++) {
		if (pthread_create(&threads[n], NULL, connection_run, level)) {
			fprintf(stderr, "load: no thread for connection %zu\n", n + 1);
			exit(1); /* the others wait at the barrier for ever */
		}
	}
	/* The last to come is this thread, when every connection stands: handshakes are not
	 * measured. */
	if (pid)
		cpu = bench_process_cpu_ns(pid);
	pthread_barrier_wait(&level->start);
	start = bench_now_ns();
	while (n > 0)
		pthread_join(threads[--n], NULL);
	level->seconds = (double)(bench_now_ns() - start) / 1e9;
	level->cpu_ms = cpu < 0 ? -1 : (double)(bench_process_cpu_ns(pid) - cpu) / 1e6;
	bench_process_memory(pid, &level->memory);
	pthread_barrier_destroy(&level->start);
	return atomic_load(&level->answered) == level->total ? 0 : -1;
}

/* ---- reporting ---- */

struct figures {
	double rate, cpu_ms, ratio, p50_ms, p99_ms;
};

static void level_figures(struct level *level, const struct bench_bare *bare, struct figures *out)
{
	size_t answered = atomic_load(&level->answered), n = 0;
	double count = answered ? (double)answered : 1;

	for (size_t i = 0; i < level->total; i++) {
		if (level->latency_ns[i])
			level->latency_ns[n++] = level->latency_ns[i];
	}
	bench_sort(level->latency_ns, n);
	out->rate = (double)answered / level->seconds;
	out->cpu_ms = level->cpu_ms < 0 ? -1 : level->cpu_ms / count;
	out->ratio = level->cpu_ms < 0 ? -1 : out->cpu_ms / bench_bare_fastest(bare);
	out->p50_ms = (double)bench_percentile(level->latency_ns, n, 0.50) / 1e6;
	out->p99_ms = (double)bench_percentile(level->latency_ns, n, 0.99) / 1e6;
}

/* A figure that is not known prints as a dash, or as JSON's null. */
static const char *figure(double value, int width, int decimals, bool json, char out[32])
{
	if (value < 0)
		snprintf(out, 32, "%*s", width, json ? "null" : "-");
	else
		snprintf(out, 32, "%*.*f", width, decimals, value);
	return out;
}

static void print_table_head(const struct bench_bare *bare)
{
	printf("bare RSA-2048 signature: libcrypto %.3f ms, GnuTLS %.3f ms of CPU\n\n",
	    bare->libcrypto_ms, bare->gnutls_ms);
	printf("connections  requests  answered  certs/s  CPU ms/cert  x bare    p50 ms    p99 ms  "
	       "VmRSS MB  RssAnon MB\n");
}

static void print_table_row(const struct level *level, const struct figures *f)
{
	char a[32], b[32], c[32], d[32];

	printf("%11zu  %8zu  %8zu  %7.0f  %s  %s  %8.2f  %8.2f  %s  %s\n", level->connections,
	    level->total, atomic_load(&level->answered), f->rate,
	    figure(f->cpu_ms, 11, 3, false, a), figure(f->ratio, 6, 2, false, b), f->p50_ms,
	    f->p99_ms, figure(level->memory.rss_mb, 8, 1, false, c),
	    figure(level->memory.anon_mb, 10, 1, false, d));
	if (atomic_load(&level->answered) != level->total)
		printf("  of these: %zu refused, %zu unanswered, %zu cut, %zu unconnected\n",
		    atomic_load(&level->refused), atomic_load(&level->unanswered),
		    atomic_load(&level->cut), atomic_load(&level->unconnected));
}

static void print_json_row(const struct level *level, const struct figures *f, bool first)
{
	char a[32], b[32], c[32], d[32];

	printf("%s{\"connections\":%zu,\"requests\":%zu,\"answered\":%zu,\"refused\":%zu,"
	       "\"unanswered\":%zu,\"cut\":%zu,\"unconnected\":%zu,\"seconds\":%.3f,"
	       "\"certificates_per_second\":%.1f,"
	       "\"cpu_ms\":%s,\"ratio\":%s,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"rss_mb\":%s,"
	       "\"rss_anon_mb\":%s}",
	    first ? "" : ",", level->connections, level->total, atomic_load(&level->answered),
	    atomic_load(&level->refused), atomic_load(&level->unanswered), atomic_load(&level->cut),
	    atomic_load(&level->unconnected), level->seconds, f->rate,
	    figure(f->cpu_ms, 0, 4, true, a), figure(f->ratio, 0, 3, true, b), f->p50_ms, f->p99_ms,
	    figure(level->memory.rss_mb, 0, 2, true, c),
	    figure(level->memory.anon_mb, 0, 2, true, d));
}

/* ---- the run ---- */

/* One measurement, printed. 0, or -1 when not every request was answered by a certificate. */
static int measure(
    const struct options *options, struct level *level, const struct bench_bare *bare, bool first)
{
	struct figures figures;
	int r;

	level->latency_ns = calloc(level->total, sizeof(*level->latency_ns));
	if (!level->latency_ns)
		return -1;
	r = level_run(level, options->pid);
	level_figures(level, bare, &figures);
	if (options->json)
		print_json_row(level, &figures, first);
	else
		print_table_row(level, &figures);
	fflush(stdout);
	free(level->latency_ns);
	return r;
}

static int measure_all(const struct options *options, const struct bench_target *target,
    const struct bench_requests *requests, const struct bench_bare *bare, FILE *serials)
{
	int r = 0;

	if (options->json)
		printf("{\"bare\":{\"libcrypto_ms\":%.4f,\"gnutls_ms\":%.4f},\"levels\":[",
		    bare->libcrypto_ms, bare->gnutls_ms);
	else
		print_table_head(bare);
	for (size_t i = 0; i < options->levels_n; i++) {
		struct level level = { .target = target,
			.requests = requests->v + i * options->keys,
			.keys = options->keys,
			.total = options->requests,
			.serials = serials,
			.connections = options->levels[i] };

		if (measure(options, &level, bare, i == 0))
			r = -1;
	}
	if (options->json)
		printf("]}\n");
	return r;
}

static int run(const struct options *options)
{
	struct bench_target target = { 0 };
	struct bench_requests requests = { 0 };
	struct bench_bare bare;
	FILE *serials = NULL;
	int r = -1;

	if (bench_target_load(options->home, options->url, &target))
		goto out;
	if (options->serials && !(serials = fopen(options->serials, "ae"))) {
		perror(options->serials);
		goto out;
	}
	if (bench_requests_make(options->keys * options->levels_n, target.authority, &requests) ||
	    bench_bare_signatures(&bare))
		goto out;
	r = measure_all(options, &target, &requests, &bare, serials);
out:
	if (serials)
		fclose(serials);
	bench_requests_free(&requests);
	bench_target_free(&target);
	return r;
}

/* ---- options ---- */

static int parse_number(const char *text, size_t max, size_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < 1 || value > max)
		return -1;
	*out = value;
	return 0;
}

static int parse_levels(char *text, struct options *out)
{
	char *save = NULL;

	out->levels_n = 0;
	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (out->levels_n == LEVELS_MAX ||
		    parse_number(word, CONNECTIONS_MAX, &out->levels[out->levels_n]))
			return -1;
		out->levels_n++;
	}
	return out->levels_n ? 0 : -1;
}

enum {
	OPT_HOME = 1,
	OPT_URL,
	OPT_CONNECTIONS,
	OPT_REQUESTS,
	OPT_KEYS,
	OPT_PID,
	OPT_SERIALS,
	OPT_JSON,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "home", required_argument, NULL, OPT_HOME },
	{ "url", required_argument, NULL, OPT_URL },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "requests", required_argument, NULL, OPT_REQUESTS },
	{ "keys", required_argument, NULL, OPT_KEYS },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "serials", required_argument, NULL, OPT_SERIALS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int parse_option(int option, struct options *out)
{
	size_t number;

	switch (option) {
	case OPT_HOME:
		out->home = optarg;
		return 0;
	case OPT_URL:
		out->url = optarg;
		return 0;
	case OPT_CONNECTIONS:
		return parse_levels(optarg, out);
	case OPT_REQUESTS:
		return parse_number(optarg, 10000000, &out->requests);
	case OPT_KEYS:
		return parse_number(optarg, 1000000, &out->keys);
	case OPT_PID:
		if (parse_number(optarg, 1 << 30, &number))
			return -1;
		out->pid = (pid_t)number;
		return 0;
	case OPT_SERIALS:
		out->serials = optarg;
		return 0;
	case OPT_JSON:
		out->json = true;
		return 0;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	struct options options = { .levels = { 1 }, .levels_n = 1, .requests = 1000 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (parse_option(option, &options))
			goto wrong;
	}
	if (optind != argc || !options.home)
		goto wrong;
	if (!options.keys || options.keys > options.requests)
		options.keys = options.requests;
	return run(&options) ? 1 : 0;
wrong:
	fputs(usage, stderr);
	return 2;
}
