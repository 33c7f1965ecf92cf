#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_support.h"
#include "tests/unit/support.h"

struct bad {
	const char *text;
	int error;
	size_t line;
	const char *pointer;
	const char *word; /* that the detail has in it */
};

#define NO CA_EPOLICY

static const struct bad refused[] = {
	/* no JSON, or not the JSON that a document is */
	{ "", NO, 1, "", "complete" },
	{ "{", NO, 1, "", "complete" },
	{ "{\n\"profiles\": {\n", NO, 3, "", "complete" },
	{ "{\n]", NO, 2, "", "JSON" },
	{ "{\"rules\":\n[,]}", NO, 2, "", "JSON" },
	{ "{\"rules\": [],\n}", NO, 2, "", "JSON" },
	{ "{} {}", NO, 1, "", "follows" },
	{ "{}\n\nx", NO, 3, "", "follows" },
	{ "\xef\xbb\xbf{}", NO, 1, "", "JSON" },
	{ "// no\n{}", NO, 1, "", "JSON" },
	{ "{'rules': []}", NO, 1, "", "JSON" },
	{ "{\"rules\": [],\n\"rules\": []}", NO, 2, "", "twice" },
	{ "{\"profiles\": {\"web\": {},\n\"web\": {}}}", NO, 2, "", "twice" },
	{ "{\"profiles\": {\"web\":\n{\"grace\": \"1d\",\n\"grace\": \"1d\"}}}", NO, 3, "",
	    "twice" },
	{ "{\"rules\":\n[{\"name\": \"a\\u0000b\"}]}", NO, 2, "", "NUL" },
	{ "{\"a\\u0000\":\n1}", NO, 1, "", "" },
	{ "{\"rules\":\n\"\xff\"}", NO, 2, "", "UTF-8" },
	{ "{\"rules\":\n\"\xc0\xaf\"}", NO, 2, "", "UTF-8" },
	{ "{\"rules\":\n\"\xed\xa0\x80\"}", NO, 2, "", "UTF-8" },
	{ "{\"rules\": [1e999]}", NO, 1, "", "JSON" },
	{ "{\"rules\": [99999999999999999999]}", NO, 1, "", "JSON" },
	{ "{\"rules\": \"a\nb\"}", NO, 1, "", "JSON" },
	{ "[]", NO, 1, "", "object" },
	{ "\n\n[]", NO, 3, "", "object" },
	{ "{\"profiles\": null}", NO, 1, "/profiles", "object" },
	{ "{\"profiles\":\n[]}", NO, 2, "/profiles", "object" },
	{ "{\"rules\":\n{}}", NO, 2, "/rules", "array" },
	{ "{\"rules\": [],\n\"version\":\n1}", NO, 3, "/version", "version" },
	{ "{\"a/b~c\":\n1}", NO, 2, "/a~1b~0c", "" },

	/* profiles: names */
	{ "{\"profiles\": {\"\":\n{}}}", NO, 2, "/profiles/", "name" },
	{ "{\"profiles\": {\"Web\":\n{}}}", NO, 2, "/profiles/Web", "name" },
	{ "{\"profiles\": {\"a_b\":\n{}}}", NO, 2, "/profiles/a_b", "name" },
	{ "{\"profiles\": {\"-a\":\n{}}}", NO, 2, "/profiles/-a", "name" },
	{ "{\"profiles\": {\"a-\":\n{}}}", NO, 2, "/profiles/a-", "name" },
	{ "{\"profiles\": {\"a\":{},\n\"operator\":\n{}}}", NO, 3, "/profiles/operator", "own" },
	{ "{\"profiles\": {\"0123456789012345678901234567890123456789012345678901234567890123\":"
	  "\n{}}}",
	    NO, 2, "/profiles/0123456789012345678901234567890123456789012345678901234567890123",
	    "name" },
	{ "{\"profiles\": {\"web\":\n[]}}", NO, 2, "/profiles/web", "object" },
	{ PROFILE("\"lifetime\": \"7d\""), NO, 2, "/profiles/web/lifetime", "lifetime" },
	{ PROFILE("\"name\": \"web\""), NO, 2, "/profiles/web/name", "name" },

	/* profiles: sets of words */
	{ PROFILE("\"key_types\": \"ed25519\""), NO, 2, "/profiles/web/key_types", "array" },
	{ PROFILE("\"key_types\": []"), NO, 2, "/profiles/web/key_types", "empty" },
	{ PROFILE("\"key_types\": [\"ed25519\",\n\"rsa:1024\"]"), NO, 3,
	    "/profiles/web/key_types/1", "rsa:1024" },
	{ PROFILE("\"key_types\": [2048]"), NO, 2, "/profiles/web/key_types/0", "string" },
	{ PROFILE("\"key_usages\": [\"digitalSignature\", \"keyCertSign\"]"), NO, 2,
	    "/profiles/web/key_usages/1", "keyCertSign" },
	{ PROFILE("\"key_usages\": [\"cRLSign\"]"), NO, 2, "/profiles/web/key_usages/0",
	    "cRLSign" },
	{ PROFILE("\"key_usages\": [\"digitalsignature\"]"), NO, 2, "/profiles/web/key_usages/0",
	    "digitalsignature" },
	{ PROFILE("\"key_usages\":\n[\"keyEncipherment\"]"), NO, 3, "/profiles/web/key_usages",
	    "digitalSignature" },
	{ PROFILE("\"ext_key_usages\": []"), NO, 2, "/profiles/web/ext_key_usages", "empty" },
	{ PROFILE("\"ext_key_usages\": [\"OCSPSigning\"]"), NO, 2, "/profiles/web/ext_key_usages/0",
	    "OCSPSigning" },
	{ PROFILE("\"ext_key_usages\": [\"serverAuth\",\n\"anyExtendedKeyUsage\"]"), NO, 3,
	    "/profiles/web/ext_key_usages/1", "anyExtendedKeyUsage" },
	{ PROFILE("\"ext_key_usages\": [\"codeSigning\"]"), NO, 2, "/profiles/web/ext_key_usages/0",
	    "codeSigning" },

	/* profiles: times */
	{ PROFILE("\"default_lifetime\": 7"), NO, 2, "/profiles/web/default_lifetime", "string" },
	{ PROFILE("\"default_lifetime\": \"7\""), NO, 2, "/profiles/web/default_lifetime",
	    "duration" },
	{ PROFILE("\"default_lifetime\": \"-7d\""), NO, 2, "/profiles/web/default_lifetime",
	    "duration" },
	{ PROFILE("\"default_lifetime\": \"4m59s\""), NO, 2, "/profiles/web/default_lifetime",
	    "5m" },
	{ PROFILE("\"max_lifetime\": \"399d\""), NO, 2, "/profiles/web/max_lifetime", "398d" },
	{ PROFILE("\"max_lifetime\": null"), NO, 2, "/profiles/web/max_lifetime", "string" },
	{ PROFILE("\"max_lifetime\": \"1h\",\n\"default_lifetime\": \"2h\""), NO, 3,
	    "/profiles/web/default_lifetime", "max_lifetime" },
	{ PROFILE("\"renewal_point\": 0"), NO, 2, "/profiles/web/renewal_point", "99" },
	{ PROFILE("\"renewal_point\": 100"), NO, 2, "/profiles/web/renewal_point", "99" },
	{ PROFILE("\"renewal_point\": 66.6"), NO, 2, "/profiles/web/renewal_point", "whole" },
	{ PROFILE("\"renewal_point\": \"66%\""), NO, 2, "/profiles/web/renewal_point", "whole" },
	{ PROFILE("\"grace\": \"0\""), NO, 2, "/profiles/web/grace", "duration" },
	{ PROFILE("\"grace\": \"399d\""), NO, 2, "/profiles/web/grace", "398d" },

	/* profiles: names and subjects */
	{ PROFILE("\"max_names\": 0"), NO, 2, "/profiles/web/max_names", "256" },
	{ PROFILE("\"max_names\": 257"), NO, 2, "/profiles/web/max_names", "256" },
	{ PROFILE("\"wildcards\": \"false\""), NO, 2, "/profiles/web/wildcards", "true" },
	{ PROFILE("\"spiffe\": 1"), NO, 2, "/profiles/web/spiffe", "true" },
	{ PROFILE("\"new_key\": null"), NO, 2, "/profiles/web/new_key", "true" },
	{ PROFILE("\"names\": [\"a.internal\"]"), NO, 2, "/profiles/web/names", "object" },
	{ PROFILE("\"names\": {\"dns\": \"a.internal\"}"), NO, 2, "/profiles/web/names/dns",
	    "array" },
	{ PROFILE("\"names\": {\"rid\": []}"), NO, 2, "/profiles/web/names/rid", "rid" },
	{ PROFILE("\"names\": {\"dns\": [\"a.internal\",\n\"\"]}"), NO, 3,
	    "/profiles/web/names/dns/1", "empty" },
	{ PROFILE("\"names\": {\"dns\": [\"a_b.internal\"]}"), NO, 2, "/profiles/web/names/dns/0",
	    "a_b" },
	{ PROFILE("\"names\": {\"dns\": [\"{ns}.svc\"]}"), NO, 2, "/profiles/web/names/dns/0",
	    "placeholder" },
	{ PROFILE("\"names\": {\"ip\": [\"10.0.0.1/8\"]}"), NO, 2, "/profiles/web/names/ip/0",
	    "10.0.0.1/8" },
	{ PROFILE("\"names\": {\"uri\": [\"https://*.internal/x\"]}"), NO, 2,
	    "/profiles/web/names/uri/0", "" },
	{ PROFILE("\"names\": {\"email\": [\"nobody\"]}"), NO, 2, "/profiles/web/names/email/0",
	    "nobody" },
	{ PROFILE("\"common_names\": \"app\""), NO, 2, "/profiles/web/common_names", "array" },
	{ PROFILE("\"common_names\": [\"\"]"), NO, 2, "/profiles/web/common_names/0", "empty" },
	{ PROFILE("\"common_names\": [\"a\\nb\"]"), NO, 2, "/profiles/web/common_names/0",
	    "printable" },
	{ PROFILE("\"common_names\": [\"app_{sa}\"]"), NO, 2, "/profiles/web/common_names/0",
	    "printable" },
	{ PROFILE("\"common_names\": "
		  "[\"01234567890123456789012345678901234567890123456789012345678901234\"]"),
	    NO, 2, "/profiles/web/common_names/0", "64" },
	{ PROFILE("\"spiffe\": true, \"common_names\":\n[\"app\"]"), NO, 3,
	    "/profiles/web/common_names", "spiffe" },
	{ PROFILE("\"spiffe\": true, \"names\":\n{\"dns\": [\"a.internal\"]}"), NO, 3,
	    "/profiles/web/names", "uri" },
	{ PROFILE("\"names\":\n{\"uri\": [\"spiffe://example.org/a\"], \"ip\": [\"10.0.0.1\"]},\n"
		  "\"spiffe\": true"),
	    NO, 3, "/profiles/web/names", "SPIFFE" },
	{ PROFILE("\"subject\": \"O=x\""), NO, 2, "/profiles/web/subject", "object" },
	{ PROFILE("\"subject\": {\"country\": \"NO\"}"), NO, 2, "/profiles/web/subject/country",
	    "country" },
	{ PROFILE("\"subject\": {\n\"organization\": \"\"}"), NO, 3,
	    "/profiles/web/subject/organization", "empty" },
	{ PROFILE("\"subject\": {\"organizational_unit\": \"a\\u007fb\"}"), NO, 2,
	    "/profiles/web/subject/organizational_unit", "control" },

	/* rules: shape and references */
	{ "{\"rules\": [\n\"pay\"]}", NO, 2, "/rules/0", "object" },
	{ "{\"rules\": [\n{}]}", NO, 2, "/rules/0", "name" },
	{ "{\"rules\": [\n{\"name\": \"r\"}]}", NO, 2, "/rules/0", "source" },
	{ "{\"rules\": [\n{\"name\": \"r\", \"source\": \"prod\"}]}", NO, 2, "/rules/0",
	    "profile" },
	{ RULE("\"names_\": {}"), NO, 2, "/rules/0/names_", "names_" },
	{ RULE("\"audience\": 5"), NO, 2, "/rules/0/audience", "string" },
	{ RULE("\"audience\": \"\""), NO, 2, "/rules/0/audience", "empty" },
	{ RULE("\"wildcards\": 0"), NO, 2, "/rules/0/wildcards", "true" },
	{ WHOLE("\"name\": \"Pay\""), NO, 2, "/rules/0/name", "name" },
	{ WHOLE("\"name\": 1"), NO, 2, "/rules/0/name", "string" },
	{ WHOLE("\"source\": \"nowhere\""), NO, 2, "/rules/0/source", "nowhere" },
	{ WHOLE("\"source\": \"Prod\""), NO, 2, "/rules/0/source", "name" },
	{ WHOLE("\"profile\": \"nothing\""), NO, 2, "/rules/0/profile", "nothing" },
	{ WHOLE("\"profile\": \"operator\""), NO, 2, "/rules/0/profile", "operator" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"}"), NO, 1, "/rules/0", "names" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"},\n\"names\": {}"), NO, 4, "/rules/0/names",
	    "names" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"},\n\"names\": {\"dns\": []}"), NO, 4,
	    "/rules/0/names", "names" },
	{ "{\"rules\": [{\"name\": \"r\", \"source\": \"prod\", \"profile\": \"service\", "
	  "\"names\": {\"dns\": [\"{ns}.svc\"]}},\n{\"name\":\n\"r\"}]}",
	    NO, 3, "/rules/1/name", "two" },

	/* rules: claims */
	{ WHOLE(KUBERNETES "\"match\": [\"ns\"]"), NO, 3, "/rules/0/match", "object" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\":\n7}"), NO, 4, "/rules/0/match/ns", "quotes" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": true}"), NO, 3, "/rules/0/match/ns", "quotes" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": [\"a\"]}"), NO, 3, "/rules/0/match/ns", "string" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"\"}"), NO, 3, "/rules/0/match/ns", "empty" },
	{ WHOLE(KUBERNETES "\"match\": {\"\": \"a\"}"), NO, 3, "/rules/0/match/", "claim" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\\tb\"}"), NO, 3, "/rules/0/match/ns",
	    "control" },
	{ WHOLE(KUBERNETES "\"match\": {\"namespace\": \"a\"}, \"names\": {\"dns\": "
			   "[\"{ns}.svc\"]}"),
	    NO, 3, "/rules/0/match/namespace", "namespace" },
	{ WHOLE(KUBERNETES "\"names\": {\"dns\": [\"a.svc\"]}"), NO, 3, "/rules/0/names/dns/0",
	    "any namespace" },
	{ WHOLE(KUBERNETES "\"match\": {\"sa\": \"a\"}, \"names\": {\"dns\": [\"a.svc\"]}"), NO, 3,
	    "/rules/0/names/dns/0", "any namespace" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"**\"}, \"names\": {\"dns\":\n[\"{ns}.svc\",\n"
			   "\"{sa}.svc\"]}"),
	    NO, 5, "/rules/0/names/dns/1", "any namespace" },
	{ "{\"profiles\": {\"db\": {\"common_names\": [\"app\"]}},\n"
	  "\"rules\": [{\"name\": \"r\", \"source\": \"prod\", \"profile\": \"db\",\n"
	  "\"common_names\": [\"app\"]}]}",
	    NO, 3, "/rules/0/common_names/0", "any namespace" },
	{ WHOLE("\"name\": \"r\", \"source\": \"prod\", \"profile\": \"database-client\", "
		"\"match\": {\"ns\": \"a\"}"),
	    NO, 1, "/rules/0", "common_names" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"}, \"common_names\":\n[\"app\"]"), NO, 4,
	    "/rules/0/common_names", "takes no common name" },
	{ "{\"profiles\": {\"db\": {\"common_names\": [\"*\"]}},\n"
	  "\"rules\": [{\"name\": \"r\", \"source\": \"prod\", \"profile\": \"db\",\n"
	  "\"match\": {\"ns\": \"a\"}, \"common_names\": [\"a_{ns}\", \"{ns}-{sa}\"]}]}",
	    NO, 3, "/rules/0/common_names/1", "too close" },
	{ "{\"profiles\": {\"db\": {\"common_names\": [\"*\"]}},\n"
	  "\"rules\": [{\"name\": \"r\", \"source\": \"prod\", \"profile\": \"db\",\n"
	  "\"match\": {\"ns\": \"a\"}, \"common_names\": [\"a_{nobody}\"]}]}",
	    NO, 3, "/rules/0/common_names/0", "nobody" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"}, \"names\": {\"dns\": "
			   "[\"{repository}.svc\"]}"),
	    NO, 3, "/rules/0/names/dns/0", "repository" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"}, \"names\": {\"dns\": [\"{n s}.svc\"]}"), NO,
	    3, "/rules/0/names/dns/0", "placeholder" },
	{ WHOLE(KUBERNETES "\"match\": {\"ns\": \"a\"}, \"names\": {\"uri\": "
			   "[\"spiffe://{ns}/x\"]}"),
	    NO, 3, "/rules/0/names/uri/0", "" },
	{ WHOLE("\"name\": \"r\", \"source\": \"bare\", \"profile\": \"service\", \"match\": "
		"{\"sub\": \"x\"}, \"names\": {\"dns\": [\"a.svc\"]}"),
	    NO, 1, "/rules/0", "audience" },
	{ WHOLE(OIDC "\"names\": {\"dns\": [\"a.svc\"]}"), NO, 1, "/rules/0", "choose" },
	{ WHOLE(OIDC "\"match\": {\"ref\": \"main\"}, \"names\": {\"dns\": [\"a.svc\"]}"), NO, 3,
	    "/rules/0/match", "choose" },
	{ WHOLE(OIDC "\"match\": {\"sub\": \"*\"}, \"names\": {\"dns\": [\"a.svc\"]}"), NO, 3,
	    "/rules/0/match", "stars" },
	{ WHOLE(OIDC "\"match\": {\"sub\": \"x\"}, \"names\": {\"dns\": [\"{name}.svc\"]}"), NO, 3,
	    "/rules/0/names/dns/0", "name" },
};

/* Beyond a low ceiling, or outside of the bounds. */
static const struct bad beyond[] = {
	{ PROFILE("\"max_lifetime\": \"11d\""), CA_ECEILING, 2, "/profiles/web/max_lifetime",
	    "ceiling" },
	{ PROFILE("\"default_lifetime\": \"91d\""), CA_ECEILING, 2,
	    "/profiles/web/default_lifetime", "ceiling" },
	{ PROFILE("\"wildcards\":\ntrue"), CA_ECEILING, 3, "/profiles/web/wildcards", "wildcard" },
	{ PROFILE("\"common_names\": [\"app\"]"), CA_ECEILING, 2, "/profiles/web/common_names",
	    "common" },
	{ PROFILE("\"grace\": \"1d\",\n\"names\": {\"email\": [\"a@example.org\"]}"), CA_ECEILING,
	    3, "/profiles/web/names", "mail" },
	{ RULE("\"wildcards\": true"), CA_ECEILING, 2, "/rules/0/wildcards", "wildcard" },
	{ PROFILE("\"names\": {\"dns\": [\"a.example.org\"]}"), NO, 2, "/profiles/web/names/dns/0",
	    "a.example.org" },
	{ PROFILE("\"names\": {\"dns\": [\"*.example.org\"]}"), NO, 2, "/profiles/web/names/dns/0",
	    "outside" },
	{ PROFILE("\"names\": {\"dns\": [\"*xweb.internal\", \"*.db.internal\"]}"), NO, 2,
	    "/profiles/web/names/dns/0", "outside" },
	{ PROFILE("\"names\": {\"dns\": [\"*.eb.internal\"]}"), NO, 2, "/profiles/web/names/dns/0",
	    "outside" },
	{ PROFILE("\"names\": {\"ip\": [\"10.1.2.3\",\n\"10.2.0.0/16\"]}"), NO, 3,
	    "/profiles/web/names/ip/1", "outside" },
	{ PROFILE("\"names\": {\"ip\": [\"::/0\"]}"), NO, 2, "/profiles/web/names/ip/0",
	    "outside" },
	{ PROFILE("\"names\": {\"uri\": [\"spiffe://other.example/**\"]}"), NO, 2,
	    "/profiles/web/names/uri/0", "trust domain" },
	{ PROFILE("\"names\": {\"uri\": [\"https://other.example/**\"]}"), NO, 2,
	    "/profiles/web/names/uri/0", "other.example" },
	{ WHOLE(KUBERNETES "\"names\": {\"dns\": [\"{ns}.example.org\"]}"), NO, 3,
	    "/rules/0/names/dns/0", "outside" },
	{ WHOLE(KUBERNETES "\"names\": {\"uri\": [\"spiffe://other.example/{ns}\"]}"), NO, 3,
	    "/rules/0/names/uri/0", "trust domain" },
};

static size_t unexpected;

static void expect(size_t row, const struct bad *bad, int r, const struct server_policy_error *e)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "line %zu: ", bad->line);
	if (r == bad->error && e->line == bad->line && !strcmp(e->pointer, bad->pointer) &&
	    !strncmp(e->detail.text, prefix, strlen(prefix)) && strstr(e->detail.text, bad->word))
		return;
	print_error("row %zu: %s\ngot %s, line %zu, \"%s\": %s\n", row, bad->text, ca_error_code(r),
	    e->line, e->pointer, e->detail.text);
	fail();
}

static void refuses(void **state)
{
	(void)state;
	assert_true(sizeof(refused) / sizeof(*refused) >= 80);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct ca_document document = { 0 };
		struct server_policy_error error;
		int r = policy_parse(refused[i].text, &policy_all, NULL, &document, &error);

		expect(i, &refused[i], r, &error);
		assert_null(document.profiles);
		assert_null(document.rules);
	}
	assert_int_equal(unexpected, 0);
}

static void refuses_beyond_bounds(void **state)
{
	struct ca_constraints bounds = policy_bounds();

	(void)state;
	for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
		struct ca_document document = { 0 };
		struct server_policy_error error;
		int r = policy_parse(beyond[i].text, &policy_low, &bounds, &document, &error);

		expect(i, &beyond[i], r, &error);
		/* What is on record stays, though the tenant's bounds were drawn closer. */
		assert_int_equal(server_policy_parse(beyond[i].text, strlen(beyond[i].text), NULL,
				     &document, &error),
		    0);
		ca_document_clear(&document);
	}
	assert_int_equal(unexpected, 0);
	ca_constraints_clear(&bounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_beyond_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
