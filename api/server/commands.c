#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/server/commands.h"
#include "api/server/options.h"
#include "api/server/route.h"
#include "api/server/server.h"
#include "ca/base/log.h"
#include "ca/base/text.h"
#include "ca/installation.h"

#define THREADS_MAX 256

/* server_options_parse()'s result as an exit status. */
static int usage_status(int r)
{
	return r > 0 ? 0 : 2;
}

static int missing(const char *flag)
{
	fprintf(stderr, "micad: --%s is missing (invalid-argument)\n", flag);
	return 2;
}

/* Say what went wrong, in a line, and give the exit status. */
static int complain(int r, const struct ca_detail *why)
{
	fprintf(stderr, "micad: %s (%s)\n", why->text[0] ? why->text : ca_error_text(r),
	    ca_error_code(r));
	return r == CA_EINVAL ? 2 : 1;
}

/* ---- init ---- */

static int set_dns(void *to, const char *value)
{
	return ca_names_add(to, CA_NAME_DNS, value, strlen(value), NULL) ? CA_EINVAL : 0;
}

static int set_ip(void *to, const char *value)
{
	return ca_names_add(to, CA_NAME_IP, value, strlen(value), NULL) ? CA_EINVAL : 0;
}

static int set_key_type(void *to, const char *value)
{
	enum ca_key_type *type = to;

	*type = ca_key_type_parse(value);
	return *type == CA_KEY_NONE ? CA_EINVAL : 0;
}

/* The command that serves what was made, with every flag that differs from serve's own defaults. */
static void print_serve(const struct ca_init_options *options, const struct ca_init_result *made)
{
	const char *port = strrchr(made->public_url, ':');

	printf("  micad serve --state %s", options->state);
	if (options->master_key)
		printf(" --master-key %s", options->master_key);
	if (port && strspn(port + 1, "0123456789") == strlen(port + 1) &&
	    strcmp(port, ":8443") != 0)
		printf(" --listen %s", port);
	printf("\n");
}

static void report_init(const struct ca_init_options *options, const struct ca_init_result *made)
{
	char fingerprint[2 * CA_SHA256 + 1];

	ca_hex(made->root_sha256, CA_SHA256, fingerprint);
	if (made->existed) {
		printf("%s is initialised already; nothing was changed.\n\n"
		       "  root's SHA-256 fingerprint  %s\n",
		    options->state, fingerprint);
		return;
	}
	printf("A new CA in %s.\n\n"
	       "  root's SHA-256 fingerprint  %s\n"
	       "  public URL                  %s\n"
	       "  first operator's context    %s\n"
	       "  master key                  %s\n\n"
	       "Keep a copy of the master key elsewhere, apart from the backups of %s/mica.db:\n"
	       "without it every backup is useless.\n\n"
	       "Next, start it, and make a token for the first service:\n\n",
	    options->state, fingerprint, made->public_url, made->admin_home, made->master_key,
	    options->state);
	print_serve(options, made);
	printf("  mica token create --home %s --dns web.internal\n", made->admin_home);
}

int server_command_init(int argc, char **argv)
{
	static const struct server_command command = { "init",
		"Make a new installation in the state directory. A second init changes nothing.",
		NULL };
	struct ca_names names = CA_NAMES_INIT;
	struct ca_init_options options = { .names = &names };
	struct ca_init_result made = { 0 };
	struct ca_detail why = { "" };
	const struct server_flag flags[] = { { "state", "DIR", "the state directory",
						 server_set_string, &options.state, false },
		{ "name", "NAME", "what the CA is called in its certificates (default Mica)",
		    server_set_string, &options.name, false },
		{ "dns", "NAME", "a name of micad's own", set_dns, &names, true },
		{ "ip", "ADDR", "an address of micad's own", set_ip, &names, true },
		{ "master-key", "FILE", "the master key; made if absent (default DIR/master.key)",
		    server_set_string, &options.master_key, false },
		{ "public-url", "URL",
		    "where clients reach micad (default https://FIRST-NAME:8443)",
		    server_set_string, &options.public_url, false },
		{ "revocation-url", "URL", "http, for CRL and OCSP; named in certificates",
		    server_set_string, &options.revocation_url, false },
		{ "key-type", "TYPE",
		    "of issuers: rsa:2048 (default), rsa:3072, rsa:4096, ec:p256, ec:p384",
		    set_key_type, &options.key_type, false },
		{ "root-key-type", "TYPE", "of the root (default rsa:3072)", set_key_type,
		    &options.root_key_type, false },
		{ "root-lifetime", "DURATION", "default 10y", server_set_duration,
		    &options.root_lifetime, false },
		{ "issuer-lifetime", "DURATION", "default 3y", server_set_duration,
		    &options.issuer_lifetime, false },
		{ 0 } };
	int r = server_options_parse(&command, flags, argc, argv, NULL), status;

	if (r)
		status = usage_status(r);
	else if (!options.state)
		status = missing("state");
	else if ((r = ca_init(&options, &made, &why)))
		status = complain(r, &why);
	else {
		report_init(&options, &made);
		status = fflush(stdout) ? 1 : 0;
	}
	ca_init_result_clear(&made);
	ca_names_free(&names);
	return status;
}

/* ---- serve ---- */

static int set_backend(void *to, const char *value)
{
	static const struct ca_key_backend *const backends[] = { &ca_key_libcrypto,
		&ca_key_gnutls };
	const struct ca_key_backend **backend = to;

	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (strcmp(backends[i]->name, value) == 0) {
			*backend = backends[i];
			return 0;
		}
	return CA_EINVAL;
}

static int set_log_format(void *to, const char *value)
{
	bool *json = to;

	*json = strcmp(value, "json") == 0;
	return *json || strcmp(value, "human") == 0 ? 0 : CA_EINVAL;
}

static int set_log_level(void *to, const char *value)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	enum ca_log_level *level = to;

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (strcmp(levels[i], value) == 0) {
			*level = (enum ca_log_level)i;
			return 0;
		}
	return CA_EINVAL;
}

int server_command_serve(int argc, char **argv)
{
	static const struct server_command command = { "serve",
		"Serve the API over HTTPS until SIGTERM or SIGINT.", NULL };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct server_options options = {
		.listen = ":8443",
		.rsa_backend = &ca_key_libcrypto,
		.threads = cores > 0 && cores < 256 ? (unsigned)cores : 2,
		.max_connections = 10000,
		.queue = 1024,
	};
	enum ca_log_level level = CA_LOG_INFO;
	bool json = false;
	const struct server_flag flags[] = { { "state", "DIR", "the state directory",
						 server_set_string, &options.state, false },
		{ "listen", "ADDR:PORT", "default :8443; port 0 picks a free one",
		    server_set_string, &options.listen, false },
		{ "master-key", "FILE", "default DIR/master.key", server_set_string,
		    &options.master_key, false },
		{ "public-url", "URL", "what new tokens name (default: init's)", server_set_string,
		    &options.public_url, false },
		{ "credentials", "DIR", "with the bearer tokens that sources name",
		    server_set_string, &options.credentials, false },
		{ "threads", "N", "that serve requests (default: one a core)", server_set_unsigned,
		    &options.threads, false },
		{ "max-connections", "N", "open at the same time (default 10000)",
		    server_set_unsigned, &options.max_connections, false },
		{ "queue", "N", "requests that may wait for their commit (default 1024)",
		    server_set_unsigned, &options.queue, false },
		{ "rsa-backend", "NAME", "for signatures: libcrypto (default) or gnutls",
		    set_backend, &options.rsa_backend, false },
		{ "log", "FORMAT", "human (default) or json", set_log_format, &json, false },
		{ "log-level", "LEVEL", "error, warn, info (default) or debug", set_log_level,
		    &level, false },
		{ 0 } };
	int r = server_options_parse(&command, flags, argc, argv, NULL);

	if (r)
		return usage_status(r);
	if (!options.state)
		return missing("state");
	if (options.threads > THREADS_MAX) {
		fprintf(stderr, "micad: --threads: at most %d (invalid-argument)\n", THREADS_MAX);
		return 2;
	}
	ca_log_setup(json, level);
	return server_run(&options) ? 1 : 0;
}

/* ---- the smaller ones ---- */

int server_command_master_key(int argc, char **argv)
{
	static const struct server_command command = { "master-key create",
		"Make a master key for a secret store; an existing file stays as it is.", "FILE" };
	struct ca_detail why = { "" };
	const char *path = NULL;
	int r;

	if (argc < 2 || strcmp(argv[1], "create") != 0) {
		server_options_help(&command, NULL);
		return argc >= 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	r = server_options_parse(&command, NULL, argc - 1, argv + 1, &path);
	if (r)
		return usage_status(r);
	if (!path)
		return missing("FILE");
	r = ca_master_key_create(path);
	if (r == CA_EEXIST)
		ca_refuse(&why, r, "%s exists and stays as it is", path);
	return r ? complain(r, &why) : 0;
}

int server_command_recover_admin(int argc, char **argv)
{
	static const struct server_command command = { "recover-admin",
		"Make a new admin after a lock-out, while micad is stopped.", NULL };
	const char *state = NULL, *master_key = NULL, *out = NULL;
	struct ca_detail why = { "" };
	const struct server_flag flags[] = { { "state", "DIR", "the state directory",
						 server_set_string, &state, false },
		{ "out", "DIR2", "where the new context goes; must not exist", server_set_string,
		    &out, false },
		{ "master-key", "FILE", "default DIR/master.key", server_set_string, &master_key,
		    false },
		{ 0 } };
	int r = server_options_parse(&command, flags, argc, argv, NULL);

	if (r)
		return usage_status(r);
	if (!state || !out)
		return missing(state ? "out" : "state");
	r = ca_recover_admin(state, master_key, out, &why);
	if (r)
		return complain(r, &why);
	printf("A new admin's context in %s. Who lost the old one is still an operator:\n"
	       "revoke its certificate with  mica revoke SERIAL --home %s\n",
	    out, out);
	return fflush(stdout) ? 1 : 0;
}

int server_command_routes(int argc, char **argv)
{
	const struct server_route *routes;
	size_t len;

	(void)argc;
	(void)argv;
	routes = server_routes(&len);
	for (size_t i = 0; i < len; i++)
		printf("%s %s\n", routes[i].method, routes[i].path);
	return fflush(stdout) ? 1 : 0;
}
