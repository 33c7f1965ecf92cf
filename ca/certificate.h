/*
 * Certificates in GnuTLS's hands: reading and verifying them, and, for CA certificates, the steps
 * from an empty gnutls_x509_crt_t to DER that was signed, read back and verified. For
 * ca/authority*.c only: nobody else signs. (What a CA signs day by day is in ca/template.h.)
 */
#ifndef CA_CERTIFICATE_H
#define CA_CERTIFICATE_H

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/authority.h"
#include "ca/base/buf.h"
#include "ca/key.h"

#define CA_CERTIFICATE_MAX 16384 /* octets of DER */
#define CA_COMMON_NAME_MAX 64    /* ub-common-name, RFC 5280, appendix A.1 */
#define CA_SERIAL 17             /* octets, of the 20 that RFC 5280, section 4.1.2.2, allows */

/* Log a GnuTLS error once and translate it: CA_ENOMEM or CA_EINTERNAL. */
int ca_certificate_failed(const char *act, int gnutls_error);

/* A new serial number: random, positive, without a leading zero octet (RFC 5280, section 4.1.2.2).
 */
int ca_certificate_serial(unsigned char serial[CA_SERIAL]);

/* A new version 3 certificate: serial, validity, public key and its subjectKeyIdentifier. */
int ca_certificate_begin(gnutls_pubkey_t pubkey, const unsigned char *serial, size_t serial_len,
    int64_t not_before, int64_t not_after, gnutls_x509_crt_t *out);

/* What points at the issuer: authorityKeyIdentifier, and with a revocation URL caIssuers, OCSP and
 * the CRL. */
int ca_certificate_point(
    gnutls_x509_crt_t crt, const struct ca_authority *issuer, const struct ca_urls *urls);

/*
 * Sign with key, in the name of issuer's subject (self-signed: crt itself), and append the DER.
 * *out is what was read back from that DER; its signature is verified.
 */
int ca_certificate_sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, const struct ca_key *key,
    struct ca_buf *der, gnutls_x509_crt_t *out);

/* Did issuer's key sign crt, in the issuer's name? CA_EINTERNAL if not. Times are not looked at. */
int ca_certificate_verify(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer);

/* From DER. CA_EINVAL: it is none. */
int ca_certificate_import(const unsigned char *der, size_t len, gnutls_x509_crt_t *out);

/* SHA-256 of the SubjectPublicKeyInfo. */
int ca_certificate_spki_sha256(gnutls_x509_crt_t crt, unsigned char out[CA_SHA256]);

#endif
