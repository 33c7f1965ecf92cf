#include <jose/jws.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/server/jwt.h"
#include "ca/base/text.h"
#include "store/sources.h"

#define SIGNATURE_MAX 1024     /* octets: RSA of 8192 bits */
#define TIME_LAST 253402300799 /* the year 9999 ends */

/* ---- the parts ---- */

struct part {
	const char *text;
	size_t len;
};

static int split(const char *text, size_t len, struct part parts[3], struct ca_detail *why)
{
	const char *at = text, *end = text + len;

	if (len > SERVER_JWT_MAX)
		return ca_refuse(why, CA_ETOKEN, "a token of more than %d octets", SERVER_JWT_MAX);
	for (int i = 0; i < 3; i++) {
		const char *dot = memchr(at, '.', (size_t)(end - at));

		if (!dot != (i == 2))
			return ca_refuse(why, CA_ETOKEN, "a token has three parts");
		parts[i] = (struct part){ at, (size_t)((dot ? dot : end) - at) };
		if (parts[i].len == 0)
			return ca_refuse(why, CA_ETOKEN, "a part of the token is empty");
		at = dot ? dot + 1 : end;
	}
	return 0;
}

/* The JSON object in a part; NULL: there is none. */
static json_t *object_in(struct part part)
{
	char json[SERVER_JWT_MAX];
	json_t *object = NULL;
	size_t len;

	if (ca_unbase64url(part.text, part.len, (unsigned char *)json, sizeof(json), &len) == 0)
		object = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	if (object && !json_is_object(object)) {
		json_decref(object);
		object = NULL;
	}
	return object;
}

static bool signature_readable(struct part part)
{
	unsigned char octets[SIGNATURE_MAX];
	size_t len;

	return ca_unbase64url(part.text, part.len, octets, sizeof(octets), &len) == 0;
}

/* ---- the header ---- */

/* A token made for another purpose says so (RFC 8725, section 3.11). */
static bool type_ok(const json_t *typ)
{
	return !typ ||
	       (json_is_string(typ) && (strcasecmp(json_string_value(typ), "JWT") == 0 ||
					   strcasecmp(json_string_value(typ), "at+jwt") == 0));
}

static int read_header(struct server_jwt *jwt, struct ca_detail *why)
{
	const json_t *alg = json_object_get(jwt->header, "alg");
	const json_t *kid = json_object_get(jwt->header, "kid");
	const char *name;
	json_t *value;

	/* None of jku, jwk, x5u, x5c, crit, b64, zip: by allowing three we need to know no more. */
	json_object_foreach(
	    jwt->header, name, value) if (strcmp(name, "alg") != 0 && strcmp(name, "kid") != 0 &&
					  strcmp(name, "typ") != 0) return ca_refuse(why,
	    CA_EJWTALGORITHM, "the token's header has a member %.64s, which is not taken", name);
	if (!json_is_string(alg) || !server_jws_algorithm_ok(json_string_value(alg)))
		return ca_refuse(why, CA_EJWTALGORITHM, "the token's algorithm %.16s is not taken",
		    json_is_string(alg) ? json_string_value(alg) : "(none named)");
	if (!type_ok(json_object_get(jwt->header, "typ")))
		return ca_refuse(why, CA_EJWTALGORITHM, "the token's typ is not JWT");
	if (kid && (!json_is_string(kid) || json_string_length(kid) == 0 ||
		       json_string_length(kid) > SERVER_JWK_ID_MAX))
		return ca_refuse(why, CA_EJWTALGORITHM,
		    "the token's kid is not a text of 1 to %d octets", SERVER_JWK_ID_MAX);
	jwt->alg = json_string_value(alg);
	jwt->kid = json_string_value(kid);
	return 0;
}

/* ---- the claims ---- */

/* No C0 or C1 control character, nor DEL; jansson saw to it that it is UTF-8. */
static bool printable(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++)
		if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
	return true;
}

static int read_text(
    const json_t *claims, const char *name, size_t max, const char **out, struct ca_detail *why)
{
	const json_t *value = json_object_get(claims, name);

	if (!json_is_string(value) || json_string_length(value) == 0 ||
	    json_string_length(value) > max || !printable(json_string_value(value)))
		return ca_refuse(why, CA_ETOKEN,
		    "the token's %s is missing, or not a plain text of 1 to %zu octets", name, max);
	*out = json_string_value(value);
	return 0;
}

/* A NumericDate, of whole seconds. */
static int read_time(
    const json_t *claims, const char *name, bool required, int64_t *out, struct ca_detail *why)
{
	const json_t *value = json_object_get(claims, name);

	if (!value && !required)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > TIME_LAST)
		return ca_refuse(why, CA_ETOKEN,
		    "the token's %s is missing, or not a time in whole seconds", name);
	*out = json_integer_value(value);
	return 0;
}

/* One text, or an array of them. */
static int check_audience_form(const json_t *claims, struct ca_detail *why)
{
	const json_t *aud = json_object_get(claims, "aud"), *one;
	size_t i;

	if (json_is_string(aud))
		return 0;
	if (!json_is_array(aud) || json_array_size(aud) > SERVER_JWT_AUDIENCES_MAX)
		return ca_refuse(why, CA_ETOKEN, "the token names no audience");
	json_array_foreach(aud, i, one) if (!json_is_string(one)) return ca_refuse(
	    why, CA_ETOKEN, "the token's audience is not text");
	return 0;
}

static int read_claims(struct server_jwt *jwt, struct ca_detail *why)
{
	const json_t *claims = jwt->claims;
	int r = read_text(claims, "iss", STORE_SOURCE_ISSUER_MAX, &jwt->issuer, why);

	if (!r)
		r = read_text(claims, "sub", SERVER_JWT_SUBJECT_MAX, &jwt->subject, why);
	if (!r)
		r = check_audience_form(claims, why);
	if (!r)
		r = read_time(claims, "exp", true, &jwt->expires, why);
	if (!r)
		r = read_time(claims, "iat", false, &jwt->issued, why);
	return r ? r : read_time(claims, "nbf", false, &jwt->not_before, why);
}

/* ---- */

int server_jwt_parse(const char *text, size_t len, struct server_jwt *out, struct ca_detail *why)
{
	struct server_jwt jwt = { 0 };
	struct part parts[3] = { { NULL, 0 } };
	int r = split(text, len, parts, why);

	if (r)
		return r;
	jwt.header = object_in(parts[0]);
	jwt.claims = object_in(parts[1]);
	if (!jwt.header || !jwt.claims || !signature_readable(parts[2]))
		r = ca_refuse(why, CA_ETOKEN, "a part of the token is not what it should be");
	if (!r)
		r = read_header(&jwt, why);
	if (!r)
		r = read_claims(&jwt, why);
	if (!r) {
		jwt.jws = json_pack("{s:s%, s:s%, s:s%}", "protected", parts[0].text, parts[0].len,
		    "payload", parts[1].text, parts[1].len, "signature", parts[2].text,
		    parts[2].len);
		r = jwt.jws ? 0 : CA_ENOMEM;
	}
	if (r)
		server_jwt_clear(&jwt);
	else
		*out = jwt;
	return r;
}

void server_jwt_clear(struct server_jwt *jwt)
{
	json_decref(jwt->jws);
	json_decref(jwt->header);
	json_decref(jwt->claims);
	*jwt = (struct server_jwt){ 0 };
}

int server_jwt_issuer(const char *text, size_t len, char *out, size_t size, struct ca_detail *why)
{
	struct part parts[3] = { { NULL, 0 } };
	json_t *claims = NULL;
	const char *issuer = "";
	int r = split(text, len, parts, why);

	if (r)
		return r;
	claims = object_in(parts[1]);
	if (!claims)
		return ca_refuse(why, CA_ETOKEN, "a part of the token is not what it should be");
	r = read_text(claims, "iss", STORE_SOURCE_ISSUER_MAX, &issuer, why);
	if (!r && strlen(issuer) >= size)
		r = CA_ETOKEN;
	if (!r)
		snprintf(out, size, "%s", issuer);
	json_decref(claims);
	return r;
}

int server_jwt_check_times(const struct server_jwt *jwt, int64_t now, struct ca_detail *why)
{
	int64_t from = jwt->issued > jwt->not_before ? jwt->issued : jwt->not_before;

	if (now >= jwt->expires)
		return ca_refuse(why, CA_ETOKENEXPIRED, "the token expired %lld s ago",
		    (long long)(now - jwt->expires));
	if (from > now + SERVER_JWT_SKEW)
		return ca_refuse(why, CA_ETOKENEARLY, "the token is good in %lld s only",
		    (long long)(from - now));
	return 0;
}

static bool among(const char *text, const char *const *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

int server_jwt_check_audience(
    const struct server_jwt *jwt, const char *const *audiences, size_t len, struct ca_detail *why)
{
	const json_t *aud = json_object_get(jwt->claims, "aud"), *one;
	size_t i;

	if (json_is_string(aud) && among(json_string_value(aud), audiences, len))
		return 0;
	json_array_foreach(aud, i, one) if (among(json_string_value(one), audiences, len)) return 0;
	return ca_refuse(why, CA_EJWTAUDIENCE, "the token was not made for %.150s%s",
	    len ? audiences[0] : "us", len > 1 ? ", or another audience of its source" : "");
}

/* ---- the signature ---- */

/* libjose would write to standard error; what it cannot verify is not verified. */
static void silent(
    void *misc, const char *file, int line, uint64_t err, const char *fmt, va_list ap)
{
	(void)misc;
	(void)file;
	(void)line;
	(void)err;
	(void)fmt;
	(void)ap;
}

int server_jwt_verify(
    const struct server_jwt *jwt, const struct server_jwks *jwks, struct ca_detail *why)
{
	const json_t *key;
	jose_cfg_t *cfg;
	bool verified;
	int r = server_jwks_find(jwks, jwt->alg, jwt->kid, &key, why);

	if (r)
		return r;
	cfg = jose_cfg();
	if (!cfg)
		return CA_ENOMEM;
	jose_cfg_set_err_func(cfg, silent, NULL);
	verified = jose_jws_ver(cfg, jwt->jws, NULL, key, false);
	jose_cfg_decref(cfg);
	return verified ? 0 : CA_ETOKENSIGNATURE;
}
