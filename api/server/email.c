#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "api/server/email.h"
#include "ca/base/log.h"
#include "ca/base/names.h"
#include "ca/keyring.h"

/* What the salt is used for here, apart from whatever else it may salt. */
static const char hash_context[] = "mica operators.email";

int server_email_check(
    const char *key, const char *text, char out[SERVER_EMAIL], struct ca_detail *why)
{
	struct ca_names names = CA_NAMES_INIT;
	int r = ca_names_add(&names, CA_NAME_EMAIL, text, strlen(text), NULL);

	if (!r && strlen(names.v[0].value) < SERVER_EMAIL)
		snprintf(out, SERVER_EMAIL, "%s", names.v[0].value);
	else if (!r)
		r = CA_ENAME;
	ca_names_free(&names);
	return r == CA_ENAME ? ca_refuse(why, CA_EFIELD, "%s is not an e-mail address", key) : r;
}

/* The local part is told apart by case in theory (RFC 5321, section 2.4), by no one in practice. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int server_email_hash(
    const struct ca_installation *installation, const char *address, unsigned char out[STORE_HASH])
{
	char text[sizeof(hash_context) + SERVER_EMAIL];
	size_t len = strlen(address);
	int r;

	memcpy(text, hash_context, sizeof(hash_context)); /* its NUL parts it from the address */
	for (size_t i = 0; i < len; i++)
		text[sizeof(hash_context) + i] = lower(address[i]);
	r = gnutls_hmac_fast(GNUTLS_MAC_SHA256, installation->hash_salt,
	    sizeof(installation->hash_salt), text, sizeof(hash_context) + len, out);
	ca_wipe(text, sizeof(text));
	if (r < 0) {
		ca_logf(CA_LOG_ERROR, "cannot make a keyed hash: %s", gnutls_strerror(r));
		return CA_EINTERNAL;
	}
	return 0;
}

/* An admin's belongs to the installation. */
static struct ca_seal_place place_of(const struct store_operator *op)
{
	return (struct ca_seal_place){ op->tenant_id ? op->tenant_id : STORE_TENANT_SYSTEM,
		"operators", op->name, "email_sealed" };
}

int server_email_seal(const struct ca_installation *installation, const struct store_operator *op,
    const char *address, struct store_email *out)
{
	const struct ca_seal_place place = place_of(op);
	struct ca_buf sealed = CA_BUF_INIT;
	int r = server_email_hash(installation, address, out->hash);

	if (!r)
		r = ca_keyring_seal(installation->keyring, STORE_KEY_DATA, &place, address,
		    strlen(address), &sealed);
	if (!r && sealed.len > sizeof(out->sealed))
		r = CA_EINTERNAL;
	if (!r) {
		memcpy(out->sealed, sealed.data, sealed.len);
		out->sealed_len = sealed.len;
	}
	ca_buf_free(&sealed);
	return r;
}

int server_email_open(const struct ca_installation *installation, const struct store_operator *op,
    const struct store_email *email, struct ca_buf *out)
{
	const struct ca_seal_place place = place_of(op);

	return ca_keyring_unseal(
	    installation->keyring, STORE_KEY_DATA, &place, email->sealed, email->sealed_len, out);
}
