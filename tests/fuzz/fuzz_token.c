/* What stands behind "Authorization: Bearer". */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ca_authority root;
	static struct ca_authority *authorities[] = { &root };
	static struct ca_installation installation = { .authorities = authorities,
		.authorities_len = 1 };
	struct ca_detail why;
	char id[STORE_TOKEN_ID];
	char *jwt = malloc(size + 1);

	if (!jwt)
		return 0;
	memcpy(jwt, data, size);
	jwt[size] = '\0';
	/* The key is all zeroes, so that the fuzzer could even find a signature. */
	(void)server_token_verify(&installation, jwt, size, 1800000000, id, &why);
	free(jwt);
	return 0;
}
