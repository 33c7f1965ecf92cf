#include <string.h>

#include "api/server/verified.h"

static size_t place(const unsigned char sha256[32])
{
	return ((size_t)sha256[0] << 8 | sha256[1]) % SERVER_VERIFIED_MAX;
}

bool server_verified_has(
    struct server_verified *verified, const unsigned char sha256[32], int64_t issuer_id)
{
	size_t i = place(sha256);
	bool has;

	pthread_mutex_lock(&verified->lock);
	has = issuer_id && verified->places[i].issuer_id == issuer_id &&
	      memcmp(verified->places[i].sha256, sha256, sizeof(verified->places[i].sha256)) == 0;
	pthread_mutex_unlock(&verified->lock);
	return has;
}

void server_verified_add(
    struct server_verified *verified, const unsigned char sha256[32], int64_t issuer_id)
{
	size_t i = place(sha256);

	pthread_mutex_lock(&verified->lock);
	memcpy(verified->places[i].sha256, sha256, sizeof(verified->places[i].sha256));
	verified->places[i].issuer_id = issuer_id;
	pthread_mutex_unlock(&verified->lock);
}
