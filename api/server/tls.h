/*
 * micad's TLS: its own certificate, swapped without a restart, and what is set on every session.
 */
#ifndef API_SERVER_TLS_H
#define API_SERVER_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

struct ca_installation;
struct server_tls;
struct store;

/* TLS 1.2 with forward secrecy and AEAD ciphers, and TLS 1.3; GnuTLS never takes early data unless
 * asked to. */
#define SERVER_TLS_PRIORITIES                                                                      \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA"               \
	":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD"

/* Load micad's certificate from the store; one that ended, or is missing, is made anew first. */
int server_tls_open(
    struct store *store, const struct ca_installation *installation, struct server_tls **out);

void server_tls_free(struct server_tls *tls); /* NULL is fine; no session may be open */

/*
 * Make and take into use a new certificate if the present one is past its point of renewal, or
 * outside its validity by the clock. New handshakes get the new one. Called by one thread.
 */
int server_tls_renew_if_due(
    struct server_tls *tls, const struct ca_installation *installation, int64_t now);

/*
 * Ask a client for its certificate, without demanding one and without naming our CAs to strangers,
 * and hand out session tickets. Between server_tls_open() and server_tls_free().
 */
void server_tls_session(gnutls_session_t session);

/*
 * Before the client's CertificateVerify is looked at: 0 if its certificate's key is of a kind and
 * size that we might have certified, or GNUTLS_E_CERTIFICATE_ERROR. GnuTLS would verify with
 * whatever key a stranger shows; an RSA modulus and exponent of 50,000 bits take seconds. serial
 * (room for *serial_len octets) gets the certificate's, without leading zeroes; one that has no
 * room there is none of ours, and *serial_len is 0.
 */
int server_tls_check_peer(gnutls_session_t session, unsigned char *serial, size_t *serial_len);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. There is one micad in a process; server_tls_open() says
 * which tls it serves. */
int server_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
    gnutls_pcert_st **pcert, unsigned *pcert_length, gnutls_ocsp_data_st **ocsp,
    unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags);

#endif
