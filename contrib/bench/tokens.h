/* Single-use enrolment tokens of a micad, made ahead of what is measured. */
#ifndef BENCH_TOKENS_H
#define BENCH_TOKENS_H

#include <stddef.h>

#include "contrib/bench/pieces.h"
#include "contrib/bench/target.h"

/* As the operator of target: token i is good for the one name of request name_of[i]. 0, or -1 after
 * a message. */
int bench_tokens_make(
    const struct bench_target *target, const size_t *name_of, size_t n, struct bench_pieces *out);

#endif
