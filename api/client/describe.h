/* What a certificate, a request or a key says, as JSON; and that JSON as text for people. All
 * strings in it are safe to print. */
#ifndef API_CLIENT_DESCRIBE_H
#define API_CLIENT_DESCRIBE_H

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <jansson.h>

#include "ca/base/buf.h"

/* New references; NULL when out of memory. */
json_t *client_describe_certificate(gnutls_x509_crt_t crt);
json_t *client_describe_request(gnutls_x509_crq_t crq);
json_t *client_describe_key(gnutls_pubkey_t pubkey);

/* Print one of them, a line a fact. */
void client_describe_print(const json_t *object);

/* What the order of a chain is: "in order", or what is wrong with it, in words that are safe to
 * print. n is 1 or more. */
void client_describe_chain(const gnutls_x509_crt_t *crts, unsigned n, struct ca_buf *out);

#endif
