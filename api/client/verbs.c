/* The table of verbs, the help made from it, and the way from a command line to a verb. */
#include <stdbool.h>
#include <string.h>

#include "api/client/output.h"
#include "api/client/verbs.h"
#include "ca/base/log.h"

const struct client_verb *const client_verbs[] = {
	&client_verb_fetch,
	&client_verb_inspect,
	&client_verb_health,
	&client_verb_token_create,
	&client_verb_token_list,
	&client_verb_token_remove,
	&client_verb_apply,
	&client_verb_policy_export,
	&client_verb_policy_test,
	&client_verb_list,
	&client_verb_show,
	&client_verb_revoke,
	&client_verb_identity_list,
	&client_verb_identity_disable,
	&client_verb_identity_enable,
	&client_verb_operator_create,
	&client_verb_operator_list,
	&client_verb_operator_remove,
	&client_verb_operator_renew,
	&client_verb_tenant_create,
	&client_verb_tenant_list,
	&client_verb_tenant_show,
	&client_verb_tenant_set,
	&client_verb_tenant_remove,
	&client_verb_source_create,
	&client_verb_source_list,
	&client_verb_source_show,
	&client_verb_source_set,
	&client_verb_source_remove,
	&client_verb_completion,
	NULL,
};

static void help_all(FILE *out)
{
	fputs("usage: mica VERB [flags]\n\n", out);
	for (size_t i = 0; client_verbs[i]; i++)
		fprintf(out, "  %-16s  %s\n", client_verbs[i]->name, client_verbs[i]->summary);
	fputs("\nmica VERB --help   tells more; so does mica(1)\n"
	      "mica --version\n\n"
	      "Every flag has an environment variable: --ca-url is MICA_CA_URL.\n"
	      "Exit status: 0 done, 2 usage, 3 refused, 4 not found, 5 failed,\n"
	      "6 failed and nothing valid is there, 75 the CA cannot be reached.\n",
	    out);
}

static void help_flag(FILE *out, const struct client_flag *flag)
{
	char left[64], variable[CLIENT_ENVIRONMENT_NAME];

	const char letter[] = { '-', flag->letter, ',', ' ', '\0' };

	snprintf(left, sizeof(left), "%s--%s%s%s", flag->letter ? letter : "", flag->name,
	    flag->value ? " " : "", flag->value ? flag->value : "");
	fprintf(out, "  %-30s  %s%s\n", left, flag->help, flag->many ? " (repeatable)" : "");
	fprintf(out, "  %-30s  %s\n", "", client_flag_environment(flag->name, variable));
}

static void help_verb(FILE *out, const struct client_verb *verb)
{
	fprintf(out, "usage: mica %s%s%s%s\n\n%s.\n", verb->name,
	    verb->flags[0].name ? " [flags]" : "", verb->arguments ? " " : "",
	    verb->arguments ? verb->arguments : "", verb->summary);
	if (verb->details)
		fprintf(out, "\n%s", verb->details);
	if (verb->flags[0].name)
		fputs("\nFlags, each with the environment variable that stands for it:\n", out);
	for (size_t i = 0; verb->flags[i].name; i++)
		help_flag(out, &verb->flags[i]);
}

/* Does the verb's first word equal word? */
static bool group_is(const struct client_verb *verb, const char *word)
{
	size_t len = strcspn(verb->name, " ");

	return strlen(word) == len && !memcmp(verb->name, word, len);
}

static void help_group(FILE *out, const char *word)
{
	fprintf(out, "usage: mica %s VERB [flags]\n\n", word);
	for (size_t i = 0; client_verbs[i]; i++)
		if (group_is(client_verbs[i], word))
			fprintf(
			    out, "  %-16s  %s\n", client_verbs[i]->name, client_verbs[i]->summary);
}

/* The verb that the words name, and how many words that took; NULL when there is none. */
static const struct client_verb *verb_find(int argc, char **argv, int *used)
{
	for (size_t i = 0; client_verbs[i]; i++) {
		const char *second = strchr(client_verbs[i]->name, ' ');

		if (!group_is(client_verbs[i], argv[0]))
			continue;
		if (second && (argc < 2 || strcmp(second + 1, argv[1]) != 0))
			continue;
		*used = second ? 2 : 1;
		return client_verbs[i];
	}
	return NULL;
}

static int verb_run(
    const struct client_verb *verb, int argc, char **argv, struct client_problem *problem)
{
	struct client_args args;
	int error = client_args_parse(verb, argc, argv, &args, problem);

	if (!error && args.help)
		help_verb(stdout, verb);
	else if (!error)
		error = client_output_setup(&args);
	if (!error && !args.help)
		error = verb->run(&args, problem);
	client_args_clear(&args);
	return error;
}

/* No verb has these words: help on a group of verbs, or an error. */
static int verb_missing(int argc, char **argv, struct client_problem *problem)
{
	for (size_t i = 0; client_verbs[i]; i++) {
		if (!group_is(client_verbs[i], argv[0]))
			continue;
		if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
			help_group(stdout, argv[0]);
			return 0;
		}
		return client_fail_usage(problem, argv[0],
		    argc > 1 ? "mica %s has no verb %s" : "mica %s needs a verb%s", argv[0],
		    argc > 1 ? argv[1] : "");
	}
	return client_fail_usage(problem, "", "there is no verb %s", argv[0]);
}

static int run(int argc, char **argv, struct client_problem *problem)
{
	const struct client_verb *verb;
	int used = 0;

	if (argc < 2)
		return client_fail_usage(problem, "", "a verb is missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help_all(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("mica " PACKAGE_VERSION);
		return 0;
	}
	verb = verb_find(argc - 1, argv + 1, &used);
	if (!verb)
		return verb_missing(argc - 1, argv + 1, problem);
	return verb_run(verb, argc - 1 - used, argv + 1 + used, problem);
}

int client_run(int argc, char **argv)
{
	struct client_problem problem = { 0 };
	int error, flushed;

	ca_log_setup(false, CA_LOG_NONE); /* one line says what failed; --verbose says more */
	error = run(argc, argv, &problem);
	flushed = client_output_finish(error ? NULL : &problem);
	if (!error)
		error = flushed;
	if (error)
		client_problem_print(error, &problem);
	return (int)client_exit_status(error, &problem);
}
