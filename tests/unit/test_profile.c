#include <string.h>

#include <gnutls/x509.h>

#include "ca/base/clock.h"
#include "ca/csr.h"
#include "ca/profile.h"
#include "tests/unit/support.h"

static void test_ready_made(void **state)
{
	static const char *const names[] = { "service", "server", "client", "database-server",
		"database-client", "message-bus", "spiffe", "operator" };
	const struct ca_profile *p;
	size_t i;

	(void)state;
	for (i = 0; (p = ca_profile_builtin_at(i)); i++) {
		assert_string_equal(p->name, names[i]);
		assert_ptr_equal(ca_profile_builtin(names[i]), p);
		assert_int_not_equal(p->key_types, 0);
		assert_int_equal(
		    p->key_usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN), 0);
		assert_true(p->key_usage & GNUTLS_KEY_DIGITAL_SIGNATURE);
		assert_true(p->eku && !(p->eku & ~(unsigned)CA_EKU_ALL));
		assert_true(p->default_lifetime >= CA_HOUR);
		assert_true(p->max_lifetime >= p->default_lifetime);
		assert_true(p->max_lifetime <= CA_PROFILE_LIFETIME_MAX);
		assert_int_equal(p->for_operators, strcmp(p->name, "operator") == 0);
		assert_int_equal(p->wildcards, strcmp(p->name, "service") == 0);
		assert_int_equal(p->spiffe, strcmp(p->name, "spiffe") == 0);
	}
	assert_int_equal(i, sizeof(names) / sizeof(*names));
	assert_null(ca_profile_builtin("Service"));
	assert_null(ca_profile_builtin(""));
	assert_null(ca_profile_builtin("services"));
	assert_null(ca_profile_builtin_at(SIZE_MAX));
}

static void test_init(void **state)
{
	const struct ca_profile *service = ca_profile_builtin("service");
	struct ca_profile profile = { .name = "untouched" };
	char name[CA_PROFILE_NAME + 1] = { 0 };

	(void)state;
	memset(name, 'a', CA_PROFILE_NAME);
	assert_int_equal(ca_profile_init(&profile, name), CA_EINVAL);
	assert_string_equal(profile.name, "untouched");
	name[CA_PROFILE_NAME - 1] = '\0';
	assert_int_equal(ca_profile_init(&profile, name), 0);
	assert_string_equal(profile.name, name);
	assert_int_equal(profile.eku, service->eku);
	assert_int_equal(profile.max_lifetime, service->max_lifetime);
	assert_true(profile.any_name && profile.wildcards);
	ca_profile_clear(&profile);
}

static void test_copy(void **state)
{
	char organization[] = "Example", unit[] = "Payments";
	const struct ca_profile *spiffe = ca_profile_builtin("spiffe");
	struct ca_profile from = *ca_profile_builtin("database-client"), copy = { 0 };

	(void)state;
	from.names = spiffe->names;
	from.subject.organization = organization;
	from.subject.organizational_unit = unit;
	assert_int_equal(ca_profile_copy(&from, &copy), 0);
	assert_string_equal(copy.name, "database-client");
	assert_int_equal(copy.names.n, spiffe->names.n);
	assert_ptr_not_equal(copy.names.v, spiffe->names.v);
	assert_string_equal(copy.common_names.v[0].text, "*");
	assert_string_equal(copy.subject.organization, "Example");
	assert_string_equal(copy.subject.organizational_unit, "Payments");
	assert_ptr_not_equal(copy.subject.organization, organization);
	ca_profile_clear(&copy);
	ca_profile_clear(&copy);
	ca_profile_clear(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready_made),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
