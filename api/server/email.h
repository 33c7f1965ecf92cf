/*
 * E-mail addresses of operators: in the store only sealed, under the data key of the operator's
 * tenant, and found by a keyed hash with the installation's salt. Never in a log, nor in a problem
 * document.
 */
#ifndef API_SERVER_EMAIL_H
#define API_SERVER_EMAIL_H

#include "ca/base/buf.h"
#include "ca/installation.h"
#include "store/operators.h"

#define SERVER_EMAIL 255 /* an address of 254 octets (RFC 5321, section 4.5.3.1.3), and the NUL */

/* Check its form, and write its domain in lower case. key names the field or parameter it came in.
 * CA_EFIELD, and *why without the address. */
int server_email_check(
    const char *key, const char *text, char out[SERVER_EMAIL], struct ca_detail *why);

/* By what it is found: case makes no difference. */
int server_email_hash(
    const struct ca_installation *installation, const char *address, unsigned char out[STORE_HASH]);

/* Hash and seal a checked address; the operator's name and tenant say where it belongs. */
int server_email_seal(const struct ca_installation *installation, const struct store_operator *op,
    const char *address, struct store_email *out);

/* Append the address. CA_ESEAL. */
int server_email_open(const struct ca_installation *installation, const struct store_operator *op,
    const struct store_email *email, struct ca_buf *out);

#endif
