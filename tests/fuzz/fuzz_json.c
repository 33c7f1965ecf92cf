/* The bodies that micad takes: parsing, and the fields. */
#include <stddef.h>
#include <stdint.h>

#include "api/server/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "csr", "ttl", "uses", "dns", "ip", "uri", NULL };
	struct ca_names names = CA_NAMES_INIT;
	struct ca_buf body = CA_BUF_INIT;
	struct ca_detail why;
	json_t *object = NULL;
	const char *text;
	int64_t number = 1;

	ca_buf_add(&body, data, size);
	if (server_json_parse(&body, known, &object, &why) == 0) {
		(void)server_json_string(object, "csr", true, &text, &why);
		(void)server_json_duration(object, "ttl", &number, &why);
		(void)server_json_int(object, "uses", 1, 1000, &number, &why);
		(void)server_json_names(object, &names, &why);
	}
	ca_names_free(&names);
	json_decref(object);
	ca_buf_free(&body);
	return 0;
}
