/* The schema, as numbered steps. Private to store/. */
#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

#include "ca/base/error.h"
#include "store/db.h"

#define STORE_APPLICATION_ID 0x4d696361 /* "Mica", in the database's header */

/* The newest schema that this program knows; it stands in the database as user_version. */
int store_schema_newest(void);

/* Lay the schema out in an empty database, in one transaction. */
int store_schema_create(struct store_tx *tx);

/* Check whose database it is, and bring it up to date. CA_ESTORESCHEMA: not ours, or newer; *why
 * says which. */
int store_schema_update(struct store_tx *tx, struct ca_detail *why);

#endif
