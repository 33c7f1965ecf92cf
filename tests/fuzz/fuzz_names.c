/* ca_names_add() and ca_names_parse() with anything: whatever is accepted must be canonical, that
 * is, come through once more unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct ca_names *names)
{
	struct ca_buf text = CA_BUF_INIT, again = CA_BUF_INIT;
	struct ca_names copy = CA_NAMES_INIT;

	ca_names_format(names, &text);
	if (ca_names_parse(ca_buf_text(&text), &copy))
		__builtin_trap();
	ca_names_format(&copy, &again);
	if (copy.n != names->n || strcmp(ca_buf_text(&text), ca_buf_text(&again)) != 0)
		__builtin_trap();
	ca_names_free(&copy);
	ca_buf_free(&text);
	ca_buf_free(&again);
}

static void add(const char *value, size_t len)
{
	for (int type = CA_NAME_DNS; type <= CA_NAME_EMAIL; type++) {
		struct ca_names names = CA_NAMES_INIT;

		if (ca_names_add(&names, (enum ca_name_type)type, value, len, NULL) == 0)
			check_again(&names);
		ca_names_free(&names);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ca_names names = CA_NAMES_INIT;
	char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	add((const char *)data, size);
	if (ca_names_add_ip(&names, data, size, NULL) == 0)
		check_again(&names);
	ca_names_free(&names);
	if (ca_names_parse(text, &names) == 0)
		check_again(&names);
	ca_names_free(&names);
	free(text);
	return 0;
}
