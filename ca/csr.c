#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/x509-ext.h>

#include "ca/base/log.h"
#include "ca/csr.h"

#define OID_EXTENSION_REQUEST "1.2.840.113549.1.9.14" /* RFC 2985, section 5.4.2 */
#define OID_EXTENSION_REQUEST_MICROSOFT "1.3.6.1.4.1.311.2.1.14"
#define OID_TEXT 128
#define ATTRIBUTES_MAX 16

static const char white[] = " \t\r\n";

void ca_csr_free(struct ca_csr *csr)
{
	if (!csr)
		return;
	gnutls_x509_crq_deinit(csr->crq);
	gnutls_pubkey_deinit(csr->pubkey);
	free(csr->common_name);
	free(csr->spki);
	ca_names_free(&csr->names);
	free(csr);
}

/* ---- the PEM (RFC 7468) ---- */

/* Does text consist of the label's BEGIN line, base64 and the END line, and of nothing else? */
static bool is_block(const char *text, size_t len, const char *label)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/= \t\r\n";
	char begin[64], end[64];
	size_t begin_len = (size_t)snprintf(begin, sizeof(begin), "-----BEGIN %s-----", label);
	size_t end_len = (size_t)snprintf(end, sizeof(end), "-----END %s-----", label);

	return len > begin_len + end_len && memcmp(text, begin, begin_len) == 0 &&
	       memcmp(text + len - end_len, end, end_len) == 0 &&
	       strspn(text + begin_len, base64) == len - begin_len - end_len;
}

static int decode_pem(const char *pem, size_t len, gnutls_datum_t *der, struct ca_detail *why)
{
	static const char *const labels[] = { "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST" };
	char *copy, *text;
	gnutls_datum_t data;
	int r = CA_ECSR;

	if (len > CA_CSR_MAX)
		return ca_refuse(
		    why, r, "a request of %zu octets; %d are the most", len, CA_CSR_MAX);
	copy = strndup(pem, len);
	if (!copy)
		return CA_ENOMEM;
	text = copy + strspn(copy, white);
	data.data = (unsigned char *)text;
	data.size = strlen(copy) == len ? (unsigned)strlen(text) : 0; /* 0: a NUL inside */
	while (data.size && strchr(white, text[data.size - 1]))
		data.size--;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels) && r; i++)
		if (is_block(text, data.size, labels[i]) &&
		    gnutls_pem_base64_decode2(labels[i], &data, der) == 0)
			r = 0;
	free(copy);
	return r ? ca_refuse(why, r, "not exactly one CERTIFICATE REQUEST in PEM") : 0;
}

/* ---- subject ---- */

/* No subject, or one CN. */
static int take_subject(struct ca_csr *csr, struct ca_detail *why)
{
	char oid[OID_TEXT], cn[1024];
	size_t len;
	int r;

	for (unsigned i = 0;; i++) {
		len = sizeof(oid);
		r = gnutls_x509_crq_get_dn_oid(csr->crq, i, oid, &len);
		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && i == 0)
			return 0;
		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r)
			return ca_refuse(why, CA_ECSR, "the subject cannot be read");
		if (strcmp(oid, GNUTLS_OID_X520_COMMON_NAME) != 0)
			return ca_refuse(why, CA_ESUBJECT,
			    "the subject may hold a common name (CN) only, not %s",
			    gnutls_x509_dn_oid_name(oid, GNUTLS_X509_DN_OID_RETURN_OID));
		if (i > 0)
			return ca_refuse(why, CA_ECSR, "more than one common name (CN)");
	}
	len = sizeof(cn);
	r = gnutls_x509_crq_get_dn_by_oid(csr->crq, GNUTLS_OID_X520_COMMON_NAME, 0, 0, cn, &len);
	/* GnuTLS writes what is not text (a NUL inside) as '#' and hexadecimal (RFC 4514,
	 * section 2.4). */
	if (r || len == 0 || cn[0] == '#' || memchr(cn, '\0', len))
		return ca_refuse(
		    why, CA_ESUBJECT, "the common name (CN) is empty, too long or not text");
	csr->common_name = strndup(cn, len);
	return csr->common_name ? 0 : CA_ENOMEM;
}

/* ---- extensions ---- */

static int add_san(
    struct ca_names *names, unsigned type, const gnutls_datum_t *san, struct ca_detail *why)
{
	const char *text = (const char *)san->data;

	switch (type) {
	case GNUTLS_SAN_DNSNAME:
		return ca_names_add(names, CA_NAME_DNS, text, san->size, why);
	case GNUTLS_SAN_URI:
		return ca_names_add(names, CA_NAME_URI, text, san->size, why);
	case GNUTLS_SAN_IPADDRESS:
		return ca_names_add_ip(names, san->data, san->size, why);
	default:
		return ca_refuse(why, CA_ENAME,
		    "the subjectAltName holds a name that is neither DNS, IP nor URI");
	}
}

static int take_san(struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why)
{
	gnutls_subject_alt_names_t sans = NULL;
	gnutls_datum_t san;
	unsigned type;
	int r = 0;

	if (gnutls_subject_alt_names_init(&sans))
		return CA_ENOMEM;
	if (gnutls_x509_ext_import_subject_alt_names(der, sans, 0) ||
	    gnutls_subject_alt_names_get(sans, 0, &type, &san, NULL))
		r = ca_refuse(why, CA_ENAME, "the subjectAltName is empty or malformed");
	for (unsigned i = 0; !r; i++) {
		int got = gnutls_subject_alt_names_get(sans, i, &type, &san, NULL);

		if (got == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		r = got ? CA_EINTERNAL : add_san(&csr->names, type, &san, why);
	}
	gnutls_subject_alt_names_deinit(sans);
	return r;
}

static int take_key_usage(struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why)
{
	if (gnutls_x509_ext_import_key_usage(der, &csr->key_usage))
		return ca_refuse(why, CA_ECSR, "the keyUsage extension is malformed");
	if (csr->key_usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN))
		return ca_refuse(why, CA_ECSREXTENSION,
		    "the request asks for a CA's usage (keyCertSign, cRLSign)");
	return 0;
}

static int take_eku(struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why)
{
	gnutls_x509_key_purposes_t purposes = NULL;
	gnutls_datum_t oid;
	int r = 0;

	if (gnutls_x509_key_purpose_init(&purposes))
		return CA_ENOMEM;
	if (gnutls_x509_ext_import_key_purposes(der, purposes, 0))
		r = ca_refuse(why, CA_ECSR, "the extKeyUsage extension is malformed");
	for (unsigned i = 0; !r; i++) {
		if (gnutls_x509_key_purpose_get(purposes, i, &oid))
			break;
		if (strcmp((const char *)oid.data, GNUTLS_KP_TLS_WWW_SERVER) == 0)
			csr->eku |= CA_EKU_SERVER_AUTH;
		else if (strcmp((const char *)oid.data, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			csr->eku |= CA_EKU_CLIENT_AUTH;
		else
			r = ca_refuse(why, CA_ECSREXTENSION,
			    "the extended key usage %s is not granted", (const char *)oid.data);
	}
	gnutls_x509_key_purpose_deinit(purposes);
	return r;
}

static int take_basic_constraints(
    struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why)
{
	unsigned is_ca = 0;
	int pathlen;

	(void)csr;
	if (gnutls_x509_ext_import_basic_constraints(der, &is_ca, &pathlen))
		return ca_refuse(why, CA_ECSR, "the basicConstraints extension is malformed");
	if (is_ca)
		return ca_refuse(why, CA_ECSREXTENSION, "the request asks for a CA certificate");
	return 0;
}

static int take_nothing(struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why)
{
	(void)csr;
	(void)der;
	(void)why;
	return 0;
}

static const struct {
	const char *oid;
	int (*take)(struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why);
} extensions[] = {
	{ "2.5.29.17", take_san }, { "2.5.29.15", take_key_usage }, { "2.5.29.37", take_eku },
	{ "2.5.29.19", take_basic_constraints },
	{ "2.5.29.14", take_nothing }, /* subjectKeyIdentifier: the CA makes its own */
};

#define EXTENSIONS (sizeof(extensions) / sizeof(*extensions))

static int take_extension(
    struct ca_csr *csr, unsigned at, const char *oid, unsigned *seen, struct ca_detail *why)
{
	gnutls_datum_t der = { NULL, 0 };
	size_t i = 0;
	int r;

	while (i < EXTENSIONS && strcmp(extensions[i].oid, oid) != 0)
		i++;
	if (i == EXTENSIONS)
		return ca_refuse(why, CA_ECSREXTENSION, "the extension %s is not granted", oid);
	if (*seen & (1u << i))
		return ca_refuse(why, CA_ECSR, "the extension %s stands there twice", oid);
	*seen |= 1u << i;
	if (gnutls_x509_crq_get_extension_data2(csr->crq, at, &der))
		return ca_refuse(why, CA_ECSR, "the extension %s cannot be read", oid);
	r = extensions[i].take(csr, &der, why);
	gnutls_free(der.data);
	return r;
}

static int take_extensions(struct ca_csr *csr, struct ca_detail *why)
{
	char oid[OID_TEXT];
	unsigned seen = 0;
	int r = 0;

	for (unsigned i = 0; !r; i++) {
		size_t len = sizeof(oid);

		r = gnutls_x509_crq_get_extension_info(csr->crq, i, oid, &len, NULL);
		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return 0;
		if (r)
			return ca_refuse(why, CA_ECSR, "the extensions asked for cannot be read");
		r = take_extension(csr, i, oid, &seen, why);
	}
	return r;
}

/*
 * At most one extensionRequest with one value: GnuTLS reads the first of either, and what it does
 * not read would be dropped in silence. Other attributes (a challenge password, the client's name)
 * ask for nothing.
 */
static int take_attributes(struct ca_csr *csr, struct ca_detail *why)
{
	unsigned requests = 0;
	char oid[OID_TEXT];
	size_t len;
	int r = 0;

	for (unsigned i = 0;; i++) {
		len = sizeof(oid);
		r = gnutls_x509_crq_get_attribute_info(csr->crq, i, oid, &len);
		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r || i == ATTRIBUTES_MAX)
			return ca_refuse(why, CA_ECSR, "an attribute too many, or malformed");
		if (strcmp(oid, OID_EXTENSION_REQUEST_MICROSOFT) == 0)
			return ca_refuse(why, CA_ECSR, "Microsoft's form of the extensionRequest");
		if (strcmp(oid, OID_EXTENSION_REQUEST) == 0 && ++requests > 1)
			return ca_refuse(why, CA_ECSR, "two extensionRequest attributes");
	}
	if (requests == 0)
		return 0;
	len = 0;
	r = gnutls_x509_crq_get_attribute_by_oid(csr->crq, OID_EXTENSION_REQUEST, 1, NULL, &len);
	if (r == 0 || r == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return ca_refuse(why, CA_ECSR, "an extensionRequest attribute with two values");
	return take_extensions(csr, why);
}

/* ---- key and signature ---- */

static int take_key(struct ca_csr *csr, struct ca_detail *why)
{
	int r = gnutls_pubkey_init(&csr->pubkey);

	if (!r)
		r = gnutls_pubkey_import_x509_crq(csr->pubkey, csr->crq, 0);
	switch (r) {
	case 0:
		return ca_key_check_public(csr->pubkey, &csr->key_type, why);
	case GNUTLS_E_MEMORY_ERROR:
		return CA_ENOMEM;
	case GNUTLS_E_UNKNOWN_PK_ALGORITHM:
	case GNUTLS_E_UNIMPLEMENTED_FEATURE:
	case GNUTLS_E_ECC_UNSUPPORTED_CURVE:
		return ca_refuse(why, CA_EKEYTYPE, "a public key of an unknown kind or curve");
	default:
		return ca_refuse(why, CA_ECSR, "the public key is malformed");
	}
}

static int take_spki(struct ca_csr *csr)
{
	gnutls_datum_t der = { NULL, 0 };

	if (gnutls_pubkey_export2(csr->pubkey, GNUTLS_X509_FMT_DER, &der))
		return CA_EINTERNAL;
	csr->spki = malloc(der.size);
	if (csr->spki) {
		memcpy(csr->spki, der.data, der.size);
		csr->spki_len = der.size;
	}
	gnutls_free(der.data);
	return csr->spki ? 0 : CA_ENOMEM;
}

static bool is_signature_accepted(int algorithm)
{
	switch (algorithm) {
	case GNUTLS_SIGN_RSA_SHA256:
	case GNUTLS_SIGN_RSA_SHA384:
	case GNUTLS_SIGN_RSA_SHA512:
	case GNUTLS_SIGN_RSA_PSS_SHA256:
	case GNUTLS_SIGN_RSA_PSS_SHA384:
	case GNUTLS_SIGN_RSA_PSS_SHA512:
	case GNUTLS_SIGN_ECDSA_SHA256:
	case GNUTLS_SIGN_ECDSA_SHA384:
	case GNUTLS_SIGN_ECDSA_SHA512:
	case GNUTLS_SIGN_EDDSA_ED25519:
		return true;
	default:
		return false;
	}
}

static int check_signature(struct ca_csr *csr, struct ca_detail *why)
{
	if (!is_signature_accepted(gnutls_x509_crq_get_signature_algorithm(csr->crq)))
		return ca_refuse(
		    why, CA_ECSRSIGNATURE, "the signature algorithm is not accepted: use SHA-256");
	if (gnutls_x509_crq_verify(csr->crq, 0) < 0)
		return ca_refuse(why, CA_ECSRSIGNATURE,
		    "the signature was not made with the key in the request");
	return 0;
}

static int take_all(struct ca_csr *csr, const gnutls_datum_t *der, struct ca_detail *why)
{
	int r;

	if (gnutls_x509_crq_init(&csr->crq))
		return CA_ENOMEM;
	if (gnutls_x509_crq_import(csr->crq, der, GNUTLS_X509_FMT_DER))
		return ca_refuse(
		    why, CA_ECSR, "the PEM holds no PKCS#10 request (RFC 2986) in DER");
	if (gnutls_x509_crq_get_version(csr->crq) != 1)
		return ca_refuse(why, CA_ECSR, "the version of the request is not v1");
	r = take_key(csr, why);
	if (!r)
		r = check_signature(csr, why);
	if (!r)
		r = take_subject(csr, why);
	if (!r)
		r = take_attributes(csr, why);
	if (!r)
		r = take_spki(csr);
	if (!r)
		r = ca_pubkey_spki_sha256(csr->pubkey, csr->spki_sha256);
	if (!r && gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->size, csr->request_sha256))
		r = CA_EINTERNAL;
	return r;
}

int ca_csr_parse(const char *pem, size_t len, struct ca_csr **out, struct ca_detail *why)
{
	gnutls_datum_t der = { NULL, 0 };
	struct ca_csr *csr = NULL;
	int r = decode_pem(pem, len, &der, why);

	if (r)
		return r;
	csr = calloc(1, sizeof(*csr));
	r = csr ? take_all(csr, &der, why) : CA_ENOMEM;
	if (!r) {
		*out = csr;
		csr = NULL; /* transferred */
	}
	ca_csr_free(csr);
	gnutls_free(der.data);
	return r;
}
