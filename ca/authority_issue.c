/* Certificates for those who ask: what was granted, signed, read back, compared. */
#include <arpa/inet.h>
#include <gnutls/x509-ext.h>
#include <string.h>

#include "ca/authority.h"
#include "ca/base/log.h"
#include "ca/certificate.h"

#define NAMES_MAX                                                                                  \
	14336 /* octets of subjectAltName: leaves room for the rest of CA_CERTIFICATE_MAX */

static gnutls_x509_subject_alt_name_t san_type(enum ca_name_type type)
{
	switch (type) {
	case CA_NAME_DNS:
		return GNUTLS_SAN_DNSNAME;
	case CA_NAME_IP:
		return GNUTLS_SAN_IPADDRESS;
	case CA_NAME_URI:
		return GNUTLS_SAN_URI;
	case CA_NAME_EMAIL:
		break;
	}
	return GNUTLS_SAN_RFC822NAME;
}

static int add_name(gnutls_subject_alt_names_t sans, const struct ca_name *name)
{
	unsigned char address[16];
	gnutls_datum_t datum;

	if (name->type == CA_NAME_IP && inet_pton(AF_INET, name->value, address) == 1)
		datum = (gnutls_datum_t){ address, 4 };
	else if (name->type == CA_NAME_IP && inet_pton(AF_INET6, name->value, address) == 1)
		datum = (gnutls_datum_t){ address, 16 };
	else
		datum =
		    (gnutls_datum_t){ (unsigned char *)name->value, (unsigned)strlen(name->value) };
	return gnutls_subject_alt_names_set(sans, san_type(name->type), &datum, NULL);
}

/* With an empty subject the names are all there is, and critical (RFC 5280, section 4.2.1.6). */
static int set_names(gnutls_x509_crt_t crt, const struct ca_names *names, bool critical)
{
	gnutls_subject_alt_names_t sans = NULL;
	gnutls_datum_t der = { NULL, 0 };
	int g, r = 0;

	if (names->n == 0)
		return 0;
	g = gnutls_subject_alt_names_init(&sans);
	for (size_t i = 0; i < names->n && g >= 0; i++)
		g = add_name(sans, &names->v[i]);
	if (g >= 0)
		g = gnutls_x509_ext_export_subject_alt_names(sans, &der);
	if (g >= 0 && der.size > NAMES_MAX)
		r = CA_ETOOMANYNAMES;
	else if (g >= 0)
		g = gnutls_x509_crt_set_extension_by_oid(
		    crt, GNUTLS_X509EXT_OID_SAN, der.data, der.size, critical);
	if (g < 0)
		r = ca_certificate_failed("set the names", g);
	gnutls_subject_alt_names_deinit(sans);
	gnutls_free(der.data);
	return r;
}

static int set_usages(gnutls_x509_crt_t crt, const struct ca_grant *grant)
{
	int g;

	if ((g = gnutls_x509_crt_set_basic_constraints(crt, 0, -1)) < 0 ||
	    (g = gnutls_x509_crt_set_key_usage(crt, grant->key_usage)) < 0)
		return ca_certificate_failed("set the usages", g);
	if (grant->eku & CA_EKU_SERVER_AUTH &&
	    (g = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0)
		return ca_certificate_failed("set the usages", g);
	if (grant->eku & CA_EKU_CLIENT_AUTH &&
	    (g = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0)) < 0)
		return ca_certificate_failed("set the usages", g);
	return 0;
}

static int set_common_name(gnutls_x509_crt_t crt, const char *name)
{
	int g;

	if (!name)
		return 0;
	g = gnutls_x509_crt_set_dn_by_oid(
	    crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	return g < 0 ? ca_certificate_failed("set the subject", g) : 0;
}

/* Policy has decided already; this is what no policy may get past. */
static int check_grant(const struct ca_authority *issuer, const struct ca_grant *grant,
    const unsigned char spki[CA_SHA256])
{
	if (!issuer->key || issuer->status != STORE_AUTHORITY_ACTIVE ||
	    issuer->kind == STORE_AUTHORITY_ROOT)
		return CA_EINTERNAL;
	if (grant->not_before < issuer->not_before || grant->not_before >= grant->not_after)
		return CA_ECLOCK;
	if (grant->not_after > issuer->not_after)
		return CA_EISSUERENDS;
	if (grant->names.n == 0 && !grant->common_name)
		return CA_ENONAMES;
	if (grant->common_name && strlen(grant->common_name) > CA_COMMON_NAME_MAX)
		return CA_ESUBJECT;
	if (grant->key_usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN))
		return CA_EINTERNAL;
	if (memcmp(spki, issuer->spki_sha256, CA_SHA256) == 0)
		return CA_EKEYRESERVED;
	return 0;
}

static int build(const struct ca_authority *issuer, const struct ca_grant *grant,
    const struct ca_urls *urls, gnutls_x509_crt_t crt)
{
	int r;

	r = set_common_name(crt, grant->common_name);
	if (!r)
		r = set_names(crt, &grant->names, grant->common_name == NULL);
	if (!r)
		r = set_usages(crt, grant);
	if (!r)
		r = ca_certificate_point(crt, issuer, urls);
	return r;
}

/* The row takes the DER over. */
static int fill_row(const struct ca_authority *issuer, const struct ca_grant *grant,
    const unsigned char spki[CA_SHA256], struct ca_buf *der, struct store_certificate *row)
{
	int r = ca_names_copy(&grant->names, &row->names);

	if (r)
		return r;
	row->tenant_id = issuer->tenant_id;
	row->issuer_id = issuer->id;
	memcpy(row->spki_sha256, spki, CA_SHA256);
	row->not_before = grant->not_before;
	row->not_after = grant->not_after;
	row->renew_after = grant->renew_after;
	row->status = STORE_GOOD;
	row->der = ca_buf_take(der, &row->der_len); /* transferred */
	return 0;
}

int ca_authority_issue_key(const struct ca_authority *issuer, gnutls_pubkey_t pubkey,
    const struct ca_grant *grant, const struct ca_urls *urls, struct store_certificate *row)
{
	unsigned char spki[CA_SHA256], serial[STORE_SERIAL_MAX];
	gnutls_x509_crt_t crt = NULL, copy = NULL;
	struct ca_buf der = CA_BUF_INIT;
	size_t serial_len;
	int r;

	r = ca_pubkey_spki_sha256(pubkey, spki);
	if (!r)
		r = check_grant(issuer, grant, spki);
	if (!r)
		r = ca_certificate_begin(
		    pubkey, grant->not_before, grant->not_after, &crt, serial, &serial_len);
	if (!r)
		r = build(issuer, grant, urls, crt);
	if (!r)
		r = ca_certificate_sign(crt, issuer->crt, issuer->key, &der, &copy);
	if (!r)
		r = ca_certificate_compare(copy, grant, spki, serial, serial_len);
	if (!r)
		r = fill_row(issuer, grant, spki, &der, row);
	if (!r) {
		memcpy(row->serial, serial, serial_len);
		row->serial_len = serial_len;
	}
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(copy);
	ca_buf_free(&der);
	return r;
}

int ca_authority_issue(const struct ca_authority *issuer, const struct ca_csr *csr,
    const struct ca_grant *grant, const struct ca_urls *urls, struct store_certificate *row)
{
	int r = ca_authority_issue_key(issuer, csr->pubkey, grant, urls, row);

	if (!r)
		memcpy(row->request_sha256, csr->request_sha256, CA_SHA256);
	return r;
}
