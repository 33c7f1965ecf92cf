/* The operator's context. */
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/client/home.h"
#include "api/client/layout.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/log.h"
#include "ca/base/text.h"

#define URL_MAX 2048
#define FILE_MAX (1u << 20)

static char *default_dir(void)
{
	const char *home = getenv("HOME");

	return ca_empty(home) ? NULL : ca_path_join(home, ".config/mica");
}

/* The first line of the file ca-url; NULL in *out when there is no such file. */
static int url_read(const char *dir, char **out, struct client_problem *problem)
{
	struct ca_buf text = CA_BUF_INIT;
	char *path = ca_path_join(dir, "ca-url");
	int error = path ? client_file_read(path, URL_MAX, &text, &problem->detail) : CA_ENOMEM;

	if (error == CA_ENOTFOUND) {
		*out = NULL;
		error = 0;
	} else if (!error) {
		*out = strndup(ca_buf_text(&text), strcspn(ca_buf_text(&text), " \t\r\n"));
		error = *out ? 0 : CA_ENOMEM;
	}
	free(path);
	ca_buf_free(&text);
	return error;
}

int client_home_find(
    const struct client_args *args, struct client_home *out, struct client_problem *problem)
{
	const char *dir = client_arg(args, "home"), *url = client_arg(args, "ca-url");
	struct client_home home = { .dir = dir ? strdup(dir) : default_dir() };
	int error = CA_EINVAL;

	if (!home.dir) {
		client_fail_usage(
		    problem, args->verb->name, "--home is missing, and HOME is not set");
		goto out;
	}
	home.crt = ca_path_join(home.dir, "tls.crt");
	home.key = ca_path_join(home.dir, "tls.key");
	home.ca = ca_path_join(home.dir, "ca.crt");
	if (!home.crt || !home.key || !home.ca) {
		error = CA_ENOMEM;
		goto out;
	}
	error = url_read(home.dir, &home.stored, problem);
	url = url ? url : home.stored;
	home.url = url ? strdup(url) : NULL;
	if (!error && url && !home.url)
		error = CA_ENOMEM;
	if (error)
		goto out;
	*out = home;
	home = (struct client_home){ 0 }; /* transferred */
out:
	client_home_clear(&home);
	return error;
}

void client_home_clear(struct client_home *home)
{
	free(home->dir);
	free(home->crt);
	free(home->key);
	free(home->ca);
	free(home->url);
	free(home->stored);
	*home = (struct client_home){ 0 };
}

/* Said here, because libcurl reports an unusable pair as a broken handshake. */
static int pair_check(const struct client_home *home, struct client_problem *problem)
{
	const char *const files[] = { home->crt, home->key, home->ca };
	gnutls_certificate_credentials_t credentials = NULL;
	int code;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!access(files[i], R_OK))
			continue;
		ca_refuse(&problem->next, CA_EIO,
		    "an operator's context holds tls.crt, tls.key, ca.crt and ca-url; name its "
		    "directory with "
		    "--home or MICA_HOME");
		return client_fail_errno(&problem->detail, "read", files[i]);
	}
	if (gnutls_certificate_allocate_credentials(&credentials))
		return CA_ENOMEM;
	code = gnutls_certificate_set_x509_key_file2(
	    credentials, home->crt, home->key, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_certificate_free_credentials(credentials);
	if (code >= 0)
		return 0;
	ca_logf(CA_LOG_DEBUG, "%s: %s", home->crt, gnutls_strerror(code));
	return client_fail(
	    problem, CA_EIO, "%s and %s are not a certificate and its key", home->crt, home->key);
}

int client_home_connect(const struct client_args *args, const struct client_home *home,
    struct client_http **out, struct client_problem *problem)
{
	struct client_http_setup setup = {
		.url = home->url, .ca_file = home->ca, .crt_file = home->crt, .key_file = home->key
	};
	int64_t timeout;
	int error = client_arg_duration(args, "timeout", 30, &timeout, problem);

	if (error)
		return error;
	error = pair_check(home, problem);
	if (error)
		return error;
	if (!home->url)
		return client_fail_usage(problem, args->verb->name,
		    "--ca-url is missing, and %s/ca-url is not there", home->dir);
	setup.deadline = ca_monotonic_ms() + timeout * 1000;
	return client_http_open(&setup, out, problem);
}

int client_operator_connect(
    const struct client_args *args, struct client_http **out, struct client_problem *problem)
{
	struct client_home home = { 0 };
	int error = client_home_find(args, &home, problem);

	if (!error)
		error = client_home_connect(args, &home, out, problem);
	client_home_clear(&home);
	return error;
}

int client_home_prepare(const char *dir, struct client_problem *problem)
{
	const struct client_owner owner = CLIENT_OWNER_SELF;

	if (ca_dir_make(dir, 0700))
		return client_fail_errno(&problem->detail, "make the directory", dir);
	return client_layout_probe(dir, &owner, &problem->detail);
}

/* Whose the key in dir is, so that a context renewed by root stays its user's. We, where there is
 * none, or where we may not give files to them. */
static struct client_owner key_owner(const char *dir)
{
	struct client_owner owner = CLIENT_OWNER_SELF;
	char *path = ca_path_join(dir, "tls.key");
	struct stat st;

	if (path && !stat(path, &st))
		owner = (struct client_owner){ st.st_uid, st.st_gid };
	free(path);
	return client_layout_probe(dir, &owner, NULL) ? (struct client_owner)CLIENT_OWNER_SELF
						      : owner;
}

int client_home_write(const struct client_home *home, const char *dir, const char *url,
    const struct ca_buf *crt, const struct ca_key *key, struct client_problem *problem)
{
	struct ca_buf pem = CA_BUF_INIT, ca = CA_BUF_INIT, line = CA_BUF_INIT;
	int error = ca_key_export_pem(key, &pem);

	if (!error)
		error = client_file_read(home->ca, FILE_MAX, &ca, &problem->detail);
	ca_buf_addf(&line, "%s\n", url);
	if (!error)
		error = ca_buf_error(&line);
	if (!error) {
		const struct client_file files[] = {
			{ "tls.crt", crt->data, crt->len, 0644 },
			{ "tls.key", pem.data, pem.len, 0600 },
			{ "ca.crt", ca.data, ca.len, 0644 },
			{ "ca-url", line.data, line.len, 0644 },
		};
		const struct client_owner owner = key_owner(dir);

		error = client_layout_write(
		    dir, files, sizeof(files) / sizeof(*files), &owner, &problem->detail);
	}
	ca_buf_free(&pem);
	ca_buf_free(&ca);
	ca_buf_free(&line);
	return error;
}
