#include "contrib/bench/connection.h"
#include "contrib/bench/measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 60

struct bench_connection {
	int fd;
	gnutls_session_t session;
	char buf[BENCH_BODY_MAX + 4096]; /* head and body of one answer */
};

/* ---- connection ---- */

static int tcp_connect(const struct bench_target *target)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int fd = -1, one = 1;

	errno = 0;
	if (getaddrinfo(target->host, target->port, &hints, &list))
		return -1;
	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
		if (fd >= 0 && !connect(fd, ai->ai_addr, ai->ai_addrlen))
			break;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	}
	return fd;
}

/* A name, for servers that have several; RFC 6066, section 3: never an address. */
static int name_set(gnutls_session_t session, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return 0;
	return gnutls_server_name_set(session, GNUTLS_NAME_DNS, host, strlen(host));
}

/* X25519 as OpenSSL, Go and browsers have it; GnuTLS alone would propose P-256 first. */
#define GROUPS ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"

static int handshake(const struct bench_target *target, struct bench_connection *c)
{
	const char *priorities =
	    target->tls13 ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" GROUPS : "NORMAL" GROUPS;
	int r;

	if (gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) < 0 ||
	    gnutls_priority_set_direct(c->session, priorities, NULL) < 0 ||
	    gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, target->cred) < 0 ||
	    name_set(c->session, target->host) < 0)
		return -1;
	if (target->checked)
		gnutls_session_set_verify_cert(c->session, target->host, 0);
	gnutls_transport_set_int(c->session, c->fd);
	do {
		r = gnutls_handshake(c->session);
	} while (r < 0 && !gnutls_error_is_fatal(r) && r != GNUTLS_E_AGAIN);
	return r;
}

int bench_connect(
    const struct bench_target *target, struct bench_connection **out, const char **why)
{
	struct bench_connection *c = calloc(1, sizeof(*c));

	*why = "out of memory";
	if (!c)
		return -1;
	c->fd = tcp_connect(target);
	if (c->fd < 0) {
		*why = errno ? strerror(errno) : "the name is not known";
		goto fail;
	}
	*why = "the TLS handshake failed";
	if (!target->plain && handshake(target, c) < 0)
		goto fail;
	*out = c;
	return 0;
fail:
	bench_disconnect(c);
	return -1;
}

void bench_disconnect(struct bench_connection *c)
{
	if (!c)
		return;
	if (c->session) {
		gnutls_bye(c->session, GNUTLS_SHUT_WR);
		gnutls_deinit(c->session);
	}
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* ---- one exchange ---- */

/* What read, write and their counterparts of TLS return: octets, 0 at the end, or an error. */
static ssize_t send_some(struct bench_connection *c, const char *data, size_t len)
{
	ssize_t n;

	if (c->session)
		return gnutls_record_send(c->session, data, len);
	n = send(c->fd, data, len, MSG_NOSIGNAL);
	return n < 0 && errno == EINTR ? GNUTLS_E_INTERRUPTED : n;
}

static ssize_t receive_some(struct bench_connection *c, char *data, size_t size)
{
	ssize_t n;

	if (c->session)
		return gnutls_record_recv(c->session, data, size);
	n = recv(c->fd, data, size, 0);
	return n < 0 && errno == EINTR ? GNUTLS_E_INTERRUPTED : n;
}

static int send_all(struct bench_connection *c, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send_some(c, data, len);
		if (n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* More octets after the first *len; -1: none will come. */
static int receive_more(struct bench_connection *c, size_t *len)
{
	int64_t deadline = bench_now_ns() + (int64_t)ANSWER_SECONDS * 1000000000;
	ssize_t n;

	if (*len + 1 >= sizeof(c->buf))
		return -1;
	/* A session ticket that arrives is reported as "again" too, not only the time limit. */
	do {
		n = receive_some(c, c->buf + *len, sizeof(c->buf) - 1 - *len);
	} while (n == GNUTLS_E_INTERRUPTED || (n == GNUTLS_E_AGAIN && bench_now_ns() < deadline));
	if (n <= 0)
		return -1;
	*len += (size_t)n;
	c->buf[*len] = '\0';
	return 0;
}

/* The value of a header inside head, or NULL. */
static const char *header(const char *head, const char *end, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line && line < end;
	     line = strstr(line, "\r\n")) {
		line += 2;
		if (!strncasecmp(line, name, name_len) && line[name_len] == ':')
			return line + name_len + 1 + strspn(line + name_len + 1, " ");
	}
	return NULL;
}

/* How the end of a body is known: RFC 9112, section 6.3. */
enum framing {
	FRAMED_LENGTH,
	FRAMED_CHUNKS,
	FRAMED_CLOSE,
};

/* Status, Connection and what tells the body's end; -1: not an answer. */
static int head_parse(const char *head, const char *end, struct bench_answer *out,
    enum framing *framing, size_t *body_len)
{
	const char *value;
	char *after;

	if (strncmp(head, "HTTP/1.", 7) != 0 || strlen(head) < 12)
		return -1;
	out->status = (int)strtol(head + 9, &after, 10);
	if (after != head + 12)
		return -1;
	value = header(head, end, "Connection");
	out->closing = value ? !strncasecmp(value, "close", 5) : head[7] == '0';
	*framing = FRAMED_LENGTH;
	*body_len = 0;
	value = header(head, end, "Transfer-Encoding");
	if (value && !strncasecmp(value, "chunked", 7)) {
		*framing = FRAMED_CHUNKS;
		return 0;
	}
	value = header(head, end, "Content-Length");
	if (!value) {
		*framing = out->status == 204 ? FRAMED_LENGTH : FRAMED_CLOSE;
		return 0;
	}
	*body_len = strtoul(value, &after, 10);
	return after == value || *body_len >= BENCH_BODY_MAX ? -1 : 0;
}

static void body_set(struct bench_answer *out, const char *body, size_t len)
{
	memcpy(out->body, body, len);
	out->body_len = len;
}

/* Put chunks together (RFC 9112, section 7.1); trailers are not expected. 1: that is all of them,
 * 0: more must come, -1: not chunks. */
static int chunks_copy(const char *body, size_t have, struct bench_answer *out)
{
	size_t at = 0, len = 0, size;
	const char *eol;
	char *after;

	while ((eol = memmem(body + at, have - at, "\r\n", 2))) {
		size = strtoul(body + at, &after, 16);
		if (after == body + at || size >= BENCH_BODY_MAX - len)
			return -1;
		at = (size_t)(eol - body) + 2;
		if (have - at < size + 2)
			return 0;
		memcpy(out->body + len, body + at, size);
		len += size;
		at += size + 2;
		if (size == 0) {
			out->body_len = len;
			return 1;
		}
	}
	return 0;
}

/* All of the body, of which the octets after head_len stand in c->buf already. 0, or -1. */
static int body_receive(struct bench_connection *c, size_t head_len, size_t have,
    enum framing framing, size_t body_len, struct bench_answer *out)
{
	int r = 0;

	switch (framing) {
	case FRAMED_LENGTH:
		while (have < head_len + body_len) {
			if (receive_more(c, &have))
				return -1;
		}
		body_set(out, c->buf + head_len, body_len);
		return 0;
	case FRAMED_CHUNKS:
		while ((r = chunks_copy(c->buf + head_len, have - head_len, out)) == 0) {
			if (receive_more(c, &have))
				return -1;
		}
		return r < 0 ? -1 : 0;
	case FRAMED_CLOSE:
		while (!receive_more(c, &have)) {
		}
		out->closing = 1;
		if (have - head_len >= BENCH_BODY_MAX)
			return -1;
		body_set(out, c->buf + head_len, have - head_len);
		return 0;
	}
	return -1;
}

enum bench_outcome bench_exchange(
    struct bench_connection *c, const char *request, size_t len, struct bench_answer *out)
{
	size_t have = 0, head_len, body_len;
	enum framing framing;
	char *end = NULL;
	int sent = send_all(c, request, len);

	c->buf[0] = '\0';
	/* An answer may stand there although the request could not be sent to its end. */
	while (!(end = strstr(c->buf, "\r\n\r\n"))) {
		if (receive_more(c, &have))
			return have ? BENCH_CUT : BENCH_CLOSED;
	}
	head_len = (size_t)(end - c->buf) + 4;
	if (head_parse(c->buf, end, out, &framing, &body_len) ||
	    body_receive(c, head_len, have, framing, body_len, out))
		return BENCH_CUT;
	out->body[out->body_len] = '\0';
	if (sent < 0)
		out->closing = 1;
	return BENCH_ANSWERED;
}
