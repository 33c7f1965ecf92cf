/* CA certificates. */
#include <string.h>

#include "ca/authority.h"
#include "ca/base/log.h"
#include "ca/certificate.h"

static int set_subject(gnutls_x509_crt_t crt, const struct ca_authority_template *tmpl)
{
	const char *o = tmpl->organization;
	int g = 0;

	if (o)
		g = gnutls_x509_crt_set_dn_by_oid(
		    crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, o, (unsigned)strlen(o));
	if (g >= 0)
		g = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
		    tmpl->common_name, (unsigned)strlen(tmpl->common_name));
	return g < 0 ? ca_certificate_failed("set a CA's subject", g) : 0;
}

static int set_constraints(gnutls_x509_crt_t crt, const struct ca_authority_template *tmpl)
{
	int g;

	if ((g = gnutls_x509_crt_set_basic_constraints(crt, 1, tmpl->pathlen)) < 0 ||
	    (g = gnutls_x509_crt_set_key_usage(
		 crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) < 0)
		return ca_certificate_failed("set a CA's constraints", g);
	return tmpl->constraints ? ca_constraints_set(crt, tmpl->constraints) : 0;
}

/* The extension's octets, and that it is critical; none: empty. */
static int get_name_constraints(gnutls_x509_crt_t crt, gnutls_datum_t *out)
{
	unsigned critical = 0;
	int g;

	g = gnutls_x509_crt_get_extension_by_oid2(
	    crt, GNUTLS_X509EXT_OID_NAME_CONSTRAINTS, 0, out, &critical);
	if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return 0;
	if (g < 0)
		return ca_certificate_failed("read a CA's name constraints", g);
	return critical ? 0 : CA_EINTERNAL;
}

/* The name constraints in the signed certificate are those that were set, and they were when they
 * were to be. */
static int compare_names(gnutls_x509_crt_t made, gnutls_x509_crt_t copy, bool constrained)
{
	gnutls_datum_t set = { NULL, 0 }, read = { NULL, 0 };
	int r;

	r = get_name_constraints(made, &set);
	if (!r)
		r = get_name_constraints(copy, &read);
	if (!r && (constrained != (read.size > 0) || read.size != set.size ||
		      (constrained && memcmp(read.data, set.data, read.size) != 0)))
		r = CA_EINTERNAL;
	gnutls_free(set.data);
	gnutls_free(read.data);
	return r;
}

/* Read back: the things that make a CA dangerous when they are wrong. */
static int compare(
    gnutls_x509_crt_t made, gnutls_x509_crt_t crt, const struct ca_authority_template *tmpl)
{
	unsigned critical = 0, ca = 0, usage = 0;
	int pathlen = 0;
	int g;

	g = gnutls_x509_crt_get_basic_constraints(crt, &critical, &ca, &pathlen);
	if (g >= 0 && critical && ca && pathlen == tmpl->pathlen)
		g = gnutls_x509_crt_get_key_usage(crt, &usage, &critical);
	else
		critical = 0;
	if (g >= 0 && critical && usage == (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN) &&
	    gnutls_x509_crt_get_activation_time(crt) == (time_t)tmpl->not_before &&
	    gnutls_x509_crt_get_expiration_time(crt) == (time_t)tmpl->not_after &&
	    compare_names(made, crt, tmpl->constraints && ca_constraints_any(tmpl->constraints)) ==
		0)
		return 0;
	ca_logf(CA_LOG_ERROR, "a new CA certificate is not what was asked for");
	return CA_EINTERNAL;
}

/* A signature below a parent: within its lifetime, and only where it may have CAs below it. */
static int check_parent(const struct ca_authority *parent, const struct ca_authority_template *tmpl)
{
	if (!parent)
		return 0;
	if (!parent->key || parent->kind != STORE_AUTHORITY_ROOT)
		return CA_EINTERNAL;
	if (tmpl->not_before < parent->not_before)
		return CA_ECLOCK;
	return tmpl->not_after > parent->not_after ? CA_EISSUERENDS : 0;
}

static int check_template(const struct ca_authority_template *tmpl)
{
	if (strlen(tmpl->common_name) > CA_COMMON_NAME_MAX || !tmpl->common_name[0])
		return CA_ESUBJECT;
	if (tmpl->organization && strlen(tmpl->organization) > CA_COMMON_NAME_MAX)
		return CA_ESUBJECT;
	return tmpl->not_before < tmpl->not_after ? 0 : CA_EINVAL;
}

int ca_authority_create(const struct ca_authority *parent, const struct ca_key *key,
    const struct ca_authority_template *tmpl, const struct ca_urls *urls, struct ca_buf *der,
    unsigned char *serial, size_t *serial_len)
{
	gnutls_x509_crt_t crt = NULL, copy = NULL;
	struct ca_buf made = CA_BUF_INIT;
	unsigned char number[CA_SERIAL];
	int r;

	r = check_template(tmpl);
	if (!r)
		r = check_parent(parent, tmpl);
	if (!r)
		r = ca_certificate_serial(number);
	if (!r)
		r = ca_certificate_begin(ca_key_pubkey(key), number, sizeof(number),
		    tmpl->not_before, tmpl->not_after, &crt);
	if (!r)
		r = set_subject(crt, tmpl);
	if (!r)
		r = set_constraints(crt, tmpl);
	if (!r && parent)
		r = ca_certificate_point(crt, parent, urls);
	if (!r)
		r = ca_certificate_sign(
		    crt, parent ? parent->crt : crt, parent ? parent->key : key, &made, &copy);
	if (!r)
		r = compare(crt, copy, tmpl);
	if (!r) {
		ca_buf_add(der, made.data, made.len);
		r = ca_buf_error(der);
	}
	if (!r) {
		memcpy(serial, number, sizeof(number));
		*serial_len = sizeof(number);
	}
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(copy);
	ca_buf_free(&made);
	return r;
}
