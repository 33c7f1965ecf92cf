#include <string.h>

#include "ca/der_read.h"

void *ca_der_decode(const ASN1_ITEM *item, const unsigned char *der, size_t len)
{
	const unsigned char *end = der;
	unsigned char *again = NULL;
	ASN1_VALUE *value = ASN1_item_d2i(NULL, &end, (long)len, item);
	int again_len;

	if (!value)
		return NULL;
	again_len = ASN1_item_i2d(value, &again, item);
	if (again_len < 0 || (size_t)again_len != len || memcmp(again, der, len) != 0) {
		ASN1_item_free(value, item);
		value = NULL;
	}
	OPENSSL_free(again);
	return value;
}

void *ca_der_decode_string(const ASN1_ITEM *item, const ASN1_STRING *der)
{
	return ca_der_decode(item, ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der));
}
