/* What unit tests share. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ca/base/buf.h"
#include "ca/pattern.h"

/* A fresh directory; support_rmdir() removes it with all that is in it and frees the path. Fails
 * the test on error. */
char *support_mkdir(void);
void support_rmdir(char *path);

/* "dir/name", allocated; never NULL. */
char *support_path(const char *dir, const char *name);

/* Run a shell command; its standard output is appended to out (NULL: thrown away). Returns the exit
 * status. */
int support_run(struct ca_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Patterns from lines of "dns:*.internal", as names are written; NULL: none. Fails the test when
 * one is refused. */
void support_patterns(const char *lines, bool placeholders, struct ca_patterns *out);

/* The same from lines that are globs. */
void support_globs(const char *lines, bool placeholders, struct ca_patterns *out);

#endif
