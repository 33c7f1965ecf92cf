#include "api/server/decision.h"
#include "ca/base/clock.h"

static void begin(const struct ca_installation *installation, const struct ca_authority *issuer,
    const struct ca_csr *csr, int64_t ttl, struct ca_policy_request *out)
{
	*out = (struct ca_policy_request){
		.csr = csr,
		.reserved = &installation->settings.names,
		.reserved_keys = (const unsigned char(*)[CA_SHA256])installation->reserved_keys,
		.reserved_keys_len = installation->reserved_keys_len,
		.ttl = ttl,
		.now = ca_now(),
		.issuer_not_before = issuer->not_before,
		.issuer_not_after = issuer->not_after,
	};
}

int server_decision_begin(const struct server_snapshot *snapshot,
    const struct server_tenant *tenant, const struct ca_csr *csr, int64_t ttl,
    struct ca_policy_request *out, const struct ca_authority **issuer)
{
	const struct ca_authority *signer = ca_installation_authority(
	    snapshot->installation, tenant->row.id, STORE_AUTHORITY_ISSUER);

	if (!signer)
		return tenant->row.removed_at ? CA_ETENANTREMOVED : CA_EINTERNAL;
	begin(snapshot->installation, signer, csr, ttl, out);
	out->constraints = &tenant->constraints;
	out->ceiling = &tenant->ceiling;
	*issuer = signer;
	return 0;
}

int server_decision_operator(const struct server_snapshot *snapshot, const struct ca_csr *csr,
    int64_t ttl, struct ca_policy_request *out, const struct ca_authority **issuer)
{
	const struct ca_authority *signer = ca_installation_authority(
	    snapshot->installation, STORE_TENANT_SYSTEM, STORE_AUTHORITY_OPERATORS);

	if (!signer)
		return CA_EINTERNAL;
	begin(snapshot->installation, signer, csr, ttl, out);
	out->profile = ca_profile_builtin("operator");
	*issuer = signer;
	return 0;
}
