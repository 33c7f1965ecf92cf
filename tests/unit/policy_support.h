/* What tests of policy documents share: documents to fill in, and what they are held against. */
#ifndef TESTS_POLICY_SUPPORT_H
#define TESTS_POLICY_SUPPORT_H

#include "api/server/policy_document.h"
#include "ca/base/clock.h"

/* A document with one profile, whose fields begin on line 2; with one rule, whose fields begin on
 * line 2 and which is whole without more; with one whose fields are all given. */
#define PROFILE(fields) "{\"profiles\": {\"web\": {\n" fields "\n}}}"
#define RULE(fields)                                                                               \
	"{\"rules\": [{\"name\": \"pay\", \"source\": \"prod\", \"profile\": \"service\", "        \
	"\"match\": {\"ns\": \"pay\"}, \"names\": {\"dns\": [\"*.pay.svc\"]},\n" fields "\n}]}"
#define WHOLE(fields) "{\"rules\": [{\n" fields "\n}]}"
#define KUBERNETES "\"name\": \"r\", \"source\": \"prod\", \"profile\": \"service\",\n"
#define OIDC "\"name\": \"r\", \"source\": \"ci\", \"profile\": \"service\",\n"

/* All that can be allowed, and little. */
extern const struct ca_ceiling policy_all, policy_low;

/* Of a tenant with DNS names below web.internal and svc, 10.1.0.0/16 and the trust domain
 * example.org. To be cleared. */
struct ca_constraints policy_bounds(void);

/*
 * server_policy_parse() in surroundings with three sources: prod, a cluster; ci, an OIDC issuer
 * with an audience; bare, one without. A fourth, broken, cannot be read: CA_ESTORE.
 */
int policy_parse(const char *text, const struct ca_ceiling *ceiling,
    const struct ca_constraints *constraints, struct ca_document *out,
    struct server_policy_error *error);

#endif
