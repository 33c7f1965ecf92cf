/* PKCS#12. */
#include <stdint.h>

#include <gnutls/crypto.h>
#include <gnutls/pkcs12.h>

#include "api/client/pkcs12.h"
#include "ca/base/log.h"

/* What ties the key to its certificate, in both bags: the attributes of RFC 7292, section 4.2. */
struct names {
	const char *friendly;
	unsigned char id[CA_SHA256];
};

static int bag_name(gnutls_pkcs12_bag_t bag, int at, const struct names *names)
{
	const gnutls_datum_t id = { (unsigned char *)(uintptr_t)names->id, sizeof(names->id) };
	int code = gnutls_pkcs12_bag_set_key_id(bag, (unsigned)at, &id);

	if (code >= 0 && names->friendly)
		code = gnutls_pkcs12_bag_set_friendly_name(bag, (unsigned)at, names->friendly);
	return code;
}

static int key_add(
    gnutls_pkcs12_t p12, const struct ca_key *key, const char *password, const struct names *names)
{
	gnutls_x509_privkey_t privkey = NULL;
	gnutls_pkcs12_bag_t bag = NULL;
	gnutls_datum_t sealed = { NULL, 0 };
	int code = gnutls_pkcs12_bag_init(&bag);

	if (code >= 0)
		code = gnutls_privkey_export_x509(ca_key_privkey(key), &privkey);
	if (code >= 0)
		code = gnutls_x509_privkey_export2_pkcs8(
		    privkey, GNUTLS_X509_FMT_DER, password, GNUTLS_PKCS_PBES2_AES_256, &sealed);
	if (code >= 0)
		code = gnutls_pkcs12_bag_set_data(bag, GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, &sealed);
	if (code >= 0)
		code = bag_name(bag, code, names);
	if (code >= 0)
		code = gnutls_pkcs12_set_bag(p12, bag);
	gnutls_free(sealed.data);
	gnutls_x509_privkey_deinit(privkey);
	gnutls_pkcs12_bag_deinit(bag);
	return code;
}

static int certificates_add(gnutls_pkcs12_t p12, const struct client_issued *issued,
    const char *password, const struct names *names)
{
	gnutls_pkcs12_bag_t bag = NULL;
	int code = gnutls_pkcs12_bag_init(&bag);

	for (unsigned i = 0; code >= 0 && i < issued->n; i++) {
		code = gnutls_pkcs12_bag_set_crt(bag, issued->crts[i]);
		if (code >= 0 && !i)
			code = bag_name(bag, code, names);
	}
	if (code >= 0)
		code = gnutls_pkcs12_bag_encrypt(bag, password, GNUTLS_PKCS_PBES2_AES_256);
	if (code >= 0)
		code = gnutls_pkcs12_set_bag(p12, bag);
	gnutls_pkcs12_bag_deinit(bag);
	return code;
}

int client_pkcs12(const struct client_issued *issued, const struct ca_key *key,
    const char *password, const char *name, struct ca_buf *out)
{
	struct names names = { .friendly = name };
	gnutls_pkcs12_t p12 = NULL;
	gnutls_datum_t der = { NULL, 0 };
	int code, error = ca_key_spki_sha256(key, names.id);

	if (error)
		return error;
	code = gnutls_pkcs12_init(&p12);
	if (code >= 0)
		code = certificates_add(p12, issued, password, &names);
	if (code >= 0)
		code = key_add(p12, key, password, &names);
	if (code >= 0)
		code = gnutls_pkcs12_generate_mac2(p12, GNUTLS_MAC_SHA256, password);
	if (code >= 0)
		code = gnutls_pkcs12_export2(p12, GNUTLS_X509_FMT_DER, &der);
	if (code >= 0)
		ca_buf_add(out, der.data, der.size);
	else
		ca_logf(CA_LOG_ERROR, "PKCS#12: %s", gnutls_strerror(code));
	gnutls_free(der.data);
	gnutls_pkcs12_deinit(p12);
	if (code < 0)
		return code == GNUTLS_E_MEMORY_ERROR ? CA_ENOMEM : CA_EINTERNAL;
	return ca_buf_error(out);
}
