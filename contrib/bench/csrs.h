/* The certificate requests of a benchmark: an RSA-2048 key and a DNS name of its own in each, made
 * before anything is measured. */
#ifndef BENCH_CSRS_H
#define BENCH_CSRS_H

#include <stddef.h>

#include "contrib/bench/pieces.h"

#define BENCH_NAME_MAX 64

/* The one DNS name of request i: bench-I.example.internal. */
void bench_csr_name(size_t i, char out[BENCH_NAME_MAX]);

/* n new requests in PEM. 0, or -1 after a message. */
int bench_csrs_make(size_t n, struct bench_pieces *out);

/* All requests of a file that bench_csrs_write wrote, in their order. 0, or -1 after a message. */
int bench_csrs_read(const char *path, struct bench_pieces *out);
int bench_csrs_write(const struct bench_pieces *csrs, const char *path);

#endif
