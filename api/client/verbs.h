/* The verbs of `mica`: a table of them, one file each. To add one: a file with a `const struct
 * client_verb`, a row in verbs.c. */
#ifndef API_CLIENT_VERBS_H
#define API_CLIENT_VERBS_H

#include <stdio.h>

#include "api/client/client.h"
#include "api/client/options.h"

struct client_verb {
	const char *name;                /* "fetch", or two words, "token create" */
	const char *summary;             /* one line, no full stop */
	const char *arguments;           /* "SERIAL"; NULL: none */
	const char *details;             /* more for --help, whole lines; NULL: none */
	const struct client_flag *flags; /* ends at a NULL name; at most CLIENT_FLAGS_MAX */
	const char *words; /* the arguments that can be, for completion; NULL: any, or a file where
			      arguments says FILE */
	size_t arguments_min, arguments_max;
	int (*run)(const struct client_args *args, struct client_problem *problem);
};

/* Flags that many verbs have, each a row of a table. */
#define CLIENT_FLAG_CA_URL                                                                         \
	{                                                                                          \
		.name = "ca-url", .value = "URL", .help = "the CA, https://HOST:PORT"              \
	}
#define CLIENT_FLAG_HOME                                                                           \
	{                                                                                          \
		.name = "home", .value = "DIR",                                                    \
		.help = "the operator's context (default ~/.config/mica)"                          \
	}
#define CLIENT_FLAG_JSON                                                                           \
	{                                                                                          \
		.name = "json", .help = "one JSON document on standard output"                     \
	}
#define CLIENT_FLAG_TENANT                                                                         \
	{                                                                                          \
		.name = "tenant", .value = "TENANT", .help = "default: your own, or default"       \
	}
#define CLIENT_FLAG_PROFILE(text)                                                                  \
	{                                                                                          \
		.name = "profile", .value = "PROFILE",                                             \
		.words = "service server client database-server database-client message-bus "      \
			 "spiffe",                                                                 \
		.help = text                                                                       \
	}
#define CLIENT_FLAG_TIMEOUT                                                                        \
	{                                                                                          \
		.name = "timeout", .value = "DURATION", .help = "for the whole act (default 30s)"  \
	}
#define CLIENT_FLAG_VERBOSE                                                                        \
	{                                                                                          \
		.name = "verbose", .help = "say on standard error what goes on"                    \
	}
#define CLIENT_FLAG_END                                                                            \
	{                                                                                          \
		.name = NULL                                                                       \
	}
/* What every verb has that lists (api/client/paging.h). */
#define CLIENT_FLAGS_LIST                                                                          \
	{ .name = "limit", .value = "N", .help = "at most so many (default 100)" },                \
	{                                                                                          \
		.name = "all", .help = "every one of them"                                         \
	}
/* What every verb has that talks to the CA as an operator. */
#define CLIENT_FLAGS_OPERATOR                                                                      \
	CLIENT_FLAG_HOME, CLIENT_FLAG_CA_URL, CLIENT_FLAG_TIMEOUT, CLIENT_FLAG_JSON,               \
	    CLIENT_FLAG_VERBOSE

extern const struct client_verb client_verb_apply;
extern const struct client_verb client_verb_completion;
extern const struct client_verb client_verb_fetch;
extern const struct client_verb client_verb_health;
extern const struct client_verb client_verb_identity_disable;
extern const struct client_verb client_verb_identity_enable;
extern const struct client_verb client_verb_identity_list;
extern const struct client_verb client_verb_inspect;
extern const struct client_verb client_verb_list;
extern const struct client_verb client_verb_operator_create;
extern const struct client_verb client_verb_operator_list;
extern const struct client_verb client_verb_operator_remove;
extern const struct client_verb client_verb_operator_renew;
extern const struct client_verb client_verb_policy_export;
extern const struct client_verb client_verb_policy_test;
extern const struct client_verb client_verb_revoke;
extern const struct client_verb client_verb_show;
extern const struct client_verb client_verb_source_create;
extern const struct client_verb client_verb_source_list;
extern const struct client_verb client_verb_source_remove;
extern const struct client_verb client_verb_source_set;
extern const struct client_verb client_verb_source_show;
extern const struct client_verb client_verb_tenant_create;
extern const struct client_verb client_verb_tenant_list;
extern const struct client_verb client_verb_tenant_remove;
extern const struct client_verb client_verb_tenant_set;
extern const struct client_verb client_verb_tenant_show;
extern const struct client_verb client_verb_token_create;
extern const struct client_verb client_verb_token_list;
extern const struct client_verb client_verb_token_remove;

/* All of them, ending with NULL, in the order of the help. */
extern const struct client_verb *const client_verbs[];

/* The whole program behind main(): find the verb, parse, run, tell. Returns the exit status. */
int client_run(int argc, char **argv);

#endif
