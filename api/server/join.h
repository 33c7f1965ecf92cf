/*
 * An answer's head waits for its body, so that both leave in one segment. libmicrohttpd sends them
 * as two TLS records with a system call each, and a client would wake for the head alone.
 */
#ifndef API_SERVER_JOIN_H
#define API_SERVER_JOIN_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One connection's; all zeroes is the beginning. Used by the connection's own thread. */
struct server_join {
	bool expected;       /* what is pushed next is a head, and its body follows at once */
	unsigned char *held; /* records to be sent with the next; owned */
	size_t held_len;
};

/* As gnutls_vec_push_func has it, onto the socket fd: octets taken, or -1 with errno. */
ssize_t server_join_push(struct server_join *join, int fd, const giovec_t *iov, int iov_len);

void server_join_clear(struct server_join *join);

#endif
