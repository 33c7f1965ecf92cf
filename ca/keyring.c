#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keyring.h"

#define ROW_TEXT 32 /* "SIGNING/2147483647" */
#define MASTER_KEY_VERSION 1

struct ring_key {
	int64_t tenant_id;
	enum store_key_purpose purpose;
	uint32_t version;
	unsigned char octets[CA_SEAL_KEY];
	struct ring_key *next; /* owned */
};

struct ca_keyring {
	struct ring_key *first; /* owned; NULL: empty */
};

static struct ca_seal_place wrapped_place(
    int64_t tenant_id, enum store_key_purpose purpose, uint32_t version, char row[ROW_TEXT])
{
	snprintf(row, ROW_TEXT, "%s/%u", purpose == STORE_KEY_SIGNING ? "SIGNING" : "DATA",
	    (unsigned)version);
	return (struct ca_seal_place){ tenant_id, "sealing_keys", row, "wrapped" };
}

/* Each key stays where it is first put: a growing array would leave copies behind. */
static int add(struct ca_keyring *ring, const struct ring_key *key)
{
	struct ring_key *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return CA_ENOMEM;
	*copy = *key;
	copy->next = ring->first;
	ring->first = copy; /* transferred */
	return 0;
}

int ca_keyring_new(struct ca_keyring **out)
{
	struct ca_keyring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return CA_ENOMEM;
	*out = ring; /* transferred */
	return 0;
}

static void clear(struct ca_keyring *ring)
{
	while (ring->first) {
		struct ring_key *key = ring->first;

		ring->first = key->next;
		ca_wipe(key, sizeof(*key));
		free(key);
	}
}

void ca_keyring_free(struct ca_keyring *ring)
{
	if (!ring)
		return;
	clear(ring);
	free(ring);
}

int ca_keyring_create(struct ca_keyring *ring, const struct ca_master_key *master,
    int64_t tenant_id, enum store_key_purpose purpose, int64_t now, struct store_sealing_key *row)
{
	struct ring_key key = { .tenant_id = tenant_id, .purpose = purpose, .version = 1 };
	struct ca_buf wrapped = CA_BUF_INIT;
	char text[ROW_TEXT];
	struct ca_seal_place place = wrapped_place(tenant_id, purpose, key.version, text);
	int r;

	r = ca_random(key.octets, sizeof(key.octets));
	if (r)
		goto out;
	r = ca_seal(
	    master->octets, MASTER_KEY_VERSION, &place, key.octets, sizeof(key.octets), &wrapped);
	if (r)
		goto out;
	r = add(ring, &key);
	if (r)
		goto out;
	row->tenant_id = tenant_id;
	row->purpose = purpose;
	row->version = (int)key.version;
	row->created_at = now;
	row->wrapped.data = ca_buf_take(&wrapped, &row->wrapped.len);
out:
	ca_wipe(&key, sizeof(key));
	ca_buf_free(&wrapped);
	return r;
}

struct opening {
	const struct ca_master_key *master;
	struct ca_keyring ring;
	size_t refused;         /* rows that did not open */
	struct ca_detail first; /* the first of them */
};

static int unwrap(
    const struct ca_master_key *master, const struct store_sealing_key *row, struct ring_key *key)
{
	struct ca_buf plain = CA_BUF_INIT;
	char text[ROW_TEXT];
	struct ca_seal_place place =
	    wrapped_place(key->tenant_id, key->purpose, key->version, text);
	int r;

	r = ca_unseal(master->octets, &place, row->wrapped.data, row->wrapped.len, &plain);
	if (!r && plain.len != sizeof(key->octets))
		r = CA_ESEAL;
	if (!r)
		memcpy(key->octets, plain.data, sizeof(key->octets));
	ca_buf_free(&plain);
	return r;
}

/* All are tried: whether any opens tells which error it is. */
static int each_row(const struct store_sealing_key *row, void *arg)
{
	struct opening *opening = arg;
	struct ring_key key = { .tenant_id = row->tenant_id,
		.purpose = row->purpose,
		.version = (uint32_t)row->version };
	int r;

	r = unwrap(opening->master, row, &key);
	if (!r)
		r = add(&opening->ring, &key);
	ca_wipe(&key, sizeof(key));
	if (r != CA_ESEAL)
		return r;
	if (opening->refused++ == 0)
		ca_refuse(&opening->first, r, "the %s key %d of tenant %lld does not open",
		    row->purpose == STORE_KEY_SIGNING ? "signing" : "data", row->version,
		    (long long)row->tenant_id);
	return 0;
}

static int move(struct ca_keyring *from, struct ca_keyring **out)
{
	struct ca_keyring *ring = NULL;
	int r = ca_keyring_new(&ring);

	if (r)
		return r;
	ring->first = from->first;
	from->first = NULL; /* transferred */
	*out = ring;
	return 0;
}

int ca_keyring_open(struct store_tx *tx, const struct ca_master_key *master,
    struct ca_keyring **out, struct ca_detail *why)
{
	struct opening opening = { .master = master };
	int r;

	r = store_sealing_key_each(tx, each_row, &opening);
	if (r)
		goto out;
	if (opening.refused > 0)
		r = opening.ring.first
			? ca_refuse(why, CA_ESEAL, "%s", opening.first.text)
			: ca_refuse(why, CA_EMASTERKEY, "the master key is another installation's");
	else if (!opening.ring.first)
		r = ca_refuse(why, CA_ESEAL, "the sealing keys are gone");
	else
		r = move(&opening.ring, out);
out:
	clear(&opening.ring);
	return r;
}

/* The key of this version, or with version 0 the newest. */
static const struct ring_key *find(const struct ca_keyring *ring, int64_t tenant_id,
    enum store_key_purpose purpose, uint32_t version)
{
	const struct ring_key *best = NULL;

	for (const struct ring_key *key = ring->first; key; key = key->next) {
		if (key->tenant_id != tenant_id || key->purpose != purpose)
			continue;
		if (version ? key->version == version : !best || key->version > best->version)
			best = key;
	}
	return best;
}

int ca_keyring_seal(const struct ca_keyring *ring, enum store_key_purpose purpose,
    const struct ca_seal_place *place, const void *secret, size_t len, struct ca_buf *out)
{
	const struct ring_key *key = find(ring, place->tenant_id, purpose, 0);

	if (!key)
		return CA_ENOTFOUND;
	return ca_seal(key->octets, key->version, place, secret, len, out);
}

int ca_keyring_seal_key(const struct ca_keyring *ring, enum store_key_purpose purpose,
    const struct ca_seal_place *place, const struct ca_key *key, struct store_blob *out)
{
	struct ca_buf pkcs8 = CA_BUF_INIT, sealed = CA_BUF_INIT;
	int r = ca_key_export(key, &pkcs8);

	if (!r)
		r = ca_keyring_seal(ring, purpose, place, pkcs8.data, pkcs8.len, &sealed);
	if (!r)
		out->data = ca_buf_take(&sealed, &out->len);
	ca_buf_free(&pkcs8);
	ca_buf_free(&sealed);
	return r;
}

int ca_keyring_unseal(const struct ca_keyring *ring, enum store_key_purpose purpose,
    const struct ca_seal_place *place, const void *blob, size_t len, struct ca_buf *out)
{
	const struct ring_key *key;
	uint32_t version;
	int r;

	r = ca_seal_key_version(blob, len, &version);
	if (r)
		return r;
	key = version ? find(ring, place->tenant_id, purpose, version) : NULL;
	return key ? ca_unseal(key->octets, place, blob, len, out) : CA_ESEAL;
}
