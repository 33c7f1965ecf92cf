/* A certificate that was read back, against what was granted: a slip of ours or of the library's
 * ends here. */
#include <string.h>
#include <time.h>

#include "ca/base/log.h"
#include "ca/certificate.h"

#define NAME_ROOM 4096 /* longer than any name that is granted */

static int mismatch(const char *what)
{
	ca_logf(CA_LOG_ERROR, "a new certificate is not what was granted: %s", what);
	return CA_EINTERNAL;
}

static int read_name(gnutls_x509_crt_t crt, unsigned i, struct ca_names *names)
{
	char value[NAME_ROOM];
	size_t len = sizeof(value);
	int type = gnutls_x509_crt_get_subject_alt_name(crt, i, value, &len, NULL);

	switch (type) {
	case GNUTLS_SAN_DNSNAME:
		return ca_names_add(names, CA_NAME_DNS, value, len, NULL);
	case GNUTLS_SAN_URI:
		return ca_names_add(names, CA_NAME_URI, value, len, NULL);
	case GNUTLS_SAN_IPADDRESS:
		return ca_names_add_ip(names, (const unsigned char *)value, len, NULL);
	case GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE:
		return CA_ENOTFOUND;
	default:
		return CA_EINTERNAL;
	}
}

static bool same_names(const struct ca_names *a, const struct ca_names *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!ca_names_has(b, a->v[i].type, a->v[i].value))
			return false;
	return true;
}

/* gnutls_x509_crt_get_subject_alt_name() does not tell. */
static bool names_critical(gnutls_x509_crt_t crt)
{
	gnutls_datum_t der = { NULL, 0 };
	unsigned critical = 0;
	int g =
	    gnutls_x509_crt_get_extension_by_oid2(crt, GNUTLS_X509EXT_OID_SAN, 0, &der, &critical);

	gnutls_free(der.data);
	return g >= 0 && critical;
}

static int compare_names(gnutls_x509_crt_t crt, const struct ca_grant *grant)
{
	struct ca_names names = CA_NAMES_INIT;
	unsigned i = 0;
	int r;

	do
		r = read_name(crt, i++, &names);
	while (!r);
	if (r != CA_ENOTFOUND || !same_names(&names, &grant->names))
		r = mismatch("names");
	else if (names.n && names_critical(crt) != (grant->common_name == NULL))
		r = mismatch("names, critical or not");
	else
		r = 0;
	ca_names_free(&names);
	return r;
}

static int compare_subject(gnutls_x509_crt_t crt, const char *common_name)
{
	char value[NAME_ROOM], oid[64];
	size_t len = sizeof(value), oid_len = sizeof(oid);
	unsigned second = common_name ? 1 : 0;
	int g;

	if (gnutls_x509_crt_get_dn_oid(crt, second, oid, &oid_len) !=
	    GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return mismatch("more in the subject");
	if (!common_name)
		return 0;
	g = gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, value, &len);
	if (g < 0 || len != strlen(common_name) || memcmp(value, common_name, len) != 0)
		return mismatch("subject");
	return 0;
}

static int compare_usages(gnutls_x509_crt_t crt, const struct ca_grant *grant)
{
	unsigned ca = 1, usage = 0, critical = 0, eku = 0;
	int pathlen = 0;

	if (gnutls_x509_crt_get_basic_constraints(crt, &critical, &ca, &pathlen) < 0 || ca ||
	    !critical || pathlen != -1)
		return mismatch("basicConstraints");
	if (gnutls_x509_crt_get_key_usage(crt, &usage, &critical) < 0 || !critical ||
	    usage != grant->key_usage)
		return mismatch("keyUsage");
	for (unsigned i = 0;; i++) {
		char oid[64];
		size_t len = sizeof(oid);
		int g = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &len, &critical);

		if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (g >= 0 && strcmp(oid, GNUTLS_KP_TLS_WWW_SERVER) == 0)
			eku |= CA_EKU_SERVER_AUTH;
		else if (g >= 0 && strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			eku |= CA_EKU_CLIENT_AUTH;
		else
			return mismatch("extKeyUsage");
	}
	return eku == grant->eku ? 0 : mismatch("extKeyUsage");
}

static int compare_frame(
    gnutls_x509_crt_t crt, const struct ca_grant *grant, const unsigned char *serial, size_t len)
{
	unsigned char number[STORE_SERIAL_MAX + 1];
	size_t number_len = sizeof(number);

	if (gnutls_x509_crt_get_version(crt) != 3)
		return mismatch("version");
	if (gnutls_x509_crt_get_serial(crt, number, &number_len) < 0 || number_len != len ||
	    memcmp(number, serial, len) != 0)
		return mismatch("serial");
	if (gnutls_x509_crt_get_activation_time(crt) != (time_t)grant->not_before ||
	    gnutls_x509_crt_get_expiration_time(crt) != (time_t)grant->not_after)
		return mismatch("validity");
	return 0;
}

int ca_certificate_compare(gnutls_x509_crt_t crt, const struct ca_grant *grant,
    const unsigned char spki[CA_SHA256], const unsigned char *serial, size_t serial_len)
{
	unsigned char found[CA_SHA256];
	int r;

	r = ca_certificate_spki_sha256(crt, found);
	if (!r && memcmp(found, spki, sizeof(found)) != 0)
		r = mismatch("public key");
	if (!r)
		r = compare_frame(crt, grant, serial, serial_len);
	if (!r)
		r = compare_subject(crt, grant->common_name);
	if (!r)
		r = compare_names(crt, grant);
	if (!r)
		r = compare_usages(crt, grant);
	return r;
}
