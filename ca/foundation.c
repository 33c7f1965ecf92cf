#include <stdlib.h>
#include <string.h>

#include "ca/authority_draft.h"
#include "ca/base/clock.h"
#include "ca/foundation.h"

#define OPERATORS_LIFETIME (10 * CA_YEAR)

/* The authorities, in the order they are made and recorded: a parent before its children. */
static const struct new_authority {
	const char *name;
	const char *title; /* of its common name */
	int64_t tenant_id;
	enum store_authority_kind kind;
	int parent; /* -1: self-signed */
	int pathlen;
} new_authorities[CA_NEW_AUTHORITIES] = {
	[CA_NEW_ROOT] = { "root-1", "Mica Root", STORE_TENANT_SYSTEM, STORE_AUTHORITY_ROOT, -1,
	    -1 },
	[CA_NEW_ISSUER] = { "default-1", "Mica Issuer", STORE_TENANT_DEFAULT,
	    STORE_AUTHORITY_ISSUER, CA_NEW_ROOT, 0 },
	[CA_NEW_SYSTEM] = { "system-1", "Mica System Issuer", STORE_TENANT_SYSTEM,
	    STORE_AUTHORITY_SYSTEM, CA_NEW_ROOT, 0 },
	[CA_NEW_OPERATORS] = { "operators-1", "Mica Operators", STORE_TENANT_SYSTEM,
	    STORE_AUTHORITY_OPERATORS, -1, 0 },
};

static const char *const new_secrets[2] = { "token-signing", "hash-salt" };

static const struct new_sealing_key {
	int64_t tenant_id;
	enum store_key_purpose purpose;
} new_sealing_keys[4] = {
	{ STORE_TENANT_SYSTEM, STORE_KEY_SIGNING },
	{ STORE_TENANT_SYSTEM, STORE_KEY_DATA },
	{ STORE_TENANT_DEFAULT, STORE_KEY_SIGNING },
	{ STORE_TENANT_DEFAULT, STORE_KEY_DATA },
};

void ca_foundation_free(struct ca_foundation *f)
{
	if (!f)
		return;
	store_installation_clear(&f->settings);
	ca_keyring_free(f->ring);
	for (size_t i = 0; i < 4; i++)
		store_sealing_key_clear(&f->sealing_keys[i]);
	for (size_t i = 0; i < CA_NEW_AUTHORITIES; i++) {
		store_authority_clear(&f->rows[i]);
		ca_authority_free(f->authorities[i]);
	}
	for (size_t i = 0; i < 2; i++)
		store_secret_clear(&f->secrets[i]);
	ca_server_draft_clear(&f->server);
	ca_admin_draft_clear(&f->admin);
	free(f);
}

/* ---- making ---- */

static int make_settings(const struct ca_init_plan *plan, int64_t now, struct store_installation *s)
{
	s->name = strdup(plan->name);
	s->public_url = strdup(plan->public_url);
	if (!s->name || !s->public_url)
		return CA_ENOMEM;
	if (plan->revocation_url) {
		s->revocation_url = strdup(plan->revocation_url);
		if (!s->revocation_url)
			return CA_ENOMEM;
	}
	s->created_at = now;
	s->last_seen_at = now;
	return ca_names_copy(&plan->names, &s->names);
}

static int make_sealing_keys(struct ca_foundation *f, const struct ca_master_key *master)
{
	int r = ca_keyring_new(&f->ring);

	for (size_t i = 0; i < 4 && !r; i++)
		r = ca_keyring_create(f->ring, master, new_sealing_keys[i].tenant_id,
		    new_sealing_keys[i].purpose, f->now, &f->sealing_keys[i]);
	return r;
}

static int64_t lifetime(const struct ca_init_plan *plan, enum store_authority_kind kind)
{
	switch (kind) {
	case STORE_AUTHORITY_ROOT:
		return plan->root_lifetime;
	case STORE_AUTHORITY_OPERATORS:
		return OPERATORS_LIFETIME;
	case STORE_AUTHORITY_ISSUER:
	case STORE_AUTHORITY_SYSTEM:
		break;
	}
	return plan->issuer_lifetime;
}

static enum ca_key_type key_type(const struct ca_init_plan *plan, enum store_authority_kind kind)
{
	if (kind == STORE_AUTHORITY_ROOT)
		return plan->root_key_type;
	return kind == STORE_AUTHORITY_ISSUER ? plan->key_type : CA_KEY_EC_P256;
}

static int make_authority(struct ca_foundation *f, const struct ca_init_plan *plan, int i)
{
	const struct new_authority *what = &new_authorities[i];
	const struct ca_authority *parent = what->parent < 0 ? NULL : f->authorities[what->parent];
	const struct ca_urls urls = { plan->revocation_url };
	const struct ca_authority_plan authority = {
		.name = what->name,
		.title = what->title,
		.organization = plan->name,
		.tenant_id = what->tenant_id,
		.kind = what->kind,
		.pathlen = what->pathlen,
		.key_type = key_type(plan, what->kind),
		.lifetime = lifetime(plan, what->kind),
	};
	int r;

	r = ca_authority_draft(&authority, parent, &urls, f->now, &f->rows[i], &f->authorities[i]);
	return r ? r : ca_authority_seal(f->ring, f->authorities[i]->key, &f->rows[i]);
}

static int make_secret(struct ca_foundation *f, int i)
{
	const struct ca_seal_place place = { STORE_TENANT_SYSTEM, "secrets", new_secrets[i],
		"sealed" };
	struct store_secret *row = &f->secrets[i];
	struct ca_buf sealed = CA_BUF_INIT;
	unsigned char octets[32];
	int r;

	row->tenant_id = STORE_TENANT_SYSTEM;
	row->created_at = f->now;
	memcpy(row->name, new_secrets[i], strlen(new_secrets[i]) + 1);
	r = ca_random(octets, sizeof(octets));
	if (!r)
		r = ca_keyring_seal(
		    f->ring, STORE_KEY_DATA, &place, octets, sizeof(octets), &sealed);
	if (!r)
		row->sealed.data = ca_buf_take(&sealed, &row->sealed.len);
	ca_wipe(octets, sizeof(octets));
	ca_buf_free(&sealed);
	return r;
}

int ca_foundation_make(const struct ca_init_plan *plan, const struct ca_master_key *master,
    int64_t now, struct ca_foundation **out, struct ca_detail *why)
{
	const struct ca_urls urls = { plan->revocation_url };
	struct ca_foundation *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return CA_ENOMEM;
	f->now = now;
	r = make_settings(plan, now, &f->settings);
	if (!r)
		r = make_sealing_keys(f, master);
	for (int i = 0; i < CA_NEW_AUTHORITIES && !r; i++)
		r = make_authority(f, plan, i);
	for (int i = 0; i < 2 && !r; i++)
		r = make_secret(f, i);
	if (!r)
		r = ca_server_draft_make(
		    f->authorities[CA_NEW_SYSTEM], &plan->names, &urls, f->ring, now, &f->server);
	if (!r)
		r = ca_admin_draft_make(
		    f->authorities[CA_NEW_OPERATORS], "admin", &urls, now, &f->admin, why);
	if (!r)
		*out = f; /* transferred */
	else
		ca_foundation_free(f);
	return r;
}

/* ---- recording ---- */

static int record_tenants(struct store_tx *tx, const struct ca_foundation *f)
{
	struct store_tenant system = {
		.id = STORE_TENANT_SYSTEM, .name = "system", .created_at = f->now
	};
	struct store_tenant standard = {
		.id = STORE_TENANT_DEFAULT, .name = "default", .created_at = f->now
	};
	int r = store_tenant_add(tx, &system);

	return r ? r : store_tenant_add(tx, &standard);
}

static int record_authorities(struct store_tx *tx, struct ca_foundation *f)
{
	int r = 0;

	for (int i = 0; i < CA_NEW_AUTHORITIES && !r; i++) {
		int parent = new_authorities[i].parent;

		f->rows[i].parent_id = parent < 0 ? 0 : f->rows[parent].id;
		r = store_authority_add(tx, &f->rows[i]);
	}
	return r;
}

int ca_foundation_record(struct store_tx *tx, void *arg)
{
	struct ca_foundation *f = arg;
	int r;

	r = store_installation_set(tx, &f->settings);
	if (!r)
		r = record_tenants(tx, f);
	for (int i = 0; i < 4 && !r; i++)
		r = store_sealing_key_add(tx, &f->sealing_keys[i]);
	if (!r)
		r = record_authorities(tx, f);
	for (int i = 0; i < 2 && !r; i++)
		r = store_secret_set(tx, &f->secrets[i]);
	if (r)
		return r;
	f->server.row.issuer_id = f->rows[CA_NEW_SYSTEM].id;
	f->admin.row.issuer_id = f->rows[CA_NEW_OPERATORS].id;
	r = ca_server_draft_record(tx, &f->server);
	return r ? r : ca_admin_draft_record(tx, &f->admin);
}
