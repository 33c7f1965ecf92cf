#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "ca/constraints.h"
#include "tests/unit/support.h"

static void make(
    const char *dns, const char *ip, const char *domain, struct ca_constraints *constraints)
{
	*constraints = (struct ca_constraints){ 0 };
	if (dns)
		assert_int_equal(ca_names_parse(dns, &constraints->dns), 0);
	support_patterns(ip, false, &constraints->ip);
	if (domain)
		memcpy(constraints->trust_domain, domain, strlen(domain) + 1);
}

#define INTERNAL "dns:web.internal\ndns:db.example.org"

static const struct {
	const char *dns, *ip, *domain, *name;
	bool fine;
} rows[] = {
	/* nothing given */
	{ NULL, NULL, NULL, "dns:anything.at.all", true },
	{ NULL, NULL, NULL, "ip:10.0.0.1", true },
	{ NULL, NULL, NULL, "uri:https://anything/", true },
	{ NULL, NULL, NULL, "email:a@example.org", true },
	{ NULL, NULL, NULL, "uri:spiffe://example.org/a", false },
	/* suffixes */
	{ INTERNAL, NULL, NULL, "dns:web.internal", true },
	{ INTERNAL, NULL, NULL, "dns:a.web.internal", true },
	{ INTERNAL, NULL, NULL, "dns:a.b.web.internal", true },
	{ INTERNAL, NULL, NULL, "dns:A.Web.Internal.", true },
	{ INTERNAL, NULL, NULL, "dns:*.web.internal", true },
	{ INTERNAL, NULL, NULL, "dns:*.a.db.example.org", true },
	{ INTERNAL, NULL, NULL, "dns:*.internal", false },
	{ INTERNAL, NULL, NULL, "dns:*.example.org", false },
	{ INTERNAL, NULL, NULL, "dns:internal", false },
	{ INTERNAL, NULL, NULL, "dns:evilweb.internal", false },
	{ INTERNAL, NULL, NULL, "dns:web.internal.evil", false },
	{ INTERNAL, NULL, NULL, "dns:webxinternal", false },
	{ INTERNAL, NULL, NULL, "ip:10.0.0.1", false },
	{ INTERNAL, NULL, NULL, "ip:::1", false },
	{ INTERNAL, NULL, NULL, "uri:https://a.web.internal/b", true },
	{ INTERNAL, NULL, NULL, "uri:https://web.internal:8443/b", true },
	{ INTERNAL, NULL, NULL, "uri:https://evilweb.internal/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://web.internal.evil/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://web.internal@evil/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://evil@web.internal/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://evil%23.web.internal/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://web.internal:x/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://web.internal./b", false },
	{ INTERNAL, NULL, NULL, "uri:https://10.0.0.1/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://[::1]/b", false },
	{ INTERNAL, NULL, NULL, "uri:https://evil/?web.internal", false },
	{ INTERNAL, NULL, NULL, "uri:https://evil?.web.internal", false },
	{ INTERNAL, NULL, NULL, "uri:spiffe://web.internal/a", false },
	{ INTERNAL, NULL, NULL, "email:a@elsewhere.org", true },
	/* ranges */
	{ NULL, "ip:10.1.0.0/16", NULL, "ip:10.1.255.1", true },
	{ NULL, "ip:10.1.0.0/16", NULL, "ip:10.2.0.1", false },
	{ NULL, "ip:10.1.0.0/16", NULL, "ip:::ffff:10.1.0.1", true },
	{ NULL, "ip:10.1.0.0/16", NULL, "ip:::ffff:10.2.0.1", false },
	{ NULL, "ip:10.1.0.0/16", NULL, "ip:fd00::1", false },
	{ NULL, "ip:10.1.0.0/16\nip:fd00::/8", NULL, "ip:fd00::1", true },
	{ NULL, "ip:::/0", NULL, "ip:10.0.0.1", false },
	{ NULL, "ip:10.1.0.0/16", NULL, "dns:anything.at.all", true },
	{ NULL, "ip:10.1.0.0/16", NULL, "uri:https://anything/", true },
	/* trust domains */
	{ NULL, NULL, "example.org", "uri:spiffe://example.org/ns/a", true },
	{ NULL, NULL, "example.org", "uri:spiffe://Example.ORG/ns/a", true },
	{ NULL, NULL, "example.org", "uri:spiffe://example.org.evil/ns/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://evilexample.org/ns/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://a.example.org/ns/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://org/ns/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://example.or/ns/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://example.org", false },
	{ NULL, NULL, "example.org", "uri:spiffe://example.org/", false },
	{ NULL, NULL, "example.org", "uri:spiffe://example.org:443/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://user@example.org/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://evil/example.org/a", false },
	{ NULL, NULL, "example.org", "uri:spiffe://example.org/a%2e", false },
	{ NULL, NULL, "example.org", "uri:spiffe://example.org/a/..", false },
	{ NULL, NULL, "example.org", "uri:https://example.org/a", true },
	{ NULL, NULL, "example.org", "uri:https://example.org:8443/a", true },
	{ NULL, NULL, "example.org", "uri:https://a.example.org/a", false },
	{ NULL, NULL, "example.org", "uri:https://example.org.evil/a", false },
	{ NULL, NULL, "example.org", "uri:https://example.org@evil/a", false },
	{ NULL, NULL, "example.org", "ip:10.0.0.1", false },
	{ NULL, NULL, "example.org", "dns:anything.at.all", true },
	{ INTERNAL, NULL, "example.org", "uri:https://web.internal/a", false },
	{ INTERNAL, NULL, "example.org", "dns:example.org", false },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ca_constraints constraints;
		struct ca_names names = CA_NAMES_INIT;
		struct ca_detail why = { "" };
		int r;

		make(rows[i].dns, rows[i].ip, rows[i].domain, &constraints);
		assert_int_equal(
		    ca_constraints_any(&constraints), rows[i].dns || rows[i].ip || rows[i].domain);
		assert_int_equal(ca_names_parse(rows[i].name, &names), 0);
		r = ca_constraints_check(&constraints, &names.v[0], &why);
		if (r != (rows[i].fine ? 0 : CA_ENAMEREFUSED))
			fail_msg("row %zu: %s: %s", i, rows[i].name, ca_error_code(r));
		assert_int_equal(why.text[0] == '\0', rows[i].fine);
		ca_names_free(&names);
		ca_constraints_clear(&constraints);
	}
	ca_constraints_clear(NULL);
}

/* ---- the extension, as GnuTLS reads it ---- */

static void add_entry(struct ca_buf *out, gnutls_x509_name_constraints_t nc, bool permitted)
{
	gnutls_datum_t name;
	unsigned type;

	for (unsigned i = 0;; i++) {
		int g = permitted ? gnutls_x509_name_constraints_get_permitted(nc, i, &type, &name)
				  : gnutls_x509_name_constraints_get_excluded(nc, i, &type, &name);

		if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return;
		assert_int_equal(g, 0);
		ca_buf_addf(out, "%c%u:", permitted ? '+' : '-', type);
		for (unsigned k = 0; k < name.size; k++)
			ca_buf_addf(
			    out, type == GNUTLS_SAN_IPADDRESS ? "%02x" : "%c", name.data[k]);
		ca_buf_add_str(out, "\n");
	}
}

/* What is read back from a certificate with the constraints, a line an entry. */
static char *read_back(const struct ca_constraints *constraints)
{
	gnutls_x509_name_constraints_t nc = NULL;
	struct ca_buf out = CA_BUF_INIT;
	gnutls_x509_crt_t crt = NULL;
	unsigned critical = 0;
	char *text;
	int g;

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(ca_constraints_set(crt, constraints), 0);
	assert_int_equal(gnutls_x509_name_constraints_init(&nc), 0);
	g = gnutls_x509_crt_get_name_constraints(crt, nc, 0, &critical);
	if (g != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
		assert_int_equal(g, 0);
		assert_int_equal(critical, 1);
		add_entry(&out, nc, true);
		add_entry(&out, nc, false);
	}
	gnutls_x509_name_constraints_deinit(nc);
	gnutls_x509_crt_deinit(crt);
	text = strdup(ca_buf_text(&out));
	assert_non_null(text);
	ca_buf_free(&out);
	return text;
}

#define NO_V4 "-4:0000000000000000\n"
#define NO_V6 "-4:0000000000000000000000000000000000000000000000000000000000000000\n"
/* Beside ranges of the other family; see add_ranges(). */
#define ONLY_NOBODY_V4 "+4:00000000ffffffff\n"
#define ONLY_NOBODY_V6 "+4:00000000000000000000000000000000ffffffffffffffffffffffffffffffff\n"

static void test_extension(void **state)
{
	static const struct {
		const char *dns, *ip, *domain, *expected;
	} sets[] = {
		{ NULL, NULL, NULL, "" },
		{ "dns:web.internal\ndns:db.internal", NULL, NULL,
		    "+1:web.internal\n+1:db.internal\n" NO_V4 NO_V6 },
		{ NULL, NULL, "example.org", "+3:example.org\n" NO_V4 NO_V6 },
		{ NULL, "ip:10.1.0.0/16\nip:192.0.2.1", NULL,
		    "+4:0a010000ffff0000\n+4:c0000201ffffffff\n" ONLY_NOBODY_V6 },
		{ NULL, "ip:fd00::/8", NULL,
		    "+4:"
		    "fd000000000000000000000000000000ff000000000000000000000000000000"
		    "\n" ONLY_NOBODY_V4 },
		{ "dns:web.internal", "ip:0.0.0.0/0\nip:2001:db8::1", "example.org",
		    "+1:web.internal\n+3:example.org\n+4:0000000000000000\n"
		    "+4:20010db8000000000000000000000001ffffffffffffffffffffffffffffffff\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct ca_constraints constraints;
		char *text;

		make(sets[i].dns, sets[i].ip, sets[i].domain, &constraints);
		text = read_back(&constraints);
		assert_string_equal(text, sets[i].expected);
		free(text);
		ca_constraints_clear(&constraints);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_extension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
