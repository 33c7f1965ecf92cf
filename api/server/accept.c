/* Which form of an answer a client takes best (RFC 9110, section 12.5.1). */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/server/request.h"
#include "ca/base/text.h"

/* The q-value of one media range (RFC 9110, section 12.4.2) in thousandths. */
static int quality(const char *range, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++)
		if (range[i] == ';' &&
		    strncasecmp(range + i + 1 + strspn(range + i + 1, " "), "q=", 2) == 0)
			return (int)(strtod(range + i + 1 + strspn(range + i + 1, " ") + 2, NULL) *
				     1000);
	return 1000;
}

/* How precisely does the range name the type: 3 exactly, 2 "type/…*", 1 any, 0 not at all. */
static int precision(const char *range, size_t len, const char *type)
{
	size_t slash = strcspn(type, "/");

	len = strcspn(range, ";, \t") < len ? strcspn(range, ";, \t") : len;
	if (len == strlen(type) && strncasecmp(range, type, len) == 0)
		return 3;
	if (len == slash + 2 && strncasecmp(range, type, slash + 1) == 0 && range[len - 1] == '*')
		return 2;
	return len == 3 && strncmp(range, "*/*", 3) == 0;
}

/* What an Accept header thinks of a type: the quality of the range that names it most precisely. */
static int acceptance(const char *accept, const char *type)
{
	int best_precision = 0, best = 0;

	while (*accept) {
		size_t len = strcspn(accept, ",");
		const char *range = accept + strspn(accept, " \t");
		int p = precision(range, len - (size_t)(range - accept), type);

		if (p > best_precision) {
			best_precision = p;
			best = quality(range, len - (size_t)(range - accept));
		}
		accept += len + (accept[len] == ',');
	}
	return best;
}

const char *server_request_accept(const struct server_request *request, const char *const *offered)
{
	const char *accept = server_request_header(request, MHD_HTTP_HEADER_ACCEPT), *best = NULL;
	int best_q = 0;

	if (ca_empty(accept))
		return *offered;
	for (; *offered; offered++) {
		int q = acceptance(accept, *offered);

		if (q > best_q) {
			best_q = q;
			best = *offered;
		}
	}
	return best;
}
