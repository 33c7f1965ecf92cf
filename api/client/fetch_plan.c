/* What a fetch is told to do. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "api/client/fetch.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"

#define CN_MAX 64 /* RFC 5280, appendix A.1: ub-common-name */
#define PASSWORD_MAX 1024

static int names_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	static const char *const flags[] = { "dns", "ip", "uri", "email" };
	static const enum ca_name_type types[] = { CA_NAME_DNS, CA_NAME_IP, CA_NAME_URI,
		CA_NAME_EMAIL };
	int error = 0;

	for (size_t k = 0; k < sizeof(flags) / sizeof(*flags); k++) {
		const struct client_values *values = client_arg_all(args, flags[k]);

		for (size_t i = 0; !error && i < values->n; i++)
			error = ca_names_add(&plan->names, types[k], values->v[i],
			    strlen(values->v[i]), &problem->detail);
	}
	if (!error && !plan->names.n)
		error = ca_names_copy(&plan->token.names, &plan->names);
	return error;
}

static void common_name_plan(const struct client_args *args, struct client_fetch_plan *plan)
{
	const char *name = client_arg(args, "common-name");

	if (!name) {
		name = ca_names_first(&plan->names, CA_NAME_DNS);
		if (name && strlen(name) > CN_MAX)
			name = NULL;
	}
	plan->common_name = ca_empty(name) ? NULL : name;
}

static int fingerprint_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	const char *text = client_arg(args, "fingerprint");

	if (!text && !plan->token.has_fingerprint)
		return client_fail_usage(problem, args->verb->name,
		    "--fingerprint is missing, and the token names none");
	if (!text) {
		memcpy(plan->fingerprint, plan->token.fingerprint, CA_SHA256);
		return 0;
	}
	if (client_fingerprint_parse(text, plan->fingerprint))
		return client_fail_usage(problem, args->verb->name,
		    "--fingerprint is not a SHA-256 in hexadecimal (64 digits)");
	if (plan->token.has_fingerprint &&
	    memcmp(plan->fingerprint, plan->token.fingerprint, CA_SHA256) != 0)
		return client_fail(problem, CA_EFINGERPRINT,
		    "--fingerprint is not the one in the token: the token is of another CA");
	return 0;
}

static int mode_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	const char *text = client_arg(args, "mode");
	char *end = NULL;
	unsigned long mode;

	plan->mode = 0600;
	if (!text)
		return 0;
	mode = strtoul(text, &end, 8);
	if (*text < '0' || *text > '7' || *end || mode > 0777)
		return client_fail_usage(
		    problem, args->verb->name, "--mode is not an octal mode like 0640");
	if ((mode & 0137) || !(mode & 0400))
		return client_fail_usage(problem, args->verb->name,
		    "--mode %s: a key is for its owner to read, at most for the group too, and for "
		    "nobody "
		    "else",
		    text);
	plan->mode = (mode_t)mode;
	return 0;
}

/* A name of the system's user or group list, or a number. */
static int owner_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	const char *user = client_arg(args, "owner"), *group = client_arg(args, "group");
	int64_t number;

	plan->owner = (struct client_owner)CLIENT_OWNER_SELF;
	if (user && !ca_parse_int(user, 0, UINT32_MAX - 1, &number)) {
		plan->owner.uid = (uid_t)number;
	} else if (user) {
		const struct passwd *entry = getpwnam(user);

		if (!entry)
			return client_fail_usage(
			    problem, args->verb->name, "there is no user %s", user);
		plan->owner.uid = entry->pw_uid;
	}
	if (group && !ca_parse_int(group, 0, UINT32_MAX - 1, &number)) {
		plan->owner.gid = (gid_t)number;
	} else if (group) {
		const struct group *entry = getgrnam(group);

		if (!entry)
			return client_fail_usage(
			    problem, args->verb->name, "there is no group %s", group);
		plan->owner.gid = entry->gr_gid;
	}
	return 0;
}

static int password_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	const char *path = client_arg(args, "pkcs12-password-file");
	struct ca_buf *password = &plan->password;
	int error;

	if (!plan->pkcs12)
		return 0;
	if (!path)
		return client_fail_usage(
		    problem, args->verb->name, "--format pkcs12 needs --pkcs12-password-file");
	if (!strcmp(path, "-") && !strcmp(client_arg(args, "token-file"), "-"))
		return client_fail_usage(problem, args->verb->name,
		    "the token and the password cannot both come from standard input");
	error = client_file_read(path, PASSWORD_MAX, password, &problem->detail);
	if (error)
		return error == CA_ENOTFOUND ? CA_EIO : error;
	if (strlen(ca_buf_text(password)) != password->len)
		return client_fail(problem, CA_EINVAL, "%s is not text", path);
	if (password->len)
		password->data[strcspn(ca_buf_text(password), "\r\n")] = '\0';
	if (ca_empty(ca_buf_text(password)))
		return client_fail(problem, CA_EINVAL, "the password in %s is empty", path);
	return 0;
}

static int format_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	const char *at = client_arg(args, "format");

	while (at && *at) {
		size_t len = strcspn(at, ",");

		if (len == 8 && !memcmp(at, "combined", len))
			plan->combined = true;
		else if (len == 6 && !memcmp(at, "pkcs12", len))
			plan->pkcs12 = true;
		else if (len != 3 || memcmp(at, "pem", len) != 0)
			return client_fail_usage(problem, args->verb->name,
			    "--format %.*s: the formats are pem, combined and pkcs12", (int)len,
			    at);
		at += len;
		at += *at == ',';
	}
	return password_plan(args, plan, problem);
}

static int key_type_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	const char *text = client_arg(args, "key-type");

	plan->key_type = text ? ca_key_type_parse(text) : CA_KEY_RSA_2048;
	if (plan->key_type == CA_KEY_NONE)
		return client_fail_usage(
		    problem, args->verb->name, "--key-type %s is not known", text);
	return 0;
}

static int request_plan(
    const struct client_args *args, struct client_fetch_plan *plan, struct client_problem *problem)
{
	int64_t seconds;
	int error = client_arg_duration(args, "timeout", 30, &seconds, problem);

	plan->deadline = ca_monotonic_ms() + seconds * 1000;
	if (!error)
		error = client_arg_duration(args, "ttl", 0, &seconds, problem);
	plan->ttl = client_arg(args, "ttl");
	plan->tenant = client_arg(args, "tenant");
	plan->profile = client_arg(args, "profile");
	plan->json = client_arg(args, "json") != NULL;
	plan->url = client_arg(args, "ca-url");
	return error;
}

int client_fetch_plan(
    const struct client_args *args, struct client_fetch_plan *out, struct client_problem *problem)
{
	static int (*const steps[])(const struct client_args *, struct client_fetch_plan *,
	    struct client_problem *) = { request_plan, mode_plan, owner_plan, key_type_plan,
		format_plan };
	const char *token = client_arg(args, "token-file");
	int error = 0;

	*out = (struct client_fetch_plan){ .dir = client_arg(args, "out") };
	if (!token || ca_empty(out->dir))
		return client_fail_usage(
		    problem, args->verb->name, "%s is missing", !token ? "--token-file" : "--out");
	for (size_t i = 0; !error && i < sizeof(steps) / sizeof(*steps); i++)
		error = steps[i](args, out, problem);
	if (error)
		return error;
	error = client_token_read(token, &out->token, problem);
	if (error == CA_ENOTFOUND)
		error = CA_EIO; /* not found is what the CA says of a certificate */
	if (!error)
		error = fingerprint_plan(args, out, problem);
	if (!error)
		error = names_plan(args, out, problem);
	if (error)
		return error;
	common_name_plan(args, out);
	if (!out->url)
		out->url = out->token.url;
	if (!out->url)
		return client_fail_usage(
		    problem, args->verb->name, "--ca-url is missing, and the token names none");
	return 0;
}

void client_fetch_plan_clear(struct client_fetch_plan *plan)
{
	client_token_clear(&plan->token);
	ca_names_free(&plan->names);
	ca_buf_free(&plan->password);
	*plan = (struct client_fetch_plan){ 0 };
}
