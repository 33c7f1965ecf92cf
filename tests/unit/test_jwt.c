#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <jose/b64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/jwt.h"
#include "ca/base/text.h"
#include "tests/unit/jwt_maker.h"
#include "tests/unit/support.h"

#define RS256 "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"
#define GOOD "\"iss\":\"https://issuer.example.org\",\"sub\":\"job-7\",\"aud\":\"ca\""
#define TIMES "\"exp\":1800000600,\"iat\":1799999990"

static json_t *rsa, *other, *p256, *p384, *p521, *set;

static int set_up(void **state)
{
	(void)state;
	rsa = jwt_key("RS256", "rsa");
	other = jwt_key("RS256", "other");
	p256 = jwt_key("ES256", "p256");
	p384 = jwt_key("ES384", "p384");
	p521 = jwt_key("ES512", "p521");
	set = jwt_set(rsa, other, p256, p384, p521, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(rsa);
	json_decref(other);
	json_decref(p256);
	json_decref(p384);
	json_decref(p521);
	json_decref(set);
	return 0;
}

/* ---- helpers ---- */

static int check_len(const char *text, size_t len, const json_t *keys)
{
	static const char *const audiences[] = { "ca" };
	struct server_jwks *jwks = NULL;
	struct server_jwt jwt = { 0 };
	int r;

	assert_int_equal(server_jwks_create(keys, &jwks, NULL), 0);
	r = server_jwt_parse(text, len, &jwt, NULL);
	if (!r)
		r = server_jwt_check_times(&jwt, JWT_NOW, NULL);
	if (!r)
		r = server_jwt_check_audience(&jwt, audiences, 1, NULL);
	if (!r)
		r = server_jwt_verify(&jwt, jwks, NULL);
	server_jwt_clear(&jwt);
	server_jwks_release(jwks);
	return r;
}

/* What comes of a token, which is freed. */
static int check(char *text, const json_t *keys)
{
	int r = check_len(text, strlen(text), keys);

	free(text);
	return r;
}

static int check_claims(const char *claims)
{
	return check(jwt_make(RS256, claims, rsa), set);
}

/* One key, with a member more, or less (value NULL), as a set. The value is transferred. */
static json_t *altered(const json_t *key, const char *member, json_t *value)
{
	json_t *jwk = jwt_public(key);

	if (value)
		json_object_set_new(jwk, member, value);
	else
		json_object_del(jwk, member);
	return json_pack("{s:[o]}", "keys", jwk);
}

static int check_altered(const json_t *key, const char *header, const char *member, json_t *value)
{
	json_t *keys = altered(key, member, value);
	int r = check(jwt_make(header, NULL, key), keys);

	json_decref(keys);
	return r;
}

/* ---- what is taken ---- */

static void every_algorithm(void **state)
{
	const struct {
		const char *alg, *kid;
		const json_t *key;
	} rows[] = { { "RS256", "rsa", rsa }, { "RS384", "rsa", rsa }, { "RS512", "rsa", rsa },
		{ "PS256", "rsa", rsa }, { "PS384", "rsa", rsa }, { "PS512", "rsa", rsa },
		{ "ES256", "p256", p256 }, { "ES384", "p384", p384 }, { "ES512", "p521", p521 } };
	char header[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		    rows[i].alg, rows[i].kid);
		assert_int_equal(check(jwt_make(header, NULL, rows[i].key), set), 0);
	}
}

static void what_it_says_is_read(void **state)
{
	struct server_jwt jwt;
	char issuer[64];
	char *text = jwt_make(RS256, NULL, rsa);

	(void)state;
	assert_int_equal(server_jwt_issuer(text, strlen(text), issuer, sizeof(issuer), NULL), 0);
	assert_string_equal(issuer, "https://issuer.example.org");
	assert_int_equal(server_jwt_issuer(text, strlen(text), issuer, 8, NULL), CA_ETOKEN);
	assert_int_equal(server_jwt_issuer("a.b.c", 5, issuer, sizeof(issuer), NULL), CA_ETOKEN);
	assert_int_equal(server_jwt_parse(text, strlen(text), &jwt, NULL), 0);
	assert_string_equal(jwt.alg, "RS256");
	assert_string_equal(jwt.kid, "rsa");
	assert_string_equal(jwt.issuer, "https://issuer.example.org");
	assert_string_equal(jwt.subject, "job-7");
	assert_int_equal(jwt.expires, JWT_NOW + 600);
	assert_int_equal(jwt.issued, JWT_NOW - 10);
	assert_int_equal(jwt.not_before, JWT_NOW - 10);
	server_jwt_clear(&jwt);
	free(text);
}

/* ---- keys and signatures ---- */

static void wrong_keys(void **state)
{
	json_t *lone = jwt_set(rsa, NULL), *none = json_pack("{s:[]}", "keys");
	json_t *twins = jwt_set(rsa, rsa, NULL);

	(void)state;
	assert_int_equal(check(jwt_make("{\"alg\":\"RS256\",\"kid\":\"rsa\"}", NULL, other), set),
	    CA_ETOKENSIGNATURE);
	assert_int_equal(
	    check(jwt_make("{\"alg\":\"RS256\",\"kid\":\"who\"}", NULL, rsa), set), CA_EJWTKEY);
	/* No kid: good when there is one key only that fits. */
	assert_int_equal(check(jwt_make("{\"alg\":\"RS256\"}", NULL, rsa), set), CA_EJWTKEY);
	assert_int_equal(check(jwt_make("{\"alg\":\"RS256\"}", NULL, rsa), lone), 0);
	assert_int_equal(check(jwt_make("{\"alg\":\"ES256\"}", NULL, p256), set), 0);
	assert_int_equal(check(jwt_make("{\"alg\":\"ES256\"}", NULL, p256), lone), CA_EJWTKEY);
	assert_int_equal(check(jwt_make(RS256, NULL, rsa), none), CA_EJWTKEY);
	assert_int_equal(check(jwt_make(RS256, NULL, rsa), twins), CA_EJWTKEY);
	/* The id of a key of another type, or curve. */
	assert_int_equal(
	    check(jwt_make("{\"alg\":\"RS256\",\"kid\":\"p256\"}", NULL, rsa), set), CA_EJWTKEY);
	assert_int_equal(
	    check(jwt_make("{\"alg\":\"ES256\",\"kid\":\"p384\"}", NULL, p256), set), CA_EJWTKEY);
	json_decref(lone);
	json_decref(none);
	json_decref(twins);
}

static void keys_that_are_not_fit(void **state)
{
	static const char *const private[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

	(void)state;
	assert_int_equal(check_altered(rsa, RS256, "use", json_string("sig")), 0);
	assert_int_equal(check_altered(rsa, RS256, "use", json_string("enc")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "use", json_integer(1)), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "key_ops", json_pack("[s]", "verify")), 0);
	assert_int_equal(
	    check_altered(rsa, RS256, "key_ops", json_pack("[s]", "encrypt")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "key_ops", json_string("verify")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "alg", json_string("RS256")), 0);
	assert_int_equal(check_altered(rsa, RS256, "alg", json_string("PS256")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "alg", json_integer(256)), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "kty", json_string("EC")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "kty", NULL), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "kid", json_integer(7)), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "kid", NULL), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "n", NULL), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "n", json_string("")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "n", json_string("AAAA")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "n", json_string("a=b")), CA_EJWTKEY);
	/* exponents 1, 3, 65536, and one of 72 bits */
	assert_int_equal(check_altered(rsa, RS256, "e", json_string("AQ")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "e", json_string("Aw")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "e", json_string("AQAA")), CA_EJWTKEY);
	assert_int_equal(check_altered(rsa, RS256, "e", json_string("AQAAAAAAAAAB")), CA_EJWTKEY);
	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
		assert_int_equal(
		    check_altered(rsa, RS256, private[i], json_string("AQAB")), CA_EJWTKEY);
}

/* A true signature, and yet. libjose makes no such key. */
static void a_short_key(void **state)
{
	gnutls_datum_t n, e, data, signature;
	char n_text[256], e_text[16], encoded[256], *text = jwt_forge(RS256, NULL, "");
	gnutls_privkey_t key;
	json_t *keys;

	(void)state;
	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_int_equal(gnutls_privkey_generate(key, GNUTLS_PK_RSA, 1024, 0), 0);
	assert_int_equal(gnutls_privkey_export_rsa_raw2(key, &n, &e, NULL, NULL, NULL, NULL, NULL,
			     NULL, GNUTLS_EXPORT_FLAG_NO_LZ),
	    0);
	ca_base64url(n.data, n.size, n_text);
	ca_base64url(e.data, e.size, e_text);
	keys = json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "keys", "kty", "RSA", "kid", "rsa", "n",
	    n_text, "e", e_text);
	data = (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) - 1 };
	assert_int_equal(
	    gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature), 0);
	ca_base64url(signature.data, signature.size, encoded);
	assert_int_equal(check(jwt_forge(RS256, NULL, encoded), keys), CA_EJWTKEY);
	gnutls_free(n.data);
	gnutls_free(e.data);
	gnutls_free(signature.data);
	gnutls_privkey_deinit(key);
	json_decref(keys);
	free(text);
}

static void points_that_are_not_fit(void **state)
{
	static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"p256\"}";
	const char *y = json_string_value(json_object_get(p256, "y"));

	(void)state;
	assert_int_equal(check_altered(p256, header, "use", json_string("sig")), 0);
	assert_int_equal(check_altered(p256, header, "crv", json_string("P-384")), CA_EJWTKEY);
	assert_int_equal(check_altered(p256, header, "crv", json_string("secp256k1")), CA_EJWTKEY);
	assert_int_equal(check_altered(p256, header, "x", NULL), CA_EJWTKEY);
	assert_int_equal(check_altered(p256, header, "x", json_string("AQAB")), CA_EJWTKEY);
	/* not on the curve */
	assert_int_equal(check_altered(p256, header, "x", json_string(y)), CA_ETOKENSIGNATURE);
}

static void sets_that_are_none(void **state)
{
	static const char *const texts[] = { "", "x", "[]", "{}", "{\"keys\":{}}", "{\"keys\":1}",
		"{\"keys\":[]}x", "{\"keys\":[],\"keys\":[]}" };
	static const char odd[] = "{\"keys\":[1,null,\"x\",[],{},{\"kty\":\"oct\",\"kid\":\"rsa\","
				  "\"k\":\"AAAA\"},{\"kty\":\"OKP\"}]}";
	struct server_jwks *jwks = NULL;
	json_t *many = json_array(), *document;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(
		    server_jwks_parse(texts[i], strlen(texts[i]), &jwks, NULL), CA_EFIELD);
	assert_int_equal(server_jwks_parse(odd, strlen(odd), &jwks, NULL), 0);
	assert_int_equal(server_jwks_len(jwks), 0);
	server_jwks_release(jwks);
	for (int i = 0; i <= SERVER_JWKS_KEYS_MAX; i++)
		json_array_append_new(many, json_object());
	document = json_pack("{s:o}", "keys", many);
	assert_int_equal(server_jwks_create(document, &jwks, NULL), CA_EFIELD);
	json_decref(document);
}

/* The signature in the other usual form of ECDSA's. */
static void ecdsa_in_der(void **state)
{
	static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"p256\"}";
	char *text = jwt_make(header, NULL, p256), *at = strrchr(text, '.') + 1;
	unsigned char raw[64];
	char encoded[128];
	size_t len;
	gnutls_datum_t r = { raw, 32 }, s = { raw + 32, 32 }, der;

	(void)state;
	assert_int_equal(ca_unbase64url(at, strlen(at), raw, sizeof(raw), &len), 0);
	assert_int_equal(len, 64);
	assert_int_equal(gnutls_encode_rs_value(&der, &r, &s), 0);
	ca_base64url(der.data, der.size, encoded);
	gnutls_free(der.data);
	text = realloc(text, strlen(text) + sizeof(encoded));
	assert_non_null(text);
	strcpy(strrchr(text, '.') + 1, encoded);
	assert_int_equal(check(text, set), CA_ETOKENSIGNATURE);
}

/* ---- headers ---- */

static void headers_that_are_not_taken(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"none\",\"kid\":\"rsa\"}",
		"{\"alg\":\"None\",\"kid\":\"rsa\"}", "{\"alg\":\"NONE\"}", "{\"alg\":\"\"}", "{}",
		"{\"kid\":\"rsa\"}", "{\"alg\":256}", "{\"alg\":null}", "{\"alg\":[\"RS256\"]}",
		"{\"alg\":\"rs256\"}", "{\"alg\":\"RS256 \"}", "{\"alg\":\"RS1\"}",
		"{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "{\"alg\":\"HS384\"}", "{\"alg\":\"HS512\"}",
		"{\"alg\":\"EdDSA\"}", "{\"alg\":\"ES256K\"}", "{\"alg\":\"dir\"}",
		"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", "{\"alg\":\"RS256\",\"kid\":1}",
		"{\"alg\":\"RS256\",\"kid\":\"\"}", "{\"alg\":\"RS256\",\"kid\":null}",
		"{\"alg\":\"RS256\",\"kid\":[\"rsa\"]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://x.example.org/\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5u\":\"https://x.example.org/\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":{\"kty\":\"RSA\"}}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5c\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5t\":\"AAAA\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":true}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"zip\":\"DEF\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"cty\":\"JWT\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"secevent+jwt\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JOSE+JSON\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":1}" };

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		assert_int_equal(check(jwt_forge(headers[i], NULL, "AAAA"), set), CA_EJWTALGORITHM);
	/* signed by the right key all the same */
	for (size_t i = 23; i < sizeof(headers) / sizeof(*headers); i++)
		if (!strstr(headers[i], "b64") && !strstr(headers[i], "zip"))
			assert_int_equal(
			    check(jwt_make(headers[i], NULL, rsa), set), CA_EJWTALGORITHM);
	assert_int_equal(
	    check(jwt_make("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"jwt\"}", NULL, rsa), set),
	    0);
	assert_int_equal(
	    check(
		jwt_make("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+jwt\"}", NULL, rsa), set),
	    0);
}

static void headers_that_are_not_json(void **state)
{
	static const char *const headers[] = { "x", "[]", "1", "null", "\"RS256\"",
		"{\"alg\":\"RS256\"}{}", "{\"alg\":\"RS256\"", "{\"alg\":\"RS256\",}",
		"{\"alg\":\"none\",\"alg\":\"RS256\"}", "{\"alg\":\"RS256\",\"alg\":\"RS256\"}",
		"{\"alg\":\"RS256\",\"kid\":\"a\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\\u0000\"}", "{\"alg\":\"RS256\\u0000\"}",
		"{\"alg\":\"RS256\",\"kid\":\"\xff\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		assert_int_equal(check(jwt_forge(headers[i], NULL, "AAAA"), set), CA_ETOKEN);
}

static void kid_of_any_length(void **state)
{
	char kid[SERVER_JWK_ID_MAX + 2], header[SERVER_JWK_ID_MAX + 64];
	json_t *key = json_deep_copy(rsa), *keys;

	(void)state;
	memset(kid, 'k', sizeof(kid));
	kid[sizeof(kid) - 1] = '\0';
	snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
	assert_int_equal(check(jwt_make(header, NULL, rsa), set), CA_EJWTALGORITHM);
	kid[SERVER_JWK_ID_MAX] = '\0';
	json_object_set_new(key, "kid", json_string(kid));
	keys = jwt_set(key, NULL);
	snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
	assert_int_equal(check(jwt_make(header, NULL, rsa), keys), 0);
	assert_int_equal(check(jwt_make(header, NULL, rsa), set), CA_EJWTKEY);
	json_decref(key);
	json_decref(keys);
}

/* ---- one algorithm for another ---- */

/* The old trick: the public key, which everybody has, as the secret of a MAC. */
static void mac_with_the_public_key(void **state)
{
	static const char header[] = "{\"alg\":\"HS256\",\"kid\":\"rsa\"}";
	unsigned char n[256], e[8], mac[32];
	size_t n_len, e_len;
	gnutls_x509_crt_fmt_t formats[] = { GNUTLS_X509_FMT_PEM, GNUTLS_X509_FMT_DER };
	gnutls_pubkey_t pubkey;

	(void)state;
	n_len = jose_b64_dec(json_object_get(rsa, "n"), n, sizeof(n));
	e_len = jose_b64_dec(json_object_get(rsa, "e"), e, sizeof(e));
	gnutls_datum_t modulus = { n, (unsigned)n_len }, exponent = { e, (unsigned)e_len }, secret;
	assert_int_equal(gnutls_pubkey_init(&pubkey), 0);
	assert_int_equal(gnutls_pubkey_import_rsa_raw(pubkey, &modulus, &exponent), 0);
	for (int i = 0; i < 2; i++) {
		char signature[64], *text = jwt_forge(header, NULL, "");

		assert_int_equal(gnutls_pubkey_export2(pubkey, formats[i], &secret), 0);
		assert_int_equal(gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret.data, secret.size, text,
				     strlen(text) - 1, mac),
		    0);
		gnutls_free(secret.data);
		ca_base64url(mac, sizeof(mac), signature);
		free(text);
		assert_int_equal(check(jwt_forge(header, NULL, signature), set), CA_EJWTALGORITHM);
	}
	gnutls_pubkey_deinit(pubkey);
}

/* A good signature under a header that says otherwise. */
static void swapped(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"RS384\",\"kid\":\"rsa\"}",
		"{\"alg\":\"PS256\",\"kid\":\"rsa\"}", "{\"alg\":\"RS256\",\"kid\":\"other\"}" };
	char *text = jwt_make(RS256, NULL, rsa);

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		assert_int_equal(check(jwt_forge(headers[i], NULL, strrchr(text, '.') + 1), set),
		    CA_ETOKENSIGNATURE);
	assert_int_equal(
	    check(jwt_forge("{\"alg\":\"ES256\",\"kid\":\"p256\"}", NULL, strrchr(text, '.') + 1),
		set),
	    CA_ETOKENSIGNATURE);
	/* other claims under the same signature */
	assert_int_equal(
	    check(jwt_forge(RS256, "{" GOOD "," TIMES "}", strrchr(text, '.') + 1), set),
	    CA_ETOKENSIGNATURE);
	free(text);
}

/* ---- shapes ---- */

static void any_cut_is_noticed(void **state)
{
	char *text = jwt_make(RS256, NULL, rsa);

	(void)state;
	for (size_t len = strlen(text); len-- > 0;)
		assert_int_not_equal(check_len(text, len, set), 0);
	for (size_t from = 1; from < strlen(text); from++)
		assert_int_not_equal(check_len(text + from, strlen(text) - from, set), 0);
	free(text);
}

/* Also the bits of a last character that no octet is made of. */
static void any_change_is_noticed(void **state)
{
	static const char others[] = "AB.= \n";
	char *text = jwt_make(RS256, NULL, rsa);

	(void)state;
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		for (const char *with = others; *with; with++) {
			text[i] = *with;
			if (*with != was)
				assert_int_not_equal(check_len(text, strlen(text), set), 0);
		}
		text[i] = was;
	}
	assert_int_equal(check(text, set), 0);
}

static void shapes_that_are_none(void **state)
{
	static const char *const shapes[] = { "", ".", "..", "...", "a", "a.b", ".b.c", "a..c",
		"a.b.", "a.b.c.d", "a.b.c.", ".a.b.c", " . . ", "a.b.c.d.e", "e30.e30.AAAA",
		"{\"alg\":\"RS256\"}.{}.x" };
	static const char *const around[][2] = { { " ", "" }, { "", " " }, { "", "\n" },
		{ "\t", "" }, { "", "=" }, { "", "==" }, { "", "." }, { ".", "" },
		{ "Bearer ", "" }, { "\xef\xbb\xbf", "" } };
	char *good = jwt_make(RS256, NULL, rsa), *with;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		assert_int_not_equal(check_len(shapes[i], strlen(shapes[i]), set), 0);
	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
		with = malloc(strlen(good) + 8);
		assert_non_null(with);
		sprintf(with, "%s%s%s", around[i][0], good, around[i][1]);
		assert_int_equal(check(with, set), CA_ETOKEN);
	}
	assert_int_equal(check_len("a\0b.c.d", 7, set), CA_ETOKEN);
	free(good);
}

static void as_large_as_may_be(void **state)
{
	char claims[SERVER_JWT_MAX + 512], *text;
	size_t padding = 0, len;
	int r;

	(void)state;
	do {
		int n = snprintf(claims, sizeof(claims), "{" GOOD "," TIMES ",\"more\":\"%*s\"}",
		    (int)padding, "");

		assert_true(n > 0 && (size_t)n < sizeof(claims));
		text = jwt_make(RS256, claims, rsa);
		len = strlen(text);
		r = check(text, set);
		assert_int_equal(r, len <= SERVER_JWT_MAX ? 0 : CA_ETOKEN);
		padding += 256;
	} while (len <= SERVER_JWT_MAX);
}

static void nested(void **state)
{
	static const int depths[] = { 100, 1000, 2000 };
	char claims[SERVER_JWT_MAX];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t at = (size_t)sprintf(claims, "{" GOOD "," TIMES ",\"deep\":");
		int r;

		memset(claims + at, '[', (size_t)depths[i]);
		memset(claims + at + depths[i], ']', (size_t)depths[i]);
		strcpy(claims + at + 2 * depths[i], "}");
		r = check(jwt_make(RS256, claims, rsa), set);
		assert_true(r == 0 || r == CA_ETOKEN);
		/* never closed */
		claims[at + (size_t)depths[i]] = '\0';
		assert_int_equal(check(jwt_make(RS256, claims, rsa), set), CA_ETOKEN);
	}
}

/* ---- claims ---- */

static void claims_that_are_not_taken(void **state)
{
	static const char *const rows[] = { "", "x", "[]", "null", "{}", "{" GOOD "," TIMES "}{}",
		"{" GOOD "," TIMES ",\"sub\":\"job-7\"}", "{" GOOD "," TIMES ",\"iss\":\"x\"}",
		"{" GOOD "," TIMES ",\"exp\":1800000600}", "{" GOOD "," TIMES ",\"a\":1,\"a\":1}",
		"{" GOOD "," TIMES ",\"a\":{\"b\":1,\"b\":2}}", "{" GOOD "}",
		"{" GOOD ",\"exp\":\"1800000600\"}", "{" GOOD ",\"exp\":1800000600.5}",
		"{" GOOD ",\"exp\":1.8e9}", "{" GOOD ",\"exp\":null}", "{" GOOD ",\"exp\":true}",
		"{" GOOD ",\"exp\":0}", "{" GOOD ",\"exp\":-1}", "{" GOOD ",\"exp\":[1800000600]}",
		"{" GOOD ",\"exp\":9223372036854775807}", "{" GOOD ",\"exp\":92233720368547758080}",
		"{" GOOD ",\"exp\":253402300800}", "{" GOOD ",\"exp\":1800000600,\"nbf\":\"x\"}",
		"{" GOOD ",\"exp\":1800000600,\"nbf\":1.5}",
		"{" GOOD ",\"exp\":1800000600,\"iat\":null}",
		"{" GOOD ",\"exp\":1800000600,\"iat\":-5}",
		"{\"iss\":\"i\",\"sub\":\"s\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":7," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":{\"ca\":1}," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"ca\",7]," TIMES "}",
		"{\"iss\":\"i\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":7,\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"a\\nb\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"a\\u0000b\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"a\\u007fb\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"a\\u0085b\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"a\\u001bb\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"i\",\"sub\":\"a\xff\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":7,\"sub\":\"s\",\"aud\":\"ca\"," TIMES "}",
		"{\"sub\":\"s\",\"aud\":\"ca\"," TIMES "}",
		"{\"iss\":\"\",\"sub\":\"s\",\"aud\":\"ca\"," TIMES "}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (check_claims(rows[i]) != CA_ETOKEN)
			fail_msg("taken, or refused for another reason: %s", rows[i]);
}

static void subjects_of_any_length(void **state)
{
	char subject[SERVER_JWT_SUBJECT_MAX + 2], claims[SERVER_JWT_SUBJECT_MAX + 256];

	(void)state;
	memset(subject, 's', sizeof(subject));
	for (size_t len = SERVER_JWT_SUBJECT_MAX; len <= SERVER_JWT_SUBJECT_MAX + 1; len++) {
		snprintf(claims, sizeof(claims),
		    "{\"iss\":\"i\",\"sub\":\"%.*s\",\"aud\":\"ca\"," TIMES "}", (int)len, subject);
		assert_int_equal(
		    check_claims(claims), len > SERVER_JWT_SUBJECT_MAX ? CA_ETOKEN : 0);
	}
	assert_int_equal(
	    check_claims("{\"iss\":\"i\",\"sub\":\"r\xc3\xa9seau\",\"aud\":\"ca\"," TIMES "}"), 0);
}

static void audiences(void **state)
{
	static const struct {
		const char *aud;
		int r;
	} rows[] = { { "\"ca\"", 0 }, { "[\"ca\"]", 0 }, { "[\"x\",\"ca\"]", 0 },
		{ "\"x\"", CA_EJWTAUDIENCE }, { "[]", CA_EJWTAUDIENCE },
		{ "\"\"", CA_EJWTAUDIENCE }, { "\"CA\"", CA_EJWTAUDIENCE },
		{ "\"ca \"", CA_EJWTAUDIENCE }, { "[\"c\",\"a\"]", CA_EJWTAUDIENCE },
		{ "[[\"ca\"]]", CA_ETOKEN } };
	char claims[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(claims, sizeof(claims),
		    "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":%s," TIMES "}", rows[i].aud);
		assert_int_equal(check_claims(claims), rows[i].r);
	}
}

static void to_the_second(void **state)
{
	static const struct {
		int64_t exp, iat, nbf;
		int r;
	} rows[] = { { 1, 0, 0, 0 }, { 0, 0, 0, CA_ETOKENEXPIRED }, { -1, 0, 0, CA_ETOKENEXPIRED },
		{ 600, 60, 0, 0 }, { 600, 61, 0, CA_ETOKENEARLY }, { 600, 0, 60, 0 },
		{ 600, 0, 61, CA_ETOKENEARLY }, { 600, -5000, -5000, 0 } };
	char claims[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(claims, sizeof(claims),
		    "{" GOOD ",\"exp\":%lld,\"iat\":%lld,\"nbf\":%lld}",
		    (long long)(JWT_NOW + rows[i].exp), (long long)(JWT_NOW + rows[i].iat),
		    (long long)(JWT_NOW + rows[i].nbf));
		assert_int_equal(check_claims(claims), rows[i].r);
	}
	/* iat and nbf may be left out */
	assert_int_equal(check_claims("{" GOOD ",\"exp\":1800000600}"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm),
		cmocka_unit_test(what_it_says_is_read),
		cmocka_unit_test(wrong_keys),
		cmocka_unit_test(keys_that_are_not_fit),
		cmocka_unit_test(a_short_key),
		cmocka_unit_test(points_that_are_not_fit),
		cmocka_unit_test(sets_that_are_none),
		cmocka_unit_test(ecdsa_in_der),
		cmocka_unit_test(headers_that_are_not_taken),
		cmocka_unit_test(headers_that_are_not_json),
		cmocka_unit_test(kid_of_any_length),
		cmocka_unit_test(mac_with_the_public_key),
		cmocka_unit_test(swapped),
		cmocka_unit_test(any_cut_is_noticed),
		cmocka_unit_test(any_change_is_noticed),
		cmocka_unit_test(shapes_that_are_none),
		cmocka_unit_test(as_large_as_may_be),
		cmocka_unit_test(nested),
		cmocka_unit_test(claims_that_are_not_taken),
		cmocka_unit_test(subjects_of_any_length),
		cmocka_unit_test(audiences),
		cmocka_unit_test(to_the_second),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
