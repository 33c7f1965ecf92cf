#include <arpa/inet.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/range.h"

struct range {
	int family;
	unsigned char octets[16];
	int bits; /* of the prefix */
};

static bool parse_address(const char *text, struct range *out)
{
	out->family = inet_pton(AF_INET, text, out->octets) == 1    ? AF_INET
		      : inet_pton(AF_INET6, text, out->octets) == 1 ? AF_INET6
								    : AF_UNSPEC;
	out->bits = out->family == AF_INET ? 32 : 128;
	return out->family != AF_UNSPEC;
}

/* Are all bits from the one given on zero? */
static bool is_zero_from(const struct range *range, int bits)
{
	for (int i = bits; i < (range->family == AF_INET ? 32 : 128); i++)
		if (range->octets[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

/* As a name: an IPv4-mapped address is an IPv4 one (RFC 4291, section 2.5.5.2). */
static void unmap(struct range *range)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (range->family != AF_INET6 || range->bits < 96 ||
	    memcmp(range->octets, mapped, sizeof(mapped)) != 0)
		return;
	memmove(range->octets, range->octets + 12, 4);
	range->family = AF_INET;
	range->bits -= 96;
}

static bool parse_range(const char *text, struct range *out)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	int64_t bits;

	if (!slash)
		return parse_address(text, out);
	if ((size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!parse_address(address, out) || slash[1] == '-' || (slash[1] == '0' && slash[2]) ||
	    ca_parse_int(slash + 1, 0, out->bits, &bits))
		return false;
	out->bits = (int)bits;
	return true;
}

int ca_range_spell(const char *text, struct ca_buf *out, struct ca_detail *why)
{
	char address[INET6_ADDRSTRLEN];
	struct range range;

	if (!parse_range(text, &range))
		return ca_refuse(
		    why, CA_ENAME, "not an address, nor a range such as 10.0.0.0/8: %.100s", text);
	if (!is_zero_from(&range, range.bits))
		return ca_refuse(why, CA_ENAME,
		    "the range %.100s has bits behind its prefix: a shorter address, or a longer "
		    "prefix",
		    text);
	unmap(&range);
	if (!inet_ntop(range.family, range.octets, address, sizeof(address)))
		return CA_EINTERNAL;
	ca_buf_add_str(out, address);
	if (range.bits < (range.family == AF_INET ? 32 : 128))
		ca_buf_addf(out, "/%d", range.bits);
	return ca_buf_error(out);
}

bool ca_range_match(const char *text, const char *value)
{
	struct range range, address;
	int whole;

	if (!parse_range(text, &range) || !parse_address(value, &address) ||
	    range.family != address.family)
		return false;
	whole = range.bits / 8;
	if (memcmp(range.octets, address.octets, (size_t)whole) != 0)
		return false;
	return range.bits % 8 == 0 ||
	       (range.octets[whole] ^ address.octets[whole]) >> (8 - range.bits % 8) == 0;
}
