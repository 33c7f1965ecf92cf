#include "contrib/bench/questions.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES BENCH_PATHS_MAX /* certificates that are asked for */
#define DEPTH 60 /* pages behind the first, of 500 rows where the rest is asked for */
#define DAYS 40  /* within so many of now ends are looked for */
#define PATH_MAX_LEN 2048
#define MONTH ((int64_t)30 * 86400)

/* What is known of the store, found by listing. */
struct sample {
	char serial[64];
	char name[256];   /* its first DNS name */
	char suffix[256]; /* all below that name's first label: "*.team-7.example.internal" */
};

struct survey {
	struct bench_session *session;
	struct sample v[SAMPLES];
	size_t n;
	char broad[256]; /* the suffix of the most samples: "*.internal" */
	int64_t now;
};

/* ---- paths ---- */

static int add_path(struct bench_paths *paths, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int add_path(struct bench_paths *paths, const char *format, ...)
{
	va_list args;
	int len;

	if (paths->n == BENCH_PATHS_MAX)
		return -1;
	va_start(args, format);
	len = vasprintf(&paths->v[paths->n], format, args);
	va_end(args);
	if (len < 0)
		return -1;
	paths->n++;
	return 0;
}

/* seconds from now as a time in a query. Returns out. */
static const char *time_text(const struct survey *survey, int64_t seconds, char out[32])
{
	time_t t = (time_t)(survey->now + seconds);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

/* The i-th of many moments spread over the ends there are. */
static int64_t moment(size_t i)
{
	const int64_t span = (int64_t)2 * DAYS * 86400;

	return (int64_t)(i * (size_t)7919 * 997 % (size_t)span) - span / 2;
}

/* "&expires_after=…&expires_before=…" of so many seconds around the i-th moment. Returns out. */
static const char *window(const struct survey *survey, size_t i, int64_t seconds, char out[128])
{
	char after[32], before[32];

	snprintf(out, 128, "&expires_after=%s&expires_before=%s",
	    time_text(survey, moment(i), after), time_text(survey, moment(i) + seconds, before));
	return out;
}

/* ---- looking around ---- */

static void note_sample(struct survey *survey, const json_t *row)
{
	const char *serial = json_string_value(json_object_get(row, "serial"));
	const char *name = json_string_value(json_array_get(json_object_get(row, "dns"), 0));
	struct sample *sample = &survey->v[survey->n];
	const char *dot = name ? strchr(name, '.') : NULL;

	if (!serial || !dot || survey->n == SAMPLES)
		return;
	snprintf(sample->serial, sizeof(sample->serial), "%s", serial);
	snprintf(sample->name, sizeof(sample->name), "%s", name);
	snprintf(sample->suffix, sizeof(sample->suffix), "*%s", dot);
	survey->n++;
}

/* A few certificates from each of many moments. */
static int look_around(struct survey *survey)
{
	char path[PATH_MAX_LEN], after[32];

	for (size_t i = 0; i < SAMPLES; i++) {
		json_t *page;

		snprintf(path, sizeof(path), "/v1/certificates?limit=1&expires_after=%s",
		    time_text(survey, moment(i), after));
		if (bench_session_get(survey->session, path))
			return -1;
		page = bench_session_json(survey->session);
		note_sample(survey, json_array_get(json_object_get(page, "certificates"), 0));
		json_decref(page);
	}
	if (survey->n > 0)
		return 0;
	fprintf(stderr, "queries: no certificate with a DNS name is on record\n");
	return -1;
}

/* The last label that the most names have: nearly all stand below it. */
static void find_broad(struct survey *survey)
{
	size_t most = 0;

	for (size_t i = 0; i < survey->n; i++) {
		const char *top = strrchr(survey->v[i].name, '.');
		size_t n = 0;

		for (size_t k = 0; k < survey->n; k++)
			n += strcmp(strrchr(survey->v[k].name, '.'), top) == 0;
		if (n > most)
			snprintf(survey->broad, sizeof(survey->broad), "*%s", top);
		if (n > most)
			most = n;
	}
}

/* The pages behind a list's first, by their cursors. With limit 500 the way there is short. */
static int add_next_pages(struct survey *survey, const char *query, struct bench_paths *out)
{
	char path[PATH_MAX_LEN], cursor[1500] = "";
	int r = 0;

	for (int i = 0; i < DEPTH && !r; i++) {
		const char *next;
		json_t *page;

		snprintf(path, sizeof(path), "/v1/certificates?limit=500%s%s%s", query,
		    *cursor ? "&cursor=" : "", cursor);
		r = bench_session_get(survey->session, path);
		page = r ? NULL : bench_session_json(survey->session);
		next = json_string_value(json_object_get(page, "next"));
		if (!next) {
			json_decref(page);
			break;
		}
		snprintf(cursor, sizeof(cursor), "%s", next);
		json_decref(page);
		r = add_path(out, "/v1/certificates?cursor=%s%s", cursor, query);
	}
	if (!r && out->n == 0) /* the list is one page long */
		r = add_path(out, "/v1/certificates?limit=100%s", query);
	return r;
}

/* ---- the questions ---- */

static int ask_serial(struct survey *s, size_t i, struct bench_paths *out)
{
	return add_path(out, "/v1/certificates/%s", s->v[i].serial);
}

static int ask_name(struct survey *s, size_t i, struct bench_paths *out)
{
	return add_path(out, "/v1/certificates?name=%s", s->v[i].name);
}

static int ask_narrow(struct survey *s, size_t i, struct bench_paths *out)
{
	return add_path(out, "/v1/certificates?name=%s", s->v[i].suffix);
}

static int ask_window(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(out, "/v1/certificates?limit=100%s", window(s, i, 3600, text));
}

static int ask_name_window(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(out, "/v1/certificates?name=%s%s", s->v[i].name, window(s, i, MONTH, text));
}

static int ask_broad_window(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(out, "/v1/certificates?name=%s%s", s->broad, window(s, i, MONTH, text));
}

static int ask_broad_moment(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(out, "/v1/certificates?name=%s%s", s->broad, window(s, i, 2, text));
}

static int ask_narrow_window(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(
	    out, "/v1/certificates?name=%s%s", s->v[i].suffix, window(s, i, MONTH, text));
}

static int ask_narrow_moment(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(out, "/v1/certificates?name=%s%s", s->v[i].suffix, window(s, i, 2, text));
}

static int ask_name_good(struct survey *s, size_t i, struct bench_paths *out)
{
	return add_path(out, "/v1/certificates?status=good&name=%s", s->v[i].name);
}

static int ask_revoked_window(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(out, "/v1/certificates?status=revoked%s", window(s, i, MONTH, text));
}

static int ask_no_profile_window(struct survey *s, size_t i, struct bench_paths *out)
{
	char text[128];

	return add_path(
	    out, "/v1/certificates?profile=none&name=%s%s", s->broad, window(s, i, MONTH, text));
}

/* Asked anew for each sample. */
static const struct {
	const char *name;
	int (*ask)(struct survey *survey, size_t i, struct bench_paths *out);
} sampled[] = {
	{ "get by serial", ask_serial },
	{ "exact name", ask_name },
	{ "exact name, good", ask_name_good },
	{ "exact name, 30 days", ask_name_window },
	{ "narrow suffix", ask_narrow },
	{ "narrow suffix, 30 days", ask_narrow_window },
	{ "narrow suffix, 2 seconds", ask_narrow_moment },
	{ "expiry within an hour", ask_window },
	{ "broad suffix, 30 days", ask_broad_window },
	{ "broad suffix, 2 seconds", ask_broad_moment },
	{ "revoked, 30 days", ask_revoked_window },
	{ "broad suffix, 30 days, no profile", ask_no_profile_window },
};

/* One list each: its first page, or those behind it; of all, or below the broad suffix. */
static const struct {
	const char *name, *query;
	bool suffix, next;
} lists[] = {
	{ "newest", "", false, false },
	{ "newest, next pages", "", false, true },
	{ "newest, 500 rows", "&limit=500", false, false },
	{ "good, next pages", "&status=good", false, true },
	{ "by expiry, next pages", "&expires_after=2000-01-01T00:00:00Z", false, true },
	{ "broad suffix", "", true, false },
	{ "broad suffix, next pages", "", true, true },
	{ "broad suffix by expiry, next pages", "&expires_after=2000-01-01T00:00:00Z", true, true },
	{ "revoked", "&status=revoked", false, false },
	{ "revoked, next pages", "&status=revoked", false, true },
	{ "revoked, broad suffix", "&status=revoked", true, false },
	{ "no profile", "&profile=none", false, false },
	{ "no profile, next pages", "&profile=none", false, true },
	{ "no profile by expiry, next pages", "&profile=none&expires_after=2000-01-01T00:00:00Z",
	    false, true },
};

static int add_list(struct survey *survey, size_t i, struct bench_paths *out)
{
	char query[512];

	snprintf(query, sizeof(query), "%s%s%s", lists[i].query, lists[i].suffix ? "&name=" : "",
	    lists[i].suffix ? survey->broad : "");
	if (lists[i].next)
		return add_next_pages(survey, query, out);
	return add_path(out, "/v1/certificates?%s", query + (*query == '&'));
}

static int make_all(struct survey *survey, struct bench_questions *out)
{
	int r = 0;

	for (size_t q = 0; q < sizeof(sampled) / sizeof(*sampled) && !r; q++) {
		struct bench_question *question = &out->v[out->n++];

		question->name = sampled[q].name;
		for (size_t i = 0; i < survey->n && !r; i++)
			r = sampled[q].ask(survey, i, &question->paths);
	}
	for (size_t q = 0; q < sizeof(lists) / sizeof(*lists) && !r; q++) {
		struct bench_question *question = &out->v[out->n++];

		question->name = lists[q].name;
		r = add_list(survey, q, &question->paths);
	}
	return r;
}

int bench_questions_make(struct bench_session *session, struct bench_questions *out)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	int r;

	if (!survey)
		return -1;
	survey->session = session;
	survey->now = (int64_t)time(NULL);
	r = look_around(survey);
	if (!r) {
		find_broad(survey);
		r = make_all(survey, out);
	}
	free(survey);
	return r;
}

void bench_questions_free(struct bench_questions *questions)
{
	for (size_t q = 0; q < questions->n; q++) {
		for (size_t i = 0; i < questions->v[q].paths.n; i++)
			free(questions->v[q].paths.v[i]);
	}
	questions->n = 0;
}
