#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/server/source.h"
#include "ca/base/clock.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

#define REVIEW_PATH "/apis/authentication.k8s.io/v1/tokenreviews"

static const struct server_source_world real_world = { server_outbound_ask, ca_monotonic_ms };

/* ---- from a row ---- */

static int open_outbound(struct server_source *source, const char *credentials)
{
	const struct server_source_settings *settings = &source->settings;
	char *bearer = NULL;
	int r;

	if (settings->method == SERVER_SOURCE_KEYS)
		return 0;
	source->bearer_missing = settings->bearer && !credentials;
	if (settings->bearer && credentials) {
		bearer = ca_path_join(credentials, settings->bearer);
		if (!bearer)
			return CA_ENOMEM;
	}
	r = server_outbound_open(settings->ca, bearer, &source->outbound);
	free(bearer);
	return r;
}

static int read_settings(
    struct server_source *source, const struct store_source *row, struct ca_detail *why)
{
	json_t *object =
	    json_loadb(row->settings, strlen(row->settings), JSON_REJECT_DUPLICATES, NULL);
	int r = json_is_object(object)
		    ? server_source_settings_read(object, row->kind, &source->settings, why)
		    : ca_refuse(why, CA_EFIELD, "the settings are not a JSON object");

	json_decref(object);
	return r;
}

int server_source_create(const struct store_source *row, const char *credentials,
    const struct server_source_world *world, struct server_source **out, struct ca_detail *why)
{
	struct server_source *source = calloc(1, sizeof(*source));
	pthread_condattr_t monotonic;
	int r;

	if (!source)
		return CA_ENOMEM;
	atomic_init(&source->references, 1);
	pthread_mutex_init(&source->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&source->fetched, &monotonic);
	pthread_condattr_destroy(&monotonic);
	source->world = world ? world : &real_world;
	source->id = row->id;
	source->version = row->version;
	source->kind = row->kind;
	snprintf(source->name, sizeof(source->name), "%s", row->name);
	source->issuer = strdup(row->issuer);
	r = source->issuer ? read_settings(source, row, why) : CA_ENOMEM;
	if (!r)
		r = open_outbound(source, credentials);
	if (r) {
		server_source_release(source);
		return r;
	}
	source->keys = server_jwks_hold(source->settings.keys);
	*out = source;
	return 0;
}

struct server_source *server_source_hold(struct server_source *source)
{
	atomic_fetch_add(&source->references, 1);
	return source;
}

void server_source_release(struct server_source *source)
{
	if (!source || atomic_fetch_sub(&source->references, 1) > 1)
		return;
	server_outbound_close(source->outbound);
	server_source_settings_clear(&source->settings);
	server_jwks_release(source->keys);
	pthread_cond_destroy(&source->fetched);
	pthread_mutex_destroy(&source->lock);
	free(source->issuer);
	free(source);
}

/* ---- what is checked in any case ---- */

/* Whom the source's tokens must be made for; an OIDC source may leave that to the rules. */
static size_t audiences_of(const struct server_source *source, const char *public_url,
    const char *out[SERVER_SOURCE_AUDIENCES_MAX])
{
	const struct server_source_settings *settings = &source->settings;

	for (size_t i = 0; i < settings->audiences_len; i++)
		out[i] = settings->audiences[i];
	if (settings->audiences_len == 0 && source->kind == STORE_SOURCE_KUBERNETES) {
		out[0] = public_url;
		return 1;
	}
	return settings->audiences_len;
}

/* What can be told before the signature is looked at or anybody is asked. */
static int read_token(const struct server_source *source, const char *text, size_t len, int64_t now,
    const char *public_url, struct server_jwt *out, struct ca_detail *why)
{
	const char *audiences[SERVER_SOURCE_AUDIENCES_MAX];
	size_t n = audiences_of(source, public_url, audiences);
	struct server_jwt jwt;
	int r = server_jwt_parse(text, len, &jwt, why);

	if (r)
		return r;
	if (strcmp(jwt.issuer, source->issuer) != 0)
		r = CA_EJWTISSUER;
	if (!r)
		r = server_jwt_check_times(&jwt, now, why);
	if (!r && n)
		r = server_jwt_check_audience(&jwt, audiences, n, why);
	if (r)
		server_jwt_clear(&jwt);
	else
		*out = jwt;
	return r;
}

static int away(const struct server_source *source, struct ca_detail *why)
{
	return ca_refuse(why, CA_ESOURCE, "the source %s does not answer", source->name);
}

static int ask(struct server_source *source, const char *url, const char *body,
    struct ca_buf *answer, long *status, struct ca_detail *why)
{
	if (source->bearer_missing)
		return ca_refuse(why, CA_ESOURCE,
		    "it wants a bearer token, and micad was started without --credentials");
	return source->world->ask(source->outbound, url, body, answer, status, why);
}

/* ---- by keys ---- */

/* Make *out of a token whose signature one of the keys verifies. */
static int verify(const struct server_source *source, const struct server_jwt *jwt,
    const struct server_jwks *keys, struct server_outside *out, struct ca_detail *why)
{
	int r = server_jwt_verify(jwt, keys, why);

	if (r)
		return r;
	if (source->kind == STORE_SOURCE_KUBERNETES)
		return server_outside_account(jwt, source->name, out, why);
	r = server_outside_oidc(jwt, source->name, out, why);
	/* Settings may have changed since the rules were checked against them. */
	if (!r)
		out->claims.for_anybody = source->settings.audiences_len == 0;
	return r;
}

/* May keys be fetched now? With the lock held. */
static bool fetch_due(const struct server_source *source, int64_t now_ms)
{
	return source->settings.method == SERVER_SOURCE_JWKS && !source->fetching &&
	       (!source->tried_ms || now_ms - source->tried_ms >= SERVER_SOURCE_PAUSE_MS);
}

/* One request an hour fetches anew while the others go on with what is there. */
static bool stale(const struct server_source *source, int64_t now_ms)
{
	return source->keys && now_ms - source->fetched_ms >= SERVER_SOURCE_STALE_MS &&
	       fetch_due(source, now_ms);
}

/*
 * No key that we have fits. That is the last word if the keys were fetched after the token was
 * made, as far as it says when; else it may be made with a newer key, and is to come again. (Each
 * of the three times is cut to whole seconds.)
 */
static int judge_unknown_key(const struct server_source *source, const struct server_jwt *jwt,
    int64_t now, int64_t age_ms, struct ca_detail *why)
{
	if (source->settings.method == SERVER_SOURCE_KEYS || jwt->issued <= now - age_ms / 1000 - 2)
		return CA_EJWTKEY;
	return ca_refuse(why, CA_ESOURCE,
	    "the source %s was just asked for its keys, and the token's is newer", source->name);
}

static int check_by_keys(struct server_source *source, const struct server_jwt *jwt, int64_t now,
    struct server_outside *out, struct ca_detail *why)
{
	int64_t now_ms = source->world->monotonic_ms(), age_ms;
	struct server_jwks *keys;
	bool due, refresh, fetching;
	int r;

	pthread_mutex_lock(&source->lock);
	keys = server_jwks_hold(source->keys);
	due = fetch_due(source, now_ms);
	refresh = stale(source, now_ms);
	fetching = source->fetching;
	age_ms = now_ms - source->fetched_ms;
	pthread_mutex_unlock(&source->lock);
	if (!keys)
		return due || fetching ? SERVER_SOURCE_ASK : away(source, why);
	r = verify(source, jwt, keys, out, why);
	server_jwks_release(keys);
	if (r == CA_EJWTKEY)
		r = due || fetching ? SERVER_SOURCE_ASK
				    : judge_unknown_key(source, jwt, now, age_ms, why);
	if (r == 0 && refresh) {
		server_outside_clear(out);
		r = SERVER_SOURCE_ASK;
	}
	return r;
}

/* Fetch the keys; without the lock. */
static int fetch(struct server_source *source, struct server_jwks **out)
{
	struct ca_buf answer = CA_BUF_INIT;
	struct ca_detail why = { "" };
	long status = 0;
	int r = ask(source, source->settings.url, NULL, &answer, &status, &why);

	if (!r && status != 200)
		r = ca_refuse(&why, CA_ESOURCE, "it answered %ld", status);
	if (!r && server_jwks_parse(ca_buf_text(&answer), answer.len, out, &why))
		r = CA_ESOURCE;
	if (r)
		ca_logf(CA_LOG_WARN, "the keys of the source %s cannot be fetched: %s (%s)",
		    source->name, why.text[0] ? why.text : ca_error_text(r), ca_error_code(r));
	ca_buf_free(&answer);
	return r;
}

/* Wait for the fetch that another thread began; with the lock held. */
static void wait_for_fetch(struct server_source *source)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SERVER_SOURCE_WAIT_MS / 1000;
	while (source->fetching)
		if (pthread_cond_timedwait(&source->fetched, &source->lock, &until) == ETIMEDOUT)
			return;
}

/* Bring the keys up to date, if it is time, and give them; NULL: there are none. */
static struct server_jwks *fresh_keys(struct server_source *source)
{
	int64_t began_ms = source->world->monotonic_ms();
	struct server_jwks *keys = NULL, *old = NULL;

	pthread_mutex_lock(&source->lock);
	if (source->fetching)
		wait_for_fetch(source);
	if (fetch_due(source, began_ms)) {
		source->fetching = true;
		source->tried_ms = began_ms;
		pthread_mutex_unlock(&source->lock);
		if (fetch(source, &keys))
			keys = NULL;
		pthread_mutex_lock(&source->lock);
		source->fetching = false;
		if (keys) {
			old = source->keys;
			source->keys = keys; /* transferred */
			source->fetched_ms = began_ms;
		}
		pthread_cond_broadcast(&source->fetched);
	}
	keys = server_jwks_hold(source->keys);
	pthread_mutex_unlock(&source->lock);
	server_jwks_release(old);
	return keys;
}

static int ask_for_keys(struct server_source *source, const struct server_jwt *jwt, int64_t now,
    struct server_outside *out, struct ca_detail *why)
{
	struct server_jwks *keys;
	int64_t age_ms;
	int r = check_by_keys(source, jwt, now, out, why);

	if (r != SERVER_SOURCE_ASK)
		return r; /* another has fetched them meanwhile */
	keys = fresh_keys(source);
	if (!keys)
		return away(source, why);
	r = verify(source, jwt, keys, out, why);
	server_jwks_release(keys);
	if (r != CA_EJWTKEY)
		return r;
	pthread_mutex_lock(&source->lock);
	age_ms = source->world->monotonic_ms() - source->fetched_ms;
	pthread_mutex_unlock(&source->lock);
	return judge_unknown_key(source, jwt, now, age_ms, why);
}

/* ---- by asking the cluster ---- */

/*
 * A cluster that did not answer is left alone for a moment, and then asked by one until it answers:
 * its requests must not take all the workers from others. With the lock held.
 */
static bool review_due(const struct server_source *source)
{
	return !source->tried_ms ||
	       (!source->probing &&
		   source->world->monotonic_ms() - source->tried_ms >= SERVER_SOURCE_RETRY_MS);
}

static int check_by_review(struct server_source *source, struct ca_detail *why)
{
	bool due;

	pthread_mutex_lock(&source->lock);
	due = review_due(source);
	pthread_mutex_unlock(&source->lock);
	return due ? SERVER_SOURCE_ASK : away(source, why);
}

/* ask(), unless another's question went without an answer while this one waited for a worker. */
static int ask_if_due(struct server_source *source, const char *url, const char *request,
    struct ca_buf *answer, long *status, struct ca_detail *why)
{
	bool due, probe;
	int r;

	pthread_mutex_lock(&source->lock);
	due = review_due(source);
	probe = due && source->tried_ms;
	if (probe)
		source->probing = true;
	pthread_mutex_unlock(&source->lock);
	if (!due)
		return ca_refuse(why, CA_ESOURCE, "it did not answer others");
	r = ask(source, url, request, answer, status, why);
	/* No answer is no token's fault; a bad one could be this token's. */
	pthread_mutex_lock(&source->lock);
	source->tried_ms = r ? source->world->monotonic_ms() : 0;
	if (probe)
		source->probing = false;
	pthread_mutex_unlock(&source->lock);
	return r;
}

static char *review_request(
    const char *jwt, size_t len, const char *const *audiences, size_t audiences_len)
{
	json_t *list = json_array(), *review;
	char *text;

	for (size_t i = 0; i < audiences_len; i++)
		json_array_append_new(list, json_string(audiences[i]));
	review = json_pack("{s:s, s:s, s:{s:s%, s:o}}", "apiVersion", "authentication.k8s.io/v1",
	    "kind", "TokenReview", "spec", "token", jwt, len, "audiences", list);
	text = review ? json_dumps(review, JSON_COMPACT) : NULL;
	json_decref(review);
	return text;
}

/* Put the question; *out is a new reference. CA_ESOURCE with *why, for the log. */
static int review(
    struct server_source *source, const char *request, json_t **out, struct ca_detail *why)
{
	struct ca_buf url = CA_BUF_INIT, answer = CA_BUF_INIT;
	json_t *document = NULL;
	long status = 0;
	int r;

	ca_buf_addf(&url, "%s" REVIEW_PATH, source->settings.url);
	r = ca_buf_error(&url);
	if (!r)
		r = ask_if_due(source, ca_buf_text(&url), request, &answer, &status, why);
	if (!r && status != 200 && status != 201)
		r = ca_refuse(why, CA_ESOURCE, "it answered %ld", status);
	if (!r)
		document =
		    json_loadb(ca_buf_text(&answer), answer.len, JSON_REJECT_DUPLICATES, NULL);
	if (!r && !document)
		r = ca_refuse(why, CA_ESOURCE, "its answer is not JSON");
	if (!r)
		*out = document;
	ca_buf_free(&url);
	ca_buf_free(&answer);
	return r;
}

static int ask_for_review(struct server_source *source, const struct server_jwt *jwt,
    const char *text, size_t len, const char *public_url, struct server_outside *out,
    struct ca_detail *why)
{
	const char *audiences[SERVER_SOURCE_AUDIENCES_MAX];
	size_t n = audiences_of(source, public_url, audiences);
	char *request = review_request(text, len, audiences, n);
	struct ca_detail reason = { "" };
	json_t *answer = NULL;
	int r = request ? review(source, request, &answer, &reason) : CA_ENOMEM;

	if (!r)
		r = server_outside_review(jwt, answer, source->name, audiences, n, out, &reason);
	if (r == CA_ESOURCE) {
		ca_logf(CA_LOG_WARN, "the source %s cannot be asked about a token: %s (%s)",
		    source->name, reason.text, ca_error_code(r));
		away(source, why);
	} else if (r) {
		ca_refuse(why, r, "%s", reason.text);
	}
	json_decref(answer);
	if (request)
		ca_wipe(request, strlen(request));
	free(request);
	return r;
}

/* ---- */

int server_source_check(struct server_source *source, const char *text, size_t len, int64_t now,
    const char *public_url, struct server_outside *out, struct ca_detail *why)
{
	struct server_jwt jwt;
	int r = read_token(source, text, len, now, public_url, &jwt, why);

	if (r)
		return r;
	r = source->settings.method == SERVER_SOURCE_REVIEW
		? check_by_review(source, why)
		: check_by_keys(source, &jwt, now, out, why);
	server_jwt_clear(&jwt);
	return r;
}

int server_source_ask(struct server_source *source, const char *text, size_t len, int64_t now,
    const char *public_url, struct server_outside *out, struct ca_detail *why)
{
	struct server_jwt jwt;
	int r = read_token(source, text, len, now, public_url, &jwt, why);

	if (r)
		return r;
	r = source->settings.method == SERVER_SOURCE_REVIEW
		? ask_for_review(source, &jwt, text, len, public_url, out, why)
		: ask_for_keys(source, &jwt, now, out, why);
	server_jwt_clear(&jwt);
	return r;
}
