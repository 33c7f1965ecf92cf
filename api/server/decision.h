/* What a request to certify is judged by, whoever asks: its tenant's issuer, bounds and policy. */
#ifndef API_SERVER_DECISION_H
#define API_SERVER_DECISION_H

#include "api/server/snapshot.h"
#include "ca/csr.h"
#include "ca/policy.h"

/*
 * Fill *out with everything but profile, granted and patterns, and *issuer with who would sign. All
 * is borrowed from snapshot and csr. CA_ETENANTREMOVED.
 */
int server_decision_begin(const struct server_snapshot *snapshot,
    const struct server_tenant *tenant, const struct ca_csr *csr, int64_t ttl,
    struct ca_policy_request *out, const struct ca_authority **issuer);

/* The same for an operator's certificate, profile included; the tenant's bounds are not asked. */
int server_decision_operator(const struct server_snapshot *snapshot, const struct ca_csr *csr,
    int64_t ttl, struct ca_policy_request *out, const struct ca_authority **issuer);

#endif
