#include "contrib/bench/arguments.h"

#include <stdio.h>
#include <stdlib.h>

#define PID_MAX (1 << 30)

int bench_number(const char *text, size_t max, size_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < 1 || value > max)
		return -1;
	*out = value;
	return 0;
}

int bench_pid(const char *text, pid_t *out)
{
	size_t number;

	if (bench_number(text, PID_MAX, &number))
		return -1;
	*out = (pid_t)number;
	return 0;
}

int bench_arguments_read(const struct bench_arguments *arguments, int argc, char **argv, void *out)
{
	int option;

	while ((option = getopt_long(argc, argv, "", arguments->known, NULL)) != -1) {
		if (option == BENCH_HELP) {
			fputs(arguments->usage, stdout);
			return 1;
		}
		if (arguments->take(option, out))
			goto wrong;
	}
	if (optind == argc && arguments->check(out) == 0)
		return 0;
wrong:
	fputs(arguments->usage, stderr);
	return -1;
}
