#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/authority.h"
#include "ca/base/log.h"
#include "ca/certificate.h"
#include "ca/template.h"

void ca_authority_free(struct ca_authority *authority)
{
	if (!authority)
		return;
	gnutls_x509_crt_deinit(authority->crt);
	ca_key_free(authority->key);
	ca_template_free(authority->tmpl);
	free(authority->der);
	free(authority->pem);
	free(authority);
}

int ca_pem_certificate(const unsigned char *der, size_t len, struct ca_buf *out)
{
	struct ca_buf copy = CA_BUF_INIT; /* GnuTLS takes no const octets */
	gnutls_datum_t pem = { NULL, 0 }, datum;
	int g, r;

	ca_buf_add(&copy, der, len);
	r = ca_buf_error(&copy);
	if (r)
		return r;
	datum = (gnutls_datum_t){ copy.data, (unsigned)copy.len };
	g = gnutls_pem_base64_encode2("CERTIFICATE", &datum, &pem);
	if (g < 0) {
		r = ca_certificate_failed("write PEM", g);
	} else {
		ca_buf_add(out, pem.data, pem.size);
		r = ca_buf_error(out);
	}
	gnutls_free(pem.data);
	ca_buf_free(&copy);
	return r;
}

/* Both forms of the certificate, and its fingerprint. */
static int keep_forms(struct ca_authority *authority, const struct store_blob *der)
{
	struct ca_buf copy = CA_BUF_INIT, pem = CA_BUF_INIT;
	size_t pem_len;
	int g, r;

	ca_buf_add(&copy, der->data, der->len);
	r = ca_pem_certificate(der->data, der->len, &pem);
	if (!r)
		r = ca_buf_error(&copy);
	if (r)
		goto out;
	g = gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->len, authority->sha256);
	if (g < 0) {
		r = ca_certificate_failed("hash a certificate", g);
		goto out;
	}
	authority->der = ca_buf_take(&copy, &authority->der_len);
	authority->pem = (char *)ca_buf_take(&pem, &pem_len);
out:
	ca_buf_free(&copy);
	ca_buf_free(&pem);
	return r;
}

/* Is it a CA's certificate, and do the row and the key speak of the same public key? */
static int check(const struct ca_authority *authority, const struct store_authority *row,
    const struct ca_key *key)
{
	unsigned char spki[CA_SHA256];
	unsigned ca = 0;
	int r;

	if (gnutls_x509_crt_get_basic_constraints(authority->crt, NULL, &ca, NULL) < 0 || !ca)
		return CA_ESEAL;
	if (memcmp(authority->spki_sha256, row->spki_sha256, CA_SHA256) != 0)
		return CA_ESEAL;
	if (!key)
		return 0;
	r = ca_key_spki_sha256(key, spki);
	if (!r && memcmp(spki, authority->spki_sha256, CA_SHA256) != 0)
		r = CA_ESEAL;
	return r;
}

static void copy_row(struct ca_authority *authority, const struct store_authority *row)
{
	authority->id = row->id;
	authority->tenant_id = row->tenant_id;
	authority->parent_id = row->parent_id;
	authority->kind = row->kind;
	authority->status = row->status;
	memcpy(authority->name, row->name, sizeof(authority->name));
	memcpy(authority->serial, row->serial, sizeof(authority->serial));
	authority->serial_len = row->serial_len;
	authority->crl_shards = row->crl_shards;
	authority->not_before = (int64_t)gnutls_x509_crt_get_activation_time(authority->crt);
	authority->not_after = (int64_t)gnutls_x509_crt_get_expiration_time(authority->crt);
}

int ca_authority_open(
    const struct store_authority *row, struct ca_key *key, struct ca_authority **out)
{
	struct ca_authority *authority = calloc(1, sizeof(*authority));
	int r;

	if (!authority)
		return CA_ENOMEM;
	r = ca_certificate_import(row->certificate.data, row->certificate.len, &authority->crt);
	if (r) {
		r = r == CA_EINVAL ? CA_ESEAL : r;
		goto out;
	}
	r = ca_certificate_spki_sha256(authority->crt, authority->spki_sha256);
	if (!r)
		r = check(authority, row, key);
	if (!r)
		r = keep_forms(authority, &row->certificate);
	if (!r && key)
		r = ca_template_make(authority->crt, ca_key_type(key), row->name, &authority->tmpl);
	if (r)
		goto out;
	copy_row(authority, row);
	authority->key = key; /* transferred */
	*out = authority;
	authority = NULL; /* transferred */
out:
	ca_authority_free(authority);
	return r;
}
