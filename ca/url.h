/* The addresses that an installation is told: SCHEME://HOST[:PORT][/PATH]. */
#ifndef CA_URL_H
#define CA_URL_H

#include "ca/base/error.h"
#include "ca/base/names.h"

#define CA_URL_MAX 512

/*
 * Check the form: the scheme ("https"), a host name or address, no userinfo, query or fragment, at
 * most CA_URL_MAX octets. *out is the address without a trailing slash, to be freed; host (NULL, or
 * an empty list) gets the host. CA_EINVAL with *why.
 */
int ca_url_check(
    const char *url, const char *scheme, char **out, struct ca_names *host, struct ca_detail *why);

#endif
