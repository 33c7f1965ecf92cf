#include <stdlib.h>
#include <string.h>

#include "api/server/token.h"
#include "ca/base/text.h"
#include "tests/unit/support.h"

#define NOW INT64_C(1800000000)

static struct ca_authority root;
static struct ca_authority *authorities[] = { &root };
static struct ca_installation installation = { .authorities = authorities, .authorities_len = 1 };

static int set_up(void **state)
{
	(void)state;
	memset(installation.token_key, 0x5a, sizeof(installation.token_key));
	memset(root.sha256, 0xcd, sizeof(root.sha256));
	return 0;
}

static void make(struct ca_buf *jwt, int64_t created, int64_t expires)
{
	struct store_token row = { .created_at = created,
		.expires_at = expires,
		.profile = "service",
		.id = "00112233445566778899aabbccddeeff" };

	assert_int_equal(ca_names_add(&row.names, CA_NAME_DNS, "web.internal", 12, NULL), 0);
	assert_int_equal(server_token_create(&installation, "https://ca.internal:8443", "default",
			     &row, root.sha256, jwt),
	    0);
	ca_names_free(&row.names);
}

static int verify(const char *jwt)
{
	char id[STORE_TOKEN_ID] = "";
	int r = server_token_verify(&installation, jwt, strlen(jwt), NOW, id, NULL);

	assert_string_equal(id, r ? "" : "00112233445566778899aabbccddeeff");
	return r;
}

static void good_until_its_end(void **state)
{
	struct ca_buf jwt = CA_BUF_INIT;

	(void)state;
	make(&jwt, NOW, NOW + 3600);
	assert_int_equal(verify(ca_buf_text(&jwt)), 0);
	ca_buf_clear(&jwt);
	make(&jwt, NOW - 10, NOW);
	assert_int_equal(verify(ca_buf_text(&jwt)), 0);
	ca_buf_clear(&jwt);
	make(&jwt, NOW - 10, NOW - 1);
	assert_int_equal(verify(ca_buf_text(&jwt)), CA_ETOKENEXPIRED);
	ca_buf_clear(&jwt);
	make(&jwt, NOW + SERVER_TOKEN_SKEW, NOW + 3600);
	assert_int_equal(verify(ca_buf_text(&jwt)), 0);
	ca_buf_clear(&jwt);
	make(&jwt, NOW + SERVER_TOKEN_SKEW + 1, NOW + 3600);
	assert_int_equal(verify(ca_buf_text(&jwt)), CA_ETOKENEARLY);
	ca_buf_free(&jwt);
}

/* Every single changed character, and every cut, is noticed. */
static void any_change_is_noticed(void **state)
{
	struct ca_buf jwt = CA_BUF_INIT;
	char *copy;

	(void)state;
	make(&jwt, NOW, NOW + 3600);
	copy = strdup(ca_buf_text(&jwt));
	for (size_t i = 0; i < jwt.len; i++) {
		char was = copy[i];

		copy[i] = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(verify(copy), 0);
		copy[i] = was;
	}
	assert_int_equal(verify(copy), 0);
	for (size_t i = jwt.len; i-- > 0;) {
		copy[i] = '\0';
		assert_int_not_equal(verify(copy), 0);
	}
	free(copy);
	ca_buf_free(&jwt);
}

static void another_key_and_another_root(void **state)
{
	struct ca_buf jwt = CA_BUF_INIT;

	(void)state;
	make(&jwt, NOW, NOW + 3600);
	installation.token_key[31] ^= 1;
	assert_int_equal(verify(ca_buf_text(&jwt)), CA_ETOKENSIGNATURE);
	installation.token_key[31] ^= 1;
	root.sha256[0] ^= 1;
	assert_int_equal(verify(ca_buf_text(&jwt)), CA_ETOKENFOREIGN);
	root.sha256[0] ^= 1;
	assert_int_equal(verify(ca_buf_text(&jwt)), 0);
	ca_buf_free(&jwt);
}

/* Replace the header: whatever it says, it is not ours. */
static void other_headers(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"none\"}",
		"{\"alg\":\"HS512\",\"typ\":\"JWT\"}", "{\"alg\":\"HS256\"}",
		"{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jwk\":{}}", "{}", "" };
	struct ca_buf jwt = CA_BUF_INIT;
	const char *rest;

	(void)state;
	make(&jwt, NOW, NOW + 3600);
	rest = strchr(ca_buf_text(&jwt), '.');
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		char encoded[128];
		struct ca_buf other = CA_BUF_INIT;

		ca_base64url(headers[i], strlen(headers[i]), encoded);
		ca_buf_addf(&other, "%s%s", encoded, rest);
		assert_int_equal(verify(ca_buf_text(&other)), CA_ETOKEN);
		ca_buf_free(&other);
	}
	ca_buf_free(&jwt);
}

static void shapes_that_are_none(void **state)
{
	static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
	static const char *const rests[] = { "", ".", "..", "...", ".e30.", ".e30.AAAA",
		".!!!.AAAA", ".W10.AAAA", ".IjEi.AAAA" };
	struct ca_buf jwt = CA_BUF_INIT;

	(void)state;
	assert_int_equal(verify(""), CA_ETOKEN);
	assert_int_equal(verify("x"), CA_ETOKEN);
	for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
		ca_buf_clear(&jwt);
		ca_buf_addf(&jwt, "%s%s", header, rests[i]);
		assert_int_equal(verify(ca_buf_text(&jwt)), CA_ETOKEN);
	}
	ca_buf_clear(&jwt);
	ca_buf_addf(&jwt, "%s.", header);
	for (int i = 0; i < SERVER_TOKEN_MAX; i++)
		ca_buf_add_byte(&jwt, 'A');
	ca_buf_add_str(&jwt, ".AAAA");
	assert_int_equal(verify(ca_buf_text(&jwt)), CA_ETOKEN);
	ca_buf_free(&jwt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_until_its_end),
		cmocka_unit_test(any_change_is_noticed),
		cmocka_unit_test(another_key_and_another_root),
		cmocka_unit_test(other_headers),
		cmocka_unit_test(shapes_that_are_none),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
