/*
 * Quotas: how many certificates a tenant and an identity may have alive, and how many they may be
 * given a minute. Nothing here grows with the number of certificates but the count that is made
 * once when a tenant gets a quota, and a tenant without quotas costs no query.
 *
 * Alive is what is neither revoked nor expired. The count stays right as long as every certificate
 * of a tenant with an alive_max goes through store_quota_take(); what was under way while the quota
 * was set is not in it, and setting another value counts anew. A minute is a window of 60 seconds
 * that begins with the first use; what is counted is what was granted, never what was refused.
 */
#ifndef STORE_QUOTAS_H
#define STORE_QUOTAS_H

#include <stddef.h>
#include <stdint.h>

#include "ca/base/error.h"
#include "store/store.h"

/* One certificate that is to be issued. Each bound may be 0: none. */
struct store_quota_ask {
	int64_t tenant_id;
	int64_t identity_id; /* 0: of nobody from outside, or of one that is not on record yet */
	const char *pod;     /* the UID of the pod that asks; NULL: none */
	int64_t source_id;   /* whose pod it is: two clusters may call theirs the same */
	int64_t now;
	int64_t not_after; /* of the certificate */
	int64_t alive_max, minute_max;
	int64_t identity_alive_max, identity_minute_max;
	int64_t pod_minute_max;
};

/*
 * Would store_quota_take() refuse? Nothing is written: a job that has something else to write
 * before its certificate asks this first. CA_EQUOTA; *why (may be NULL) says which quota, and when
 * to come again.
 */
int store_quota_check(
    struct store_tx *tx, const struct store_quota_ask *ask, struct ca_detail *why);

/* Check, and count the certificate in, in the transaction that adds it. What it refuses it refuses
 * before it writes. CA_EQUOTA. */
int store_quota_take(struct store_tx *tx, const struct store_quota_ask *ask, struct ca_detail *why);

/*
 * A tenant's alive_max was set, to another value or to 0: what it has is counted, or no longer
 * kept. Where nobody called this, the tenant's first store_quota_take() counts.
 */
int store_quota_set(struct store_tx *tx, int64_t tenant_id, int64_t alive_max, int64_t now);

/* A certificate was revoked: for store/certificates.c. */
int store_quota_revoked(struct store_tx *tx, int64_t certificate_id);

/* Housekeeping, from time to time: at most max rows of each tenant that expired are taken off its
 * count, and at most max windows that are over forgotten. */
int store_quota_sweep(struct store_tx *tx, int64_t now, size_t max);

#endif
