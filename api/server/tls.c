#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/tls.h"
#include "ca/base/buf.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "ca/installation.h"

/* Longer than a handshake may take (SERVER_HANDSHAKE_MS): a certificate out of use is kept for the
 * handshakes that hold it. */
#define RETIRE_MS 60000
#define RSA_BITS_MAX 4096

struct credentials {
	struct ca_server_certificate *certificate;
	gnutls_pcert_st chain[2];
	int64_t retired_ms; /* since when it is out of use */
	struct credentials *next;
};

struct server_tls {
	struct store *store;
	gnutls_datum_t
	    ticket_key; /* of this process; GnuTLS derives a new one from it every few hours */
	pthread_mutex_t lock;
	struct credentials *current; /* its ->next are those out of use, newest first */
};

/* libmicrohttpd passes no context to the callback. */
static struct server_tls *the_tls;

static void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < 2; i++)
		gnutls_pcert_deinit(&c->chain[i]);
	ca_server_certificate_free(c->certificate);
	free(c);
}

/* certificate is transferred, on failure freed. */
static int credentials_create(struct ca_server_certificate *certificate, struct credentials **out)
{
	struct credentials *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c) {
		ca_server_certificate_free(certificate);
		return CA_ENOMEM;
	}
	c->certificate = certificate; /* transferred */
	for (size_t i = 0; i < 2 && !r; i++)
		r = gnutls_pcert_import_x509(&c->chain[i], certificate->chain[i], 0);
	if (r) {
		ca_logf(CA_LOG_ERROR, "server certificate: %s", gnutls_strerror(r));
		credentials_free(c);
		return CA_EINTERNAL;
	}
	*out = c;
	return 0;
}

static int create(struct server_tls *tls, const struct ca_installation *installation, int64_t now,
    struct credentials **out)
{
	struct ca_server_certificate *certificate;
	int r = ca_server_certificate_create(tls->store, installation, now, &certificate);

	return r ? r : credentials_create(certificate, out);
}

static bool due(const struct credentials *c, int64_t now)
{
	return now >= c->certificate->renew_after || now < c->certificate->not_before;
}

/* micad's own certificate may be revoked like any other. */
static bool is_revoked(struct server_tls *tls)
{
	enum store_status status = STORE_GOOD;
	struct store_tx *tx;

	if (store_read_begin(tls->store, &tx) == 0) {
		(void)store_certificate_status(tx, tls->current->certificate->id, &status);
		store_read_end(tx);
	}
	return status == STORE_REVOKED;
}

/* Those out of use for long enough, from c on. */
static struct credentials *sweep(struct credentials *c, int64_t now_ms)
{
	while (c) {
		struct credentials *next = c->next;

		if (now_ms - c->retired_ms < RETIRE_MS) {
			c->next = sweep(next, now_ms);
			return c;
		}
		credentials_free(c);
		c = next;
	}
	return NULL;
}

static void take_into_use(struct server_tls *tls, struct credentials *fresh)
{
	const struct ca_log_field fields[] = {
		{ "not_after",
		    ca_time_text(fresh->certificate->not_after, (char[CA_TIME_TEXT]){ 0 }) },
		{ 0 }
	};

	pthread_mutex_lock(&tls->lock);
	if (tls->current)
		tls->current->retired_ms = ca_monotonic_ms();
	fresh->next = sweep(tls->current, ca_monotonic_ms());
	tls->current = fresh;
	pthread_mutex_unlock(&tls->lock);
	ca_log_event(CA_LOG_INFO, "server certificate in use", fields);
}

int server_tls_open(
    struct store *store, const struct ca_installation *installation, struct server_tls **out)
{
	struct server_tls *tls = calloc(1, sizeof(*tls));
	struct ca_server_certificate *certificate;
	struct credentials *fresh = NULL;
	int64_t now = ca_now();
	int r;

	if (!tls)
		return CA_ENOMEM;
	tls->store = store;
	pthread_mutex_init(&tls->lock, NULL);
	r = gnutls_session_ticket_key_generate(&tls->ticket_key) < 0
		? CA_EINTERNAL
		: ca_server_certificate_load(store, installation, &certificate);
	if (r == 0)
		r = credentials_create(certificate, &fresh);
	else if (r == CA_ENOTFOUND)
		r = create(tls, installation, now, &fresh);
	if (!r)
		take_into_use(tls, fresh);
	if (!r)
		r = server_tls_renew_if_due(tls, installation, now);
	/* One that is merely due still serves; the housekeeper tries again. */
	if (r && tls->current && now < tls->current->certificate->not_after)
		r = 0;
	if (r) {
		server_tls_free(tls);
		return r;
	}
	the_tls = tls;
	*out = tls;
	return 0;
}

void server_tls_free(struct server_tls *tls)
{
	if (!tls)
		return;
	while (tls->current) {
		struct credentials *next = tls->current->next;

		credentials_free(tls->current);
		tls->current = next;
	}
	pthread_mutex_destroy(&tls->lock);
	if (tls->ticket_key.data)
		ca_wipe(tls->ticket_key.data, tls->ticket_key.size);
	gnutls_free(tls->ticket_key.data);
	if (the_tls == tls)
		the_tls = NULL;
	free(tls);
}

int server_tls_renew_if_due(
    struct server_tls *tls, const struct ca_installation *installation, int64_t now)
{
	struct credentials *fresh;
	int r;

	if (!due(tls->current, now) && !is_revoked(tls))
		return 0;
	r = create(tls, installation, now, &fresh);
	if (r) {
		ca_logf(
		    CA_LOG_ERROR, "the server certificate cannot be renewed: %s", ca_error_text(r));
		return r;
	}
	take_into_use(tls, fresh);
	return 0;
}

void server_tls_session(gnutls_session_t session)
{
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	gnutls_certificate_send_x509_rdn_sequence(session, 1);
	/* A resumed session keeps the certificate that the client showed; its row is looked at all
	 * the same. */
	(void)gnutls_session_ticket_enable_server(session, &the_tls->ticket_key);
}

/* An exponent of more than 32 bits serves nobody. */
static bool rsa_is_bounded(gnutls_x509_crt_t crt, unsigned bits)
{
	gnutls_datum_t n = { NULL, 0 }, e = { NULL, 0 };
	bool ok = bits <= RSA_BITS_MAX && gnutls_x509_crt_get_pk_rsa_raw(crt, &n, &e) == 0 &&
		  e.size <= 5; /* a leading zero octet counts */

	gnutls_free(n.data);
	gnutls_free(e.data);
	return ok;
}

static void take_serial(gnutls_x509_crt_t crt, unsigned char *serial, size_t *serial_len)
{
	if (gnutls_x509_crt_get_serial(crt, serial, serial_len) < 0)
		*serial_len = 0;
	while (*serial_len && serial[0] == 0)
		memmove(serial, serial + 1, --*serial_len);
}

int server_tls_check_peer(gnutls_session_t session, unsigned char *serial, size_t *serial_len)
{
	unsigned len = 0, bits = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &len);
	gnutls_x509_crt_t crt = NULL;
	bool ok = false;

	if (!list || len == 0 || gnutls_x509_crt_init(&crt) < 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	if (gnutls_x509_crt_import(crt, list, GNUTLS_X509_FMT_DER) == 0) {
		switch (gnutls_x509_crt_get_pk_algorithm(crt, &bits)) {
		case GNUTLS_PK_RSA:
			ok = rsa_is_bounded(crt, bits);
			break;
		case GNUTLS_PK_ECDSA:
		case GNUTLS_PK_EDDSA_ED25519:
			ok = true;
			break;
		default:
			break;
		}
	}
	if (ok)
		take_serial(crt, serial, serial_len);
	gnutls_x509_crt_deinit(crt);
	return ok ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

int server_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
    gnutls_pcert_st **pcert, unsigned *pcert_length, gnutls_ocsp_data_st **ocsp,
    unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags)
{
	(void)session;
	(void)info;
	pthread_mutex_lock(&the_tls->lock);
	*pcert = the_tls->current->chain;
	*key = ca_key_privkey(the_tls->current->certificate->key);
	pthread_mutex_unlock(&the_tls->lock);
	*pcert_length = 2;
	*ocsp = NULL;
	*ocsp_length = 0;
	*flags = 0;
	return 0;
}
