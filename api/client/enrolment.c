/* An enrolment token, as its bearer reads it. */
#include <gnutls/crypto.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/client/enrolment.h"
#include "api/client/output.h"
#include "ca/base/text.h"

#define TOKEN_MAX 65536
#define TOKEN_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

int client_fingerprint_parse(const char *text, unsigned char out[CA_SHA256])
{
	size_t len = 0;

	if (ca_unhex(text, out, CA_SHA256, &len) || len != CA_SHA256)
		return CA_EINVAL;
	return 0;
}

/* Three parts of base64url (RFC 7515, section 3.1), and white space around them. The middle part's
 * place goes to *payload and *len. */
static bool token_shape(
    const char *text, size_t *start, size_t *len, const char **payload, size_t *payload_len)
{
	size_t part[3];
	const char *p;

	*start = strspn(text, " \t\r\n");
	p = text + *start;
	for (size_t i = 0; i < 3; i++) {
		part[i] = strspn(p, TOKEN_LETTERS);
		if (!part[i])
			return false;
		if (i == 1) {
			*payload = p;
			*payload_len = part[i];
		}
		p += part[i];
		if (i < 2 && *p++ != '.')
			return false;
	}
	*len = (size_t)(p - text) - *start;
	return !p[strspn(p, " \t\r\n")];
}

static int payload_decode(const char *text, size_t len, json_t **out)
{
	unsigned char *octets = malloc(len);
	json_t *payload = NULL;
	size_t n = 0;

	if (!octets)
		return CA_ENOMEM;
	if (!ca_unbase64url(text, len, octets, len, &n))
		payload = json_loadb((const char *)octets, n, JSON_REJECT_DUPLICATES, NULL);
	free(octets);
	if (!json_is_object(payload)) {
		json_decref(payload);
		return CA_ETOKEN;
	}
	*out = payload;
	return 0;
}

static int names_take(const json_t *payload, struct ca_names *names)
{
	static const char *const keys[] = { "dns", "ip", "uri", "email" };
	static const enum ca_name_type types[] = { CA_NAME_DNS, CA_NAME_IP, CA_NAME_URI,
		CA_NAME_EMAIL };
	const json_t *value;
	int error = 0;
	size_t i;

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		json_array_foreach(json_object_get(payload, keys[k]), i, value)
		{
			const char *text = json_string_value(value);

			if (!error)
				error =
				    text ? ca_names_add(names, types[k], text, strlen(text), NULL)
					 : CA_ETOKEN;
		}
	}
	return error;
}

static int text_take(const json_t *payload, const char *key, char **out)
{
	const char *text = client_json_text(payload, key);

	if (!*text)
		return 0;
	*out = strdup(text);
	return *out ? 0 : CA_ENOMEM;
}

static int id_take(const char *id, size_t len, struct client_token *token)
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, id, len, token->id_sha256) ? CA_EINTERNAL : 0;
}

/* Made by somebody else, who names neither our CA nor what may be had. It is replaced by a newer
 * one every hour; whom it speaks of stays. */
static int foreign_take(const json_t *payload, struct client_token *token)
{
	struct ca_buf id = CA_BUF_INIT;
	int error;

	ca_buf_addf(
	    &id, "%s\n%s", client_json_text(payload, "iss"), client_json_text(payload, "sub"));
	error = ca_buf_error(&id);
	if (!error)
		error = id_take(ca_buf_text(&id), id.len, token);
	ca_buf_free(&id);
	return error;
}

static int payload_take(const json_t *payload, struct client_token *token)
{
	const char *id = client_json_text(payload, "jti");
	const char *fingerprint = client_json_text(payload, "fingerprint");
	int error;

	if (!*fingerprint && *client_json_text(payload, "sub"))
		return foreign_take(payload, token);
	error = *id ? text_take(payload, "iss", &token->url) : CA_ETOKEN;
	if (!error)
		error = text_take(payload, "tenant", &token->tenant);
	if (!error && *fingerprint) {
		token->has_fingerprint = true;
		error = client_fingerprint_parse(fingerprint, token->fingerprint) ? CA_ETOKEN : 0;
	}
	if (!error)
		error = id_take(id, strlen(id), token);
	return error ? error : names_take(payload, &token->names);
}

int client_token_read(const char *path, struct client_token *out, struct client_problem *problem)
{
	struct client_token token = { 0 };
	struct ca_buf text = CA_BUF_INIT;
	json_t *payload = NULL;
	const char *part = NULL;
	size_t start = 0, len = 0, part_len = 0;
	int error = client_file_read(path, TOKEN_MAX, &text, &problem->detail);

	if (error)
		goto out;
	error = CA_ETOKEN;
	if (strlen(ca_buf_text(&text)) == text.len &&
	    token_shape(ca_buf_text(&text), &start, &len, &part, &part_len))
		error = payload_decode(part, part_len, &payload);
	if (!error)
		error = payload_take(payload, &token);
	if (!error) {
		token.text = strndup(ca_buf_text(&text) + start, len);
		error = token.text ? 0 : CA_ENOMEM;
	}
	if (error == CA_ETOKEN || error == CA_ENAME || error == CA_ETOOMANYNAMES)
		error = client_fail(problem, CA_ETOKEN, "%s %s an enrolment token",
		    strcmp(path, "-") != 0 ? path : "standard input",
		    text.len ? "does not hold" : "is empty, not");
	if (error)
		goto out;
	*out = token;
	token = (struct client_token){ 0 }; /* transferred */
out:
	json_decref(payload);
	ca_buf_free(&text);
	client_token_clear(&token);
	return error;
}

void client_token_clear(struct client_token *token)
{
	if (token->text)
		ca_wipe(token->text, strlen(token->text));
	free(token->text);
	free(token->url);
	free(token->tenant);
	ca_names_free(&token->names);
	*token = (struct client_token){ 0 };
}
