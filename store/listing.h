/* How names are written to be searched. Private to store/. */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include "ca/base/buf.h"
#include "ca/base/names.h"

/*
 * Append a name as certificate_names has it: a letter for the type, a colon, and the value; a DNS
 * name has its labels reversed, each with a dot behind it ("d:internal.web."), so that all names
 * below a suffix stand together.
 */
void store_rname_add(struct ca_buf *out, const struct ca_name *name);

#endif
