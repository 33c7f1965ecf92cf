/*
 * How long the writer gathers jobs before it commits them together. A commit costs about as much as
 * half a signature, so under load it pays to wait a moment for more; with one client at a time it
 * never does.
 */
#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include <stdbool.h>
#include <stddef.h>

#define STORE_GATHER_PAUSE_MS 2L /* none came for this long: commit */
#define STORE_GATHER_PAUSES 4    /* so many at most, though they keep coming */
#define STORE_GATHER_MAX 16      /* jobs waited for at most */

/* What earlier groups have taught. All zeroes is the beginning. */
struct store_gather {
	size_t target; /* 0 and 1: do not wait */
	unsigned met;  /* groups that reached it since it last changed */
};

/* How many jobs to wait for, at least 1. waiting: a job stood in the queue when the last commit was
 * over. */
size_t store_gather_target(const struct store_gather *gather, bool waiting);

/* A group of n was taken, for which target had been waited. */
void store_gather_learn(struct store_gather *gather, size_t target, size_t n);

#endif
