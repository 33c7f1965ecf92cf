/* A place in a listing, as clients carry it from page to page: opaque to them, checked by us. */
#ifndef API_SERVER_CURSOR_H
#define API_SERVER_CURSOR_H

#include "ca/base/buf.h"
#include "ca/base/error.h"
#include "store/certificates.h"

struct server_request;

/* Append a cursor for a filter, as a JSON string. */
void server_cursor_write(
    const struct store_cursor *cursor, const struct store_filter *filter, struct ca_buf *out);

/* And back; NULL is the beginning. CA_EQUERY: not one of ours, or of a listing with another filter.
 */
int server_cursor_parse(const char *text, const struct store_filter *filter,
    struct store_cursor *out, struct ca_detail *why);

#define SERVER_PLACE 32 /* the text of a place, and the NUL */

/*
 * A place in a listing that is ordered by number; kind is a letter of the listing's own. Returns
 * out. And back, from the query parameter cursor: *number stays without one. CA_EQUERY.
 */
const char *server_place_text(char kind, int64_t number, char out[SERVER_PLACE]);
int server_place_parameter(struct server_request *request, char kind, int64_t *number);

/* The query parameter limit, 1 to STORE_PAGE_MAX. */
int server_limit_parameter(struct server_request *request, size_t *out);

#endif
