/* The operator's context: a directory with tls.crt, tls.key, ca.crt and ca-url. */
#ifndef API_CLIENT_HOME_H
#define API_CLIENT_HOME_H

#include "api/client/http.h"
#include "api/client/options.h"
#include "ca/base/buf.h"
#include "ca/key.h"

/* Paths and the URL; all owned. */
struct client_home {
	char *dir;
	char *crt, *key, *ca;
	char *url;    /* NULL when neither --ca-url nor the file ca-url names one */
	char *stored; /* what the file ca-url says; NULL when it is not there */
};

/* Where the context lies (--home, else ~/.config/mica) and which CA it is for; whether its files
 * are there is not asked. */
int client_home_find(
    const struct client_args *args, struct client_home *out, struct client_problem *problem);
void client_home_clear(struct client_home *home);

/* Ready to ask as this operator. CA_EIO: no such context, or one that cannot be used. */
int client_home_connect(const struct client_args *args, const struct client_home *home,
    struct client_http **out, struct client_problem *problem);

/* Both at once, for verbs that need nothing else of the context. */
int client_operator_connect(
    const struct client_args *args, struct client_http **out, struct client_problem *problem);

/* Make dir (0700) when it is not there, and see that a context can be written to it, before the CA
 * is asked for one. CA_EIO. */
int client_home_prepare(const char *dir, struct client_problem *problem);

/* Write such a context to dir in one step, with home's ca.crt and this URL. One that is replaced
 * stays its owner's and its group's, where we may give files to them. */
int client_home_write(const struct client_home *home, const char *dir, const char *url,
    const struct ca_buf *crt, const struct ca_key *key, struct client_problem *problem);

#endif
