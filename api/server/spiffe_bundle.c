#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <jose/b64.h>
#include <stdio.h>
#include <string.h>

#include "api/server/request.h"
#include "api/server/route.h"
#include "api/server/snapshot.h"
#include "ca/base/log.h"
#include "ca/installation.h"

/*
 * A tenant's roots as a SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4): a JWK set, each
 * key an authority of X.509-SVIDs.
 */

#define REFRESH_HINT 300  /* seconds */
#define COORDINATE_MAX 66 /* octets; P-521's */

/* An unsigned number as JWK has it (RFC 7518, section 6): big-endian, base64url; size 0: as short
 * as it is, else filled up with zeros in front. */
static json_t *number(const gnutls_datum_t *value, size_t size)
{
	unsigned char padded[COORDINATE_MAX] = { 0 };

	if (size == 0)
		return jose_b64_enc(value->data, value->size);
	if (size > sizeof(padded) || value->size > size)
		return NULL;
	memcpy(padded + size - value->size, value->data, value->size);
	return jose_b64_enc(padded, size);
}

static json_t *rsa_key(gnutls_pubkey_t pubkey)
{
	gnutls_datum_t n = { 0 }, e = { 0 };
	json_t *key = NULL;

	if (gnutls_pubkey_export_rsa_raw2(pubkey, &n, &e, GNUTLS_EXPORT_FLAG_NO_LZ) == 0)
		key = json_pack(
		    "{s:s, s:o, s:o}", "kty", "RSA", "n", number(&n, 0), "e", number(&e, 0));
	gnutls_free(n.data);
	gnutls_free(e.data);
	return key;
}

/* RFC 7518, section 6.2.1. */
static json_t *ec_key(gnutls_pubkey_t pubkey)
{
	gnutls_datum_t x = { 0 }, y = { 0 };
	gnutls_ecc_curve_t curve;
	json_t *key = NULL;

	if (gnutls_pubkey_export_ecc_raw2(pubkey, &curve, &x, &y, GNUTLS_EXPORT_FLAG_NO_LZ) == 0) {
		size_t size = (size_t)gnutls_ecc_curve_get_size(curve);

		key = json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv",
		    curve == GNUTLS_ECC_CURVE_SECP256R1 ? "P-256" : "P-384", "x", number(&x, size),
		    "y", number(&y, size));
	}
	gnutls_free(x.data);
	gnutls_free(y.data);
	return key;
}

/* A CA's key is RSA, or on P-256 or P-384. NULL: it could not be told. */
static json_t *public_key(gnutls_x509_crt_t crt)
{
	gnutls_pubkey_t pubkey = NULL;
	json_t *key = NULL;

	if (gnutls_pubkey_init(&pubkey))
		return NULL;
	if (gnutls_pubkey_import_x509(pubkey, crt, 0) == 0)
		key = gnutls_pubkey_get_pk_algorithm(pubkey, NULL) == GNUTLS_PK_RSA
			  ? rsa_key(pubkey)
			  : ec_key(pubkey);
	gnutls_pubkey_deinit(pubkey);
	return key;
}

/* Base64 with its padding, as x5c has it (RFC 7517, section 4.7), unlike all else in JOSE. */
static json_t *x5c(const struct ca_authority *root)
{
	const gnutls_datum_t der = { root->der, (unsigned)root->der_len };
	gnutls_datum_t text = { 0 };
	json_t *chain;

	if (gnutls_base64_encode2(&der, &text))
		return NULL;
	chain = json_pack("[s%]", text.data, (size_t)text.size);
	gnutls_free(text.data);
	return chain;
}

static int add_key(const struct ca_authority *root, void *arg)
{
	json_t *key = public_key(root->crt);
	json_t *chain = x5c(root);

	if (!key || !chain) {
		ca_logf(CA_LOG_ERROR, "the key of the root %s has no form as a JWK", root->name);
		json_decref(key);
		json_decref(chain);
		return CA_EINTERNAL;
	}
	if (json_object_set_new(key, "x5c", chain) ||
	    json_object_set_new(key, "use", json_string("x509-svid"))) {
		json_decref(key);
		return CA_ENOMEM;
	}
	return json_array_append_new(arg, key) ? CA_ENOMEM : 0;
}

int server_spiffe_bundle(struct server_request *request)
{
	const struct ca_installation *installation = request->snapshot->installation;
	const struct server_tenant *tenant =
	    server_snapshot_tenant_name(request->snapshot, request->parameter);
	json_t *keys;
	int r;

	if (!tenant || tenant->row.removed_at || !tenant->constraints.trust_domain[0])
		return ca_refuse(&request->why, CA_ENOTFOUND,
		    "there is no tenant %.64s with a trust domain", request->parameter);
	keys = json_array();
	r = ca_installation_trust_bundle(installation, tenant->row.id, add_key, keys);
	if (r) {
		json_decref(keys);
		return r;
	}
	return server_answer_json(request, 200,
	    json_pack("{s:I, s:i, s:o}", "spiffe_sequence",
		(json_int_t)ca_installation_trust_bundle_sequence(installation, tenant->row.id),
		"spiffe_refresh_hint", REFRESH_HINT, "keys", keys));
}
