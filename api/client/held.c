/* What DIR holds already. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/client/describe.h"
#include "api/client/held.h"
#include "api/client/trust.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/text.h"

#define CRT_FILE_MAX (1u << 20)

bool client_held_valid(const char *dir)
{
	char *path = ca_path_join(dir, "tls.crt");
	struct ca_buf pem = CA_BUF_INIT;
	gnutls_x509_crt_t crt = NULL;
	bool valid = false;
	time_t now = (time_t)ca_now();

	if (path && !client_file_read(path, CRT_FILE_MAX, &pem, NULL) &&
	    !gnutls_x509_crt_init(&crt)) {
		const gnutls_datum_t text = { pem.data, (unsigned)pem.len };

		valid = !gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM) &&
			gnutls_x509_crt_get_activation_time(crt) <= now &&
			gnutls_x509_crt_get_expiration_time(crt) > now;
		gnutls_x509_crt_deinit(crt);
	}
	free(path);
	ca_buf_free(&pem);
	return valid;
}

/* One set of files; all owned. */
struct held {
	int dir, set; /* DIR, and DIR/..data */
	struct ca_key *key;
	struct client_issued issued;
	struct ca_buf bundle;
};

static bool file_get(int set, const char *name, struct ca_buf *out)
{
	int fd = openat(set, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool got = fd >= 0 && !ca_fd_read(fd, CRT_FILE_MAX, out);

	if (fd >= 0)
		close(fd);
	return got;
}

/* Is the set's file what is seen in DIR? Not, if the writing was cut off between the two. */
static bool linked(const struct held *held, const char *name)
{
	struct stat ours, seen;

	return !fstatat(held->set, name, &ours, AT_SYMLINK_NOFOLLOW) &&
	       !fstatat(held->dir, name, &seen, 0) && ours.st_ino == seen.st_ino &&
	       ours.st_dev == seen.st_dev;
}

static bool of_token(const struct held *held, const struct client_fetch_plan *plan)
{
	struct ca_buf text = CA_BUF_INIT;
	char hex[2 * CA_SHA256 + 1];
	bool same;

	ca_hex(plan->token.id_sha256, CA_SHA256, hex);
	same = file_get(held->set, CLIENT_HELD_TOKEN, &text) && !strcmp(ca_buf_text(&text), hex);
	ca_buf_free(&text);
	return same && linked(held, "tls.key") && linked(held, "tls.crt") &&
	       linked(held, "ca.crt") && (!plan->combined || linked(held, "tls.pem")) &&
	       (!plan->pkcs12 || linked(held, "tls.p12"));
}

static bool files_read(struct held *held, struct client_problem *why)
{
	struct ca_buf key = CA_BUF_INIT, crt = CA_BUF_INIT;
	bool read = file_get(held->set, "tls.key", &key) && file_get(held->set, "tls.crt", &crt) &&
		    file_get(held->set, "ca.crt", &held->bundle) &&
		    !ca_key_open_pem(&ca_key_gnutls, ca_buf_text(&key), key.len, &held->key) &&
		    !client_issued_parse(&crt, &held->issued, why);

	ca_buf_free(&key);
	ca_buf_free(&crt);
	return read;
}

/* The same that is asked of what the CA sends. */
static bool fits(
    const struct held *held, const struct client_fetch_plan *plan, struct client_problem *why)
{
	return ca_key_type(held->key) == plan->key_type &&
	       !client_issued_check_key(&held->issued, held->key, why) &&
	       (!plan->common_name ||
		   !client_issued_check_common_name(&held->issued, plan->common_name, why)) &&
	       !client_issued_check(&held->issued, &plan->names, &held->bundle, why);
}

static json_t *describe(gnutls_x509_crt_t crt)
{
	static const char *const keys[] = { "serial", "fingerprint", "not_before", "not_after" };
	json_t *all = client_describe_certificate(crt), *some = json_pack("{s:b}", "due", 0);

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set(some, keys[i], json_object_get(all, keys[i]));
	json_decref(all);
	return some;
}

void client_held_fetched(const struct client_fetch_plan *plan, json_t **certificate)
{
	struct held held = { .dir = open(plan->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.set = -1 };
	struct client_problem why = { 0 }; /* told to nobody: then the CA is asked */

	*certificate = NULL;
	if (held.dir >= 0)
		held.set = openat(held.dir, "..data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (held.set >= 0 && of_token(&held, plan) && files_read(&held, &why) &&
	    fits(&held, plan, &why))
		*certificate = describe(held.issued.crts[0]);
	client_issued_clear(&held.issued);
	ca_key_free(held.key);
	ca_buf_free(&held.bundle);
	if (held.set >= 0)
		close(held.set);
	if (held.dir >= 0)
		close(held.dir);
}
