/* What a fetch is told to do, out of flags, environment and token. */
#ifndef API_CLIENT_FETCH_H
#define API_CLIENT_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/client/enrolment.h"
#include "api/client/layout.h"
#include "api/client/options.h"
#include "ca/base/buf.h"
#include "ca/base/names.h"
#include "ca/key.h"

struct client_fetch_plan {
	struct client_token token; /* owned */
	const char *url; /* borrowed from the command line or the token, as all strings here */
	const char *dir;
	const char *tenant;      /* NULL: the token's, or the CA's own choice */
	const char *profile;     /* NULL: the token's */
	const char *ttl;         /* NULL: the profile's */
	const char *common_name; /* NULL: none */
	unsigned char fingerprint[CA_SHA256];
	struct ca_names names; /* owned */
	enum ca_key_type key_type;
	mode_t mode; /* of every file that holds the key */
	struct client_owner owner;
	bool combined, pkcs12;
	struct ca_buf password; /* of the PKCS#12 file; owned, wiped */
	int64_t deadline;       /* ca_monotonic_ms() */
	bool json;
};

/* Read and check everything; nothing outside is touched. *out is to be cleared in any case.
 * CA_EINVAL, CA_ENAME, CA_ETOKEN, CA_EIO. */
int client_fetch_plan(
    const struct client_args *args, struct client_fetch_plan *out, struct client_problem *problem);
void client_fetch_plan_clear(struct client_fetch_plan *plan);

#endif
