/*
 * A population of certificates as a cluster has them after some months: services with DNS names
 * below a few suffixes, some with more names and an address, each renewed again and again. What
 * certificate i is follows from the seed alone.
 */
#ifndef BENCH_POPULATION_H
#define BENCH_POPULATION_H

#include <stddef.h>
#include <stdint.h>

#include "ca/authority.h"
#include "ca/installation.h"
#include "store/certificates.h"

#define BENCH_LEAF_KEYS 8

struct bench_population {
	const struct ca_installation *installation;
	struct ca_authority issuer; /* the default tenant's, as if it were older */
	struct ca_csr leaves[BENCH_LEAF_KEYS];
	uint64_t seed;
	int64_t now;
	size_t total, services;
	int64_t issued_by; /* certificates.id */
	int64_t first_id;  /* certificates.id of certificate 0 */
};

/* Make the leaves' RSA-2048 keys and find the issuer; seed and total are set by the caller. 0, or
 * negative CA_E…. */
int bench_population_begin(struct bench_population *population,
    const struct ca_installation *installation, struct store_tx *tx);

void bench_population_clear(struct bench_population *population);

/*
 * Sign certificate i, for store_certificate_add() in the order of i with nobody else adding: a
 * renewal names its parent and lineage by the id that they will have. *row must be zeroed. Several
 * threads at once may call it.
 */
int bench_population_issue(
    const struct bench_population *population, size_t i, struct store_certificate *row);

#endif
