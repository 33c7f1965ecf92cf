#include "contrib/bench/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of a file, NUL-terminated; the caller frees it. */
static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	/* A text file holds no NUL: to that delimiter is to the end. */
	if (f && getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static size_t piece_len(const char *at, const char *end)
{
	const char *found = strstr(at, end);

	return found ? (size_t)(found - at) + strlen(end) : strlen(at);
}

int bench_pieces_read(const char *path, const char *end, struct bench_pieces *out)
{
	struct bench_pieces got = { 0 };
	char *text = read_all(path);
	const char *at;
	size_t n = 0, i;
	int r = -1;

	if (!text || !*text) {
		fprintf(stderr, "load: %s: nothing to read\n", path);
		goto out;
	}
	for (at = text; *at; at += piece_len(at, end))
		n++;
	if (bench_pieces_room(n, &got))
		goto out;
	for (at = text, i = 0; i < n; at += piece_len(at, end), i++) {
		if (bench_pieces_set(&got, i, at, piece_len(at, end)))
			goto out;
	}
	*out = got;
	got.v = NULL; /* transferred */
	r = 0;
out:
	bench_pieces_free(&got);
	free(text);
	return r;
}
