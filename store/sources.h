/* Sources: whose tokens are believed. A row belongs to the installation, not to a tenant. */
#ifndef STORE_SOURCES_H
#define STORE_SOURCES_H

#include <stdint.h>

#include "store/store.h"

#define STORE_SOURCE_NAME 64        /* at most 63 octets, and the NUL */
#define STORE_SOURCE_ISSUER_MAX 512 /* octets */

enum store_source_kind {
	STORE_SOURCE_KUBERNETES = 1, /* the service accounts of a cluster */
	STORE_SOURCE_OIDC = 2,       /* an OpenID Connect issuer */
};

struct store_source {
	int64_t id;
	char name[STORE_SOURCE_NAME];
	char *issuer; /* the tokens' iss; owned */
	enum store_source_kind kind;
	int64_t version; /* counts the changes of settings */
	char *settings;  /* JSON, see api/server/source.h; owned */
	int64_t created_at;
	int64_t removed_at; /* 0 while it is believed */
};

void store_source_clear(struct store_source *source); /* NULL is fine */

/* "kubernetes", "oidc"; NULL for anything else. And back: 0 for anything else. */
const char *store_source_kind_text(enum store_source_kind kind);
enum store_source_kind store_source_kind_parse(const char *text);

/*
 * Add; id and version are assigned. Identities hold on to the row, so a name belongs to one issuer
 * for ever: a removed source that had the name, the issuer and the kind comes back with the new
 * settings. CA_EEXIST with *why: the name or the issuer is taken, also by a removed one.
 */
int store_source_add(struct store_tx *tx, struct store_source *source, struct ca_detail *why);

/* By name, or the next behind `after` by id; removed ones too. CA_ENOTFOUND. */
int store_source_get_name(struct store_tx *tx, const char *name, struct store_source *out);
int store_source_next(struct store_tx *tx, int64_t after, struct store_source *out);

/* Other settings; the version counts up. */
int store_source_set(struct store_tx *tx, int64_t id, const char *settings);

/* Not believed any longer; the version counts up. Removing twice is no error. */
int store_source_remove(struct store_tx *tx, int64_t id, int64_t now);

#endif
