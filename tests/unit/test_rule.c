/* Claims, rules, and what they add up to: nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/tenant_policy.h"
#include "tests/unit/support.h"

#define NOW ((int64_t)1800000000)
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* "ns=payments sa=api": claims of the source "prod", split at blanks. */
static void parse_claims(const char *text, struct ca_claims *claims)
{
	char *copy = strdup(text), *rest = copy, *word;

	*claims = (struct ca_claims){ .source = "prod" };
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		assert_int_equal(ca_claims_add(claims, word, value), 0);
	}
	free(copy);
}

static void test_claims(void **state)
{
	struct ca_claims claims = { 0 };
	char value[CA_CLAIM_VALUE_MAX + 2] = { 0 }, name[16];

	(void)state;
	assert_null(ca_claims_get(&claims, "ns"));
	assert_int_equal(ca_claims_add(&claims, "ns", "a"), 0);
	assert_int_equal(ca_claims_add(&claims, "ns", "b"), CA_EEXIST);
	assert_string_equal(ca_claims_get(&claims, "ns"), "a");
	assert_null(ca_claims_get(&claims, "n"));
	assert_null(ca_claims_get(&claims, "nss"));
	memset(value, 'a', CA_CLAIM_VALUE_MAX);
	assert_int_equal(ca_claims_add(&claims, "long", value), 0);
	value[CA_CLAIM_VALUE_MAX] = 'a';
	assert_int_equal(ca_claims_add(&claims, "longer", value), CA_ECLAIM);
	for (size_t i = claims.n; i < CA_CLAIMS_MAX; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		assert_int_equal(ca_claims_add(&claims, name, ""), 0);
	}
	assert_int_equal(ca_claims_add(&claims, "more", ""), CA_ECLAIM);
	assert_int_equal(ca_claims_add_audience(&claims, "a"), 0);
	assert_int_equal(ca_claims_add_audience(&claims, "b"), 0);
	assert_int_equal(claims.audiences_len, 2);
	ca_claims_clear(&claims);
	ca_claims_clear(&claims);
	ca_claims_clear(NULL);
}

static void test_evidence(void **state)
{
	(void)state;
	assert_true(ca_claim_is_evidence("sub"));
	assert_true(ca_claim_is_evidence("ns"));
	assert_true(ca_claim_is_evidence("repository"));
	assert_true(ca_claim_is_evidence("repository_owner_id"));
	assert_true(ca_claim_is_evidence("project_path"));
	for (size_t i = 0; i < 12; i++)
		assert_false(ca_claim_is_evidence(
		    (const char *[]){ "aud", "iss", "exp", "nbf", "iat", "jti", "name", "email",
			"preferred_username", "ref", "workflow", "job_workflow_ref" }[i]));
}

/* ---- what a rule matches ---- */

static struct ca_claim *make_match(const char *text, size_t *n)
{
	struct ca_claims claims;

	parse_claims(text, &claims);
	*n = claims.n;
	return claims.v; /* transferred */
}

static void make_rule(const char *name, const char *match, const char *profile, const char *names,
    struct ca_rule *rule)
{
	*rule = (struct ca_rule){ .source = "prod" };
	snprintf(rule->name, sizeof(rule->name), "%s", name);
	snprintf(rule->profile, sizeof(rule->profile), "%s", profile);
	rule->match = make_match(match, &rule->match_len);
	support_patterns(names, true, &rule->names);
}

static void test_matching(void **state)
{
	static const struct {
		const char *match, *claims;
		bool fits;
	} rows[] = {
		{ "ns=payments sa=api", "ns=payments sa=api", true },
		{ "ns=payments sa=api", "sa=api ns=payments pod=x", true },
		{ "ns=payments", "ns=payments sa=api", true },
		{ "ns=payments sa=*", "ns=payments sa=", true },
		{ "ns=payments sa=*", "ns=payments", false },
		{ "ns=payments sa=api", "ns=payments sa=apis", false },
		{ "ns=payments sa=api", "ns=Payments sa=api", false },
		{ "ns=payments", "ns=payments-evil", false },
		{ "ns=payments", "ns=evil-payments", false },
		{ "ns=pay*", "ns=payments", true },
		{ "ns=pay*", "ns=xpayments", false },
		{ "ns=*-prod", "ns=a-prod", true },
		{ "ns=*-prod", "ns=a-prod-b", false },
		{ "ns=payments", "sa=payments", false },
		{ "", "ns=payments", true },
		{ "repository=org/*", "repository=org/a", true },
		{ "repository=org/*", "repository=evil/org/a", false },
		{ "repository=org/*", "repository=organ/a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ca_claims claims;
		struct ca_rule rule;

		make_rule("a", rows[i].match, "service", "dns:a.internal", &rule);
		parse_claims(rows[i].claims, &claims);
		if (ca_rule_matches(&rule, &claims, NULL) != rows[i].fits)
			fail_msg("%s and %s", rows[i].match, rows[i].claims);
		memcpy(claims.source, "test", 5);
		assert_false(ca_rule_matches(&rule, &claims, NULL));
		ca_claims_clear(&claims);
		ca_rule_clear(&rule);
	}
	ca_rule_clear(NULL);
}

static void test_audience(void **state)
{
	struct ca_claims claims;
	struct ca_rule rule;

	(void)state;
	make_rule("a", "ns=a", "service", "dns:a.internal", &rule);
	rule.audience = strdup("https://ca.internal");
	parse_claims("ns=a", &claims);
	assert_false(ca_rule_matches(&rule, &claims, NULL));
	claims.for_anybody = true;
	assert_int_equal(ca_claims_add_audience(&claims, "https://ca.internal.evil"), 0);
	assert_int_equal(ca_claims_add_audience(&claims, "https://ca.interna"), 0);
	assert_false(ca_rule_matches(&rule, &claims, NULL));
	assert_int_equal(ca_claims_add_audience(&claims, "https://ca.internal"), 0);
	assert_true(ca_rule_matches(&rule, &claims, NULL));
	/* A rule that leaves it to its source, which does not look either. */
	free(rule.audience);
	rule.audience = NULL;
	assert_false(ca_rule_matches(&rule, &claims, NULL));
	claims.for_anybody = false;
	assert_true(ca_rule_matches(&rule, &claims, NULL));
	ca_claims_clear(&claims);
	ca_rule_clear(&rule);
}

/* ---- what fills a placeholder ---- */

/* value becomes the claim ns. NULL for what it makes: refused. */
static const struct {
	const char *pattern, *value, *made;
} fills[] = {
	{ "dns:*.{ns}.svc", "payments", "*.payments.svc" },
	{ "dns:*.{ns}.svc", "pay-ments-2", "*.pay-ments-2.svc" },
	{ "dns:*.{ns}.svc", "a", "*.a.svc" },
	{ "dns:*.{ns}.svc", A63, "*." A63 ".svc" },
	{ "dns:*.{ns}.svc", A63 "a", NULL },
	{ "dns:x{ns}.svc", A63, NULL },
	{ "dns:*.{ns}.svc", "", NULL },
	{ "dns:*.{ns}.svc", "a.b", NULL },
	{ "dns:*.{ns}.svc", ".", NULL },
	{ "dns:*.{ns}.svc", "payments.", NULL },
	{ "dns:*.{ns}.svc", ".payments", NULL },
	{ "dns:*.{ns}.svc", "*", NULL },
	{ "dns:*.{ns}.svc", "**", NULL },
	{ "dns:*.{ns}.svc", "pay*", NULL },
	{ "dns:*.{ns}.svc", "{sa}", NULL },
	{ "dns:*.{ns}.svc", "{ns}", NULL },
	{ "dns:*.{ns}.svc", "a/b", NULL },
	{ "dns:*.{ns}.svc", "a b", NULL },
	{ "dns:*.{ns}.svc", "a\nb", NULL },
	{ "dns:*.{ns}.svc", "payments\n", NULL },
	{ "dns:*.{ns}.svc", "a\x01", NULL },
	{ "dns:*.{ns}.svc", "a\x7f", NULL },
	{ "dns:*.{ns}.svc", "Payments", NULL },
	{ "dns:*.{ns}.svc", "pay_ments", NULL },
	{ "dns:*.{ns}.svc", "-payments", NULL },
	{ "dns:*.{ns}.svc", "payments-", NULL },
	{ "dns:x{ns}.svc", "-payments", "x-payments.svc" },
	{ "dns:*.{ns}.svc", "-", NULL },
	{ "dns:*.{ns}.svc", "p\xc3\xa4yments", NULL },
	{ "dns:*.{ns}.svc",
	    "\xd1\x80"
	    "ayments",
	    NULL }, /* a Cyrillic p */
	{ "dns:*.{ns}.svc", "a,b", NULL },
	{ "dns:*.{ns}.svc", "a:b", NULL },
	{ "dns:*.{ns}.svc", "a@b", NULL },
	{ "dns:*.{ns}.svc", "a%2eb", NULL },
	{ "dns:*.{ns}.svc", "123", "*.123.svc" },
	{ "dns:a.{ns}", "123", NULL }, /* reads as an address */
	{ "dns:{ns}", "1", NULL },
	{ "dns:api.internal", "a.b", "api.internal" },
	{ "uri:spiffe://example.org/ns/{ns}", "payments", "spiffe://example.org/ns/payments" },
	{ "uri:spiffe://example.org/ns/{ns}", "Pay_ments", "spiffe://example.org/ns/Pay_ments" },
	{ "uri:spiffe://example.org/ns/{ns}/**", "-", "spiffe://example.org/ns/-/**" },
	{ "uri:spiffe://example.org/ns/{ns}", "", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "..", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", ".", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "a/b", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "a/../b", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "a%2fb", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "a?b", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "a#b", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "*", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", A63 "a", NULL },
	{ "uri:spiffe://example.org/ns/{ns}", "\xe2\x80\xae", NULL },
	{ "email:{ns}@example.org", "payments", "payments@example.org" },
	{ "email:{ns}@example.org", "a@b", NULL },
	{ "email:{ns}@example.org", "*", NULL },
	{ "email:{ns}@example.org", "a.b", NULL },
};

static void test_filling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fills) / sizeof(*fills); i++) {
		struct ca_claims claims = { .source = "prod" };
		struct ca_patterns out = { 0 }, globs = { 0 };
		struct ca_detail why = { "" };
		struct ca_rule rule;
		int r;

		make_rule("a", "", "service", fills[i].pattern, &rule);
		assert_int_equal(ca_claims_add(&claims, "ns", fills[i].value), 0);
		r = ca_rule_fill(&rule, &claims, &out, &globs, &why);
		if (r != (fills[i].made ? 0 : CA_ECLAIM))
			fail_msg(
			    "%s with %s: %s", fills[i].pattern, fills[i].value, ca_error_code(r));
		if (r) {
			assert_string_not_equal(why.text, "");
			assert_int_equal(
			    ca_rule_fill(&rule, &claims, &out, &globs, NULL), CA_ECLAIM);
			assert_int_equal(out.n, 0);
		} else {
			assert_string_equal(out.v[0].text, fills[i].made);
		}
		ca_patterns_free(&out);
		ca_claims_clear(&claims);
		ca_rule_clear(&rule);
	}
}

static void test_filling_several(void **state)
{
	struct ca_patterns out = { 0 }, globs = { 0 };
	struct ca_detail why = { "" };
	struct ca_claims claims;
	struct ca_rule rule;

	(void)state;
	make_rule("a", "", "service",
	    "dns:{sa}.{ns}.svc\nuri:spiffe://example.org/ns/{ns}/sa/{sa}\ndns:{ns}.{ns}.svc",
	    &rule);
	parse_claims("ns=a", &claims);
	assert_int_equal(ca_rule_fill(&rule, &claims, &out, &globs, &why), CA_ECLAIM);
	assert_non_null(strstr(why.text, "sa"));
	assert_int_equal(ca_claims_add(&claims, "sa", "a"), 0);
	assert_int_equal(ca_rule_fill(&rule, &claims, &out, &globs, &why), 0);
	assert_int_equal(out.n, 2); /* the third is the first now */
	assert_string_equal(out.v[1].text, "spiffe://example.org/ns/a/sa/a");
	assert_int_equal(globs.n, 0);
	ca_patterns_free(&out);
	ca_claims_clear(&claims);
	ca_rule_clear(&rule);
}

static void test_filling_globs(void **state)
{
	static const struct {
		const char *glob, *value, *made;
	} rows[] = {
		{ "app_{ns}", "payments", "app_payments" },
		{ "{ns}_*", "a-b", "a-b_*" },
		{ "app", "a.b", "app" },
		{ "app_{ns}", "", NULL },
		{ "app_{ns}", "*", NULL },
		{ "app_{ns}", "a*", NULL },
		{ "app_{ns}", "a_b", NULL },
		{ "app_{ns}", "A", NULL },
		{ "app_{ns}", "a b", NULL },
		{ "app_{ns}", "{ns}", NULL },
		{ "app_{ns}", "a\n", NULL },
		{ "app_{ns}", A63 "a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ca_patterns out = { 0 }, globs = { 0 };
		struct ca_claims claims = { .source = "prod" };
		struct ca_rule rule;
		int r;

		make_rule("a", "", "service", "dns:a.internal", &rule);
		support_globs(rows[i].glob, true, &rule.common_names);
		assert_int_equal(ca_claims_add(&claims, "ns", rows[i].value), 0);
		r = ca_rule_fill(&rule, &claims, &out, &globs, NULL);
		if (r != (rows[i].made ? 0 : CA_ECLAIM))
			fail_msg("%s with %s: %s", rows[i].glob, rows[i].value, ca_error_code(r));
		if (r)
			assert_int_equal(out.n + globs.n, 0);
		else
			assert_string_equal(globs.v[0].text, rows[i].made);
		ca_patterns_free(&out);
		ca_patterns_free(&globs);
		ca_claims_clear(&claims);
		ca_rule_clear(&rule);
	}
}

/* ---- documents ---- */

/*
 * 0 web       ns=payments           service          *.{ns}.svc, spiffe …/ns/{ns}/sa/{sa}
 * 1 database  ns=payments sa=api    database-client  db.internal
 * 2 more      ns=payments           service          b.internal
 * 3 wild      ns=edge               service          *.edge.internal, wildcards
 * 4 admin     ns=root               operator         a.internal
 * 5 gone      ns=gone               nonsense         a.internal
 * 6 dots      sa=*                  client           {pod}.pod
 * 7 catch     ns=dots               client           c.internal
 * 8 role      ns=payments           app              {sa}.db; CN *, of which the profile has app_*
 * 9 own       ns=ledger             database-client  own.db; CN app_{sa}
 */
static void make_document(struct ca_document *document)
{
	static const char *const rules[][4] = {
		{ "web", "ns=payments", "service",
		    "dns:*.{ns}.svc\nuri:spiffe://example.org/ns/{ns}/sa/{sa}" },
		{ "database", "ns=payments sa=api", "database-client", "dns:db.internal" },
		{ "more", "ns=payments", "service", "dns:b.internal" },
		{ "wild", "ns=edge", "service", "dns:*.edge.internal" },
		{ "admin", "ns=root", "operator", "dns:a.internal" },
		{ "gone", "ns=gone", "nonsense", "dns:a.internal" },
		{ "dots", "sa=*", "client", "dns:{pod}.pod" },
		{ "catch", "ns=dots", "client", "dns:c.internal" },
		{ "role", "ns=payments", "app", "dns:{sa}.db" },
		{ "own", "ns=ledger", "database-client", "dns:own.db" },
	};
	const size_t n = sizeof(rules) / sizeof(*rules);

	*document = (struct ca_document){ .profiles = calloc(2, sizeof(struct ca_profile)),
		.profiles_len = 2,
		.rules = calloc(n, sizeof(struct ca_rule)),
		.rules_len = n };
	for (size_t i = 0; i < n; i++)
		make_rule(rules[i][0], rules[i][1], rules[i][2], rules[i][3], &document->rules[i]);
	document->rules[3].wildcards = true;
	assert_int_equal(
	    ca_profile_copy(ca_profile_builtin("database-client"), &document->profiles[0]), 0);
	memcpy(document->profiles[0].name, "app\0", 4);
	ca_patterns_free(&document->profiles[0].common_names);
	support_globs("app_*", false, &document->profiles[0].common_names);
	support_globs("*", true, &document->rules[8].common_names);
	support_globs("app_{sa}", true, &document->rules[9].common_names);
	assert_int_equal(ca_profile_init(&document->profiles[1], "operator"), 0);
}

/* clang-format off */
static const struct {
	const char *claims, *profile, *cn, *asks;
	int expected;
	const char *rule, *gets; /* the rule that decided; NULL: none */
} questions[] = {
	{ "ns=payments sa=api", NULL, NULL, "dns:a.payments.svc", 0, "web", "dns:a.payments.svc" },
	{ "ns=payments sa=api", NULL, NULL, "uri:spiffe://example.org/ns/payments/sa/api", 0, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "uri:spiffe://example.org/ns/payments/sa/other", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "uri:spiffe://example.org/ns/other/sa/api", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "uri:spiffe://example.org.evil/ns/payments/sa/api", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "dns:a.orders.svc", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "dns:a.evilpayments.svc", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "dns:payments.svc", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, "dns:*.payments.svc", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, NULL, NULL, 0, "web", "uri:spiffe://example.org/ns/payments/sa/api" },
	/* a later rule that grants all of it */
	{ "ns=payments sa=api", NULL, NULL, "dns:b.internal", 0, "more", "dns:b.internal" },
	{ "ns=payments sa=api", NULL, NULL, "dns:db.internal", 0, "database", "dns:db.internal" },
	{ "ns=payments sa=web", NULL, NULL, "dns:db.internal", CA_ENAMEREFUSED, "web", NULL },
	/* rules are not added up */
	{ "ns=payments sa=api", NULL, NULL, "dns:a.payments.svc\ndns:b.internal", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, "b.internal", "dns:a.payments.svc", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=api", NULL, "db.internal", "dns:b.internal", CA_ENAMEREFUSED, "web", NULL },
	/* a profile is asked for */
	{ "ns=payments sa=api", "database-client", NULL, "dns:db.internal", 0, "database", NULL },
	{ "ns=payments sa=api", "database-client", NULL, "dns:b.internal", CA_ENAMEREFUSED, "database", NULL },
	{ "ns=payments sa=api", "service", NULL, "dns:db.internal", CA_ENAMEREFUSED, "web", NULL },
	{ "ns=payments sa=web", "database-client", NULL, "dns:db.internal", CA_ENORULE, NULL, NULL },
	{ "ns=payments sa=api", "server", NULL, "dns:a.payments.svc", CA_ENORULE, NULL, NULL },
	{ "ns=payments sa=api", "", NULL, "dns:a.payments.svc", CA_ENORULE, NULL, NULL },
	/* a role: by the profile and the rule, not by the ready-made one's star alone */
	{ "ns=ledger sa=web", "database-client", "app_web", NULL, 0, "own", "" },
	{ "ns=ledger sa=web", "database-client", "app_api", NULL, CA_ESUBJECT, "own", NULL },
	{ "ns=ledger sa=web", "database-client", "app_web_rw", NULL, CA_ESUBJECT, "own", NULL },
	{ "ns=ledger sa=web", "database-client", "postgres", NULL, CA_ENAMEREFUSED, "own", NULL },
	{ "ns=ledger sa=w.b", "database-client", "app_w.b", NULL, CA_ECLAIM, "own", NULL },
	{ "ns=ledger sa=*", "database-client", "app_web", NULL, CA_ECLAIM, "own", NULL },
	{ "ns=ledger", "database-client", "app_", NULL, CA_ECLAIM, "own", NULL },
	{ "ns=payments sa=api", "app", "app_rw", NULL, 0, "role", "" },
	{ "ns=payments sa=api", NULL, "app_rw", NULL, 0, "role", "" },
	{ "ns=payments sa=api", "app", "postgres", NULL, CA_ENAMEREFUSED, "role", NULL },
	{ "ns=payments sa=api", "database-client", "app_rw", NULL, CA_ESUBJECT, "database", NULL },
	{ "ns=payments sa=api", "app", "app_rw", "dns:web.db", CA_ENAMEREFUSED, "role", NULL },
	{ "ns=payments sa=api", "app", "app_rw", "dns:api.db", 0, "role", "dns:api.db" },
	/* wildcards, when the rule says so */
	{ "ns=edge", NULL, NULL, "dns:*.edge.internal", 0, "wild", "dns:*.edge.internal" },
	{ "ns=edge", NULL, NULL, "dns:*.internal", CA_ENAMEREFUSED, "wild", NULL },
	{ "ns=edge", NULL, NULL, NULL, CA_ENONAMES, "wild", NULL },
	/* nobody */
	{ "ns=other", NULL, NULL, "dns:a.payments.svc", CA_ENORULE, NULL, NULL },
	{ "ns=Payments", NULL, NULL, "dns:a.payments.svc", CA_ENORULE, NULL, NULL },
	{ "", NULL, NULL, "dns:a.payments.svc", CA_ENORULE, NULL, NULL },
	{ "", NULL, NULL, NULL, CA_ENORULE, NULL, NULL },
	/* profiles that no rule gives */
	{ "ns=root", NULL, "ada", NULL, CA_EPROFILEREFUSED, "admin", NULL },
	{ "ns=root", "operator", "ada", NULL, CA_EPROFILEREFUSED, "admin", NULL },
	{ "ns=gone", NULL, NULL, "dns:a.internal", CA_EPROFILE, "gone", NULL },
	/* claims that break out: that rule is passed by, and says why when none is left */
	{ "ns=dots sa=x pod=web-1", NULL, NULL, "dns:web-1.pod", 0, "dots", NULL },
	{ "ns=dots sa=x pod=web.1", NULL, NULL, "dns:web.1.pod", CA_ECLAIM, "dots", NULL },
	{ "ns=dots sa=x pod=*", NULL, NULL, "dns:*.pod", CA_ECLAIM, "dots", NULL },
	{ "ns=dots sa=x", NULL, NULL, "dns:a.pod", CA_ECLAIM, "dots", NULL },
	{ "ns=dots sa=x pod=web.1", NULL, NULL, "dns:c.internal", 0, "catch", "dns:c.internal" },
	{ "ns=payments sa=", NULL, NULL, "dns:a.payments.svc", CA_ECLAIM, "web", NULL },
	{ "ns=payments sa=a.b", NULL, NULL, "dns:b.internal", 0, "more", NULL },
	{ "ns=payments/../orders sa=a", "service", NULL, "dns:a.orders.svc", CA_ENORULE, NULL, NULL },
};
/* clang-format on */

static void ask(size_t i, const struct ca_document *document)
{
	static const struct ca_constraints constraints = { .trust_domain = "example.org" };
	char *cn = questions[i].cn ? strdup(questions[i].cn) : NULL;
	struct ca_csr csr = { .key_type = CA_KEY_EC_P256, .common_name = cn };
	struct ca_grant grant = { .eku = 99 };
	const struct ca_rule *rule = NULL;
	struct ca_detail why = { "" };
	struct ca_buf names = CA_BUF_INIT;
	struct ca_claims claims;
	struct ca_rules_request request = { .document = document,
		.claims = &claims,
		.profile = questions[i].profile,
		.policy = { .csr = &csr,
		    .constraints = &constraints,
		    .now = NOW,
		    .issuer_not_before = NOW - CA_DAY,
		    .issuer_not_after = NOW + CA_YEAR } };
	int r;

	parse_claims(questions[i].claims, &claims);
	if (questions[i].asks)
		assert_int_equal(ca_names_parse(questions[i].asks, &csr.names), 0);
	r = ca_rules_evaluate(&request, &rule, &grant, &why);
	if (r != questions[i].expected)
		fail_msg("question %zu: %s, not %s: %s", i, ca_error_code(r),
		    ca_error_code(questions[i].expected), why.text);
	if (!rule != !questions[i].rule || (rule && strcmp(rule->name, questions[i].rule) != 0))
		fail_msg("question %zu: the rule %s", i, rule ? rule->name : "-");
	assert_int_equal(why.text[0] == '\0', r == 0);
	if (r) {
		assert_int_equal(grant.eku, 99);
	} else {
		ca_names_format(&grant.names, &names);
		if (questions[i].gets && strcmp(questions[i].gets, ca_buf_text(&names)) != 0)
			fail_msg("question %zu: gets %s", i, ca_buf_text(&names));
		ca_grant_clear(&grant);
	}
	ca_buf_free(&names);
	ca_names_free(&csr.names);
	ca_claims_clear(&claims);
	free(cn);
}

static void test_questions(void **state)
{
	struct ca_document document;

	(void)state;
	make_document(&document);
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		ask(i, &document);
	ca_document_clear(&document);
	assert_int_equal(document.rules_len, 0);
	ca_document_clear(NULL);
}

/* 200 rules that match, names that fit the last of their profile's patterns only, and one name that
 * fits none: each rule would be hours of work with the next. */
static void test_bounded(void **state)
{
	static char name[128], pattern[128];
	struct ca_csr csr = { .key_type = CA_KEY_EC_P256 };
	struct ca_document document = { 0 };
	struct ca_grant grant = { 0 };
	const struct ca_rule *rule = NULL;
	struct ca_detail why = { "" };
	struct ca_claims claims;
	struct ca_rules_request request = { .document = &document,
		.claims = &claims,
		.policy = { .csr = &csr,
		    .now = NOW,
		    .issuer_not_before = NOW - CA_DAY,
		    .issuer_not_after = NOW + CA_YEAR } };

	(void)state;
	document.profiles = calloc(1, sizeof(*document.profiles));
	document.profiles_len = 1;
	assert_int_equal(ca_profile_init(document.profiles, "heavy"), 0);
	document.profiles->any_name = false;
	document.profiles->names_max = 256;
	for (int i = 0; i < 200; i++) {
		int n = snprintf(pattern, sizeof(pattern), "*a");

		for (int k = 0; k < 28; k++)
			n += snprintf(pattern + n, sizeof(pattern) - (size_t)n, "*a");
		n += snprintf(pattern + n, sizeof(pattern) - (size_t)n, "*%d*.internal", i);
		assert_int_equal(ca_patterns_add(&document.profiles->names, CA_NAME_DNS, pattern,
				     (size_t)n, false, NULL),
		    0);
	}
	assert_int_equal(
	    ca_patterns_add(&document.profiles->names, CA_NAME_DNS, "**.internal", 11, false, NULL),
	    0);
	document.rules = calloc(200, sizeof(*document.rules));
	for (; document.rules_len < 200; document.rules_len++)
		make_rule(
		    "r", "ns=a", "heavy", "dns:**.x.internal", &document.rules[document.rules_len]);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name),
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%c%c.%sinternal",
		    'a' + i % 26, 'a' + i / 26, i == 199 ? "" : "x.");
		assert_int_equal(
		    ca_names_add(&csr.names, CA_NAME_DNS, name, strlen(name), NULL), 0);
	}
	parse_claims("ns=a", &claims);
	/* Without the bound this does not end before the test is given up. */
	assert_int_equal(ca_rules_evaluate(&request, &rule, &grant, &why), CA_ETOOMANYNAMES);
	ca_claims_clear(&claims);
	ca_names_free(&csr.names);
	ca_document_clear(&document);
}

static void test_profiles_of_a_document(void **state)
{
	struct ca_document document, empty = { 0 };

	(void)state;
	make_document(&document);
	assert_ptr_equal(ca_document_profile(&document, "app"), &document.profiles[0]);
	assert_ptr_equal(ca_document_profile(&document, "service"), ca_profile_builtin("service"));
	/* Not the document's. */
	assert_ptr_equal(
	    ca_document_profile(&document, "operator"), ca_profile_builtin("operator"));
	assert_null(ca_document_profile(&document, "nonsense"));
	assert_null(ca_document_profile(&empty, "app"));
	memcpy(document.profiles[0].name, "service", 8);
	assert_ptr_equal(ca_document_profile(&document, "service"), &document.profiles[0]);
	ca_document_clear(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_audience),
		cmocka_unit_test(test_filling),
		cmocka_unit_test(test_filling_several),
		cmocka_unit_test(test_filling_globs),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_profiles_of_a_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
