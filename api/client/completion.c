/* mica completion: what a shell offers behind TAB, made from the tables that the parser uses. */
#include <stdio.h>
#include <string.h>

#include "api/client/verbs.h"

/* The shells take file names by themselves where the value's placeholder says so. */
static bool takes_files(const struct client_flag *flag)
{
	return !strcmp(flag->value, "FILE") || !strcmp(flag->value, "DIR");
}

/* Is this the first verb with its first word? */
static bool first_of_group(size_t at)
{
	size_t len = strcspn(client_verbs[at]->name, " ");

	for (size_t i = 0; i < at; i++)
		if (strcspn(client_verbs[i]->name, " ") == len &&
		    !memcmp(client_verbs[i]->name, client_verbs[at]->name, len))
			return false;
	return true;
}

static void first_words_print(void)
{
	for (size_t i = 0; client_verbs[i]; i++)
		if (first_of_group(i))
			printf(" %.*s", (int)strcspn(client_verbs[i]->name, " "),
			    client_verbs[i]->name);
}

/* The first words that need a second. */
static void groups_print(void)
{
	for (size_t i = 0; client_verbs[i]; i++) {
		size_t len = strcspn(client_verbs[i]->name, " ");

		if (client_verbs[i]->name[len] && first_of_group(i))
			printf(" %.*s", (int)len, client_verbs[i]->name);
	}
}

/* ---- bash ---- */

/* "token list" | "token create" … only its first word is there: offer the second. */
static void bash_groups(void)
{
	for (size_t i = 0; client_verbs[i]; i++) {
		const char *name = client_verbs[i]->name;
		int len = (int)strcspn(name, " ");

		if (!name[len] || !first_of_group(i))
			continue;
		printf("\t'%.*s') words='", len, name);
		for (size_t k = i; client_verbs[k]; k++)
			if (!strncmp(client_verbs[k]->name, name, (size_t)len + 1))
				printf(" %s", client_verbs[k]->name + len + 1);
		puts("' ;;");
	}
}

static void bash_verb(const struct client_verb *verb)
{
	for (size_t i = 0; verb->flags[i].name; i++) {
		const struct client_flag *flag = &verb->flags[i];

		if (!flag->value)
			continue;
		printf("\t'%s --%s'", verb->name, flag->name);
		if (flag->letter)
			printf(" | '%s -%c'", verb->name, flag->letter);
		printf(") words='%s' files=%s flags= ;;\n", flag->words ? flag->words : "",
		    takes_files(flag) ? "1" : "");
	}
	printf("\t'%s '*) words='%s' files=%s flags='", verb->name, verb->words ? verb->words : "",
	    verb->arguments && strstr(verb->arguments, "FILE") ? "1" : "");
	for (size_t i = 0; verb->flags[i].name; i++)
		printf(" --%s", verb->flags[i].name);
	puts(" --help' ;;");
}

static void bash_print(void)
{
	fputs("_mica()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal verb=${COMP_WORDS[1]} at=2 words= files= flags=\n"
	      "\tCOMPREPLY=()\n"
	      "\tcase $verb in\n",
	    stdout);
	for (size_t i = 0; client_verbs[i]; i++) {
		int len = (int)strcspn(client_verbs[i]->name, " ");

		if (client_verbs[i]->name[len] && first_of_group(i))
			printf("\t%.*s) at=3 ;;\n", len, client_verbs[i]->name);
	}
	fputs("\tesac\n"
	      "\tif ((COMP_CWORD >= at)) && ((at == 3)); then verb=\"$verb ${COMP_WORDS[2]}\"; fi\n"
	      "\tif ((COMP_CWORD == 1)); then verb=; prev=; fi\n"
	      "\tif ((COMP_CWORD >= at)); then verb=\"$verb $prev\"; fi\n"
	      "\tcase $verb in\n"
	      "\t'') words='",
	    stdout);
	first_words_print();
	puts(" --help --version' ;;");
	bash_groups();
	for (size_t i = 0; client_verbs[i]; i++)
		bash_verb(client_verbs[i]);
	fputs("\tesac\n"
	      "\tcase $cur in\n"
	      "\t-*) words=\"$words $flags\" files= ;;\n"
	      "\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\tif [ -n \"$files\" ]; then COMPREPLY+=($(compgen -f -- \"$cur\")); fi\n"
	      "}\n"
	      "complete -F _mica mica\n",
	    stdout);
}

/* zsh reads bash's way of saying it. */
static void zsh_print(void)
{
	puts("autoload -U +X compinit bashcompinit\n"
	     "(( $+functions[compdef] )) || compinit\n"
	     "bashcompinit");
	bash_print();
}

/* ---- fish ---- */

static void fish_quote(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

/* The condition under which a verb's flags are offered. */
static void fish_condition(const struct client_verb *verb)
{
	const char *space = strchr(verb->name, ' ');

	if (space) {
		printf("complete -c mica -n '__fish_seen_subcommand_from %.*s; and "
		       "__fish_seen_subcommand_from %s'",
		    (int)(space - verb->name), verb->name, space + 1);
	} else {
		printf("complete -c mica -n '__fish_seen_subcommand_from %s; and not "
		       "__fish_seen_subcommand_from",
		    verb->name);
		groups_print();
		putchar('\'');
	}
}

static void fish_verb(size_t at)
{
	const struct client_verb *verb = client_verbs[at];
	const char *space = strchr(verb->name, ' ');

	if (!space) {
		printf("complete -c mica -f -n __fish_use_subcommand -a %s -d ", verb->name);
		fish_quote(verb->summary);
		putchar('\n');
	} else {
		int len = (int)(space - verb->name);

		if (first_of_group(at))
			printf("complete -c mica -f -n __fish_use_subcommand -a %.*s\n", len,
			    verb->name);
		printf("complete -c mica -f -n '__fish_seen_subcommand_from %.*s' -a %s -d ", len,
		    verb->name, space + 1);
		fish_quote(verb->summary);
		putchar('\n');
	}
	for (size_t i = 0; verb->flags[i].name; i++) {
		const struct client_flag *flag = &verb->flags[i];

		fish_condition(verb);
		if (flag->letter)
			printf(" -s %c", flag->letter);
		printf(" -l %s%s%s", flag->name, flag->value ? " -r" : "",
		    flag->value && !takes_files(flag) ? " -f" : "");
		if (flag->words)
			printf(" -a '%s'", flag->words);
		fputs(" -d ", stdout);
		fish_quote(flag->help);
		putchar('\n');
	}
	if (verb->words) {
		fish_condition(verb);
		printf(" -f -a '%s'\n", verb->words);
	}
}

static void fish_print(void)
{
	for (size_t i = 0; client_verbs[i]; i++)
		fish_verb(i);
}

static int completion_run(const struct client_args *args, struct client_problem *problem)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash_print }, { "zsh", zsh_print }, { "fish", fish_print } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].name, args->arguments[0]) != 0)
			continue;
		shells[i].print();
		return 0;
	}
	return client_fail_usage(
	    problem, "completion", "%s: the shells are bash, zsh and fish", args->arguments[0]);
}

static const struct client_flag flags[] = { CLIENT_FLAG_END };

const struct client_verb client_verb_completion = {
	.name = "completion",
	.summary = "Print the completions for a shell",
	.details = "  . <(mica completion bash)\n"
		   "  . <(mica completion zsh)\n"
		   "  mica completion fish >~/.config/fish/completions/mica.fish\n",
	.arguments = "bash|zsh|fish",
	.words = "bash zsh fish",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = flags,
	.run = completion_run,
};
