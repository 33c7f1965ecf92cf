/* A stranger's bearer token, and what comes of its claims when its signature is good. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/outside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void convert(const struct server_jwt *jwt)
{
	static const char *const audiences[] = { "ca" };
	struct server_outside outside = { 0 };
	struct ca_detail why;

	(void)server_jwt_check_times(jwt, 1800000000, &why);
	(void)server_jwt_check_audience(jwt, audiences, 1, &why);
	if (server_outside_oidc(jwt, "oidc", &outside, &why) == 0)
		server_outside_clear(&outside);
	if (server_outside_account(jwt, "prod", &outside, &why) == 0)
		server_outside_clear(&outside);
	/* The cluster's answer is a stranger's JSON, too. */
	if (server_outside_review(jwt, jwt->claims, "prod", audiences, 1, &outside, &why) == 0)
		server_outside_clear(&outside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char issuer[64], *text = malloc(size + 1);
	struct server_jwks *jwks = NULL;
	struct server_jwt jwt = { 0 };
	struct ca_detail why;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)server_jwt_issuer(text, size, issuer, sizeof(issuer), &why);
	if (server_jwt_parse(text, size, &jwt, &why) == 0) {
		convert(&jwt);
		/* whose claims may as well be keys */
		if (server_jwks_create(jwt.claims, &jwks, &why) == 0)
			(void)server_jwt_verify(&jwt, jwks, &why);
		server_jwks_release(jwks);
		server_jwt_clear(&jwt);
	}
	free(text);
	return 0;
}
