/*
 * What makes an installation: its settings, certificate authorities and sealed secrets. (Its
 * tenants stand in store/tenants.h.)
 * Blobs called sealed or wrapped are ciphertext (ca/seal.h); the store cannot open them.
 */
#ifndef STORE_INSTALLATION_H
#define STORE_INSTALLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/names.h"
#include "store/certificates.h"
#include "store/store.h"
#include "store/tenants.h"

#define STORE_AUTHORITY_NAME 80 /* and the NUL */
#define STORE_SECRET_NAME 64    /* and the NUL */

/* A blob read from the store; data is owned. */
struct store_blob {
	unsigned char *data;
	size_t len;
};

void store_blob_clear(struct store_blob *blob); /* wipes */

/* ---- the installation: one row ---- */

struct store_installation {
	char *name;           /* for people and in the CAs' subjects */
	char *public_url;     /* https, without a trailing slash */
	char *revocation_url; /* http, without a trailing slash; NULL when there is none */
	struct ca_names
	    names; /* micad's own: in its server certificate, reserved in every tenant */
	int64_t created_at;
	int64_t
	    server_certificate_id; /* certificates.id of the one micad serves with; 0: none yet */
	int64_t last_seen_at;      /* the newest store_heartbeat() */
};

void store_installation_clear(struct store_installation *row);
int store_installation_set(
    struct store_tx *tx, const struct store_installation *row); /* insert or replace */
int store_installation_get(
    struct store_tx *tx, struct store_installation *out); /* CA_ENOTFOUND: never initialised */
int store_installation_set_server(struct store_tx *tx, int64_t certificate_id);

/* A small durable write: proves that the store still takes them, and remembers the time. */
int store_heartbeat(struct store_tx *tx, int64_t now);

/* ---- keys that seal (wrapped under the master key) ---- */

enum store_key_purpose {
	STORE_KEY_SIGNING = 1, /* seals CA keys */
	STORE_KEY_DATA = 2,    /* seals everything else */
};

struct store_sealing_key {
	int64_t id;
	int64_t tenant_id;
	enum store_key_purpose purpose;
	int version; /* counts up per tenant and purpose; the highest seals, all open */
	struct store_blob wrapped;
	int64_t created_at;
};

void store_sealing_key_clear(struct store_sealing_key *key);
int store_sealing_key_add(struct store_tx *tx, struct store_sealing_key *key); /* assigns id */
int store_sealing_key_each(struct store_tx *tx,
    int (*each)(const struct store_sealing_key *key, void *arg), void *arg); /* all, by id */

/* ---- certificate authorities ---- */

enum store_authority_kind {
	STORE_AUTHORITY_ROOT = 1,
	STORE_AUTHORITY_ISSUER = 2,
	STORE_AUTHORITY_OPERATORS =
	    3, /* the self-signed CA of operators' certificates; in nobody's trust bundle */
	STORE_AUTHORITY_SYSTEM = 4, /* the issuer of micad's own certificates */
};

enum store_authority_status {
	STORE_AUTHORITY_ACTIVE = 1,  /* signs */
	STORE_AUTHORITY_TRUSTED = 2, /* no longer signs, still in the trust bundle or chain */
	STORE_AUTHORITY_RETIRED = 3,
};

struct store_authority {
	int64_t id;
	int64_t tenant_id;
	int64_t parent_id; /* who signed it; 0: self-signed */
	enum store_authority_kind kind;
	enum store_authority_status status;
	char name[STORE_AUTHORITY_NAME]; /* unique; in URLs ("default-1") */
	unsigned char serial[STORE_SERIAL_MAX];
	size_t serial_len;
	unsigned char spki_sha256[STORE_HASH];
	int64_t not_before, not_after;
	int crl_shards;                /* at least 1 */
	struct store_blob certificate; /* DER */
	struct store_blob sealed_key;  /* PKCS#8, sealed under the tenant's signing key */
	int64_t created_at;
};

void store_authority_clear(struct store_authority *authority);
int store_authority_add(
    struct store_tx *tx, struct store_authority *authority); /* assigns id; CA_EEXIST: the name */
int store_authority_each(struct store_tx *tx,
    int (*each)(const struct store_authority *authority, void *arg), void *arg); /* all, by id */

/*
 * Another certificate for the same key takes the place of the one with this serial, which is kept
 * aside: authority's id, serial, not_before, not_after and certificate are read. CA_EPRECONDITION:
 * the authority has another certificate by now, or no longer signs.
 */
int store_authority_replace_certificate(struct store_tx *tx,
    const struct store_authority *authority, const unsigned char *old_serial, size_t old_serial_len,
    int64_t now);

/* ---- small sealed secrets, by name ---- */

struct store_secret {
	int64_t tenant_id;
	char name[STORE_SECRET_NAME]; /* "token-signing", "hash-salt", "server-key" */
	struct store_blob sealed;
	int64_t created_at;
};

void store_secret_clear(struct store_secret *secret);
int store_secret_set(
    struct store_tx *tx, const struct store_secret *secret); /* insert or replace */
int store_secret_get(struct store_tx *tx, int64_t tenant_id, const char *name,
    struct store_secret *out); /* CA_ENOTFOUND */

#endif
