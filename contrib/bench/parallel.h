/* Work that a benchmark prepares before it measures, spread over threads. */
#ifndef BENCH_PARALLEL_H
#define BENCH_PARALLEL_H

#include <stddef.h>

/* run(i, arg) for every i below n, in as many threads as there are processors. 0, or -1 as soon as
 * one of them did not return 0. */
int bench_parallel(size_t n, int (*run)(size_t i, void *arg), void *arg);

#endif
