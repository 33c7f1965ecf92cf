/*
 * micad's flags: a table a command. Each flag is also an environment variable, MICAD_ and its name
 * in capitals ("--master-key", MICAD_MASTER_KEY; of a flag that may stand several times the values
 * are separated by commas); the command line goes before the environment.
 */
#ifndef API_SERVER_OPTIONS_H
#define API_SERVER_OPTIONS_H

#include <stdbool.h>

#include "ca/base/error.h"

struct server_flag {
	const char *name;     /* without the dashes; NULL ends a table */
	const char *argument; /* what it takes, for --help */
	const char *help;
	int (*set)(void *to, const char *value); /* 0, or CA_EINVAL */
	void *to;
	bool several;
};

struct server_command {
	const char *name;       /* "serve", "master-key create" */
	const char *summary;    /* a line for --help */
	const char *positional; /* NULL: takes none; else what one argument is called */
};

/*
 * Read environment and command line into the flags; argv[0] is the command. The one positional
 * argument is assigned to *positional (which may be NULL if the command takes none). Prints what is
 * wrong to standard error. 0; CA_EINVAL; or 1 when --help was asked for and printed.
 */
int server_options_parse(const struct server_command *command, const struct server_flag *flags,
    int argc, char **argv, const char **positional);

void server_options_help(const struct server_command *command, const struct server_flag *flags);

/* Setters. */
int server_set_string(void *to, const char *value);   /* const char * */
int server_set_unsigned(void *to, const char *value); /* unsigned, 1 to 1,000,000 */
int server_set_duration(void *to, const char *value); /* int64_t, seconds */

#endif
