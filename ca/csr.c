/*
 * Requests are parsed and verified by libcrypto, from templates (asn1t.h) rather than as X509_REQ:
 * that would look for a decoder of the key in libcrypto's providers, which takes longer than all
 * that is done here.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "ca/base/log.h"
#include "ca/csr.h"
#include "ca/csr_signature.h"
#include "ca/der_read.h"
#include "ca/key_check.h"

#define OID_TEXT 128
#define ATTRIBUTES_MAX 16
#define COMMON_NAME_MAX 1023 /* octets; what of them may stand in a certificate is policy */

static const char white[4] = { ' ', '\t', '\r', '\n' };

/* RFC 2986, section 4.1; spki stays encoded, for it is hashed as it is. */
typedef STACK_OF(X509_NAME_ENTRY) RDN;
DEFINE_STACK_OF(RDN)

struct request_info {
	ASN1_INTEGER *version;
	STACK_OF(RDN) * subject;
	ASN1_STRING *spki;
	STACK_OF(X509_ATTRIBUTE) * attributes;
};

/* clang-format off */
ASN1_SEQUENCE(REQUEST) = {
	ASN1_SIMPLE(struct ca_csr_request, info, ASN1_SEQUENCE),
	ASN1_SIMPLE(struct ca_csr_request, algorithm, X509_ALGOR),
	ASN1_SIMPLE(struct ca_csr_request, signature, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END_name(struct ca_csr_request, REQUEST);

ASN1_ITEM_TEMPLATE(RDN) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, attributes, X509_NAME_ENTRY)
static_ASN1_ITEM_TEMPLATE_END(RDN);

ASN1_SEQUENCE(REQUEST_INFO) = {
	ASN1_SIMPLE(struct request_info, version, ASN1_INTEGER),
	ASN1_SEQUENCE_OF(struct request_info, subject, RDN),
	ASN1_SIMPLE(struct request_info, spki, ASN1_SEQUENCE),
	ASN1_IMP_SET_OF(struct request_info, attributes, X509_ATTRIBUTE, 0)
} static_ASN1_SEQUENCE_END_name(struct request_info, REQUEST_INFO);
/* clang-format on */

void ca_csr_free(struct ca_csr *csr)
{
	if (!csr)
		return;
	free(csr->spki);
	free(csr->common_name);
	ca_names_free(&csr->names);
	free(csr);
}

static bool sha256(const unsigned char *data, size_t len, unsigned char out[CA_SHA256])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) > 0;
}

/* ---- the PEM (RFC 7468) ---- */

/* The text between a label's two lines, NULL if there is anything outside of them. */
static const char *inside(const char *text, size_t *len, const char *begin, const char *end)
{
	size_t begin_len = strlen(begin), end_len = strlen(end);

	if (*len < begin_len + end_len || memcmp(text, begin, begin_len) != 0 ||
	    memcmp(text + *len - end_len, end, end_len) != 0)
		return NULL;
	*len -= begin_len + end_len;
	return text + begin_len;
}

/* Are the bits that the last character has over 0 (RFC 4648, section 3.5)? */
static bool is_canonical(const char *text, size_t len)
{
	size_t pads = 0;

	for (; len && strchr("= \t\r\n", text[len - 1]); len--)
		pads += text[len - 1] == '=';
	return len && (pads == 0 || strchr(pads == 1 ? "AEIMQUYcgkosw048" : "AQgw", text[len - 1]));
}

/* der has room for len octets. */
static bool decode_base64(const char *text, size_t len, unsigned char *der, size_t *der_len)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int n = 0, rest = 0;
	bool ok = false;

	if (ctx && !memchr(text, '-', len) && is_canonical(text, len)) { /* '-' would end it */
		EVP_DecodeInit(ctx);
		ok = EVP_DecodeUpdate(ctx, der, &n, (const unsigned char *)text, (int)len) >= 0 &&
		     EVP_DecodeFinal(ctx, der + n, &rest) > 0;
	}
	EVP_ENCODE_CTX_free(ctx);
	*der_len = ok ? (size_t)n + (size_t)rest : 0;
	return ok;
}

/*
 * What stands before the first block is for people (RFC 7468, section 2; certtool and openssl -text
 * write it), as long as it is text.
 */
static void skip_explanation(const char **pem, size_t *len)
{
	static const char mark[] = "-----BEGIN ";
	const char *begin = memmem(*pem, *len, mark, sizeof(mark) - 1);

	if (!begin || memchr(*pem, '\0', (size_t)(begin - *pem)))
		return;
	if (begin != *pem && !memchr(white, begin[-1], sizeof(white)))
		return;
	*len -= (size_t)(begin - *pem);
	*pem = begin;
}

/* der has room for len octets. */
static int decode_pem(
    const char *pem, size_t len, unsigned char *der, size_t *der_len, struct ca_detail *why)
{
	static const struct {
		const char *begin, *end;
	} labels[] = {
		{ "-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----" },
		{ "-----BEGIN NEW CERTIFICATE REQUEST-----",
		    "-----END NEW CERTIFICATE REQUEST-----" },
	};

	skip_explanation(&pem, &len);
	while (len && memchr(white, pem[len - 1], sizeof(white)))
		len--;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		size_t text_len = len;
		const char *text = inside(pem, &text_len, labels[i].begin, labels[i].end);

		if (text && decode_base64(text, text_len, der, der_len))
			return 0;
	}
	return ca_refuse(why, CA_ECSR, "not exactly one CERTIFICATE REQUEST in PEM");
}

/* ---- subject ---- */

static int take_common_name(struct ca_csr *csr, const ASN1_STRING *value, struct ca_detail *why)
{
	unsigned char *cn = NULL;
	int len = -1, r = 0;

	if (ASN1_tag2bit(ASN1_STRING_type(value)) & (B_ASN1_DIRECTORYSTRING))
		len = ASN1_STRING_to_UTF8(&cn, value);
	if (len <= 0 || len > COMMON_NAME_MAX || memchr(cn, '\0', (size_t)len)) {
		r = ca_refuse(
		    why, CA_ESUBJECT, "the common name (CN) is empty, too long or not text");
	} else {
		csr->common_name = strndup((const char *)cn, (size_t)len);
		r = csr->common_name ? 0 : CA_ENOMEM;
	}
	OPENSSL_free(cn);
	return r;
}

/* No subject, or one CN. */
static int take_subject(struct ca_csr *csr, STACK_OF(RDN) * subject, struct ca_detail *why)
{
	const X509_NAME_ENTRY *first = NULL;
	char oid[OID_TEXT];

	for (int i = 0; i < sk_RDN_num(subject); i++) {
		const RDN *rdn = sk_RDN_value(subject, i);

		for (int k = 0; k < sk_X509_NAME_ENTRY_num(rdn); k++) {
			const X509_NAME_ENTRY *entry = sk_X509_NAME_ENTRY_value(rdn, k);
			const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);

			if (OBJ_obj2nid(type) != NID_commonName) {
				OBJ_obj2txt(oid, sizeof(oid), type, 0);
				return ca_refuse(why, CA_ESUBJECT,
				    "the subject may hold a common name (CN) only, not %s", oid);
			}
			if (first)
				return ca_refuse(why, CA_ECSR, "more than one common name (CN)");
			first = entry;
		}
	}
	return first ? take_common_name(csr, X509_NAME_ENTRY_get_data(first), why) : 0;
}

/* ---- extensions ---- */

static int add_san(struct ca_names *names, const GENERAL_NAME *name, struct ca_detail *why)
{
	const ASN1_STRING *value;
	const unsigned char *data;
	size_t len;
	int type;

	value = GENERAL_NAME_get0_value(name, &type);
	if (type != GEN_DNS && type != GEN_URI && type != GEN_IPADD && type != GEN_EMAIL)
		return ca_refuse(why, CA_ENAME,
		    "the subjectAltName holds a name that is neither DNS, IP, URI nor e-mail");
	data = ASN1_STRING_get0_data(value);
	len = (size_t)ASN1_STRING_length(value);
	if (type == GEN_IPADD)
		return ca_names_add_ip(names, data, len, why);
	return ca_names_add(names,
	    type == GEN_DNS   ? CA_NAME_DNS
	    : type == GEN_URI ? CA_NAME_URI
			      : CA_NAME_EMAIL,
	    (const char *)data, len, why);
}

static int take_san(struct ca_csr *csr, const ASN1_STRING *der, struct ca_detail *why)
{
	GENERAL_NAMES *names = ca_der_decode_string(ASN1_ITEM_rptr(GENERAL_NAMES), der);
	int r = 0;

	if (sk_GENERAL_NAME_num(names) <= 0)
		r = ca_refuse(why, CA_ENAME, "the subjectAltName is empty or malformed");
	for (int i = 0; !r && i < sk_GENERAL_NAME_num(names); i++)
		r = add_san(&csr->names, sk_GENERAL_NAME_value(names, i), why);
	GENERAL_NAMES_free(names);
	return r;
}

/* The bits as GnuTLS counts them: the first octet is the lower. */
static int take_key_usage(struct ca_csr *csr, const ASN1_STRING *der, struct ca_detail *why)
{
	ASN1_BIT_STRING *bits = ca_der_decode_string(ASN1_ITEM_rptr(ASN1_BIT_STRING), der);
	int len = bits ? ASN1_STRING_length(bits) : 0;
	const unsigned char *data;

	if (len == 1 || len == 2) {
		data = ASN1_STRING_get0_data(bits);
		csr->key_usage = data[0] | (len == 2 ? (unsigned)data[1] << 8 : 0);
	}
	ASN1_BIT_STRING_free(bits);
	if (len != 1 && len != 2)
		return ca_refuse(why, CA_ECSR, "the keyUsage extension is malformed");
	if (csr->key_usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN))
		return ca_refuse(why, CA_ECSREXTENSION,
		    "the request asks for a CA's usage (keyCertSign, cRLSign)");
	return 0;
}

static int add_eku(struct ca_csr *csr, const ASN1_OBJECT *purpose, struct ca_detail *why)
{
	char oid[OID_TEXT];

	switch (OBJ_obj2nid(purpose)) {
	case NID_server_auth:
		csr->eku |= CA_EKU_SERVER_AUTH;
		return 0;
	case NID_client_auth:
		csr->eku |= CA_EKU_CLIENT_AUTH;
		return 0;
	case NID_code_sign:
		csr->eku |= CA_EKU_CODE_SIGNING;
		return 0;
	case NID_email_protect:
		csr->eku |= CA_EKU_EMAIL_PROTECTION;
		return 0;
	default:
		OBJ_obj2txt(oid, sizeof(oid), purpose, 1);
		return ca_refuse(
		    why, CA_ECSREXTENSION, "the extended key usage %s is not granted", oid);
	}
}

static int take_eku(struct ca_csr *csr, const ASN1_STRING *der, struct ca_detail *why)
{
	EXTENDED_KEY_USAGE *purposes =
	    ca_der_decode_string(ASN1_ITEM_rptr(EXTENDED_KEY_USAGE), der);
	int r = 0;

	if (!purposes)
		r = ca_refuse(why, CA_ECSR, "the extKeyUsage extension is malformed");
	for (int i = 0; !r && i < sk_ASN1_OBJECT_num(purposes); i++)
		r = add_eku(csr, sk_ASN1_OBJECT_value(purposes, i), why);
	EXTENDED_KEY_USAGE_free(purposes);
	return r;
}

static int take_basic_constraints(struct ca_csr *csr, const ASN1_STRING *der, struct ca_detail *why)
{
	BASIC_CONSTRAINTS *constraints =
	    ca_der_decode_string(ASN1_ITEM_rptr(BASIC_CONSTRAINTS), der);
	int r = 0;

	(void)csr;
	if (!constraints)
		r = ca_refuse(why, CA_ECSR, "the basicConstraints extension is malformed");
	else if (constraints->ca)
		r = ca_refuse(why, CA_ECSREXTENSION, "the request asks for a CA certificate");
	BASIC_CONSTRAINTS_free(constraints);
	return r;
}

static int take_nothing(struct ca_csr *csr, const ASN1_STRING *der, struct ca_detail *why)
{
	(void)csr;
	(void)der;
	(void)why;
	return 0;
}

static const struct {
	int nid;
	int (*take)(struct ca_csr *csr, const ASN1_STRING *der, struct ca_detail *why);
} extensions[] = {
	{ NID_subject_alt_name, take_san }, { NID_key_usage, take_key_usage },
	{ NID_ext_key_usage, take_eku }, { NID_basic_constraints, take_basic_constraints },
	{ NID_subject_key_identifier, take_nothing }, /* the CA makes its own */
};

#define EXTENSIONS (sizeof(extensions) / sizeof(*extensions))

static int refuse_extension(
    const ASN1_OBJECT *type, int error, const char *fault, struct ca_detail *why)
{
	char oid[OID_TEXT];

	OBJ_obj2txt(oid, sizeof(oid), type, 1);
	return ca_refuse(why, error, "the extension %s %s", oid, fault);
}

static int take_extension(
    struct ca_csr *csr, X509_EXTENSION *extension, unsigned *seen, struct ca_detail *why)
{
	const ASN1_OBJECT *type = X509_EXTENSION_get_object(extension);
	const ASN1_STRING *value = X509_EXTENSION_get_data(extension);
	int nid = OBJ_obj2nid(type);
	size_t i = 0;

	while (i < EXTENSIONS && extensions[i].nid != nid)
		i++;
	if (i == EXTENSIONS)
		return refuse_extension(type, CA_ECSREXTENSION, "is not granted", why);
	if (*seen & (1u << i))
		return refuse_extension(type, CA_ECSR, "stands there twice", why);
	*seen |= 1u << i;
	if (ASN1_STRING_length(value) == 0)
		return refuse_extension(type, CA_ECSR, "is empty", why);
	return extensions[i].take(csr, value, why);
}

static int take_extensions(struct ca_csr *csr, X509_ATTRIBUTE *request, struct ca_detail *why)
{
	const ASN1_STRING *der = X509_ATTRIBUTE_get0_data(request, 0, V_ASN1_SEQUENCE, NULL);
	X509_EXTENSIONS *list =
	    der ? ca_der_decode_string(ASN1_ITEM_rptr(X509_EXTENSIONS), der) : NULL;
	unsigned seen = 0;
	int r = 0;

	if (!list)
		return ca_refuse(why, CA_ECSR, "the extensions asked for cannot be read");
	for (int i = 0; !r && i < sk_X509_EXTENSION_num(list); i++)
		r = take_extension(csr, sk_X509_EXTENSION_value(list, i), &seen, why);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return r;
}

/* A SEQUENCE, SET or tagged value is not decoded and written again; its length must be definite
 * all the same (X.690, section 10.1). */
static bool is_definite(X509_ATTRIBUTE *attribute)
{
	for (int i = 0; i < X509_ATTRIBUTE_count(attribute); i++) {
		const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, i);
		bool raw = value->type == V_ASN1_SEQUENCE || value->type == V_ASN1_SET ||
			   value->type == V_ASN1_OTHER;
		const unsigned char *p =
		    raw ? ASN1_STRING_get0_data(value->value.asn1_string) : NULL;
		int tag, class;
		long len;

		if (raw && ASN1_get_object(&p, &len, &tag, &class,
			       ASN1_STRING_length(value->value.asn1_string)) &
			       1)
			return false;
	}
	return true;
}

/*
 * At most one extensionRequest with one value (RFC 2985, section 5.4.2). Other attributes (a
 * challenge password, the client's name) ask for nothing.
 */
static int take_attributes(
    struct ca_csr *csr, const STACK_OF(X509_ATTRIBUTE) * attributes, struct ca_detail *why)
{
	X509_ATTRIBUTE *request = NULL;

	if (sk_X509_ATTRIBUTE_num(attributes) > ATTRIBUTES_MAX)
		return ca_refuse(why, CA_ECSR, "more than %d attributes", ATTRIBUTES_MAX);
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);
		int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute));

		if (!is_definite(attribute))
			return ca_refuse(why, CA_ECSR, "an attribute of indefinite length");
		if (nid == NID_ms_ext_req)
			return ca_refuse(why, CA_ECSR, "Microsoft's form of the extensionRequest");
		if (nid != NID_ext_req)
			continue;
		if (request)
			return ca_refuse(why, CA_ECSR, "two extensionRequest attributes");
		request = attribute;
	}
	if (!request)
		return 0;
	if (X509_ATTRIBUTE_count(request) != 1)
		return ca_refuse(
		    why, CA_ECSR, "an extensionRequest attribute with other than one value");
	return take_extensions(csr, request, why);
}

/* ---- the whole ---- */

static int take_spki(struct ca_csr *csr, const ASN1_STRING *spki)
{
	csr->spki_len = (size_t)ASN1_STRING_length(spki);
	csr->spki = malloc(csr->spki_len);
	if (!csr->spki)
		return CA_ENOMEM;
	memcpy(csr->spki, ASN1_STRING_get0_data(spki), csr->spki_len);
	return sha256(csr->spki, csr->spki_len, csr->spki_sha256) ? 0 : CA_EINTERNAL;
}

static int take_info(struct ca_csr *csr, const struct ca_csr_request *request,
    const struct request_info *info, struct ca_detail *why)
{
	EVP_PKEY *pkey = NULL;
	int r;

	if (ASN1_INTEGER_get(info->version) != 0)
		return ca_refuse(why, CA_ECSR, "the version of the request is not v1");
	r = take_spki(csr, info->spki);
	if (!r)
		r = ca_key_check_public(csr->spki, csr->spki_len, &csr->key_type, &pkey, why);
	if (!r)
		r = ca_csr_check_signature(csr, request, pkey, why);
	if (!r)
		r = take_subject(csr, info->subject, why);
	if (!r)
		r = take_attributes(csr, info->attributes, why);
	EVP_PKEY_free(pkey);
	return r;
}

static int take_all(struct ca_csr *csr, const unsigned char *der, size_t len, struct ca_detail *why)
{
	struct ca_csr_request *request = ca_der_decode(ASN1_ITEM_rptr(REQUEST), der, len);
	struct request_info *info =
	    request ? ca_der_decode_string(ASN1_ITEM_rptr(REQUEST_INFO), request->info) : NULL;
	int r;

	if (!info)
		r = ca_refuse(why, CA_ECSR, "the PEM holds no PKCS#10 request (RFC 2986) in DER");
	else
		r = take_info(csr, request, info, why);
	if (!r && !sha256(der, len, csr->request_sha256))
		r = CA_EINTERNAL;
	ASN1_item_free((ASN1_VALUE *)info, ASN1_ITEM_rptr(REQUEST_INFO));
	ASN1_item_free((ASN1_VALUE *)request, ASN1_ITEM_rptr(REQUEST));
	return r;
}

int ca_csr_parse(const char *pem, size_t len, struct ca_csr **out, struct ca_detail *why)
{
	struct ca_csr *csr = NULL;
	unsigned char *der;
	size_t der_len = 0;
	int r = CA_ENOMEM;

	if (len > CA_CSR_MAX)
		return ca_refuse(
		    why, CA_ECSR, "a request of %zu octets; %d are the most", len, CA_CSR_MAX);
	der = malloc(len + 1);
	csr = calloc(1, sizeof(*csr));
	if (der && csr)
		r = decode_pem(pem, len, der, &der_len, why);
	if (!r)
		r = take_all(csr, der, der_len, why);
	if (!r) {
		*out = csr;
		csr = NULL; /* transferred */
	}
	ca_csr_free(csr);
	free(der);
	ERR_clear_error();
	return r;
}
