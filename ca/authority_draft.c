#include <stdio.h>
#include <string.h>

#include "ca/authority_draft.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"
#include "ca/certificate.h"

/* Of a CA's notBefore: room for back-dated leaves, and for clocks that stand behind. */
#define BACKDATE CA_DAY

#define LIFETIME_MIN CA_DAY
#define LIFETIME_MAX (100 * CA_YEAR)

/* No two CAs ever have the same subject: verifiers tell them apart by it. */
static int make_common_name(const char *title, char out[CA_COMMON_NAME_MAX + 1])
{
	unsigned char tag[4];
	char hex[2 * sizeof(tag) + 1];
	int r, n;

	r = ca_random(tag, sizeof(tag));
	if (r)
		return r;
	ca_hex(tag, sizeof(tag), hex);
	n = snprintf(out, CA_COMMON_NAME_MAX + 1, "%s %s", title, hex);
	return n < 0 || n > CA_COMMON_NAME_MAX ? CA_ESUBJECT : 0;
}

static int certify(const struct ca_authority_plan *plan, const struct ca_authority *parent,
    const struct ca_key *key, const struct ca_urls *urls, struct store_authority *row)
{
	char common_name[CA_COMMON_NAME_MAX + 1];
	struct ca_authority_template tmpl = {
		.common_name = common_name,
		.organization = plan->organization,
		.pathlen = plan->pathlen,
		.not_before = row->not_before,
		.not_after = row->not_after,
		.constraints = plan->constraints,
	};
	struct ca_buf der = CA_BUF_INIT;
	int r;

	r = make_common_name(plan->title, common_name);
	if (!r)
		r = ca_authority_create(
		    parent, key, &tmpl, urls, &der, row->serial, &row->serial_len);
	if (!r)
		r = ca_key_spki_sha256(key, row->spki_sha256);
	if (!r)
		row->certificate.data = ca_buf_take(&der, &row->certificate.len);
	ca_buf_free(&der);
	return r;
}

int ca_authority_draft(const struct ca_authority_plan *plan, const struct ca_authority *parent,
    const struct ca_urls *urls, int64_t now, struct store_authority *row, struct ca_authority **out)
{
	struct ca_key *key = NULL;
	int r;

	if (strlen(plan->name) >= sizeof(row->name))
		return CA_EINTERNAL;
	memcpy(row->name, plan->name, strlen(plan->name) + 1);
	row->tenant_id = plan->tenant_id;
	row->kind = plan->kind;
	row->status = STORE_AUTHORITY_ACTIVE;
	row->crl_shards = 1;
	row->created_at = now;
	row->not_before = now - BACKDATE;
	row->not_after = now + plan->lifetime;
	r = ca_key_generate(plan->key_type, &key);
	if (!r)
		r = certify(plan, parent, key, urls, row);
	if (!r)
		r = ca_authority_open(row, key, out);
	if (!r)
		key = NULL; /* transferred */
	ca_key_free(key);
	return r;
}

int ca_authority_seal(
    const struct ca_keyring *ring, const struct ca_key *key, struct store_authority *row)
{
	const struct ca_seal_place place = { row->tenant_id, "authorities", row->name,
		"sealed_key" };

	return ca_keyring_seal_key(ring, STORE_KEY_SIGNING, &place, key, &row->sealed_key);
}

/* Ed25519 is not taken by many. */
int ca_authority_key_type(
    enum ca_key_type given, enum ca_key_type standard, enum ca_key_type *out, struct ca_detail *why)
{
	switch (given) {
	case CA_KEY_NONE:
		*out = standard;
		return 0;
	case CA_KEY_RSA_2048:
	case CA_KEY_RSA_3072:
	case CA_KEY_RSA_4096:
	case CA_KEY_EC_P256:
	case CA_KEY_EC_P384:
		*out = given;
		return 0;
	case CA_KEY_RSA_OTHER:
	case CA_KEY_ED25519:
		break;
	}
	return ca_refuse(why, CA_EINVAL, "a CA's key cannot be %s", ca_key_type_text(given));
}

int ca_authority_lifetimes(int64_t *root, int64_t *issuer, struct ca_detail *why)
{
	int64_t above = *root ? *root : 10 * CA_YEAR;
	int64_t below = *issuer ? *issuer : above < 3 * CA_YEAR ? above : 3 * CA_YEAR;

	if (above < LIFETIME_MIN || above > LIFETIME_MAX || below < LIFETIME_MIN ||
	    below > LIFETIME_MAX)
		return ca_refuse(why, CA_EINVAL, "a CA lives from a day to 100 years");
	if (below > above)
		return ca_refuse(why, CA_EINVAL, "the issuer would outlive the root");
	*root = above;
	*issuer = below;
	return 0;
}
