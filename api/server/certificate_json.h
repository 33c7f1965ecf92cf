/* A certificate on record, as the API shows it. */
#ifndef API_SERVER_CERTIFICATE_JSON_H
#define API_SERVER_CERTIFICATE_JSON_H

#include <stdbool.h>

#include "store/certificates.h"
#include "store/store.h"

struct ca_installation;

/*
 * Append the certificate object of the API; with pem, the certificate and its chain too. What
 * the row does not hold is looked up in tx: the first of its lineage, the tenant of an issuer that
 * was retired. tx may be NULL for a new lineage by an issuer in office. CA_ENOMEM, CA_ESTORE.
 */
int server_certificate_json(const struct ca_installation *installation, struct store_tx *tx,
    const struct store_certificate *row, bool pem, struct ca_buf *out);

/* Append the PEM of the certificate and its issuer. */
int server_certificate_pem(const struct ca_installation *installation,
    const struct store_certificate *row, struct ca_buf *out);

/* "good", "revoked" or "expired". */
const char *server_certificate_status(const struct store_certificate *row, int64_t now);

/* A revocation reason's RFC 5280 word and number; NULL and -1 for what may not be asked for. */
const char *server_reason_text(int reason);
int server_reason_parse(const char *text);

#endif
