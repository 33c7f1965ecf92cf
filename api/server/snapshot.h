/*
 * What requests are judged by at one moment: the installation with its authorities, the tenants
 * with their settings and policy, and the sources whose tokens are believed. Immutable; a request
 * keeps the one that was current when its body was there, and lets go of it at its end. A change is
 * committed first, and then a new snapshot is read from the store, before the change is answered.
 */
#ifndef API_SERVER_SNAPSHOT_H
#define API_SERVER_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server/source.h"
#include "ca/installation.h"
#include "ca/tenant_policy.h"
#include "store/tenants.h"

struct server;

struct server_tenant {
	struct store_tenant row;
	struct store_tenant_settings settings; /* owned, as all below */
	struct ca_constraints constraints;
	struct ca_ceiling ceiling;
	struct ca_document document;
	atomic_uint *sharers;   /* how many snapshots have this document */
	int64_t policy_version; /* 0: no document was ever applied */
};

struct server_snapshot {
	atomic_uint references;
	struct ca_installation *installation; /* owned, a reference */
	struct server_tenant *tenants;        /* owned; by id, removed ones too */
	size_t tenants_len;
	struct server_source **sources; /* owned, references; those that are believed */
	size_t sources_len;
};

/* Zeroes, but for the locks, before the first load. */
struct server_snapshots {
	pthread_mutex_t lock; /* guards current */
	struct server_snapshot *current;
	pthread_mutex_t
	    loading;       /* one at a time, so that the last to be read is the last to come */
	atomic_int behind; /* what is on record could not be read; set while loading */
};

#define SERVER_SNAPSHOTS_INIT                                                                      \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .loading = PTHREAD_MUTEX_INITIALIZER            \
	}

/* The current one, with a reference for the caller. NULL before the first load. */
struct server_snapshot *server_snapshot_take(struct server *server);
void server_snapshot_release(struct server_snapshot *snapshot); /* NULL is fine */

/*
 * Read tenants, policies and sources anew. The authorities stay as they are opened. On failure the
 * one before stays current; the change that it was to show is on record all the same, and comes
 * into force with server_snapshot_catch_up().
 */
int server_snapshot_reload(struct server *server);

/* Authorities, too: after one was made or its certificate replaced. The master key's file is read
 * for it. *why: what does not open. */
int server_snapshot_reload_all(struct server *server, struct ca_detail *why);

/* The master key, which is kept in no memory: its file is read anew. To be wiped. CA_ENOMASTERKEY,
 * CA_EMASTERKEY (it is not the one that sealed what is on record), CA_ESEAL, with *why. */
int server_master_key_read(struct server *server, struct ca_master_key *out, struct ca_detail *why);

/* Try again what failed, if anything did: whoever made the change cannot make it once more. */
void server_snapshot_catch_up(struct server *server);

/* By id, or by name, removed ones too; NULL: there is none, or it is the installation's own.
 * Borrowed from the snapshot. */
const struct server_tenant *server_snapshot_tenant(
    const struct server_snapshot *snapshot, int64_t id);
const struct server_tenant *server_snapshot_tenant_name(
    const struct server_snapshot *snapshot, const char *name);

/* A source by its tokens' issuer, or by its name; NULL: none. Borrowed from the snapshot. */
struct server_source *server_snapshot_source_issuer(
    const struct server_snapshot *snapshot, const char *issuer);
struct server_source *server_snapshot_source_name(
    const struct server_snapshot *snapshot, const char *name);

/* At the end: no request may be left. */
void server_snapshots_clear(struct server_snapshots *snapshots);

#endif
