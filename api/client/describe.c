/* What a certificate, a request or a key says. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/x509-ext.h>

#include "api/client/describe.h"
#include "api/client/output.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"

/* ---- setting fields ---- */

static void set_text(json_t *object, const char *key, const char *text, size_t len)
{
	struct ca_buf safe = CA_BUF_INIT;

	client_safe_add(&safe, text, len);
	json_object_set_new(object, key, json_string(ca_buf_text(&safe)));
	ca_buf_free(&safe);
}

/* Append to the array under the key, which is made when it is not there. */
static void append_text(json_t *object, const char *key, const char *text, size_t len)
{
	json_t *array = json_object_get(object, key);
	struct ca_buf safe = CA_BUF_INIT;

	if (!array) {
		array = json_array();
		json_object_set_new(object, key, array);
	}
	client_safe_add(&safe, text, len);
	json_array_append_new(array, json_string(ca_buf_text(&safe)));
	ca_buf_free(&safe);
}

static void set_hex(json_t *object, const char *key, const unsigned char *octets, size_t len)
{
	char hex[2 * 64 + 1];

	if (len > 64)
		len = 64;
	ca_hex(octets, len, hex);
	json_object_set_new(object, key, json_string(hex));
}

/* A library's call that hands out text; it fails for an empty name. */
static void set_datum(json_t *object, const char *key, int code, gnutls_datum_t *datum)
{
	set_text(
	    object, key, code >= 0 ? (const char *)datum->data : "", code >= 0 ? datum->size : 0);
	gnutls_free(datum->data);
	*datum = (gnutls_datum_t){ NULL, 0 };
}

static void set_time(json_t *object, const char *key, time_t time)
{
	char text[CA_TIME_TEXT];

	json_object_set_new(object, key, json_string(ca_time_text((int64_t)time, text)));
}

/* ---- keys ---- */

static void set_key_type(json_t *object, gnutls_pubkey_t pubkey)
{
	gnutls_ecc_curve_t curve;
	unsigned bits = 0;
	int algorithm = gnutls_pubkey_get_pk_algorithm(pubkey, &bits);
	char text[64];

	if (algorithm == GNUTLS_PK_RSA)
		snprintf(text, sizeof(text), "rsa:%u", bits);
	else if (algorithm == GNUTLS_PK_ECDSA &&
		 !gnutls_pubkey_export_ecc_raw(pubkey, &curve, NULL, NULL))
		snprintf(text, sizeof(text), "%s",
		    curve == GNUTLS_ECC_CURVE_SECP256R1   ? "ec:p256"
		    : curve == GNUTLS_ECC_CURVE_SECP384R1 ? "ec:p384"
							  : gnutls_ecc_curve_get_name(curve));
	else if (algorithm == GNUTLS_PK_EDDSA_ED25519)
		snprintf(text, sizeof(text), "ed25519");
	else
		snprintf(text, sizeof(text), "%s",
		    algorithm > 0 ? gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm)
				  : "unknown");
	json_object_set_new(object, "key_type", json_string(text));
}

json_t *client_describe_key(gnutls_pubkey_t pubkey)
{
	json_t *object = json_object();

	set_key_type(object, pubkey);
	return object;
}

/* ---- names ---- */

static void add_name(json_t *object, unsigned type, const gnutls_datum_t *value)
{
	const char *text = (const char *)value->data;
	char address[INET6_ADDRSTRLEN];

	switch (type) {
	case GNUTLS_SAN_DNSNAME:
		append_text(object, "dns", text, value->size);
		break;
	case GNUTLS_SAN_URI:
		append_text(object, "uri", text, value->size);
		break;
	case GNUTLS_SAN_RFC822NAME:
		append_text(object, "email", text, value->size);
		break;
	case GNUTLS_SAN_IPADDRESS:
		if ((value->size == 4 || value->size == 16) &&
		    inet_ntop(value->size == 4 ? AF_INET : AF_INET6, value->data, address,
			sizeof(address)))
			append_text(object, "ip", address, strlen(address));
		break;
	default:
		append_text(object, "other_names", "of another form", 15);
	}
}

/* The extension's DER; freed here. */
static void add_names(json_t *object, gnutls_datum_t *der)
{
	gnutls_subject_alt_names_t names = NULL;
	gnutls_datum_t value;
	unsigned type;

	if (!gnutls_subject_alt_names_init(&names) &&
	    !gnutls_x509_ext_import_subject_alt_names(der, names, 0))
		for (unsigned i = 0; !gnutls_subject_alt_names_get(names, i, &type, &value, NULL);
		     i++)
			add_name(object, type, &value);
	gnutls_subject_alt_names_deinit(names);
	gnutls_free(der->data);
	*der = (gnutls_datum_t){ NULL, 0 };
}

/* ---- certificates ---- */

static void add_key_usage(json_t *object, gnutls_x509_crt_t crt)
{
	static const struct {
		unsigned bit;
		const char *word;
	} usages[] = {
		{ GNUTLS_KEY_DIGITAL_SIGNATURE, "digitalSignature" },
		{ GNUTLS_KEY_NON_REPUDIATION, "nonRepudiation" },
		{ GNUTLS_KEY_KEY_ENCIPHERMENT, "keyEncipherment" },
		{ GNUTLS_KEY_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ GNUTLS_KEY_KEY_AGREEMENT, "keyAgreement" },
		{ GNUTLS_KEY_KEY_CERT_SIGN, "keyCertSign" },
		{ GNUTLS_KEY_CRL_SIGN, "cRLSign" },
		{ GNUTLS_KEY_ENCIPHER_ONLY, "encipherOnly" },
		{ GNUTLS_KEY_DECIPHER_ONLY, "decipherOnly" },
	};
	unsigned usage = 0;

	if (gnutls_x509_crt_get_key_usage(crt, &usage, NULL))
		return;
	for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++)
		if (usage & usages[i].bit)
			append_text(object, "key_usage", usages[i].word, strlen(usages[i].word));
}

static void add_extended_key_usage(json_t *object, gnutls_x509_crt_t crt)
{
	static const char *const words[][2] = {
		{ GNUTLS_KP_TLS_WWW_SERVER, "serverAuth" },
		{ GNUTLS_KP_TLS_WWW_CLIENT, "clientAuth" },
		{ GNUTLS_KP_CODE_SIGNING, "codeSigning" },
		{ GNUTLS_KP_EMAIL_PROTECTION, "emailProtection" },
		{ GNUTLS_KP_TIME_STAMPING, "timeStamping" },
		{ GNUTLS_KP_OCSP_SIGNING, "OCSPSigning" },
		{ GNUTLS_KP_ANY, "anyExtendedKeyUsage" },
	};

	for (unsigned i = 0;; i++) {
		char oid[128];
		size_t len = sizeof(oid);
		const char *word = oid;

		if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &len, NULL))
			return;
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
			if (!strcmp(oid, words[k][0]))
				word = words[k][1];
		append_text(object, "ext_key_usage", word, strlen(word));
	}
}

static void add_urls(json_t *object, gnutls_x509_crt_t crt)
{
	gnutls_datum_t url = { NULL, 0 };
	char text[2048];

	for (unsigned i = 0;; i++) {
		size_t len = sizeof(text);

		if (gnutls_x509_crt_get_crl_dist_points(crt, i, text, &len, NULL, NULL) < 0)
			break;
		append_text(object, "crl_urls", text, len);
	}
	for (unsigned i = 0;; i++) {
		int code = gnutls_x509_crt_get_authority_info_access(
		    crt, i, GNUTLS_IA_OCSP_URI, &url, NULL);

		if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE || i > 32)
			break;
		if (code >= 0)
			append_text(object, "ocsp_urls", (const char *)url.data, url.size);
		gnutls_free(url.data);
		url.data = NULL;
		code = gnutls_x509_crt_get_authority_info_access(
		    crt, i, GNUTLS_IA_CAISSUERS_URI, &url, NULL);
		if (code >= 0)
			append_text(object, "issuer_urls", (const char *)url.data, url.size);
		gnutls_free(url.data);
		url.data = NULL;
	}
}

static void add_identifiers(json_t *object, gnutls_x509_crt_t crt)
{
	unsigned char octets[64];
	size_t len = sizeof(octets);

	if (!gnutls_x509_crt_get_serial(crt, octets, &len)) {
		size_t zeros = len > 1 && !octets[0] ? 1 : 0;

		set_hex(object, "serial", octets + zeros, len - zeros);
	}
	len = sizeof(octets);
	if (!gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, octets, &len))
		set_hex(object, "fingerprint", octets, len);
	len = sizeof(octets);
	if (!gnutls_x509_crt_get_subject_key_id(crt, octets, &len, NULL))
		set_hex(object, "subject_key_id", octets, len);
	len = sizeof(octets);
	if (!gnutls_x509_crt_get_authority_key_id(crt, octets, &len, NULL))
		set_hex(object, "authority_key_id", octets, len);
}

static void add_validity(json_t *object, gnutls_x509_crt_t crt)
{
	time_t from = gnutls_x509_crt_get_activation_time(crt);
	time_t to = gnutls_x509_crt_get_expiration_time(crt);
	int64_t now = ca_now();
	char when[48], text[64];

	set_time(object, "not_before", from);
	set_time(object, "not_after", to);
	if (now < from)
		snprintf(
		    text, sizeof(text), "not valid yet, starts %s", client_when(from, now, when));
	else if (now >= to)
		snprintf(text, sizeof(text), "expired %s", client_when(to, now, when));
	else
		snprintf(text, sizeof(text), "valid, ends %s", client_when(to, now, when));
	json_object_set_new(object, "validity", json_string(text));
}

static void add_constraints(json_t *object, gnutls_x509_crt_t crt)
{
	unsigned ca = 0;
	int pathlen = -1;

	if (gnutls_x509_crt_get_basic_constraints(crt, NULL, &ca, &pathlen) < 0)
		ca = 0;
	json_object_set_new(object, "ca", json_boolean(ca));
	if (ca && pathlen >= 0)
		json_object_set_new(object, "pathlen", json_integer(pathlen));
}

json_t *client_describe_certificate(gnutls_x509_crt_t crt)
{
	json_t *object = json_object();
	gnutls_datum_t datum = { NULL, 0 };
	gnutls_pubkey_t pubkey = NULL;
	const char *signature;

	set_datum(object, "subject", gnutls_x509_crt_get_dn3(crt, &datum, 0), &datum);
	set_datum(object, "issuer", gnutls_x509_crt_get_issuer_dn3(crt, &datum, 0), &datum);
	if (!gnutls_x509_crt_get_extension_by_oid2(crt, "2.5.29.17", 0, &datum, NULL))
		add_names(object, &datum);
	add_validity(object, crt);
	if (!gnutls_pubkey_init(&pubkey) && !gnutls_pubkey_import_x509(pubkey, crt, 0))
		set_key_type(object, pubkey);
	gnutls_pubkey_deinit(pubkey);
	add_key_usage(object, crt);
	add_extended_key_usage(object, crt);
	add_constraints(object, crt);
	add_identifiers(object, crt);
	add_urls(object, crt);
	signature = gnutls_sign_get_name(
	    (gnutls_sign_algorithm_t)gnutls_x509_crt_get_signature_algorithm(crt));
	json_object_set_new(
	    object, "signature_algorithm", json_string(signature ? signature : "unknown"));
	return object;
}

json_t *client_describe_request(gnutls_x509_crq_t crq)
{
	json_t *object = json_object();
	gnutls_datum_t datum = { NULL, 0 };
	gnutls_pubkey_t pubkey = NULL;

	set_datum(object, "subject", gnutls_x509_crq_get_dn3(crq, &datum, 0), &datum);
	if (!gnutls_x509_crq_get_extension_by_oid2(crq, "2.5.29.17", 0, &datum, NULL))
		add_names(object, &datum);
	if (!gnutls_pubkey_init(&pubkey) && !gnutls_pubkey_import_x509_crq(pubkey, crq, 0))
		set_key_type(object, pubkey);
	gnutls_pubkey_deinit(pubkey);
	json_object_set_new(
	    object, "signature_valid", json_boolean(!gnutls_x509_crq_verify(crq, 0)));
	return object;
}

/* ---- chains ---- */

void client_describe_chain(const gnutls_x509_crt_t *crts, unsigned n, struct ca_buf *out)
{
	for (unsigned i = 0; i + 1 < n; i++) {
		unsigned status = 0;

		if (!gnutls_x509_crt_check_issuer(crts[i], crts[i + 1])) {
			ca_buf_addf(out,
			    "out of order: certificate %u is not issued by certificate %u", i + 1,
			    i + 2);
			return;
		}
		if (gnutls_x509_crt_verify(crts[i], &crts[i + 1], 1,
			GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DO_NOT_ALLOW_SAME |
			    GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1,
			&status) ||
		    (status & GNUTLS_CERT_SIGNATURE_FAILURE)) {
			ca_buf_addf(out,
			    "broken: the signature on certificate %u is not certificate %u's",
			    i + 1, i + 2);
			return;
		}
	}
	ca_buf_add_str(out, "in order");
	if (gnutls_x509_crt_check_issuer(crts[n - 1], crts[n - 1]))
		ca_buf_addf(out, ", with its root");
}

/* ---- text ---- */

static void value_print(const char *key, const json_t *value)
{
	static const char *const labels[][2] = {
		{ "dns", "DNS" },
		{ "ip", "IP" },
		{ "uri", "URI" },
		{ "email", "e-mail" },
		{ "ca", "CA" },
		{ "fingerprint", "SHA-256" },
		{ "crl_urls", "CRL" },
		{ "ocsp_urls", "OCSP" },
		{ "issuer_urls", "issuer at" },
	};
	char label[32];
	size_t i;
	const json_t *entry;

	snprintf(label, sizeof(label), "%s", key);
	for (i = 0; label[i]; i++)
		label[i] = label[i] == '_' ? ' ' : label[i];
	for (i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (!strcmp(key, labels[i][0]))
			snprintf(label, sizeof(label), "%s", labels[i][1]);
	if (json_is_array(value)) {
		json_array_foreach(value, i, entry)
		    printf("%-19s  %s\n", i ? "" : label, json_string_value(entry));
	} else if (json_is_integer(value)) {
		printf("%-19s  %lld\n", label, (long long)json_integer_value(value));
	} else if (json_is_string(value)) {
		printf("%-19s  %s\n", label,
		    json_string_length(value) ? json_string_value(value) : "(empty)");
	} else {
		printf("%-19s  %s\n", label, json_is_true(value) ? "yes" : "no");
	}
}

void client_describe_print(const json_t *object)
{
	void *at;

	/* The order of insertion is the order that people read in. */
	for (at = json_object_iter((json_t *)(uintptr_t)object); at;
	     at = json_object_iter_next((json_t *)(uintptr_t)object, at))
		value_print(json_object_iter_key(at), json_object_iter_value(at));
}
