/*
 * A writer of DER (X.690, section 10), and no reader: what comes from outside is parsed by GnuTLS.
 *It writes backwards, from the end of a room of fixed size towards its beginning, so that a length
 *is known when its header is due: what stands last is written first, and a header goes around all
 *that was written since a mark. { a OBJECT IDENTIFIER, b OCTET STRING } is
 *
 *	size_t mark = der.len;
 *
 *	ca_der_octet_string(&der, b, sizeof(b));
 *	ca_der_oid(&der, &a);
 *	ca_der_wrap(&der, CA_DER_SEQUENCE, mark);
 *
 * Failure is sticky: once something did not fit or could not be written, further calls do nothing,
 *and ca_der_octets() says so at the end.
 */
#ifndef CA_DER_H
#define CA_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Identifier octets (X.690, section 8.1.2); numbers up to 30 only. */
enum {
	CA_DER_BOOLEAN = 0x01,
	CA_DER_INTEGER = 0x02,
	CA_DER_BIT_STRING = 0x03,
	CA_DER_OCTET_STRING = 0x04,
	CA_DER_OID = 0x06,
	CA_DER_UTF8_STRING = 0x0c,
	CA_DER_PRINTABLE_STRING = 0x13,
	CA_DER_UTC_TIME = 0x17,
	CA_DER_GENERALIZED_TIME = 0x18,
	CA_DER_SEQUENCE = 0x30,
	CA_DER_SET = 0x31,
	CA_DER_CONTEXT = 0x80,     /* | number: [number], primitive */
	CA_DER_CONSTRUCTED = 0xa0, /* | number: [number], constructed */
};

struct ca_der {
	unsigned char *room; /* borrowed */
	size_t cap;
	size_t len; /* octets written, at the end of room; a mark is what this was */
	bool failed;
};

/* The content octets of an OBJECT IDENTIFIER. */
struct ca_der_oid {
	size_t len;
	unsigned char octets[12];
};

void ca_der_begin(struct ca_der *der, unsigned char *room, size_t cap);

/* What was written, borrowed from the room; NULL after a failure, *len is then not assigned. */
const unsigned char *ca_der_octets(const struct ca_der *der, size_t *len);

/* Octets as they are: DER that is ready, or the content of a string. */
void ca_der_raw(struct ca_der *der, const void *octets, size_t len);

/* Identifier and length around all that was written since mark. */
void ca_der_wrap(struct ca_der *der, unsigned char tag, size_t mark);

/* A non-negative INTEGER from big-endian octets, with or without leading zeroes; none at all is 0.
 */
void ca_der_integer(struct ca_der *der, const unsigned char *octets, size_t len);

void ca_der_boolean(struct ca_der *der, bool value);
void ca_der_oid(struct ca_der *der, const struct ca_der_oid *oid);
void ca_der_octet_string(struct ca_der *der, const void *octets, size_t len);

/* A BIT STRING of whole octets. */
void ca_der_bit_string(struct ca_der *der, const unsigned char *octets, size_t len);

/* A BIT STRING with named bits, bit 0 the highest of the first octet: no zero bits at the end
 * (X.690, section 11.2.2). */
void ca_der_named_bits(struct ca_der *der, const unsigned char *octets, size_t len);

/*
 * Time in seconds since 1970 UTC as certificates and CRLs have it (RFC 5280, section 4.1.2.5):
 * UTCTime from 1950 through 2049, else GeneralizedTime. Fails outside of the years 0 to 9999.
 */
void ca_der_time(struct ca_der *der, int64_t seconds);

#endif
