#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/url.h"

static int refuse(struct ca_detail *why, const char *url, const char *reason)
{
	return ca_refuse(why, CA_EINVAL, "%.100s: %s", url, reason);
}

static bool printable(const char *url)
{
	for (; *url; url++)
		if (*url <= ' ' || *url > '~' || strchr("\"<>\\^`{|}*?#@", *url))
			return false;
	return true;
}

/* The host's length in the authority, with the brackets of an IPv6 address (RFC 3986,
 * section 3.2.2); 0: malformed. */
static size_t host_len(const char *authority)
{
	const char *end;

	if (authority[0] != '[')
		return strcspn(authority, ":/");
	end = strchr(authority, ']');
	return end && strchr(":/", end[1]) ? (size_t)(end + 1 - authority) : 0;
}

static int add_host(struct ca_names *names, const char *host, size_t len)
{
	int r;

	if (host[0] == '[')
		return memchr(host, ':', len)
			   ? ca_names_add(names, CA_NAME_IP, host + 1, len - 2, NULL)
			   : CA_ENAME;
	r = ca_names_add(names, CA_NAME_IP, host, len, NULL);
	return r == CA_ENAME ? ca_names_add(names, CA_NAME_DNS, host, len, NULL) : r;
}

/* What stands behind the host: nothing, or a port, or a path, or both. */
static bool rest_ok(const char *rest)
{
	char port[6];
	int64_t number;
	size_t len;

	if (*rest != ':')
		return *rest == '\0' || *rest == '/';
	len = strcspn(++rest, "/");
	if (len >= sizeof(port))
		return false;
	memcpy(port, rest, len);
	port[len] = '\0';
	return ca_parse_int(port, 1, 65535, &number) == 0;
}

int ca_url_check(
    const char *url, const char *scheme, char **out, struct ca_names *host, struct ca_detail *why)
{
	struct ca_names found = CA_NAMES_INIT;
	size_t n = strlen(scheme), len = strlen(url);
	const char *authority;
	int r;

	if (len > CA_URL_MAX || !printable(url))
		return refuse(why, url, "not a plain address of at most 512 characters");
	if (strncmp(url, scheme, n) != 0 || strncmp(url + n, "://", 3) != 0)
		return ca_refuse(why, CA_EINVAL, "%.100s: must begin with %s://", url, scheme);
	authority = url + n + 3;
	n = host_len(authority);
	r = n ? add_host(&found, authority, n) : CA_ENAME;
	if (r == CA_ENAME)
		r = refuse(why, url, "the host is neither a name nor an address");
	else if (!r && !rest_ok(authority + n))
		r = refuse(why, url, "the port is none");
	if (r)
		goto out;
	while (url[len - 1] == '/')
		len--;
	*out = strndup(url, len);
	if (!*out) {
		r = CA_ENOMEM;
		goto out;
	}
	if (host) {
		*host = found;
		found = (struct ca_names)CA_NAMES_INIT; /* transferred */
	}
out:
	ca_names_free(&found);
	return r;
}
