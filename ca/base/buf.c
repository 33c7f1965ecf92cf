#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"

void ca_wipe(void *data, size_t len)
{
	if (data && len)
		gnutls_memset(data, 0, len);
}

/* Room for more octets and a NUL. The old memory is wiped: it may have held a secret. */
static bool reserve(struct ca_buf *buf, size_t more)
{
	unsigned char *data;
	size_t cap;

	if (buf->failed)
		return false;
	if (more < buf->cap - buf->len && buf->data)
		return true;
	if (more > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4)
		goto fail;
	cap = buf->cap ? buf->cap : 64;
	while (cap <= buf->len + more)
		cap *= 2;
	data = malloc(cap);
	if (!data)
		goto fail;
	if (buf->data && buf->len)
		memcpy(data, buf->data, buf->len);
	data[buf->len] = '\0';
	ca_wipe(buf->data, buf->cap);
	free(buf->data);
	buf->data = data;
	buf->cap = cap;
	return true;
fail:
	buf->failed = true;
	return false;
}

void ca_buf_reserve(struct ca_buf *buf, size_t len)
{
	(void)reserve(buf, len);
}

void ca_buf_add(struct ca_buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void ca_buf_add_str(struct ca_buf *buf, const char *text)
{
	ca_buf_add(buf, text, strlen(text));
}

void ca_buf_add_byte(struct ca_buf *buf, unsigned char byte)
{
	ca_buf_add(buf, &byte, 1);
}

void ca_buf_addf(struct ca_buf *buf, const char *format, ...)
{
	va_list ap, again;
	size_t room;
	int n;

	if (!reserve(buf, 0))
		return;
	room = buf->cap - buf->len;
	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf((char *)buf->data + buf->len, room, format, ap);
	va_end(ap);
	if (n < 0)
		buf->failed = true;
	else if ((size_t)n >= room && reserve(buf, (size_t)n))
		vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, format, again);
	va_end(again);
	if (!buf->failed)
		buf->len += (size_t)n;
}

int ca_buf_error(const struct ca_buf *buf)
{
	return buf->failed ? CA_ENOMEM : 0;
}

const char *ca_buf_text(const struct ca_buf *buf)
{
	return buf->data && !buf->failed ? (const char *)buf->data : "";
}

void ca_buf_clear(struct ca_buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void ca_buf_free(struct ca_buf *buf)
{
	if (!buf)
		return;
	ca_wipe(buf->data, buf->cap);
	free(buf->data);
	*buf = (struct ca_buf)CA_BUF_INIT;
}

unsigned char *ca_buf_take(struct ca_buf *buf, size_t *len)
{
	unsigned char *data = buf->data;

	if (buf->failed || !data) {
		ca_buf_free(buf);
		return NULL;
	}
	*len = buf->len;
	*buf = (struct ca_buf)CA_BUF_INIT; /* transferred */
	return data;
}
