#include <stdlib.h>
#include <string.h>

#include "ca/base/log.h"
#include "ca/certificate.h"
#include "ca/installation.h"
#include "ca/keyring.h"

void ca_installation_free(struct ca_installation *inst)
{
	if (!inst || atomic_fetch_sub(&inst->references, 1) != 1)
		return;
	for (size_t i = 0; i < inst->authorities_len; i++)
		ca_authority_free(inst->authorities[i]);
	free(inst->authorities);
	free(inst->retired);
	free(inst->reserved_keys);
	ca_keyring_free(inst->keyring);
	store_installation_clear(&inst->settings);
	ca_wipe(inst->token_key, sizeof(inst->token_key));
	ca_wipe(inst->hash_salt, sizeof(inst->hash_salt));
	free(inst);
}

struct ca_installation *ca_installation_keep(struct ca_installation *inst)
{
	atomic_fetch_add(&inst->references, 1);
	return inst;
}

/* ---- loading ---- */

struct loading {
	struct store_tx *tx;
	struct ca_installation *inst;
	const struct ca_key_backend *backend;
	struct ca_detail *why;
};

static int reserve_key(struct ca_installation *inst, const unsigned char spki[CA_SHA256])
{
	unsigned char(*keys)[CA_SHA256] =
	    reallocarray(inst->reserved_keys, inst->reserved_keys_len + 1, sizeof(*keys));

	if (!keys)
		return CA_ENOMEM;
	inst->reserved_keys = keys; /* transferred */
	memcpy(keys[inst->reserved_keys_len++], spki, CA_SHA256);
	return 0;
}

/* authority is transferred on success. */
static int keep(struct ca_installation *inst, struct ca_authority *authority)
{
	struct ca_authority **list = reallocarray(
	    inst->authorities, inst->authorities_len + 1, sizeof(struct ca_authority *));

	if (!list)
		return CA_ENOMEM;
	inst->authorities = list;                  /* transferred */
	list[inst->authorities_len++] = authority; /* transferred */
	return 0;
}

static int keep_retired(struct ca_installation *inst, const struct store_authority *row)
{
	struct ca_retired *list =
	    reallocarray(inst->retired, inst->retired_len + 1, sizeof(struct ca_retired));

	if (!list)
		return CA_ENOMEM;
	inst->retired = list; /* transferred */
	list[inst->retired_len++] =
	    (struct ca_retired){ row->id, row->parent_id, row->tenant_id, row->kind };
	return 0;
}

static int open_key(
    const struct loading *loading, const struct store_authority *row, struct ca_key **out)
{
	const struct ca_seal_place place = { row->tenant_id, "authorities", row->name,
		"sealed_key" };
	struct ca_buf pkcs8 = CA_BUF_INIT;
	int r;

	r = ca_keyring_unseal(loading->inst->keyring, STORE_KEY_SIGNING, &place,
	    row->sealed_key.data, row->sealed_key.len, &pkcs8);
	if (!r)
		r = ca_key_open(loading->backend, pkcs8.data, pkcs8.len, out);
	ca_buf_free(&pkcs8);
	return r;
}

static int load_authority(const struct store_authority *row, void *arg)
{
	struct loading *loading = arg;
	struct ca_authority *authority = NULL;
	struct store_tenant tenant;
	struct ca_key *key = NULL;
	int r;

	r = reserve_key(loading->inst, row->spki_sha256);
	if (!r && row->status == STORE_AUTHORITY_RETIRED)
		return keep_retired(loading->inst, row);
	if (r)
		return r;
	r = open_key(loading, row, &key);
	if (r) {
		r = ca_refuse(
		    loading->why, r, "the key of the authority %s does not open", row->name);
		goto out;
	}
	r = ca_authority_open(row, key, &authority);
	if (r) {
		r = ca_refuse(loading->why, r,
		    "the certificate of the authority %s is not its key's", row->name);
		goto out;
	}
	key = NULL; /* transferred */
	r = store_tenant_get(loading->tx, row->tenant_id, &tenant);
	if (r)
		goto out;
	memcpy(authority->tenant, tenant.name, sizeof(authority->tenant));
	r = keep(loading->inst, authority);
	if (!r)
		authority = NULL; /* transferred */
out:
	ca_key_free(key);
	ca_authority_free(authority);
	return r;
}

/* Who signed whom is in the certificates, too: a row that says otherwise was changed. */
static int check_parents(const struct ca_installation *inst, struct ca_detail *why)
{
	for (size_t i = 0; i < inst->authorities_len; i++) {
		const struct ca_authority *authority = inst->authorities[i];
		const struct ca_authority *parent = authority;

		if (authority->parent_id)
			parent = ca_installation_authority_id(inst, authority->parent_id);
		if (parent && ca_certificate_verify(authority->crt, parent->crt))
			return ca_refuse(why, CA_ESEAL,
			    "the certificate of the authority %s was not signed by %s",
			    authority->name, parent->name);
	}
	return 0;
}

static int load_secret(struct store_tx *tx, const struct ca_keyring *ring, const char *name,
    unsigned char out[32], struct ca_detail *why)
{
	const struct ca_seal_place place = { STORE_TENANT_SYSTEM, "secrets", name, "sealed" };
	struct store_secret row = { 0 };
	struct ca_buf secret = CA_BUF_INIT;
	int r;

	r = store_secret_get(tx, STORE_TENANT_SYSTEM, name, &row);
	if (!r)
		r = ca_keyring_unseal(
		    ring, STORE_KEY_DATA, &place, row.sealed.data, row.sealed.len, &secret);
	if (r == CA_ENOTFOUND || (!r && secret.len != 32))
		r = CA_ESEAL;
	if (r == CA_ESEAL)
		ca_refuse(why, r, "the secret %s does not open", name);
	if (!r)
		memcpy(out, secret.data, 32);
	ca_buf_free(&secret);
	store_secret_clear(&row);
	return r;
}

static int load_all(struct store_tx *tx, const struct ca_master_key *master,
    const struct ca_key_backend *backend, struct ca_installation *inst, struct ca_detail *why)
{
	struct loading loading = { tx, inst, backend, why };
	int r;

	r = store_installation_get(tx, &inst->settings);
	if (r == CA_ENOTFOUND)
		return ca_refuse(why, r, "the database holds no installation");
	if (!r)
		r = ca_keyring_open(tx, master, &inst->keyring, why);
	if (!r)
		r = store_authority_each(tx, load_authority, &loading);
	if (!r)
		r = check_parents(inst, why);
	if (!r)
		r = load_secret(tx, inst->keyring, "token-signing", inst->token_key, why);
	if (!r)
		r = load_secret(tx, inst->keyring, "hash-salt", inst->hash_salt, why);
	return r;
}

int ca_installation_load(struct store *store, const struct ca_master_key *master,
    const struct ca_key_backend *backend, struct ca_installation **out, struct ca_detail *why)
{
	struct ca_installation *inst = calloc(1, sizeof(*inst));
	struct store_tx *tx = NULL;
	int r;

	if (!inst)
		return CA_ENOMEM;
	atomic_init(&inst->references, 1);
	r = store_read_begin(store, &tx);
	if (r)
		goto out;
	r = load_all(tx, master, backend, inst, why);
	store_read_end(tx);
	if (r)
		goto out;
	*out = inst;
	inst = NULL; /* transferred */
out:
	ca_installation_free(inst);
	return r;
}

/* ---- asking ---- */

const struct ca_authority *ca_installation_authority_id(
    const struct ca_installation *inst, int64_t id)
{
	for (size_t i = 0; i < inst->authorities_len; i++)
		if (inst->authorities[i]->id == id)
			return inst->authorities[i];
	return NULL;
}

const struct ca_authority *ca_installation_authority(
    const struct ca_installation *inst, int64_t tenant_id, enum store_authority_kind kind)
{
	for (size_t i = inst->authorities_len; i-- > 0;) {
		const struct ca_authority *authority = inst->authorities[i];

		if (authority->tenant_id == tenant_id && authority->kind == kind &&
		    authority->status == STORE_AUTHORITY_ACTIVE)
			return authority;
	}
	return NULL;
}

/* Up to the root; NULL when a link is missing. No chain is longer than the list, should the rows
 * form a ring. */
static const struct ca_authority *root_of(
    const struct ca_installation *inst, const struct ca_authority *authority)
{
	for (size_t i = 0; authority && i <= inst->authorities_len; i++) {
		if (authority->parent_id == 0)
			return authority->kind == STORE_AUTHORITY_ROOT ? authority : NULL;
		authority = ca_installation_authority_id(inst, authority->parent_id);
	}
	return NULL;
}

const struct ca_authority *ca_installation_root(
    const struct ca_installation *inst, int64_t tenant_id)
{
	const struct ca_authority *issuer;

	issuer = ca_installation_authority(inst, tenant_id, STORE_AUTHORITY_ISSUER);
	if (!issuer)
		issuer = ca_installation_authority(inst, tenant_id, STORE_AUTHORITY_SYSTEM);
	return root_of(inst, issuer);
}

static bool is_issuer(enum store_authority_kind kind)
{
	return kind == STORE_AUTHORITY_ISSUER || kind == STORE_AUTHORITY_SYSTEM;
}

/* The root that the authority at i brings into its tenant's bundle, or NULL. */
static const struct ca_authority *trusted_root(
    const struct ca_installation *inst, int64_t tenant_id, size_t i)
{
	const struct ca_authority *issuer = inst->authorities[i];

	if (issuer->tenant_id != tenant_id || !is_issuer(issuer->kind))
		return NULL;
	return root_of(inst, issuer);
}

int ca_installation_trust_bundle(const struct ca_installation *inst, int64_t tenant_id,
    int (*each)(const struct ca_authority *root, void *arg), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < inst->authorities_len && !r; i++) {
		const struct ca_authority *root = trusted_root(inst, tenant_id, i);
		bool seen = false;

		for (size_t j = 0; root && j < i && !seen; j++)
			seen = trusted_root(inst, tenant_id, j) == root;
		if (root && !seen)
			r = each(root, arg);
	}
	return r;
}

static bool is_retired(const struct ca_installation *inst, int64_t id)
{
	for (size_t i = 0; i < inst->retired_len; i++)
		if (inst->retired[i].id == id)
			return true;
	return false;
}

int64_t ca_installation_trust_bundle_sequence(const struct ca_installation *inst, int64_t tenant_id)
{
	int64_t sequence = 0;

	for (size_t i = 0; i < inst->authorities_len; i++) {
		const struct ca_authority *issuer = inst->authorities[i];

		if (issuer->tenant_id == tenant_id && is_issuer(issuer->kind))
			sequence += 1 + is_retired(inst, issuer->parent_id);
	}
	for (size_t i = 0; i < inst->retired_len; i++) {
		const struct ca_retired *issuer = &inst->retired[i];

		if (issuer->tenant_id == tenant_id && is_issuer(issuer->kind))
			sequence += 2 + is_retired(inst, issuer->parent_id);
	}
	return sequence;
}
