#include "contrib/bench/population.h"

#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/policy.h"
#include "store/operators.h"

#define SPAN                                                                                       \
	(60 * CA_DAY) /* from the first issuance to now; with the lifetimes: ends lie over 90      \
		       * days around now */
#define LIFETIME (15 * CA_DAY)        /* the shortest … */
#define LIFETIME_SPREAD (30 * CA_DAY) /* … and how much longer the longest */
#define GENERATIONS 4                 /* certificates of one service */

/* A well mixed number out of a few (the finaliser of splitmix64). */
static uint64_t mix(uint64_t seed, uint64_t what, uint64_t n)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + what * 0xd1b54a32d192ed03u + n;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

enum { ADDRESS, SUFFIX, KINDS, COMMON_NAME, LIFE, REVOKED, REQUEST };

/* ---- what a service is called ---- */

static int add_name(struct ca_names *names, enum ca_name_type type, const char *text)
{
	return ca_names_add(names, type, text, strlen(text), NULL);
}

static int add_cluster_names(
    const struct bench_population *population, uint64_t service, struct ca_names *names)
{
	uint64_t address = mix(population->seed, ADDRESS, service);
	char text[128];
	int r;

	snprintf(text, sizeof(text), "svc-%" PRIu64 ".team-%" PRIu64 ".svc.cluster.local", service,
	    service % 97);
	r = add_name(names, CA_NAME_DNS, text);
	snprintf(text, sizeof(text), "10.%u.%u.%u", (unsigned)(address & 255),
	    (unsigned)(address >> 8 & 255), (unsigned)(address >> 16 & 255));
	return r ? r : add_name(names, CA_NAME_IP, text);
}

static int add_nodes(uint64_t service, struct ca_names *names)
{
	char text[128];
	int r = 0;

	for (unsigned node = 0; node < 8 && !r; node++) {
		snprintf(
		    text, sizeof(text), "node-%u.svc-%" PRIu64 ".example.internal", node, service);
		r = add_name(names, CA_NAME_DNS, text);
	}
	return r;
}

/* One DNS name; every fifth service has one in the cluster and an address too, every fiftieth one
 * for each of its nodes. */
static int service_names(
    const struct bench_population *population, uint64_t service, struct ca_names *names)
{
	static const char *const suffixes[] = { "example.internal", "example.internal",
		"example.internal", "eu.example.internal", "example.net" };
	uint64_t kind = mix(population->seed, KINDS, service);
	char text[128];
	int r;

	snprintf(text, sizeof(text), "svc-%" PRIu64 ".team-%" PRIu64 ".%s", service, service % 97,
	    suffixes[mix(population->seed, SUFFIX, service) % 5]);
	r = add_name(names, CA_NAME_DNS, text);
	if (!r && kind % 5 == 0)
		r = add_cluster_names(population, service, names);
	if (!r && kind % 50 == 1)
		r = add_nodes(service, names);
	return r;
}

/* ---- one certificate ---- */

static int decide(const struct bench_population *population, size_t i, const struct ca_csr *csr,
    int64_t issued_at, struct ca_grant *grant)
{
	const struct ca_policy_request policy = {
		.profile = ca_profile_builtin("service"),
		.csr = csr,
		.reserved = &population->installation->settings.names,
		.ttl = LIFETIME + (int64_t)(mix(population->seed, LIFE, i) % LIFETIME_SPREAD),
		.now = issued_at,
		.issuer_not_before = population->issuer.not_before,
		.issuer_not_after = population->issuer.not_after,
	};

	return ca_policy_evaluate(&policy, grant, NULL);
}

static int sign(const struct bench_population *population, size_t i, const struct ca_csr *csr,
    int64_t issued_at, struct store_certificate *row)
{
	const struct ca_urls urls = { population->installation->settings.revocation_url };
	struct ca_grant grant = { 0 };
	int r = decide(population, i, csr, issued_at, &grant);

	if (!r)
		r = ca_authority_issue(&population->issuer, csr, &grant, &urls, row);
	ca_grant_clear(&grant);
	return r;
}

static void set_history(
    const struct bench_population *population, size_t i, struct store_certificate *row)
{
	if (i >= population->services) {
		row->parent_id = population->first_id + (int64_t)(i - population->services);
		row->lineage_id = population->first_id + (int64_t)(i % population->services);
	}
	if (mix(population->seed, REVOKED, i) % 100 == 0) {
		row->status = STORE_REVOKED;
		row->revoked_at = row->issued_at + CA_HOUR;
		row->revocation_reason = 4;
	}
}

int bench_population_issue(
    const struct bench_population *population, size_t i, struct store_certificate *row)
{
	struct ca_csr csr = population->leaves[i % BENCH_LEAF_KEYS];
	uint64_t service = i % population->services;
	uint64_t request = mix(population->seed, REQUEST, i);
	int64_t issued_at = population->now - SPAN +
			    (int64_t)((double)SPAN * ((double)i / (double)population->total));
	struct ca_names names = CA_NAMES_INIT;
	int r = service_names(population, service, &names);

	csr.names = names;
	if (!r && mix(population->seed, COMMON_NAME, service) % 2)
		csr.common_name = names.v[0].value;
	for (size_t k = 0; k < CA_SHA256; k += sizeof(request))
		memcpy(csr.request_sha256 + k, &request, sizeof(request));
	if (!r)
		r = sign(population, i, &csr, issued_at, row);
	ca_names_free(&names);
	if (r)
		return r;
	row->issued_at = issued_at;
	row->issued_by = population->issued_by;
	snprintf(row->profile, sizeof(row->profile), "service");
	set_history(population, i, row);
	return 0;
}

/* ---- what all have in common ---- */

static int set_spki(struct ca_csr *leaf, const gnutls_datum_t *spki)
{
	unsigned char *copy = malloc(spki->size);

	if (!copy)
		return CA_ENOMEM;
	memcpy(copy, spki->data, spki->size);
	leaf->spki = copy; /* transferred */
	leaf->spki_len = spki->size;
	return 0;
}

static int make_leaf(struct ca_csr *leaf)
{
	gnutls_datum_t spki = { NULL, 0 };
	struct ca_key *key = NULL;
	int r = ca_key_generate(CA_KEY_RSA_2048, &key);

	if (r)
		return r;
	leaf->key_type = CA_KEY_RSA_2048;
	r = ca_key_spki_sha256(key, leaf->spki_sha256);
	if (!r && gnutls_pubkey_export2(ca_key_pubkey(key), GNUTLS_X509_FMT_DER, &spki) < 0)
		r = CA_ENOMEM;
	if (!r)
		r = set_spki(leaf, &spki);
	gnutls_free(spki.data);
	ca_key_free(key);
	return r;
}

/* The first operator's certificate stands for whoever asked; without one it is micad itself. */
static int64_t find_requester(struct store_tx *tx)
{
	struct store_certificate row = { 0 };
	struct store_operator admin;
	int64_t id = 0;

	if (store_operator_get_name(tx, "admin", &admin) == 0 &&
	    store_certificate_of_operator(tx, admin.id, &row) == 0)
		id = row.id;
	store_certificate_clear(&row);
	return id;
}

int bench_population_begin(struct bench_population *population,
    const struct ca_installation *installation, struct store_tx *tx)
{
	const struct ca_authority *issuer =
	    ca_installation_authority(installation, STORE_TENANT_DEFAULT, STORE_AUTHORITY_ISSUER);
	int r = issuer ? 0 : CA_ENOTFOUND;

	if (r)
		return r;
	population->installation = installation;
	population->now = ca_now();
	population->services = population->total / GENERATIONS + 1;
	population->issued_by = find_requester(tx);
	population->issuer = *issuer;
	population->issuer.not_before = population->now - SPAN - CA_DAY;
	for (size_t i = 0; i < BENCH_LEAF_KEYS && !r; i++)
		r = make_leaf(&population->leaves[i]);
	return r;
}

void bench_population_clear(struct bench_population *population)
{
	for (size_t i = 0; i < BENCH_LEAF_KEYS; i++)
		free(population->leaves[i].spki);
	*population = (struct bench_population){ 0 };
}
