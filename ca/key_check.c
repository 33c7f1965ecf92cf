/*
 * Is a public key fit to be certified? The checks that CAs make on RSA keys (CA/Browser Forum
 * Baseline Requirements, section 6.1.1.3 and 6.1.6). Big numbers are libcrypto's: only the server
 * links this file.
 */
#include <stdint.h>

#include <gnutls/gnutls.h>
#include <openssl/bn.h>

#include "ca/base/log.h"
#include "ca/key_private.h"

#define FERMAT_ROUNDS 110
#define EXPONENT 65537

/* The odd primes up to 751. */
static const unsigned short primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53,
	59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151,
	157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251,
	257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359,
	367, 373, 379, 383, 389, 397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463,
	467, 479, 487, 491, 499, 503, 509, 521, 523, 541, 547, 557, 563, 569, 571, 577, 587, 593,
	599, 601, 607, 613, 617, 619, 631, 641, 643, 647, 653, 659, 661, 673, 677, 683, 691, 701,
	709, 719, 727, 733, 739, 743, 751 };

#define PRIMES (sizeof(primes) / sizeof(*primes))
#define ROCA_PRIMES 38 /* up to 167 */

struct modulus {
	BIGNUM *n, *e;
	BN_CTX *ctx;
};

static int out_of_memory(void)
{
	ca_logf(CA_LOG_ERROR, "key check: libcrypto: out of memory");
	return CA_ENOMEM;
}

/* n mod each of the primes; one long division serves as many primes as fit in 32 bits. */
static void residues(const BIGNUM *n, unsigned out[PRIMES])
{
	for (size_t i = 0, end; i < PRIMES; i = end) {
		unsigned long long product = 1;
		unsigned long rest;

		for (end = i; end < PRIMES && product * primes[end] <= UINT32_MAX; end++)
			product *= primes[end];
		rest = (unsigned long)BN_mod_word(n, (BN_ULONG)product);
		for (size_t k = i; k < end; k++)
			out[k] = (unsigned)(rest % primes[k]);
	}
}

/* Is r a power of 65537 modulo p? */
static bool is_power(unsigned r, unsigned p)
{
	unsigned power = 1;

	do {
		if (power == r)
			return true;
		power = power * (EXPONENT % p) % p;
	} while (power != 1);
	return false;
}

/*
 * ROCA (CVE-2017-15361): the primes are k * M + (65537^a mod M), M a product of small primes, so
 * that n is a power of 65537 modulo each of them. Of random moduli one in 2^27 is.
 */
static bool is_roca(const unsigned rest[PRIMES])
{
	for (size_t i = 0; i < ROCA_PRIMES; i++)
		if (!is_power(rest[i], primes[i]))
			return false;
	return true;
}

/*
 * A sieve for squares: a square is one modulo anything. moduli multiply to less than 2^32; bit k of
 * squares[i] says whether k is a square modulo moduli[i]. One number in 250 that is none passes.
 */
#define SIEVE 5
#define SIEVE_PRODUCT (UINT64_C(64) * 63 * 55 * 61 * 59)

static const unsigned moduli[SIEVE] = { 64, 63, 55, 61, 59 };

static void sieve_init(uint64_t squares[SIEVE])
{
	for (size_t i = 0; i < SIEVE; i++) {
		squares[i] = 0;
		for (unsigned root = 0; root < moduli[i]; root++)
			squares[i] |= (uint64_t)1 << root * root % moduli[i];
	}
}

static bool sieve_passes(const uint64_t squares[SIEVE], uint64_t rest)
{
	for (size_t i = 0; i < SIEVE; i++)
		if (!(squares[i] >> rest % moduli[i] & 1))
			return false;
	return true;
}

/* The whole part of the square root, by Newton's method from above. */
static bool square_root(const BIGNUM *x, BIGNUM *root, BN_CTX *ctx)
{
	BIGNUM *next;
	bool ok;

	BN_CTX_start(ctx);
	next = BN_CTX_get(ctx);
	BN_zero(root);
	ok = next && BN_set_bit(root, (BN_num_bits(x) + 1) / 2);
	while (ok) {
		ok = BN_div(next, NULL, x, root, ctx) && BN_add(next, next, root) &&
		     BN_rshift1(next, next);
		if (!ok || BN_cmp(next, root) >= 0)
			break;
		ok = BN_copy(root, next) != NULL;
	}
	BN_CTX_end(ctx);
	return ok;
}

static bool is_square(const BIGNUM *x, bool *yes, BN_CTX *ctx)
{
	BIGNUM *root, *square;
	bool ok;

	BN_CTX_start(ctx);
	root = BN_CTX_get(ctx);
	square = BN_CTX_get(ctx);
	ok = square && square_root(x, root, ctx) && BN_sqr(square, root, ctx);
	*yes = ok && BN_cmp(square, x) == 0;
	BN_CTX_end(ctx);
	return ok;
}

/*
 * Fermat's method: *found when n is a^2 - b^2 for the root of n (rounded down) or one of the next
 * a, that is, when its two primes lie too near to each other. The sieve works on (a + i)^2 - n =
 * (a^2 - n) + 2ai + i^2 without big numbers.
 */
static bool fermat(const BIGNUM *n, bool *found, BN_CTX *ctx)
{
	uint64_t squares[SIEVE], a_rest, n_rest;
	BIGNUM *a, *rest;
	bool ok;

	sieve_init(squares);
	BN_CTX_start(ctx);
	a = BN_CTX_get(ctx);
	rest = BN_CTX_get(ctx);
	*found = false;
	ok = rest && square_root(n, a, ctx) && BN_sqr(rest, a, ctx);
	*found = ok && BN_cmp(rest, n) == 0;
	a_rest = ok ? BN_mod_word(a, SIEVE_PRODUCT) : 0;
	n_rest = BN_mod_word(n, SIEVE_PRODUCT);
	for (uint64_t i = 1; ok && !*found && i <= FERMAT_ROUNDS; i++) {
		uint64_t sum = (a_rest + i) % SIEVE_PRODUCT;

		ok = BN_add_word(a, 1);
		if (ok &&
		    sieve_passes(squares, (sum * sum + SIEVE_PRODUCT - n_rest) % SIEVE_PRODUCT))
			ok = BN_sqr(rest, a, ctx) && BN_sub(rest, rest, n) &&
			     is_square(rest, found, ctx);
	}
	BN_CTX_end(ctx);
	return ok;
}

static int check_structure(const struct modulus *m, struct ca_detail *why)
{
	unsigned rest[PRIMES];
	bool found;

	if (!BN_is_word(m->e, EXPONENT))
		return ca_refuse(why, CA_EKEYWEAK, "the RSA exponent must be %d", EXPONENT);
	if (!BN_is_odd(m->n))
		return ca_refuse(why, CA_EKEYWEAK, "the RSA modulus is even");
	residues(m->n, rest);
	for (size_t i = 0; i < PRIMES; i++)
		if (rest[i] == 0)
			return ca_refuse(
			    why, CA_EKEYWEAK, "the RSA modulus is divisible by %d", primes[i]);
	if (is_roca(rest))
		return ca_refuse(why, CA_EKEYWEAK,
		    "the RSA key was made by a faulty generator (ROCA, CVE-2017-15361)");
	if (!fermat(m->n, &found, m->ctx))
		return out_of_memory();
	if (found)
		return ca_refuse(
		    why, CA_EKEYWEAK, "the RSA modulus has two factors too near to each other");
	return 0;
}

static int check_rsa(gnutls_pubkey_t pubkey, struct ca_detail *why)
{
	gnutls_datum_t n = { NULL, 0 }, e = { NULL, 0 };
	struct modulus m = { NULL, NULL, NULL };
	unsigned bits = 0;
	int r;

	/* The size first: what follows takes time with the modulus' length. */
	gnutls_pubkey_get_pk_algorithm(pubkey, &bits);
	if (bits < CA_KEY_RSA_BITS_MIN)
		return ca_refuse(why, CA_EKEYWEAK, "an RSA key of %u bits; %d are the least", bits,
		    CA_KEY_RSA_BITS_MIN);
	if (bits > CA_KEY_RSA_BITS_MAX)
		return ca_refuse(why, CA_EKEYTYPE, "an RSA key of %u bits; %d are the most", bits,
		    CA_KEY_RSA_BITS_MAX);
	r = gnutls_pubkey_export_rsa_raw2(pubkey, &n, &e, GNUTLS_EXPORT_FLAG_NO_LZ);
	if (r) {
		ca_logf(CA_LOG_ERROR, "key check: GnuTLS: %s", gnutls_strerror(r));
		return CA_EINTERNAL;
	}
	m.n = BN_bin2bn(n.data, (int)n.size, NULL);
	m.e = BN_bin2bn(e.data, (int)e.size, NULL);
	m.ctx = BN_CTX_new();
	r = m.n && m.e && m.ctx ? check_structure(&m, why) : out_of_memory();
	BN_free(m.n);
	BN_free(m.e);
	BN_CTX_free(m.ctx);
	gnutls_free(n.data);
	gnutls_free(e.data);
	return r;
}

int ca_key_check_public(gnutls_pubkey_t pubkey, enum ca_key_type *type, struct ca_detail *why)
{
	int pk = gnutls_pubkey_get_pk_algorithm(pubkey, NULL);
	enum ca_key_type found = CA_KEY_NONE;
	int r = 0;

	if (pk == GNUTLS_PK_RSA)
		r = check_rsa(pubkey, why);
	if (!r)
		found = ca_key_type_of(pubkey);
	if (!r && found == CA_KEY_NONE)
		r = ca_refuse(why, CA_EKEYTYPE,
		    "a key of this kind is not certified (RSA, EC P-256, EC P-384 and Ed25519 "
		    "are)");
	if (!r && pk == GNUTLS_PK_ECDSA && gnutls_pubkey_verify_params(pubkey))
		r = ca_refuse(why, CA_EKEYWEAK, "the public key is not a point on its curve");
	if (!r)
		*type = found;
	return r;
}
