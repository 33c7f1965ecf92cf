/* Lists that the CA hands out page by page. */
#ifndef API_CLIENT_PAGING_H
#define API_CLIENT_PAGING_H

#include <jansson.h>

#include "api/client/options.h"

/*
 * A verb that lists, as an operator: get path (with its query, without limit and cursor) page by
 * page, as far as the flags limit and all say, and show one document of the server's form, {key:
 * [entries], "next": cursor or null}: with the flag json as it is, else by print(), with a word on
 * standard error when the list goes on.
 */
int client_list(const struct client_args *args, const char *path, const char *key,
    int (*print)(const json_t *list), struct client_problem *problem);

#endif
