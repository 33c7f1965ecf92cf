/* Strict DER from outside, read by libcrypto's templates; the server's side only. */
#ifndef CA_DER_READ_H
#define CA_DER_READ_H

#include <stddef.h>

#include <openssl/asn1t.h>

/*
 * Decode DER (X.690, section 10), the whole of it. libcrypto reads some BER as well: what it would
 * not write back octet for octet is refused. What a template leaves encoded (ASN1_ANY,
 * ASN1_SEQUENCE) is not looked into. NULL when it is none; else ASN1_item_free() it. libcrypto's
 * error queue is the caller's to clear.
 */
void *ca_der_decode(const ASN1_ITEM *item, const unsigned char *der, size_t len);
void *ca_der_decode_string(const ASN1_ITEM *item, const ASN1_STRING *der);

#endif
