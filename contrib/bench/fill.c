/*
 * fill: give a micad that is not running a history of many certificates.
 *
 * Each is signed by the default tenant's issuer and put on record through libca and libstore, as
 * micad itself does it; only the requests are made up. All processors sign one batch while the one
 * before it is written.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/installation.h"
#include "contrib/bench/arguments.h"
#include "contrib/bench/population.h"

#define BATCH 8192
#define THREADS_MAX 64

struct options {
	const char *state;
	size_t certificates, seed;
	bool json;
};

static const char usage[] =
    "usage: fill --state DIR --certificates N [OPTION]…\n"
    "Put N certificates of the default tenant's issuer on record. No micad may be running.\n\n"
    "  --state DIR       the state directory that micad init made\n"
    "  --certificates N  how many\n"
    "  --seed S          another population (1)\n"
    "  --json            JSON instead of a line for people\n"
    "The certificates are real but for their keys, which are a few, used again and again. Every\n"
    "service has four, each renewed from the one before; they end within 90 days around now; one "
    "in\n"
    "a hundred is revoked. A P-256 issuer (micad init --key-type ec:p256) is the fastest.\n";

/* ---- batches ---- */

struct batch {
	const struct bench_population *population;
	size_t first, n;
	atomic_size_t next;
	atomic_int error;
	struct store_certificate rows[BATCH];
};

static void *sign_some(void *arg)
{
	struct batch *batch = arg;
	size_t i;

	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->n) {
		int r =
		    bench_population_issue(batch->population, batch->first + i, &batch->rows[i]);

		if (r)
			atomic_store(&batch->error, r);
	}
	return NULL;
}

struct signers {
	pthread_t v[THREADS_MAX];
	size_t n;
};

/* Begin to sign the batch that starts at certificate first. */
static int signers_start(struct signers *signers, struct batch *batch, size_t first)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t total = batch->population->total;

	batch->first = first;
	batch->n = total - first < BATCH ? total - first : BATCH;
	atomic_store(&batch->next, 0);
	signers->n = 0;
	while (signers->n < THREADS_MAX && (long)signers->n < processors) {
		if (pthread_create(&signers->v[signers->n], NULL, sign_some, batch))
			break;
		signers->n++;
	}
	return signers->n ? 0 : CA_ENOMEM;
}

static int signers_join(struct signers *signers, struct batch *batch)
{
	while (signers->n > 0)
		pthread_join(signers->v[--signers->n], NULL);
	return atomic_load(&batch->error);
}

static int add_batch(struct store_tx *tx, void *arg)
{
	struct batch *batch = arg;
	int r = 0;

	for (size_t i = 0; i < batch->n && !r; i++) {
		struct store_certificate *row = &batch->rows[i];
		int64_t expected = batch->population->first_id + (int64_t)(batch->first + i);

		r = store_certificate_add(tx, row);
		if (!r && row->id != expected)
			r = CA_EINTERNAL; /* parents and lineages would be wrong */
	}
	return r;
}

static void batch_clear(struct batch *batch, uint64_t *der_octets)
{
	for (size_t i = 0; i < batch->n; i++) {
		*der_octets += batch->rows[i].der_len;
		store_certificate_clear(&batch->rows[i]);
	}
	batch->n = 0;
}

static void show_progress(size_t done, size_t total)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%zu of %zu%s", done, total, done == total ? "\n" : "");
}

static int fill(struct store *store, struct bench_population *population, uint64_t *der_octets)
{
	struct batch *batches = calloc(2, sizeof(*batches));
	struct signers signers = { .n = 0 };
	struct batch *now, *ready;
	int r;

	if (!batches)
		return CA_ENOMEM;
	now = batches;
	ready = batches + 1;
	now->population = ready->population = population;
	r = signers_start(&signers, ready, 0);
	for (size_t done = 0; !r && done < population->total; done += now->n) {
		struct batch *other = now;

		batch_clear(now, der_octets);
		r = signers_join(&signers, ready);
		now = ready;
		ready = other;
		if (!r && now->first + now->n < population->total)
			r = signers_start(&signers, ready, now->first + now->n);
		if (!r)
			r = store_write(store, add_batch, now);
		if (!r)
			show_progress(now->first + now->n, population->total);
	}
	(void)signers_join(&signers, ready);
	batch_clear(now, der_octets);
	batch_clear(ready, der_octets);
	free(batches);
	return r;
}

/* ---- the state ---- */

struct figures {
	double seconds;
	int64_t octets; /* by which the database grew */
	uint64_t der_octets;
};

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

static int note_id(const struct store_certificate *row, void *arg)
{
	*(int64_t *)arg = row->id;
	return 0;
}

/* Rows are numbered in turn: the first new one is behind the newest. */
static int find_first_id(struct store_tx *tx, int64_t *out)
{
	const struct store_filter all = { .status = -1 };
	struct store_cursor cursor = { 0 };
	int64_t newest = 0;
	bool more;
	int r = store_certificate_list(tx, &all, 1, &cursor, &more, note_id, &newest);

	store_cursor_clear(&cursor);
	if (!r)
		*out = newest + 1;
	return r;
}

static int load(
    struct store *store, const char *state, struct ca_installation **out, struct ca_detail *why)
{
	char *path = ca_path_join(state, CA_STATE_MASTER_KEY);
	struct ca_master_key master;
	int r = path ? ca_master_key_read(path, &master, why) : CA_ENOMEM;

	if (!r)
		r = ca_installation_load(store, &master, &ca_key_libcrypto, out, why);
	ca_wipe(&master, sizeof(master));
	free(path);
	return r;
}

static int fill_store(
    const struct options *options, struct store *store, struct figures *out, struct ca_detail *why)
{
	struct bench_population population = { .seed = options->seed,
		.total = options->certificates };
	struct ca_installation *installation = NULL;
	struct store_tx *tx = NULL;
	int64_t start;
	int r = load(store, options->state, &installation, why);

	if (!r)
		r = store_read_begin(store, &tx);
	if (!r)
		r = bench_population_begin(&population, installation, tx);
	if (!r)
		r = find_first_id(tx, &population.first_id);
	store_read_end(tx);
	start = ca_monotonic_ms();
	if (!r)
		r = fill(store, &population, &out->der_octets);
	out->seconds = (double)(ca_monotonic_ms() - start) / 1000;
	bench_population_clear(&population);
	ca_installation_free(installation);
	return r;
}

/* Opened and closed once before, so that the file's size is all there is. */
static int fill_file(
    const struct options *options, const char *path, struct figures *out, struct ca_detail *why)
{
	struct store *store = NULL;
	int r = store_open(path, NULL, &store, why);

	store_close(store);
	store = NULL;
	out->octets = -size_of(path);
	if (!r)
		r = store_open(path, NULL, &store, why);
	if (!r)
		r = fill_store(options, store, out, why);
	store_close(store);
	out->octets += size_of(path);
	return r;
}

static void print(const struct options *options, const struct figures *f)
{
	double n = (double)options->certificates;
	double octets = (double)f->octets / n, der = (double)f->der_octets / n;

	printf(options->json ? "{\"certificates\":%zu,\"seconds\":%.1f,"
			       "\"bytes_per_certificate\":%.1f,\"der_bytes\":%.1f}\n"
			     : "%zu certificates in %.1f s; %.1f octets on disk a certificate, "
			       "its DER is %.1f\n",
	    options->certificates, f->seconds, octets, der);
}

static int run(const struct options *options)
{
	char *path = ca_path_join(options->state, CA_STATE_DB);
	struct ca_detail why = { 0 };
	struct figures figures = { 0 };
	int lock = -1;
	int r = path ? ca_state_lock(options->state, &lock, &why) : CA_ENOMEM;

	if (!r)
		r = fill_file(options, path, &figures, &why);
	if (lock >= 0)
		close(lock);
	free(path);
	if (r)
		fprintf(
		    stderr, "fill: %s%s%s\n", ca_error_text(r), why.text[0] ? ": " : "", why.text);
	else
		print(options, &figures);
	return r;
}

/* ---- options ---- */

enum { OPT_STATE = 1, OPT_CERTIFICATES, OPT_SEED, OPT_JSON };

static const struct option long_options[] = {
	{ "state", required_argument, NULL, OPT_STATE },
	{ "certificates", required_argument, NULL, OPT_CERTIFICATES },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, BENCH_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take(int option, void *arg)
{
	struct options *out = arg;

	switch (option) {
	case OPT_STATE:
		out->state = optarg;
		return 0;
	case OPT_CERTIFICATES:
		return bench_number(optarg, 100000000, &out->certificates);
	case OPT_SEED:
		return bench_number(optarg, UINT32_MAX, &out->seed);
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

	return options->state && options->certificates ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const struct bench_arguments arguments = { usage, long_options, take, check };
	struct options options = { .seed = 1 };
	int r = bench_arguments_read(&arguments, argc, argv, &options);

	if (r)
		return r > 0 ? 0 : 2;
	return run(&options) ? 1 : 0;
}
