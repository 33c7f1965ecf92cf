/* Whom and what the client believes. */
#include <gnutls/crypto.h>
#include <string.h>

#include "api/client/output.h"
#include "api/client/trust.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

/* The list is an array of the library's, as long as *n says. */
static int bundle_import(const struct ca_buf *bundle, gnutls_x509_crt_t **out, unsigned *n,
    struct client_problem *problem)
{
	const gnutls_datum_t pem = { bundle->data, (unsigned)bundle->len };
	int code = bundle->len ? gnutls_x509_crt_list_import2(out, n, &pem, GNUTLS_X509_FMT_PEM, 0)
			       : GNUTLS_E_NO_CERTIFICATE_FOUND;

	if (code >= 0)
		return 0;
	ca_logf(CA_LOG_DEBUG, "trust bundle: %s", gnutls_strerror(code));
	return client_fail(problem, CA_EANSWER, "the CA's trust bundle holds no certificates");
}

static void bundle_free(gnutls_x509_crt_t *crts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(crts[i]);
	gnutls_free(crts);
}

int client_trust_pick(const struct ca_buf *bundle, const unsigned char sha256[CA_SHA256],
    struct ca_buf *pem, struct client_problem *problem)
{
	gnutls_x509_crt_t *crts = NULL;
	unsigned n = 0;
	int error = bundle_import(bundle, &crts, &n, problem);

	if (error)
		return error;
	error = client_fail(problem, CA_EFINGERPRINT,
	    "none of the CA's %u root%s has the fingerprint expected: it is another CA, or "
	    "somebody is "
	    "in between",
	    n, n == 1 ? "" : "s");
	for (unsigned i = 0; i < n; i++) {
		unsigned char digest[CA_SHA256];
		gnutls_datum_t text = { NULL, 0 };
		size_t len = sizeof(digest);

		if (gnutls_x509_crt_get_fingerprint(crts[i], GNUTLS_DIG_SHA256, digest, &len) ||
		    memcmp(digest, sha256, CA_SHA256) != 0)
			continue;
		error =
		    gnutls_x509_crt_export2(crts[i], GNUTLS_X509_FMT_PEM, &text) ? CA_ENOMEM : 0;
		ca_buf_add(pem, text.data, text.size);
		gnutls_free(text.data);
		break;
	}
	if (!error)
		problem->detail.text[0] = '\0';
	bundle_free(crts, n);
	return error ? error : ca_buf_error(pem);
}

void client_issued_clear(struct client_issued *issued)
{
	for (unsigned i = 0; i < issued->n; i++)
		gnutls_x509_crt_deinit(issued->crts[i]);
	ca_buf_free(&issued->pem);
	*issued = (struct client_issued){ 0 };
}

/* One PEM text that must be exactly one certificate. */
static int issued_add(
    const json_t *value, struct client_issued *issued, struct client_problem *problem)
{
	const char *text = json_string_value(value);
	gnutls_x509_crt_t crt = NULL;
	unsigned n = 1;

	if (text && issued->n < CLIENT_CHAIN_MAX) {
		const gnutls_datum_t pem = { (unsigned char *)(uintptr_t)text,
			(unsigned)strlen(text) };
		int code = gnutls_x509_crt_list_import(&crt, &n, &pem, GNUTLS_X509_FMT_PEM,
		    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

		if (code == 1) {
			gnutls_datum_t own = { NULL, 0 };

			issued->crts[issued->n++] = crt;
			if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &own))
				return CA_ENOMEM;
			ca_buf_add(&issued->pem, own.data, own.size);
			gnutls_free(own.data);
			return ca_buf_error(&issued->pem);
		}
	}
	return client_fail(
	    problem, CA_EANSWER, "the CA's answer lacks a certificate, or one cannot be read");
}

int client_issued_read(
    const json_t *object, struct client_issued *out, struct client_problem *problem)
{
	const json_t *chain = json_object_get(object, "chain"), *value;
	struct client_issued issued = { 0 };
	int error = issued_add(json_object_get(object, "certificate"), &issued, problem);
	size_t i;

	if (!error && !json_is_array(chain))
		error = client_fail(problem, CA_EANSWER, "the CA's answer lacks the chain");
	json_array_foreach(chain, i, value)
	{
		if (!error)
			error = issued_add(value, &issued, problem);
	}
	if (error)
		client_issued_clear(&issued);
	else
		*out = issued;
	return error;
}

int client_issued_parse(
    const struct ca_buf *pem, struct client_issued *out, struct client_problem *problem)
{
	const gnutls_datum_t text = { pem->data, (unsigned)pem->len };
	struct client_issued issued = { .n = CLIENT_CHAIN_MAX };
	int n = pem->len ? gnutls_x509_crt_list_import(issued.crts, &issued.n, &text,
			       GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED)
			 : 0;

	if (n < 1)
		return client_fail(problem, CA_EANSWER, "these are no certificates");
	issued.n = (unsigned)n;
	ca_buf_add(&issued.pem, pem->data, pem->len);
	if (ca_buf_error(&issued.pem)) {
		client_issued_clear(&issued);
		return CA_ENOMEM;
	}
	*out = issued;
	return 0;
}

int client_issued_check_key(
    const struct client_issued *issued, const struct ca_key *key, struct client_problem *problem)
{
	unsigned char theirs[CA_SHA256] = { 0 }, ours[CA_SHA256] = { 0 };
	gnutls_pubkey_t pubkey = NULL;
	int error = gnutls_pubkey_init(&pubkey) ? CA_ENOMEM : 0;

	if (!error && gnutls_pubkey_import_x509(pubkey, issued->crts[0], 0))
		error = CA_EANSWER;
	if (!error)
		error = ca_pubkey_spki_sha256(pubkey, theirs);
	if (!error)
		error = ca_key_spki_sha256(key, ours);
	if (!error && memcmp(theirs, ours, CA_SHA256) != 0)
		error = client_fail(
		    problem, CA_EANSWER, "the certificate in the CA's answer is for another key");
	gnutls_pubkey_deinit(pubkey);
	return error;
}

int client_issued_check_common_name(
    const struct client_issued *issued, const char *common_name, struct client_problem *problem)
{
	char text[256];
	size_t len = sizeof(text);

	if (!gnutls_x509_crt_get_dn_by_oid(
		issued->crts[0], GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len) &&
	    len == strlen(common_name) && !memcmp(text, common_name, len))
		return 0;
	return client_fail(
	    problem, CA_EANSWER, "the certificate in the CA's answer is not for %s", common_name);
}

int client_certificate_names(gnutls_x509_crt_t crt, struct ca_names *out)
{
	for (unsigned i = 0;; i++) {
		char value[2049];
		size_t len = sizeof(value);
		unsigned type = 0;
		int code = gnutls_x509_crt_get_subject_alt_name2(crt, i, value, &len, &type, NULL);
		int error = 0;

		if (code == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (code < 0)
			return 0;
		if (type == GNUTLS_SAN_DNSNAME)
			error = ca_names_add(out, CA_NAME_DNS, value, len, NULL);
		else if (type == GNUTLS_SAN_URI)
			error = ca_names_add(out, CA_NAME_URI, value, len, NULL);
		else if (type == GNUTLS_SAN_IPADDRESS)
			error = ca_names_add_ip(out, (unsigned char *)value, len, NULL);
		if (error == CA_ENOMEM)
			return error;
	}
}

static int names_check(
    gnutls_x509_crt_t crt, const struct ca_names *wanted, struct client_problem *problem)
{
	struct ca_names has = CA_NAMES_INIT;
	int error = client_certificate_names(crt, &has);

	for (size_t i = 0; !error && i < wanted->n; i++)
		if (!ca_names_has(&has, wanted->v[i].type, wanted->v[i].value))
			error = client_fail(problem, CA_EANSWER,
			    "the certificate in the CA's answer does not name %s",
			    wanted->v[i].value);
	ca_names_free(&has);
	return error;
}

static int chain_verify(const struct client_issued *issued, gnutls_x509_crt_t *roots, unsigned n,
    struct client_problem *problem)
{
	const unsigned clock = GNUTLS_CERT_NOT_ACTIVATED | GNUTLS_CERT_EXPIRED;
	gnutls_x509_trust_list_t trust = NULL;
	gnutls_x509_crt_t chain[CLIENT_CHAIN_MAX];
	unsigned status = 0;
	int code = gnutls_x509_trust_list_init(&trust, 0);

	if (code)
		return CA_ENOMEM;
	memcpy(chain, issued->crts, sizeof(chain)); /* the call may put them in another order */
	code = gnutls_x509_trust_list_add_cas(trust, roots, n, 0);
	if (code >= 0)
		code = gnutls_x509_trust_list_verify_crt2(
		    trust, chain, issued->n, NULL, 0, 0, &status, NULL);
	gnutls_x509_trust_list_deinit(trust, 0);
	if (code >= 0 && !status)
		return 0;
	ca_logf(CA_LOG_DEBUG, "chain: %s, status %#x", gnutls_strerror(code), status);
	if (code >= 0 && (status & clock) && !(status & ~(clock | GNUTLS_CERT_INVALID)))
		return client_fail(problem, CA_ECLOCK,
		    "the certificate is not valid now by this machine's clock: set the clock");
	return client_fail(problem, CA_EANSWER,
	    "the certificate in the CA's answer does not lead to the CA's root");
}

int client_issued_check(const struct client_issued *issued, const struct ca_names *names,
    const struct ca_buf *bundle, struct client_problem *problem)
{
	gnutls_x509_crt_t *roots = NULL;
	unsigned n = 0;
	int error = names_check(issued->crts[0], names, problem);

	if (!error)
		error = bundle_import(bundle, &roots, &n, problem);
	if (!error)
		error = chain_verify(issued, roots, n, problem);
	bundle_free(roots, n);
	return error;
}
