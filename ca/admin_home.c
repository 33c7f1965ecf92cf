#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/admin_home.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/policy.h"

#define OPERATOR_PROFILE "operator"
#define FILE_CERTIFICATE "tls.crt"
#define FILE_KEY "tls.key"
#define FILE_ROOT "ca.crt"
#define FILE_URL "ca-url"

void ca_admin_draft_clear(struct ca_admin_draft *draft)
{
	ca_key_free(draft->key);
	draft->key = NULL;
	store_certificate_clear(&draft->row);
}

/* The same way as every operator's: a request, judged by the profile. */
static int issue(const struct ca_authority *operators, const struct ca_csr *csr,
    const struct ca_urls *urls, int64_t now, struct store_certificate *row, struct ca_detail *why)
{
	const struct ca_policy_request request = {
		.profile = ca_profile_builtin(OPERATOR_PROFILE),
		.csr = csr,
		.now = now,
		.issuer_not_before = operators->not_before,
		.issuer_not_after = operators->not_after,
	};
	struct ca_grant grant = { 0 };
	int r;

	r = ca_policy_evaluate(&request, &grant, why);
	if (!r)
		r = ca_authority_issue(operators, csr, &grant, urls, row);
	ca_grant_clear(&grant);
	return r;
}

int ca_admin_draft_make(const struct ca_authority *operators, const char *name,
    const struct ca_urls *urls, int64_t now, struct ca_admin_draft *draft, struct ca_detail *why)
{
	const struct ca_names no_names = CA_NAMES_INIT;
	struct ca_buf pem = CA_BUF_INIT;
	struct ca_csr *csr = NULL;
	int r;

	if (strlen(name) >= sizeof(draft->op.name))
		return CA_EINVAL;
	r = ca_key_generate(CA_KEY_EC_P256, &draft->key);
	if (!r)
		r = ca_csr_create(draft->key, name, &no_names, &pem);
	if (!r)
		r = ca_csr_parse((const char *)pem.data, pem.len, &csr, why);
	if (!r)
		r = issue(operators, csr, urls, now, &draft->row, why);
	if (!r) {
		memcpy(draft->row.profile, OPERATOR_PROFILE, sizeof(OPERATOR_PROFILE));
		draft->row.issued_at = now;
		memcpy(draft->op.name, name, strlen(name) + 1);
		draft->op.role = STORE_ROLE_ADMIN;
		draft->op.created_at = now;
	}
	ca_csr_free(csr);
	ca_buf_free(&pem);
	return r;
}

int ca_admin_draft_record(struct store_tx *tx, struct ca_admin_draft *draft)
{
	int r;

	draft->op.id = 0;
	r = store_operator_add(tx, &draft->op);
	if (r)
		return r;
	draft->row.id = 0;
	draft->row.lineage_id = 0;
	draft->row.operator_id = draft->op.id;
	return store_certificate_add(tx, &draft->row);
}

static int write_file(const char *dir, const char *name, const struct ca_buf *content, mode_t mode)
{
	char *path = ca_path_join(dir, name);
	int r = ca_buf_error(content);

	if (!path)
		return CA_ENOMEM;
	if (!r)
		r = ca_file_write(path, content->data, content->len, mode, false);
	free(path);
	return r;
}

int ca_admin_home_write(const char *dir, const struct ca_admin_draft *draft,
    const struct ca_authority *operators, const struct ca_authority *root, const char *public_url)
{
	struct ca_buf crt = CA_BUF_INIT, key = CA_BUF_INIT, ca = CA_BUF_INIT, url = CA_BUF_INIT;
	int r;

	r = ca_pem_certificate(draft->row.der, draft->row.der_len, &crt);
	if (!r)
		r = ca_key_export_pem(draft->key, &key);
	if (r)
		goto out;
	ca_buf_add_str(&crt, operators->pem);
	ca_buf_add_str(&ca, root->pem);
	ca_buf_addf(&url, "%s\n", public_url);
	r = write_file(dir, FILE_CERTIFICATE, &crt, 0644);
	if (!r)
		r = write_file(dir, FILE_KEY, &key, 0600);
	if (!r)
		r = write_file(dir, FILE_ROOT, &ca, 0644);
	if (!r)
		r = write_file(dir, FILE_URL, &url, 0644);
out:
	ca_buf_free(&crt);
	ca_buf_free(&key);
	ca_buf_free(&ca);
	ca_buf_free(&url);
	return r;
}

void ca_admin_home_remove(const char *dir)
{
	static const char *const files[] = { FILE_CERTIFICATE, FILE_KEY, FILE_ROOT, FILE_URL };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = ca_path_join(dir, files[i]);

		if (path)
			unlink(path);
		free(path);
	}
	rmdir(dir);
}
