#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/json_line.h"
#include "ca/base/buf.h"

struct scan {
	const char *p, *end;
};

static bool more(const struct scan *scan)
{
	return scan->p < scan->end;
}

static void skip_space(struct scan *scan)
{
	while (more(scan) &&
	       (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\r' || *scan->p == '\n'))
		scan->p++;
}

static void skip_string(struct scan *scan)
{
	for (scan->p++; more(scan) && *scan->p != '"'; scan->p++)
		if (*scan->p == '\\')
			scan->p++;
	scan->p = scan->end - scan->p > 1 ? scan->p + 1 : scan->end;
}

/* To the comma or bracket behind the value, whatever it is. */
static void skip_value(struct scan *scan)
{
	size_t depth = 0;

	while (more(scan)) {
		char c = *scan->p;

		if (!depth && (c == ',' || c == ']' || c == '}'))
			return;
		if (c == '"') {
			skip_string(scan);
			continue;
		}
		depth += c == '[' || c == '{';
		depth -= c == ']' || c == '}';
		scan->p++;
	}
}

/* Is the key, a string as it stands in the text, this one? What its escapes mean, jansson says. */
static bool key_is(const char *raw, size_t len, const struct ca_buf *wanted)
{
	json_t *key;
	bool same;

	if (!memchr(raw, '\\', len))
		return len == wanted->len + 2 && !memcmp(raw + 1, wanted->data, wanted->len);
	key = json_loadb(raw, len, JSON_DECODE_ANY, NULL);
	same = key && json_string_length(key) == wanted->len &&
	       !memcmp(json_string_value(key), wanted->data, wanted->len);
	json_decref(key);
	return same;
}

/* From an object's bracket to its member's value. */
static bool enter_member(struct scan *scan, const struct ca_buf *wanted)
{
	for (scan->p++; skip_space(scan), more(scan) && *scan->p == '"'; scan->p++) {
		const char *key = scan->p;
		size_t len;

		skip_string(scan);
		len = (size_t)(scan->p - key);
		skip_space(scan);
		scan->p++; /* the colon */
		skip_space(scan);
		if (more(scan) && key_is(key, len, wanted))
			return true;
		skip_value(scan);
		if (!more(scan) || *scan->p != ',')
			return false;
	}
	return false;
}

/* The index of an array's element, as RFC 6901, section 4, wants it; -1: none. */
static long index_of(const struct ca_buf *token)
{
	const char *text = ca_buf_text(token);

	if (!*text || (*text == '0' && text[1]) || strspn(text, "0123456789") != token->len ||
	    token->len > 9)
		return -1;
	return strtol(text, NULL, 10);
}

static bool enter_element(struct scan *scan, const struct ca_buf *token)
{
	long left = index_of(token);

	if (left < 0)
		return false;
	for (scan->p++;; scan->p++) {
		skip_space(scan);
		if (!more(scan) || *scan->p == ']')
			return false;
		if (left-- == 0)
			return true;
		skip_value(scan);
		if (!more(scan) || *scan->p != ',')
			return false;
	}
}

/* The pointer's next reference token, its "~1" and "~0" undone. Returns what follows it. */
static const char *token_read(const char *pointer, struct ca_buf *token)
{
	ca_buf_clear(token);
	for (; *pointer && *pointer != '/'; pointer++) {
		if (*pointer == '~' && (pointer[1] == '0' || pointer[1] == '1'))
			ca_buf_add_byte(token, *++pointer == '1' ? '/' : '~');
		else
			ca_buf_add_byte(token, (unsigned char)*pointer);
	}
	return pointer;
}

size_t server_json_line(const char *text, size_t len, const char *pointer)
{
	struct scan scan = { text, text + len };
	struct ca_buf token = CA_BUF_INIT;
	size_t line = 1;
	bool found = true;

	ca_buf_add_str(&token, ""); /* data is there, also for an empty token */
	skip_space(&scan);
	while (found && *pointer == '/') {
		pointer = token_read(pointer + 1, &token);
		found = !ca_buf_error(&token) && more(&scan) &&
			(*scan.p == '{'      ? enter_member(&scan, &token)
			    : *scan.p == '[' ? enter_element(&scan, &token)
					     : false);
	}
	found = found && !*pointer && more(&scan);
	for (const char *p = text; found && p < scan.p; p++)
		line += *p == '\n';
	ca_buf_free(&token);
	return found ? line : 0;
}
