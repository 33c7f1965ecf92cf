/* Flags. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/client/options.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"

const char *client_flag_environment(const char *name, char out[CLIENT_ENVIRONMENT_NAME])
{
	size_t n = 0;

	for (const char *p = "MICA_"; *p; p++)
		out[n++] = *p;
	for (; *name && n < CLIENT_ENVIRONMENT_NAME - 1; name++)
		out[n++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
	out[n] = '\0';
	return out;
}

static int value_add(struct client_values *values, const char *value, bool many)
{
	const char **v;

	if (values->n && !many) {
		values->v[0] = value;
		return 0;
	}
	v = reallocarray(values->v, values->n + 1, sizeof(*v));
	if (!v)
		return CA_ENOMEM;
	v[values->n++] = value;
	values->v = v;
	return 0;
}

/* The index in the verb's table of the flag with this name of this length, or -1. */
static int flag_find(const struct client_verb *verb, const char *name, size_t len)
{
	for (int i = 0; verb->flags[i].name; i++)
		if (strlen(verb->flags[i].name) == len && !memcmp(verb->flags[i].name, name, len))
			return i;
	return -1;
}

static int letter_find(const struct client_verb *verb, char letter)
{
	for (int i = 0; verb->flags[i].name; i++)
		if (verb->flags[i].letter == letter)
			return i;
	return -1;
}

/* The flag with this index, with the value that is attached to it (NULL: none); *i is moved on when
 * the value is the next word. */
static int flag_take(struct client_args *args, int at, const char *value, int argc, char **argv,
    int *i, struct client_problem *problem)
{
	const struct client_verb *verb = args->verb;
	const struct client_flag *flag = &verb->flags[at];

	if (!flag->value) {
		if (value)
			return client_fail_usage(
			    problem, verb->name, "--%s takes no value", flag->name);
		value = "";
	} else if (!value) {
		if (*i + 1 >= argc)
			return client_fail_usage(
			    problem, verb->name, "--%s needs a value", flag->name);
		value = argv[++*i];
	}
	return value_add(&args->flags[at], value, flag->many);
}

/* One "--flag". */
static int flag_parse(
    struct client_args *args, int argc, char **argv, int *i, struct client_problem *problem)
{
	const char *name = argv[*i] + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	int at = flag_find(args->verb, name, len);

	if (at < 0)
		return client_fail_usage(
		    problem, args->verb->name, "unknown flag --%.*s", (int)len, name);
	return flag_take(args, at, value, argc, argv, i, problem);
}

/* One "-f". */
static int letter_parse(
    struct client_args *args, int argc, char **argv, int *i, struct client_problem *problem)
{
	const char *word = argv[*i];
	int at = letter_find(args->verb, word[1]);

	if (at < 0)
		return client_fail_usage(problem, args->verb->name, "unknown flag %s", word);
	return flag_take(args, at, word[2] ? word + 2 : NULL, argc, argv, i, problem);
}

static int words_parse(
    struct client_args *args, int argc, char **argv, struct client_problem *problem)
{
	bool flags_end = false;
	int error = 0;

	for (int i = 0; i < argc && !error; i++) {
		if (!flags_end && !strcmp(argv[i], "--")) {
			flags_end = true;
		} else if (!flags_end && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
			args->help = true;
			return 0;
		} else if (!flags_end && !strncmp(argv[i], "--", 2)) {
			error = flag_parse(args, argc, argv, &i, problem);
		} else if (!flags_end && argv[i][0] == '-' && argv[i][1]) {
			error = letter_parse(args, argc, argv, &i, problem);
		} else if (args->n_arguments == CLIENT_ARGUMENTS_MAX) {
			error = client_fail_usage(problem, args->verb->name, "too many arguments");
		} else {
			args->arguments[args->n_arguments++] = argv[i];
		}
	}
	return error;
}

static int switch_from_environment(struct client_values *values, const char *variable,
    const char *text, struct client_problem *problem)
{
	static const char *const on[] = { "1", "true", "yes", "on" };
	static const char *const off[] = { "0", "false", "no", "off" };

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		if (!strcmp(text, on[i]))
			return value_add(values, "", false);
		if (!strcmp(text, off[i]))
			return 0;
	}
	return client_fail(problem, CA_EINVAL, "%s is to be true or false", variable);
}

static int flag_from_environment(
    struct client_args *args, size_t at, struct client_problem *problem)
{
	const struct client_flag *flag = &args->verb->flags[at];
	struct client_values *values = &args->flags[at];
	char variable[CLIENT_ENVIRONMENT_NAME];
	const char *text = getenv(client_flag_environment(flag->name, variable));
	char *save = NULL;
	int error = 0;

	if (values->n || !text || !*text)
		return 0;
	if (!flag->value)
		return switch_from_environment(values, variable, text, problem);
	args->environment[at] = strdup(text);
	if (!args->environment[at])
		return CA_ENOMEM;
	if (!flag->many)
		return value_add(values, args->environment[at], false);
	for (char *word = strtok_r(args->environment[at], " \t\r\n", &save); word && !error;
	     word = strtok_r(NULL, " \t\r\n", &save))
		error = value_add(values, word, true);
	return error;
}

int client_args_parse(const struct client_verb *verb, int argc, char **argv,
    struct client_args *args, struct client_problem *problem)
{
	int error;

	*args = (struct client_args){ .verb = verb };
	error = words_parse(args, argc, argv, problem);
	if (error || args->help)
		return error;
	for (size_t i = 0; verb->flags[i].name; i++) {
		error = flag_from_environment(args, i, problem);
		if (error)
			return error;
	}
	if (args->n_arguments < verb->arguments_min)
		return client_fail_usage(problem, verb->name, "%s is missing", verb->arguments);
	if (args->n_arguments > verb->arguments_max)
		return client_fail_usage(problem, verb->name, "unexpected argument %s",
		    args->arguments[verb->arguments_max]);
	return 0;
}

void client_args_clear(struct client_args *args)
{
	for (size_t i = 0; i < CLIENT_FLAGS_MAX; i++) {
		free(args->flags[i].v);
		free(args->environment[i]);
	}
	*args = (struct client_args){ 0 };
}

const struct client_values *client_arg_all(const struct client_args *args, const char *name)
{
	int at = flag_find(args->verb, name, strlen(name));

	assert(at >= 0);
	return &args->flags[at];
}

const char *client_arg(const struct client_args *args, const char *name)
{
	const struct client_values *values = client_arg_all(args, name);

	return values->n ? values->v[values->n - 1] : NULL;
}

int client_arg_duration(const struct client_args *args, const char *name, int64_t otherwise,
    int64_t *out, struct client_problem *problem)
{
	const char *text = client_arg(args, name);

	if (!text) {
		*out = otherwise;
		return 0;
	}
	if (ca_duration_parse(text, out))
		return client_fail_usage(problem, args->verb->name,
		    "--%s: %s is not a duration like 30s, 24h or 7d", name, text);
	return 0;
}

int client_arg_number(const struct client_args *args, const char *name, int64_t min, int64_t max,
    int64_t otherwise, int64_t *out, struct client_problem *problem)
{
	const char *text = client_arg(args, name);

	if (!text) {
		*out = otherwise;
		return 0;
	}
	if (ca_parse_int(text, min, max, out))
		return client_fail_usage(problem, args->verb->name,
		    "--%s: %s is not a number from %lld to %lld", name, text, (long long)min,
		    (long long)max);
	return 0;
}
