/*
 * An installation: made once by `micad init`, loaded at every start. It opens the sealed keys and
 * hands out the authorities. The state directory holds mica.db, mica.lock, by default master.key,
 * and admin/ (the first operator's context).
 */
#ifndef CA_INSTALLATION_H
#define CA_INSTALLATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/authority.h"
#include "ca/base/names.h"
#include "ca/seal.h"
#include "store/installation.h"
#include "store/store.h"

#define CA_STATE_DB "mica.db"
#define CA_STATE_LOCK "mica.lock"
#define CA_STATE_MASTER_KEY "master.key"
#define CA_STATE_ADMIN "admin"

#define CA_SERVER_LIFETIME (30 * CA_DAY) /* micad's own certificate */

struct ca_init_options {
	const char *state;            /* made, 0700, if it is not there */
	const char *name;             /* NULL: "Mica" */
	const struct ca_names *names; /* micad's own DNS names and addresses; empty: localhost,
					 127.0.0.1, ::1 and the host's name */
	const char *master_key;       /* NULL: STATE/master.key; made if it is not there */
	const char *public_url;       /* NULL: https://FIRST-NAME:8443 */
	const char *revocation_url;   /* NULL: none */
	enum ca_key_type key_type, root_key_type; /* CA_KEY_NONE: rsa:2048 and rsa:3072 */
	int64_t root_lifetime, issuer_lifetime;   /* 0: 10 and 3 years */
};

struct ca_init_result {
	bool existed; /* nothing was changed */
	unsigned char root_sha256[CA_SHA256];
	char *public_url; /* owned by the result */
	char *admin_home;
	char *master_key;
};

void ca_init_result_clear(struct ca_init_result *result);

/*
 * `micad init`. The database's rename into place is the moment it exists; anything interrupted
 * before that is swept away by the next init (an existing master key file is kept and used), and
 * what was left to do after it is done by the next. CA_ELOCKED; CA_EINVAL (*why: which option, or
 * what remains of an installation whose database is gone); CA_ENOMASTERKEY; CA_EIO; CA_ECLOCK (the
 * clock was never set); CA_EEXIST (something stands where admin/ is to go); CA_ESTORE and its like.
 */
int ca_init(
    const struct ca_init_options *options, struct ca_init_result *out, struct ca_detail *why);

/*
 * `micad recover-admin`: a new operator with the role admin (its name counts up: "admin-2"), its
 * context written to the directory out, which must not exist.
 */
int ca_recover_admin(
    const char *state, const char *master_key, const char *out, struct ca_detail *why);

/* Take the state directory's lock; close(*fd) lets go. CA_ELOCKED, CA_ENOTFOUND. */
int ca_state_lock(const char *state, int *fd, struct ca_detail *why);

/* An authority that signs no more and is believed no more: what its key was stays reserved, and
 * that it ended counts. */
struct ca_retired {
	int64_t id, parent_id, tenant_id;
	enum store_authority_kind kind;
};

struct ca_installation {
	struct store_installation settings;
	struct ca_authority **authorities; /* owned, all that are not retired */
	size_t authorities_len;
	struct ca_retired *retired; /* owned */
	size_t retired_len;
	unsigned char (*reserved_keys)[CA_SHA256]; /* SPKI hashes of all our CAs, owned */
	size_t reserved_keys_len;
	unsigned char token_key[32]; /* HS256 */
	unsigned char hash_salt[32];
	struct ca_keyring *keyring; /* the opened sealing keys; opaque */
	atomic_uint references;
};

/*
 * Load. CA_EMASTERKEY: the master key opens nothing here; CA_ESEAL: a blob was changed or moved
 * (*why: which); CA_ENOTFOUND: never initialised.
 */
int ca_installation_load(struct store *store, const struct ca_master_key *master,
    const struct ca_key_backend *backend, struct ca_installation **out, struct ca_detail *why);

/* Another reference to what is loaded. */
struct ca_installation *ca_installation_keep(struct ca_installation *inst);

/* Let go of a reference; the last one wipes. NULL is fine. */
void ca_installation_free(struct ca_installation *inst);

/* The authority that signs now for a tenant (the newest active of the kind), or NULL. Borrowed. */
const struct ca_authority *ca_installation_authority(
    const struct ca_installation *inst, int64_t tenant_id, enum store_authority_kind kind);

/* By authorities.id, or NULL. */
const struct ca_authority *ca_installation_authority_id(
    const struct ca_installation *inst, int64_t id);

/*
 * The root that a tenant's certificates chain to now. (The default tenant's is the installation's
 * own.)
 */
const struct ca_authority *ca_installation_root(
    const struct ca_installation *inst, int64_t tenant_id);

/* All roots that a tenant's services shall trust, old and new, for each(): returns what each()
 * returned if not 0. */
int ca_installation_trust_bundle(const struct ca_installation *inst, int64_t tenant_id,
    int (*each)(const struct ca_authority *root, void *arg), void *arg);

/*
 * A number that has grown whenever the trust bundle is another than before, and never falls, by
 * restarts neither: every issuer that the tenant ever had counts once, once more when it is
 * retired, and once more when the root above it is. (Rows of authorities are never deleted, and a
 * root's certificate is never replaced.) It may grow without a change of the bundle.
 */
int64_t ca_installation_trust_bundle_sequence(
    const struct ca_installation *inst, int64_t tenant_id);

/* ---- micad's own certificate ---- */

struct ca_server_certificate {
	int64_t id; /* certificates.id */
	int64_t not_before, not_after, renew_after;
	struct ca_key *key; /* owned */
	unsigned char spki_sha256[CA_SHA256];
	gnutls_x509_crt_t chain[2]; /* leaf, system issuer; owned */
};

void ca_server_certificate_free(struct ca_server_certificate *cert); /* NULL is fine */

/* The one on record. CA_ENOTFOUND: none, or it was revoked, or its issuer is retired: make a new
 * one. CA_ESEAL: its key does not open or is another's. */
int ca_server_certificate_load(
    struct store *store, const struct ca_installation *inst, struct ca_server_certificate **out);

/* A new P-256 key and certificate for settings.names, on record in one transaction with its sealed
 * key. */
int ca_server_certificate_create(struct store *store, const struct ca_installation *inst,
    int64_t now, struct ca_server_certificate **out);

#endif
