/* Inside of a key; for ca/key*.c only. */
#ifndef CA_KEY_PRIVATE_H
#define CA_KEY_PRIVATE_H

#include <gnutls/x509.h>

#include "ca/key.h"

#define CA_KEY_RSA_BITS_MIN 2048
#define CA_KEY_RSA_BITS_MAX 4096

struct ca_key {
	enum ca_key_type type;
	unsigned bits;
	const struct ca_key_backend *backend; /* never NULL; ca_key_gnutls unless handle is set */
	void *handle;                         /* the back end's; owned */
	gnutls_x509_privkey_t x509;           /* what is exported; owned */
	gnutls_privkey_t privkey;             /* what signs; owned */
	gnutls_pubkey_t pubkey;               /* owned */
};

/* The type of a public key, CA_KEY_NONE for one that Mica has no use for (RSA out of range too). */
enum ca_key_type ca_key_type_of(gnutls_pubkey_t pubkey);

/* Set key->privkey: GnuTLS's own key, or, for RSA when key->handle is set, a front to the back end.
 */
int ca_key_attach(struct ca_key *key);

#endif
