/* Flags: one table a verb, from which parsing, the environment, the help and the completions are
 * made. */
#ifndef API_CLIENT_OPTIONS_H
#define API_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/client/client.h"

#define CLIENT_FLAGS_MAX 32
#define CLIENT_ARGUMENTS_MAX 64
#define CLIENT_ENVIRONMENT_NAME 64

struct client_flag {
	const char *name;  /* without dashes */
	char letter;       /* "-f" for it, too; 0: none */
	const char *value; /* what stands for the value in the help; FILE and DIR complete as such;
			      NULL: a switch */
	const char *help;
	const char
	    *words; /* the values that can be, separated by spaces, for completion; NULL: any */
	bool many;  /* may be repeated; in the environment separated by white space */
};

struct client_verb;

struct client_values {
	const char **v; /* the array is owned, the strings are borrowed */
	size_t n;
};

/* A parsed command line. */
struct client_args {
	const struct client_verb *verb;
	struct client_values flags[CLIENT_FLAGS_MAX]; /* in the order of the verb's table */
	const char *arguments[CLIENT_ARGUMENTS_MAX];
	size_t n_arguments;
	char *environment[CLIENT_FLAGS_MAX]; /* owned: what values out of the environment point into
					      */
	bool help;
};

/*
 * Parse what follows the verb, then fill what is missing from the environment (an empty variable
 * counts as unset).
 * "--flag value" and "--flag=value", "-f value" and "-fvalue"; "--" ends the flags; of a flag given
 * twice that is not `many` the last counts. CA_EINVAL, CA_ENOMEM; *args is to be cleared in any
 * case.
 */
int client_args_parse(const struct client_verb *verb, int argc, char **argv,
    struct client_args *args, struct client_problem *problem);
void client_args_clear(struct client_args *args);

/* A flag's last value, or NULL when it was not given ("" for a switch that was). name must be in
 * the verb's table. */
const char *client_arg(const struct client_args *args, const char *name);
const struct client_values *client_arg_all(const struct client_args *args, const char *name);

/* A flag's duration in seconds, or, when it was not given, otherwise. CA_EINVAL. */
int client_arg_duration(const struct client_args *args, const char *name, int64_t otherwise,
    int64_t *out, struct client_problem *problem);

/* A flag's whole number. CA_EINVAL. */
int client_arg_number(const struct client_args *args, const char *name, int64_t min, int64_t max,
    int64_t otherwise, int64_t *out, struct client_problem *problem);

/* "MICA_CA_URL" for "ca-url". Returns out. */
const char *client_flag_environment(const char *name, char out[CLIENT_ENVIRONMENT_NAME]);

#endif
