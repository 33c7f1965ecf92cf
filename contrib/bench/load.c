/*
 * load: how fast a server issues certificates over HTTP, and what each costs it.
 *
 * The keys and requests are made first, a distinct RSA-2048 key each; then N connections, a thread
 * each, send one request after the other. The server's CPU time is read from its process clock, and
 * stands beside the cost of a bare RSA-2048 signature measured in the same run.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contrib/bench/csrs.h"
#include "contrib/bench/level.h"
#include "contrib/bench/measure.h"
#include "contrib/bench/options.h"
#include "contrib/bench/report.h"
#include "contrib/bench/requests.h"
#include "contrib/bench/target.h"
#include "contrib/bench/tokens.h"

#define TOKEN_HEADER "Authorization: Bearer %t\r\n"

/* What is made ahead. */
struct material {
	struct bench_target target; /* of the requests that are measured */
	struct bench_pieces csrs;
	struct bench_pieces tokens;     /* none: v is NULL */
	char *headers;                  /* templates; NULL: none */
	struct bench_requests requests; /* texts of each level, one level after the other */
	size_t texts;
};

static void material_free(struct material *m)
{
	bench_requests_free(&m->requests);
	free(m->headers);
	bench_pieces_free(&m->tokens);
	bench_pieces_free(&m->csrs);
	bench_target_free(&m->target);
}

/* ---- making ---- */

/* Text i of all levels: which of the requests' keys it takes. */
static size_t csr_of(const struct bench_options *options, const struct material *m, size_t i)
{
	size_t level = i / m->texts, in_level = i % m->texts;

	return (level * options->keys + in_level % options->keys) % m->csrs.n;
}

/* Without their ends. */
static int lines_read(const char *path, struct bench_pieces *out)
{
	if (bench_pieces_read(path, "\n", out))
		return -1;
	for (size_t i = 0; i < out->n; i++)
		out->v[i][strcspn(out->v[i], "\r\n")] = '\0';
	return 0;
}

/* The lines of a file, each ended by CR LF. */
static int headers_read(const char *path, char **out)
{
	struct bench_pieces lines = { 0 };
	size_t len = 0;
	FILE *f;

	if (lines_read(path, &lines))
		return -1;
	f = open_memstream(out, &len);
	for (size_t i = 0; f && i < lines.n; i++) {
		if (*lines.v[i])
			fprintf(f, "%s\r\n", lines.v[i]);
	}
	bench_pieces_free(&lines);
	return f && fclose(f) == 0 ? 0 : -1;
}

/* One token for each text. The requests that use them come without the operator's certificate. */
static int tokens_make(const struct bench_options *options, struct material *m)
{
	char ca[BENCH_PATH_MAX], url[BENCH_HOST_MAX + 16];
	const struct bench_files files = { .ca = ca };
	struct bench_target stranger = { 0 };
	size_t n = m->texts * options->levels_n;
	size_t *names = calloc(n, sizeof(*names));
	int r = -1;

	if (!names)
		return -1;
	for (size_t i = 0; i < n; i++)
		names[i] = csr_of(options, m, i);
	snprintf(ca, sizeof(ca), "%s/ca.crt", options->home);
	snprintf(url, sizeof(url), "https://%s", m->target.authority);
	if (!bench_tokens_make(&m->target, names, n, &m->tokens) &&
	    !bench_target_open(url, &files, &stranger)) {
		bench_target_free(&m->target);
		m->target = stranger; /* transferred */
		m->headers = strdup(TOKEN_HEADER);
		r = m->headers ? 0 : -1;
	}
	free(names);
	return r;
}

static int texts_make(const struct bench_options *options, struct material *m)
{
	const struct bench_shape shape = { .authority = m->target.authority,
		.path = m->target.path[0] ? m->target.path : BENCH_PATH,
		.content_type = options->content_type,
		.headers = m->headers,
		.body = options->body };
	size_t n = m->texts * options->levels_n;
	char name[BENCH_NAME_MAX];

	m->requests.v = calloc(n, sizeof(*m->requests.v));
	if (!m->requests.v)
		return -1;
	m->requests.n = n;
	for (size_t i = 0; i < n; i++) {
		size_t csr = csr_of(options, m, i);

		bench_csr_name(csr, name);
		if (bench_request_make(&shape, m->csrs.v[csr], name,
			m->tokens.v ? m->tokens.v[i % m->tokens.n] : NULL, &m->requests.v[i]))
			return -1;
	}
	return 0;
}

static int material_make(const struct bench_options *options, struct material *m)
{
	int r = options->home ? bench_target_load(options->home, options->url, &m->target)
			      : bench_target_open(options->url, &options->files, &m->target);

	if (r)
		return -1;
	r = options->csrs ? bench_csrs_read(options->csrs, &m->csrs)
			  : bench_csrs_make(options->keys * options->levels_n, &m->csrs);
	if (r)
		return -1;
	m->texts = options->tokens || options->lines ? options->requests : options->keys;
	if (options->tokens && tokens_make(options, m))
		return -1;
	if (options->lines && lines_read(options->lines, &m->tokens))
		return -1;
	if (options->header_file && headers_read(options->header_file, &m->headers))
		return -1;
	m->target.tls13 = options->handshakes;
	return texts_make(options, m);
}

/* ---- measuring ---- */

static int measure_all(const struct bench_options *options, const struct material *m,
    const struct bench_bare *bare, FILE *serials)
{
	int r = 0;

	bench_report_begin(bare, options->json);
	for (size_t i = 0; i < options->levels_n; i++) {
		struct bench_level level = { .target = &m->target,
			.requests = m->requests.v + i * m->texts,
			.texts = m->texts,
			.total = options->requests,
			.handshakes = options->handshakes,
			.serials = serials,
			.connections = options->levels[i] };

		level.latency_ns = calloc(level.total, sizeof(*level.latency_ns));
		if (!level.latency_ns)
			return -1;
		if (bench_level_run(&level, options->pid))
			r = -1;
		bench_report_level(&level, bare, options->json, i == 0);
		free(level.latency_ns);
	}
	bench_report_end(options->json);
	return r;
}

static int run(const struct bench_options *options)
{
	struct material material = { 0 };
	struct bench_bare bare;
	FILE *serials = NULL;
	int r = -1;

	if (options->serials && !(serials = fopen(options->serials, "ae"))) {
		perror(options->serials);
		return -1;
	}
	if (!material_make(options, &material) && !bench_bare_signatures(&bare))
		r = measure_all(options, &material, &bare, serials);
	if (serials)
		fclose(serials);
	material_free(&material);
	return r;
}

static int write_csrs(const struct bench_options *options)
{
	struct bench_pieces csrs = { 0 };
	int r = bench_csrs_make(options->keys, &csrs);

	if (!r)
		r = bench_csrs_write(&csrs, options->write_csrs);
	bench_pieces_free(&csrs);
	return r;
}

int main(int argc, char **argv)
{
	struct bench_options options = { 0 };
	int r = bench_options_parse(argc, argv, &options);

	if (r)
		return r < 0 ? 2 : 0;
	signal(SIGPIPE, SIG_IGN);
	r = options.write_csrs ? write_csrs(&options) : run(&options);
	return r ? 1 : 0;
}
