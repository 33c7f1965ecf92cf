/* What load was asked for. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "contrib/bench/target.h"

#define BENCH_LEVELS_MAX 16

struct bench_options {
	const char *home, *url;
	struct bench_files files;        /* where home is not given */
	size_t levels[BENCH_LEVELS_MAX]; /* connections at once, a measurement each */
	size_t levels_n;
	size_t requests; /* a level */
	size_t keys;     /* distinct ones a level */
	const char *csrs, *write_csrs;
	bool tokens, handshakes;
	const char *lines; /* a file; line i is %t of request i */
	const char *content_type, *body, *header_file;
	const char *serials;
	pid_t pid;
	bool json;
};

/* 0; 1 when the help was asked for and printed; -1 after the usage on standard error. */
int bench_options_parse(int argc, char **argv, struct bench_options *out);

#endif
