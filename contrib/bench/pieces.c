#include "contrib/bench/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_pieces_room(size_t n, struct bench_pieces *out)
{
	out->v = calloc(n ? n : 1, sizeof(char *));
	out->n = n;
	if (!out->v)
		fprintf(stderr, "load: out of memory\n");
	return out->v ? 0 : -1;
}

int bench_pieces_set(struct bench_pieces *pieces, size_t i, const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		return -1;
	pieces->v[i] = copy;
	return 0;
}

void bench_pieces_free(struct bench_pieces *pieces)
{
	for (size_t i = 0; pieces->v && i < pieces->n; i++)
		free(pieces->v[i]);
	free(pieces->v);
	pieces->v = NULL;
}
