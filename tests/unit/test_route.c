#include <string.h>

#include "api/server/route.h"
#include "ca/base/error.h"
#include "tests/unit/support.h"

static void every_row_is_complete(void **state)
{
	size_t len;
	const struct server_route *routes = server_routes(&len);

	(void)state;
	assert_true(len > 8);
	for (size_t i = 0; i < len; i++) {
		assert_non_null(routes[i].handle);
		assert_true(routes[i].who != 0);
		assert_true(routes[i].path[0] == '/');
		assert_true(strcmp(routes[i].method, "GET") == 0 ||
			    strcmp(routes[i].method, "DELETE") == 0 || routes[i].body_max > 0);
		for (size_t k = 0; k < i; k++)
			assert_false(strcmp(routes[i].path, routes[k].path) == 0 &&
				     strcmp(routes[i].method, routes[k].method) == 0);
	}
}

static int find(const char *method, const char *path, char parameter[64], char allow[64])
{
	const struct server_route *route = NULL;
	const char *at = NULL;
	size_t len = 0;
	int r;

	allow[0] = '\0';
	r = server_route_find(method, path, &route, &at, &len, allow);
	parameter[0] = '\0';
	if (r == 0 && at) {
		memcpy(parameter, at, len);
		parameter[len] = '\0';
	}
	return r;
}

static void finds_and_refuses(void **state)
{
	char parameter[64], allow[64];

	(void)state;
	assert_int_equal(find("GET", "/v1/certificates", parameter, allow), 0);
	assert_string_equal(parameter, "");
	assert_int_equal(find("HEAD", "/healthz", parameter, allow), 0);
	assert_int_equal(find("GET", "/v1/certificates/4a:bb", parameter, allow), 0);
	assert_string_equal(parameter, "4a:bb");
	assert_int_equal(find("POST", "/v1/certificates/4a/revoke", parameter, allow), 0);
	assert_string_equal(parameter, "4a");
	assert_int_equal(find("GET", "/v1/tenants/pay/spiffe-bundle", parameter, allow), 0);
	assert_string_equal(parameter, "pay");
	assert_int_equal(find("GET", "/v1/tenants//spiffe-bundle", parameter, allow), CA_EPATH);
	assert_int_equal(
	    find("GET", "/v1/tenants/pay/x/spiffe-bundle", parameter, allow), CA_EPATH);
	assert_int_equal(find("PUT", "/v1/certificates", parameter, allow), CA_EMETHOD);
	assert_string_equal(allow, "POST, GET, HEAD");
	assert_int_equal(find("POST", "/v1/certificates/4a", parameter, allow), CA_EMETHOD);
	assert_string_equal(allow, "GET, HEAD");
	assert_int_equal(find("get", "/healthz", parameter, allow), CA_EMETHOD);
}

static void paths_that_are_none(void **state)
{
	static const char *const paths[] = { "", "/", "/v1", "/v1/", "/v1/certificates/",
		"/v1/certificates/4a/", "/v1/certificates/4a/b", "/v1/certificates//revoke",
		"/v1/certificates/4a/revoke/x", "/V1/certificates", "/healthz/", "//healthz",
		"/v1/tokens/a/b", "/v1/certificates/../tokens" };
	char parameter[64], allow[64];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_int_equal(find("GET", paths[i], parameter, allow), CA_EPATH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(finds_and_refuses),
		cmocka_unit_test(paths_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
