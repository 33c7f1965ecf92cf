#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/cursor.h"
#include "api/server/request.h"
#include "ca/base/buf.h"
#include "ca/base/text.h"

#define PAGE_DEFAULT 100
#define CURSOR_MAX 1024 /* octets within the base64url */

/* A cursor names the order that it belongs to: by id, by expiry, or by name. */
static char order_of(const struct store_filter *filter)
{
	if (filter->expires_before || filter->expires_after)
		return 'e';
	return filter->name && strncmp(filter->name, "*.", 2) == 0 ? 'n' : 'i';
}

void server_cursor_write(
    const struct store_cursor *cursor, const struct store_filter *filter, struct ca_buf *out)
{
	char plain[CURSOR_MAX + 1], encoded[CURSOR_MAX * 4 / 3 + 4];
	int len = snprintf(plain, sizeof(plain), "%c %lld %lld %s", order_of(filter),
	    (long long)cursor->id, (long long)cursor->not_after, cursor->name ? cursor->name : "");

	/* A DNS name and two numbers fit. */
	ca_base64url(plain, len > 0 && len <= CURSOR_MAX ? (size_t)len : 0, encoded);
	ca_buf_addf(out, "\"%s\"", encoded);
}

int server_cursor_parse(const char *text, const struct store_filter *filter,
    struct store_cursor *out, struct ca_detail *why)
{
	char plain[CURSOR_MAX + 1], order;
	long long id, not_after;
	int name = 0;
	size_t len;

	if (!text)
		return 0;
	if (ca_unbase64url(text, strlen(text), (unsigned char *)plain, CURSOR_MAX, &len))
		goto refuse;
	plain[len] = '\0';
	/* A number that overflows gives a wrong place, nothing worse. */
	// NOLINTNEXTLINE(cert-err34-c)
	if (sscanf(plain, "%c %lld %lld %n", &order, &id, &not_after, &name) != 3)
		goto refuse;
	if (strlen(plain) != len || !name || order != order_of(filter) || id < 0)
		goto refuse;
	if (order == 'n') {
		out->name = strdup(plain + name);
		if (!out->name)
			return CA_ENOMEM;
	}
	out->id = id;
	out->not_after = not_after;
	return 0;
refuse:
	return ca_refuse(why, CA_EQUERY, "the cursor is not one of this listing");
}

const char *server_place_text(char kind, int64_t number, char out[SERVER_PLACE])
{
	char plain[22]; /* in base64url 30 characters at most */
	int len = snprintf(plain, sizeof(plain), "%c%lld", kind, (long long)number);

	ca_base64url(plain, (size_t)len, out);
	return out;
}

int server_place_parameter(struct server_request *request, char kind, int64_t *number)
{
	const char *text = server_request_query(request, "cursor");
	char plain[SERVER_PLACE];
	size_t len;

	if (!text)
		return 0;
	if (ca_unbase64url(text, strlen(text), (unsigned char *)plain, sizeof(plain) - 1, &len))
		goto refuse;
	plain[len] = '\0';
	if (strlen(plain) != len || plain[0] != kind ||
	    ca_parse_int(plain + 1, 0, INT64_MAX, number))
		goto refuse;
	return 0;
refuse:
	return ca_refuse(&request->why, CA_EQUERY, "the cursor is not one of this listing");
}

int server_limit_parameter(struct server_request *request, size_t *out)
{
	const char *text = server_request_query(request, "limit");
	int64_t limit = PAGE_DEFAULT;

	if (text && ca_parse_int(text, 1, STORE_PAGE_MAX, &limit))
		return ca_refuse(&request->why, CA_EQUERY,
		    "limit is not a whole number from 1 to %d", STORE_PAGE_MAX);
	*out = (size_t)limit;
	return 0;
}
