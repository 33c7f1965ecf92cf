#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/authority_draft.h"
#include "ca/base/file.h"
#include "ca/base/text.h"
#include "ca/init_plan.h"
#include "ca/url.h"

#define PARTIAL "init.partial"
#define NAME_MAX_OCTETS 64 /* ub-organization-name, RFC 5280, appendix A.1 */

void ca_init_plan_clear(struct ca_init_plan *plan)
{
	free(plan->state);
	free(plan->database);
	free(plan->admin);
	free(plan->master_key);
	free(plan->partial);
	free(plan->partial_database);
	free(plan->partial_admin);
	free(plan->name);
	free(plan->public_url);
	free(plan->revocation_url);
	ca_names_free(&plan->names);
	memset(plan, 0, sizeof(*plan));
}

static int set_paths(
    const struct ca_init_options *options, struct ca_init_plan *plan, struct ca_detail *why)
{
	if (ca_empty(options->state))
		return ca_refuse(why, CA_EINVAL, "no state directory is given");
	plan->state = strdup(options->state);
	plan->database = ca_path_join(options->state, CA_STATE_DB);
	plan->admin = ca_path_join(options->state, CA_STATE_ADMIN);
	plan->partial = ca_path_join(options->state, PARTIAL);
	if (!plan->state || !plan->database || !plan->admin || !plan->partial)
		return CA_ENOMEM;
	plan->partial_database = ca_path_join(plan->partial, CA_STATE_DB);
	plan->partial_admin = ca_path_join(plan->partial, CA_STATE_ADMIN);
	plan->master_key = options->master_key ? strdup(options->master_key)
					       : ca_path_join(options->state, CA_STATE_MASTER_KEY);
	return plan->partial_database && plan->partial_admin && plan->master_key ? 0 : CA_ENOMEM;
}

static int set_name(const char *name, struct ca_init_plan *plan, struct ca_detail *why)
{
	if (!name)
		name = "Mica";
	if (!name[0] || strlen(name) > NAME_MAX_OCTETS)
		return ca_refuse(why, CA_EINVAL, "the installation's name has 1 to 64 characters");
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p > '~')
			return ca_refuse(why, CA_EINVAL,
			    "the installation's name is of printable ASCII characters only");
	plan->name = strdup(name);
	return plan->name ? 0 : CA_ENOMEM;
}

static int add(struct ca_names *names, enum ca_name_type type, const char *value)
{
	return ca_names_add(names, type, value, strlen(value), NULL);
}

/* A host's name that no certificate can carry ("my_laptop") is left out. */
static int default_names(struct ca_names *names)
{
	char host[256] = "";
	int r;

	r = add(names, CA_NAME_DNS, "localhost");
	if (!r && gethostname(host, sizeof(host) - 1) == 0) {
		r = add(names, CA_NAME_DNS, host);
		if (r == CA_ENAME)
			r = 0;
	}
	if (!r)
		r = add(names, CA_NAME_IP, "127.0.0.1");
	if (!r)
		r = add(names, CA_NAME_IP, "::1");
	return r;
}

static int set_names(const struct ca_names *given, struct ca_init_plan *plan, struct ca_detail *why)
{
	if (!given || given->n == 0)
		return default_names(&plan->names);
	for (size_t i = 0; i < given->n; i++) {
		enum ca_name_type type = given->v[i].type;

		if ((type != CA_NAME_DNS && type != CA_NAME_IP) || given->v[i].value[0] == '*')
			return ca_refuse(why, CA_EINVAL,
			    "micad's own names are DNS names without a wildcard and addresses: %s",
			    given->v[i].value);
	}
	return ca_names_copy(given, &plan->names);
}

static int default_public_url(const struct ca_names *names, char **out)
{
	const char *dns = ca_names_first(names, CA_NAME_DNS);
	const char *host = dns ? dns : ca_names_first(names, CA_NAME_IP);
	struct ca_buf url = CA_BUF_INIT;
	size_t len;

	ca_buf_addf(&url, host && strchr(host, ':') ? "https://[%s]:8443" : "https://%s:8443",
	    host ? host : "localhost");
	*out = (char *)ca_buf_take(&url, &len);
	return *out ? 0 : CA_ENOMEM;
}

static int set_urls(
    const struct ca_init_options *options, struct ca_init_plan *plan, struct ca_detail *why)
{
	struct ca_names host = CA_NAMES_INIT;
	int r;

	if (options->revocation_url) {
		r = ca_url_check(options->revocation_url, "http", &plan->revocation_url, NULL, why);
		if (r)
			return r;
	}
	if (!options->public_url)
		return default_public_url(&plan->names, &plan->public_url);
	r = ca_url_check(options->public_url, "https", &plan->public_url, &host, why);
	if (!r && !ca_names_has(&plan->names, host.v[0].type, host.v[0].value))
		r = ca_refuse(why, CA_EINVAL,
		    "the public URL's host %.100s is not among micad's own names", host.v[0].value);
	ca_names_free(&host);
	return r;
}

int ca_init_plan_make(
    const struct ca_init_options *options, struct ca_init_plan *plan, struct ca_detail *why)
{
	int r;

	r = set_paths(options, plan, why);
	if (!r)
		r = set_name(options->name, plan, why);
	if (!r)
		r = set_names(options->names, plan, why);
	if (!r)
		r = set_urls(options, plan, why);
	if (!r)
		r = ca_authority_key_type(options->key_type, CA_KEY_RSA_2048, &plan->key_type, why);
	if (!r)
		r = ca_authority_key_type(
		    options->root_key_type, CA_KEY_RSA_3072, &plan->root_key_type, why);
	plan->root_lifetime = options->root_lifetime;
	plan->issuer_lifetime = options->issuer_lifetime;
	return r ? r : ca_authority_lifetimes(&plan->root_lifetime, &plan->issuer_lifetime, why);
}
