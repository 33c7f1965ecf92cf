/* Operators: who may run the installation. What an operator may do stands here, never in the
 * certificate. */
#ifndef STORE_OPERATORS_H
#define STORE_OPERATORS_H

#include <stdint.h>

#include "store/store.h"

#define STORE_OPERATOR_NAME 65 /* at most 64 octets, and the NUL */

enum store_role {
	STORE_ROLE_ADMIN = 1,        /* the whole installation */
	STORE_ROLE_TENANT_ADMIN = 2, /* one tenant, its policy too */
	STORE_ROLE_OPERATOR = 3,     /* issues, revokes, makes tokens in one tenant */
	STORE_ROLE_AUDITOR = 4,      /* reads */
};

struct store_operator {
	int64_t id;
	int64_t tenant_id; /* 0 for an admin of the installation */
	char name[STORE_OPERATOR_NAME];
	enum store_role role;
	int64_t created_at;
	int64_t removed_at; /* 0 while in office */
};

/* Add; op->id is assigned. CA_EEXIST: the name is taken (also by a removed one). */
int store_operator_add(struct store_tx *tx, struct store_operator *op);

/* By id, or by name. CA_ENOTFOUND. */
int store_operator_get(struct store_tx *tx, int64_t id, struct store_operator *out);
int store_operator_get_name(struct store_tx *tx, const char *name, struct store_operator *out);

/* Remove; removing twice is no error. CA_ENOTFOUND. */
int store_operator_remove(struct store_tx *tx, int64_t id, int64_t now);

/* "admin", "tenant-admin", "operator", "auditor"; NULL for anything else. And back: 0 for anything
 * else. */
const char *store_role_text(enum store_role role);
enum store_role store_role_parse(const char *text);

#endif
