/*
 * Client certificates whose signature by one of our CAs was verified: agents and operators come
 * back with new connections all day. A verdict follows from the certificate's octets and the CA's
 * key alone, so it never goes stale; what may change, status and validity, is looked at elsewhere.
 */
#ifndef API_SERVER_VERIFIED_H
#define API_SERVER_VERIFIED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Places in the table; a certificate's is by its hash, and a newer one takes it over. */
#define SERVER_VERIFIED_MAX 1024

/* PTHREAD_MUTEX_INITIALIZER and zeroes. Any thread. */
struct server_verified {
	pthread_mutex_t lock;
	struct {
		unsigned char sha256[32]; /* of the certificate's DER */
		int64_t issuer_id;        /* authorities.id; 0: nothing here */
	} places[SERVER_VERIFIED_MAX];
};

bool server_verified_has(
    struct server_verified *verified, const unsigned char sha256[32], int64_t issuer_id);
void server_verified_add(
    struct server_verified *verified, const unsigned char sha256[32], int64_t issuer_id);

#endif
