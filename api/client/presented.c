/* The certificates that a TLS server shows. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "api/client/presented.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

static int ms_left(int64_t deadline)
{
	int64_t left = deadline - ca_monotonic_ms();

	return left < 1 ? 1 : left > 3600000 ? 3600000 : (int)left;
}

static int connect_one(const struct addrinfo *address, int64_t deadline)
{
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->ai_protocol);
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) && errno != EINPROGRESS)
		failed = errno;
	else if (poll(&poll_fd, 1, ms_left(deadline)) != 1 ||
		 getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len))
		failed = ETIMEDOUT;
	if (!failed && !fcntl(fd, F_SETFL, 0))
		return fd;
	close(fd);
	return -1;
}

static int tcp_connect(
    const char *host, const char *port, int64_t deadline, int *out, struct client_problem *problem)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *addresses = NULL;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &addresses))
		return client_fail(problem, CA_EUNREACHABLE,
		    "the host name or port of %s:%s is unknown", host, port);
	for (const struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next)
		fd = connect_one(at, deadline);
	freeaddrinfo(addresses);
	if (fd < 0)
		return client_fail(
		    problem, CA_EUNREACHABLE, "nothing answers at %s:%s", host, port);
	*out = fd;
	return 0;
}

/* Called when the certificates are there: kept at once, for a server that wants one of ours breaks
 * the handshake off afterwards. */
static int keep(gnutls_session_t session)
{
	struct client_presented *presented = gnutls_session_get_ptr(session);
	unsigned n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &n);

	for (unsigned i = presented->n; list && i < n && i < CLIENT_PRESENTED_MAX; i++) {
		gnutls_datum_t *der = &presented->der[i];

		der->data = gnutls_malloc(list[i].size);
		if (!der->data)
			return GNUTLS_E_MEMORY_ERROR;
		memcpy(der->data, list[i].data, list[i].size);
		der->size = list[i].size;
		presented->n = i + 1;
	}
	return 0;
}

/* A name for SNI (RFC 6066, section 3: never an address). */
static int session_setup(
    gnutls_session_t session, gnutls_certificate_credentials_t credentials, const char *host)
{
	unsigned char address[16];
	int code = gnutls_set_default_priority(session);

	if (!code)
		code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (!code && inet_pton(AF_INET, host, address) != 1 &&
	    inet_pton(AF_INET6, host, address) != 1)
		code = gnutls_server_name_set(session, GNUTLS_NAME_DNS, host, strlen(host));
	return code;
}

static int handshake(int fd, const char *host, int64_t deadline, struct client_presented *presented)
{
	gnutls_certificate_credentials_t credentials = NULL;
	gnutls_session_t session = NULL;
	const char *protocol;
	int code = gnutls_certificate_allocate_credentials(&credentials);

	if (!code)
		code = gnutls_init(&session, GNUTLS_CLIENT);
	if (!code)
		code = session_setup(session, credentials, host);
	if (code)
		goto out;
	gnutls_certificate_set_verify_function(credentials, keep);
	gnutls_session_set_ptr(session, presented);
	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, (unsigned)ms_left(deadline));
	do {
		code = gnutls_handshake(session);
	} while (code < 0 && !gnutls_error_is_fatal(code));
	protocol = gnutls_protocol_get_name(gnutls_protocol_get_version(session));
	snprintf(presented->protocol, sizeof(presented->protocol), "%s", protocol ? protocol : "");
	if (!code)
		gnutls_bye(session, GNUTLS_SHUT_WR);
out:
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	return code;
}

int client_presented_get(const char *host, const char *port, int64_t deadline,
    struct client_presented *out, struct client_problem *problem)
{
	struct client_presented presented = { 0 };
	int fd = -1, code;
	int error = tcp_connect(host, port, deadline, &fd, problem);

	if (error)
		return error;
	code = handshake(fd, host, deadline, &presented);
	close(fd);
	if (code)
		ca_logf(CA_LOG_DEBUG, "%s:%s: handshake: %s", host, port, gnutls_strerror(code));
	if (presented.n) {
		*out = presented;
		return 0;
	}
	if (code == GNUTLS_E_TIMEDOUT)
		return client_fail(
		    problem, CA_EUNREACHABLE, "%s:%s did not answer in time", host, port);
	return client_fail(
	    problem, CA_EANSWER, "%s:%s does not speak TLS, or shows no certificate", host, port);
}

void client_presented_clear(struct client_presented *presented)
{
	for (unsigned i = 0; i < presented->n; i++)
		gnutls_free(presented->der[i].data);
	*presented = (struct client_presented){ 0 };
}
