/*
 * Certificates as one issuer writes them (RFC 5280, section 4): what all of them have in common is
 * encoded once, when the issuer is loaded, the rest is filled in per certificate, and nothing is
 * parsed. For ca/authority*.c only: nobody else signs. Immutable once made; used by many threads at
 * once.
 */
#ifndef CA_TEMPLATE_H
#define CA_TEMPLATE_H

#include <gnutls/x509.h>
#include <stddef.h>

#include "ca/der.h"
#include "ca/key.h"
#include "ca/policy.h"

#define CA_KEY_ID 20 /* octets of a subjectKeyIdentifier */

struct ca_template;

/*
 * issuer is the CA's certificate, signer the type of its key, name what its URLs call it.
 * CA_EKEYTYPE: a key that cannot sign certificates.
 */
int ca_template_make(
    gnutls_x509_crt_t issuer, enum ca_key_type signer, const char *name, struct ca_template **out);

void ca_template_free(struct ca_template *tmpl); /* NULL is fine */

/* What differs from certificate to certificate. Everything is borrowed. */
struct ca_leaf {
	const unsigned char *serial; /* big-endian, not negative */
	size_t serial_len;
	const unsigned char *spki; /* DER of the SubjectPublicKeyInfo */
	size_t spki_len;
	const unsigned char *key_id; /* CA_KEY_ID octets */
	const struct ca_grant
	    *grant; /* names, subject, usages and times; a common name is ASCII, the rest UTF-8 */
	const char *revocation_url; /* NULL: neither AIA nor CRL distribution point */
};

/*
 * Write the TBSCertificate: version 3, with the extensions SKI, SAN, basicConstraints, keyUsage,
 * EKU, AKI, AIA, CRL distribution point, in this order. CA_ETOOMANYNAMES: it does not fit into what
 * room is left in der; CA_ENAME: an address that is none.
 */
int ca_template_tbs(const struct ca_template *tmpl, const struct ca_leaf *leaf, struct ca_der *der);

/* Write the whole: TBSCertificate, algorithm and signature. CA_ETOOMANYNAMES as above. */
int ca_template_certificate(const struct ca_template *tmpl, const unsigned char *tbs,
    size_t tbs_len, const unsigned char *signature, size_t signature_len, struct ca_der *der);

#endif
