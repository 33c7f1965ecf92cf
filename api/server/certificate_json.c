#include <gnutls/crypto.h>
#include <string.h>

#include "api/server/certificate_json.h"
#include "api/server/json.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"
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

/* ---- JSON, written straight into the answer: it is on the way of every issuance ---- */

/* A member's name, behind the member before it. */
static void add_key(struct ca_buf *out, const char *key)
{
	if (out->len && out->data[out->len - 1] != '{')
		ca_buf_add_byte(out, ',');
	ca_buf_add_byte(out, '"');
	ca_buf_add_str(out, key);
	ca_buf_add_str(out, "\":");
}

static void add_time(struct ca_buf *out, const char *key, int64_t seconds)
{
	char text[CA_TIME_TEXT];

	add_key(out, key);
	if (!seconds) {
		ca_buf_add_str(out, "null");
		return;
	}
	ca_buf_add_byte(out, '"');
	ca_buf_add_str(out, ca_time_text(seconds, text));
	ca_buf_add_byte(out, '"');
}

static void add_string(struct ca_buf *out, const char *key, const char *text)
{
	add_key(out, key);
	if (text)
		server_json_quote(out, text);
	else
		ca_buf_add_str(out, "null");
}

static void add_hex(struct ca_buf *out, const char *key, const unsigned char *data, size_t len)
{
	char text[2 * STORE_HASH + 1];

	ca_hex(data, len, text);
	add_string(out, key, text);
}

static void add_names(struct ca_buf *out, const struct ca_names *names, enum ca_name_type type)
{
	const char *comma = "";

	add_key(out, ca_name_type_text(type));
	ca_buf_add_byte(out, '[');
	for (size_t i = 0; i < names->n; i++) {
		if (names->v[i].type != type)
			continue;
		ca_buf_add_str(out, comma);
		server_json_quote(out, names->v[i].value);
		comma = ",";
	}
	ca_buf_add_byte(out, ']');
}

/* The serial of the first certificate of the lineage: the lineage's name outside. */
static int add_lineage(struct ca_buf *out, struct store_tx *tx, const struct store_certificate *row)
{
	unsigned char serial[STORE_SERIAL_MAX];
	size_t len = 0;
	int r;

	if (row->lineage_id == row->id) {
		add_hex(out, "lineage", row->serial, row->serial_len);
		return 0;
	}
	r = store_certificate_serial(tx, row->lineage_id, serial, &len);
	if (!r)
		add_hex(out, "lineage", serial, len);
	return r;
}

/* The issuer's tenant is at hand; that of an issuer that was retired is looked up. */
static int add_tenant(struct ca_buf *out, struct store_tx *tx, const struct ca_authority *issuer,
    const struct store_certificate *row)
{
	struct store_tenant tenant;
	int r = 0;

	if (!issuer)
		r = store_tenant_get(tx, row->tenant_id, &tenant);
	if (!r)
		add_string(out, "tenant", issuer ? issuer->tenant : tenant.name);
	return r;
}

static int add_identity(struct ca_buf *out, struct store_tx *tx, const struct ca_authority *issuer,
    const struct store_certificate *row)
{
	unsigned char fingerprint[STORE_HASH];
	int r;

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, row->der, row->der_len, fingerprint) < 0)
		return CA_EINTERNAL;
	add_hex(out, "serial", row->serial, row->serial_len);
	add_hex(out, "fingerprint", fingerprint, sizeof(fingerprint));
	add_string(out, "status", server_certificate_status(row, ca_now()));
	add_string(out, "profile", row->profile);
	r = add_tenant(out, tx, issuer, row);
	if (r)
		return r;
	add_string(out, "issuer", issuer ? issuer->name : NULL);
	add_string(out, "common_name", row->common_name[0] ? row->common_name : NULL);
	return add_lineage(out, tx, row);
}

static int add_pem(
    struct ca_buf *out, const struct ca_authority *issuer, const struct store_certificate *row)
{
	struct ca_buf pem = CA_BUF_INIT;
	int r = ca_pem_certificate(row->der, row->der_len, &pem);

	if (!r) {
		add_string(out, "certificate", ca_buf_text(&pem));
		add_key(out, "chain");
		ca_buf_add_byte(out, '[');
		if (issuer)
			server_json_quote(out, issuer->pem);
		ca_buf_add_byte(out, ']');
	}
	ca_buf_free(&pem);
	return r;
}

int server_certificate_json(const struct ca_installation *installation, struct store_tx *tx,
    const struct store_certificate *row, bool pem, struct ca_buf *out)
{
	const struct ca_authority *issuer =
	    ca_installation_authority_id(installation, row->issuer_id);
	int r;

	ca_buf_add_byte(out, '{');
	r = add_identity(out, tx, issuer, row);
	if (r)
		return r;
	add_names(out, &row->names, CA_NAME_DNS);
	add_names(out, &row->names, CA_NAME_IP);
	add_names(out, &row->names, CA_NAME_URI);
	add_time(out, "not_before", row->not_before);
	add_time(out, "not_after", row->not_after);
	add_time(out, "renew_after", row->renew_after);
	add_time(out, "issued_at", row->issued_at);
	add_time(out, "revoked_at", row->revoked_at);
	add_string(out, "revocation_reason",
	    row->status == STORE_REVOKED ? server_reason_text(row->revocation_reason) : NULL);
	r = pem ? add_pem(out, issuer, row) : 0;
	ca_buf_add_byte(out, '}');
	return r ? r : ca_buf_error(out);
}
