/*
 * What makes an installation: its settings, tenants, certificate authorities and sealed secrets.
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

#define STORE_TENANT_NAME 64    /* at most 63 octets, and the NUL */
#define STORE_AUTHORITY_NAME 80 /* and the NUL */
#define STORE_SECRET_NAME 64    /* and the NUL */

/* Two tenants exist from the start. */
enum {
	STORE_TENANT_SYSTEM =
	    1, /* the installation itself: root, operators' CA, micad's own certificate */
	STORE_TENANT_DEFAULT = 2, /* "default" */
};

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

/* ---- tenants ---- */

struct store_tenant {
	int64_t id; /* given by the caller for the two above, else 0: assigned */
	char name[STORE_TENANT_NAME];
	int64_t created_at;
	int64_t removed_at; /* 0 while it is there */
};

int store_tenant_add(
    struct store_tx *tx, struct store_tenant *tenant); /* CA_EEXIST: the name was ever used */
int store_tenant_get(struct store_tx *tx, int64_t id, struct store_tenant *out);
int store_tenant_get_name(struct store_tx *tx, const char *name, struct store_tenant *out);
int store_tenant_each(struct store_tx *tx,
    int (*each)(const struct store_tenant *tenant, void *arg), void *arg); /* all, by id */

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
