/*
 * Certificates as GnuTLS writes them: what ca/template.c writes is held against this, octet by
 * octet. Each call fails the test on error.
 */
#ifndef TESTS_REFERENCE_CERTIFICATE_H
#define TESTS_REFERENCE_CERTIFICATE_H

#include "ca/authority.h"

/*
 * The certificate that issuer is to make: serial (big-endian, not negative) and public key as
 * given, names, usages and times as granted. Signed with the issuer's key; appended as DER. For
 * names that GnuTLS can encode.
 */
void reference_certificate(const struct ca_authority *issuer, gnutls_pubkey_t pubkey,
    const unsigned char *serial, size_t serial_len, const struct ca_grant *grant,
    const struct ca_urls *urls, struct ca_buf *der);

/* An active authority with a new key of this type: self-signed when parent is NULL. */
struct ca_authority *reference_authority(const char *common_name, enum ca_key_type type,
    const struct ca_key_backend *backend, const struct ca_authority *parent);

#endif
