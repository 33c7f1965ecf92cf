/* Certificates for those who ask: what was granted, written from the issuer's template, and signed.
 */
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority.h"
#include "ca/certificate.h"
#include "ca/template.h"

/* Text that PrintableString or UTF8String can hold as it is. */
static bool is_common_name(const char *name)
{
	size_t len = 0;

	for (; name[len]; len++)
		if (name[len] < ' ' || name[len] > '~')
			return false;
	return len > 0 && len <= CA_COMMON_NAME_MAX;
}

/* UTF-8, as the JSON it came from, without control characters, within ub-organization-name (RFC
 * 5280, appendix A.1) in octets. */
static bool is_subject_text(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++)
		if ((unsigned char)text[len] < ' ' || text[len] == 0x7f)
			return false;
	return len > 0 && len <= CA_COMMON_NAME_MAX;
}

/* Policy has decided already; this is what no policy may get past. */
static int check_grant(const struct ca_authority *issuer, const struct ca_grant *grant,
    const unsigned char spki[CA_SHA256])
{
	if (!issuer->key || issuer->status != STORE_AUTHORITY_ACTIVE ||
	    issuer->kind == STORE_AUTHORITY_ROOT)
		return CA_EINTERNAL;
	if (grant->not_before < issuer->not_before || grant->not_before >= grant->not_after)
		return CA_ECLOCK;
	if (grant->not_after > issuer->not_after)
		return CA_EISSUERENDS;
	if (grant->names.n == 0 && !grant->common_name)
		return CA_ENONAMES;
	if (grant->common_name && !is_common_name(grant->common_name))
		return CA_ESUBJECT;
	if ((grant->organization && !is_subject_text(grant->organization)) ||
	    (grant->organizational_unit && !is_subject_text(grant->organizational_unit)))
		return CA_ESUBJECT;
	if (grant->key_usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN))
		return CA_EINTERNAL;
	if (memcmp(spki, issuer->spki_sha256, CA_SHA256) == 0)
		return CA_EKEYRESERVED;
	return 0;
}

/* der is the certificate's; the row gets a copy of its own. */
static int fill_row(const struct ca_authority *issuer, const struct ca_grant *grant,
    const struct ca_der *der, struct store_certificate *row)
{
	size_t len = 0;
	const unsigned char *octets = ca_der_octets(der, &len);
	unsigned char *copy = octets ? malloc(len) : NULL;
	int r = copy ? ca_names_copy(&grant->names, &row->names) : CA_ENOMEM;

	if (r) {
		free(copy);
		return r;
	}
	memcpy(copy, octets, len);
	row->der = copy; /* transferred */
	row->der_len = len;
	row->tenant_id = issuer->tenant_id;
	row->issuer_id = issuer->id;
	row->not_before = grant->not_before;
	row->not_after = grant->not_after;
	row->renew_after = grant->renew_after;
	if (grant->common_name)
		memcpy(row->common_name, grant->common_name, strlen(grant->common_name) + 1);
	row->status = STORE_GOOD;
	return 0;
}

/* Written twice: the part that is signed into the first half of the room, the whole into the
 * second. */
static int sign(
    const struct ca_authority *issuer, const struct ca_leaf *leaf, struct store_certificate *row)
{
	unsigned char *room = malloc((size_t)2 * CA_CERTIFICATE_MAX);
	unsigned char signature[CA_KEY_SIGNATURE_MAX];
	const unsigned char *octets = NULL;
	size_t len = 0, signature_len = 0;
	struct ca_der tbs, whole;
	int r;

	if (!room)
		return CA_ENOMEM;
	ca_der_begin(&tbs, room, CA_CERTIFICATE_MAX);
	ca_der_begin(&whole, room + CA_CERTIFICATE_MAX, CA_CERTIFICATE_MAX);
	r = ca_template_tbs(issuer->tmpl, leaf, &tbs);
	if (!r) {
		octets = ca_der_octets(&tbs, &len);
		r = ca_key_sign(issuer->key, octets, len, signature, &signature_len);
	}
	if (!r)
		r = ca_template_certificate(
		    issuer->tmpl, octets, len, signature, signature_len, &whole);
	if (!r)
		r = fill_row(issuer, leaf->grant, &whole, row);
	free(room);
	return r;
}

static int issue(const struct ca_authority *issuer, const unsigned char *spki, size_t spki_len,
    const unsigned char spki_sha256[CA_SHA256], const struct ca_grant *grant,
    const struct ca_urls *urls, struct store_certificate *row)
{
	unsigned char serial[CA_SERIAL];
	const struct ca_leaf leaf = {
		.serial = serial,
		.serial_len = sizeof(serial),
		.spki = spki,
		.spki_len = spki_len,
		.key_id = spki_sha256, /* its leftmost 160 bits (RFC 7093, section 2) */
		.grant = grant,
		.revocation_url = urls ? urls->revocation_url : NULL,
	};
	int r;

	r = check_grant(issuer, grant, spki_sha256);
	if (!r)
		r = ca_certificate_serial(serial);
	if (!r)
		r = sign(issuer, &leaf, row);
	if (r)
		return r;
	memcpy(row->spki_sha256, spki_sha256, CA_SHA256);
	memcpy(row->serial, serial, sizeof(serial));
	row->serial_len = sizeof(serial);
	return 0;
}

int ca_authority_issue_key(const struct ca_authority *issuer, gnutls_pubkey_t pubkey,
    const struct ca_grant *grant, const struct ca_urls *urls, struct store_certificate *row)
{
	unsigned char sha256[CA_SHA256];
	gnutls_datum_t spki = { NULL, 0 };
	int g, r;

	g = gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_DER, &spki);
	if (g >= 0)
		g = gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data, spki.size, sha256);
	r = g < 0 ? ca_certificate_failed("export a public key", g)
		  : issue(issuer, spki.data, spki.size, sha256, grant, urls, row);
	gnutls_free(spki.data);
	return r;
}

int ca_authority_issue(const struct ca_authority *issuer, const struct ca_csr *csr,
    const struct ca_grant *grant, const struct ca_urls *urls, struct store_certificate *row)
{
	int r = issue(issuer, csr->spki, csr->spki_len, csr->spki_sha256, grant, urls, row);

	if (!r)
		memcpy(row->request_sha256, csr->request_sha256, CA_SHA256);
	return r;
}
