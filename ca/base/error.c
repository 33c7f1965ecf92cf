#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/error.h"

struct error_row {
	int error;
	const char *code;
	const char *text;
};

static const struct error_row error_rows[] = {
	{ CA_OK, "ok", "done" },
	{ CA_ENOMEM, "out-of-memory", "out of memory" },
	{ CA_EINTERNAL, "internal-error", "an internal error" },
	{ CA_EIO, "io-error", "a file could not be read or written" },
	{ CA_EINVAL, "invalid-argument", "an argument is malformed" },
	{ CA_ENOTFOUND, "not-found", "there is no such thing" },
	{ CA_EEXIST, "already-exists", "it exists already" },
	{ CA_ELOCKED, "state-locked", "another micad holds the state directory" },
	{ CA_EOVERLOADED, "overloaded", "too much to do at the moment" },
	{ CA_ECLOCK, "clock-wrong", "the clock cannot be right" },
	{ CA_ESTOPPING, "stopping", "the server is shutting down" },
	{ CA_ESTORE, "store-unavailable", "the store does not answer" },
	{ CA_ESTOREFULL, "store-full", "the store has no space left" },
	{ CA_ESTORESCHEMA, "store-schema", "not a database of this version of Mica" },
	{ CA_EMASTERKEY, "master-key-wrong", "the master key does not open this installation" },
	{ CA_ENOMASTERKEY, "master-key-missing", "there is no usable master key" },
	{ CA_ESEAL, "seal-broken", "a sealed secret was changed or moved" },
	{ CA_ECSR, "csr-malformed", "not a certificate signing request" },
	{ CA_ECSRSIGNATURE, "csr-signature-invalid", "the request's signature is not its key's" },
	{ CA_ECSREXTENSION, "csr-extension-refused",
	    "the request asks for an extension not granted" },
	{ CA_ESUBJECT, "subject-refused", "the request asks for a subject not granted" },
	{ CA_EKEYTYPE, "key-type-refused", "keys of this type are not granted" },
	{ CA_EKEYWEAK, "key-weak", "the key is weak" },
	{ CA_EKEYRESERVED, "key-reserved", "the key belongs to the CA itself" },
	{ CA_ENAME, "name-malformed", "a name is malformed" },
	{ CA_ENAMEREFUSED, "name-refused", "a name is not granted" },
	{ CA_ENAMERESERVED, "name-reserved", "a name belongs to the CA itself" },
	{ CA_ENONAMES, "no-names", "there is no name to certify" },
	{ CA_ETOOMANYNAMES, "too-many-names", "there are too many names" },
	{ CA_EPROFILE, "profile-unknown", "there is no such profile" },
	{ CA_EPROFILEREFUSED, "profile-refused", "the profile is not granted" },
	{ CA_ETTL, "ttl-refused", "the lifetime asked for is not granted" },
	{ CA_EISSUERENDS, "issuer-ends", "the certificate would outlive its issuer" },
	{ CA_EPOLICY, "policy-invalid", "the policy document cannot be taken" },
	{ CA_ETOKEN, "token-malformed", "not an enrolment token" },
	{ CA_ETOKENSIGNATURE, "token-signature-invalid",
	    "the token was not made here, or was changed" },
	{ CA_ETOKENFOREIGN, "token-foreign", "the token belongs to another installation" },
	{ CA_ETOKENEXPIRED, "token-expired", "the token has expired" },
	{ CA_ETOKENEARLY, "token-early", "the token was issued in the future" },
	{ CA_ETOKENREPLAYED, "token-replayed", "the token was used before, with another key" },
	{ CA_ETOKENREMOVED, "token-removed", "the token was taken back" },
	{ CA_ETOKENMAKER, "token-maker-removed", "who made the token may not any longer" },
	{ CA_ETOKENKEY, "token-key-mismatch", "the token is bound to another key" },
	{ CA_EUNAUTHENTICATED, "credentials-missing", "this needs a credential" },
	{ CA_ECERTUNKNOWN, "certificate-unknown", "the client certificate is not on record here" },
	{ CA_ECERTREVOKED, "certificate-revoked", "the client certificate is revoked" },
	{ CA_ECERTEXPIRED, "certificate-expired", "the client certificate has expired" },
	{ CA_EFORBIDDEN, "forbidden", "the credential does not allow this" },
	{ CA_EOPERATORREMOVED, "operator-removed", "the operator was removed" },
	{ CA_EJWTISSUER, "jwt-issuer-unknown", "the token's issuer is not known here" },
	{ CA_EJWTALGORITHM, "jwt-algorithm-refused",
	    "the token's algorithm or header is not taken" },
	{ CA_EJWTKEY, "jwt-key-unknown", "the token's key is not one of its issuer's" },
	{ CA_EJWTAUDIENCE, "jwt-audience-refused", "the token is for another audience" },
	{ CA_EJWTREFUSED, "jwt-refused", "the token's issuer says that it is not good" },
	{ CA_ESOURCE, "source-unavailable", "the token's issuer does not answer" },
	{ CA_ECLAIM, "claim-refused", "a claim cannot stand in a name" },
	{ CA_ENORULE, "rule-missing", "no rule grants this identity anything" },
	{ CA_EIDENTITYDISABLED, "identity-disabled", "the identity is disabled" },
	{ CA_EQUOTA, "quota-exceeded", "a quota is used up" },
	{ CA_ECEILING, "ceiling-exceeded", "beyond what the tenant is allowed" },
	{ CA_ETENANTREMOVED, "tenant-removed", "the tenant was removed" },
	{ CA_EPATH, "path-unknown", "there is no such path" },
	{ CA_EMETHOD, "method-unknown", "the path does not take this method" },
	{ CA_EBODYEMPTY, "body-empty", "the body is empty" },
	{ CA_EBODYLARGE, "body-large", "the body is too large" },
	{ CA_EMEDIATYPE, "media-type-unsupported", "the body is not of a type taken here" },
	{ CA_ENOTACCEPTABLE, "not-acceptable", "there is no answer of a type asked for" },
	{ CA_EJSON, "json-malformed", "the body is not JSON" },
	{ CA_EJSONTRAILING, "json-trailing-data", "something follows the JSON" },
	{ CA_EFIELDMISSING, "field-missing", "a field is missing" },
	{ CA_EFIELDUNKNOWN, "field-unknown", "a field is not known" },
	{ CA_EFIELD, "field-invalid", "a field has the wrong type or value" },
	{ CA_EPRECONDITION, "precondition-failed", "it was changed in the meantime" },
	{ CA_EQUERY, "query-invalid", "a query parameter is unknown or malformed" },
	{ CA_EUNREACHABLE, "ca-unreachable", "the CA cannot be reached" },
	{ CA_ETLS, "ca-not-authentic", "the CA could not be authenticated" },
	{ CA_EFINGERPRINT, "fingerprint-mismatch", "the CA's root is not the expected one" },
	{ CA_EANSWER, "answer-unusable", "the answer is not one of Mica's" },
};

static const struct error_row *find(int error)
{
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(*error_rows); i++)
		if (error_rows[i].error == error)
			return &error_rows[i];
	return NULL;
}

const char *ca_error_code(int error)
{
	const struct error_row *row = find(error);

	return row ? row->code : "internal-error";
}

const char *ca_error_text(int error)
{
	const struct error_row *row = find(error);

	return row ? row->text : "an internal error";
}

int ca_error_from_code(const char *code)
{
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(*error_rows); i++)
		if (code && strcmp(error_rows[i].code, code) == 0)
			return error_rows[i].error;
	return 0;
}

int ca_refuse(struct ca_detail *why, int error, const char *format, ...)
{
	va_list ap;

	if (!why)
		return error;
	va_start(ap, format);
	if (vsnprintf(why->text, sizeof(why->text), format, ap) < 0)
		why->text[0] = '\0';
	va_end(ap);
	for (char *p = why->text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return error;
}
