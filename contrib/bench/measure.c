#include "contrib/bench/measure.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "contrib/bench/parallel.h"

#define PROCESSORS_MAX 8 /* as many as bench_parallel() keeps busy */
#define ROUNDS 9
#define ROUND_NS 15000000 /* of CPU */

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		return -1;
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t bench_process_cpu_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? -1 : clock_ns(clock);
}

int64_t bench_own_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_process_memory(pid_t pid, struct bench_memory *out)
{
	char path[64], line[256];
	FILE *f;

	out->rss_mb = out->anon_mb = -1;
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			out->rss_mb = strtod(line + 6, NULL) / 1024;
		else if (strncmp(line, "RssAnon:", 8) == 0)
			out->anon_mb = strtod(line + 8, NULL) / 1024;
	}
	fclose(f);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void bench_sort(int64_t *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), compare);
}

int64_t bench_percentile(const int64_t *sorted, size_t n, double share)
{
	size_t i = (size_t)(share * (double)n);

	if (!n)
		return 0;
	return sorted[i < n ? i : n - 1];
}

/* ---- bare signatures ---- */

/* The nanoseconds a call of the round that this share of them is faster than; or -1. */
static int64_t time_calls(int (*call)(void *arg), void *arg, double share)
{
	int64_t rounds[ROUNDS], start, now;

	if (call(arg))
		return -1;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t calls = 0;

		start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		do {
			if (call(arg))
				return -1;
			calls++;
			now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		} while (now - start < ROUND_NS);
		rounds[i] = (now - start) / calls;
	}
	bench_sort(rounds, ROUNDS);
	return bench_percentile(rounds, ROUNDS, share);
}

static const unsigned char digest[32] = { 'm', 'i', 'c', 'a' };

static int sign_gnutls(void *arg)
{
	const gnutls_datum_t hash = { (unsigned char *)(uintptr_t)digest, sizeof(digest) };
	gnutls_datum_t signature = { 0 };
	int r = gnutls_privkey_sign_hash(arg, GNUTLS_DIG_SHA256, 0, &hash, &signature);

	gnutls_free(signature.data);
	return r;
}

static int sign_libcrypto(void *arg)
{
	unsigned char signature[256];
	size_t len = sizeof(signature);

	return EVP_PKEY_sign(arg, signature, &len, digest, sizeof(digest)) == 1 ? 0 : -1;
}

static int64_t time_libcrypto(const gnutls_datum_t *der, double share)
{
	const unsigned char *p = der->data;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)der->size);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	int64_t ns = -1;

	if (ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		ns = time_calls(sign_libcrypto, ctx, share);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ns;
}

struct busy {
	const gnutls_datum_t *der;
	int64_t ns[PROCESSORS_MAX];
};

static int time_busy(size_t i, void *arg)
{
	struct busy *busy = arg;

	busy->ns[i] = time_libcrypto(busy->der, 0.5);
	return busy->ns[i] < 0 ? -1 : 0;
}

/* On all processors at once; what the quickest of them took. */
static int64_t time_all(const gnutls_datum_t *der)
{
	struct busy busy = { .der = der };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cpus < 1 ? 1 : cpus > PROCESSORS_MAX ? PROCESSORS_MAX : (size_t)cpus;

	if (bench_parallel(n, time_busy, &busy))
		return -1;
	bench_sort(busy.ns, n);
	return busy.ns[0];
}

int bench_bare_signatures(struct bench_bare *out)
{
	gnutls_x509_privkey_t x509 = NULL;
	gnutls_privkey_t key = NULL;
	gnutls_datum_t der = { 0 };
	int64_t gnutls_ns = -1, libcrypto_ns = -1, busy_ns = -1;

	if (gnutls_privkey_init(&key) >= 0 &&
	    gnutls_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0) >= 0 &&
	    gnutls_privkey_export_x509(key, &x509) >= 0 &&
	    gnutls_x509_privkey_export2(x509, GNUTLS_X509_FMT_DER, &der) >= 0) {
		gnutls_ns = time_calls(sign_gnutls, key, 0);
		libcrypto_ns = time_libcrypto(&der, 0);
		busy_ns = time_all(&der);
	}
	gnutls_free(der.data);
	gnutls_x509_privkey_deinit(x509);
	gnutls_privkey_deinit(key);
	if (gnutls_ns < 0 || libcrypto_ns < 0 || busy_ns < 0) {
		fprintf(stderr, "load: the bare signatures failed\n");
		return -1;
	}
	out->gnutls_ms = (double)gnutls_ns / 1e6;
	out->libcrypto_ms = (double)libcrypto_ns / 1e6;
	out->busy_ms = (double)busy_ns / 1e6;
	return 0;
}

double bench_bare_fastest(const struct bench_bare *bare)
{
	return bare->libcrypto_ms < bare->gnutls_ms ? bare->libcrypto_ms : bare->gnutls_ms;
}
