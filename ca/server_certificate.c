#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/base/log.h"
#include "ca/certificate.h"
#include "ca/installation.h"
#include "ca/server_certificate.h"

#define SERVER_KEY "server-key"
#define SERVER_PROFILE "server"

static const struct ca_seal_place key_place = { STORE_TENANT_SYSTEM, "secrets", SERVER_KEY,
	"sealed" };

void ca_server_certificate_free(struct ca_server_certificate *cert)
{
	if (!cert)
		return;
	ca_key_free(cert->key);
	gnutls_x509_crt_deinit(cert->chain[0]);
	gnutls_x509_crt_deinit(cert->chain[1]);
	free(cert);
}

void ca_server_draft_clear(struct ca_server_draft *draft)
{
	ca_key_free(draft->key);
	draft->key = NULL;
	store_certificate_clear(&draft->row);
	store_secret_clear(&draft->sealed_key);
}

/* A grant of our own making: no profile covers these names, which are reserved. */
static int make_grant(const struct ca_authority *issuer, const struct ca_names *names, int64_t now,
    struct ca_grant *grant)
{
	const char *name = ca_names_first(names, CA_NAME_DNS);

	if (now < issuer->not_before)
		return CA_ECLOCK;
	if (now + CA_HOUR > issuer->not_after)
		return CA_EISSUERENDS;
	grant->key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
	grant->eku = CA_EKU_SERVER_AUTH;
	grant->not_before = now - CA_BACKDATE;
	if (grant->not_before < issuer->not_before)
		grant->not_before = issuer->not_before;
	grant->not_after = now + CA_SERVER_LIFETIME;
	if (grant->not_after > issuer->not_after)
		grant->not_after = issuer->not_after;
	grant->renew_after = grant->not_after - (grant->not_after - now) / 3;
	if (name && strlen(name) <= CA_COMMON_NAME_MAX) {
		grant->common_name = strdup(name);
		if (!grant->common_name)
			return CA_ENOMEM;
	}
	return ca_names_copy(names, &grant->names);
}

static int seal_key(const struct ca_key *key, const struct ca_keyring *ring, int64_t now,
    struct store_secret *secret)
{
	int r = ca_keyring_seal_key(ring, STORE_KEY_DATA, &key_place, key, &secret->sealed);

	if (r)
		return r;
	secret->tenant_id = STORE_TENANT_SYSTEM;
	memcpy(secret->name, SERVER_KEY, sizeof(SERVER_KEY));
	secret->created_at = now;
	return 0;
}

int ca_server_draft_make(const struct ca_authority *issuer, const struct ca_names *names,
    const struct ca_urls *urls, const struct ca_keyring *ring, int64_t now,
    struct ca_server_draft *draft)
{
	struct ca_grant grant = { 0 };
	int r;

	r = make_grant(issuer, names, now, &grant);
	if (!r)
		r = ca_key_generate(CA_KEY_EC_P256, &draft->key);
	if (!r)
		r = ca_authority_issue_key(
		    issuer, ca_key_pubkey(draft->key), &grant, urls, &draft->row);
	if (!r)
		r = seal_key(draft->key, ring, now, &draft->sealed_key);
	if (!r) {
		memcpy(draft->row.profile, SERVER_PROFILE, sizeof(SERVER_PROFILE));
		draft->row.issued_at = now;
	}
	ca_grant_clear(&grant);
	return r;
}

int ca_server_draft_record(struct store_tx *tx, struct ca_server_draft *draft)
{
	int r;

	draft->row.id = 0;
	draft->row.lineage_id = 0;
	r = store_certificate_add(tx, &draft->row);
	if (!r)
		r = store_secret_set(tx, &draft->sealed_key);
	if (!r)
		r = store_installation_set_server(tx, draft->row.id);
	return r;
}

/* key is transferred on success. */
static int assemble(const struct store_certificate *row, const struct ca_authority *issuer,
    struct ca_key *key, struct ca_server_certificate **out)
{
	struct ca_server_certificate *cert = calloc(1, sizeof(*cert));
	unsigned char spki[CA_SHA256];
	int r;

	if (!cert)
		return CA_ENOMEM;
	r = ca_certificate_import(row->der, row->der_len, &cert->chain[0]);
	if (!r)
		r = ca_certificate_import(issuer->der, issuer->der_len, &cert->chain[1]);
	if (!r)
		r = ca_certificate_spki_sha256(cert->chain[0], cert->spki_sha256);
	if (!r)
		r = ca_key_spki_sha256(key, spki);
	if (!r && memcmp(spki, cert->spki_sha256, CA_SHA256) != 0)
		r = CA_ESEAL;
	if (r) {
		ca_server_certificate_free(cert);
		return r == CA_EINVAL ? CA_ESEAL : r;
	}
	cert->id = row->id;
	cert->not_before = row->not_before;
	cert->not_after = row->not_after;
	cert->renew_after = row->renew_after;
	cert->key = key; /* transferred */
	*out = cert;     /* transferred */
	return 0;
}

/* The row to serve with; a revoked one is as good as none. */
static int read_row(
    struct store_tx *tx, struct store_certificate *row, struct store_secret *sealed_key)
{
	struct store_installation settings = { 0 };
	int r;

	r = store_installation_get(tx, &settings);
	if (!r && settings.server_certificate_id == 0)
		r = CA_ENOTFOUND;
	if (!r)
		r = store_certificate_get_id(tx, settings.server_certificate_id, row);
	if (!r && row->status == STORE_REVOKED)
		r = CA_ENOTFOUND;
	if (!r)
		r = store_secret_get(tx, STORE_TENANT_SYSTEM, SERVER_KEY, sealed_key);
	store_installation_clear(&settings);
	return r;
}

int ca_server_certificate_load(
    struct store *store, const struct ca_installation *inst, struct ca_server_certificate **out)
{
	const struct ca_authority *issuer;
	struct store_certificate row = { 0 };
	struct store_secret sealed_key = { 0 };
	struct ca_buf pkcs8 = CA_BUF_INIT;
	struct ca_key *key = NULL;
	struct store_tx *tx = NULL;
	int r;

	r = store_read_begin(store, &tx);
	if (r)
		return r;
	r = read_row(tx, &row, &sealed_key);
	store_read_end(tx);
	if (r)
		goto out;
	issuer = ca_installation_authority_id(inst, row.issuer_id);
	if (!issuer) {
		r = CA_ENOTFOUND; /* retired */
		goto out;
	}
	r = ca_keyring_unseal(inst->keyring, STORE_KEY_DATA, &key_place, sealed_key.sealed.data,
	    sealed_key.sealed.len, &pkcs8);
	if (!r)
		r = ca_key_open(&ca_key_gnutls, pkcs8.data, pkcs8.len, &key);
	if (!r)
		r = assemble(&row, issuer, key, out);
	if (!r)
		key = NULL; /* transferred */
	else
		ca_logf(
		    CA_LOG_ERROR, "the server's certificate cannot be used: %s", ca_error_text(r));
out:
	ca_key_free(key);
	ca_buf_free(&pkcs8);
	store_certificate_clear(&row);
	store_secret_clear(&sealed_key);
	return r;
}

static int record_job(struct store_tx *tx, void *arg)
{
	return ca_server_draft_record(tx, arg);
}

int ca_server_certificate_create(struct store *store, const struct ca_installation *inst,
    int64_t now, struct ca_server_certificate **out)
{
	const struct ca_authority *issuer =
	    ca_installation_authority(inst, STORE_TENANT_SYSTEM, STORE_AUTHORITY_SYSTEM);
	const struct ca_urls urls = { inst->settings.revocation_url };
	struct ca_server_draft draft = { 0 };
	int r;

	if (!issuer)
		return CA_ENOTFOUND;
	r = ca_server_draft_make(issuer, &inst->settings.names, &urls, inst->keyring, now, &draft);
	if (!r)
		r = store_write(store, record_job, &draft);
	if (!r)
		r = assemble(&draft.row, issuer, draft.key, out);
	if (!r)
		draft.key = NULL; /* transferred */
	ca_server_draft_clear(&draft);
	return r;
}
