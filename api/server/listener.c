#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server/listener.h"
#include "ca/base/error.h"
#include "ca/base/log.h"

#define BACKLOG 4096

/* "ADDR:PORT", "[ADDR]:PORT", ":PORT" into its two parts; host is empty for every address. */
static int split_address(const char *address, char host[256], char port[16])
{
	const char *colon = strrchr(address, ':');
	size_t len;

	if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) > 5)
		return CA_EINVAL;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len)) {
		return CA_EINVAL;
	}
	if (len >= 256)
		return CA_EINVAL;
	memcpy(host, address, len);
	host[len] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

static int listen_on(const struct addrinfo *where)
{
	const int on = 1, off = 0;
	int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (where->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, where->ai_addr, where->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

int server_listener_open(const char *address, int *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char host[256], port[16];
	int fd = -1;

	if (split_address(address, host, port) ||
	    getaddrinfo(host[0] ? host : NULL, port, &hints, &found)) {
		ca_logf(CA_LOG_ERROR, "--listen: not ADDR:PORT: %s", address);
		return CA_EINVAL;
	}
	/* For every address, one IPv6 socket takes IPv4 too, where there is IPv6. */
	for (int pass = 0; pass < 2 && fd < 0; pass++)
		for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
			if ((a->ai_family == AF_INET6) == (pass == 0))
				fd = listen_on(a);
	freeaddrinfo(found);
	if (fd < 0) {
		ca_logf(CA_LOG_ERROR, "cannot listen on %s: %s", address, strerror(errno));
		return CA_EIO;
	}
	*out = fd;
	return 0;
}

void server_listener_log(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN], port[8], text[INET6_ADDRSTRLEN + 16];
	const struct ca_log_field fields[] = { { "address", text }, { 0 } };

	if (getsockname(fd, (struct sockaddr *)&address, &len) ||
	    getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
	ca_log_event(CA_LOG_INFO, "listening", fields);
}
