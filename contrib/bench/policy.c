/*
 * policy: how long the decision takes, by itself: a service account of a cluster asks for three
 * names, and the rule that grants them is the last of the document's. Microseconds of CPU, of the
 * median round.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/clock.h"
#include "ca/tenant_policy.h"
#include "contrib/bench/arguments.h"
#include "contrib/bench/measure.h"

#define ROUNDS 15
#define NOW ((int64_t)1800000000)
#define DOCUMENT_MAX 1000

static const char usage[] = "usage: policy [--json]\n"
			    "Measure what a decision costs: 10 rules, 1000 rules, and 1000 that "
			    "all match and refuse.\n";

/* All that a decision is made from. */
struct scene {
	struct ca_document document;
	struct ca_claims claims;
	struct ca_csr csr;
	struct ca_constraints constraints;
	struct ca_ceiling ceiling;
	struct ca_names reserved;
};

static int add_name(struct ca_names *names, enum ca_name_type type, const char *text)
{
	return ca_names_add(names, type, text, strlen(text), NULL);
}

static int add_pattern(struct ca_rule *rule, enum ca_name_type type, const char *text)
{
	return ca_patterns_add(&rule->names, type, text, strlen(text), true, NULL);
}

static int make_rule(struct ca_rule *rule, const char *ns)
{
	memcpy(rule->source, "prod", sizeof("prod"));
	memcpy(rule->profile, "service", sizeof("service"));
	rule->match = calloc(1, sizeof(*rule->match));
	if (!rule->match)
		return -1;
	rule->match_len = 1;
	rule->match[0] = (struct ca_claim){ strdup("ns"), strdup(ns) };
	if (!rule->match[0].name || !rule->match[0].value)
		return -1;
	return add_pattern(rule, CA_NAME_DNS, "*.{ns}.svc") ||
	       add_pattern(rule, CA_NAME_DNS, "**.{ns}.svc.cluster.local") ||
	       add_pattern(rule, CA_NAME_URI, "spiffe://example.org/ns/{ns}/sa/{sa}");
}

/* Every rule but the last is of another namespace, or, with all, of every one. */
static int make_document(struct ca_document *document, size_t n, bool all)
{
	char ns[64];
	int r = 0;

	document->rules = calloc(n, sizeof(*document->rules));
	if (!document->rules)
		return -1;
	for (; document->rules_len < n && !r; document->rules_len++) {
		snprintf(ns, sizeof(ns), "pay-%zu", document->rules_len);
		r = make_rule(&document->rules[document->rules_len], all ? "*"
								     : document->rules_len + 1 == n
									 ? "payments"
									 : ns);
	}
	return r;
}

static int make_scene(struct scene *scene, size_t rules, bool all)
{
	*scene = (struct scene){ .csr = { .key_type = CA_KEY_RSA_2048 },
		.ceiling = { 90 * CA_DAY, CA_ALLOW_ALL },
		.claims = { .source = "prod" },
		.constraints = { .trust_domain = "example.org" } };
	return make_document(&scene->document, rules, all) ||
	       ca_claims_add(&scene->claims, "ns", "payments") ||
	       ca_claims_add(&scene->claims, "sa", "api") ||
	       ca_claims_add(&scene->claims, "pod", "api-7c9d") ||
	       add_name(&scene->constraints.dns, CA_NAME_DNS, "svc") ||
	       add_name(&scene->constraints.dns, CA_NAME_DNS, "cluster.local") ||
	       add_name(&scene->reserved, CA_NAME_DNS, "ca.internal") ||
	       add_name(&scene->csr.names, CA_NAME_DNS, "api.payments.svc") ||
	       add_name(&scene->csr.names, CA_NAME_DNS, "api.payments.svc.cluster.local") ||
	       add_name(&scene->csr.names, CA_NAME_URI,
		   all ? "spiffe://example.org/ns/payments/sa/other"
		       : "spiffe://example.org/ns/payments/sa/api");
}

static void clear_scene(struct scene *scene)
{
	ca_document_clear(&scene->document);
	ca_claims_clear(&scene->claims);
	ca_names_free(&scene->csr.names);
	ca_constraints_clear(&scene->constraints);
	ca_names_free(&scene->reserved);
}

static int decide(const struct scene *scene)
{
	const struct ca_rules_request request = {
		.document = &scene->document,
		.claims = &scene->claims,
		.policy = { .csr = &scene->csr,
		    .constraints = &scene->constraints,
		    .ceiling = &scene->ceiling,
		    .reserved = &scene->reserved,
		    .now = NOW,
		    .issuer_not_before = NOW - CA_DAY,
		    .issuer_not_after = NOW + CA_YEAR },
	};
	const struct ca_rule *rule = NULL;
	struct ca_grant grant = { 0 };
	struct ca_detail why;
	int r = ca_rules_evaluate(&request, &rule, &grant, &why);

	ca_grant_clear(&grant);
	return r;
}

/* Microseconds; negative when something else than expected was decided. */
static double measure(size_t rules, bool all, int expected, int times)
{
	int64_t rounds[ROUNDS];
	struct scene scene;
	bool ok = make_scene(&scene, rules, all) == 0;

	for (size_t i = 0; i < ROUNDS && ok; i++) {
		int64_t start = bench_own_cpu_ns();

		for (int k = 0; k < times && ok; k++)
			ok = decide(&scene) == expected;
		rounds[i] = bench_own_cpu_ns() - start;
	}
	clear_scene(&scene);
	if (!ok) {
		fprintf(stderr, "policy: another decision than expected\n");
		return -1;
	}
	bench_sort(rounds, ROUNDS);
	return (double)bench_percentile(rounds, ROUNDS, 0.5) / times / 1000;
}

static int take(int option, void *out)
{
	*(bool *)out = option == 'j';
	return 0;
}

static int check(const void *out)
{
	(void)out;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, BENCH_HELP }, { NULL, 0, NULL, 0 } };
	static const struct bench_arguments arguments = { usage, known, take, check };
	bool json = false;
	int r = bench_arguments_read(&arguments, argc, argv, &json);
	double usual, many, worst;

	if (r)
		return r > 0 ? 0 : 2;
	usual = measure(10, false, 0, 2000);
	many = measure(DOCUMENT_MAX, false, 0, 200);
	worst = measure(DOCUMENT_MAX, true, CA_ENAMEREFUSED, 2);
	if (usual < 0 || many < 0 || worst < 0)
		return 1;
	printf(json ? "{\"usual_us\":%.2f,\"many_us\":%.2f,\"worst_us\":%.2f}\n"
		    : "10 rules: %.2f us\n%.2f us with 1000\n%.2f us with 1000 that match and "
		      "refuse\n",
	    usual, many, worst);
	return 0;
}
