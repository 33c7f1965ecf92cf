/* An operator, as the API shows one. */
#ifndef API_SERVER_OPERATOR_JSON_H
#define API_SERVER_OPERATOR_JSON_H

#include <jansson.h>

#include "api/server/snapshot.h"
#include "store/operators.h"

/* A new reference; NULL when out of memory. Without the e-mail address. */
json_t *server_operator_json(
    const struct server_snapshot *snapshot, const struct store_operator *op);

#endif
