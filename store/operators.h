/* Operators: who may run the installation. What an operator may do stands here, never in the
 * certificate. */
#ifndef STORE_OPERATORS_H
#define STORE_OPERATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/certificates.h"
#include "store/store.h"

#define STORE_OPERATOR_NAME 65 /* at most 64 octets, and the NUL */
#define STORE_EMAIL_SEALED 512 /* an address of 254 octets (RFC 5321, section 4.5.3.1.3) fits */

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

/* An operator's e-mail address: ciphertext (ca/seal.h), and a keyed hash that finds it. */
struct store_email {
	unsigned char hash[STORE_HASH];
	unsigned char sealed[STORE_EMAIL_SEALED];
	size_t sealed_len; /* 0: none is known */
};

/* Add; op->id is assigned. CA_EEXIST: the name is taken (also by a removed one). */
int store_operator_add(struct store_tx *tx, struct store_operator *op);

/* By id, or by name. CA_ENOTFOUND. */
int store_operator_get(struct store_tx *tx, int64_t id, struct store_operator *out);
int store_operator_get_name(struct store_tx *tx, const char *name, struct store_operator *out);

int store_operator_set_email(struct store_tx *tx, int64_t id, const struct store_email *email);

/*
 * Up to max (1 to STORE_PAGE_MAX) operators in office, in the order of their ids, from the one
 * behind *after (0: the first), which becomes where the next page begins; see
 * store_certificate_list() for more and each. tenant_id 0: all, those of the installation too;
 * email_hash NULL: with any address or none.
 */
int store_operator_list(struct store_tx *tx, int64_t tenant_id, const unsigned char *email_hash,
    size_t max, int64_t *after, bool *more,
    int (*each)(const struct store_operator *op, const struct store_email *email, void *arg),
    void *arg);

/* Is there an admin in office besides this one? */
int store_operator_other_admin(struct store_tx *tx, const struct store_operator *op, bool *out);

/*
 * Remove; removing twice is no error. The operator's certificates that are good are revoked with
 * it (cessationOfOperation), and the enrolment tokens that were made with any of them are taken
 * back. CA_ENOTFOUND.
 */
int store_operator_remove(struct store_tx *tx, int64_t id, int64_t now);

/* "admin", "tenant-admin", "operator", "auditor"; NULL for anything else. And back: 0 for anything
 * else. */
const char *store_role_text(enum store_role role);
enum store_role store_role_parse(const char *text);

#endif
