/* Whom and what the client believes: the root with the fingerprint it was told, and a certificate
 * that is what it asked for. */
#ifndef API_CLIENT_TRUST_H
#define API_CLIENT_TRUST_H

#include <gnutls/x509.h>
#include <jansson.h>

#include "api/client/client.h"
#include "ca/base/buf.h"
#include "ca/base/names.h"
#include "ca/key.h"

#define CLIENT_CHAIN_MAX 16

/* Append the certificate out of a bundle (PEM) whose DER has this SHA-256, as PEM. CA_EFINGERPRINT,
 * CA_EANSWER. */
int client_trust_pick(const struct ca_buf *bundle, const unsigned char sha256[CA_SHA256],
    struct ca_buf *pem, struct client_problem *problem);

/* Certificates as the CA issued them. */
struct client_issued {
	struct ca_buf pem;                        /* leaf, then its issuers without the root */
	gnutls_x509_crt_t crts[CLIENT_CHAIN_MAX]; /* the same; owned */
	unsigned n;
};

void client_issued_clear(struct client_issued *issued);

/* Take the certificates out of a certificate object. CA_EANSWER. */
int client_issued_read(
    const json_t *object, struct client_issued *out, struct client_problem *problem);

/* The same out of PEM text, leaf first. CA_EANSWER. */
int client_issued_parse(
    const struct ca_buf *pem, struct client_issued *out, struct client_problem *problem);

/* Is the first certificate for this key? CA_EANSWER. */
int client_issued_check_key(
    const struct client_issued *issued, const struct ca_key *key, struct client_problem *problem);

/* Does it have this CN? CA_EANSWER. */
int client_issued_check_common_name(
    const struct client_issued *issued, const char *common_name, struct client_problem *problem);

/* Does it name all of names, and verify up to a root of the bundle, now? CA_EANSWER; CA_ECLOCK: not
 * by this machine's clock. */
int client_issued_check(const struct client_issued *issued, const struct ca_names *names,
    const struct ca_buf *bundle, struct client_problem *problem);

/* The names of a certificate's subjectAltName that Mica knows; others are passed over. CA_ENOMEM.
 */
int client_certificate_names(gnutls_x509_crt_t crt, struct ca_names *out);

#endif
