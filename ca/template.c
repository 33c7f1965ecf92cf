#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/template.h"

struct ca_template {
	const struct ca_der_oid *signature;
	bool null_parameters;
	struct ca_buf issuer; /* Name */
	unsigned char issuer_key_id[64];
	size_t issuer_key_id_len;
	struct ca_buf certificate_path, crl_path; /* behind the revocation URL */
};

static const char ocsp_path[] = "/ocsp";

/* RFC 8017, appendix C, and RFC 5758, section 3.2. */
static const struct ca_der_oid rsa_sha256 = { 9,
	{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b } };
static const struct ca_der_oid ecdsa_sha256 = { 8,
	{ 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 } };
static const struct ca_der_oid ecdsa_sha384 = { 8,
	{ 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 } };

/* RFC 5280, appendix A. */
static const struct ca_der_oid common_name = { 3, { 0x55, 0x04, 0x03 } };
static const struct ca_der_oid organization = { 3, { 0x55, 0x04, 0x0a } };
static const struct ca_der_oid organizational_unit = { 3, { 0x55, 0x04, 0x0b } };
static const struct ca_der_oid subject_key_id = { 3, { 0x55, 0x1d, 0x0e } };
static const struct ca_der_oid key_usage = { 3, { 0x55, 0x1d, 0x0f } };
static const struct ca_der_oid subject_alt_name = { 3, { 0x55, 0x1d, 0x11 } };
static const struct ca_der_oid basic_constraints = { 3, { 0x55, 0x1d, 0x13 } };
static const struct ca_der_oid crl_distribution_points = { 3, { 0x55, 0x1d, 0x1f } };
static const struct ca_der_oid authority_key_id = { 3, { 0x55, 0x1d, 0x23 } };
static const struct ca_der_oid ext_key_usage = { 3, { 0x55, 0x1d, 0x25 } };
static const struct ca_der_oid authority_info_access = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01 } };
static const struct ca_der_oid server_auth = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 } };
static const struct ca_der_oid client_auth = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02 } };
static const struct ca_der_oid code_signing = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03 } };
static const struct ca_der_oid email_protection = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04 } };
static const struct ca_der_oid access_ocsp = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01 } };
static const struct ca_der_oid access_ca_issuers = { 8,
	{ 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02 } };

/* The CHOICEs of a GeneralName (RFC 5280, section 4.2.1.6). */
enum {
	RFC822_NAME = CA_DER_CONTEXT | 1,
	DNS_NAME = CA_DER_CONTEXT | 2,
	URI = CA_DER_CONTEXT | 6,
	IP_ADDRESS = CA_DER_CONTEXT | 7,
};

/* ---- once an issuer ---- */

void ca_template_free(struct ca_template *tmpl)
{
	if (!tmpl)
		return;
	ca_buf_free(&tmpl->issuer);
	ca_buf_free(&tmpl->certificate_path);
	ca_buf_free(&tmpl->crl_path);
	free(tmpl);
}

static int set_algorithm(struct ca_template *tmpl, enum ca_key_type signer)
{
	switch (ca_key_digest(signer)) {
	case GNUTLS_DIG_SHA256:
		tmpl->null_parameters = signer != CA_KEY_EC_P256;
		tmpl->signature = tmpl->null_parameters ? &rsa_sha256 : &ecdsa_sha256;
		return 0;
	case GNUTLS_DIG_SHA384:
		tmpl->signature = &ecdsa_sha384;
		return 0;
	default:
		return CA_EKEYTYPE;
	}
}

static int set_issuer(struct ca_template *tmpl, gnutls_x509_crt_t issuer)
{
	gnutls_datum_t name = { NULL, 0 };
	int g = gnutls_x509_crt_get_raw_dn(issuer, &name);

	if (g >= 0) {
		ca_buf_add(&tmpl->issuer, name.data, name.size);
		tmpl->issuer_key_id_len = sizeof(tmpl->issuer_key_id);
		g = gnutls_x509_crt_get_subject_key_id(
		    issuer, tmpl->issuer_key_id, &tmpl->issuer_key_id_len, NULL);
	}
	gnutls_free(name.data);
	if (g < 0) {
		ca_logf(
		    CA_LOG_ERROR, "cannot read an issuer's certificate: %s", gnutls_strerror(g));
		return g == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
	}
	return ca_buf_error(&tmpl->issuer);
}

int ca_template_make(
    gnutls_x509_crt_t issuer, enum ca_key_type signer, const char *name, struct ca_template **out)
{
	struct ca_template *tmpl = calloc(1, sizeof(*tmpl));
	int r;

	if (!tmpl)
		return CA_ENOMEM;
	r = set_algorithm(tmpl, signer);
	if (!r)
		r = set_issuer(tmpl, issuer);
	if (r)
		goto out;
	ca_buf_addf(&tmpl->certificate_path, "/ca/%s.cer", name);
	ca_buf_addf(&tmpl->crl_path, "/crl/%s.crl", name);
	r = ca_buf_error(&tmpl->certificate_path);
	if (!r)
		r = ca_buf_error(&tmpl->crl_path);
	if (r)
		goto out;
	*out = tmpl;
	tmpl = NULL; /* transferred */
out:
	ca_template_free(tmpl);
	return r;
}

/* ---- extensions, each what stands last first ---- */

/* An Extension around a value that was written since mark. */
static void extension(struct ca_der *der, const struct ca_der_oid *oid, bool critical, size_t mark)
{
	ca_der_wrap(der, CA_DER_OCTET_STRING, mark);
	if (critical)
		ca_der_boolean(der, true);
	ca_der_oid(der, oid);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
}

static void write_uri(struct ca_der *der, const char *base, const void *path, size_t path_len)
{
	size_t mark = der->len;

	ca_der_raw(der, path, path_len);
	ca_der_raw(der, base, strlen(base));
	ca_der_wrap(der, URI, mark);
}

static void write_crl_distribution_point(
    const struct ca_template *tmpl, const char *url, struct ca_der *der)
{
	size_t mark = der->len;

	write_uri(der, url, tmpl->crl_path.data, tmpl->crl_path.len);
	ca_der_wrap(der, CA_DER_CONSTRUCTED | 0, mark); /* fullName */
	ca_der_wrap(der, CA_DER_CONSTRUCTED | 0, mark); /* distributionPoint */
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	extension(der, &crl_distribution_points, false, mark);
}

static void write_access(const struct ca_template *tmpl, const char *url, struct ca_der *der)
{
	size_t mark = der->len, second;

	write_uri(der, url, tmpl->certificate_path.data, tmpl->certificate_path.len);
	ca_der_oid(der, &access_ca_issuers);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	second = der->len;
	write_uri(der, url, ocsp_path, strlen(ocsp_path));
	ca_der_oid(der, &access_ocsp);
	ca_der_wrap(der, CA_DER_SEQUENCE, second);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	extension(der, &authority_info_access, false, mark);
}

static void write_authority_key_id(const struct ca_template *tmpl, struct ca_der *der)
{
	size_t mark = der->len;

	ca_der_raw(der, tmpl->issuer_key_id, tmpl->issuer_key_id_len);
	ca_der_wrap(der, CA_DER_CONTEXT | 0, mark);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	extension(der, &authority_key_id, false, mark);
}

static void write_ext_key_usage(unsigned eku, struct ca_der *der)
{
	size_t mark = der->len;

	if (!eku)
		return;
	if (eku & CA_EKU_EMAIL_PROTECTION)
		ca_der_oid(der, &email_protection);
	if (eku & CA_EKU_CODE_SIGNING)
		ca_der_oid(der, &code_signing);
	if (eku & CA_EKU_CLIENT_AUTH)
		ca_der_oid(der, &client_auth);
	if (eku & CA_EKU_SERVER_AUTH)
		ca_der_oid(der, &server_auth);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	extension(der, &ext_key_usage, false, mark);
}

/* GnuTLS's numbers are the first octet's bits, and decipherOnly in the octet above it for the
 * second octet. */
static void write_key_usage(unsigned usage, struct ca_der *der)
{
	const unsigned char bits[] = { (unsigned char)(usage & 0xff),
		(unsigned char)(usage >> 8 & 0xff) };
	size_t mark = der->len;

	ca_der_named_bits(der, bits, sizeof(bits));
	extension(der, &key_usage, true, mark);
}

/* cA FALSE is the default and not encoded. */
static void write_basic_constraints(struct ca_der *der)
{
	size_t mark = der->len;

	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	extension(der, &basic_constraints, true, mark);
}

static int write_address(const char *text, struct ca_der *der)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, text, address) == 1)
		ca_der_raw(der, address, 4);
	else if (inet_pton(AF_INET6, text, address) == 1)
		ca_der_raw(der, address, 16);
	else
		return CA_ENAME;
	return 0;
}

static int write_name(const struct ca_name *name, struct ca_der *der)
{
	unsigned char tag = RFC822_NAME;
	size_t mark = der->len;
	int r = 0;

	switch (name->type) {
	case CA_NAME_DNS:
		tag = DNS_NAME;
		break;
	case CA_NAME_IP:
		tag = IP_ADDRESS;
		r = write_address(name->value, der);
		break;
	case CA_NAME_URI:
		tag = URI;
		break;
	case CA_NAME_EMAIL:
		break;
	}
	if (name->type != CA_NAME_IP)
		ca_der_raw(der, name->value, strlen(name->value));
	ca_der_wrap(der, tag, mark);
	return r;
}

/* With an empty subject the names are all there is, and critical (RFC 5280, section 4.2.1.6). */
static int write_names(const struct ca_names *names, bool critical, struct ca_der *der)
{
	size_t mark = der->len;
	int r = 0;

	if (names->n == 0)
		return 0;
	for (size_t i = names->n; i > 0 && !r; i--)
		r = write_name(&names->v[i - 1], der);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	extension(der, &subject_alt_name, critical, mark);
	return r;
}

static void write_subject_key_id(const unsigned char *id, struct ca_der *der)
{
	size_t mark = der->len;

	ca_der_octet_string(der, id, CA_KEY_ID);
	extension(der, &subject_key_id, false, mark);
}

static bool has_subject(const struct ca_grant *grant)
{
	return grant->common_name || grant->organization || grant->organizational_unit;
}

static int write_extensions(
    const struct ca_template *tmpl, const struct ca_leaf *leaf, struct ca_der *der)
{
	const struct ca_grant *grant = leaf->grant;
	size_t mark = der->len;
	int r;

	if (leaf->revocation_url) {
		write_crl_distribution_point(tmpl, leaf->revocation_url, der);
		write_access(tmpl, leaf->revocation_url, der);
	}
	write_authority_key_id(tmpl, der);
	write_ext_key_usage(grant->eku, der);
	write_key_usage(grant->key_usage, der);
	write_basic_constraints(der);
	r = write_names(&grant->names, !has_subject(grant), der);
	write_subject_key_id(leaf->key_id, der);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	ca_der_wrap(der, CA_DER_CONSTRUCTED | 3, mark);
	return r;
}

/* ---- the rest ---- */

/* PrintableString (X.680, section 41.4), but for the apostrophe: so GnuTLS has it, which writes the
 * CAs' own names. */
static bool is_printable(const char *text)
{
	for (; *text; text++) {
		bool alnum = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			     (*text >= '0' && *text <= '9');

		if (!alnum && !strchr(" ()+,-./:=?", *text))
			return false;
	}
	return true;
}

/* A RelativeDistinguishedName of one attribute; nothing for NULL. */
static void write_attribute(const struct ca_der_oid *type, const char *value, struct ca_der *der)
{
	size_t mark = der->len;

	if (!value)
		return;
	ca_der_raw(der, value, strlen(value));
	ca_der_wrap(der, is_printable(value) ? CA_DER_PRINTABLE_STRING : CA_DER_UTF8_STRING, mark);
	ca_der_oid(der, type);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	ca_der_wrap(der, CA_DER_SET, mark);
}

/* The widest first, as X.520 and RFC 4514, section 2.1, have it: O, OU, CN. */
static void write_subject(const struct ca_grant *grant, struct ca_der *der)
{
	size_t mark = der->len;

	write_attribute(&common_name, grant->common_name, der);
	write_attribute(&organizational_unit, grant->organizational_unit, der);
	write_attribute(&organization, grant->organization, der);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
}

static void write_validity(const struct ca_grant *grant, struct ca_der *der)
{
	size_t mark = der->len;

	ca_der_time(der, grant->not_after);
	ca_der_time(der, grant->not_before);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
}

/* RSA has NULL for parameters (RFC 4055, section 5), ECDSA none (RFC 5758, section 3.2). */
static void write_algorithm(const struct ca_template *tmpl, struct ca_der *der)
{
	static const unsigned char null[] = { 0x05, 0x00 };
	size_t mark = der->len;

	if (tmpl->null_parameters)
		ca_der_raw(der, null, sizeof(null));
	ca_der_oid(der, tmpl->signature);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
}

static void write_version(struct ca_der *der)
{
	static const unsigned char v3 = 2;
	size_t mark = der->len;

	ca_der_integer(der, &v3, 1);
	ca_der_wrap(der, CA_DER_CONSTRUCTED | 0, mark);
}

int ca_template_tbs(const struct ca_template *tmpl, const struct ca_leaf *leaf, struct ca_der *der)
{
	size_t mark = der->len;
	int r = write_extensions(tmpl, leaf, der);

	if (r)
		return r;
	ca_der_raw(der, leaf->spki, leaf->spki_len);
	write_subject(leaf->grant, der);
	write_validity(leaf->grant, der);
	ca_der_raw(der, tmpl->issuer.data, tmpl->issuer.len);
	write_algorithm(tmpl, der);
	ca_der_integer(der, leaf->serial, leaf->serial_len);
	write_version(der);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	return der->failed ? CA_ETOOMANYNAMES : 0;
}

int ca_template_certificate(const struct ca_template *tmpl, const unsigned char *tbs,
    size_t tbs_len, const unsigned char *signature, size_t signature_len, struct ca_der *der)
{
	size_t mark = der->len;

	ca_der_bit_string(der, signature, signature_len);
	write_algorithm(tmpl, der);
	ca_der_raw(der, tbs, tbs_len);
	ca_der_wrap(der, CA_DER_SEQUENCE, mark);
	return der->failed ? CA_ETOOMANYNAMES : 0;
}
