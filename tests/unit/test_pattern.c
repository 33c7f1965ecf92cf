#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/pattern.h"
#include "tests/unit/support.h"

#define DNS CA_NAME_DNS
#define IP CA_NAME_IP
#define URI CA_NAME_URI
#define EMAIL CA_NAME_EMAIL

static int add(struct ca_patterns *patterns, enum ca_name_type type, const char *text,
    bool placeholders, struct ca_detail *why)
{
	return ca_patterns_add(patterns, type, text, strlen(text), placeholders, why);
}

/* ---- spelling ---- */

/* What becomes of a pattern; NULL: refused. */
static const struct {
	enum ca_name_type type;
	const char *given, *canonical;
	bool placeholders;
} spellings[] = {
	{ DNS, "db.internal", "db.internal", false },
	{ DNS, "DB.Internal.", "db.internal", false },
	{ DNS, "*.Web.internal", "*.web.internal", false },
	{ DNS, "**.svc.cluster.local.", "**.svc.cluster.local", false },
	{ DNS, "**", "**", false },
	{ DNS, "*", "*", false },
	{ DNS, "api-*.internal", "api-*.internal", false },
	{ DNS, "*-a-*.internal", "*-a-*.internal", false },
	{ DNS, "a.*.internal", "a.*.internal", false },
	{ DNS, "a.*", "a.*", false },
	{ DNS, "xn--bcher-kva.internal", "xn--bcher-kva.internal", false },
	{ DNS, "", NULL, false },
	{ DNS, ".", NULL, false },
	{ DNS, "a..b", NULL, false },
	{ DNS, ".internal", NULL, false },
	{ DNS, "internal..", NULL, false },
	{ DNS, "-a.internal", NULL, false },
	{ DNS, "-*.internal", NULL, false },
	{ DNS, "*-.internal", NULL, false },
	{ DNS, "a_b.internal", NULL, false },
	{ DNS, "a b.internal", NULL, false },
	{ DNS, "b\xc3\xbc.internal", NULL, false },
	{ DNS, "a\n.internal", NULL, false },
	{ DNS, "10.0.0.1", NULL, false },
	{ DNS, "a.1", NULL, false },
	{ DNS, "a.**.internal", NULL, false },
	{ DNS, "a**.internal", NULL, false },
	{ DNS, "**a.internal", NULL, false },
	{ DNS, "***.internal", NULL, false },
	{ DNS, "*.**.internal", NULL, false },
	{ DNS, "**.**.internal", NULL, false },
	{ DNS, "?.internal", NULL, false },
	{ DNS, "[a-z].internal", NULL, false },
	{ DNS, "{ns}.svc", NULL, false },
	{ DNS, "*.{ns}.SVC", "*.{ns}.svc", true },
	{ DNS, "**.{ns}.svc.cluster.local", "**.{ns}.svc.cluster.local", true },
	{ DNS, "{sa}.{ns}.svc", "{sa}.{ns}.svc", true },
	{ DNS, "api-{sa}.internal", "api-{sa}.internal", true },
	{ DNS, "{sa}-api.internal", "{sa}-api.internal", true },
	{ DNS, "{sa}", "{sa}", true },
	{ DNS, "{repository_owner}.ci.internal", "{repository_owner}.ci.internal", true },
	{ DNS, "{ns}-{sa}.svc", NULL, true },
	{ DNS, "{ns}{sa}.svc", NULL, true },
	{ DNS, "{ns}-*.svc", NULL, true },
	{ DNS, "{ns}*.svc", NULL, true },
	{ DNS, "*{ns}.svc", NULL, true },
	{ DNS, "*-{ns}.svc", NULL, true },
	{ DNS, "{NS}.svc", NULL, true },
	{ DNS, "{}.svc", NULL, true },
	{ DNS, "{ns.svc", NULL, true },
	{ DNS, "ns}.svc", NULL, true },
	{ DNS, "{{ns}}.svc", NULL, true },
	{ DNS, "{n s}.svc", NULL, true },
	{ DNS, "{n-s}.svc", NULL, true },
	{ DNS, "{a*}.svc", NULL, true },
	{ IP, "10.0.0.1", "10.0.0.1", false },
	{ IP, "10.0.0.0/8", "10.0.0.0/8", false },
	{ IP, "10.0.0.1/32", "10.0.0.1", false },
	{ IP, "0.0.0.0/0", "0.0.0.0/0", false },
	{ IP, "::/0", "::/0", false },
	{ IP, "FD00:0::/8", "fd00::/8", false },
	{ IP, "2001:DB8::1/128", "2001:db8::1", false },
	{ IP, "::ffff:10.0.0.0/104", "10.0.0.0/8", false },
	{ IP, "::ffff:10.0.0.1", "10.0.0.1", false },
	{ IP, "::ffff:0:0/96", "0.0.0.0/0", false },
	{ IP, "10.0.0.1/8", NULL, false },
	{ IP, "10.0.0.0/33", NULL, false },
	{ IP, "::/129", NULL, false },
	{ IP, "10.0.0.0/", NULL, false },
	{ IP, "10.0.0.0/-0", NULL, false },
	{ IP, "0.0.0.0/-0", NULL, false },
	{ IP, "10.0.0.0/+8", NULL, false },
	{ IP, "10.0.0.0/08", NULL, false },
	{ IP, "10.0.0.0/8 ", NULL, false },
	{ IP, "10.0.0.0/8/8", NULL, false },
	{ IP, "10.0.0.0/255.0.0.0", NULL, false },
	{ IP, "10.0.0.0/99999999999999999999", NULL, false },
	{ IP, "10.*.0.0", NULL, false },
	{ IP, "10/8", NULL, false },
	{ IP, "010.0.0.0/8", NULL, false },
	{ IP, "fe80::1%eth0", NULL, false },
	{ IP, "*", NULL, false },
	{ IP, "{ip}", NULL, true },
	{ URI, "spiffe://Example.org/ns/A", "spiffe://example.org/ns/A", false },
	{ URI, "SPIFFE://example.org/ns/*/sa/*", "spiffe://example.org/ns/*/sa/*", false },
	{ URI, "spiffe://example.org/**", "spiffe://example.org/**", false },
	{ URI, "spiffe://example.org/a-*-b", "spiffe://example.org/a-*-b", false },
	{ URI, "https://Web.internal:8443/a?b=*", "https://web.internal:8443/a?b=*", false },
	{ URI, "https://web.internal", "https://web.internal", false },
	{ URI, "spiffe://*/a", NULL, false },
	{ URI, "spiffe://*.example.org/a", NULL, false },
	{ URI, "spiffe://**", NULL, false },
	{ URI, "*://example.org/a", NULL, false },
	{ URI, "**", NULL, false },
	{ URI, "spiffe://example.org*/a", NULL, false },
	{ URI, "spiffe://example.org", NULL, false },
	{ URI, "spiffe://example.org/", NULL, false },
	{ URI, "spiffe://example.org/a//b", NULL, false },
	{ URI, "spiffe://example.org/../*", NULL, false },
	{ URI, "spiffe://example.org/a%2fb", NULL, false },
	{ URI, "spiffe://example.org:443/*", NULL, false },
	{ URI, "spiffe://user@example.org/*", NULL, false },
	{ URI, "spiffe://exa_mple.org/*", NULL, false },
	{ URI, "https://web.internal/***", NULL, false },
	{ URI, "https://web.internal*", NULL, false },
	{ URI, "https://web.internal?*", NULL, false },
	{ URI, "web.internal/a", NULL, false },
	{ URI, "spiffe://example.org/ns/{ns}/sa/{sa}", "spiffe://example.org/ns/{ns}/sa/{sa}",
	    true },
	{ URI, "spiffe://example.org/{ns}.{sa}", "spiffe://example.org/{ns}.{sa}", true },
	{ URI, "spiffe://example.org/ns/{ns}/**", "spiffe://example.org/ns/{ns}/**", true },
	{ URI, "spiffe://example.org/ns/{ns}_{sa}", NULL, true },
	{ URI, "spiffe://example.org/ns/{ns}-*", NULL, true },
	{ URI, "spiffe://example.org/ns/{ns}**", NULL, true },
	{ URI, "spiffe://example.org/ns/**{ns}", NULL, true },
	{ URI, "spiffe://{ns}/a", NULL, true },
	{ URI, "spiffe://{ns}.example.org/a", NULL, true },
	{ URI, "{ns}://example.org/a", NULL, true },
	{ URI, "spiffe://example.org/ns/{ns}/sa/{sa}", NULL, false },
	{ EMAIL, "Ops@Example.org", "Ops@example.org", false },
	{ EMAIL, "*@example.org.", "*@example.org", false },
	{ EMAIL, "{sa}@example.org", "{sa}@example.org", true },
	{ EMAIL, "{sa}+{ns}@example.org", "{sa}+{ns}@example.org", true },
	{ EMAIL, "{sa}-{ns}@example.org", NULL, true },
	{ EMAIL, "a@{ns}.example.org", NULL, true },
	{ EMAIL, "a@*.example.org", NULL, false },
	{ EMAIL, "a@*", NULL, false },
	{ EMAIL, "**@example.org", NULL, false },
	{ EMAIL, "a@b@example.org", NULL, false },
	{ EMAIL, "a}@example.org", NULL, false },
	{ EMAIL, "example.org", NULL, false },
	{ EMAIL, "@example.org", NULL, false },
	{ EMAIL, "*", NULL, false },
};

static void test_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		struct ca_patterns patterns = { 0 };
		struct ca_detail why = { "" };
		int r = add(&patterns, spellings[i].type, spellings[i].given,
		    spellings[i].placeholders, &why);

		if (r != (spellings[i].canonical ? 0 : CA_ENAME))
			fail_msg("%s: %s (%s)", spellings[i].given, ca_error_code(r), why.text);
		if (r) {
			assert_string_not_equal(why.text, "");
			assert_int_equal(patterns.n, 0);
		} else {
			assert_string_equal(patterns.v[0].text, spellings[i].canonical);
			/* Canonical is what stays as it is. */
			assert_int_equal(add(&patterns, spellings[i].type, spellings[i].canonical,
					     spellings[i].placeholders, NULL),
			    0);
			assert_int_equal(patterns.n, 1);
		}
		ca_patterns_free(&patterns);
	}
}

static void test_bounds(void **state)
{
	struct ca_patterns patterns = { 0 }, copy = { 0 };
	char text[CA_PATTERN_LENGTH_MAX + 2];
	struct ca_detail why;

	(void)state;
	assert_int_equal(ca_patterns_add(&patterns, DNS, "a\0b", 3, false, &why), CA_ENAME);
	memset(text, 'a', sizeof(text));
	memcpy(text, "spiffe://example.org/", 21);
	assert_int_equal(
	    ca_patterns_add(&patterns, URI, text, CA_PATTERN_LENGTH_MAX + 1, false, &why),
	    CA_ENAME);
	assert_int_equal(
	    ca_patterns_add(&patterns, URI, text, CA_PATTERN_LENGTH_MAX, false, &why), 0);
	memset(text, 'a', sizeof(text));
	assert_int_equal(ca_patterns_add(&patterns, DNS, text, 64, false, &why), CA_ENAME);
	assert_int_equal(ca_patterns_add(&patterns, DNS, text, 63, false, &why), 0);
	/* As long as the label gets, with a star that may stand for nothing. */
	text[0] = '*';
	assert_int_equal(ca_patterns_add(&patterns, DNS, text, 63, false, &why), 0);
	while (patterns.n < CA_PATTERNS_MAX) {
		snprintf(text, sizeof(text), "10.0.%zu.%zu", patterns.n / 256, patterns.n % 256);
		assert_int_equal(add(&patterns, IP, text, false, &why), 0);
	}
	assert_int_equal(add(&patterns, IP, "10.1.0.0", false, &why), CA_ETOOMANYNAMES);
	assert_int_equal(add(&patterns, IP, "10.0.0.3", false, &why), 0); /* is there already */
	assert_int_equal(patterns.n, CA_PATTERNS_MAX);
	assert_int_equal(ca_patterns_copy(&patterns, &copy), 0);
	assert_int_equal(copy.n, patterns.n);
	assert_string_equal(copy.v[7].text, patterns.v[7].text);
	assert_ptr_not_equal(copy.v[7].text, patterns.v[7].text);
	ca_patterns_free(&patterns);
	ca_patterns_free(&copy);
	ca_patterns_free(&copy); /* is empty */
	ca_patterns_free(NULL);
}

/* ---- matching ---- */

static const struct {
	enum ca_name_type type;
	const char *pattern, *name;
	bool fits;
} matches[] = {
	{ DNS, "db.internal", "db.internal", true },
	{ DNS, "db.internal", "DB.internal.", true },
	{ DNS, "db.internal", "xdb.internal", false },
	{ DNS, "db.internal", "a.db.internal", false },
	{ DNS, "db.internal", "db.internal.evil", false },
	{ DNS, "db.internal", "db", false },
	{ DNS, "*.web.internal", "a.web.internal", true },
	{ DNS, "*.web.internal", "a.b.web.internal", false },
	{ DNS, "*.web.internal", "web.internal", false },
	{ DNS, "*.web.internal", "evilweb.internal", false },
	{ DNS, "*.web.internal", "*.web.internal", true },
	{ DNS, "*.web.internal", "*.a.web.internal", false },
	{ DNS, "*.web.internal", "*.internal", false },
	{ DNS, "a*.web.internal", "*.web.internal", false },
	{ DNS, "*a.web.internal", "*.web.internal", false },
	{ DNS, "a.web.internal", "*.web.internal", false },
	{ DNS, "**.web.internal", "*.web.internal", true },
	{ DNS, "**.web.internal", "*.a.b.web.internal", true },
	{ DNS, "**.web.internal", "*.internal", false },
	{ DNS, "**.web.internal", "web.internal", false },
	{ DNS, "**.web.internal", "a.web.internal", true },
	{ DNS, "**.web.internal", "a.b.c.web.internal", true },
	{ DNS, "**.web.internal", "evilweb.internal", false },
	{ DNS, "**.web.internal", "a.evilweb.internal", false },
	{ DNS, "**.web.internal", "a.web.internal.evil", false },
	{ DNS, "**.a.*.internal", "x.y.a.b.internal", true },
	{ DNS, "**.a.*.internal", "x.y.a.b.c.internal", false },
	{ DNS, "**", "a", true },
	{ DNS, "**", "*.a.b", true },
	{ DNS, "*", "a", true },
	{ DNS, "*", "a.b", false },
	{ DNS, "api-*.internal", "api-1.internal", true },
	{ DNS, "api-*.internal", "api-1-2.internal", true },
	{ DNS, "api-*.internal", "api.internal", false },
	{ DNS, "api-*.internal", "api-1.a.internal", false },
	{ DNS, "a*.internal", "a.internal", true },
	{ DNS, "*-a-*.internal", "x-a-a-y.internal", true },
	{ DNS, "*-a-*.internal", "x-b-y.internal", false },
	{ DNS, "a.*.internal", "a.b.internal", true },
	{ DNS, "a.*.internal", "a.b.c.internal", false },
	{ DNS, "*.*.internal", "a.b.internal", true },
	{ DNS, "*.*.internal", "a.internal", false },
	{ IP, "10.0.0.0/8", "10.255.255.255", true },
	{ IP, "10.0.0.0/8", "11.0.0.0", false },
	{ IP, "10.0.0.0/8", "::ffff:10.1.2.3", true },
	{ IP, "10.0.0.0/8", "::ffff:11.1.2.3", false },
	{ IP, "10.0.0.0/9", "10.127.0.1", true },
	{ IP, "10.0.0.0/9", "10.128.0.0", false },
	{ IP, "10.0.0.4/30", "10.0.0.7", true },
	{ IP, "10.0.0.4/30", "10.0.0.8", false },
	{ IP, "10.0.0.4/31", "10.0.0.6", false },
	{ IP, "10.0.0.1", "10.0.0.1", true },
	{ IP, "10.0.0.1", "10.0.0.2", false },
	{ IP, "0.0.0.0/0", "255.255.255.255", true },
	{ IP, "0.0.0.0/0", "::1", false },
	{ IP, "::/0", "fd00::1", true },
	{ IP, "::/0", "10.0.0.1", false },
	{ IP, "::/0", "::ffff:10.0.0.1", false },
	{ IP, "fd00::/8", "fdff::1", true },
	{ IP, "fd00::/8", "fe00::1", false },
	{ IP, "2001:db8::/33", "2001:db8:7fff::1", true },
	{ IP, "2001:db8::/33", "2001:db8:8000::1", false },
	{ URI, "spiffe://example.org/ns/*/sa/*", "spiffe://example.org/ns/a/sa/b", true },
	{ URI, "spiffe://example.org/ns/*/sa/*", "spiffe://example.org/ns/a/b/sa/c", false },
	{ URI, "spiffe://example.org/ns/*/sa/*", "spiffe://example.org/ns/a/sa/b/c", false },
	{ URI, "spiffe://example.org/ns/*/sa/*", "spiffe://example.org.evil/ns/a/sa/b", false },
	{ URI, "spiffe://example.org/ns/*/sa/*", "https://example.org/ns/a/sa/b", false },
	{ URI, "spiffe://example.org/**", "spiffe://example.org/a/b/c", true },
	{ URI, "spiffe://example.org/**", "spiffe://example.orga/b", false },
	{ URI, "spiffe://example.org/**/x/*", "spiffe://example.org/x/x/a/x/b", true },
	{ URI, "spiffe://example.org/**/x/*", "spiffe://example.org/a/x/b/c", false },
	{ URI, "spiffe://example.org/*-a/**/b", "spiffe://example.org/x-a/y/z/b", true },
	{ URI, "spiffe://example.org/*-a/**/b", "spiffe://example.org/x/-a/y/b", false },
	{ URI, "spiffe://example.org/a", "spiffe://example.org/A", false },
	{ URI, "spiffe://example.org/a", "spiffe://EXAMPLE.org/a", true },
	{ URI, "https://web.internal/a/*", "https://web.internal/a/b", true },
	{ URI, "https://web.internal/a/*", "https://web.internal/a/..", false },
	{ URI, "https://web.internal/a/**", "https://web.internal/a/../b", false },
	{ URI, "https://web.internal/a/**", "https://web.internal/a/./b", false },
	{ URI, "https://web.internal/a/**", "https://web.internal/a/..?b", false },
	{ URI, "https://web.internal/a/**", "https://web.internal/a/.../b", true },
	{ URI, "https://web.internal/a/**", "https://web.internal/a/.b/..c", true },
	{ URI, "https://web.internal/a/**", "https://web.internal/a/%2e%2e/b", false },
	{ URI, "https://web.internal/a/*", "https://web.internal/a/b%2fc", false },
	{ URI, "https://web.internal/a/%2f", "https://web.internal/a/%2f", true },
	{ URI, "https://web.internal/*", "https://user@web.internal/a", false },
	{ EMAIL, "*@example.org", "ops@example.org", true },
	{ EMAIL, "*@example.org", "ops@example.org.evil", false },
	{ EMAIL, "*@example.org", "ops@a.example.org", false },
	{ EMAIL, "ops@example.org", "Ops@example.org", false },
	{ EMAIL, "ops@example.org", "ops@EXAMPLE.org", true },
	{ EMAIL, "ops-*@example.org", "ops-a@example.org", true },
};

static void test_matching(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++) {
		struct ca_patterns patterns = { 0 };
		struct ca_names names = CA_NAMES_INIT;

		assert_int_equal(
		    add(&patterns, matches[i].type, matches[i].pattern, false, NULL), 0);
		assert_int_equal(ca_names_add(&names, matches[i].type, matches[i].name,
				     strlen(matches[i].name), NULL),
		    0);
		if (ca_patterns_match(&patterns, &names.v[0]) != matches[i].fits)
			fail_msg("%s and %s", matches[i].pattern, matches[i].name);
		ca_patterns_free(&patterns);
		ca_names_free(&names);
	}
}

/* A pattern is asked for names of its own type only. */
static void test_types(void **state)
{
	char dns[] = "a.internal", email[] = "a@b.internal";
	struct ca_patterns patterns = { 0 };

	(void)state;
	assert_int_equal(add(&patterns, DNS, "**", false, NULL), 0);
	assert_true(ca_patterns_match(&patterns, &(struct ca_name){ DNS, dns }));
	assert_false(ca_patterns_match(&patterns, &(struct ca_name){ URI, dns }));
	assert_false(ca_patterns_match(&patterns, &(struct ca_name){ EMAIL, email }));
	assert_false(ca_patterns_match(&patterns, &(struct ca_name){ IP, dns }));
	ca_patterns_free(&patterns);
	assert_false(ca_patterns_match(&patterns, &(struct ca_name){ DNS, dns }));
}

static void test_literals(void **state)
{
	struct ca_names names = CA_NAMES_INIT;
	struct ca_patterns patterns = { 0 };
	struct ca_buf text = CA_BUF_INIT;

	(void)state;
	assert_int_equal(add(&patterns, DNS, "a.internal", true, NULL), 0);
	assert_int_equal(add(&patterns, DNS, "*.internal", true, NULL), 0);
	assert_int_equal(add(&patterns, DNS, "{ns}.internal", true, NULL), 0);
	assert_int_equal(add(&patterns, IP, "10.0.0.0/8", true, NULL), 0);
	assert_int_equal(add(&patterns, IP, "10.0.0.1/32", true, NULL), 0);
	assert_int_equal(add(&patterns, URI, "spiffe://example.org/a", true, NULL), 0);
	assert_int_equal(add(&patterns, URI, "spiffe://example.org/*", true, NULL), 0);
	assert_int_equal(add(&patterns, EMAIL, "a@example.org", true, NULL), 0);
	assert_int_equal(ca_patterns_literals(&patterns, &names), 0);
	ca_names_format(&names, &text);
	assert_string_equal(ca_buf_text(&text),
	    "dns:a.internal\nip:10.0.0.1\nuri:spiffe://example.org/a\nemail:a@example.org");
	ca_buf_free(&text);
	ca_names_free(&names);
	ca_patterns_free(&patterns);
}

static void test_globs(void **state)
{
	(void)state;
	assert_true(ca_glob_match("", ""));
	assert_true(ca_glob_match("*", ""));
	assert_true(ca_glob_match("**", "a/b"));
	assert_true(ca_glob_match("app_*", "app_"));
	assert_true(ca_glob_match("app_*", "app_a/b.c*"));
	assert_true(ca_glob_match("*a*b*", "xxaxxbxx"));
	assert_true(ca_glob_match("refs/heads/*", "refs/heads/a/b"));
	assert_true(ca_glob_match("*ab", "abab"));
	assert_true(ca_glob_match("a*a", "aa"));
	assert_false(ca_glob_match("a*a", "a"));
	assert_false(ca_glob_match("", "a"));
	assert_false(ca_glob_match("app_*", "xapp_a"));
	assert_false(ca_glob_match("app_*", "App_a"));
	assert_false(ca_glob_match("app", "app_"));
	assert_false(ca_glob_match("app_", "app"));
	assert_false(ca_glob_match("?", "a"));
	assert_false(ca_glob_match("*a*b*", "xxbxxaxx"));
}

static void test_globs_that_are_none(void **state)
{
	static const struct {
		const char *text;
		bool placeholders, fine;
	} globs[] = { { "app_*", false, true }, { "*", false, true }, { "a*_*", false, true },
		{ "App User (1)", false, true }, { "app_{sa}", true, true },
		{ "{ns}_{sa}", true, true }, { "{ns}.*", true, true }, { "", false, false },
		{ "a*b*", false, true }, { "a-*-*", false, true }, { "{ns}-{sa}", true, false },
		{ "{ns}{sa}", true, false }, { "{ns}*", true, false }, { "*-{ns}", true, false },
		{ "{NS}", true, false }, { "{}", true, false }, { "{ns", true, false },
		{ "ns}", true, false }, { "app_{sa}", false, false }, { "a\n", false, false },
		{ "\xc3\xa4", false, false }, { "a\x7f", false, false } };
	struct ca_patterns patterns = { 0 };
	char text[CA_GLOB_LENGTH_MAX + 1];
	struct ca_detail why;

	(void)state;
	for (size_t i = 0; i < sizeof(globs) / sizeof(*globs); i++) {
		int r = ca_patterns_add_glob(
		    &patterns, globs[i].text, strlen(globs[i].text), globs[i].placeholders, &why);

		if (r != (globs[i].fine ? 0 : CA_ENAME))
			fail_msg("%s: %s", globs[i].text, ca_error_code(r));
	}
	memset(text, 'a', sizeof(text));
	assert_int_equal(ca_patterns_add_glob(&patterns, text, sizeof(text), true, &why), CA_ENAME);
	assert_int_equal(ca_patterns_add_glob(&patterns, text, sizeof(text) - 1, true, &why), 0);
	assert_int_equal(ca_patterns_add_glob(&patterns, "a\0b", 3, true, &why), CA_ENAME);
	ca_patterns_free(&patterns);
}

/* Stars upon stars, and a text that fails at its very end: what takes others a lifetime. */
static void test_no_blow_up(void **state)
{
	char pattern[CA_PATTERN_LENGTH_MAX + 1] = "spiffe://example.org/";
	char text[2048] = "spiffe://example.org/";
	struct ca_name name = { URI, text };
	struct ca_patterns patterns = { 0 };
	clock_t start = clock();

	(void)state;
	memset(text + 21, 'a', sizeof(text) - 22);
	for (size_t i = 21; i < sizeof(pattern) - 1; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	assert_int_equal(add(&patterns, URI, pattern, false, NULL), 0);
	for (size_t i = 21; i < sizeof(pattern) - 1; i++)
		pattern[i] = "**/a*a"[i % 6];
	pattern[sizeof(pattern) - 2] = 'a';
	assert_int_equal(add(&patterns, URI, pattern, false, NULL), 0);
	assert_true(ca_patterns_match(&patterns, &name));
	text[sizeof(text) - 2] = 'b';
	for (int i = 0; i < 10; i++)
		assert_false(ca_patterns_match(&patterns, &name));
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5.0);
	ca_patterns_free(&patterns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_globs_that_are_none),
		cmocka_unit_test(test_no_blow_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
