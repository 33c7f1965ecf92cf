#include "contrib/bench/requests.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS_MAX 8
#define NAME_MAX_LEN 64

/* One piece of work for every index below n, spread over the processors. */
struct parallel {
	int (*run)(size_t i, void *arg);
	void *arg;
	size_t n;
	atomic_size_t next;
	atomic_int failed;
};

static void *parallel_worker(void *arg)
{
	struct parallel *p = arg;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n && !atomic_load(&p->failed)) {
		if (p->run(i, p->arg))
			atomic_store(&p->failed, 1);
	}
	return NULL;
}

static int parallel_run(size_t n, int (*run)(size_t i, void *arg), void *arg)
{
	struct parallel p = { .run = run, .arg = arg, .n = n };
	pthread_t threads[WORKERS_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int started = 0;

	while (started < WORKERS_MAX && started < cpus - 1 &&
	       !pthread_create(&threads[started], NULL, parallel_worker, &p))
		started++;
	parallel_worker(&p);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return atomic_load(&p.failed) ? -1 : 0;
}

/* ---- primes ---- */

struct primes {
	BIGNUM **v; /* 2 a generated key */
	size_t n;
};

static int primes_generate(size_t i, void *arg)
{
	struct primes *primes = arg;
	gnutls_privkey_t key = NULL;
	gnutls_datum_t p = { 0 }, q = { 0 };
	int r = -1;

	if (gnutls_privkey_init(&key) < 0 ||
	    gnutls_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0) < 0 ||
	    gnutls_privkey_export_rsa_raw(key, NULL, NULL, NULL, &p, &q, NULL, NULL, NULL) < 0)
		goto out;
	primes->v[2 * i] = BN_bin2bn(p.data, (int)p.size, NULL);
	primes->v[2 * i + 1] = BN_bin2bn(q.data, (int)q.size, NULL);
	if (primes->v[2 * i] && primes->v[2 * i + 1])
		r = 0;
out:
	gnutls_free(p.data);
	gnutls_free(q.data);
	gnutls_privkey_deinit(key);
	return r;
}

static void primes_free(struct primes *primes)
{
	for (size_t i = 0; primes->v && i < primes->n; i++)
		BN_free(primes->v[i]);
	free(primes->v);
}

/* As many primes as n distinct pairs need. */
static int primes_make(size_t n, struct primes *out)
{
	out->n = 2;
	while (out->n * (out->n - 1) / 2 < n)
		out->n += 2;
	out->v = calloc(out->n, sizeof(*out->v));
	return out->v ? parallel_run(out->n / 2, primes_generate, out) : -1;
}

/* ---- keys ---- */

/* The private exponent and the parts that the Chinese remainder theorem wants, into bld. */
static int key_numbers(const BIGNUM *p, const BIGNUM *q, BN_CTX *ctx, OSSL_PARAM_BLD *bld)
{
	BIGNUM *e = BN_CTX_get(ctx), *n = BN_CTX_get(ctx), *d = BN_CTX_get(ctx);
	BIGNUM *p1 = BN_CTX_get(ctx), *q1 = BN_CTX_get(ctx), *phi = BN_CTX_get(ctx);
	BIGNUM *dp = BN_CTX_get(ctx), *dq = BN_CTX_get(ctx), *qinv = BN_CTX_get(ctx);

	return qinv && BN_set_word(e, RSA_F4) && BN_mul(n, p, q, ctx) &&
	       BN_sub(p1, p, BN_value_one()) && BN_sub(q1, q, BN_value_one()) &&
	       BN_mul(phi, p1, q1, ctx) && BN_mod_inverse(d, e, phi, ctx) &&
	       BN_mod(dp, d, p1, ctx) && BN_mod(dq, d, q1, ctx) &&
	       BN_mod_inverse(qinv, q, p, ctx) && BN_num_bits(n) == 2048 &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, d) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, p) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, q) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv);
}

static EVP_PKEY *key_make(const BIGNUM *p, const BIGNUM *q)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BN_CTX *ctx = BN_CTX_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (!bld || !pctx || !ctx)
		goto out;
	BN_CTX_start(ctx);
	if (key_numbers(p, q, ctx, bld))
		params = OSSL_PARAM_BLD_to_param(bld);
	BN_CTX_end(ctx);
	if (!params || EVP_PKEY_fromdata_init(pctx) <= 0 ||
	    EVP_PKEY_fromdata(pctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		key = NULL;
out:
	OSSL_PARAM_free(params);
	BN_CTX_free(ctx);
	EVP_PKEY_CTX_free(pctx);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

/* ---- requests ---- */

static int csr_add_san(X509_REQ *req, const char *name)
{
	char text[NAME_MAX_LEN + 8];
	X509_EXTENSION *ext;
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	int r = -1;

	snprintf(text, sizeof(text), "DNS:%s", name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	if (exts && ext && sk_X509_EXTENSION_push(exts, ext) > 0) {
		ext = NULL; /* transferred */
		r = X509_REQ_add_extensions(req, exts) ? 0 : -1;
	}
	X509_EXTENSION_free(ext);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return r;
}

/* The PEM of a request for name into bio. */
static int csr_make(EVP_PKEY *key, const char *name, BIO *bio)
{
	X509_REQ *req = X509_REQ_new();
	int r = -1;

	if (req && X509_REQ_set_pubkey(req, key) &&
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0) &&
	    !csr_add_san(req, name) && X509_REQ_sign(req, key, EVP_sha256()) &&
	    PEM_write_bio_X509_REQ(bio, req))
		r = 0;
	X509_REQ_free(req);
	return r;
}

/* A PEM needs no escape in JSON but for its line ends. */
static int request_format(
    const char *pem, size_t pem_len, const char *host, struct bench_request *out)
{
	size_t size = 2 * pem_len + 512, lines = 0, len;
	char *text = malloc(size);

	if (!text)
		return -1;
	for (size_t i = 0; i < pem_len; i++)
		lines += pem[i] == '\n';
	len = (size_t)snprintf(text, size,
	    "POST /v1/certificates HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n{\"csr\":\"",
	    host, pem_len + lines + strlen("{\"csr\":\"\"}"));
	for (size_t i = 0; i < pem_len; i++) {
		if (pem[i] == '\n') {
			text[len++] = '\\';
			text[len++] = 'n';
		} else {
			text[len++] = pem[i];
		}
	}
	text[len++] = '"';
	text[len++] = '}';
	out->text = text;
	out->len = len;
	return 0;
}

struct making {
	const struct primes *primes;
	const char *host;
	struct bench_request *v;
};

/* Request i takes pair i of the primes, counted (0,1), (0,2), (1,2), (0,3) … */
static int request_make(size_t i, void *arg)
{
	const struct making *m = arg;
	size_t a = i, b = 1;
	char name[NAME_MAX_LEN];
	EVP_PKEY *key;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long pem_len;
	int r = -1;

	for (; a >= b; b++)
		a -= b;
	snprintf(name, sizeof(name), "bench-%zu.example.internal", i);
	key = key_make(m->primes->v[a], m->primes->v[b]);
	if (key && bio && !csr_make(key, name, bio)) {
		pem_len = BIO_get_mem_data(bio, &pem);
		r = request_format(pem, (size_t)pem_len, m->host, &m->v[i]);
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return r;
}

int bench_requests_make(size_t n, const char *host, struct bench_requests *out)
{
	struct primes primes = { 0 };
	struct making making = { .primes = &primes, .host = host };
	struct bench_requests made = { .v = calloc(n, sizeof(*made.v)), .n = n };
	int r = -1;

	making.v = made.v;
	if (made.v && !primes_make(n, &primes) && !parallel_run(n, request_make, &making)) {
		*out = made;
		made.v = NULL; /* transferred */
		r = 0;
	} else {
		fprintf(stderr, "load: the requests could not be made\n");
	}
	bench_requests_free(&made);
	primes_free(&primes);
	return r;
}

void bench_requests_free(struct bench_requests *requests)
{
	for (size_t i = 0; requests->v && i < requests->n; i++)
		free(requests->v[i].text);
	free(requests->v);
	requests->v = NULL;
	requests->n = 0;
}
