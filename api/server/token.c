#include <gnutls/crypto.h>
#include <jansson.h>
#include <jose/b64.h>
#include <jose/jws.h>
#include <string.h>

#include "api/server/json.h"
#include "api/server/token.h"
#include "ca/base/log.h"
#include "ca/base/text.h"

/* {"alg":"HS256","typ":"JWT"} */
static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

static json_t *symmetric_key(const struct ca_installation *installation)
{
	json_t *octets = jose_b64_enc(installation->token_key, sizeof(installation->token_key));

	return json_pack("{s:s, s:s, s:o}", "kty", "oct", "alg", "HS256", "k", octets);
}

static json_t *claims_of(const char *public_url, const char *tenant, const struct store_token *row,
    const unsigned char fingerprint[CA_SHA256])
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "iss",
	    public_url, "aud", public_url, "jti", row->id, "iat", (json_int_t)row->created_at,
	    "exp", (json_int_t)row->expires_at, "profile", row->profile, "tenant", tenant, "dns",
	    server_json_names_of(&row->names, CA_NAME_DNS), "ip",
	    server_json_names_of(&row->names, CA_NAME_IP), "uri",
	    server_json_names_of(&row->names, CA_NAME_URI), "email",
	    server_json_names_of(&row->names, CA_NAME_EMAIL), "fingerprint",
	    server_json_hex(fingerprint, CA_SHA256));
}

int server_token_create(const struct ca_installation *installation, const char *public_url,
    const char *tenant, const struct store_token *row, const unsigned char fingerprint[CA_SHA256],
    struct ca_buf *out)
{
	json_t *claims = claims_of(public_url, tenant, row, fingerprint);
	json_t *key = symmetric_key(installation);
	json_t *jws = json_pack("{s:o}", "payload", claims ? jose_b64_enc_dump(claims) : NULL);
	json_t *protected = json_pack("{s:s}", "protected", header);
	const char *payload, *signature;
	int r = CA_ENOMEM;

	if (!key || !jws || !protected)
		goto out;
	r = CA_EINTERNAL;
	if (!jose_jws_sig(NULL, jws, protected, key)) {
		ca_logf(CA_LOG_ERROR, "libjose cannot sign a token");
		goto out;
	}
	if (json_unpack(jws, "{s:s, s:s}", "payload", &payload, "signature", &signature))
		goto out;
	ca_buf_addf(out, "%s.%s.%s", header, payload, signature);
	r = ca_buf_error(out);
out:
	json_decref(claims);
	json_decref(key);
	json_decref(jws);
	json_decref(protected);
	return r;
}

bool server_token_is_ours(const char *jwt)
{
	size_t len = sizeof(header) - 1;

	return strncmp(jwt, header, len) == 0 && jwt[len] == '.';
}

/* Three base64url parts, the first of them our header; payload is a new reference, *signature where
 * the third begins. */
static int split(const char *jwt, size_t len, json_t **payload, const char **signature)
{
	const char *end = jwt + len, *first, *second;

	if (len > SERVER_TOKEN_MAX)
		return CA_ETOKEN;
	first = memchr(jwt, '.', len);
	second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return CA_ETOKEN;
	if ((size_t)(first - jwt) != sizeof(header) - 1 ||
	    memcmp(jwt, header, sizeof(header) - 1) != 0)
		return CA_ETOKEN;
	*payload = json_stringn(first + 1, (size_t)(second - first - 1));
	*signature = second + 1;
	return *payload ? 0 : CA_ETOKEN;
}

static bool root_is_ours(const struct ca_installation *installation, const char *fingerprint)
{
	unsigned char octets[CA_SHA256];
	size_t len;

	if (ca_unhex(fingerprint, octets, sizeof(octets), &len) || len != sizeof(octets))
		return false;
	for (size_t i = 0; i < installation->authorities_len; i++)
		if (memcmp(installation->authorities[i]->sha256, octets, len) == 0)
			return true;
	return false;
}

/* RFC 7515, section 5.2, for the one header that there is: the MAC of all before the second dot. */
static bool signature_ok(
    const struct ca_installation *installation, const char *jwt, const char *signature, size_t len)
{
	unsigned char mac[CA_SHA256], given[CA_SHA256 + 1];

	return jose_b64_dec_buf(signature, len, given, sizeof(given)) == sizeof(mac) &&
	       gnutls_hmac_fast(GNUTLS_MAC_SHA256, installation->token_key,
		   sizeof(installation->token_key), jwt, (size_t)(signature - 1 - jwt), mac) == 0 &&
	       gnutls_memcmp(mac, given, sizeof(mac)) == 0;
}

static int check_times(int64_t issued, int64_t expires, int64_t now, struct ca_detail *why)
{
	if (issued > now + SERVER_TOKEN_SKEW)
		return ca_refuse(why, CA_ETOKENEARLY, "the token was issued %lld s in the future",
		    (long long)(issued - now));
	if (now > expires)
		return ca_refuse(why, CA_ETOKENEXPIRED, "the token expired %lld s ago",
		    (long long)(now - expires));
	return 0;
}

int server_token_verify(const struct ca_installation *installation, const char *jwt, size_t len,
    int64_t now, char id[STORE_TOKEN_ID], struct ca_detail *why)
{
	json_t *payload = NULL, *claims = NULL;
	const char *jti, *fingerprint, *signature;
	json_int_t issued, expires;
	int r = split(jwt, len, &payload, &signature);

	if (r)
		return r;
	r = CA_ETOKEN;
	claims = jose_b64_dec_load(payload);
	if (!claims || json_unpack(claims, "{s:s, s:I, s:I, s:s}", "jti", &jti, "iat", &issued,
			   "exp", &expires, "fingerprint", &fingerprint))
		goto out;
	if (strlen(jti) != STORE_TOKEN_ID - 1)
		goto out;
	/* Unverified so far, and only good for a better word than "signature". */
	r = CA_ETOKENFOREIGN;
	if (!root_is_ours(installation, fingerprint))
		goto out;
	r = CA_ETOKENSIGNATURE;
	if (!signature_ok(installation, jwt, signature, len - (size_t)(signature - jwt)))
		goto out;
	r = check_times(issued, expires, now, why);
	if (!r)
		memcpy(id, jti, STORE_TOKEN_ID);
out:
	json_decref(payload);
	json_decref(claims);
	return r;
}
