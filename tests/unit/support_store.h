/* A store for unit tests. */
#ifndef TESTS_SUPPORT_STORE_H
#define TESTS_SUPPORT_STORE_H

#include "store/store.h"

/* A new and empty one in dir, with the newest schema. Fails the test on error. */
struct store *support_store(const char *dir);

#endif
