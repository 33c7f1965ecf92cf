/* How load prints what it measured: a table, or JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "contrib/bench/level.h"
#include "contrib/bench/measure.h"

void bench_report_begin(const struct bench_bare *bare, bool json);

/* The latencies of level are sorted by this. */
void bench_report_level(
    struct bench_level *level, const struct bench_bare *bare, bool json, bool first);

void bench_report_end(bool json);

#endif
