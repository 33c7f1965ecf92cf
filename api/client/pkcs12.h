/* A key and its certificates in one file with a password (RFC 7292), for Java and Windows. */
#ifndef API_CLIENT_PKCS12_H
#define API_CLIENT_PKCS12_H

#include "api/client/trust.h"
#include "ca/base/buf.h"
#include "ca/key.h"

/* Append the DER: AES-256 by PBES2, the MAC over SHA-256. name (the friendly name) may be NULL.
 * CA_ENOMEM, CA_EINTERNAL. */
int client_pkcs12(const struct client_issued *issued, const struct ca_key *key,
    const char *password, const char *name, struct ca_buf *out);

#endif
