/*
 * RSA-2048 keys by the thousand in seconds, put together from a pool of primes (n primes make
 * n (n - 1) / 2 keys): fit for measuring and for nothing else.
 */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include <openssl/types.h>
#include <stddef.h>

struct bench_primes {
	BIGNUM **v; /* owned */
	size_t n;
};

/* Primes for n distinct keys. 0, or -1. */
int bench_primes_make(size_t n, struct bench_primes *out);
void bench_primes_free(struct bench_primes *primes);

/* Key i, below the n that the pool was made for; the caller frees it. NULL when it fails. */
EVP_PKEY *bench_key(const struct bench_primes *primes, size_t i);

#endif
