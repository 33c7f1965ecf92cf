/* The document's rules. */
#include <stdlib.h>
#include <string.h>

#include "api/server/policy_reader.h"

#define CLAIM_NAME_MAX 128
#define AUDIENCE_MAX 1024

/* What is read, and what of it stands in the document. */
struct rule {
	struct ca_rule *rule;
	const json_t *json;
	struct server_policy_source source;
	bool source_known;
};

/* ---- fields ---- */

static int read_name(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct rule *p = out;
	const char *name = "";
	int r = server_policy_read_string(reader, at, value, 0, SIZE_MAX, &name);

	if (!r)
		r = server_policy_check_name(reader, at, name, "rule");
	if (r)
		return r;
	for (size_t i = 0; i < reader->document.rules_len; i++)
		if (&reader->document.rules[i] != p->rule &&
		    strcmp(reader->document.rules[i].name, name) == 0)
			return server_policy_refuse(
			    reader, at, CA_EPOLICY, "two rules are called %s", name);
	memcpy(p->rule->name, name, strlen(name) + 1);
	return 0;
}

static int read_source(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	const struct server_policy_context *context = reader->context;
	struct rule *p = out;
	const char *name = "";
	int r = server_policy_read_string(reader, at, value, 0, SIZE_MAX, &name);

	if (!r)
		r = server_policy_check_name(reader, at, name, "source");
	if (r)
		return r;
	memcpy(p->rule->source, name, strlen(name) + 1);
	if (!context || !context->source)
		return 0;
	r = context->source(context->arg, name, &p->source);
	if (r == CA_ENOTFOUND)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "there is no source called %s", name);
	p->source_known = !r;
	return r;
}

static int read_audience(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct rule *p = out;

	return server_policy_read_text(reader, at, value, AUDIENCE_MAX, &p->rule->audience);
}

static int read_claim(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, struct ca_claim *claim)
{
	int r;

	if (json_is_integer(value) || json_is_boolean(value))
		return server_policy_refuse(reader, at, CA_EPOLICY,
		    "this is to be a string: a number or a truth value stands in quotes");
	if (!at->key[0] || strlen(at->key) > CLAIM_NAME_MAX)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "a claim's name has 1 to %d octets", CLAIM_NAME_MAX);
	r = server_policy_read_text(reader, at, value, CA_CLAIM_VALUE_MAX, &claim->value);
	if (r)
		return r;
	claim->name = strdup(at->key);
	return claim->name ? 0 : CA_ENOMEM;
}

static int read_match(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct rule *p = out;
	const char *name;
	json_t *member;
	int r = 0;

	if (!json_is_object(value))
		return server_policy_refuse(reader, at, CA_EPOLICY, "match is a JSON object");
	if (json_object_size(value) > CA_CLAIMS_MAX)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "more than %d claims", CA_CLAIMS_MAX);
	p->rule->match = calloc(json_object_size(value) + 1, sizeof(*p->rule->match));
	if (!p->rule->match)
		return CA_ENOMEM;
	json_object_foreach(value, name, member)
	{
		const struct server_policy_place place = { .up = at, .key = name };

		/* Counted first: what it holds by then is freed with the rule. */
		r = read_claim(reader, &place, member, &p->rule->match[p->rule->match_len++]);
		if (r)
			break;
	}
	return r;
}

static int read_profile(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	const struct ca_profile *profile;
	struct rule *p = out;
	const char *name = "";
	int r = server_policy_read_string(reader, at, value, 0, SIZE_MAX, &name);

	if (!r)
		r = server_policy_check_name(reader, at, name, "profile");
	if (r)
		return r;
	profile = ca_document_profile(&reader->document, name);
	if (!profile)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "there is no profile called %s", name);
	if (profile->for_operators)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "no rule makes an operator: an admin does");
	memcpy(p->rule->profile, name, strlen(name) + 1);
	return 0;
}

static int read_wildcards(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	const struct ca_ceiling *ceiling = reader->context ? reader->context->ceiling : NULL;
	struct rule *p = out;
	int r = server_policy_read_bool(reader, at, value, &p->rule->wildcards);

	if (!r && p->rule->wildcards && ceiling && !(ceiling->allowed & CA_ALLOW_WILDCARDS))
		r = server_policy_refuse(
		    reader, at, CA_ECEILING, "the tenant may not have wildcard names");
	return r;
}

static int read_names(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct rule *p = out;

	return server_policy_read_patterns(reader, at, value, true, &p->rule->names);
}

static int read_common_names(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *out)
{
	struct rule *p = out;

	return server_policy_read_globs(reader, at, value, true, &p->rule->common_names);
}

/* ---- is it safe to rest on these claims? ---- */

static bool is_evidence(const struct rule *p, const char *claim)
{
	static const char *const account[] = { "ns", "sa", "pod", "pod_uid", "node" };

	if (p->source.oidc)
		return ca_claim_is_evidence(claim);
	for (size_t i = 0; i < sizeof(account) / sizeof(*account); i++)
		if (strcmp(account[i], claim) == 0)
			return true;
	return false;
}

/* A glob that leaves something out. */
static bool selects(const char *glob)
{
	return strspn(glob, "*") < strlen(glob);
}

static bool is_matched(const struct rule *p, const char *claim)
{
	for (size_t i = 0; i < p->rule->match_len; i++)
		if (strcmp(p->rule->match[i].name, claim) == 0 && selects(p->rule->match[i].value))
			return true;
	return false;
}

static int check_match(
    struct server_policy_reader *reader, const struct server_policy_place *at, const struct rule *p)
{
	const struct server_policy_place match = { .up = at, .key = "match" };
	bool found = false;

	for (size_t i = 0; i < p->rule->match_len; i++) {
		const struct server_policy_place place = { .up = &match,
			.key = p->rule->match[i].name };

		if (!p->source.oidc && !is_evidence(p, p->rule->match[i].name))
			return server_policy_refuse(reader, &place, CA_EPOLICY,
			    "a service account has no claim %.64s, but ns, sa, pod, pod_uid, node",
			    p->rule->match[i].name);
		found = found || (is_evidence(p, p->rule->match[i].name) &&
				     selects(p->rule->match[i].value));
	}
	if (p->source.oidc && !found)
		return server_policy_refuse(reader, json_object_get(p->json, "match") ? &match : at,
		    CA_EPOLICY,
		    "match names no claim that its bearer cannot choose, with a value that is "
		    "more than stars");
	return 0;
}

/* The claim of the next placeholder, and where it ends; NULL: no more. */
static const char *next_placeholder(const char *text, char claim[CLAIM_NAME_MAX + 1])
{
	const char *open = strchr(text, '{');
	size_t len = open ? strcspn(open + 1, "}") : 0;

	if (!open || len > CLAIM_NAME_MAX)
		return NULL;
	memcpy(claim, open + 1, len);
	claim[len] = '\0';
	return open + 1 + len;
}

static const char *const name_types[] = { "dns", "ip", "uri", "email" };

static int check_pattern(struct server_policy_reader *reader, const struct server_policy_place *at,
    const struct rule *p, const char *text, bool namespace_needed)
{
	char claim[CLAIM_NAME_MAX + 1];
	bool has_namespace = false;

	for (const char *rest = next_placeholder(text, claim); rest;
	     rest = next_placeholder(rest, claim)) {
		has_namespace = has_namespace || strcmp(claim, "ns") == 0;
		if (is_evidence(p, claim))
			continue;
		return server_policy_refuse(reader, at, CA_EPOLICY,
		    p->source.oidc ? "{%s} is a claim that its bearer may choose, or that is the "
				     "same for everybody: no name is made of it"
				   : "a service account has no claim %s, but ns, sa, pod, pod_uid, "
				     "node",
		    claim);
	}
	if (namespace_needed && !has_namespace)
		return server_policy_refuse(reader, at, CA_EPOLICY,
		    "a service account of any namespace could have this: match ns, or write {ns} "
		    "into the name");
	return 0;
}

static int check_names(
    struct server_policy_reader *reader, const struct server_policy_place *at, const struct rule *p)
{
	const struct server_policy_place names = { .up = at, .key = "names" };
	bool namespace_needed = !p->source.oidc && !is_matched(p, "ns");
	int r = 0;

	for (size_t t = 0; t < sizeof(name_types) / sizeof(*name_types); t++) {
		const json_t *list =
		    json_object_get(json_object_get(p->json, "names"), name_types[t]);
		const struct server_policy_place type = { .up = &names, .key = name_types[t] };

		for (size_t i = 0; !r && i < json_array_size(list); i++) {
			const struct server_policy_place place = { .up = &type, .index = i };

			r = check_pattern(reader, &place, p,
			    json_string_value(json_array_get(list, i)), namespace_needed);
		}
	}
	return r;
}

static int check_common_names(
    struct server_policy_reader *reader, const struct server_policy_place *at, const struct rule *p)
{
	const struct server_policy_place globs = { .up = at, .key = "common_names" };
	const json_t *list = json_object_get(p->json, "common_names");
	bool namespace_needed = !p->source.oidc && !is_matched(p, "ns");
	int r = 0;

	for (size_t i = 0; !r && i < json_array_size(list); i++) {
		const struct server_policy_place place = { .up = &globs, .index = i };

		r = check_pattern(reader, &place, p, json_string_value(json_array_get(list, i)),
		    namespace_needed);
	}
	return r;
}

/* ---- a whole rule ---- */

static int check_required(
    struct server_policy_reader *reader, const struct server_policy_place *at, const struct rule *p)
{
	static const char *const required[] = { "name", "source", "profile" };
	const struct server_policy_place names = { .up = at, .key = "names" };
	const struct server_policy_place globs = { .up = at, .key = "common_names" };
	const struct ca_profile *profile;

	for (size_t i = 0; i < sizeof(required) / sizeof(*required); i++)
		if (!json_object_get(p->json, required[i]))
			return server_policy_refuse(
			    reader, at, CA_EPOLICY, "a rule needs the field %s", required[i]);
	profile = ca_document_profile(&reader->document, p->rule->profile);
	if (p->rule->common_names.n && profile->common_names.n == 0)
		return server_policy_refuse(reader, &globs, CA_EPOLICY,
		    "the profile %s takes no common name that is no name of the certificate",
		    profile->name);
	if (p->rule->names.n == 0 && p->rule->common_names.n == 0)
		return server_policy_refuse(reader, json_object_get(p->json, "names") ? &names : at,
		    CA_EPOLICY, "a rule needs names or common_names, with one pattern at least");
	return 0;
}

static int check_source(
    struct server_policy_reader *reader, const struct server_policy_place *at, const struct rule *p)
{
	int r;

	if (!p->source_known)
		return 0;
	if (p->source.oidc && !p->source.audience && !p->rule->audience)
		return server_policy_refuse(reader, at, CA_EPOLICY,
		    "the source %s names no audience, so the rule must", p->rule->source);
	r = check_match(reader, at, p);
	if (r)
		return r;
	r = check_names(reader, at, p);
	return r ? r : check_common_names(reader, at, p);
}

static int read_rule(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *unused)
{
	static const struct server_policy_field fields[] = {
		{ "name", read_name },
		{ "source", read_source },
		{ "audience", read_audience },
		{ "match", read_match },
		{ "profile", read_profile },
		{ "wildcards", read_wildcards },
		{ "names", read_names },
		{ "common_names", read_common_names },
		{ 0 },
	};
	struct ca_document *document = &reader->document;
	/* Counted first: what it holds by then is freed with the document. */
	struct rule p = { .rule = &document->rules[document->rules_len++], .json = value };
	int r = server_policy_read_object(reader, at, value, fields, "a rule", &p);

	(void)unused;
	if (!r)
		r = check_required(reader, at, &p);
	return r ? r : check_source(reader, at, &p);
}

int server_policy_read_rules(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, void *unused)
{
	struct ca_document *document = &reader->document;

	document->rules = calloc(json_array_size(value) + 1, sizeof(*document->rules));
	if (!document->rules)
		return CA_ENOMEM;
	return server_policy_read_array(reader, at, value, CA_POLICY_RULES_MAX, read_rule, unused);
}
