/*
 * Questions that micad asks others, over libcurl: https only, TLS 1.2 or newer, nobody believed but
 * the certificates given, no redirect followed, no proxy, bounded in time and size. libcurl is
 * started with the first of them.
 */
#ifndef API_SERVER_OUTBOUND_H
#define API_SERVER_OUTBOUND_H

#include "ca/base/buf.h"
#include "ca/base/error.h"

#define SERVER_OUTBOUND_CONNECT_MS 3000
#define SERVER_OUTBOUND_MS 5000
#define SERVER_OUTBOUND_ANSWER_MAX (1u << 20) /* octets */
#define SERVER_BEARER_MAX 16384               /* octets of the file */

struct server_outbound;

/* Whom to believe (PEM), and the file with the bearer token to show, read anew for every question
 * (NULL: none). Both are copied. Nothing is connected yet. */
int server_outbound_open(const char *ca_pem, const char *bearer_file, struct server_outbound **out);
void server_outbound_close(struct server_outbound *outbound); /* NULL is fine */

/*
 * GET url, or POST the JSON document body; any thread, several at once. 0: there was an answer;
 * *status is its code, and its content replaces that of answer. CA_ESOURCE with *why, which is for
 * the log: it may name a file.
 */
int server_outbound_ask(struct server_outbound *outbound, const char *url, const char *body,
    struct ca_buf *answer, long *status, struct ca_detail *why);

#endif
