/* The certificates that a TLS server shows to a stranger. Nothing is verified. */
#ifndef API_CLIENT_PRESENTED_H
#define API_CLIENT_PRESENTED_H

#include <gnutls/gnutls.h>
#include <stdint.h>

#include "api/client/client.h"

#define CLIENT_PRESENTED_MAX 32

struct client_presented {
	gnutls_datum_t der[CLIENT_PRESENTED_MAX]; /* as sent, the server's own first; owned */
	unsigned n;
	char protocol[16]; /* "TLS1.3"; "" when the handshake broke off behind the certificates */
};

/* Connect and shake hands until deadline (ca_monotonic_ms()). CA_EUNREACHABLE, CA_EANSWER: no TLS,
 * or no certificates. */
int client_presented_get(const char *host, const char *port, int64_t deadline,
    struct client_presented *out, struct client_problem *problem);
void client_presented_clear(struct client_presented *presented);

#endif
