#include <string.h>
#include <time.h>

#include "ca/der.h"

#define LENGTH_MAX (1 + sizeof(size_t))

void ca_der_begin(struct ca_der *der, unsigned char *room, size_t cap)
{
	*der = (struct ca_der){ .room = room, .cap = cap };
}

const unsigned char *ca_der_octets(const struct ca_der *der, size_t *len)
{
	if (der->failed)
		return NULL;
	*len = der->len;
	return der->room + (der->cap - der->len);
}

/* Room for len octets in front of what is there; NULL: none. */
static unsigned char *reserve(struct ca_der *der, size_t len)
{
	if (der->failed || len > der->cap - der->len) {
		der->failed = true;
		return NULL;
	}
	der->len += len;
	return der->room + (der->cap - der->len);
}

void ca_der_raw(struct ca_der *der, const void *octets, size_t len)
{
	unsigned char *to = reserve(der, len);

	if (to && len)
		memcpy(to, octets, len);
}

static void add_octet(struct ca_der *der, unsigned char octet)
{
	unsigned char *to = reserve(der, 1);

	if (to)
		*to = octet;
}

/* X.690, section 10.1: in as few octets as can be. */
static void add_length(struct ca_der *der, size_t len)
{
	unsigned char octets[LENGTH_MAX];
	size_t at = sizeof(octets);

	if (len < 0x80) {
		add_octet(der, (unsigned char)len);
		return;
	}
	for (; len; len >>= 8)
		octets[--at] = (unsigned char)(len & 0xff);
	octets[at - 1] = (unsigned char)(0x80 | (sizeof(octets) - at));
	at--;
	ca_der_raw(der, octets + at, sizeof(octets) - at);
}

void ca_der_wrap(struct ca_der *der, unsigned char tag, size_t mark)
{
	if (mark > der->len) {
		der->failed = true;
		return;
	}
	add_length(der, der->len - mark);
	add_octet(der, tag);
}

void ca_der_integer(struct ca_der *der, const unsigned char *octets, size_t len)
{
	size_t mark = der->len;

	while (len && octets[0] == 0) {
		octets++;
		len--;
	}
	ca_der_raw(der, octets, len);
	if (len == 0 || octets[0] & 0x80)
		add_octet(der, 0);
	ca_der_wrap(der, CA_DER_INTEGER, mark);
}

void ca_der_boolean(struct ca_der *der, bool value)
{
	size_t mark = der->len;

	add_octet(der, value ? 0xff : 0);
	ca_der_wrap(der, CA_DER_BOOLEAN, mark);
}

void ca_der_oid(struct ca_der *der, const struct ca_der_oid *oid)
{
	size_t mark = der->len;

	ca_der_raw(der, oid->octets, oid->len);
	ca_der_wrap(der, CA_DER_OID, mark);
}

void ca_der_octet_string(struct ca_der *der, const void *octets, size_t len)
{
	size_t mark = der->len;

	ca_der_raw(der, octets, len);
	ca_der_wrap(der, CA_DER_OCTET_STRING, mark);
}

static void add_bits(
    struct ca_der *der, const unsigned char *octets, size_t len, unsigned char unused)
{
	size_t mark = der->len;

	ca_der_raw(der, octets, len);
	add_octet(der, unused);
	ca_der_wrap(der, CA_DER_BIT_STRING, mark);
}

void ca_der_bit_string(struct ca_der *der, const unsigned char *octets, size_t len)
{
	add_bits(der, octets, len, 0);
}

void ca_der_named_bits(struct ca_der *der, const unsigned char *octets, size_t len)
{
	unsigned char unused = 0;

	while (len && octets[len - 1] == 0)
		len--;
	while (len && !(octets[len - 1] >> unused & 1))
		unused++;
	add_bits(der, octets, len, unused);
}

static void add_two_digits(struct ca_der *der, int value)
{
	add_octet(der, (unsigned char)('0' + value % 10));
	add_octet(der, (unsigned char)('0' + value / 10));
}

void ca_der_time(struct ca_der *der, int64_t seconds)
{
	size_t mark = der->len;
	struct tm tm = { 0 };
	time_t t = (time_t)seconds;
	int year;

	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
		der->failed = true;
		return;
	}
	year = tm.tm_year + 1900;
	add_octet(der, 'Z');
	add_two_digits(der, tm.tm_sec);
	add_two_digits(der, tm.tm_min);
	add_two_digits(der, tm.tm_hour);
	add_two_digits(der, tm.tm_mday);
	add_two_digits(der, tm.tm_mon + 1);
	add_two_digits(der, year % 100);
	if (year >= 1950 && year < 2050) {
		ca_der_wrap(der, CA_DER_UTC_TIME, mark);
		return;
	}
	add_two_digits(der, year / 100);
	ca_der_wrap(der, CA_DER_GENERALIZED_TIME, mark);
}
