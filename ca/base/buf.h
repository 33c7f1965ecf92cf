/*
 * A growing buffer of octets. Failure is sticky: after a failed allocation the buffer stays failed,
 * further calls do nothing, and ca_buf_error() says so once at the end; no call in between needs a
 * check. `struct ca_buf b = CA_BUF_INIT;` is a valid empty buffer; so is all zeroes.
 */
#ifndef CA_BASE_BUF_H
#define CA_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#define CA_BUF_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

struct ca_buf {
	unsigned char *data; /* owned; NUL-terminated behind len (not counted) once anything was
				added; else NULL */
	size_t len;
	size_t cap;
	bool failed;
};

/* Make room for len octets more, so that adding them does not copy what is there again and again.
 */
void ca_buf_reserve(struct ca_buf *buf, size_t len);

void ca_buf_add(struct ca_buf *buf, const void *data, size_t len);
void ca_buf_add_str(struct ca_buf *buf, const char *text);
void ca_buf_add_byte(struct ca_buf *buf, unsigned char byte);
void ca_buf_addf(struct ca_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0 or CA_ENOMEM. */
int ca_buf_error(const struct ca_buf *buf);

/* The content as text: never NULL ("" when empty or failed). Borrowed until the next change. */
const char *ca_buf_text(const struct ca_buf *buf);

/* Forget the content, keep the memory. */
void ca_buf_clear(struct ca_buf *buf);

/* Wipe and free; the buffer is empty and usable again afterwards. NULL is fine. */
void ca_buf_free(struct ca_buf *buf);

/* Hand the memory to the caller (free() it), and leave the buffer empty. NULL when empty or failed.
 */
unsigned char *ca_buf_take(struct ca_buf *buf, size_t *len);

/* Overwrite with zeroes in a way that the compiler keeps. NULL or 0 is fine. */
void ca_wipe(void *data, size_t len);

#endif
