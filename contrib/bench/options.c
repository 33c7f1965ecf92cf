#include "contrib/bench/options.h"
#include "contrib/bench/arguments.h"
#include "contrib/bench/level.h"
#include "contrib/bench/requests.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: load --home DIR [OPTION]…            a micad, as an operator\n"
    "       load --url URL [OPTION]…             any server that takes a request in a POST\n"
    "       load --write-csrs FILE [--keys K]    make requests for --csrs, and end\n"
    "Measure how fast a server issues certificates: a distinct RSA-2048 key in each request, made\n"
    "ahead; over connections that are kept open; every status 2xx counts as a certificate.\n\n"
    "  --home DIR            an operator's context: tls.crt tls.key ca.crt ca-url\n"
    "  --url URL             http[s]://HOST[:PORT][/PATH]; with --home instead of the one in\n"
    "                        ca-url (path: " BENCH_PATH ")\n"
    "  --connections N[,N]…  connections at once, a measurement each (1)\n"
    "  --requests M          requests a measurement (1000)\n"
    "  --keys K              distinct keys a measurement; fewer than M are used again and\n"
    "                        again (M)\n"
    "  --csrs FILE           the requests of --write-csrs, instead of making them now; when they\n"
    "                        are fewer than wanted, they are used again\n"
    "  --tokens              a single-use token of its own for every request, made ahead by the\n"
    "                        operator of --home, and no client certificate\n"
    "  --handshakes          a connection with a full TLS 1.3 handshake for every request\n"
    "  --pid PID             the server's process: its CPU time and memory\n"
    "  --serials FILE        append the serial number of every certificate received\n"
    "  --json                JSON instead of a table\n\n"
    "Without --home:\n"
    "  --ca FILE             PEM; without it the server's certificate is not checked\n"
    "  --cert FILE           a client certificate, and with --key its key\n"
    "  --key FILE\n\n"
    "How a request looks:\n"
    "  --content-type TYPE   (" BENCH_CONTENT_TYPE ")\n"
    "  --body TEMPLATE       %s: the request in PEM, escaped when TYPE says JSON; %n: its one DNS\n"
    "                        name, bench-I.example.internal for I = 0, 1, …; %t: see --lines;\n"
    "                        %%: a percent sign ({\"csr\":\"%s\"})\n"
    "  --header-file FILE    more header lines, templates too: secrets stand in no command line\n"
    "  --lines FILE          line I is %t of request I\n\n"
    "It ends with 0 when every request was answered by a certificate, else with 1.\n";

enum {
	OPT_HOME = 1,
	OPT_URL,
	OPT_CONNECTIONS,
	OPT_REQUESTS,
	OPT_KEYS,
	OPT_CSRS,
	OPT_WRITE_CSRS,
	OPT_TOKENS,
	OPT_HANDSHAKES,
	OPT_PID,
	OPT_SERIALS,
	OPT_JSON,
	OPT_CA,
	OPT_CERT,
	OPT_KEY,
	OPT_CONTENT_TYPE,
	OPT_BODY,
	OPT_HEADER_FILE,
	OPT_LINES
};

static const struct option long_options[] = {
	{ "home", required_argument, NULL, OPT_HOME },
	{ "url", required_argument, NULL, OPT_URL },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "requests", required_argument, NULL, OPT_REQUESTS },
	{ "keys", required_argument, NULL, OPT_KEYS },
	{ "csrs", required_argument, NULL, OPT_CSRS },
	{ "write-csrs", required_argument, NULL, OPT_WRITE_CSRS },
	{ "tokens", no_argument, NULL, OPT_TOKENS },
	{ "handshakes", no_argument, NULL, OPT_HANDSHAKES },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "serials", required_argument, NULL, OPT_SERIALS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "content-type", required_argument, NULL, OPT_CONTENT_TYPE },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "header-file", required_argument, NULL, OPT_HEADER_FILE },
	{ "lines", required_argument, NULL, OPT_LINES },
	{ "help", no_argument, NULL, BENCH_HELP },
	{ NULL, 0, NULL, 0 },
};

static int parse_levels(char *text, struct bench_options *out)
{
	char *save = NULL;

	out->levels_n = 0;
	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (out->levels_n == BENCH_LEVELS_MAX ||
		    bench_number(word, BENCH_CONNECTIONS_MAX, &out->levels[out->levels_n]))
			return -1;
		out->levels_n++;
	}
	return out->levels_n ? 0 : -1;
}

/* Where the text of an option goes, or NULL when it takes none. */
static const char **text_of(int option, struct bench_options *out)
{
	switch (option) {
	case OPT_HOME:
		return &out->home;
	case OPT_URL:
		return &out->url;
	case OPT_CSRS:
		return &out->csrs;
	case OPT_WRITE_CSRS:
		return &out->write_csrs;
	case OPT_SERIALS:
		return &out->serials;
	case OPT_CA:
		return &out->files.ca;
	case OPT_CERT:
		return &out->files.cert;
	case OPT_KEY:
		return &out->files.key;
	case OPT_CONTENT_TYPE:
		return &out->content_type;
	case OPT_BODY:
		return &out->body;
	case OPT_HEADER_FILE:
		return &out->header_file;
	case OPT_LINES:
		return &out->lines;
	default:
		return NULL;
	}
}

static int take(int option, void *arg)
{
	struct bench_options *out = arg;
	const char **text = text_of(option, out);

	if (text) {
		*text = optarg;
		return 0;
	}
	switch (option) {
	case OPT_CONNECTIONS:
		return parse_levels(optarg, out);
	case OPT_REQUESTS:
		return bench_number(optarg, 10000000, &out->requests);
	case OPT_KEYS:
		return bench_number(optarg, 1000000, &out->keys);
	case OPT_TOKENS:
		out->tokens = true;
		return 0;
	case OPT_HANDSHAKES:
		out->handshakes = true;
		return 0;
	case OPT_PID:
		return bench_pid(optarg, &out->pid);
	case OPT_JSON:
		out->json = true;
		return 0;
	default:
		return -1;
	}
}

/* What does not go together. */
static int check(const void *arg)
{
	const struct bench_options *options = arg;
	const struct bench_files *files = &options->files;

	if (options->write_csrs)
		return 0;
	if (!options->home && !options->url)
		return -1;
	if (options->home && (files->ca || files->cert || files->key))
		return -1;
	if (!files->cert != !files->key)
		return -1;
	if (!options->tokens)
		return 0;
	return !options->home || options->lines || options->header_file ? -1 : 0;
}

int bench_options_parse(int argc, char **argv, struct bench_options *out)
{
	static const struct bench_arguments arguments = { usage, long_options, take, check };
	struct bench_options options = { .levels = { 1 }, .levels_n = 1, .requests = 1000 };
	int r = bench_arguments_read(&arguments, argc, argv, &options);

	if (r)
		return r;
	if (!options.keys || (options.keys > options.requests && !options.write_csrs))
		options.keys = options.requests;
	if (!options.content_type)
		options.content_type = BENCH_CONTENT_TYPE;
	if (!options.body)
		options.body = BENCH_BODY;
	*out = options;
	return 0;
}
