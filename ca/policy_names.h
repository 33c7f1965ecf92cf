/* The names' part of a decision. For ca/policy.c only. */
#ifndef CA_POLICY_NAMES_H
#define CA_POLICY_NAMES_H

#include "ca/policy.h"

#define CA_POLICY_CN_MAX 64 /* RFC 5280, appendix A.1: ub-common-name */

/* Fill grant->names and grant->common_name, whose usages are decided already. What is there after a
 * failure is the caller's to clear. */
int ca_policy_decide_names(
    const struct ca_policy_request *request, struct ca_grant *grant, struct ca_detail *why);

#endif
