#include "contrib/bench/report.h"

#include <stdatomic.h>
#include <stdio.h>

struct figures {
	double rate, cpu_ms, ratio, client_cpu_ms, p50_ms, p99_ms;
};

static void level_figures(
    struct bench_level *level, const struct bench_bare *bare, struct figures *out)
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
	out->client_cpu_ms = level->client_cpu_ms / count;
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
	printf(
	    "bare RSA-2048 signature: libcrypto %.3f ms, GnuTLS %.3f ms of CPU, libcrypto on all "
	    "processors at once %.3f ms\n\n",
	    bare->libcrypto_ms, bare->gnutls_ms, bare->busy_ms);
	printf("connections  requests  answered  certs/s  CPU ms/cert  x bare  client CPU    p50 ms"
	       "    p99 ms  VmRSS MB  RssAnon MB\n");
}

static void print_table_row(const struct bench_level *level, const struct figures *f)
{
	char a[32], b[32], c[32], d[32];

	printf("%11zu  %8zu  %8zu  %7.0f  %s  %s  %10.3f  %8.2f  %8.2f  %s  %s\n",
	    level->connections, level->total, atomic_load(&level->answered), f->rate,
	    figure(f->cpu_ms, 11, 3, false, a), figure(f->ratio, 6, 2, false, b), f->client_cpu_ms,
	    f->p50_ms, f->p99_ms, figure(level->memory.rss_mb, 8, 1, false, c),
	    figure(level->memory.anon_mb, 10, 1, false, d));
	if (atomic_load(&level->answered) != level->total)
		printf("  of these: %zu refused, %zu unanswered, %zu cut, %zu unconnected\n",
		    atomic_load(&level->refused), atomic_load(&level->unanswered),
		    atomic_load(&level->cut), atomic_load(&level->unconnected));
}

static void print_json_row(const struct bench_level *level, const struct figures *f, bool first)
{
	char a[32], b[32], c[32], d[32];

	printf("%s{\"connections\":%zu,\"requests\":%zu,\"distinct_requests\":%zu,"
	       "\"answered\":%zu,\"refused\":%zu,\"unanswered\":%zu,\"cut\":%zu,"
	       "\"unconnected\":%zu,\"seconds\":%.3f,\"certificates_per_second\":%.1f,",
	    first ? "" : ",", level->connections, level->total, level->texts,
	    atomic_load(&level->answered), atomic_load(&level->refused),
	    atomic_load(&level->unanswered), atomic_load(&level->cut),
	    atomic_load(&level->unconnected), level->seconds, f->rate);
	printf("\"cpu_ms\":%s,\"ratio\":%s,\"client_cpu_ms\":%.4f,\"p50_ms\":%.3f,"
	       "\"p99_ms\":%.3f,\"rss_mb\":%s,\"rss_anon_mb\":%s}",
	    figure(f->cpu_ms, 0, 4, true, a), figure(f->ratio, 0, 3, true, b), f->client_cpu_ms,
	    f->p50_ms, f->p99_ms, figure(level->memory.rss_mb, 0, 2, true, c),
	    figure(level->memory.anon_mb, 0, 2, true, d));
}

void bench_report_begin(const struct bench_bare *bare, bool json)
{
	if (json)
		printf("{\"bare\":{\"libcrypto_ms\":%.4f,\"gnutls_ms\":%.4f,\"busy_ms\":%.4f},"
		       "\"levels\":[",
		    bare->libcrypto_ms, bare->gnutls_ms, bare->busy_ms);
	else
		print_table_head(bare);
}

void bench_report_level(
    struct bench_level *level, const struct bench_bare *bare, bool json, bool first)
{
	struct figures figures;

	level_figures(level, bare, &figures);
	if (json)
		print_json_row(level, &figures, first);
	else
		print_table_row(level, &figures);
	fflush(stdout);
}

void bench_report_end(bool json)
{
	if (json)
		printf("]}\n");
}
