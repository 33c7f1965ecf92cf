#include <jose/jose.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "tests/unit/jwt_maker.h"
#include "tests/unit/support.h"

json_t *jwt_key(const char *alg, const char *kid)
{
	json_t *key = json_pack("{s:s}", "alg", alg);

	assert_true(jose_jwk_gen(NULL, key));
	if (kid)
		json_object_set_new(key, "kid", json_string(kid));
	return key;
}

json_t *jwt_public(const json_t *key)
{
	json_t *copy = json_deep_copy(key);

	assert_true(jose_jwk_pub(NULL, copy));
	json_object_del(copy, "key_ops");
	json_object_del(copy, "alg");
	return copy;
}

json_t *jwt_set(const json_t *key, ...)
{
	json_t *list = json_array();
	va_list more;

	va_start(more, key);
	for (; key; key = va_arg(more, const json_t *))
		json_array_append_new(list, jwt_public(key));
	va_end(more);
	return json_pack("{s:o}", "keys", list);
}

static char *encoded(const char *text)
{
	size_t len = strlen(text);
	char *out = malloc((len * 4 + 2) / 3 + 1);

	assert_non_null(out);
	ca_base64url(text, len, out);
	return out;
}

static const char good[] =
    "{\"iss\":\"https://issuer.example.org\",\"sub\":\"job-7\",\"aud\":\"ca\","
    "\"exp\":1800000600,\"iat\":1799999990,\"nbf\":1799999990}";

static char *joined(const char *header, const char *claims, const char *signature)
{
	size_t size = strlen(header) + strlen(claims) + strlen(signature) + 3;
	char *out = malloc(size);

	assert_non_null(out);
	snprintf(out, size, "%s.%s.%s", header, claims, signature);
	return out;
}

char *jwt_make(const char *header, const char *claims, const json_t *key)
{
	char *protected = encoded(header), *payload = encoded(claims ? claims : good), *out;
	json_t *jws = json_pack("{s:s}", "payload", payload);
	json_t *unsigned_ = json_pack("{s:s}", "protected", protected);
	/* A key that is bound to one algorithm would not sign with another. */
	json_t *free_key = json_deep_copy(key);

	json_object_del(free_key, "alg");
	json_object_del(free_key, "key_ops");
	json_object_del(free_key, "use");
	assert_true(jose_jws_sig(NULL, jws, unsigned_, free_key));
	out = joined(protected, payload, json_string_value(json_object_get(jws, "signature")));
	json_decref(jws);
	json_decref(unsigned_);
	json_decref(free_key);
	free(protected);
	free(payload);
	return out;
}

char *jwt_forge(const char *header, const char *claims, const char *signature)
{
	char *protected = encoded(header), *payload = encoded(claims ? claims : good);
	char *out = joined(protected, payload, signature);

	free(protected);
	free(payload);
	return out;
}
