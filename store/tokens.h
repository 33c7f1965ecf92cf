/* Enrolment tokens: the rows behind the JWTs. The row, not the JWT, says what a token is good for.
 */
#ifndef STORE_TOKENS_H
#define STORE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/base/names.h"
#include "store/certificates.h"
#include "store/store.h"

#define STORE_TOKEN_ID 33 /* 16 random octets in lower-case hexadecimal, and the NUL */
#define STORE_TOKEN_USES_MAX 1000

struct store_token {
	char id[STORE_TOKEN_ID]; /* the JWT's jti */
	int64_t tenant_id;
	int64_t operator_id;    /* who made it */
	int64_t certificate_id; /* and the certificate they showed: revoking that removes it */
	char profile[STORE_PROFILE_MAX];
	struct ca_names names;               /* what it may ask for */
	char common_name[STORE_COMMON_NAME]; /* and the CN that is no name; "": none */
	int uses_max; /* 1 to STORE_TOKEN_USES_MAX: distinct public keys that may be enrolled */
	int uses;     /* so far */
	bool bound;   /* to the public key with this hash: good for no other */
	unsigned char spki_sha256[STORE_HASH];
	int64_t created_at, expires_at;
	int64_t removed_at; /* 0 while it is good */
};

void store_token_clear(struct store_token *token);

/* Add. CA_EEXIST: the id stands there already. */
int store_token_add(struct store_tx *tx, const struct store_token *token);

/* By id, of one tenant (0: any). CA_ENOTFOUND. */
int store_token_get(
    struct store_tx *tx, int64_t tenant_id, const char *id, struct store_token *out);

/*
 * Redeem the token for the public key with this hash, in the transaction that adds the certificate.
 * 0: a use was left, and is taken now; go on with the certificate, then store_token_used().
 * CA_EEXIST: this key redeemed it before, and *certificate_id is the certificate it got then; so
 * also when the token is exhausted, but not when it was removed or has expired. CA_ETOKENREPLAYED:
 * no use is left for another key. CA_ETOKENREMOVED. CA_ETOKENEXPIRED (now > expires_at).
 * CA_ETOKENKEY: it is bound to another key. CA_ETOKENFOREIGN (no such row).
 */
int store_token_redeem(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    int64_t now, int64_t *certificate_id);

/* Only look: what store_token_redeem() would answer, with nothing taken. Good in a reading
 * transaction. */
int store_token_check(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    int64_t now, int64_t *certificate_id);

/* Note which certificate the key got. */
int store_token_used(struct store_tx *tx, const char *id, const unsigned char spki[STORE_HASH],
    int64_t certificate_id);

/* Tokens that have not expired at now, oldest first, from the one after `after` (NULL: the first);
 * see store_certificate_list() for max, more and each. CA_ENOTFOUND: `after` is no token (any
 * longer). */
int store_token_list(struct store_tx *tx, int64_t tenant_id, int64_t now, const char *after,
    size_t max, bool *more, int (*each)(const struct store_token *token, void *arg), void *arg);

/* Take a token back. One that was removed before is no error. CA_ENOTFOUND. */
int store_token_remove(struct store_tx *tx, int64_t tenant_id, const char *id, int64_t now);

/* Forget tokens that expired before `before`, and their uses; at most max of them. *removed: how
 * many. */
int store_token_prune(struct store_tx *tx, int64_t before, size_t max, size_t *removed);

#endif
