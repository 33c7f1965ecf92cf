/* Lists that the CA hands out page by page. */
#ifndef API_CLIENT_PAGING_H
#define API_CLIENT_PAGING_H

#include <jansson.h>
#include <stdint.h>

#include "api/client/http.h"

#define CLIENT_PAGE_MAX 500 /* what the CA gives at once */

/*
 * Get path (with its query, without limit and cursor) and go on until there is no more or most
 * entries are there (0: all). *out is one document of the server's form, {key: [entries], "next":
 * cursor or null}; a new reference.
 */
int client_pages(struct client_http *http, const char *path, const char *key, int64_t most,
    json_t **out, struct client_problem *problem);

/* Say on standard error when the list goes on. */
void client_pages_hint(const json_t *list);

#endif
