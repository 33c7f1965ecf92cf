/* The command line of a benchmark's program. */
#ifndef BENCH_ARGUMENTS_H
#define BENCH_ARGUMENTS_H

#include <getopt.h>
#include <stddef.h>
#include <sys/types.h>

#define BENCH_HELP 1000 /* the val of --help; every other option has one of its own below it */

struct bench_arguments {
	const char *usage;
	const struct option *known;         /* as getopt_long() has them */
	int (*take)(int option, void *out); /* with optarg; 0, or -1: not such a value */
	int (*check)(const void *out);      /* all of them; 0, or -1: they do not go together */
};

/* 0; 1 when the help was asked for and printed; -1 after the usage on standard error. */
int bench_arguments_read(const struct bench_arguments *arguments, int argc, char **argv, void *out);

/* A whole number from 1 to max, and one that can be a process. 0, or -1. */
int bench_number(const char *text, size_t max, size_t *out);
int bench_pid(const char *text, pid_t *out);

#endif
