/*
 * The requests of a benchmark, made before anything is measured: each asks for a certificate for an
 * RSA-2048 key of its own. Keys are put together from a pool of primes (n primes make n (n - 1) / 2
 * keys), so that thousands take seconds: they are fit for measuring and for nothing else.
 */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include <stddef.h>

struct bench_request {
	char *text; /* head and body of one POST /v1/certificates; owned */
	size_t len;
};

struct bench_requests {
	struct bench_request *v;
	size_t n;
};

/* n requests for host (the Host header); first numbers the first one's DNS name. 0, or -1 after a
 * message. */
int bench_requests_make(size_t n, const char *host, struct bench_requests *out);

void bench_requests_free(struct bench_requests *requests);

#endif
