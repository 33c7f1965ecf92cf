/*
 * An identity that somebody else vouches for: what a verified token, or a cluster's word on one,
 * says, in the form that rules speak of. Service accounts have the claims ns, sa, pod, pod_uid and
 * node, and the subject "NAMESPACE/ACCOUNT"; others their own.
 */
#ifndef API_SERVER_OUTSIDE_H
#define API_SERVER_OUTSIDE_H

#include "api/server/jwt.h"
#include "ca/rule.h"

#define SERVER_POD_UID 64
/* A service account's token that no cluster is asked about lives for an hour at most, and the seven
 * seconds that Kubernetes itself adds to one. */
#define SERVER_OUTSIDE_LIFETIME_MAX 3607

struct server_outside {
	struct ca_claims claims;
	int64_t expires;
	char pod_uid[SERVER_POD_UID]; /* "": not bound to a pod */
};

void server_outside_clear(struct server_outside *outside);

/* The claims of any issuer: its top-level texts, whole numbers and truth values. CA_ECLAIM: too
 * many of them. */
int server_outside_oidc(const struct server_jwt *jwt, const char *source,
    struct server_outside *out, struct ca_detail *why);

/*
 * Those of a service account whose token was verified with its cluster's keys. CA_EJWTREFUSED: it
 * is none, or lives too long, or is not bound to a pod: no key can tell that a pod is gone.
 */
int server_outside_account(const struct server_jwt *jwt, const char *source,
    struct server_outside *out, struct ca_detail *why);

/*
 * What a cluster says of the token: the answer to a TokenReview (authentication.k8s.io/v1).
 * CA_ESOURCE: not such an answer; CA_EJWTREFUSED: the token is not good, or not a service
 * account's; CA_EJWTAUDIENCE: not for one of the audiences asked.
 */
int server_outside_review(const struct server_jwt *jwt, const json_t *review, const char *source,
    const char *const *audiences, size_t audiences_len, struct server_outside *out,
    struct ca_detail *why);

#endif
