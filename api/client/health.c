/* mica health: does the CA live, and can it issue? */
#include <stdio.h>
#include <stdlib.h>

#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"

/* One of the two documents. That it says 503 is an answer too, with a document, and the error is
 * returned with it. */
static int health_get(
    struct client_http *http, const char *path, json_t **out, struct client_problem *problem)
{
	const struct client_request request = { .method = "GET", .path = path };
	struct ca_buf body = CA_BUF_INIT;
	struct client_problem parsing = { 0 };
	int error = client_http_send(http, &request, &body, problem);
	int unreadable = 0;

	if (!error || problem->status)
		unreadable = client_json_parse(&body, out, &parsing);
	if (!error && unreadable) {
		*problem = parsing;
		error = unreadable;
	}
	if (problem->status == 503 && *out && *client_json_text(*out, "reason")) {
		client_fail(
		    problem, error, "the CA is not ready: %s", client_json_text(*out, "reason"));
		snprintf(problem->code, sizeof(problem->code), "not-ready");
	}
	ca_buf_free(&body);
	return error;
}

static int http_open(
    const struct client_args *args, struct client_http **out, struct client_problem *problem)
{
	struct client_http_setup setup = { .ca_file = client_arg(args, "ca-file") };
	struct client_home home = { 0 };
	int64_t timeout;
	int error = client_arg_duration(args, "timeout", 30, &timeout, problem);

	if (!error)
		error = client_home_find(args, &home, problem);
	if (!error && !home.url)
		error = client_fail_usage(problem, args->verb->name,
		    "--ca-url is missing, and %s/ca-url is not there", home.dir);
	if (!error) {
		setup.url = home.url;
		setup.ca_file = setup.ca_file ? setup.ca_file : home.ca;
		setup.deadline = ca_monotonic_ms() + timeout * 1000;
		error = client_http_open(&setup, out, problem);
	}
	client_home_clear(&home);
	return error;
}

static int health_print(const struct client_args *args, const json_t *health, const json_t *ready)
{
	json_t *document;
	int error;

	if (!client_arg(args, "json")) {
		printf("healthz  ");
		client_safe_print(client_json_text(health, "status"));
		printf("\nreadyz   ");
		client_safe_print(client_json_text(ready, "status"));
		putchar('\n');
		return 0;
	}
	document = json_pack("{s:O*, s:O*}", "healthz", health, "readyz", ready);
	error = document ? client_json_print(document) : CA_ENOMEM;
	json_decref(document);
	return error;
}

static int health_run(const struct client_args *args, struct client_problem *problem)
{
	struct client_http *http = NULL;
	json_t *health = NULL, *ready = NULL;
	int error = http_open(args, &http, problem);

	if (!error)
		error = health_get(http, "/healthz", &health, problem);
	if (!error)
		error = health_get(http, "/readyz", &ready, problem);
	if (health && ready) {
		int printed = health_print(args, health, ready);

		error = error ? error : printed;
	}
	json_decref(health);
	json_decref(ready);
	client_http_close(http);
	return error;
}

static const struct client_flag flags[] = {
	CLIENT_FLAG_HOME,
	CLIENT_FLAG_CA_URL,
	{ .name = "ca-file",
	    .value = "FILE",
	    .help = "the roots to believe (default: the context's ca.crt)" },
	CLIENT_FLAG_TIMEOUT,
	CLIENT_FLAG_JSON,
	CLIENT_FLAG_VERBOSE,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_health = {
	.name = "health",
	.summary = "Ask whether the CA lives and can issue",
	.flags = flags,
	.run = health_run,
};
