#include "contrib/bench/keys.h"
#include "contrib/bench/parallel.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>

/* ---- primes ---- */

static int primes_generate(size_t i, void *arg)
{
	struct bench_primes *primes = arg;
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

void bench_primes_free(struct bench_primes *primes)
{
	for (size_t i = 0; primes->v && i < primes->n; i++)
		BN_free(primes->v[i]);
	free(primes->v);
	primes->v = NULL;
}

int bench_primes_make(size_t n, struct bench_primes *out)
{
	struct bench_primes made = { .n = 2 };

	while (made.n * (made.n - 1) / 2 < n)
		made.n += 2;
	made.v = calloc(made.n, sizeof(BIGNUM *));
	if (!made.v || bench_parallel(made.n / 2, primes_generate, &made)) {
		bench_primes_free(&made);
		return -1;
	}
	*out = made;
	return 0;
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

/* Pair i, counted (0,1), (0,2), (1,2), (0,3) … */
EVP_PKEY *bench_key(const struct bench_primes *primes, size_t i)
{
	size_t a = i, b = 1;

	for (; a >= b; b++)
		a -= b;
	return key_make(primes->v[a], primes->v[b]);
}
