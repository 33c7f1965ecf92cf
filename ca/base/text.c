#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/error.h"
#include "ca/base/text.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void ca_hex(const void *data, size_t len, char *out)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = hex_digits[p[i] >> 4];
		*out++ = hex_digits[p[i] & 15];
	}
	*out = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int ca_unhex(const char *text, unsigned char *out, size_t max, size_t *len)
{
	size_t n = 0;

	while (*text) {
		int high, low;

		if (n && (*text == ':' || *text == ' '))
			text++;
		high = hex_value(text[0]);
		low = high < 0 ? -1 : hex_value(text[1]);
		if (low < 0 || n == max)
			return CA_EINVAL;
		out[n++] = (unsigned char)(high << 4 | low);
		text += 2;
	}
	*len = n;
	return 0;
}

void ca_base64url(const void *data, size_t len, char *out)
{
	const unsigned char *p = data;
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | p[i];
		for (n += 8; n >= 6; n -= 6)
			*out++ = base64url_digits[bits >> (n - 6) & 63];
	}
	if (n)
		*out++ = base64url_digits[bits << (6 - n) & 63];
	*out = '\0';
}

/* The value of a digit of base64url, or -1. Tokens are a thousand of them: no search. */
static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int ca_unbase64url(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len)
{
	unsigned bits = 0, n = 0;
	size_t o = 0;

	for (size_t i = 0; i < text_len; i++) {
		int digit = base64url_value(text[i]);

		if (digit < 0)
			return CA_EINVAL;
		bits = bits << 6 | (unsigned)digit;
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		if (o == max)
			return CA_EINVAL;
		out[o++] = (unsigned char)(bits >> n & 255);
	}
	/* What is left over is padding: fewer than six bits, all zero. */
	if (n >= 6 || (bits & ((1u << n) - 1)))
		return CA_EINVAL;
	*len = o;
	return 0;
}

int ca_parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	long long value;
	char *end;

	if (!text || !((*text >= '0' && *text <= '9') || *text == '-'))
		return CA_EINVAL;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || *end || end == text || value < min || value > max)
		return CA_EINVAL;
	*out = value;
	return 0;
}

int ca_copy_text(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? CA_ENOMEM : 0;
}

bool ca_empty(const char *text)
{
	return !text || !*text;
}
