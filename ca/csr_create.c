/* The client's side of requests. A file of its own, so that the client does not link the checks of
 * the server's side. */
#include <arpa/inet.h>
#include <string.h>

#include <gnutls/x509-ext.h>

#include "ca/base/log.h"
#include "ca/csr.h"

#define OID_COMMON_NAME GNUTLS_OID_X520_COMMON_NAME
#define OID_SUBJECT_ALT_NAME "2.5.29.17"

static int add_name(gnutls_subject_alt_names_t sans, const struct ca_name *name)
{
	static const unsigned types[] = {
		[CA_NAME_DNS] = GNUTLS_SAN_DNSNAME,
		[CA_NAME_IP] = GNUTLS_SAN_IPADDRESS,
		[CA_NAME_URI] = GNUTLS_SAN_URI,
		[CA_NAME_EMAIL] = GNUTLS_SAN_RFC822NAME,
	};
	unsigned char address[16];
	gnutls_datum_t value = { (unsigned char *)name->value, (unsigned)strlen(name->value) };

	if (name->type == CA_NAME_IP) {
		value.data = address;
		if (inet_pton(AF_INET, name->value, address) == 1)
			value.size = 4;
		else if (inet_pton(AF_INET6, name->value, address) == 1)
			value.size = 16;
		else
			return GNUTLS_E_INVALID_REQUEST;
	}
	return gnutls_subject_alt_names_set(sans, types[name->type], &value, NULL);
}

static int set_names(gnutls_x509_crq_t crq, const struct ca_names *names)
{
	gnutls_subject_alt_names_t sans = NULL;
	gnutls_datum_t der = { NULL, 0 };
	int r = gnutls_subject_alt_names_init(&sans);

	if (r)
		return r;
	for (size_t i = 0; i < names->n && !r; i++)
		r = add_name(sans, &names->v[i]);
	if (!r)
		r = gnutls_x509_ext_export_subject_alt_names(sans, &der);
	if (!r)
		r = gnutls_x509_crq_set_extension_by_oid(
		    crq, OID_SUBJECT_ALT_NAME, der.data, der.size, 0);
	gnutls_free(der.data);
	gnutls_subject_alt_names_deinit(sans);
	return r;
}

static gnutls_digest_algorithm_t digest_for(enum ca_key_type type)
{
	switch (type) {
	case CA_KEY_EC_P384:
		return GNUTLS_DIG_SHA384;
	case CA_KEY_ED25519: /* RFC 8410: part of the algorithm */
		return GNUTLS_DIG_SHA512;
	default:
		return GNUTLS_DIG_SHA256;
	}
}

static int build(gnutls_x509_crq_t crq, const struct ca_key *key, const char *common_name,
    const struct ca_names *names)
{
	int r = gnutls_x509_crq_set_version(crq, 1);

	if (!r && common_name)
		r = gnutls_x509_crq_set_dn_by_oid(
		    crq, OID_COMMON_NAME, 0, common_name, (unsigned)strlen(common_name));
	if (!r)
		r = gnutls_x509_crq_set_pubkey(crq, ca_key_pubkey(key));
	if (!r && names && names->n)
		r = set_names(crq, names);
	if (!r)
		r = gnutls_x509_crq_privkey_sign(
		    crq, ca_key_privkey(key), digest_for(ca_key_type(key)), 0);
	return r;
}

int ca_csr_create(const struct ca_key *key, const char *common_name, const struct ca_names *names,
    struct ca_buf *pem)
{
	gnutls_datum_t out = { NULL, 0 };
	gnutls_x509_crq_t crq = NULL;
	int r = gnutls_x509_crq_init(&crq);

	if (!r)
		r = build(crq, key, common_name, names);
	if (!r)
		r = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &out);
	if (r)
		ca_logf(CA_LOG_ERROR, "certificate request: GnuTLS: %s", gnutls_strerror(r));
	else
		ca_buf_add(pem, out.data, out.size);
	gnutls_free(out.data);
	gnutls_x509_crq_deinit(crq);
	if (r)
		return r == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
	return ca_buf_error(pem);
}
