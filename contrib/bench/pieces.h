/* Many texts: the lines of a file, or its PEM blocks, or tokens. */
#ifndef BENCH_PIECES_H
#define BENCH_PIECES_H

#include <stddef.h>

struct bench_pieces {
	char **v; /* owned, as are the texts */
	size_t n;
};

/* Room for n, each NULL. 0, or -1 after a message. */
int bench_pieces_room(size_t n, struct bench_pieces *out);

/* A copy of the text as piece i, which has none yet. 0, or -1. */
int bench_pieces_set(struct bench_pieces *pieces, size_t i, const char *text, size_t len);

void bench_pieces_free(struct bench_pieces *pieces);

/* Each piece ends with end, the last one perhaps without it. 0, or -1 after a message; a file
 * without any text is an error too. */
int bench_pieces_read(const char *path, const char *end, struct bench_pieces *out);

#endif
