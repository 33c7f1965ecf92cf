/* Where in a JSON text a value stands, for whoever has to put it right. */
#ifndef API_SERVER_JSON_LINE_H
#define API_SERVER_JSON_LINE_H

#include <stddef.h>

/*
 * The line, counted from 1, on which the value begins that the JSON pointer (RFC 6901) names. text
 * must be JSON that jansson has taken, without a key twice in one object: nothing is checked here,
 * strings are skipped and brackets counted. 0: there is no such value. Never reads past len.
 */
size_t server_json_line(const char *text, size_t len, const char *pointer);

#endif
