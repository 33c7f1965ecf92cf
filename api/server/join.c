#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "api/server/join.h"

/* Of one push: GnuTLS 3.7 has 32 at most. */
#define PIECES_MAX 64

void server_join_clear(struct server_join *join)
{
	free(join->held);
	*join = (struct server_join){ 0 };
}

static bool hold(struct server_join *join, const giovec_t *iov, int iov_len, size_t total)
{
	unsigned char *held = total ? malloc(total) : NULL;

	if (!held)
		return false;
	join->held = held;
	join->held_len = total;
	for (int i = 0; i < iov_len; i++) {
		memcpy(held, iov[i].iov_base, iov[i].iov_len);
		held += iov[i].iov_len;
	}
	return true;
}

/* What was sent of what is held; the octets that belong to this push, or "again" when there are
 * none. */
static ssize_t take_off(struct server_join *join, size_t sent)
{
	if (sent < join->held_len) {
		join->held_len -= sent;
		memmove(join->held, join->held + sent, join->held_len);
		errno = EAGAIN;
		return -1;
	}
	sent -= join->held_len;
	server_join_clear(join);
	if (sent)
		return (ssize_t)sent;
	errno = EAGAIN;
	return -1;
}

ssize_t server_join_push(struct server_join *join, int fd, const giovec_t *iov, int iov_len)
{
	struct iovec pieces[PIECES_MAX + 1];
	struct msghdr message = { .msg_iov = pieces };
	bool expected = join->expected;
	size_t total = 0;
	ssize_t n;

	join->expected = false;
	if (iov_len > PIECES_MAX)
		iov_len = PIECES_MAX;
	if (join->held)
		pieces[message.msg_iovlen++] = (struct iovec){ join->held, join->held_len };
	for (int i = 0; i < iov_len; i++) {
		pieces[message.msg_iovlen++] = (struct iovec){ iov[i].iov_base, iov[i].iov_len };
		total += iov[i].iov_len;
	}
	if (expected && !join->held && hold(join, iov, iov_len, total))
		return (ssize_t)total;
	n = sendmsg(fd, &message, MSG_NOSIGNAL);
	return n < 0 || !join->held ? n : take_off(join, (size_t)n);
}
