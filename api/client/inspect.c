/* mica inspect: what is in a file, or what a TLS server shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/client/describe.h"
#include "api/client/output.h"
#include "api/client/presented.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"

#define INSPECT_MAX (4u << 20)
#define CRTS_MAX 256

/* What was found; all owned. */
struct found {
	gnutls_x509_crt_t crts[CRTS_MAX];
	unsigned n;
	gnutls_pubkey_t key; /* the public half of the private key that was there; NULL: none was */
	json_t *document;    /* {"source", "certificates": […], …} */
};

static int datum_add(struct found *found, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format)
{
	gnutls_x509_crt_t crt = NULL;
	int code = found->n < CRTS_MAX ? gnutls_x509_crt_init(&crt) : GNUTLS_E_SHORT_MEMORY_BUFFER;

	if (!code)
		code = gnutls_x509_crt_import(crt, data, format);
	if (code) {
		gnutls_x509_crt_deinit(crt);
		return code;
	}
	found->crts[found->n++] = crt;
	return 0;
}

/* ---- files ---- */

static int request_add(
    struct found *found, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format)
{
	gnutls_x509_crq_t crq = NULL;
	int code = gnutls_x509_crq_init(&crq);

	if (!code)
		code = gnutls_x509_crq_import(crq, data, format);
	if (!code)
		json_object_set_new(
		    found->document, "certificate_request", client_describe_request(crq));
	gnutls_x509_crq_deinit(crq);
	return code;
}

static int key_add(struct found *found, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format)
{
	gnutls_privkey_t privkey = NULL;
	gnutls_pubkey_t pubkey = NULL;
	int code = gnutls_privkey_init(&privkey);

	if (!code)
		code = gnutls_pubkey_init(&pubkey);
	if (!code)
		code = gnutls_privkey_import_x509_raw(privkey, data, format, NULL, 0);
	if (!code)
		code = gnutls_pubkey_import_privkey(pubkey, privkey, 0, 0);
	if (!code) {
		gnutls_pubkey_deinit(found->key);
		found->key = pubkey;
		pubkey = NULL; /* transferred */
	}
	gnutls_pubkey_deinit(pubkey);
	gnutls_privkey_deinit(privkey);
	return code;
}

static int nothing_add(
    struct found *found, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format)
{
	(void)found;
	(void)data;
	(void)format;
	return 0;
}

/* One PEM block, of a label that ends so; the first that fits counts.
 * GNUTLS_E_UNIMPLEMENTED_FEATURE: of a kind that is not read. */
static int block_add(
    struct found *found, const char *label, size_t label_len, const gnutls_datum_t *block)
{
	static const struct {
		const char *suffix;
		int (*add)(struct found *, const gnutls_datum_t *, gnutls_x509_crt_fmt_t);
	} kinds[] = {
		{ "EC PARAMETERS", nothing_add },  /* before a key, as openssl ecparam writes it */
		{ "TRUSTED CERTIFICATE", NULL },   /* OpenSSL's own, with more behind the DER */
		{ "ATTRIBUTE CERTIFICATE", NULL }, /* RFC 5755 */
		{ "CERTIFICATE REQUEST", request_add },
		{ "CERTIFICATE", datum_add },
		{ "PRIVATE KEY", key_add },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t len = strlen(kinds[i].suffix);

		if (label_len >= len && !memcmp(label + label_len - len, kinds[i].suffix, len))
			return kinds[i].add ? kinds[i].add(found, block, GNUTLS_X509_FMT_PEM)
					    : GNUTLS_E_UNIMPLEMENTED_FEATURE;
	}
	return GNUTLS_E_UNIMPLEMENTED_FEATURE;
}

/* A word between two places; the text may hold NULs. */
static const char *word_find(const char *from, const char *to, const char *word)
{
	return memmem(from, (size_t)(to - from), word, strlen(word));
}

static int block_fail(
    const char *path, const char *label, size_t len, int code, struct client_problem *problem)
{
	if (code == GNUTLS_E_UNIMPLEMENTED_FEATURE)
		return client_fail(problem, CA_EINVAL,
		    "%s holds a block of the kind %.*s, which is not read", path, (int)len, label);
	if (code == GNUTLS_E_DECRYPTION_FAILED || memmem(label, len, "ENC", 3))
		return client_fail(problem, CA_EINVAL, "%s is a private key with a password", path);
	return client_fail(
	    problem, CA_EINVAL, "%s: the block %.*s is damaged", path, (int)len, label);
}

static int pem_read(struct found *found, const char *path, const struct ca_buf *text,
    struct client_problem *problem)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	const char *at = ca_buf_text(text), *behind = at + text->len;

	while ((at = word_find(at, behind, begin))) {
		const char *label = at + sizeof(begin) - 1;
		size_t len = strcspn(label, "-\r\n");
		const char *stop = word_find(label, behind, end);
		gnutls_datum_t block;
		int code;

		if (!stop)
			return client_fail(
			    problem, CA_EINVAL, "%s is cut off within a block", path);
		stop += strcspn(stop, "\r\n");
		block = (gnutls_datum_t){ (unsigned char *)(uintptr_t)at, (unsigned)(stop - at) };
		code = block_add(found, label, len, &block);
		if (code)
			return block_fail(path, label, len, code, problem);
		at = stop;
	}
	if (!found->n && !found->key && !json_object_get(found->document, "certificate_request"))
		return client_fail(
		    problem, CA_EINVAL, "%s holds no certificate, request or key", path);
	return 0;
}

static int der_read(struct found *found, const char *path, const struct ca_buf *octets,
    struct client_problem *problem)
{
	const gnutls_datum_t data = { octets->data, (unsigned)octets->len };

	if (octets->len && (!datum_add(found, &data, GNUTLS_X509_FMT_DER) ||
			       !request_add(found, &data, GNUTLS_X509_FMT_DER) ||
			       !key_add(found, &data, GNUTLS_X509_FMT_DER)))
		return 0;
	return client_fail(problem, CA_EINVAL,
	    "%s holds no certificate, request or key, neither as PEM nor as DER", path);
}

static int file_read(struct found *found, const char *path, struct client_problem *problem)
{
	struct ca_buf text = CA_BUF_INIT;
	int error = client_file_read(path, INSPECT_MAX, &text, &problem->detail);

	if (!error && text.len && memmem(text.data, text.len, "-----BEGIN ", 11))
		error = pem_read(found, path, &text, problem);
	else if (!error)
		error = der_read(found, path, &text, problem);
	ca_buf_free(&text);
	return error;
}

/* ---- servers ---- */

/* "HOST:PORT" or "[ADDRESS]:PORT" cut in two; false: it is neither. */
static bool host_split(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[' && colon && colon > text && colon[-1] == ']';
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (!colon || !len || !colon[1] || (!brackets && memchr(text, ':', len)) ||
	    strchr(text, '/'))
		return false;
	*host = brackets ? strndup(text + 1, len - 2) : strndup(text, len);
	*port = strdup(colon + 1);
	return *host && *port;
}

static int server_read(struct found *found, const char *host, const char *port, int64_t timeout,
    struct client_problem *problem)
{
	struct client_presented presented = { 0 };
	int error = client_presented_get(
	    host, port, ca_monotonic_ms() + timeout * 1000, &presented, problem);

	for (unsigned i = 0; !error && i < presented.n; i++)
		if (datum_add(found, &presented.der[i], GNUTLS_X509_FMT_DER))
			error = client_fail(problem, CA_EANSWER,
			    "certificate %u of the server cannot be read", i + 1);
	if (!error) {
		json_object_set_new(found->document, "protocol", json_string(presented.protocol));
		json_object_set_new(found->document, "host_name_matches",
		    json_boolean(gnutls_x509_crt_check_hostname(found->crts[0], host)));
	}
	client_presented_clear(&presented);
	return error;
}

/* ---- both ---- */

static int source_read(
    struct found *found, const struct client_args *args, struct client_problem *problem)
{
	const char *source = args->arguments[0];
	char *host = NULL, *port = NULL;
	struct stat st;
	int64_t timeout;
	int error = client_arg_duration(args, "timeout", 10, &timeout, problem);

	if (error)
		return error;
	if (strcmp(source, "-") != 0 && stat(source, &st) && host_split(source, &host, &port))
		error = server_read(found, host, port, timeout, problem);
	else
		error = file_read(found, source, problem);
	free(host);
	free(port);
	return error;
}

static void certificates_describe(struct found *found)
{
	json_t *list = json_array();
	struct ca_buf chain = CA_BUF_INIT;

	for (unsigned i = 0; i < found->n; i++)
		json_array_append_new(list, client_describe_certificate(found->crts[i]));
	json_object_set_new(found->document, "certificates", list);
	if (found->n < 2 && !json_object_get(found->document, "protocol"))
		return;
	client_describe_chain(found->crts, found->n, &chain);
	json_object_set_new(found->document, "chain", json_string(ca_buf_text(&chain)));
	ca_buf_free(&chain);
}

/* The key, and which of the certificates is for it. */
static void key_describe(struct found *found)
{
	unsigned char ours[64], theirs[64];
	size_t ours_len = sizeof(ours);
	json_t *object = client_describe_key(found->key);

	json_object_set_new(found->document, "private_key", object);
	if (gnutls_pubkey_get_key_id(found->key, GNUTLS_KEYID_USE_SHA256, ours, &ours_len))
		return;
	for (unsigned i = 0; i < found->n; i++) {
		size_t len = sizeof(theirs);

		if (!gnutls_x509_crt_get_key_id(
			found->crts[i], GNUTLS_KEYID_USE_SHA256, theirs, &len) &&
		    len == ours_len && !memcmp(ours, theirs, len))
			json_object_set_new(object, "of_certificate", json_integer(i + 1));
	}
}

static void section_print(const struct found *found, const char *key, const char *title)
{
	const json_t *object = json_object_get(found->document, key);

	if (!object)
		return;
	printf("%s%s\n", found->n ? "\n" : "", title);
	client_describe_print(object);
}

static void found_print(const struct found *found)
{
	const json_t *list = json_object_get(found->document, "certificates"), *one;
	const json_t *matches = json_object_get(found->document, "host_name_matches");
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (json_array_size(list) > 1)
			printf("%scertificate %zu of %zu\n", i ? "\n" : "", i + 1,
			    json_array_size(list));
		client_describe_print(one);
	}
	section_print(found, "certificate_request",
	    "a certificate signing request (PKCS#10), not a certificate");
	section_print(found, "private_key", "a private key: keep it to yourself");
	if (found->n && json_object_get(found->document, "chain"))
		printf("\n%-19s  %s\n", "chain", client_json_text(found->document, "chain"));
	if (matches)
		printf("%-19s  %s\n%-19s  %s\n", "host name",
		    json_is_true(matches) ? "matches" : "does not match", "protocol",
		    client_json_text(found->document, "protocol"));
}

static int inspect_run(const struct client_args *args, struct client_problem *problem)
{
	struct found found = { .document = json_object() };
	struct ca_buf source = CA_BUF_INIT;
	int error;

	client_safe_add(&source, args->arguments[0], strlen(args->arguments[0]));
	json_object_set_new(found.document, "source", json_string(ca_buf_text(&source)));
	ca_buf_free(&source);
	error = source_read(&found, args, problem);
	if (!error && found.n)
		certificates_describe(&found);
	if (!error && found.key)
		key_describe(&found);
	if (!error && client_arg(args, "json"))
		error = client_json_print(found.document);
	else if (!error)
		found_print(&found);
	for (unsigned i = 0; i < found.n; i++)
		gnutls_x509_crt_deinit(found.crts[i]);
	gnutls_pubkey_deinit(found.key);
	json_decref(found.document);
	return error;
}

static const struct client_flag flags[] = {
	{ .name = "timeout", .value = "DURATION", .help = "for the server's answer (default 10s)" },
	CLIENT_FLAG_JSON,
	CLIENT_FLAG_VERBOSE,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_inspect = {
	.name = "inspect",
	.summary = "Explain the certificates in a file, or those that a TLS server shows",
	.details =
	    "PEM or DER; - for standard input. Nothing is verified: it is told what is there.\n\n"
	    "  mica inspect /etc/web/tls/tls.crt\n"
	    "  mica inspect web.internal:443\n",
	.arguments = "FILE|HOST:PORT",
	.arguments_min = 1,
	.arguments_max = 1,
	.flags = flags,
	.run = inspect_run,
};
