#include <string.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/certificate.h"
#include "ca/seal.h"
#include "ca/template.h"

#define URL_MAX 1024

int ca_certificate_failed(const char *act, int gnutls_error)
{
	ca_logf(CA_LOG_ERROR, "cannot %s: %s", act, gnutls_strerror(gnutls_error));
	return gnutls_error == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
}

int ca_certificate_serial(unsigned char serial[CA_SERIAL])
{
	int r;

	do {
		r = ca_random(serial, CA_SERIAL);
		serial[0] &= 0x7f;
	} while (!r && serial[0] == 0);
	return r;
}

/* The leftmost 160 bits of the SPKI's SHA-256 (RFC 5280, section 4.2.1.2, leaves the method open).
 */
static int set_key_id(gnutls_x509_crt_t crt, gnutls_pubkey_t pubkey)
{
	unsigned char spki[CA_SHA256];
	int g, r;

	r = ca_pubkey_spki_sha256(pubkey, spki);
	if (r)
		return r;
	g = gnutls_x509_crt_set_subject_key_id(crt, spki, CA_KEY_ID);
	return g < 0 ? ca_certificate_failed("set a key identifier", g) : 0;
}

int ca_certificate_begin(gnutls_pubkey_t pubkey, const unsigned char *serial, size_t serial_len,
    int64_t not_before, int64_t not_after, gnutls_x509_crt_t *out)
{
	gnutls_x509_crt_t crt = NULL;
	int g, r;

	g = gnutls_x509_crt_init(&crt);
	if (g < 0)
		return ca_certificate_failed("begin a certificate", g);
	if ((g = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
	    (g = gnutls_x509_crt_set_serial(crt, serial, serial_len)) < 0 ||
	    (g = gnutls_x509_crt_set_activation_time(crt, (time_t)not_before)) < 0 ||
	    (g = gnutls_x509_crt_set_expiration_time(crt, (time_t)not_after)) < 0 ||
	    (g = gnutls_x509_crt_set_pubkey(crt, pubkey)) < 0) {
		r = ca_certificate_failed("begin a certificate", g);
		goto out;
	}
	r = set_key_id(crt, pubkey);
	if (r)
		goto out;
	*out = crt;
	crt = NULL; /* transferred */
out:
	gnutls_x509_crt_deinit(crt);
	return r;
}

static int set_authority_key_id(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	unsigned char id[64];
	size_t len = sizeof(id);
	int g;

	g = gnutls_x509_crt_get_subject_key_id(issuer, id, &len, NULL);
	if (g >= 0)
		g = gnutls_x509_crt_set_authority_key_id(crt, id, len);
	return g < 0 ? ca_certificate_failed("name the issuer's key", g) : 0;
}

/* accessMethod and URL into the authority information access (RFC 5280, section 4.2.2.1). */
static int set_access(gnutls_x509_crt_t crt, int what, const struct ca_buf *url)
{
	gnutls_datum_t datum = { url->data, (unsigned)url->len };

	return gnutls_x509_crt_set_authority_info_access(crt, what, &datum);
}

static int set_urls(gnutls_x509_crt_t crt, const char *issuer, const char *base)
{
	struct ca_buf certificate = CA_BUF_INIT, ocsp = CA_BUF_INIT, crl = CA_BUF_INIT;
	int g, r = 0;

	ca_buf_addf(&certificate, "%s/ca/%s.cer", base, issuer);
	ca_buf_addf(&ocsp, "%s/ocsp", base);
	ca_buf_addf(&crl, "%s/crl/%s.crl", base, issuer);
	if (ca_buf_error(&certificate) || ca_buf_error(&ocsp) || ca_buf_error(&crl)) {
		r = CA_ENOMEM;
		goto out;
	}
	if (certificate.len > URL_MAX || crl.len > URL_MAX) {
		r = CA_EINTERNAL;
		goto out;
	}
	if ((g = set_access(crt, GNUTLS_IA_OCSP_URI, &ocsp)) < 0 ||
	    (g = set_access(crt, GNUTLS_IA_CAISSUERS_URI, &certificate)) < 0 ||
	    (g = gnutls_x509_crt_set_crl_dist_points2(
		 crt, GNUTLS_SAN_URI, crl.data, (unsigned)crl.len, 0)) < 0)
		r = ca_certificate_failed("set the revocation URLs", g);
out:
	ca_buf_free(&certificate);
	ca_buf_free(&ocsp);
	ca_buf_free(&crl);
	return r;
}

int ca_certificate_point(
    gnutls_x509_crt_t crt, const struct ca_authority *issuer, const struct ca_urls *urls)
{
	int r = set_authority_key_id(crt, issuer->crt);

	if (!r && urls && urls->revocation_url)
		r = set_urls(crt, issuer->name, urls->revocation_url);
	return r;
}

int ca_certificate_import(const unsigned char *der, size_t len, gnutls_x509_crt_t *out)
{
	gnutls_x509_crt_t crt = NULL;
	struct ca_buf copy = CA_BUF_INIT; /* GnuTLS takes no const octets */
	gnutls_datum_t datum;
	int g, r;

	if (len == 0 || len > CA_CERTIFICATE_MAX)
		return CA_EINVAL;
	ca_buf_add(&copy, der, len);
	r = ca_buf_error(&copy);
	if (r)
		return r;
	datum = (gnutls_datum_t){ copy.data, (unsigned)copy.len };
	g = gnutls_x509_crt_init(&crt);
	if (g < 0) {
		r = ca_certificate_failed("read a certificate", g);
		goto out;
	}
	g = gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER);
	if (g < 0) {
		ca_certificate_failed("read a certificate", g);
		r = CA_EINVAL;
		goto out;
	}
	*out = crt;
	crt = NULL; /* transferred */
out:
	gnutls_x509_crt_deinit(crt);
	ca_buf_free(&copy);
	return r;
}

int ca_certificate_verify(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	/* Without the last flag a self-signed certificate is believed unread, being its own issuer.
	 */
	const unsigned flags = GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
			       GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |
			       GNUTLS_VERIFY_DO_NOT_ALLOW_SAME;
	unsigned status = 0;
	int g;

	g = gnutls_x509_crt_verify(crt, &issuer, 1, flags, &status);
	if (g < 0)
		return ca_certificate_failed("verify a certificate", g);
	if (status) {
		ca_logf(CA_LOG_ERROR, "a certificate does not verify: status 0x%x", status);
		return CA_EINTERNAL;
	}
	return 0;
}

int ca_certificate_sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, const struct ca_key *key,
    struct ca_buf *der, gnutls_x509_crt_t *out)
{
	gnutls_digest_algorithm_t digest = ca_key_digest(ca_key_type(key));
	gnutls_datum_t datum = { NULL, 0 };
	gnutls_x509_crt_t copy = NULL;
	int g, r;

	if (digest == GNUTLS_DIG_UNKNOWN)
		return CA_EKEYTYPE;
	if ((g = gnutls_x509_crt_privkey_sign(crt, issuer, ca_key_privkey(key), digest, 0)) < 0 ||
	    (g = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &datum)) < 0) {
		r = ca_certificate_failed("sign a certificate", g);
		goto out;
	}
	r = ca_certificate_import(datum.data, datum.size, &copy);
	if (r == CA_EINVAL)
		r = CA_EINTERNAL;
	if (!r)
		r = ca_certificate_verify(copy, issuer == crt ? copy : issuer);
	if (r)
		goto out;
	ca_buf_add(der, datum.data, datum.size);
	r = ca_buf_error(der);
	if (!r) {
		*out = copy;
		copy = NULL; /* transferred */
	}
out:
	gnutls_x509_crt_deinit(copy);
	gnutls_free(datum.data);
	return r;
}

int ca_certificate_spki_sha256(gnutls_x509_crt_t crt, unsigned char out[CA_SHA256])
{
	unsigned char hash[CA_SHA256];
	size_t len = sizeof(hash);
	int g;

	g = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, hash, &len);
	if (g < 0)
		return ca_certificate_failed("hash a public key", g);
	memcpy(out, hash, sizeof(hash));
	return 0;
}
