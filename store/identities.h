/*
 * Identities: who asked from outside, once a request of theirs was granted. One is a tenant, a
 * source and what that source calls its subject; disabled, it gets nothing any more.
 */
#ifndef STORE_IDENTITIES_H
#define STORE_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct store_identity {
	int64_t id;
	int64_t tenant_id;
	int64_t source_id;
	char *source;  /* its name; owned */
	char *subject; /* owned */
	int64_t created_at;
	int64_t disabled_at; /* 0 unless disabled */
};

void store_identity_clear(struct store_identity *identity); /* NULL is fine */

/*
 * Find. Good in a reading transaction, and before anything is written in a job that may refuse.
 * CA_ENOTFOUND: nobody of this name was granted anything yet; CA_EIDENTITYDISABLED, *id assigned.
 */
int store_identity_find(
    struct store_tx *tx, int64_t tenant_id, int64_t source_id, const char *subject, int64_t *id);

/* Find, or add, in the transaction that adds the certificate. CA_EIDENTITYDISABLED. */
int store_identity_ensure(struct store_tx *tx, int64_t tenant_id, int64_t source_id,
    const char *subject, int64_t now, int64_t *id);

/* By id, of one tenant (0: any). *out is filled, to be cleared. CA_ENOTFOUND. */
int store_identity_get(
    struct store_tx *tx, int64_t tenant_id, int64_t id, struct store_identity *out);

/* Is it in use? CA_EIDENTITYDISABLED, CA_ENOTFOUND. For a renewal, in its transaction. */
int store_identity_check(struct store_tx *tx, int64_t id);

/* Disable, or enable again; what is so already stays so, and that is no error. CA_ENOTFOUND. */
int store_identity_disable(struct store_tx *tx, int64_t tenant_id, int64_t id, int64_t now);
int store_identity_enable(struct store_tx *tx, int64_t tenant_id, int64_t id);

/* How many of its certificates are good at now; counting stops at max. */
int store_identity_alive(struct store_tx *tx, int64_t id, int64_t now, int64_t max, int64_t *out);

/* What to list. All zeroes but disabled -1: everything. Filters add up (and). */
struct store_identity_filter {
	int64_t tenant_id;   /* 0: all */
	const char *source;  /* its name, exact; NULL: any */
	const char *subject; /* exact; NULL: any */
	int disabled;        /* -1: any; 0: those in use; 1: those disabled */
};

/*
 * Up to max (1 to STORE_PAGE_MAX) in the order of their ids, from the one behind *after (0: the
 * first), which becomes where the next page begins; see store_certificate_list() for more and
 * each. A page may be short, or empty, though *more is true: where few rows pass the filter they
 * are looked for in bounded steps.
 */
int store_identity_list(struct store_tx *tx, const struct store_identity_filter *filter, size_t max,
    int64_t *after, bool *more, int (*each)(const struct store_identity *identity, void *arg),
    void *arg);

#endif
