/* The server that a load generator talks to, and what it shows it. */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#define BENCH_HOST_MAX 256
#define BENCH_PATH_MAX 4096

/* PEM files. */
struct bench_files {
	const char *ca;         /* NULL: the server's certificate is not checked */
	const char *cert, *key; /* both NULL: no client certificate */
};

struct bench_target {
	char host[BENCH_HOST_MAX]; /* as in the URL, for the certificate's check */
	char port[8];
	char authority[BENCH_HOST_MAX + 8];    /* host:port as in the URL, for the Host header */
	char path[BENCH_HOST_MAX];             /* the URL's; empty when it has none */
	bool plain;                            /* http, not https */
	bool tls13;                            /* that version only */
	bool checked;                          /* the server's certificate and name are */
	gnutls_certificate_credentials_t cred; /* owned; NULL when plain */
};

/* url: http[s]://HOST[:PORT][/PATH]. 0, or -1 after a message. */
int bench_target_open(const char *url, const struct bench_files *files, struct bench_target *out);

/* As the operator whose context (tls.crt, tls.key, ca.crt, ca-url) home is. url may be NULL: the
 * one in ca-url. 0, or -1 after a message. */
int bench_target_load(const char *home, const char *url, struct bench_target *out);

void bench_target_free(struct bench_target *target);

#endif
