#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#include "api/server/certificate_json.h"
#include "api/server/json.h"
#include "ca/base/clock.h"
#include "ca/installation.h"

/* RFC 5280, section 5.3.1, as far as a leaf may be revoked with them for good. */
static const struct {
	int number;
	const char *text;
} reasons[] = {
	{ 0, "unspecified" },
	{ 1, "keyCompromise" },
	{ 3, "affiliationChanged" },
	{ 4, "superseded" },
	{ 5, "cessationOfOperation" },
	{ 9, "privilegeWithdrawn" },
};

const char *server_reason_text(int reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].number == reason)
			return reasons[i].text;
	return NULL;
}

int server_reason_parse(const char *text)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reasons[i].text, text) == 0)
			return reasons[i].number;
	return -1;
}

const char *server_certificate_status(const struct store_certificate *row, int64_t now)
{
	if (row->status == STORE_REVOKED)
		return "revoked";
	return now > row->not_after ? "expired" : "good";
}

int server_certificate_pem(const struct ca_installation *installation,
    const struct store_certificate *row, struct ca_buf *out)
{
	const struct ca_authority *issuer =
	    ca_installation_authority_id(installation, row->issuer_id);
	int r = ca_pem_certificate(row->der, row->der_len, out);

	if (!r && issuer)
		ca_buf_add_str(out, issuer->pem);
	return r ? r : ca_buf_error(out);
}

static json_t *pem_of(const struct store_certificate *row)
{
	struct ca_buf pem = CA_BUF_INIT;
	json_t *text = NULL;

	if (ca_pem_certificate(row->der, row->der_len, &pem) == 0)
		text = json_string(ca_buf_text(&pem));
	ca_buf_free(&pem);
	return text;
}

static json_t *common_name_of(const struct store_certificate *row)
{
	const gnutls_datum_t der = { row->der, (unsigned)row->der_len };
	gnutls_x509_crt_t crt = NULL;
	char name[256];
	size_t len = sizeof(name);
	json_t *text = NULL;

	if (gnutls_x509_crt_init(&crt) < 0)
		return NULL;
	if (gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0)
		text = json_stringn(name, len);
	gnutls_x509_crt_deinit(crt);
	return text ? text : json_null();
}

static json_t *fingerprint_of(const struct store_certificate *row)
{
	unsigned char digest[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, row->der, row->der_len, digest) < 0)
		return NULL;
	return server_json_hex(digest, sizeof(digest));
}

/* The serial of the first certificate of the lineage: the lineage's name outside. */
static json_t *lineage_of(struct store_tx *tx, const struct store_certificate *row)
{
	struct store_certificate first = { 0 };
	json_t *serial;

	if (row->lineage_id == row->id)
		return server_json_hex(row->serial, row->serial_len);
	if (store_certificate_get_id(tx, row->lineage_id, &first))
		return NULL;
	serial = server_json_hex(first.serial, first.serial_len);
	store_certificate_clear(&first);
	return serial;
}

static json_t *chain_of(const struct ca_authority *issuer)
{
	return issuer ? json_pack("[s]", issuer->pem) : json_array();
}

json_t *server_certificate_json(const struct ca_installation *installation, struct store_tx *tx,
    const struct store_certificate *row, bool pem)
{
	const struct ca_authority *issuer =
	    ca_installation_authority_id(installation, row->issuer_id);
	struct store_tenant tenant;
	bool revoked = row->status == STORE_REVOKED;
	json_t *object;

	if (store_tenant_get(tx, row->tenant_id, &tenant))
		return NULL;
	object = json_pack("{s:o, s:o, s:s, s:s, s:s, s:s*, s:o, s:o, s:o, s:o, s:o}", "serial",
	    server_json_hex(row->serial, row->serial_len), "fingerprint", fingerprint_of(row),
	    "status", server_certificate_status(row, ca_now()), "profile", row->profile, "tenant",
	    tenant.name, "issuer", issuer ? issuer->name : NULL, "lineage", lineage_of(tx, row),
	    "common_name", common_name_of(row), "dns",
	    server_json_names_of(&row->names, CA_NAME_DNS), "ip",
	    server_json_names_of(&row->names, CA_NAME_IP), "uri",
	    server_json_names_of(&row->names, CA_NAME_URI));
	if (!object)
		return NULL;
	/* A failed set leaves the object as it is; the count tells at the end. */
	json_object_set_new(object, "not_before", server_json_time(row->not_before));
	json_object_set_new(object, "not_after", server_json_time(row->not_after));
	json_object_set_new(object, "renew_after", server_json_time(row->renew_after));
	json_object_set_new(object, "issued_at", server_json_time(row->issued_at));
	json_object_set_new(object, "revoked_at", server_json_time(row->revoked_at));
	json_object_set_new(object, "revocation_reason",
	    revoked ? json_string(server_reason_text(row->revocation_reason)) : json_null());
	if (pem) {
		json_object_set_new(object, "certificate", pem_of(row));
		json_object_set_new(object, "chain", chain_of(issuer));
	}
	if (json_object_size(object) < (pem ? 18u : 16u)) {
		json_decref(object);
		return NULL;
	}
	return object;
}
