#include <arpa/inet.h>
#include <gnutls/x509-ext.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/certificate.h"
#include "tests/unit/reference_certificate.h"
#include "tests/unit/support.h"

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

static void add_name(gnutls_subject_alt_names_t sans, const struct ca_name *name)
{
	unsigned char address[16];
	gnutls_datum_t datum = { (unsigned char *)name->value, (unsigned)strlen(name->value) };

	if (name->type == CA_NAME_IP) {
		int family = strchr(name->value, ':') ? AF_INET6 : AF_INET;

		assert_int_equal(inet_pton(family, name->value, address), 1);
		datum = (gnutls_datum_t){ address, family == AF_INET ? 4 : 16 };
	}
	assert_int_equal(gnutls_subject_alt_names_set(sans, san_type(name->type), &datum, NULL), 0);
}

static void set_names(gnutls_x509_crt_t crt, const struct ca_names *names, bool critical)
{
	gnutls_subject_alt_names_t sans = NULL;
	gnutls_datum_t der = { NULL, 0 };

	if (names->n == 0)
		return;
	assert_int_equal(gnutls_subject_alt_names_init(&sans), 0);
	for (size_t i = 0; i < names->n; i++)
		add_name(sans, &names->v[i]);
	assert_int_equal(gnutls_x509_ext_export_subject_alt_names(sans, &der), 0);
	assert_int_equal(gnutls_x509_crt_set_extension_by_oid(
			     crt, GNUTLS_X509EXT_OID_SAN, der.data, der.size, critical),
	    0);
	gnutls_subject_alt_names_deinit(sans);
	gnutls_free(der.data);
}

static void set_usages(gnutls_x509_crt_t crt, const struct ca_grant *grant)
{
	assert_int_equal(gnutls_x509_crt_set_basic_constraints(crt, 0, -1), 0);
	assert_int_equal(gnutls_x509_crt_set_key_usage(crt, grant->key_usage), 0);
	if (grant->eku & CA_EKU_SERVER_AUTH)
		assert_int_equal(
		    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0), 0);
	if (grant->eku & CA_EKU_CLIENT_AUTH)
		assert_int_equal(
		    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0), 0);
	if (grant->eku & CA_EKU_CODE_SIGNING)
		assert_int_equal(
		    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_CODE_SIGNING, 0), 0);
	if (grant->eku & CA_EKU_EMAIL_PROTECTION)
		assert_int_equal(
		    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_EMAIL_PROTECTION, 0), 0);
}

static bool set_subject(gnutls_x509_crt_t crt, const struct ca_grant *grant)
{
	const struct {
		const char *oid, *value;
	} attributes[] = {
		{ GNUTLS_OID_X520_ORGANIZATION_NAME, grant->organization },
		{ GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, grant->organizational_unit },
		{ GNUTLS_OID_X520_COMMON_NAME, grant->common_name },
	};
	bool any = false;

	for (size_t i = 0; i < 3; i++) {
		if (!attributes[i].value)
			continue;
		assert_int_equal(gnutls_x509_crt_set_dn_by_oid(crt, attributes[i].oid, 0,
				     attributes[i].value, (unsigned)strlen(attributes[i].value)),
		    0);
		any = true;
	}
	return any;
}

static void sign(gnutls_x509_crt_t crt, const struct ca_authority *issuer, struct ca_buf *der)
{
	gnutls_datum_t datum = { NULL, 0 };

	assert_int_equal(gnutls_x509_crt_privkey_sign(crt, issuer->crt, ca_key_privkey(issuer->key),
			     ca_key_digest(ca_key_type(issuer->key)), 0),
	    0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &datum), 0);
	ca_buf_add(der, datum.data, datum.size);
	assert_int_equal(ca_buf_error(der), 0);
	gnutls_free(datum.data);
}

void reference_certificate(const struct ca_authority *issuer, gnutls_pubkey_t pubkey,
    const unsigned char *serial, size_t serial_len, const struct ca_grant *grant,
    const struct ca_urls *urls, struct ca_buf *der)
{
	unsigned char number[STORE_SERIAL_MAX + 1] = { 0 }; /* GnuTLS takes it for a signed one */
	gnutls_x509_crt_t crt = NULL;

	assert_in_range(serial_len, 1, STORE_SERIAL_MAX);
	memcpy(number + 1, serial, serial_len);
	assert_int_equal(ca_certificate_begin(pubkey, number, serial_len + 1, grant->not_before,
			     grant->not_after, &crt),
	    0);
	set_names(crt, &grant->names, !set_subject(crt, grant));
	set_usages(crt, grant);
	assert_int_equal(ca_certificate_point(crt, issuer, urls), 0);
	sign(crt, issuer, der);
	gnutls_x509_crt_deinit(crt);
}

struct ca_authority *reference_authority(const char *common_name, enum ca_key_type type,
    const struct ca_key_backend *backend, const struct ca_authority *parent)
{
	const struct ca_authority_template tmpl = {
		.common_name = common_name,
		.organization = "Mica",
		.pathlen = parent ? 0 : -1,
		.not_before = ca_now() - CA_DAY,
		.not_after = ca_now() + (parent ? 3 : 10) * CA_YEAR,
	};
	struct store_authority row = { .id = 3,
		.tenant_id = 2,
		.parent_id = parent ? 1 : 0,
		.kind = parent ? STORE_AUTHORITY_ISSUER : STORE_AUTHORITY_ROOT,
		.status = STORE_AUTHORITY_ACTIVE,
		.name = "default-1" };
	struct ca_buf der = CA_BUF_INIT, pkcs8 = CA_BUF_INIT;
	struct ca_key *made = NULL, *key = NULL;
	struct ca_authority *authority = NULL;

	assert_int_equal(ca_key_generate(type, &made), 0);
	assert_int_equal(ca_key_export(made, &pkcs8), 0);
	assert_int_equal(ca_key_open(backend, pkcs8.data, pkcs8.len, &key), 0);
	assert_int_equal(
	    ca_authority_create(parent, key, &tmpl, NULL, &der, row.serial, &row.serial_len), 0);
	assert_int_equal(ca_key_spki_sha256(key, row.spki_sha256), 0);
	row.certificate.data = der.data;
	row.certificate.len = der.len;
	assert_int_equal(ca_authority_open(&row, key, &authority), 0);
	ca_key_free(made);
	ca_buf_free(&pkcs8);
	ca_buf_free(&der);
	return authority;
}
