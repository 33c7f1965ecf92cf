#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/options.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"

#define FLAGS_MAX 24
#define VARIABLE_MAX 64

int server_set_string(void *to, const char *value)
{
	const char **string = to;

	*string = value;
	return 0;
}

int server_set_unsigned(void *to, const char *value)
{
	unsigned *number = to;
	int64_t wide;

	if (ca_parse_int(value, 1, 1000000, &wide))
		return CA_EINVAL;
	*number = (unsigned)wide;
	return 0;
}

int server_set_duration(void *to, const char *value)
{
	return ca_duration_parse(value, to);
}

static void variable_of(const struct server_flag *flag, char out[VARIABLE_MAX])
{
	char *p;

	snprintf(out, VARIABLE_MAX, "MICAD_%s", flag->name);
	for (p = out; *p; p++)
		*p = *p == '-' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
}

void server_options_help(const struct server_command *command, const struct server_flag *flags)
{
	char variable[VARIABLE_MAX], left[64];

	printf("Usage: micad %s%s%s%s\n\n%s\n", command->name,
	    flags && flags->name ? " [FLAG]…" : "", command->positional ? " " : "",
	    command->positional ? command->positional : "", command->summary);
	if (flags && flags->name)
		printf("\nFlags, each also an environment variable:\n");
	for (; flags && flags->name; flags++) {
		variable_of(flags, variable);
		snprintf(left, sizeof(left), "--%s %s", flags->name, flags->argument);
		printf("  %-32s %s%s [%s]\n", left, flags->help,
		    flags->several ? "; may stand several times" : "", variable);
	}
}

static int set(const struct server_flag *flag, const char *where, const char *value)
{
	if (flag->set(flag->to, value) == 0)
		return 0;
	fprintf(stderr, "micad: %s: not %s: %s (invalid-argument)\n", where, flag->argument, value);
	return CA_EINVAL;
}

/* The setters keep the strings, so what is split here stays. */
static int set_several(const struct server_flag *flag, const char *where, const char *values)
{
	char *copy = strdup(values), *rest = copy, *value;
	int r = copy ? 0 : CA_ENOMEM;

	while (!r && (value = strsep(&rest, ",")))
		if (*value)
			r = set(flag, where, value);
	free(copy);
	return r;
}

static int read_environment(const struct server_flag *flags)
{
	char variable[VARIABLE_MAX];
	int r = 0;

	for (; flags && flags->name && !r; flags++) {
		const char *value;

		variable_of(flags, variable);
		value = getenv(variable);
		if (!value || !*value)
			continue;
		r = flags->several ? set_several(flags, variable, value)
				   : set(flags, variable, value);
	}
	return r;
}

int server_options_parse(const struct server_command *command, const struct server_flag *flags,
    int argc, char **argv, const char **positional)
{
	struct option options[FLAGS_MAX + 2] = { { "help", no_argument, NULL, 'h' } };
	char where[VARIABLE_MAX];
	int c, index, r = read_environment(flags);

	for (int i = 0; flags && flags[i].name && i < FLAGS_MAX; i++)
		options[i + 1] = (struct option){ flags[i].name, required_argument, NULL, 0 };
	optind = 1;
	opterr = 1;
	while (!r && (c = getopt_long(argc, argv, "h", options, &index)) != -1) {
		if (c == 'h') {
			server_options_help(command, flags);
			return 1;
		}
		if (c != 0)
			return CA_EINVAL;
		snprintf(where, sizeof(where), "--%s", flags[index - 1].name);
		r = set(&flags[index - 1], where, optarg);
	}
	if (r)
		return r;
	if (optind < argc && command->positional && positional)
		*positional = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "micad: %s: too many arguments: %s (invalid-argument)\n",
		    command->name, argv[optind]);
		return CA_EINVAL;
	}
	return 0;
}
