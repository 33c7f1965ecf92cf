/* The signature of a request; for ca/csr.c only. */
#ifndef CA_CSR_SIGNATURE_H
#define CA_CSR_SIGNATURE_H

#include <openssl/x509.h>

#include "ca/csr.h"

/* RFC 2986, section 4.2; info stays encoded, for it is signed as it is. */
struct ca_csr_request {
	ASN1_STRING *info;
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *signature;
};

/*
 * Was the request signed with the key in it (csr's spki and key_type; pkey is the same key), with
 * an algorithm that is accepted? CA_ECSRSIGNATURE.
 */
int ca_csr_check_signature(const struct ca_csr *csr, const struct ca_csr_request *request,
    EVP_PKEY *pkey, struct ca_detail *why);

#endif
