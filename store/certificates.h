/* Certificates on record: every one that ever left this process, and what became of it. */
#ifndef STORE_CERTIFICATES_H
#define STORE_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/error.h"
#include "ca/base/names.h"
#include "store/store.h"

#define STORE_SERIAL_MAX 20
#define STORE_PROFILE_MAX 64 /* with the NUL */
#define STORE_COMMON_NAME 65 /* at most 64 octets, and the NUL */
#define STORE_HASH 32        /* SHA-256 */
#define STORE_PAGE_MAX 500

/* Status of a row. "Expired" is no status: it follows from not_after. */
enum store_status { STORE_GOOD = 0, STORE_REVOKED = 1 };

struct store_certificate {
	int64_t id;          /* assigned by store_certificate_add() */
	int64_t tenant_id;   /* tenants.id */
	int64_t issuer_id;   /* authorities.id */
	int64_t parent_id;   /* the certificate it was renewed from, or 0 */
	int64_t lineage_id;  /* id of the first of its lineage; 0 when added: its own */
	int64_t issued_by;   /* the operator's certificate that asked for it, or made the token that
				did; 0: micad itself */
	int64_t operator_id; /* operators.id when it is an operator's credential, else 0 */
	int64_t identity_id; /* identities.id of who asked from outside; 0: nobody did */
	unsigned char serial[STORE_SERIAL_MAX]; /* big-endian, without a leading zero octet */
	size_t serial_len;
	unsigned char spki_sha256[STORE_HASH];
	unsigned char request_sha256[STORE_HASH]; /* of the CSR's DER; zeroes when there was none */
	char profile[STORE_PROFILE_MAX];
	char common_name[STORE_COMMON_NAME]; /* the subject's CN; "" when the subject is empty */
	int64_t not_before, not_after;       /* as in the certificate */
	int64_t renew_after;
	int64_t issued_at;
	enum store_status status;
	int64_t revoked_at;    /* 0 unless revoked */
	int revocation_reason; /* RFC 5280, section 5.3.1: the CRLReason's number; 0 unless revoked
				*/
	int crl_shard;         /* which shard of its issuer's CRL names it */
	struct ca_names names; /* what it is searched by */
	unsigned char *der;    /* owned */
	size_t der_len;
};

/* Free what the row owns and clear it. NULL is fine. */
void store_certificate_clear(struct store_certificate *row);

/*
 * Add a row with its names; row->id and, if it was 0, row->lineage_id are assigned.
 * CA_EEXIST: the serial stands on record already.
 */
int store_certificate_add(struct store_tx *tx, struct store_certificate *row);

/* By serial, of one tenant (0: of any). *out is filled, to be cleared. CA_ENOTFOUND. */
int store_certificate_get(struct store_tx *tx, int64_t tenant_id, const unsigned char *serial,
    size_t serial_len, struct store_certificate *out);

/* By id. CA_ENOTFOUND. */
int store_certificate_get_id(struct store_tx *tx, int64_t id, struct store_certificate *out);

/* Only the serial, by id. CA_ENOTFOUND. */
int store_certificate_serial(
    struct store_tx *tx, int64_t id, unsigned char serial[STORE_SERIAL_MAX], size_t *len);

/* Only the status, by id. CA_ENOTFOUND. */
int store_certificate_status(struct store_tx *tx, int64_t id, enum store_status *out);

/* The newest good certificate of an operator by not_after, or CA_ENOTFOUND. */
int store_certificate_of_operator(
    struct store_tx *tx, int64_t operator_id, struct store_certificate *out);

/*
 * Revoke. A row that is revoked already stays as it is, time and reason included, and that is no
 * error; *changed (may be NULL) tells. Enrolment tokens that were made with it are removed with it.
 * CA_ENOTFOUND.
 */
int store_certificate_revoke(
    struct store_tx *tx, int64_t id, int64_t now, int reason, bool *changed);

/* What to list. All zeroes but status -1: everything, newest first. Filters add up (and). */
struct store_filter {
	int64_t tenant_id; /* 0: all */
	const char *name;  /* exact ("web.internal", "10.0.0.1", "spiffe://…") or "*.suffix" (any
			      depth below it) */
	const char *profile;    /* exact */
	int status;             /* -1: any; STORE_GOOD (expired ones too), STORE_REVOKED */
	int64_t expires_before; /* not_after < this; 0: no bound */
	int64_t expires_after;  /* not_after >= this; 0: no bound */
};

/*
 * A place in a listing. All zeroes: its beginning. The order follows from the filter: with
 * expires_* by expiry, soonest first; else with a "*.suffix" by name; else newest first. A cursor
 * is good for the filter it came from only.
 */
struct store_cursor {
	int64_t id;
	int64_t not_after;
	char *name; /* owned; reversed labels, NULL unless listing by suffix */
};

void store_cursor_clear(struct store_cursor *cursor);

/*
 * Up to max (1 to STORE_PAGE_MAX) rows from cursor on, each handed to each() in order and cleared
 * after it returns; what each() returns other than 0 ends the listing and is returned. Then *cursor
 * is the place of the next row, and *more tells whether there is one. A certificate with several
 * names below the suffix is listed once in a page for each; callers print it once (by expiry it
 * comes once). A page may be short, or empty, though *more is true: where few rows pass the filter
 * they are looked for in bounded steps, a millisecond or so at a time. It can take thousands: a
 * status or profile looks at every row on the way, and so does a name with an expiry when thousands
 * of entries stand below that name. CA_EINVAL: the filter's name is malformed.
 */
int store_certificate_list(struct store_tx *tx, const struct store_filter *filter, size_t max,
    struct store_cursor *cursor, bool *more,
    int (*each)(const struct store_certificate *row, void *arg), void *arg);

#endif
