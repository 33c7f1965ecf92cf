#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/seal.h"

#define FORMAT 1
#define NONCE 12
#define TAG 16
#define HEAD (1 + 4 + NONCE) /* what stands before the ciphertext */

int ca_random(void *out, size_t len)
{
	int g = gnutls_rnd(GNUTLS_RND_KEY, out, len);

	if (g < 0) {
		ca_logf(CA_LOG_ERROR, "no random octets: %s", gnutls_strerror(g));
		return CA_EINTERNAL;
	}
	return 0;
}

static void add_number(struct ca_buf *out, uint64_t number, int octets)
{
	while (octets-- > 0)
		ca_buf_add_byte(out, (unsigned char)(number >> (8 * octets)));
}

/* With its length before it, so that no two places encode alike. */
static void add_text(struct ca_buf *out, const char *text)
{
	size_t len = strlen(text);

	add_number(out, len, 4);
	ca_buf_add(out, text, len);
}

/* The associated data: the format, and where the blob belongs. */
static int describe(const struct ca_seal_place *place, uint32_t key_version, struct ca_buf *out)
{
	ca_buf_add_byte(out, FORMAT);
	add_number(out, (uint64_t)place->tenant_id, 8);
	add_text(out, place->table);
	add_text(out, place->row);
	add_text(out, place->column);
	add_number(out, key_version, 4);
	return ca_buf_error(out);
}

static int cipher_open(const unsigned char key[CA_SEAL_KEY], gnutls_aead_cipher_hd_t *out)
{
	unsigned char copy[CA_SEAL_KEY];
	gnutls_datum_t datum = { copy, sizeof(copy) };
	int g;

	memcpy(copy, key, sizeof(copy));
	g = gnutls_aead_cipher_init(out, GNUTLS_CIPHER_AES_256_GCM, &datum);
	ca_wipe(copy, sizeof(copy));
	if (g < 0) {
		ca_logf(CA_LOG_ERROR, "cannot set up AES-256-GCM: %s", gnutls_strerror(g));
		return CA_EINTERNAL;
	}
	return 0;
}

static int encrypt(const unsigned char key[CA_SEAL_KEY], const unsigned char nonce[NONCE],
    const struct ca_buf *aad, const void *secret, size_t len, struct ca_buf *out)
{
	gnutls_aead_cipher_hd_t cipher = NULL;
	size_t sealed_len = len + TAG;
	unsigned char *sealed = malloc(sealed_len);
	int g, r;

	if (!sealed)
		return CA_ENOMEM;
	r = cipher_open(key, &cipher);
	if (r)
		goto out;
	g = gnutls_aead_cipher_encrypt(
	    cipher, nonce, NONCE, aad->data, aad->len, TAG, secret, len, sealed, &sealed_len);
	if (g < 0) {
		ca_logf(CA_LOG_ERROR, "cannot seal a secret: %s", gnutls_strerror(g));
		r = CA_EINTERNAL;
		goto out;
	}
	ca_buf_add(out, sealed, sealed_len);
	r = ca_buf_error(out);
out:
	if (cipher)
		gnutls_aead_cipher_deinit(cipher);
	free(sealed);
	return r;
}

int ca_seal(const unsigned char key[CA_SEAL_KEY], uint32_t key_version,
    const struct ca_seal_place *place, const void *secret, size_t len, struct ca_buf *out)
{
	struct ca_buf aad = CA_BUF_INIT, blob = CA_BUF_INIT;
	unsigned char nonce[NONCE];
	int r;

	r = describe(place, key_version, &aad);
	if (r)
		goto out;
	r = ca_random(nonce, sizeof(nonce));
	if (r)
		goto out;
	ca_buf_add_byte(&blob, FORMAT);
	add_number(&blob, key_version, 4);
	ca_buf_add(&blob, nonce, sizeof(nonce));
	r = encrypt(key, nonce, &aad, secret, len, &blob);
	if (r)
		goto out;
	ca_buf_add(out, blob.data, blob.len);
	r = ca_buf_error(out);
out:
	ca_buf_free(&aad);
	ca_buf_free(&blob);
	return r;
}

int ca_seal_key_version(const void *blob, size_t len, uint32_t *out)
{
	const unsigned char *octets = blob;

	if (len < CA_SEAL_OVERHEAD || octets[0] != FORMAT)
		return CA_ESEAL;
	*out = (uint32_t)octets[1] << 24 | (uint32_t)octets[2] << 16 | (uint32_t)octets[3] << 8 |
	       octets[4];
	return 0;
}

static int decrypt(const unsigned char key[CA_SEAL_KEY], const struct ca_buf *aad,
    const unsigned char *blob, size_t len, struct ca_buf *out)
{
	gnutls_aead_cipher_hd_t cipher = NULL;
	size_t plain_len = len - CA_SEAL_OVERHEAD, room = plain_len + 1;
	unsigned char *plain = malloc(room);
	int g, r;

	if (!plain)
		return CA_ENOMEM;
	r = cipher_open(key, &cipher);
	if (r)
		goto out;
	g = gnutls_aead_cipher_decrypt(cipher, blob + 1 + 4, NONCE, aad->data, aad->len, TAG,
	    blob + HEAD, len - HEAD, plain, &plain_len);
	if (g < 0) {
		r = CA_ESEAL; /* the caller knows which blob, and says so */
		goto out;
	}
	ca_buf_add(out, plain, plain_len);
	r = ca_buf_error(out);
out:
	if (cipher)
		gnutls_aead_cipher_deinit(cipher);
	ca_wipe(plain, room);
	free(plain);
	return r;
}

int ca_unseal(const unsigned char key[CA_SEAL_KEY], const struct ca_seal_place *place,
    const void *blob, size_t len, struct ca_buf *out)
{
	struct ca_buf aad = CA_BUF_INIT;
	uint32_t key_version;
	int r;

	r = ca_seal_key_version(blob, len, &key_version);
	if (r)
		return r;
	r = describe(place, key_version, &aad);
	if (!r)
		r = decrypt(key, &aad, blob, len, out);
	ca_buf_free(&aad);
	return r;
}
