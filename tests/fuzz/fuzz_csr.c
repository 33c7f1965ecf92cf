/*
 * ca_csr_parse() with anything. Input that begins as DER is also tried as the DER in a PEM, and
 * once more with a good key and signature put in, for otherwise hardly any input would come past
 * the signature. Seeds: requests in either form.
 */
#include <stdint.h>
#include <stdlib.h>

#include <gnutls/x509.h>

#include "ca/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const char *text, size_t len)
{
	struct ca_csr *csr = NULL;
	struct ca_detail why;

	if (ca_csr_parse(text, len, &csr, &why) == 0 && csr->key_type == CA_KEY_NONE)
		abort();
	ca_csr_free(csr);
}

static void sign_and_parse(const gnutls_datum_t *der)
{
	static struct ca_key *key;
	gnutls_datum_t pem = { NULL, 0 };
	gnutls_x509_crq_t crq;

	if (!key && ca_key_generate(CA_KEY_EC_P256, &key))
		abort();
	if (gnutls_x509_crq_init(&crq))
		return;
	if (gnutls_x509_crq_import(crq, der, GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_x509_crq_set_pubkey(crq, ca_key_pubkey(key)) == 0 &&
	    gnutls_x509_crq_privkey_sign(crq, ca_key_privkey(key), GNUTLS_DIG_SHA256, 0) == 0 &&
	    gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &pem) == 0)
		parse((const char *)pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crq_deinit(crq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gnutls_datum_t der = { (unsigned char *)(uintptr_t)data, (unsigned)size };
	gnutls_datum_t pem = { NULL, 0 };

	if (size > CA_CSR_MAX)
		return 0;
	parse((const char *)data, size);
	if (size == 0 || data[0] != 0x30)
		return 0;
	if (gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &pem) == 0)
		parse((const char *)pem.data, pem.size);
	gnutls_free(pem.data);
	sign_and_parse(&der);
	return 0;
}
