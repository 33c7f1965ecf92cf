/* Standard output: tables for people, JSON for scripts, and the certainty that it was written. */
#ifndef API_CLIENT_OUTPUT_H
#define API_CLIENT_OUTPUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/client/options.h"
#include "ca/base/buf.h"

/* --verbose, where the verb has it. Returns 0. */
int client_output_setup(const struct client_args *args);

/* Flush and close standard output: CA_EIO when something that was printed did not arrive. When that
 * is because the reader has gone, the process ends here, silently, as SIGPIPE ends one; not so with
 * a NULL problem: there is another failure to tell of. */
int client_output_finish(struct client_problem *problem);

/*
 * Append text that a stranger wrote, made fit for a terminal: control characters, characters that
 * change the direction of text or cannot be seen, and octets that are not UTF-8 become \xNN.
 */
void client_safe_add(struct ca_buf *out, const char *text, size_t len);

/* Print such a text. */
void client_safe_print(const char *text);

/* Print one JSON document, indented, and a newline. CA_ENOMEM. */
int client_json_print(const json_t *document);

/* The string under the key, or "" (never NULL). Borrowed. */
const char *client_json_text(const json_t *object, const char *key);

/* The number under the key, or 0. */
int64_t client_json_number(const json_t *object, const char *key);

/* Append what the arrays "dns", "ip" and "uri" of the object hold, separated by commas; safe to
 * print. */
void client_json_names(const json_t *object, struct ca_buf *out);

/* "in 6 days", "2 hours ago", "now". Returns out. */
const char *client_when(int64_t seconds, int64_t now, char out[48]);

/* "2026-11-23T15:04:05Z" as "2026-11-23 15:04:05Z (in 6 days)"; text that is no time as it is. */
void client_when_add(struct ca_buf *out, const char *rfc3339);

/* ---- a table: left-aligned columns as wide as their widest cell; nothing is cut ---- */

#define CLIENT_COLUMNS_MAX 8

struct client_table {
	size_t columns;
	size_t rows;
	char **cells; /* owned, rows * columns, the first row the heading */
	int failed;   /* CA_ENOMEM once a cell could not be stored */
};

/* Add a row; cells are copied and made safe. */
void client_table_add(struct client_table *table, const char *const *cells);

/* Print and clear. CA_ENOMEM. */
int client_table_print(struct client_table *table);

#endif
