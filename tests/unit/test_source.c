#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/server/source.h"
#include "ca/base/log.h"
#include "tests/unit/jwt_maker.h"
#include "tests/unit/reference_certificate.h"
#include "tests/unit/support.h"

#define URL "https://ca.internal:8443"
#define CLUSTER "https://kubernetes.default.svc"
#define ISSUER "https://issuer.example.org"
#define MINUTE 60000

static json_t *old_key, *new_key;
static char *pem; /* of some CA */

/* ---- the world outside, as the tests make it ---- */

static struct {
	int64_t now_ms;
	char *answer; /* owned; NULL: none comes */
	long status;
	int pause_ms;
	pthread_mutex_t lock; /* guards what follows */
	int asked;
	char url[256], body[8192];
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int fake_ask(struct server_outbound *outbound, const char *url, const char *body,
    struct ca_buf *answer, long *status, struct ca_detail *why)
{
	const struct timespec pause = { world.pause_ms / 1000, world.pause_ms % 1000 * 1000000L };

	assert_non_null(outbound);
	pthread_mutex_lock(&world.lock);
	world.asked++;
	snprintf(world.url, sizeof(world.url), "%s", url);
	snprintf(world.body, sizeof(world.body), "%s", body ? body : "");
	pthread_mutex_unlock(&world.lock);
	nanosleep(&pause, NULL);
	if (!world.answer)
		return ca_refuse(why, CA_ESOURCE, "it cannot be asked now");
	ca_buf_clear(answer);
	ca_buf_add_str(answer, world.answer);
	*status = world.status;
	return 0;
}

static int64_t fake_clock(void)
{
	return world.now_ms;
}

static const struct server_source_world fake = { fake_ask, fake_clock };

static void answers(long status, const char *text)
{
	free(world.answer);
	world.answer = text ? strdup(text) : NULL;
	world.status = status;
}

static void answers_keys(const json_t *key)
{
	json_t *set = jwt_set(key, NULL);

	free(world.answer);
	world.answer = json_dumps(set, 0);
	world.status = 200;
	json_decref(set);
}

static int asked(void)
{
	int n = world.asked;

	world.asked = 0;
	return n;
}

/* ---- sources ---- */

static struct server_source *open_source(
    enum store_source_kind kind, const char *issuer, json_t *settings)
{
	struct store_source row = { .id = 7, .version = 1, .kind = kind, .name = "prod" };
	struct server_source *source = NULL;

	row.issuer = strdup(issuer);
	row.settings = json_dumps(settings, 0);
	assert_int_equal(server_source_create(&row, "/nowhere", &fake, &source, NULL), 0);
	store_source_clear(&row);
	json_decref(settings);
	return source;
}

static json_t *given(const json_t *key)
{
	return json_pack("{s:o}", "jwks", jwt_set(key, NULL));
}

static json_t *fetched(void)
{
	return json_pack(
	    "{s:{s:s, s:s}}", "jwks", "url", "https://issuer.example.org/keys", "ca", pem);
}

static json_t *reviewed(void)
{
	return json_pack(
	    "{s:{s:s, s:s, s:s}}", "token_review", "url", CLUSTER, "ca", pem, "bearer", "reviewer");
}

/* The source's word on a token without, or with, the network; the token is freed. */
static int tell(struct server_source *source, char *jwt, bool network, struct server_outside *out)
{
	struct server_outside unused = { 0 };
	int r = (network ? server_source_ask : server_source_check)(
	    source, jwt, strlen(jwt), JWT_NOW, URL, out ? out : &unused, NULL);

	if (!out)
		server_outside_clear(&unused);
	free(jwt);
	return r;
}

static int check(struct server_source *source, char *jwt)
{
	return tell(source, jwt, false, NULL);
}

static int ask(struct server_source *source, char *jwt)
{
	return tell(source, jwt, true, NULL);
}

/* Tokens of an OIDC issuer, made so many seconds ago. */
static char *job_made(const json_t *key, const char *kid, int ago)
{
	char header[64], claims[256];

	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
	snprintf(claims, sizeof(claims),
	    "{\"iss\":\"" ISSUER "\",\"sub\":\"job-7\",\"aud\":\"ca\",\"exp\":%d,\"iat\":%d}",
	    JWT_NOW + 600, JWT_NOW - ago);
	return jwt_make(header, claims, key);
}

static char *job(const json_t *key, const char *kid)
{
	return job_made(key, kid, 300);
}

/* ---- OIDC ---- */

static void keys_that_were_given(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, given(old_key));
	struct server_outside out = { 0 };

	(void)state;
	assert_int_equal(tell(source, job(old_key, "old"), false, &out), 0);
	assert_string_equal(out.claims.source, "prod");
	assert_string_equal(out.claims.subject, "job-7");
	assert_string_equal(ca_claims_get(&out.claims, "sub"), "job-7");
	assert_int_equal(out.claims.audiences_len, 1);
	assert_true(out.claims.for_anybody);
	assert_int_equal(out.expires, JWT_NOW + 600);
	assert_string_equal(out.pod_uid, "");
	server_outside_clear(&out);
	assert_int_equal(check(source, job_made(new_key, "new", -30)), CA_EJWTKEY);
	assert_int_equal(check(source, job(new_key, "old")), CA_ETOKENSIGNATURE);
	assert_int_equal(ask(source, job(old_key, "old")), 0);
	assert_int_equal(asked(), 0);
	server_source_release(source);
}

static void another_issuer_and_audience(void **state)
{
	json_t *settings = given(old_key);
	struct server_outside out = { 0 };
	struct server_source *source;

	(void)state;
	source = open_source(STORE_SOURCE_OIDC, ISSUER "/", given(old_key));
	assert_int_equal(check(source, job(old_key, "old")), CA_EJWTISSUER);
	server_source_release(source);
	json_object_set_new(settings, "audiences", json_pack("[s]", "other"));
	source = open_source(STORE_SOURCE_OIDC, ISSUER, json_deep_copy(settings));
	assert_int_equal(check(source, job(old_key, "old")), CA_EJWTAUDIENCE);
	server_source_release(source);
	json_object_set_new(settings, "audiences", json_pack("[s, s]", "other", "ca"));
	source = open_source(STORE_SOURCE_OIDC, ISSUER, settings);
	assert_int_equal(tell(source, job(old_key, "old"), false, &out), 0);
	assert_false(out.claims.for_anybody);
	server_outside_clear(&out);
	server_source_release(source);
}

static void claims_as_text(void **state)
{
	static const char claims[] =
	    "{\"iss\":\"" ISSUER "\",\"sub\":\"s\",\"aud\":[\"ca\",\"x\"],\"exp\":1800000600,"
	    "\"ref\":\"main\",\"run\":12345678901,\"protected\":true,\"fork\":false,\"f\":1.5,"
	    "\"list\":[\"a\"],\"object\":{\"ref\":\"x\"},\"nothing\":null}";
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, given(old_key));
	struct server_outside out = { 0 };
	static const char *const left_out[] = { "f", "list", "object", "nothing", "aud" };

	(void)state;
	assert_int_equal(
	    tell(source, jwt_make("{\"alg\":\"ES256\"}", claims, old_key), false, &out), 0);
	assert_string_equal(ca_claims_get(&out.claims, "ref"), "main");
	assert_string_equal(ca_claims_get(&out.claims, "run"), "12345678901");
	assert_string_equal(ca_claims_get(&out.claims, "protected"), "true");
	assert_string_equal(ca_claims_get(&out.claims, "fork"), "false");
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		assert_null(ca_claims_get(&out.claims, left_out[i]));
	assert_int_equal(out.claims.audiences_len, 2);
	server_outside_clear(&out);
	server_source_release(source);
}

static void more_claims_than_are_taken(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, given(old_key));
	json_t *claims = json_pack(
	    "{s:s, s:s, s:[s], s:i}", "iss", ISSUER, "sub", "s", "aud", "ca", "exp", JWT_NOW + 600);
	struct server_outside out = { 0 };
	char name[8], long_value[CA_CLAIM_VALUE_MAX + 2], *text;

	(void)state;
	memset(long_value, 'v', sizeof(long_value));
	long_value[sizeof(long_value) - 1] = '\0';
	json_object_set_new(claims, "long", json_string(long_value));
	/* iss, sub and exp are claims, too; what is too long is left out */
	for (int i = 0; i <= CA_CLAIMS_MAX - 3; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		text = json_dumps(claims, 0);
		assert_int_equal(
		    tell(source, jwt_make("{\"alg\":\"ES256\"}", text, old_key), false, &out), 0);
		assert_null(ca_claims_get(&out.claims, "long"));
		assert_int_equal(out.claims.n, 3 + i);
		server_outside_clear(&out);
		free(text);
		json_object_set_new(claims, name, json_integer(i));
	}
	text = json_dumps(claims, 0);
	assert_int_equal(check(source, jwt_make("{\"alg\":\"ES256\"}", text, old_key)), CA_ECLAIM);
	free(text);
	json_decref(claims);
	server_source_release(source);
}

/* ---- keys that are fetched ---- */

static void fetched_once_and_kept(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, fetched());

	(void)state;
	answers_keys(old_key);
	assert_int_equal(check(source, job(old_key, "old")), SERVER_SOURCE_ASK);
	/* What is plainly bad is not worth a question. */
	assert_int_equal(check(source, jwt_make("{\"alg\":\"ES256\"}",
					   "{\"iss\":\"" ISSUER "\",\"sub\":\"s\",\"aud\":\"ca\","
					   "\"exp\":1800000000}",
					   old_key)),
	    CA_ETOKENEXPIRED);
	assert_int_equal(asked(), 0);
	assert_int_equal(ask(source, job(old_key, "old")), 0);
	assert_int_equal(asked(), 1);
	assert_string_equal(world.url, "https://issuer.example.org/keys");
	assert_string_equal(world.body, "");
	for (int i = 0; i < 59; i++) {
		assert_int_equal(check(source, job(old_key, "old")), 0);
		world.now_ms += MINUTE;
	}
	assert_int_equal(asked(), 0);
	server_source_release(source);
}

static void fetched_anew_for_an_unknown_key(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, fetched());

	(void)state;
	answers_keys(old_key);
	assert_int_equal(ask(source, job(old_key, "old")), 0);
	assert_int_equal(asked(), 1);
	answers_keys(new_key);
	/* Not at once. A token from before the fetch is refused for good; a newer one may come
	 * again. */
	world.now_ms += 9000;
	assert_int_equal(check(source, job(new_key, "new")), CA_EJWTKEY);
	assert_int_equal(check(source, job_made(new_key, "new", 5)), CA_ESOURCE);
	assert_int_equal(ask(source, job(new_key, "new")), CA_EJWTKEY);
	assert_int_equal(asked(), 0);
	world.now_ms += 1000;
	assert_int_equal(check(source, job(new_key, "new")), SERVER_SOURCE_ASK);
	assert_int_equal(ask(source, job(new_key, "new")), 0);
	assert_int_equal(asked(), 1);
	/* The old one is gone. */
	assert_int_equal(check(source, job(old_key, "old")), CA_EJWTKEY);
	assert_int_equal(check(source, job(new_key, "new")), 0);
	world.now_ms += MINUTE;
	assert_int_equal(ask(source, job(old_key, "old")), CA_EJWTKEY);
	assert_int_equal(asked(), 1);
	server_source_release(source);
}

static void the_last_good_ones_are_kept(void **state)
{
	static const struct {
		long status;
		const char *text;
	} bad[] = { { 0, NULL }, { 500, "{\"keys\":[]}" }, { 404, "{}" }, { 302, "" }, { 200, "" },
		{ 200, "{}" }, { 200, "<html>" }, { 200, "{\"keys\":[" } };
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, fetched());

	(void)state;
	answers_keys(old_key);
	assert_int_equal(ask(source, job(old_key, "old")), 0);
	asked();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		answers(bad[i].status, bad[i].text);
		world.now_ms += 60 * MINUTE;
		/* One request tries; the others go on. */
		assert_int_equal(check(source, job(old_key, "old")), SERVER_SOURCE_ASK);
		assert_int_equal(ask(source, job(old_key, "old")), 0);
		assert_int_equal(asked(), 1);
		assert_int_equal(check(source, job(old_key, "old")), 0);
		assert_int_equal(ask(source, job(old_key, "old")), 0);
		assert_int_equal(asked(), 0);
	}
	/* Back again: with other keys. */
	answers_keys(new_key);
	world.now_ms += MINUTE;
	assert_int_equal(check(source, job(old_key, "old")), SERVER_SOURCE_ASK);
	assert_int_equal(ask(source, job(old_key, "old")), CA_EJWTKEY);
	assert_int_equal(ask(source, job(new_key, "new")), 0);
	assert_int_equal(asked(), 1);
	server_source_release(source);
}

static void away_from_the_start(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, fetched());

	(void)state;
	answers(0, NULL);
	assert_int_equal(ask(source, job(old_key, "old")), CA_ESOURCE);
	assert_int_equal(asked(), 1);
	assert_int_equal(check(source, job(old_key, "old")), CA_ESOURCE);
	assert_int_equal(ask(source, job(old_key, "old")), CA_ESOURCE);
	assert_int_equal(asked(), 0);
	world.now_ms += 10000;
	answers_keys(old_key);
	assert_int_equal(check(source, job(old_key, "old")), SERVER_SOURCE_ASK);
	assert_int_equal(ask(source, job(old_key, "old")), 0);
	/* A set without a key is an answer: nobody may come any more. */
	answers(200, "{\"keys\":[]}");
	world.now_ms += 60 * MINUTE;
	assert_int_equal(ask(source, job(old_key, "old")), CA_EJWTKEY);
	server_source_release(source);
}

#define THREADS 12

static void *ask_in_thread(void *arg)
{
	int *result = calloc(1, sizeof(*result));

	*result = ask(arg, job(new_key, "new"));
	return result;
}

static void many_at_once_fetch_once(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_OIDC, ISSUER, fetched());
	pthread_t threads[THREADS];

	(void)state;
	answers_keys(old_key);
	assert_int_equal(ask(source, job(old_key, "old")), 0);
	asked();
	answers_keys(new_key);
	world.now_ms += MINUTE;
	world.pause_ms = 300;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, source), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_int_equal(*(int *)result, 0);
		free(result);
	}
	world.pause_ms = 0;
	assert_int_equal(asked(), 1);
	server_source_release(source);
}

/* ---- service accounts, by keys ---- */

/* {ns}/{sa} in a pod, with what is changed: members that are null are left out. */
static char *account(json_t *changes, json_t *own)
{
	json_t *claims = json_pack("{s:s, s:[s], s:s, s:i, s:i, s:i,"
				   " s:{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}}}",
	    "iss", CLUSTER, "aud", URL, "sub", "system:serviceaccount:payments:api", "exp",
	    JWT_NOW + 3000, "iat", JWT_NOW - 600, "nbf", JWT_NOW - 600, "kubernetes.io",
	    "namespace", "payments", "serviceaccount", "name", "api", "uid", "1-2", "pod", "name",
	    "api-7d4-x", "uid", "aa-bb", "node", "name", "n1", "uid", "cc");
	char *text, *jwt;

	json_object_update(json_object_get(claims, "kubernetes.io"), own);
	json_object_update(claims, changes);
	text = json_dumps(claims, 0);
	jwt = jwt_make("{\"alg\":\"ES256\",\"kid\":\"old\"}", text, old_key);
	json_decref(claims);
	free(text);
	return jwt;
}

static int check_account(struct server_source *source, const char *changes, const char *own)
{
	json_t *a = json_loads(changes, 0, NULL), *b = json_loads(own, 0, NULL);
	int r = check(source, account(a, b));

	assert_true(a && b);
	json_decref(a);
	json_decref(b);
	return r;
}

static void a_service_account(void **state)
{
	struct server_source *source =
	    open_source(STORE_SOURCE_KUBERNETES, CLUSTER, given(old_key));
	struct server_outside out = { 0 };

	(void)state;
	assert_int_equal(tell(source, account(NULL, NULL), false, &out), 0);
	assert_string_equal(out.claims.subject, "payments/api");
	assert_string_equal(ca_claims_get(&out.claims, "ns"), "payments");
	assert_string_equal(ca_claims_get(&out.claims, "sa"), "api");
	assert_string_equal(ca_claims_get(&out.claims, "pod"), "api-7d4-x");
	assert_string_equal(ca_claims_get(&out.claims, "pod_uid"), "aa-bb");
	assert_string_equal(ca_claims_get(&out.claims, "node"), "n1");
	assert_null(ca_claims_get(&out.claims, "sub"));
	assert_string_equal(out.pod_uid, "aa-bb");
	assert_int_equal(out.expires, JWT_NOW + 3000);
	server_outside_clear(&out);
	assert_int_equal(check_account(source, "{}", "{\"node\":null}"), 0);
	server_source_release(source);
}

/* As RFC 1123 has labels, and several of them with dots. */
static void names_of_accounts(void **state)
{
	static const struct {
		const char *name;
		int r;
	} rows[] = { { "a", 0 }, { "7", 0 }, { "a-b", 0 }, { "a--b", 0 }, { "a.b", 0 },
		{ "a-1.b-2.c", 0 }, { "", CA_EJWTREFUSED }, { "-", CA_EJWTREFUSED },
		{ ".", CA_EJWTREFUSED }, { "..", CA_EJWTREFUSED }, { "-a", CA_EJWTREFUSED },
		{ "a-", CA_EJWTREFUSED }, { ".a", CA_EJWTREFUSED }, { "a.", CA_EJWTREFUSED },
		{ "a..b", CA_EJWTREFUSED }, { "a.-b", CA_EJWTREFUSED }, { "a-.b", CA_EJWTREFUSED },
		{ "A", CA_EJWTREFUSED }, { "a_b", CA_EJWTREFUSED }, { "a/b", CA_EJWTREFUSED },
		{ "*", CA_EJWTREFUSED }, { "a b", CA_EJWTREFUSED }, { "\u00e9", CA_EJWTREFUSED } };
	struct server_source *source =
	    open_source(STORE_SOURCE_KUBERNETES, CLUSTER, given(old_key));
	char changes[128], own[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(changes, sizeof(changes),
		    "{\"sub\":\"system:serviceaccount:payments:%s\"}", rows[i].name);
		snprintf(own, sizeof(own), "{\"serviceaccount\":{\"name\":\"%s\"}}", rows[i].name);
		if (check_account(source, changes, own) != rows[i].r)
			fail_msg("account %s", rows[i].name);
		/* A namespace is one label. */
		snprintf(changes, sizeof(changes), "{\"sub\":\"system:serviceaccount:%s:api\"}",
		    rows[i].name);
		snprintf(own, sizeof(own), "{\"namespace\":\"%s\"}", rows[i].name);
		if (check_account(source, changes, own) !=
		    (strchr(rows[i].name, '.') ? CA_EJWTREFUSED : rows[i].r))
			fail_msg("namespace %s", rows[i].name);
	}
	server_source_release(source);
}

static void accounts_that_are_not_believed(void **state)
{
	static const struct {
		const char *changes, *own;
		int r;
	} rows[] = {
		{ "{\"aud\":\"https://other.internal\"}", "{}", CA_EJWTAUDIENCE },
		{ "{\"iss\":\"" CLUSTER "/\"}", "{}", CA_EJWTISSUER },
		{ "{\"iat\":1799999394}", "{}", 0 }, /* 3606 s */
		{ "{\"iat\":1799999393}", "{}", 0 }, /* 3607 s */
		{ "{\"iat\":1799999392}", "{}", CA_EJWTREFUSED },
		{ "{\"exp\":1831535000}", "{}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":null}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":{}}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":\"api\"}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":{\"name\":\"x\"}}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":{\"uid\":\"aa\"}}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":{\"name\":\"X/../y\",\"uid\":\"aa\"}}", CA_EJWTREFUSED },
		{ "{}", "{\"pod\":{\"name\":\"x\",\"uid\":\"a b\"}}", CA_EJWTREFUSED },
		{ "{}", "{\"namespace\":\"other\"}", CA_EJWTREFUSED },
		{ "{}", "{\"namespace\":7}", CA_EJWTREFUSED },
		{ "{}", "{\"serviceaccount\":{\"name\":\"other\"}}", CA_EJWTREFUSED },
		{ "{}", "{\"serviceaccount\":null}", CA_EJWTREFUSED },
		{ "{\"kubernetes.io\":null}", "{}", CA_EJWTREFUSED },
		{ "{\"kubernetes.io\":[]}", "{}", CA_EJWTREFUSED },
		{ "{\"sub\":\"system:serviceaccount:payments\"}", "{}", CA_EJWTREFUSED },
		{ "{\"sub\":\"system:serviceaccount:other:api\"}", "{}", CA_EJWTREFUSED },
		{ "{\"sub\":\"system:serviceaccount:payments:api:x\"}", "{}", CA_EJWTREFUSED },
		{ "{\"sub\":\"system:serviceaccount::api\"}", "{\"namespace\":\"\"}",
		    CA_EJWTREFUSED },
		{ "{\"sub\":\"system:serviceaccount:a.b:api\"}", "{\"namespace\":\"a.b\"}",
		    CA_EJWTREFUSED },
		{ "{\"sub\":\"system:serviceaccount:A:api\"}", "{\"namespace\":\"A\"}",
		    CA_EJWTREFUSED },
		{ "{\"sub\":\"system:node:n1\"}", "{}", CA_EJWTREFUSED },
		{ "{\"sub\":\"payments/api\"}", "{}", CA_EJWTREFUSED },
	};
	struct server_source *source =
	    open_source(STORE_SOURCE_KUBERNETES, CLUSTER, given(old_key));
	char *unlimited;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (check_account(source, rows[i].changes, rows[i].own) != rows[i].r)
			fail_msg("row %zu: %s %s", i, rows[i].changes, rows[i].own);
	unlimited = jwt_make("{\"alg\":\"ES256\",\"kid\":\"old\"}",
	    "{\"iss\":\"" CLUSTER "\",\"aud\":\"" URL
	    "\",\"sub\":\"system:serviceaccount:payments:api\",\"exp\":1800000600,"
	    "\"kubernetes.io\":{\"namespace\":\"payments\",\"serviceaccount\":{\"name\":\"api\"},"
	    "\"pod\":{\"name\":\"p\",\"uid\":\"u\"}}}",
	    old_key);
	assert_int_equal(check(source, unlimited), CA_EJWTREFUSED); /* no iat */
	server_source_release(source);
}

/* ---- service accounts, by asking ---- */

#define REVIEW(status)                                                                             \
	"{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/v1\","                   \
	"\"metadata\":{\"creationTimestamp\":null},\"spec\":{\"token\":\"x\"},\"status\":" status  \
	"}"
#define USER                                                                                       \
	"\"user\":{\"username\":\"system:serviceaccount:payments:api\",\"uid\":\"1-2\","           \
	"\"groups\":[\"system:serviceaccounts\"]"
#define EXTRA                                                                                      \
	",\"extra\":{\"authentication.kubernetes.io/pod-name\":[\"api-7d4-x\"],"                   \
	"\"authentication.kubernetes.io/pod-uid\":[\"dd-ee\"],"                                    \
	"\"authentication.kubernetes.io/node-name\":[\"n2\"]}"

static void a_review(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_KUBERNETES, CLUSTER, reviewed());
	struct server_outside out = { 0 };
	json_t *document, *body;
	char *jwt = account(NULL, NULL);

	(void)state;
	answers(
	    201, REVIEW("{\"authenticated\":true," USER EXTRA "},\"audiences\":[\"" URL "\"]}"));
	assert_int_equal(check(source, account(NULL, NULL)), SERVER_SOURCE_ASK);
	assert_int_equal(tell(source, strdup(jwt), true, &out), 0);
	assert_int_equal(asked(), 1);
	assert_string_equal(world.url, CLUSTER "/apis/authentication.k8s.io/v1/tokenreviews");
	document = json_loads(world.body, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	assert_string_equal(
	    json_string_value(json_object_get(document, "apiVersion")), "authentication.k8s.io/v1");
	assert_string_equal(json_string_value(json_object_get(document, "kind")), "TokenReview");
	body = json_object_get(document, "spec");
	assert_string_equal(json_string_value(json_object_get(body, "token")), jwt);
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(body, "audiences"), 0)), URL);
	/* The cluster's word counts, not the token's. */
	assert_string_equal(out.claims.subject, "payments/api");
	assert_string_equal(ca_claims_get(&out.claims, "pod_uid"), "dd-ee");
	assert_string_equal(ca_claims_get(&out.claims, "node"), "n2");
	assert_string_equal(out.pod_uid, "dd-ee");
	assert_int_equal(out.expires, JWT_NOW + 3000);
	server_outside_clear(&out);
	json_decref(document);
	free(jwt);
	/* Asked about every token, every time; one not bound to a pod is good, if the cluster says
	 * so. */
	answers(
	    200, REVIEW("{\"authenticated\":true," USER "},\"audiences\":[\"x\",\"" URL "\"]}"));
	assert_int_equal(tell(source, account(NULL, NULL), true, &out), 0);
	assert_string_equal(out.pod_uid, "");
	server_outside_clear(&out);
	assert_int_equal(asked(), 1);
	server_source_release(source);
}

static void reviews_that_say_no(void **state)
{
	static const struct {
		long status;
		const char *text;
		int r;
	} rows[] = {
		{ 201, REVIEW("{\"user\":{},\"error\":\"token has been invalidated\"}"),
		    CA_EJWTREFUSED },
		{ 201, REVIEW("{}"), CA_EJWTREFUSED },
		{ 201, REVIEW("{\"authenticated\":false}"), CA_EJWTREFUSED },
		{ 201, REVIEW("{\"authenticated\":\"true\"," USER "},\"audiences\":[\"" URL "\"]}"),
		    CA_EJWTREFUSED },
		{ 201, REVIEW("{\"authenticated\":true," USER "}}"), CA_EJWTAUDIENCE },
		{ 201, REVIEW("{\"authenticated\":true," USER "},\"audiences\":[]}"),
		    CA_EJWTAUDIENCE },
		{ 201, REVIEW("{\"authenticated\":true," USER "},\"audiences\":[\"" CLUSTER "\"]}"),
		    CA_EJWTAUDIENCE },
		{ 201,
		    REVIEW("{\"authenticated\":true,\"user\":{\"username\":"
			   "\"system:serviceaccount:other:api\"},\"audiences\":[\"" URL "\"]}"),
		    CA_EJWTREFUSED },
		{ 201,
		    REVIEW("{\"authenticated\":true,\"user\":{\"username\":\"system:admin\"},"
			   "\"audiences\":[\"" URL "\"]}"),
		    CA_EJWTREFUSED },
		{ 201, REVIEW("{\"authenticated\":true,\"audiences\":[\"" URL "\"]}"),
		    CA_EJWTREFUSED },
		{ 201, "{\"status\":{\"authenticated\":true}}", CA_ESOURCE },
		{ 201, REVIEW("null"), CA_ESOURCE },
		{ 201, "{\"kind\":\"Status\",\"status\":\"Failure\"}", CA_ESOURCE },
		{ 201, "", CA_ESOURCE },
		{ 201, "[]", CA_ESOURCE },
		{ 201, "{", CA_ESOURCE },
		{ 401, "{}", CA_ESOURCE },
		{ 403, "{}", CA_ESOURCE },
		{ 302, "", CA_ESOURCE },
		{ 429, "", CA_ESOURCE },
		{ 500, "", CA_ESOURCE },
		{ 503, REVIEW("{\"authenticated\":true," USER "},\"audiences\":[\"" URL "\"]}"),
		    CA_ESOURCE },
	};
	struct server_source *source = open_source(STORE_SOURCE_KUBERNETES, CLUSTER, reviewed());

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		answers(rows[i].status, rows[i].text);
		if (ask(source, account(NULL, NULL)) != rows[i].r)
			fail_msg("row %zu: %s", i, rows[i].text);
		/* A bad answer to one token keeps nobody else away. */
		assert_int_equal(check(source, account(NULL, NULL)), SERVER_SOURCE_ASK);
	}
	server_source_release(source);
}

static void a_cluster_that_is_away_is_left_alone(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_KUBERNETES, CLUSTER, reviewed());

	(void)state;
	answers(0, NULL);
	assert_int_equal(ask(source, account(NULL, NULL)), CA_ESOURCE);
	asked();
	assert_int_equal(check(source, account(NULL, NULL)), CA_ESOURCE);
	assert_int_equal(asked(), 0);
	world.now_ms += 1000;
	assert_int_equal(check(source, account(NULL, NULL)), SERVER_SOURCE_ASK);
	/* What is plainly bad is not worth a question. */
	assert_int_equal(check_account(source, "{\"aud\":\"x\"}", "{}"), CA_EJWTAUDIENCE);
	assert_int_equal(
	    check(source, jwt_forge("{\"alg\":\"none\"}", NULL, "AAAA")), CA_EJWTALGORITHM);
	server_source_release(source);
}

static void *review_in_thread(void *arg)
{
	int *result = calloc(1, sizeof(*result));

	*result = ask(arg, account(NULL, NULL));
	return result;
}

/* Who waited for a worker meanwhile hears so at once, and one alone tries again. */
static void one_tries_again(void **state)
{
	struct server_source *source = open_source(STORE_SOURCE_KUBERNETES, CLUSTER, reviewed());
	pthread_t probe;
	void *result;

	(void)state;
	answers(0, NULL);
	assert_int_equal(ask(source, account(NULL, NULL)), CA_ESOURCE);
	assert_int_equal(ask(source, account(NULL, NULL)), CA_ESOURCE);
	assert_int_equal(asked(), 1);
	answers(201, REVIEW("{\"authenticated\":true," USER "},\"audiences\":[\"" URL "\"]}"));
	world.now_ms += 1000;
	world.pause_ms = 1500;
	assert_int_equal(pthread_create(&probe, NULL, review_in_thread, source), 0);
	for (int n = 0; !n;) {
		pthread_mutex_lock(&world.lock);
		n = world.asked;
		pthread_mutex_unlock(&world.lock);
	}
	assert_int_equal(check(source, account(NULL, NULL)), CA_ESOURCE);
	assert_int_equal(ask(source, account(NULL, NULL)), CA_ESOURCE);
	assert_int_equal(pthread_join(probe, &result), 0);
	assert_int_equal(*(int *)result, 0);
	free(result);
	world.pause_ms = 0;
	assert_int_equal(asked(), 1);
	/* It answers: all may ask. */
	assert_int_equal(check(source, account(NULL, NULL)), SERVER_SOURCE_ASK);
	assert_int_equal(ask(source, account(NULL, NULL)), 0);
	assert_int_equal(asked(), 1);
	server_source_release(source);
}

static void no_directory_for_the_bearer(void **state)
{
	struct store_source row = { .id = 7, .kind = STORE_SOURCE_KUBERNETES, .name = "prod" };
	struct server_source *source = NULL;
	json_t *settings = reviewed();

	(void)state;
	answers(201, REVIEW("{\"authenticated\":true," USER "},\"audiences\":[\"" URL "\"]}"));
	row.issuer = strdup(CLUSTER);
	row.settings = json_dumps(settings, 0);
	assert_int_equal(server_source_create(&row, NULL, &fake, &source, NULL), 0);
	assert_int_equal(ask(source, account(NULL, NULL)), CA_ESOURCE);
	assert_int_equal(asked(), 0);
	server_source_release(source);
	store_source_clear(&row);
	json_decref(settings);
}

/* ---- settings ---- */

/* "PEM" in the text stands for the certificate. */
static int read_settings(const char *text, enum store_source_kind kind)
{
	struct server_source_settings settings = { 0 };
	json_t *object = json_loads(text, 0, NULL);
	json_t *peer = json_object_get(object, "jwks");
	int r;

	assert_non_null(object);
	if (!peer)
		peer = json_object_get(object, "token_review");
	if (json_object_get(peer, "ca") &&
	    strcmp(json_string_value(json_object_get(peer, "ca")), "PEM") == 0)
		json_object_set_new(peer, "ca", json_string(pem));
	r = server_source_settings_read(object, kind, &settings, NULL);
	server_source_settings_clear(&settings);
	json_decref(object);
	return r;
}

static void settings_that_are_refused(void **state)
{
#define PEER "\"url\":\"https://c.example.org/keys\",\"ca\":\"PEM\""
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{ "{\"jwks\":{" PEER "}}", 0 },
		{ "{\"jwks\":{" PEER ",\"bearer\":\"prod_1.token\"}}", 0 },
		{ "{\"jwks\":{" PEER "},\"token_review\":null,\"audiences\":null}", 0 },
		{ "{\"token_review\":{" PEER "},\"audiences\":[\"a\"]}", 0 },
		{ "{}", CA_EFIELDMISSING },
		{ "{\"jwks\":{" PEER "},\"token_review\":{" PEER "}}", CA_EFIELD },
		{ "{\"jwks\":[]}", CA_EFIELD },
		{ "{\"jwks\":{}}", CA_EFIELDMISSING },
		{ "{\"jwks\":{\"keys\":[]}}", CA_EFIELD },
		{ "{\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}}", CA_EFIELD },
		{ "{\"jwks\":{\"keys\":[]," PEER "}}", CA_EFIELDUNKNOWN },
		{ "{\"jwks\":{\"url\":\"https://c.example.org/\"}}", CA_EFIELDMISSING },
		{ "{\"jwks\":{\"ca\":\"PEM\"}}", CA_EFIELDMISSING },
		{ "{\"jwks\":{" PEER ",\"token\":\"x\"}}", CA_EFIELDUNKNOWN },
		{ "{\"jwks\":{\"url\":\"http://c.example.org/\",\"ca\":\"PEM\"}}", CA_EFIELD },
		{ "{\"jwks\":{\"url\":\"file:///etc/passwd\",\"ca\":\"PEM\"}}", CA_EFIELD },
		{ "{\"jwks\":{\"url\":\"https://u:p@c.example.org/\",\"ca\":\"PEM\"}}", CA_EFIELD },
		{ "{\"jwks\":{\"url\":\"https://c.example.org/\",\"ca\":\"x\"}}", CA_EFIELD },
		{ "{\"jwks\":{\"url\":\"https://c.example.org/\",\"ca\":\"\"}}", CA_EFIELD },
		{ "{\"jwks\":{\"url\":\"https://c.example.org/\",\"ca\":\"/etc/ssl/x\"}}",
		    CA_EFIELD },
		{ "{\"jwks\":{" PEER ",\"bearer\":\"\"}}", CA_EFIELD },
		{ "{\"jwks\":{" PEER ",\"bearer\":\"../key\"}}", CA_EFIELD },
		{ "{\"jwks\":{" PEER ",\"bearer\":\".hidden\"}}", CA_EFIELD },
		{ "{\"jwks\":{" PEER ",\"bearer\":\"a/b\"}}", CA_EFIELD },
		{ "{\"jwks\":{" PEER ",\"bearer\":\"/etc/passwd\"}}", CA_EFIELD },
		{ "{\"jwks\":{" PEER ",\"bearer\":7}}", CA_EFIELD },
		{ "{\"audiences\":\"a\",\"jwks\":{" PEER "}}", CA_EFIELD },
		{ "{\"audiences\":[7],\"jwks\":{" PEER "}}", CA_EFIELD },
		{ "{\"audiences\":[\"\"],\"jwks\":{" PEER "}}", CA_EFIELD },
		{ "{\"audiences\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],"
		  "\"jwks\":{" PEER "}}",
		    CA_EFIELD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (read_settings(rows[i].text, STORE_SOURCE_KUBERNETES) != rows[i].r)
			fail_msg("row %zu: %s", i, rows[i].text);
	assert_int_equal(
	    read_settings("{\"token_review\":{" PEER "}}", STORE_SOURCE_OIDC), CA_EFIELD);
}

/* ---- */

static int set_up(void **state)
{
	struct ca_authority *ca =
	    reference_authority("Some CA", CA_KEY_EC_P256, &ca_key_libcrypto, NULL);
	gnutls_datum_t text;

	(void)state;
	assert_int_equal(gnutls_x509_crt_export2(ca->crt, GNUTLS_X509_FMT_PEM, &text), 0);
	pem = strndup((const char *)text.data, text.size);
	gnutls_free(text.data);
	ca_authority_free(ca);
	old_key = jwt_key("ES256", "old");
	new_key = jwt_key("ES256", "new");
	world.now_ms = 1000;
	ca_log_setup(false, CA_LOG_NONE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(old_key);
	json_decref(new_key);
	free(pem);
	free(world.answer);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_were_given),
		cmocka_unit_test(another_issuer_and_audience),
		cmocka_unit_test(claims_as_text),
		cmocka_unit_test(more_claims_than_are_taken),
		cmocka_unit_test(fetched_once_and_kept),
		cmocka_unit_test(fetched_anew_for_an_unknown_key),
		cmocka_unit_test(the_last_good_ones_are_kept),
		cmocka_unit_test(away_from_the_start),
		cmocka_unit_test(many_at_once_fetch_once),
		cmocka_unit_test(a_service_account),
		cmocka_unit_test(names_of_accounts),
		cmocka_unit_test(accounts_that_are_not_believed),
		cmocka_unit_test(a_review),
		cmocka_unit_test(reviews_that_say_no),
		cmocka_unit_test(a_cluster_that_is_away_is_left_alone),
		cmocka_unit_test(one_tries_again),
		cmocka_unit_test(no_directory_for_the_bearer),
		cmocka_unit_test(settings_that_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
