#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/commands.h"
#include "ca/base/buf.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* NULL: for tests, not shown */
} commands[] = {
	{ "init", server_command_init, "make a new installation" },
	{ "serve", server_command_serve, "serve the API" },
	{ "master-key", server_command_master_key, "make a master key for a secret store" },
	{ "recover-admin", server_command_recover_admin, "make a new admin after a lock-out" },
	{ "routes", server_command_routes, NULL },
};

static void help(FILE *to)
{
	fprintf(to, "Usage: micad COMMAND [FLAG]…\n\n"
		    "An internal certificate authority for services that talk mutual TLS.\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (commands[i].summary)
			fprintf(to, "  %-16s %s\n", commands[i].name, commands[i].summary);
	fprintf(to, "\n`micad COMMAND --help` lists a command's flags; micad(8) says more.\n");
}

/* JSON values hold keys and tokens now and then. */
static void wiping_free(void *memory)
{
	ca_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(malloc, wiping_free);
	if (argc < 2) {
		help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("micad %s\n", PACKAGE_VERSION);
		return fflush(stdout) ? 1 : 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(stdout);
		return fflush(stdout) ? 1 : 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "micad: there is no command %s (invalid-argument)\n", argv[1]);
	return 2;
}
