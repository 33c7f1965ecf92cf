/* Ranges of IP addresses in CIDR form (RFC 4632). For ca/pattern.c only. */
#ifndef CA_RANGE_H
#define CA_RANGE_H

#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"

/*
 * Append the canonical text of a range, or of an address, which is a range of one: as inet_ntop()
 * writes it, IPv4-mapped IPv6 as IPv4. CA_ENAME with *why: it is none, or has bits behind its
 * prefix.
 */
int ca_range_spell(const char *text, struct ca_buf *out, struct ca_detail *why);

/* Is the address in the range? Both are canonical. */
bool ca_range_match(const char *text, const char *value);

#endif
