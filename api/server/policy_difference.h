/* What a policy document changes in the one that it takes the place of. */
#ifndef API_SERVER_POLICY_DIFFERENCE_H
#define API_SERVER_POLICY_DIFFERENCE_H

#include <jansson.h>

/*
 * {"profiles": {"added": [], "changed": [], "removed": []}, "rules": {the same, and "reordered"}},
 * with names: in the new document's order, those removed in the old one's. Both documents were
 * taken by server_policy_parse(). reordered: rules that stand in both come in another order, which
 * matters, for the first that fits decides. A new reference; NULL when out of memory.
 */
json_t *server_policy_difference(json_t *from, json_t *to);

#endif
