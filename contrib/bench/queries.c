/*
 * queries: how long a micad takes to find certificates, one question after the other over one
 * keep-alive connection, as an operator. What it asks for it takes from the lists themselves, so it
 * fits any store; contrib/bench/fill makes a large one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "contrib/bench/arguments.h"
#include "contrib/bench/measure.h"
#include "contrib/bench/questions.h"

#define COUNT_MAX 100000

struct options {
	const char *home, *url;
	size_t count;
	pid_t pid;
	bool json;
};

static const char usage[] = "usage: queries --home DIR --pid PID [OPTION]…\n"
			    "Measure how long a running micad takes to find certificates.\n\n"
			    "  --home DIR  an operator's context: tls.crt tls.key ca.crt ca-url\n"
			    "  --url URL   instead of the one in ca-url\n"
			    "  --pid PID   the server's process, for its CPU time\n"
			    "  --count N   requests of each kind (1000)\n"
			    "  --json      JSON instead of a table\n"
			    "Pages have 100 rows where nothing else is said. \"rows\" is how many "
			    "came in one, on average.\n";

struct figures {
	double p50_ms, p99_ms, cpu_ms, rows;
};

/* 0, or -1 after a message. */
static int measure(struct bench_session *session, const struct options *options,
    const struct bench_question *question, struct figures *out)
{
	int64_t *ns = calloc(options->count, sizeof(*ns));
	int64_t cpu = bench_process_cpu_ns(options->pid);
	size_t rows = 0;
	int r = ns && cpu >= 0 ? 0 : -1;

	if (r)
		fprintf(stderr, "queries: there is no process %ld\n", (long)options->pid);
	for (size_t i = 0; i < options->count && !r; i++) {
		const char *path = question->paths.v[i % question->paths.n];
		int64_t start = bench_now_ns();

		r = bench_session_get(session, path);
		ns[i] = bench_now_ns() - start;
		if (!r)
			rows += bench_session_rows(session);
	}
	if (!r) {
		double n = (double)options->count;

		bench_sort(ns, options->count);
		out->p50_ms = (double)bench_percentile(ns, options->count, 0.50) / 1e6;
		out->p99_ms = (double)bench_percentile(ns, options->count, 0.99) / 1e6;
		out->cpu_ms = (double)(bench_process_cpu_ns(options->pid) - cpu) / 1e6 / n;
		out->rows = (double)rows / n;
	}
	free(ns);
	return r;
}

static void print(
    const struct options *options, const char *name, const struct figures *f, bool first)
{
	if (options->json)
		printf("%s{\"name\":\"%s\",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_ms\":%.4f,"
		       "\"rows\":%.1f}",
		    first ? "{\"queries\":[" : ",", name, f->p50_ms, f->p99_ms, f->cpu_ms, f->rows);
	else
		printf("%s%-36s  %7.3f  %7.3f  %7.3f  %6.1f\n",
		    first ? "query                                  p50 ms   p99 ms   CPU ms    "
			    "rows\n"
			  : "",
		    name, f->p50_ms, f->p99_ms, f->cpu_ms, f->rows);
	fflush(stdout);
}

static int run(const struct options *options)
{
	struct bench_session *session = NULL;
	struct bench_questions questions = { .n = 0 };
	struct figures figures;
	int r = bench_session_open(options->home, options->url, &session);

	if (!r)
		r = bench_questions_make(session, &questions);
	for (size_t i = 0; i < questions.n && !r; i++) {
		r = measure(session, options, &questions.v[i], &figures);
		if (!r)
			print(options, questions.v[i].name, &figures, i == 0);
	}
	if (!r && options->json)
		printf("]}\n");
	bench_questions_free(&questions);
	bench_session_close(session);
	return r;
}

/* ---- options ---- */

enum { OPT_HOME = 1, OPT_URL, OPT_PID, OPT_COUNT, OPT_JSON };

static const struct option long_options[] = {
	{ "home", required_argument, NULL, OPT_HOME },
	{ "url", required_argument, NULL, OPT_URL },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, BENCH_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take(int option, void *arg)
{
	struct options *out = arg;

	switch (option) {
	case OPT_HOME:
		out->home = optarg;
		return 0;
	case OPT_URL:
		out->url = optarg;
		return 0;
	case OPT_PID:
		return bench_pid(optarg, &out->pid);
	case OPT_COUNT:
		return bench_number(optarg, COUNT_MAX, &out->count);
	case OPT_JSON:
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
	struct options options = { .count = 1000 };
	int r = bench_arguments_read(&arguments, argc, argv, &options);

	if (r)
		return r > 0 ? 0 : 2;
	return run(&options) ? 1 : 0;
}
