/*
 * What an admin sets of a source, as JSON, in the API and in the store's row alike:
 *	"audiences": ["…"]	of a cluster: the installation's public URL without it
 * and either of
 *	"token_review": {"url": "https://…", "ca": "PEM", "bearer": "FILE"}
 *	"jwks": {"url": "https://…", "ca": "PEM", "bearer": "FILE"} or {"keys": [ … ]}
 * bearer is never a token, nor a path: a file's name in the directory that whoever runs micad names
 * with --credentials.
 */
#ifndef API_SERVER_SOURCE_SETTINGS_H
#define API_SERVER_SOURCE_SETTINGS_H

#include <jansson.h>
#include <stddef.h>

#include "api/server/jwks.h"
#include "store/sources.h"

#define SERVER_SOURCE_AUDIENCES_MAX 8
#define SERVER_SOURCE_BEARER_NAME_MAX 64 /* octets */

enum server_source_method {
	SERVER_SOURCE_REVIEW = 1, /* the cluster is asked about every token */
	SERVER_SOURCE_KEYS,       /* keys that were given */
	SERVER_SOURCE_JWKS,       /* keys that are fetched */
};

/* All owned. */
struct server_source_settings {
	char *audiences[SERVER_SOURCE_AUDIENCES_MAX];
	size_t audiences_len;
	enum server_source_method method;
	char *url, *ca;           /* NULL with SERVER_SOURCE_KEYS */
	char *bearer;             /* the file's name; NULL: none */
	struct server_jwks *keys; /* NULL but with SERVER_SOURCE_KEYS */
};

/*
 * Read the members above out of the object; others in it are not looked at. CA_EFIELD,
 * CA_EFIELDMISSING, CA_EFIELDUNKNOWN with *why; after a failure *out is empty.
 */
int server_source_settings_read(const json_t *object, enum store_source_kind kind,
    struct server_source_settings *out, struct ca_detail *why);
void server_source_settings_clear(struct server_source_settings *settings);

#endif
