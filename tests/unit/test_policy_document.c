#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "ca/csr.h"
#include "ca/key.h"
#include "tests/unit/policy_support.h"
#include "tests/unit/support.h"

static void takes(void **state)
{
	static const char *const good[] = {
		"{}",
		" \r\n\t{} \n",
		"{\"profiles\": {}, \"rules\": []}",
		"{\"rules\": []}",
		PROFILE(""),
		PROFILE("\"key_types\": [\"rsa\", \"rsa:2048\", \"rsa:2048\"]"),
		PROFILE("\"grace\": \"0s\""),
		PROFILE("\"names\": {}"),
		PROFILE("\"names\": {\"dns\": [\"**\"], \"ip\": [\"0.0.0.0/0\", \"::/0\"]}"),
		PROFILE("\"names\": {\"email\": [\"*@example.org\"]}"),
		PROFILE("\"spiffe\": true, \"names\": {\"uri\": [\"spiffe://example.org/**\"]}"),
		PROFILE("\"max_lifetime\": \"1h\""),
		PROFILE("\"default_lifetime\": \"200d\""),
		PROFILE("\"subject\": {}"),
		PROFILE("\"common_names\": [\"app_*\", \"*a*b*\"]"),
		"{\"profiles\": {\"service\": {}}}",
		RULE("\"wildcards\": true"),
		RULE("\"audience\": \"https://ca.internal:8443\""),
		WHOLE(KUBERNETES "\"names\": {\"dns\": [\"*.{ns}.svc\", \"{sa}.{ns}.svc\"]}"),
		WHOLE(KUBERNETES "\"match\": {\"ns\": \"*\", \"sa\": \"a\"}, \"names\": {\"dns\": "
				 "[\"{ns}.svc\"]}"),
		WHOLE(KUBERNETES "\"match\": {\"ns\": \"team-*\"}, \"names\": {\"dns\": "
				 "[\"{pod}.svc\"]}"),
		("{\"profiles\": {\"db\": {\"common_names\": [\"*\", \"app*\"]}}, \"rules\": [{"
		 "\"name\": \"r\", \"source\": \"prod\", \"match\": {\"ns\": \"a\"}, "
		 "\"profile\": \"db\", \"common_names\": [\"app_*\"]}]}"),
		("{\"rules\": [{\"name\": \"r\", \"source\": \"prod\", \"profile\": "
		 "\"database-client\", \"common_names\": [\"{ns}_{sa}\", \"app_{ns}\"]}]}"),
		WHOLE(OIDC "\"match\": {\"repository\": \"a/b\", \"ref\": \"main\"}, \"names\": "
			   "{\"dns\": [\"{repository_owner}.svc\"]}"),
		WHOLE("\"name\": \"r\", \"source\": \"bare\", \"audience\": \"ca\", \"profile\": "
		      "\"service\", \"match\": {\"sub\": \"x\"}, \"names\": {\"dns\": "
		      "[\"a.svc\"]}"),
		/* a profile that stands behind the rule, and is the ready-made one's namesake */
		("{\"rules\": [{\"profile\": \"web\", \"names\": {\"dns\": [\"{ns}.svc\"]}, "
		 "\"source\": \"prod\", \"name\": \"r\"}], \"profiles\": {\"web\": {}}}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct ca_document document = { 0 };
		struct server_policy_error error;

		if (policy_parse(good[i], &policy_all, NULL, &document, &error)) {
			print_error("%s\n%s\n", good[i], error.detail.text);
			fail();
		}
		ca_document_clear(&document);
	}
}

static void takes_within_bounds(void **state)
{
	static const char *const good[] = {
		PROFILE(""),
		PROFILE("\"names\": {\"dns\": [\"web.internal\", \"a.web.internal\", "
			"\"*.web.internal\", \"**\", \"**.internal\", \"*.internal\", "
			"\"a-*.b.web.internal\", \"*web.internal\"]}"),
		PROFILE("\"names\": {\"ip\": [\"10.1.2.3\", \"10.1.2.0/24\", \"10.0.0.0/8\", "
			"\"0.0.0.0/0\"]}"),
		PROFILE("\"names\": {\"uri\": [\"spiffe://example.org/**\", "
			"\"https://example.org/a\"]}"),
		WHOLE(KUBERNETES "\"names\": {\"dns\": [\"{ns}.svc\", \"*.{ns}.svc\"], \"uri\": "
				 "[\"spiffe://example.org/ns/{ns}/sa/{sa}\"]}"),
	};
	struct ca_constraints bounds = policy_bounds();

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct ca_document document = { 0 };
		struct server_policy_error error;

		if (policy_parse(good[i], &policy_low, &bounds, &document, &error)) {
			print_error("%s\n%s\n", good[i], error.detail.text);
			fail();
		}
		ca_document_clear(&document);
	}
	ca_constraints_clear(&bounds);
}

static void reads_every_field(void **state)
{
	static const char text[] =
	    "{\"profiles\": {\"web\": {\"key_types\": [\"rsa:2048\", \"ec:p256\"],"
	    "\"key_usages\": [\"digitalSignature\", \"keyAgreement\"],"
	    "\"ext_key_usages\": [\"serverAuth\"], \"default_lifetime\": \"2d\","
	    "\"max_lifetime\": \"30d\", \"renewal_point\": 50, \"grace\": \"12h\","
	    "\"max_names\": 20, \"wildcards\": false,"
	    "\"names\": {\"dns\": [\"*.Web.internal\"], \"ip\": [\"10.0.0.0/8\"]},"
	    "\"common_names\": [\"app_*\"], \"new_key\": true, \"subject\": {\"organization\": "
	    "\"Example\", \"organizational_unit\": \"Web\"}}},"
	    "\"rules\": [{\"name\": \"pay\", \"source\": \"prod\", \"audience\": \"ca\","
	    "\"match\": {\"ns\": \"pay\", \"sa\": \"*\"}, \"profile\": \"web\", \"wildcards\": "
	    "true,"
	    "\"names\": {\"dns\": [\"*.{ns}.svc\"], \"uri\": [\"spiffe://example.org/{sa}\"]}}]}";
	struct ca_document document = { 0 };
	struct server_policy_error error;
	const struct ca_profile *profile;
	const struct ca_rule *rule;

	(void)state;
	assert_int_equal(policy_parse(text, &policy_all, NULL, &document, &error), 0);
	assert_int_equal(document.profiles_len, 1);
	assert_int_equal(document.rules_len, 1);
	profile = document.profiles;
	assert_string_equal(profile->name, "web");
	assert_int_equal(profile->key_types, 1u << CA_KEY_RSA_2048 | 1u << CA_KEY_EC_P256);
	assert_int_equal(
	    profile->key_usage, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_AGREEMENT);
	assert_int_equal(profile->eku, CA_EKU_SERVER_AUTH);
	assert_int_equal(profile->default_lifetime, 2 * CA_DAY);
	assert_int_equal(profile->max_lifetime, 30 * CA_DAY);
	assert_int_equal(profile->renewal_point, 50);
	assert_int_equal(profile->grace, 12 * CA_HOUR);
	assert_int_equal(profile->names_max, 20);
	assert_false(profile->wildcards);
	assert_false(profile->any_name);
	assert_false(profile->spiffe);
	assert_true(profile->new_key);
	assert_int_equal(profile->names.n, 2);
	assert_string_equal(profile->names.v[0].text, "*.web.internal");
	assert_int_equal(profile->common_names.n, 1);
	assert_string_equal(profile->common_names.v[0].text, "app_*");
	assert_string_equal(profile->subject.organization, "Example");
	assert_string_equal(profile->subject.organizational_unit, "Web");
	rule = document.rules;
	assert_string_equal(rule->name, "pay");
	assert_string_equal(rule->source, "prod");
	assert_string_equal(rule->audience, "ca");
	assert_string_equal(rule->profile, "web");
	assert_true(rule->wildcards);
	assert_int_equal(rule->match_len, 2);
	assert_string_equal(rule->match[1].name, "sa");
	assert_string_equal(rule->match[1].value, "*");
	assert_int_equal(rule->names.n, 2);
	assert_string_equal(rule->names.v[0].text, "*.{ns}.svc");
	ca_document_clear(&document);
}

/* An absent field is as in the ready-made profile "service", cut by the ceiling. */
static void fills_what_is_absent(void **state)
{
	const struct ca_profile *service = ca_profile_builtin("service");
	struct ca_document document = { 0 };
	struct server_policy_error error;

	(void)state;
	assert_int_equal(policy_parse(PROFILE(""), &policy_all, NULL, &document, &error), 0);
	assert_int_equal(document.profiles[0].key_types, service->key_types);
	assert_int_equal(document.profiles[0].eku, service->eku);
	assert_int_equal(document.profiles[0].max_lifetime, service->max_lifetime);
	assert_true(document.profiles[0].any_name);
	assert_int_equal(document.profiles[0].wildcards, service->wildcards);
	ca_document_clear(&document);
	assert_int_equal(policy_parse(PROFILE(""), &policy_low, NULL, &document, &error), 0);
	assert_int_equal(document.profiles[0].max_lifetime, policy_low.max_lifetime);
	assert_false(document.profiles[0].wildcards);
	ca_document_clear(&document);
	assert_int_equal(
	    policy_parse(PROFILE("\"max_lifetime\": \"1h\""), &policy_all, NULL, &document, &error),
	    0);
	assert_int_equal(document.profiles[0].default_lifetime, CA_HOUR);
	ca_document_clear(&document);
	assert_int_equal(policy_parse(PROFILE("\"default_lifetime\": \"200d\""), &policy_all, NULL,
			     &document, &error),
	    0);
	assert_int_equal(document.profiles[0].max_lifetime, 200 * CA_DAY);
	ca_document_clear(&document);
}

/* Rules of sources that are gone, and a store that fails. */
static void asks_for_sources(void **state)
{
	static const char gone[] =
	    WHOLE("\"name\": \"r\", \"source\": \"gone\", \"profile\": \"service\",\n"
		  "\"names\": {\"dns\": [\"{whatever}.svc\"]}");
	struct ca_document document = { 0 };
	struct server_policy_error error;

	(void)state;
	assert_int_equal(policy_parse(gone, &policy_all, NULL, &document, &error), CA_EPOLICY);
	assert_int_equal(server_policy_parse(gone, strlen(gone), NULL, &document, &error), 0);
	assert_int_equal(document.rules_len, 1);
	ca_document_clear(&document);
	assert_int_equal(
	    policy_parse(WHOLE("\"source\": \"broken\""), &policy_all, NULL, &document, &error),
	    CA_ESTORE);
}

/* ---- large ones ---- */

static int parse_buf(struct ca_buf *text, struct server_policy_error *error)
{
	struct ca_document document = { 0 };
	int r = policy_parse(ca_buf_text(text), &policy_all, NULL, &document, error);

	assert_int_equal(ca_buf_error(text), 0);
	ca_document_clear(&document);
	ca_buf_free(text);
	return r;
}

static int parse_many(size_t profiles, size_t rules, struct server_policy_error *error)
{
	struct ca_buf text = CA_BUF_INIT;

	ca_buf_add_str(&text, "{\"profiles\": {");
	for (size_t i = 0; i < profiles; i++)
		ca_buf_addf(&text, "%s\n\"p%zu\": {}", i ? "," : "", i);
	ca_buf_add_str(&text, "},\n\"rules\": [");
	for (size_t i = 0; i < rules; i++)
		ca_buf_addf(&text,
		    "%s\n{\"name\": \"r%zu\", \"source\": \"prod\", \"profile\": \"service\", "
		    "\"names\": {\"dns\": [\"{ns}.svc\"]}}",
		    i ? "," : "", i);
	ca_buf_add_str(&text, "]}");
	return parse_buf(&text, error);
}

static void counts(void **state)
{
	struct server_policy_error error;

	(void)state;
	assert_int_equal(parse_many(CA_POLICY_PROFILES_MAX, CA_POLICY_RULES_MAX, &error), 0);
	assert_int_equal(parse_many(CA_POLICY_PROFILES_MAX + 1, 0, &error), CA_EPOLICY);
	assert_string_equal(error.pointer, "/profiles");
	assert_int_equal(parse_many(3, CA_POLICY_RULES_MAX + 1, &error), CA_EPOLICY);
	assert_string_equal(error.pointer, "/rules");
	assert_int_equal(error.line, 5);
}

static void has_bounds(void **state)
{
	struct ca_buf text = CA_BUF_INIT;
	struct server_policy_error error;

	(void)state;
	/* just as large as may be, and an octet more */
	ca_buf_add_str(&text, "{}");
	while (text.len < SERVER_POLICY_MAX)
		ca_buf_add_str(&text, "\n");
	assert_int_equal(parse_buf(&text, &error), 0);
	ca_buf_add_str(&text, "{}");
	while (text.len <= SERVER_POLICY_MAX)
		ca_buf_add_str(&text, "\n");
	assert_int_equal(parse_buf(&text, &error), CA_EPOLICY);
	assert_int_equal(error.line, 1);
	/* deep */
	while (text.len < 100000)
		ca_buf_add_str(&text, "[");
	assert_int_equal(parse_buf(&text, &error), CA_EPOLICY);
	/* a key so long that the pointer cannot name it names what it stands in */
	ca_buf_add_str(&text, "{\"profiles\": {\"web\":\n{\n\"");
	while (text.len < 1000)
		ca_buf_add_str(&text, "x");
	ca_buf_add_str(&text, "\": 1}}}");
	assert_int_equal(parse_buf(&text, &error), CA_EPOLICY);
	assert_string_equal(error.pointer, "/profiles/web");
	assert_int_equal(error.line, 3);
	/* too many patterns */
	ca_buf_add_str(&text, "{\"profiles\": {\"web\": {\"names\": {\"dns\": [\"a0\"");
	for (int i = 1; i <= CA_PATTERNS_MAX; i++)
		ca_buf_addf(&text, ",\n\"a%d\"", i);
	ca_buf_add_str(&text, "]}}}}");
	assert_int_equal(parse_buf(&text, &error), CA_EPOLICY);
	assert_string_equal(error.pointer, "/profiles/web/names/dns");
}

/* A document that is cut anywhere is refused, and reads nothing behind its end. */
static void refuses_what_is_cut(void **state)
{
	static const char text[] = RULE("\"wildcards\": false");
	const size_t whole = sizeof(text) - 1;

	(void)state;
	for (size_t len = 0; len <= whole; len++) {
		struct ca_document document = { 0 };
		struct server_policy_error error;
		char *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, text, len);
		assert_int_equal(server_policy_parse(cut, len, NULL, &document, &error),
		    len == whole ? 0 : CA_EPOLICY);
		ca_document_clear(&document);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes),
		cmocka_unit_test(takes_within_bounds),
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(fills_what_is_absent),
		cmocka_unit_test(asks_for_sources),
		cmocka_unit_test(counts),
		cmocka_unit_test(has_bounds),
		cmocka_unit_test(refuses_what_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
