/*
 * ca_csr_parse() with anything. Input that begins as DER is also tried as the DER in a PEM, once
 * more with a good key and signature put in, and as the extensions of a request that is good
 * otherwise: for hardly any input would come past the signature. Seeds: requests in either form,
 * and Extensions.
 */
#include <stdint.h>
#include <stdlib.h>

#include <gnutls/x509.h>

#include "ca/base/buf.h"
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

static void parse_der(const gnutls_datum_t *der)
{
	gnutls_datum_t pem = { NULL, 0 };

	if (gnutls_pem_base64_encode2("CERTIFICATE REQUEST", der, &pem) == 0)
		parse((const char *)pem.data, pem.size);
	gnutls_free(pem.data);
}

static const struct ca_key *signer(void)
{
	static struct ca_key *key;

	if (!key && ca_key_generate(CA_KEY_EC_P256, &key))
		abort();
	return key;
}

static void sign_and_parse(const gnutls_datum_t *der)
{
	const struct ca_key *key = signer();
	gnutls_datum_t pem = { NULL, 0 };
	gnutls_x509_crq_t crq;

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

/* Wrap the content of out in a tag. */
static void wrap(struct ca_buf *out, unsigned char tag)
{
	struct ca_buf content = *out;

	*out = (struct ca_buf)CA_BUF_INIT;
	ca_buf_add_byte(out, tag);
	if (content.len > 255)
		ca_buf_add_byte(out, 0x82);
	else if (content.len > 127)
		ca_buf_add_byte(out, 0x81);
	if (content.len > 255)
		ca_buf_add_byte(out, (unsigned char)(content.len >> 8));
	ca_buf_add_byte(out, (unsigned char)content.len);
	ca_buf_add(out, content.data, content.len);
	ca_buf_free(&content);
}

/* A CertificationRequestInfo without a subject, with these octets as its Extensions. */
static void add_info(struct ca_buf *out, const uint8_t *extensions, size_t size)
{
	struct ca_buf values = CA_BUF_INIT, attribute = CA_BUF_INIT;
	gnutls_datum_t spki = { NULL, 0 };

	if (gnutls_pubkey_export2(ca_key_pubkey(signer()), GNUTLS_X509_FMT_DER, &spki))
		abort();
	ca_buf_add(out, "\x02\x01\x00\x30\x00", 5);
	ca_buf_add(out, spki.data, spki.size);
	gnutls_free(spki.data);
	ca_buf_add(&values, extensions, size);
	wrap(&values, 0x31);
	ca_buf_add(&attribute, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e", 11);
	ca_buf_add(&attribute, values.data, values.len);
	ca_buf_free(&values);
	wrap(&attribute, 0x30);
	wrap(&attribute, 0xa0);
	ca_buf_add(out, attribute.data, attribute.len);
	ca_buf_free(&attribute);
	wrap(out, 0x30);
}

static void parse_extensions(const uint8_t *data, size_t size)
{
	struct ca_buf out = CA_BUF_INIT, bits = CA_BUF_INIT;
	gnutls_datum_t info, signature = { NULL, 0 }, der;

	add_info(&out, data, size);
	info = (gnutls_datum_t){ out.data, (unsigned)out.len };
	if (gnutls_privkey_sign_data2(
		ca_key_privkey(signer()), GNUTLS_SIGN_ECDSA_SHA256, 0, &info, &signature))
		abort();
	ca_buf_add_byte(&bits, 0);
	ca_buf_add(&bits, signature.data, signature.size);
	gnutls_free(signature.data);
	wrap(&bits, 0x03);
	ca_buf_add(&out, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 12);
	ca_buf_add(&out, bits.data, bits.len);
	ca_buf_free(&bits);
	wrap(&out, 0x30);
	der = (gnutls_datum_t){ out.data, (unsigned)out.len };
	parse_der(&der);
	ca_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gnutls_datum_t der = { (unsigned char *)(uintptr_t)data, (unsigned)size };

	if (size > CA_CSR_MAX)
		return 0;
	parse((const char *)data, size);
	if (size == 0 || data[0] != 0x30)
		return 0;
	parse_der(&der);
	sign_and_parse(&der);
	parse_extensions(data, size);
	return 0;
}
