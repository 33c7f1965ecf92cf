#include <stdlib.h>

#include "tests/unit/support.h"
#include "tests/unit/support_store.h"

struct store *support_store(const char *dir)
{
	char *path = support_path(dir, "mica.db");
	struct store *store = NULL;

	assert_int_equal(store_create(path), 0);
	assert_int_equal(store_open(path, NULL, &store, NULL), 0);
	free(path);
	return store;
}
