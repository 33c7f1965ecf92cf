#include "contrib/bench/connection.h"
#include "contrib/bench/measure.h"

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

#define PATH_LEN 4096
#define ANSWER_SECONDS 60

struct bench_connection {
	int fd;
	gnutls_session_t session;
	char buf[BENCH_BODY_MAX + 4096]; /* head and body of one answer */
};

/* ---- target ---- */

static int url_parse(const char *url, struct bench_target *t)
{
	const char *at, *colon;
	size_t len;

	if (strncmp(url, "https://", 8) != 0)
		return -1;
	at = url + 8;
	len = strcspn(at, "/ \r\n");
	if (!len || len >= sizeof(t->authority))
		return -1;
	memcpy(t->authority, at, len);
	t->authority[len] = '\0';
	colon = strrchr(t->authority, ':');
	if (!colon || (size_t)(colon - t->authority) >= sizeof(t->host) ||
	    strlen(colon + 1) >= sizeof(t->port))
		return -1;
	memcpy(t->host, t->authority, (size_t)(colon - t->authority));
	t->host[colon - t->authority] = '\0';
	memcpy(t->port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

static int home_url(const char *home, char *out, size_t size)
{
	char path[PATH_LEN];
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

static int home_credentials(const char *home, gnutls_certificate_credentials_t *out)
{
	char crt[PATH_LEN], key[PATH_LEN], ca[PATH_LEN];
	gnutls_certificate_credentials_t cred = NULL;

	snprintf(crt, sizeof(crt), "%s/tls.crt", home);
	snprintf(key, sizeof(key), "%s/tls.key", home);
	snprintf(ca, sizeof(ca), "%s/ca.crt", home);
	if (gnutls_certificate_allocate_credentials(&cred) < 0)
		return -1;
	if (gnutls_certificate_set_x509_trust_file(cred, ca, GNUTLS_X509_FMT_PEM) < 1 ||
	    gnutls_certificate_set_x509_key_file(cred, crt, key, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_certificate_free_credentials(cred);
		return -1;
	}
	*out = cred;
	return 0;
}

int bench_target_load(const char *home, const char *url, struct bench_target *out)
{
	char line[BENCH_HOST_MAX + 64];

	if (!url) {
		if (home_url(home, line, sizeof(line))) {
			fprintf(stderr, "load: %s/ca-url cannot be read\n", home);
			return -1;
		}
		url = line;
	}
	if (url_parse(url, out)) {
		fprintf(stderr, "load: not an https://HOST:PORT address: %s\n", url);
		return -1;
	}
	if (home_credentials(home, &out->cred)) {
		fprintf(stderr, "load: %s holds no usable tls.crt, tls.key and ca.crt\n", home);
		return -1;
	}
	return 0;
}

void bench_target_free(struct bench_target *target)
{
	if (target->cred)
		gnutls_certificate_free_credentials(target->cred);
	target->cred = NULL;
}

/* ---- connection ---- */

static int tcp_connect(const struct bench_target *target)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int fd = -1, one = 1;

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

static int handshake(const struct bench_target *target, struct bench_connection *c)
{
	int r;

	if (gnutls_init(&c->session, GNUTLS_CLIENT) < 0 ||
	    gnutls_set_default_priority(c->session) < 0 ||
	    gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, target->cred) < 0)
		return -1;
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
	*why = "no connection";
	if (c->fd < 0)
		goto fail;
	*why = "the TLS handshake failed";
	if (handshake(target, c) < 0)
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
	if (c->session)
		gnutls_deinit(c->session);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* ---- one exchange ---- */

static int send_all(struct bench_connection *c, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = gnutls_record_send(c->session, data, len);
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
		n = gnutls_record_recv(c->session, c->buf + *len, sizeof(c->buf) - 1 - *len);
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

/* Status, Connection and Content-Length; -1: not an answer that has a length. */
static int head_parse(const char *head, const char *end, struct bench_answer *out, size_t *body_len)
{
	const char *value;
	char *after;

	if (strncmp(head, "HTTP/1.1 ", 9) != 0)
		return -1;
	out->status = (int)strtol(head + 9, &after, 10);
	if (after != head + 12)
		return -1;
	value = header(head, end, "Connection");
	out->closing = value && !strncasecmp(value, "close", 5);
	value = header(head, end, "Content-Length");
	if (!value)
		return -1;
	*body_len = strtoul(value, &after, 10);
	return after == value || *body_len >= BENCH_BODY_MAX ? -1 : 0;
}

enum bench_outcome bench_exchange(
    struct bench_connection *c, const char *request, size_t len, struct bench_answer *out)
{
	size_t have = 0, head_len, body_len;
	char *end = NULL;
	int sent = send_all(c, request, len);

	c->buf[0] = '\0';
	/* An answer may stand there although the request could not be sent to its end. */
	while (!(end = strstr(c->buf, "\r\n\r\n"))) {
		if (receive_more(c, &have))
			return have ? BENCH_CUT : BENCH_CLOSED;
	}
	head_len = (size_t)(end - c->buf) + 4;
	if (head_parse(c->buf, end, out, &body_len))
		return BENCH_CUT;
	while (have < head_len + body_len) {
		if (receive_more(c, &have))
			return BENCH_CUT;
	}
	memcpy(out->body, c->buf + head_len, body_len);
	out->body[body_len] = '\0';
	out->body_len = body_len;
	if (sent < 0)
		out->closing = 1;
	return BENCH_ANSWERED;
}
