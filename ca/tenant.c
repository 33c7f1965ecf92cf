#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority_draft.h"
#include "ca/base/log.h"
#include "ca/certificate.h"
#include "ca/spiffe.h"
#include "ca/tenant.h"

enum { ROOT, ISSUER, AUTHORITIES };

static const enum store_key_purpose purposes[2] = { STORE_KEY_SIGNING, STORE_KEY_DATA };

struct ca_tenant_draft {
	int64_t now;
	struct store_tenant row;
	struct store_tenant_settings settings;         /* owned */
	struct ca_master_key master;                   /* wraps the sealing keys */
	struct store_authority rows[AUTHORITIES];      /* owned */
	struct ca_authority *authorities[AUTHORITIES]; /* owned */
	struct ca_detail why;
};

void ca_tenant_draft_free(struct ca_tenant_draft *draft)
{
	if (!draft)
		return;
	store_tenant_settings_clear(&draft->settings);
	for (int i = 0; i < AUTHORITIES; i++) {
		store_authority_clear(&draft->rows[i]);
		ca_authority_free(draft->authorities[i]);
	}
	ca_wipe(draft, sizeof(*draft));
	free(draft);
}

const struct store_tenant *ca_tenant_draft_row(const struct ca_tenant_draft *draft)
{
	return &draft->row;
}

const struct ca_detail *ca_tenant_draft_why(const struct ca_tenant_draft *draft)
{
	return &draft->why;
}

/* ---- what is asked for ---- */

int ca_tenant_name_check(const char *name, struct ca_detail *why)
{
	size_t len = strlen(name);

	if (len == 0 || len > CA_TENANT_NAME_MAX || name[0] < 'a' || name[0] > 'z' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return ca_refuse(why, CA_EINVAL,
		    "a tenant's name has 1 to %d characters of a-z, 0-9 and -, a letter first",
		    CA_TENANT_NAME_MAX);
	if (strcmp(name, "system") == 0)
		return ca_refuse(why, CA_EINVAL, "the name system is the installation's own");
	return 0;
}

/* One line of a setting. */
typedef int add_line(
    struct ca_constraints *constraints, const char *line, size_t len, struct ca_detail *why);

static int add_suffix(
    struct ca_constraints *constraints, const char *line, size_t len, struct ca_detail *why)
{
	if (line[0] == '*')
		return ca_refuse(why, CA_ENAME,
		    "a DNS suffix is a name without a wildcard, and stands for all below it: %.*s",
		    (int)len, line);
	return ca_names_add(&constraints->dns, CA_NAME_DNS, line, len, why);
}

static int add_range(
    struct ca_constraints *constraints, const char *line, size_t len, struct ca_detail *why)
{
	return ca_patterns_add(&constraints->ip, CA_NAME_IP, line, len, false, why);
}

static int each_line(
    const char *text, add_line *add, struct ca_constraints *constraints, struct ca_detail *why)
{
	int r = 0;

	while (text && *text && !r) {
		size_t len = strcspn(text, "\n");

		if (len > 0)
			r = add(constraints, text, len, why);
		text += len + (text[len] == '\n');
	}
	return r;
}

static int set_trust_domain(
    struct ca_constraints *constraints, const char *text, struct ca_detail *why)
{
	int r;

	if (!text)
		return 0;
	r = ca_spiffe_trust_domain_check(text, why);
	if (!r && strlen(text) >= sizeof(constraints->trust_domain))
		r = ca_refuse(why, CA_ENAME, "the trust domain is too long");
	if (!r)
		memcpy(constraints->trust_domain, text, strlen(text) + 1);
	return r;
}

int ca_tenant_constraints(
    const struct store_tenant_settings *settings, struct ca_constraints *out, struct ca_detail *why)
{
	struct ca_constraints constraints = { 0 };
	int r;

	r = each_line(settings->dns_suffixes, add_suffix, &constraints, why);
	if (!r)
		r = each_line(settings->ip_ranges, add_range, &constraints, why);
	if (!r)
		r = set_trust_domain(&constraints, settings->trust_domain, why);
	if (r)
		ca_constraints_clear(&constraints);
	else
		*out = constraints; /* transferred */
	return r;
}

/* What was built takes the place of *text. */
static int put_text(const struct ca_buf *built, char **text)
{
	char *copy = ca_buf_error(built) ? NULL : strdup(ca_buf_text(built));

	if (!copy)
		return CA_ENOMEM;
	free(*text);
	*text = copy; /* transferred */
	return 0;
}

static int put_trust_domain(const char *trust_domain, char **text)
{
	char *copy = trust_domain[0] ? strdup(trust_domain) : NULL;

	if (trust_domain[0] && !copy)
		return CA_ENOMEM;
	free(*text);
	*text = copy; /* transferred */
	return 0;
}

int ca_tenant_set_constraints(
    const struct ca_constraints *constraints, struct store_tenant_settings *settings)
{
	struct ca_buf dns = CA_BUF_INIT, ip = CA_BUF_INIT;
	int r;

	for (size_t i = 0; i < constraints->dns.n; i++)
		ca_buf_addf(&dns, "%s\n", constraints->dns.v[i].value);
	for (size_t i = 0; i < constraints->ip.n; i++)
		ca_buf_addf(&ip, "%s\n", constraints->ip.v[i].text);
	r = put_text(&dns, &settings->dns_suffixes);
	if (!r)
		r = put_text(&ip, &settings->ip_ranges);
	if (!r)
		r = put_trust_domain(constraints->trust_domain, &settings->trust_domain);
	ca_buf_free(&dns);
	ca_buf_free(&ip);
	return r;
}

int ca_tenant_options_check(struct ca_tenant_options *options, struct ca_detail *why)
{
	struct ca_constraints constraints = { 0 };
	int r;

	r = ca_tenant_name_check(options->name, why);
	if (!r)
		r = ca_authority_key_type(
		    options->key_type, CA_KEY_RSA_2048, &options->key_type, why);
	if (!r)
		r = ca_authority_key_type(
		    options->root_key_type, CA_KEY_RSA_3072, &options->root_key_type, why);
	if (!r)
		r = ca_authority_lifetimes(&options->root_lifetime, &options->issuer_lifetime, why);
	if (!r)
		r = ca_tenant_constraints(options->settings, &constraints, why);
	ca_constraints_clear(&constraints);
	return r;
}

/* ---- making ---- */

/* A tenant's name has no dot: what is made here is never the name of a CA made at init ("root-1"),
 * nor of another tenant's. */
static int make_authority(struct ca_tenant_draft *draft, const struct ca_tenant_options *options,
    const struct ca_installation *of, const struct ca_constraints *constraints, int which)
{
	char name[STORE_AUTHORITY_NAME], title[CA_COMMON_NAME_MAX + 1];
	const struct ca_urls urls = { of->settings.revocation_url };
	const bool root = which == ROOT;
	const struct ca_authority_plan plan = {
		.name = name,
		.title = title,
		.organization = of->settings.name,
		.kind = root ? STORE_AUTHORITY_ROOT : STORE_AUTHORITY_ISSUER,
		.pathlen = root ? -1 : 0,
		.key_type = root ? options->root_key_type : options->key_type,
		.lifetime = root ? options->root_lifetime : options->issuer_lifetime,
		.constraints = root ? NULL : constraints,
	};

	(void)snprintf(name, sizeof(name), "%s.%s-1", options->name, root ? "root" : "issuer");
	(void)snprintf(title, sizeof(title), "%s %s", options->name, root ? "Root" : "Issuer");
	return ca_authority_draft(&plan, root ? NULL : draft->authorities[ROOT], &urls, draft->now,
	    &draft->rows[which], &draft->authorities[which]);
}

static int copy_settings(const struct store_tenant_settings *settings,
    const struct ca_constraints *constraints, struct store_tenant_settings *out)
{
	*out = (struct store_tenant_settings){
		.max_lifetime = settings->max_lifetime,
		.allowed = settings->allowed,
		.alive_max = settings->alive_max,
		.minute_max = settings->minute_max,
		.identity_alive_max = settings->identity_alive_max,
		.identity_minute_max = settings->identity_minute_max,
	};
	return ca_tenant_set_constraints(constraints, out);
}

int ca_tenant_draft_make(const struct ca_tenant_options *options,
    const struct ca_master_key *master, const struct ca_installation *of, int64_t now,
    struct ca_tenant_draft **out, struct ca_detail *why)
{
	struct ca_tenant_draft *draft = calloc(1, sizeof(*draft));
	struct ca_tenant_options checked = *options;
	struct ca_constraints constraints = { 0 };
	int r;

	if (!draft)
		return CA_ENOMEM;
	draft->now = now;
	draft->master = *master;
	r = ca_tenant_options_check(&checked, why);
	if (!r)
		r = ca_tenant_constraints(options->settings, &constraints, why);
	if (!r)
		r = copy_settings(options->settings, &constraints, &draft->settings);
	if (!r)
		r = make_authority(draft, &checked, of, &constraints, ROOT);
	if (!r)
		r = make_authority(draft, &checked, of, &constraints, ISSUER);
	if (r)
		goto out;
	draft->row.created_at = now;
	memcpy(draft->row.name, options->name, strlen(options->name) + 1);
	*out = draft;
	draft = NULL; /* transferred */
out:
	ca_tenant_draft_free(draft);
	ca_constraints_clear(&constraints);
	return r;
}

/* ---- recording ---- */

static int record_row(struct store_tx *tx, struct ca_tenant_draft *draft)
{
	int r;

	draft->row.id = 0;
	r = store_tenant_add(tx, &draft->row);
	if (r == CA_EEXIST)
		return ca_refuse(&draft->why, r,
		    "there is a tenant %s, or was one: a name is never used again",
		    draft->row.name);
	if (!r)
		r = store_tenant_settings_set(tx, draft->row.id, &draft->settings, draft->now);
	if (r == CA_EEXIST)
		return ca_refuse(&draft->why, r, "the trust domain %.150s is another tenant's",
		    draft->settings.trust_domain);
	return r;
}

static int record_sealing_keys(
    struct store_tx *tx, struct ca_tenant_draft *draft, struct ca_keyring *ring)
{
	int r = 0;

	for (int i = 0; i < 2 && !r; i++) {
		struct store_sealing_key key = { 0 };

		r = ca_keyring_create(
		    ring, &draft->master, draft->row.id, purposes[i], draft->now, &key);
		if (!r)
			r = store_sealing_key_add(tx, &key);
		store_sealing_key_clear(&key);
	}
	return r;
}

static int record_authorities(
    struct store_tx *tx, struct ca_tenant_draft *draft, const struct ca_keyring *ring)
{
	int r = 0;

	for (int i = 0; i < AUTHORITIES && !r; i++) {
		struct store_authority *row = &draft->rows[i];

		row->tenant_id = draft->row.id;
		row->parent_id = i == ROOT ? 0 : draft->rows[ROOT].id;
		store_blob_clear(&row->sealed_key);
		r = ca_authority_seal(ring, draft->authorities[i]->key, row);
		if (!r)
			r = store_authority_add(tx, row);
	}
	return r;
}

/* Sealing has to wait until here: a sealed blob names the tenant's id. */
int ca_tenant_draft_record(struct store_tx *tx, void *arg)
{
	struct ca_tenant_draft *draft = arg;
	struct ca_keyring *ring = NULL;
	int r;

	r = ca_keyring_new(&ring);
	if (!r)
		r = record_row(tx, draft);
	if (!r)
		r = record_sealing_keys(tx, draft, ring);
	if (!r)
		r = record_authorities(tx, draft, ring);
	ca_keyring_free(ring);
	return r;
}

/* ---- another certificate for an issuer ---- */

/* One attribute of a subject; "" when it is not there. */
static int get_attribute(gnutls_x509_crt_t crt, const char *oid, char out[CA_COMMON_NAME_MAX + 1])
{
	size_t len = CA_COMMON_NAME_MAX + 1;
	int g = gnutls_x509_crt_get_dn_by_oid(crt, oid, 0, 0, out, &len);

	if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
		out[0] = '\0';
		return 0;
	}
	return g < 0 ? ca_certificate_failed("read a CA's subject", g) : 0;
}

/* Chains are built by subject and key: both must be what they were, octet for octet. */
static int check_same(gnutls_x509_crt_t old, const struct ca_buf *der)
{
	gnutls_datum_t before = { NULL, 0 }, after = { NULL, 0 };
	unsigned char spki_before[CA_SHA256], spki_after[CA_SHA256];
	gnutls_x509_crt_t crt = NULL;
	int r;

	r = ca_certificate_import(der->data, der->len, &crt);
	if (!r)
		r = ca_certificate_spki_sha256(old, spki_before);
	if (!r)
		r = ca_certificate_spki_sha256(crt, spki_after);
	if (!r && (gnutls_x509_crt_get_raw_dn(old, &before) < 0 ||
		      gnutls_x509_crt_get_raw_dn(crt, &after) < 0))
		r = CA_EINTERNAL;
	if (!r && (memcmp(spki_before, spki_after, CA_SHA256) != 0 || before.size != after.size ||
		      memcmp(before.data, after.data, before.size) != 0)) {
		ca_logf(CA_LOG_ERROR, "an issuer's new certificate is not for the same issuer");
		r = CA_EINTERNAL;
	}
	gnutls_free(before.data);
	gnutls_free(after.data);
	gnutls_x509_crt_deinit(crt);
	return r;
}

static int certify_again(const struct ca_authority *parent, const struct ca_authority *issuer,
    const struct ca_constraints *constraints, const struct ca_urls *urls,
    struct store_authority *row)
{
	char common_name[CA_COMMON_NAME_MAX + 1], organization[CA_COMMON_NAME_MAX + 1];
	struct ca_authority_template tmpl = {
		.common_name = common_name,
		.pathlen = 0,
		.not_before = issuer->not_before,
		.not_after = issuer->not_after,
		.constraints = constraints,
	};
	struct ca_buf der = CA_BUF_INIT;
	int r;

	r = get_attribute(issuer->crt, GNUTLS_OID_X520_COMMON_NAME, common_name);
	if (!r)
		r = get_attribute(issuer->crt, GNUTLS_OID_X520_ORGANIZATION_NAME, organization);
	if (r)
		return r;
	tmpl.organization = organization[0] ? organization : NULL;
	r = ca_authority_create(
	    parent, issuer->key, &tmpl, urls, &der, row->serial, &row->serial_len);
	if (!r)
		r = check_same(issuer->crt, &der);
	if (!r)
		row->certificate.data = ca_buf_take(&der, &row->certificate.len);
	ca_buf_free(&der);
	return r;
}

int ca_tenant_reissue(const struct ca_installation *inst, const struct ca_authority *issuer,
    const struct ca_constraints *constraints, struct store_authority *row)
{
	const struct ca_urls urls = { inst->settings.revocation_url };
	const struct ca_authority *parent = ca_installation_authority_id(inst, issuer->parent_id);

	if (!parent || !issuer->key)
		return CA_ENOTFOUND;
	row->id = issuer->id;
	row->not_before = issuer->not_before;
	row->not_after = issuer->not_after;
	return certify_again(parent, issuer, constraints, &urls, row);
}
