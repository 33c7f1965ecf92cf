#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/jwks.h"
#include "ca/base/text.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

enum key_type { KEY_NONE = 0, KEY_RSA, KEY_P256, KEY_P384, KEY_P521 };

struct key {
	enum key_type type;
	char *kid, *alg; /* NULL: the key names none; owned */
	json_t *jwk;     /* public members only; owned */
};

struct server_jwks {
	atomic_uint references;
	size_t len;
	struct key keys[];
};

/* RFC 7518, section 3.1. */
static const struct {
	const char *name;
	enum key_type type;
} algorithms[] = {
	{ "RS256", KEY_RSA },
	{ "RS384", KEY_RSA },
	{ "RS512", KEY_RSA },
	{ "PS256", KEY_RSA },
	{ "PS384", KEY_RSA },
	{ "PS512", KEY_RSA },
	{ "ES256", KEY_P256 },
	{ "ES384", KEY_P384 },
	{ "ES512", KEY_P521 },
};

static const struct {
	const char *name;
	enum key_type type;
	size_t len; /* octets of a coordinate */
} curves[] = {
	{ "P-256", KEY_P256, 32 },
	{ "P-384", KEY_P384, 48 },
	{ "P-521", KEY_P521, 66 },
};

static enum key_type type_for(const char *alg)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (strcmp(algorithms[i].name, alg) == 0)
			return algorithms[i].type;
	return KEY_NONE;
}

bool server_jws_algorithm_ok(const char *alg)
{
	return type_for(alg) != KEY_NONE;
}

/* ---- one key ---- */

/* A member's octets, without zeroes in front; false: none, or not base64url. */
static bool octets_of(const json_t *jwk, const char *member, unsigned char *out, size_t max,
    size_t *len, size_t *zeroes)
{
	const json_t *value = json_object_get(jwk, member);

	if (!json_is_string(value) ||
	    ca_unbase64url(json_string_value(value), json_string_length(value), out, max, len))
		return false;
	for (*zeroes = 0; *zeroes < *len && !out[*zeroes];)
		(*zeroes)++;
	return true;
}

static bool modulus_ok(const json_t *jwk)
{
	unsigned char n[RSA_BITS_MAX / 8 + 1];
	size_t len, zeroes, bits;

	if (!octets_of(jwk, "n", n, sizeof(n), &len, &zeroes) || zeroes == len)
		return false;
	bits = (len - zeroes) * 8;
	for (unsigned char top = n[zeroes]; !(top & 0x80); top = (unsigned char)(top << 1))
		bits--;
	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && n[len - 1] & 1;
}

/* Odd, and from 65537 up to 64 bits: with 1 anything is a signature, and small ones invite forgers
 * where padding is read carelessly. */
static bool exponent_ok(const json_t *jwk)
{
	unsigned char e[9];
	size_t len, zeroes;

	return octets_of(jwk, "e", e, sizeof(e), &len, &zeroes) && len - zeroes >= 3 &&
	       len - zeroes <= 8 && e[len - 1] & 1;
}

static bool coordinate_ok(const json_t *jwk, const char *member, size_t size)
{
	unsigned char octets[66];
	size_t len, zeroes;

	return octets_of(jwk, member, octets, sizeof(octets), &len, &zeroes) && len == size;
}

/* Sections 4.2 to 4.4: for verifying signatures, if it says what it is for. */
static bool use_ok(const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use"), *operations, *operation;
	const json_t *alg = json_object_get(jwk, "alg");
	bool verifies = false;
	size_t i;

	if ((use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0)) ||
	    (alg && !json_is_string(alg)))
		return false;
	operations = json_object_get(jwk, "key_ops");
	if (!operations)
		return true;
	json_array_foreach(operations, i, operation) verifies =
	    verifies ||
	    (json_is_string(operation) && strcmp(json_string_value(operation), "verify") == 0);
	return verifies;
}

/* A private key that was published is nobody's any longer. */
static bool is_public(const json_t *jwk)
{
	static const char *const private[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
		if (json_object_get(jwk, private[i]))
			return false;
	return true;
}

static const char *text_of(const json_t *jwk, const char *member)
{
	const char *text = json_string_value(json_object_get(jwk, member));

	return text ? text : "";
}

/* The public members of a key that is fit, and what it is; NULL: it is not. A new reference. */
static json_t *public_part(const json_t *jwk, enum key_type *type)
{
	const char *kty = text_of(jwk, "kty"), *crv = text_of(jwk, "crv");

	if (!is_public(jwk) || !use_ok(jwk))
		return NULL;
	if (strcmp(kty, "RSA") == 0 && modulus_ok(jwk) && exponent_ok(jwk)) {
		*type = KEY_RSA;
		return json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", text_of(jwk, "n"), "e",
		    text_of(jwk, "e"));
	}
	if (strcmp(kty, "EC") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++) {
		if (strcmp(curves[i].name, crv) != 0 || !coordinate_ok(jwk, "x", curves[i].len) ||
		    !coordinate_ok(jwk, "y", curves[i].len))
			continue;
		*type = curves[i].type;
		return json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", crv, "x",
		    text_of(jwk, "x"), "y", text_of(jwk, "y"));
	}
	return NULL;
}

static bool kid_ok(const json_t *kid)
{
	return !kid || (json_is_string(kid) && json_string_length(kid) > 0 &&
			   json_string_length(kid) <= SERVER_JWK_ID_MAX);
}

/* Keep the key if it is fit. */
static int take(struct server_jwks *jwks, const json_t *jwk)
{
	const json_t *kid = json_object_get(jwk, "kid"), *alg = json_object_get(jwk, "alg");
	struct key key = { 0 };

	if (!json_is_object(jwk) || !kid_ok(kid))
		return 0;
	key.jwk = public_part(jwk, &key.type);
	if (!key.jwk)
		return 0;
	key.kid = kid ? strdup(json_string_value(kid)) : NULL;
	key.alg = alg ? strdup(json_string_value(alg)) : NULL;
	jwks->keys[jwks->len++] = key;
	return (kid && !key.kid) || (alg && !key.alg) ? CA_ENOMEM : 0;
}

/* ---- the set ---- */

int server_jwks_create(const json_t *document, struct server_jwks **out, struct ca_detail *why)
{
	const json_t *list = json_object_get(document, "keys"), *jwk;
	struct server_jwks *jwks;
	size_t i;
	int r = 0;

	if (!json_is_array(list))
		return ca_refuse(why, CA_EFIELD, "not a JSON Web Key Set: no array keys");
	if (json_array_size(list) > SERVER_JWKS_KEYS_MAX)
		return ca_refuse(why, CA_EFIELD, "more than %d keys", SERVER_JWKS_KEYS_MAX);
	jwks = calloc(1, sizeof(*jwks) + json_array_size(list) * sizeof(jwks->keys[0]));
	if (!jwks)
		return CA_ENOMEM;
	atomic_init(&jwks->references, 1);
	json_array_foreach(list, i, jwk)
	{
		r = take(jwks, jwk);
		if (r)
			break;
	}
	if (r)
		server_jwks_release(jwks);
	else
		*out = jwks;
	return r;
}

int server_jwks_parse(const char *text, size_t len, struct server_jwks **out, struct ca_detail *why)
{
	json_t *document;
	int r;

	if (len > SERVER_JWKS_TEXT_MAX)
		return ca_refuse(why, CA_EFIELD, "a key set of more than 1 MiB");
	document = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	r = document ? server_jwks_create(document, out, why)
		     : ca_refuse(why, CA_EFIELD, "not a JSON Web Key Set: not JSON");
	json_decref(document);
	return r;
}

struct server_jwks *server_jwks_hold(struct server_jwks *jwks)
{
	if (jwks)
		atomic_fetch_add(&jwks->references, 1);
	return jwks;
}

void server_jwks_release(struct server_jwks *jwks)
{
	if (!jwks || atomic_fetch_sub(&jwks->references, 1) > 1)
		return;
	for (size_t i = 0; i < jwks->len; i++) {
		free(jwks->keys[i].kid);
		free(jwks->keys[i].alg);
		json_decref(jwks->keys[i].jwk);
	}
	free(jwks);
}

size_t server_jwks_len(const struct server_jwks *jwks)
{
	return jwks->len;
}

static bool fits(const struct key *key, enum key_type type, const char *alg, const char *kid)
{
	return key->type == type && (!key->alg || strcmp(key->alg, alg) == 0) &&
	       (!kid || (key->kid && strcmp(key->kid, kid) == 0));
}

int server_jwks_find(const struct server_jwks *jwks, const char *alg, const char *kid,
    const json_t **out, struct ca_detail *why)
{
	enum key_type type = type_for(alg);
	const json_t *found = NULL;
	size_t fitting = 0;

	for (size_t i = 0; type && i < jwks->len; i++) {
		if (!fits(&jwks->keys[i], type, alg, kid))
			continue;
		found = jwks->keys[i].jwk;
		fitting++;
	}
	if (fitting == 0 && kid)
		return ca_refuse(why, CA_EJWTKEY, "the issuer has no key %.80s for %.8s", kid, alg);
	if (fitting == 0)
		return ca_refuse(why, CA_EJWTKEY, "the issuer has no key for %.8s", alg);
	if (fitting > 1 && kid)
		return ca_refuse(
		    why, CA_EJWTKEY, "the issuer has more than one key with the id %.80s", kid);
	if (fitting > 1)
		return ca_refuse(
		    why, CA_EJWTKEY, "the token names no key, and the issuer has more than one");
	*out = found;
	return 0;
}
