#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/json.h"
#include "api/server/source_settings.h"
#include "ca/base/names.h"
#include "ca/rule.h"
#include "ca/url.h"

void server_source_settings_clear(struct server_source_settings *settings)
{
	for (size_t i = 0; i < settings->audiences_len; i++)
		free(settings->audiences[i]);
	free(settings->url);
	free(settings->ca);
	free(settings->bearer);
	server_jwks_release(settings->keys);
	*settings = (struct server_source_settings){ 0 };
}

static int read_audiences(
    const json_t *object, struct server_source_settings *out, struct ca_detail *why)
{
	const json_t *list = json_object_get(object, "audiences"), *one;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > SERVER_SOURCE_AUDIENCES_MAX)
		return ca_refuse(why, CA_EFIELD,
		    "the field audiences is not an array of at most %d texts",
		    SERVER_SOURCE_AUDIENCES_MAX);
	json_array_foreach(list, i, one)
	{
		if (!json_is_string(one) || json_string_length(one) == 0 ||
		    json_string_length(one) > CA_CLAIM_VALUE_MAX)
			return ca_refuse(why, CA_EFIELD,
			    "the field audiences holds something other than texts of 1 to %d "
			    "octets",
			    CA_CLAIM_VALUE_MAX);
		out->audiences[out->audiences_len] = strdup(json_string_value(one));
		if (!out->audiences[out->audiences_len])
			return CA_ENOMEM;
		out->audiences_len++;
	}
	return 0;
}

/* A name and nothing else: whatever it says, no other directory's file can be meant. */
static int check_bearer(const char *name, struct ca_detail *why)
{
	size_t len = strlen(name);

	if (len == 0 || len > SERVER_SOURCE_BEARER_NAME_MAX || name[0] == '.' ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") !=
		len)
		return ca_refuse(why, CA_EFIELD,
		    "the field bearer is not a file's name of letters, digits, \".\", \"-\" and "
		    "\"_\" that does not begin with a dot");
	return 0;
}

static int check_ca(const char *pem, struct ca_detail *why)
{
	const gnutls_datum_t text = { (unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem) };
	gnutls_x509_crt_t *list = NULL;
	unsigned n = 0;
	int rc = gnutls_x509_crt_list_import2(&list, &n, &text, GNUTLS_X509_FMT_PEM, 0);

	for (unsigned i = 0; rc >= 0 && i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	if (rc >= 0)
		gnutls_free(list);
	return rc >= 0 && n > 0
		   ? 0
		   : ca_refuse(why, CA_EFIELD, "the field ca does not hold certificates in PEM");
}

/* {"url", "ca", "bearer"} */
static int read_peer(
    const json_t *object, struct server_source_settings *out, struct ca_detail *why)
{
	const char *url, *ca, *bearer;
	int r = server_json_string(object, "url", true, &url, why);

	if (!r)
		r = server_json_string(object, "ca", true, &ca, why);
	if (!r)
		r = server_json_string(object, "bearer", false, &bearer, why);
	if (!r && ca_url_check(url, "https", &out->url, NULL, why))
		r = CA_EFIELD;
	if (!r)
		r = check_ca(ca, why);
	if (!r && bearer)
		r = check_bearer(bearer, why);
	if (r)
		return r;
	out->ca = strdup(ca);
	out->bearer = bearer ? strdup(bearer) : NULL;
	return out->ca && (out->bearer || !bearer) ? 0 : CA_ENOMEM;
}

static int check_members(
    const json_t *object, const char *field, const char *const *known, struct ca_detail *why)
{
	const char *key;
	size_t present = 0;

	if (!json_is_object(object))
		return ca_refuse(why, CA_EFIELD, "the field %s is not an object", field);
	for (; (key = *known); known++)
		present += json_object_get(object, key) != NULL;
	if (present != json_object_size(object))
		return ca_refuse(why, CA_EFIELDUNKNOWN,
		    "the field %s has a member that is not known here", field);
	return 0;
}

static int read_given_keys(
    const json_t *jwks, struct server_source_settings *out, struct ca_detail *why)
{
	int r = server_jwks_create(jwks, &out->keys, why);

	if (!r && server_jwks_len(out->keys) == 0)
		r = ca_refuse(why, CA_EFIELD,
		    "no key in the field keys is a public one for signatures, RSA of 2048 to 8192 "
		    "bits or on P-256, P-384 or P-521");
	return r;
}

static int read_method(
    const json_t *object, struct server_source_settings *out, struct ca_detail *why)
{
	static const char *const peer[] = { "url", "ca", "bearer", NULL };
	static const char *const keys[] = { "keys", NULL };
	const json_t *review = json_object_get(object, "token_review");
	const json_t *jwks = json_object_get(object, "jwks");
	int r;

	if (json_is_null(review))
		review = NULL;
	if (json_is_null(jwks))
		jwks = NULL;
	if (!review == !jwks)
		return ca_refuse(why, review ? CA_EFIELD : CA_EFIELDMISSING,
		    "a source has either token_review or jwks");
	if (review) {
		out->method = SERVER_SOURCE_REVIEW;
		r = check_members(review, "token_review", peer, why);
		return r ? r : read_peer(review, out, why);
	}
	out->method = json_object_get(jwks, "keys") ? SERVER_SOURCE_KEYS : SERVER_SOURCE_JWKS;
	r = check_members(jwks, "jwks", out->method == SERVER_SOURCE_KEYS ? keys : peer, why);
	if (r)
		return r;
	return out->method == SERVER_SOURCE_KEYS ? read_given_keys(jwks, out, why)
						 : read_peer(jwks, out, why);
}

int server_source_settings_read(const json_t *object, enum store_source_kind kind,
    struct server_source_settings *out, struct ca_detail *why)
{
	int r;

	*out = (struct server_source_settings){ 0 };
	r = read_audiences(object, out, why);
	if (!r)
		r = read_method(object, out, why);
	if (!r && kind != STORE_SOURCE_KUBERNETES && out->method == SERVER_SOURCE_REVIEW)
		r = ca_refuse(
		    why, CA_EFIELD, "only a source of the kind kubernetes has token_review");
	if (r)
		server_source_settings_clear(out);
	return r;
}
