/* A certificate signing request (PKCS#10, RFC 2986): what it asks for, checked in form but not yet
 * judged. */
#ifndef CA_CSR_H
#define CA_CSR_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "ca/base/names.h"
#include "ca/key.h"

#define CA_CSR_MAX 32768 /* octets of PEM */

/* Extended key usages as bits. */
enum {
	CA_EKU_SERVER_AUTH = 1,
	CA_EKU_CLIENT_AUTH = 2,
	CA_EKU_CODE_SIGNING = 4,
	CA_EKU_EMAIL_PROTECTION = 8,
	CA_EKU_ALL = 15,
};

struct ca_csr {
	enum ca_key_type key_type; /* passed ca_key_check_public() */
	unsigned char
	    *spki; /* owned; DER of the SubjectPublicKeyInfo, as it stands in the request */
	size_t spki_len;
	unsigned char spki_sha256[CA_SHA256];
	unsigned char request_sha256[CA_SHA256]; /* of the DER */
	char *common_name;                       /* owned; NULL when there is none */
	struct ca_names names; /* of the subjectAltName extension; the CN is not added */
	unsigned key_usage;    /* GNUTLS_KEY_* asked for, 0: none asked */
	unsigned eku;          /* CA_EKU_* asked for, 0: none asked */
};

/*
 * Parse one PEM block (exactly one; text before it is passed over, anything but white space behind
 * it is refused), verify its signature with its own key, check the key (ca_key_check_public), and
 * take out what it asks for. CA_ECSR: not a request; several; trailing data; BER that is not DER,
 * here or in an extension; two extensionRequest attributes, an extension twice; two CNs.
 * CA_ECSRSIGNATURE: made by another key, or with an algorithm that is not accepted. CA_EKEYTYPE,
 * CA_EKEYWEAK. CA_ENAME: a name malformed or of a form that Mica does not issue for (otherName,
 * directoryName, registeredID), or no DER. CA_ETOOMANYNAMES: over CA_NAMES_MAX. CA_ESUBJECT: a
 * subject attribute other than one CN, or a CN that is not text. CA_ECSREXTENSION: basicConstraints
 * with CA:TRUE, keyCertSign, cRLSign, an extended key usage other than CA_EKU_ALL, or an extension
 * other than subjectAltName, keyUsage, extKeyUsage, basicConstraints and subjectKeyIdentifier.
 */
int ca_csr_parse(const char *pem, size_t len, struct ca_csr **out, struct ca_detail *why);

void ca_csr_free(struct ca_csr *csr); /* NULL is fine */

/*
 * The client's side: append the PEM of a request for key, with a subjectAltName extension (when
 * names has any) and, when common_name is not NULL, a CN. Signed with SHA-256 (P-384: SHA-384).
 */
int ca_csr_create(const struct ca_key *key, const char *common_name, const struct ca_names *names,
    struct ca_buf *pem);

#endif
