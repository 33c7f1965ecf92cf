/* Pages of 500 rows are larger than what contrib/bench/connection.h answers with: libcurl takes
 * them at any size. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contrib/bench/questions.h"

#define LINE 4096
#define ANSWER_SECONDS 60L

struct bench_session {
	CURL *curl;
	char url[LINE]; /* without a trailing slash */
	char *body;     /* owned; the answer that came last, NUL-terminated */
	size_t len, room;
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct bench_session *session = arg;
	size_t len = size * n;

	if (session->len + len + 1 > session->room) {
		size_t room = 2 * (session->len + len + 1);
		char *body = realloc(session->body, room);

		if (!body)
			return 0;
		session->body = body; /* transferred */
		session->room = room;
	}
	memcpy(session->body + session->len, data, len);
	session->len += len;
	session->body[session->len] = '\0';
	return len;
}

static int read_url(const char *home, char *out, size_t size)
{
	char path[LINE];
	FILE *f;
	int r = -1;

	snprintf(path, sizeof(path), "%s/ca-url", home);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fgets(out, (int)size, f))
		r = 0;
	fclose(f);
	return r;
}

/* The operator's context, and nobody's root but the one in it. */
static int use_home(struct bench_session *session, const char *home)
{
	char crt[LINE], key[LINE], ca[LINE];
	CURL *c = session->curl;

	snprintf(crt, sizeof(crt), "%s/tls.crt", home);
	snprintf(key, sizeof(key), "%s/tls.key", home);
	snprintf(ca, sizeof(ca), "%s/ca.crt", home);
	if (curl_easy_setopt(c, CURLOPT_SSLCERT, crt) || curl_easy_setopt(c, CURLOPT_SSLKEY, key) ||
	    curl_easy_setopt(c, CURLOPT_CAINFO, ca) || curl_easy_setopt(c, CURLOPT_CAPATH, NULL) ||
	    curl_easy_setopt(c, CURLOPT_PROXY, "") ||
	    curl_easy_setopt(c, CURLOPT_TIMEOUT, ANSWER_SECONDS) ||
	    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) ||
	    curl_easy_setopt(c, CURLOPT_WRITEDATA, session))
		return -1;
	return 0;
}

int bench_session_open(const char *home, const char *url, struct bench_session **out)
{
	struct bench_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -1;
	session->curl = curl_easy_init();
	if (!session->curl || use_home(session, home)) {
		fprintf(stderr, "queries: libcurl cannot be set up\n");
		goto fail;
	}
	if (url)
		snprintf(session->url, sizeof(session->url), "%s", url);
	else if (read_url(home, session->url, sizeof(session->url))) {
		fprintf(stderr, "queries: %s/ca-url cannot be read\n", home);
		goto fail;
	}
	session->url[strcspn(session->url, "\r\n")] = '\0';
	if (session->url[0] && session->url[strlen(session->url) - 1] == '/')
		session->url[strlen(session->url) - 1] = '\0';
	*out = session;
	return 0;
fail:
	bench_session_close(session);
	return -1;
}

void bench_session_close(struct bench_session *session)
{
	if (!session)
		return;
	curl_easy_cleanup(session->curl);
	free(session->body);
	free(session);
}

int bench_session_get(struct bench_session *session, const char *path)
{
	char url[2 * LINE];
	long status = 0;
	CURLcode code;

	snprintf(url, sizeof(url), "%s%s", session->url, path);
	session->len = 0;
	code = curl_easy_setopt(session->curl, CURLOPT_URL, url);
	if (!code)
		code = curl_easy_perform(session->curl);
	if (!code)
		code = curl_easy_getinfo(session->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!code && status == 200)
		return 0;
	fprintf(stderr, "queries: %s: %s %ld %.300s\n", path,
	    code ? curl_easy_strerror(code) : "status", status, session->len ? session->body : "");
	return -1;
}

size_t bench_session_rows(const struct bench_session *session)
{
	static const char key[] = "\"serial\":";
	size_t n = 0;

	if (!session->len)
		return 0;
	for (const char *at = session->body; (at = strstr(at, key)); at += sizeof(key) - 1)
		n++;
	return n;
}

json_t *bench_session_json(const struct bench_session *session)
{
	json_t *json = json_loadb(session->body, session->len, 0, NULL);

	if (!json)
		fprintf(stderr, "queries: the answer is not JSON\n");
	return json;
}
