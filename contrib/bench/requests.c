#include "contrib/bench/requests.h"
#include "contrib/bench/csrs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	const char *pem, *name, *token;
	int json; /* whether pem wants JSON's escapes */
};

/* A PEM needs no escape in JSON but for its line ends. */
static void put_pem(const struct values *values, FILE *out)
{
	for (const char *p = values->pem; *p; p++) {
		if (*p == '\n' && values->json)
			fputs("\\n", out);
		else
			putc_unlocked(*p, out);
	}
}

static void expand(const char *template, const struct values *values, FILE *out)
{
	for (const char *p = template; *p; p++) {
		if (*p != '%' || !p[1]) {
			putc_unlocked(*p, out);
			continue;
		}
		switch (*++p) {
		case 's':
			put_pem(values, out);
			break;
		case 'n':
			fputs(values->name, out);
			break;
		case 't':
			fputs(values->token ? values->token : "", out);
			break;
		default:
			putc_unlocked(*p, out);
		}
	}
}

/* The body by itself, for its length stands before it. */
static char *body_make(const struct bench_shape *shape, const struct values *values, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	expand(shape->body, values, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int bench_request_make(const struct bench_shape *shape, const char *pem, const char *name,
    const char *token, struct bench_request *out)
{
	const struct values values = { .pem = pem,
		.name = name,
		.token = token,
		.json = !!strstr(shape->content_type, "json") };
	size_t body_len = 0, len = 0;
	char *body = body_make(shape, &values, &body_len), *text = NULL;
	FILE *f = body ? open_memstream(&text, &len) : NULL;
	int r = -1;

	if (!f)
		goto out;
	fprintf(f, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
	    shape->path, shape->authority, shape->content_type, body_len);
	if (shape->headers)
		expand(shape->headers, &values, f);
	fputs("\r\n", f);
	fwrite(body, 1, body_len, f);
	if (fclose(f) == 0) {
		out->text = text;
		out->len = len;
		text = NULL; /* transferred */
		r = 0;
	}
out:
	free(text);
	free(body);
	return r;
}

int bench_requests_make(size_t n, const char *host, struct bench_requests *out)
{
	const struct bench_shape shape = { .authority = host,
		.path = BENCH_PATH,
		.content_type = BENCH_CONTENT_TYPE,
		.body = BENCH_BODY };
	struct bench_requests made = { .v = calloc(n, sizeof(*made.v)), .n = n };
	struct bench_pieces csrs = { 0 };
	int r = -1;

	if (!made.v || bench_csrs_make(n, &csrs))
		goto out;
	for (size_t i = 0; i < n; i++) {
		if (bench_request_make(&shape, csrs.v[i], "", NULL, &made.v[i]))
			goto out;
	}
	*out = made;
	made.v = NULL; /* transferred */
	r = 0;
out:
	bench_pieces_free(&csrs);
	bench_requests_free(&made);
	return r;
}

void bench_requests_free(struct bench_requests *requests)
{
	for (size_t i = 0; requests->v && i < requests->n; i++)
		free(requests->v[i].text);
	free(requests->v);
	requests->v = NULL;
	requests->n = 0;
}
