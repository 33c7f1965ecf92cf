/*
 * A certificate authority: a CA certificate with its key. This is the only path to a signature on a
 * certificate. Immutable once loaded; any number of threads may issue from one at the same time,
 * and no lock is held over a signature.
 */
#ifndef CA_AUTHORITY_H
#define CA_AUTHORITY_H

#include <gnutls/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/constraints.h"
#include "ca/csr.h"
#include "ca/key.h"
#include "ca/policy.h"
#include "store/certificates.h"
#include "store/installation.h"

struct ca_authority {
	int64_t id;
	int64_t tenant_id;
	int64_t parent_id; /* 0: self-signed */
	enum store_authority_kind kind;
	enum store_authority_status status;
	char name[STORE_AUTHORITY_NAME];
	char tenant[STORE_TENANT_NAME]; /* its name; set by whoever loads it */
	unsigned char serial[STORE_SERIAL_MAX];
	size_t serial_len;
	int64_t not_before, not_after;
	unsigned char spki_sha256[CA_SHA256];
	unsigned char sha256[CA_SHA256]; /* of the certificate's DER: its fingerprint */
	int crl_shards;
	gnutls_x509_crt_t crt; /* owned */
	unsigned char *der;    /* owned */
	size_t der_len;
	char *pem;                /* owned */
	struct ca_key *key;       /* owned; NULL when this process may not sign with it */
	struct ca_template *tmpl; /* of the certificates it signs; owned; NULL without a key */
};

void ca_authority_free(struct ca_authority *authority); /* NULL is fine */

/* Where the URLs in certificates point. */
struct ca_urls {
	const char *revocation_url; /* borrowed; NULL: neither AIA nor CRL distribution point */
};

/*
 * Sign the certificate for what was granted: RFC 5280 v3, a serial of 17 octets (134 random bits
 * and more), subject, SAN, critical basicConstraints and keyUsage, EKU, AKI, SKI, and with a
 * revocation URL caIssuers (URL/ca/NAME.cer), OCSP (URL/ocsp) and the CRL distribution point
 * (URL/crl/NAME.crl). The signature is checked with the issuer's public key before anything is
 * handed out. CA_ETOOMANYNAMES: larger than CA_CERTIFICATE_MAX (ca/certificate.h). *row is filled
 * for store_certificate_add(): all but id, parent_id, lineage_id, operator_id, profile and
 * issued_at. It must be zeroed or cleared before.
 */
int ca_authority_issue(const struct ca_authority *issuer, const struct ca_csr *csr,
    const struct ca_grant *grant, const struct ca_urls *urls, struct store_certificate *row);

/* The same for a public key without a CSR (micad's own certificate); request_sha256 stays zero. */
int ca_authority_issue_key(const struct ca_authority *issuer, gnutls_pubkey_t pubkey,
    const struct ca_grant *grant, const struct ca_urls *urls, struct store_certificate *row);

/* What a CA certificate is to be. */
struct ca_authority_template {
	const char *common_name;  /* distinct for each CA that is ever made */
	const char *organization; /* or NULL */
	int pathlen;              /* -1: no limit */
	int64_t not_before, not_after;
	const struct ca_constraints *constraints; /* names below it; or NULL */
};

/*
 * Make a CA certificate for key: self-signed when parent is NULL, else signed by parent.
 * keyCertSign and cRLSign, critical; the parent's AIA and CRL URLs as above. Appends the DER;
 * serial has room for STORE_SERIAL_MAX.
 */
int ca_authority_create(const struct ca_authority *parent, const struct ca_key *key,
    const struct ca_authority_template *tmpl, const struct ca_urls *urls, struct ca_buf *der,
    unsigned char *serial, size_t *serial_len);

/*
 * Put a loaded authority together from its row and its opened key (transferred on success; NULL:
 * none). CA_ESEAL: certificate, key and row do not belong together.
 */
int ca_authority_open(
    const struct store_authority *row, struct ca_key *key, struct ca_authority **out);

/* Append a certificate's PEM from its DER. */
int ca_pem_certificate(const unsigned char *der, size_t len, struct ca_buf *out);

#endif
