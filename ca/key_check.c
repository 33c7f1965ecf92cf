/*
 * Is a public key fit to be certified? The checks that CAs make on RSA keys (CA/Browser Forum
 * Baseline Requirements, section 6.1.1.3 and 6.1.6). Parsing, big numbers and curves are
 * libcrypto's: only the server links this file.
 */
#include <pthread.h>
#include <stdint.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "ca/base/log.h"
#include "ca/der_read.h"
#include "ca/key_check.h"
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

/* RFC 5280, section 4.1; RFC 8017, appendix A.1.1. */
struct spki {
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *key;
};

struct rsa_public {
	BIGNUM *n, *e;
};

/* clang-format off */
ASN1_SEQUENCE(SPKI) = {
	ASN1_SIMPLE(struct spki, algorithm, X509_ALGOR),
	ASN1_SIMPLE(struct spki, key, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END_name(struct spki, SPKI);

ASN1_SEQUENCE(RSA_PUBLIC) = {
	ASN1_SIMPLE(struct rsa_public, n, BIGNUM),
	ASN1_SIMPLE(struct rsa_public, e, BIGNUM)
} static_ASN1_SEQUENCE_END_name(struct rsa_public, RSA_PUBLIC);
/* clang-format on */

static int failed(const char *act)
{
	ca_logf(CA_LOG_ERROR, "key check: libcrypto: cannot %s", act);
	return CA_ENOMEM;
}

static int malformed(struct ca_detail *why)
{
	return ca_refuse(why, CA_ECSR, "the public key is malformed");
}

/* ---- RSA ---- */

static uint32_t word_at(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * rest * 2^32 + word, modulo what fold is 2^63 modulo: rest has 64 bits, and those above the lower
 * 31 count 2^63 each. With fold under 2^30 it fits in 64 bits again.
 */
static uint64_t take_in(uint64_t rest, uint64_t fold, uint32_t word)
{
	return (rest >> 31) * fold + ((rest & INT32_MAX) << 32 | word);
}

/* n mod each of the primes, as many primes at a time as multiply to less than 2^30. */
static void residues(const BIGNUM *n, unsigned out[PRIMES])
{
	unsigned char octets[CA_KEY_RSA_BITS_MAX / 8];
	uint64_t rest[PRIMES] = { 0 }, fold[PRIMES];
	size_t ends[PRIMES], groups = 0, len = ((size_t)BN_num_bytes(n) + 3) / 4 * 4;

	for (size_t i = 0; i < PRIMES; groups++) {
		uint64_t product = 1;

		while (i < PRIMES && product * primes[i] < UINT64_C(1) << 30)
			product *= primes[i++];
		fold[groups] = (UINT64_C(1) << 63) % product;
		ends[groups] = i;
	}
	BN_bn2binpad(n, octets, (int)len);
	for (const unsigned char *p = octets; p < octets + len; p += 4) {
		uint32_t word = word_at(p);

		for (size_t i = 0; i < groups; i++)
			rest[i] = take_in(rest[i], fold[i], word);
	}
	for (size_t i = 0, k = 0; i < groups; i++)
		for (; k < ends[i]; k++)
			out[k] = (unsigned)(rest[i] % primes[k]);
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
		for (unsigned root = 0; root <= moduli[i] / 2; root++)
			squares[i] |= (uint64_t)1 << root * root % moduli[i];
	}
}

static bool sieve_passes(const uint64_t squares[SIEVE], unsigned rest)
{
	for (size_t i = 0; i < SIEVE; i++)
		if (!(squares[i] >> rest % moduli[i] & 1))
			return false;
	return true;
}

/* The whole part of the square root of a word. */
static uint64_t word_root(uint64_t x)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= x)
			root |= bit;
	return root;
}

/*
 * The whole part of the square root, or a little more: one step of Newton's method, which doubles
 * the digits that are right, from the root of the upper half of x.
 */
static bool above_root(const BIGNUM *x, BIGNUM *root, BN_CTX *ctx)
{
	int bits = BN_num_bits(x), shift = bits / 4;
	BIGNUM *rest;
	bool ok;

	if (bits <= 64)
		return BN_set_word(root, word_root(BN_get_word(x)));
	BN_CTX_start(ctx);
	rest = BN_CTX_get(ctx);
	ok = rest && BN_rshift(rest, x, 2 * shift) && above_root(rest, root, ctx) &&
	     BN_add_word(root, 1) && BN_lshift(root, root, shift) &&
	     BN_div(rest, NULL, x, root, ctx) && BN_add(root, root, rest) && BN_rshift1(root, root);
	BN_CTX_end(ctx);
	return ok;
}

/* The whole part of the square root, and its square. */
static bool square_root(const BIGNUM *x, BIGNUM *root, BIGNUM *square, BN_CTX *ctx)
{
	bool ok = above_root(x, root, ctx) && BN_sqr(square, root, ctx);

	while (ok && BN_cmp(square, x) > 0)
		ok = BN_sub_word(root, 1) && BN_sqr(square, root, ctx);
	return ok;
}

/* Is (a + i)^2 - n a square? */
static bool is_difference(const BIGNUM *n, const BIGNUM *a, unsigned i, bool *yes, BN_CTX *ctx)
{
	BIGNUM *x, *root, *square;
	bool ok;

	BN_CTX_start(ctx);
	x = BN_CTX_get(ctx);
	root = BN_CTX_get(ctx);
	square = BN_CTX_get(ctx);
	ok = square && BN_copy(x, a) && BN_add_word(x, i) && BN_sqr(x, x, ctx) && BN_sub(x, x, n) &&
	     square_root(x, root, square, ctx);
	*yes = ok && BN_cmp(square, x) == 0;
	BN_CTX_end(ctx);
	return ok;
}

/*
 * Fermat's method: *found when n is a^2 - b^2 for the root of n (rounded down) or one of the next
 * a, that is, when its two primes lie too near to each other. The sieve follows (a + i)^2 - n =
 * (a^2 - n) + (2a + 1) + (2a + 3) + ... without big numbers.
 */
static bool fermat(const BIGNUM *n, bool *found, BN_CTX *ctx)
{
	uint64_t squares[SIEVE], rest = 0, step = 0;
	BIGNUM *a, *less; /* n - a^2 */
	bool ok;

	sieve_init(squares);
	BN_CTX_start(ctx);
	a = BN_CTX_get(ctx);
	less = BN_CTX_get(ctx);
	ok = less && square_root(n, a, less, ctx) && BN_sub(less, n, less);
	*found = ok && BN_is_zero(less);
	if (ok) {
		rest = SIEVE_PRODUCT - BN_mod_word(less, SIEVE_PRODUCT);
		step = 2 * BN_mod_word(a, SIEVE_PRODUCT) + 1;
	}
	for (unsigned i = 1; ok && !*found && i <= FERMAT_ROUNDS; i++) {
		rest = (rest + step) % SIEVE_PRODUCT;
		step += 2;
		if (sieve_passes(squares, (unsigned)rest))
			ok = is_difference(n, a, i, found, ctx);
	}
	BN_CTX_end(ctx);
	return ok;
}

static int check_modulus(const BIGNUM *n, BN_CTX *ctx, struct ca_detail *why)
{
	unsigned rest[PRIMES];
	bool found;

	residues(n, rest);
	for (size_t i = 0; i < PRIMES; i++)
		if (rest[i] == 0)
			return ca_refuse(
			    why, CA_EKEYWEAK, "the RSA modulus is divisible by %d", primes[i]);
	if (is_roca(rest))
		return ca_refuse(why, CA_EKEYWEAK,
		    "the RSA key was made by a faulty generator (ROCA, CVE-2017-15361)");
	if (!fermat(n, &found, ctx))
		return failed("look for near factors");
	if (found)
		return ca_refuse(
		    why, CA_EKEYWEAK, "the RSA modulus has two factors too near to each other");
	return 0;
}

static int check_rsa(const struct rsa_public *key, struct ca_detail *why)
{
	int bits = BN_num_bits(key->n), r;
	BN_CTX *ctx;

	/* The size first: what follows takes time with the modulus' length. */
	if (bits < CA_KEY_RSA_BITS_MIN)
		return ca_refuse(why, CA_EKEYWEAK, "an RSA key of %d bits; %d are the least", bits,
		    CA_KEY_RSA_BITS_MIN);
	if (bits > CA_KEY_RSA_BITS_MAX)
		return ca_refuse(why, CA_EKEYTYPE, "an RSA key of %d bits; %d are the most", bits,
		    CA_KEY_RSA_BITS_MAX);
	if (!BN_is_word(key->e, EXPONENT))
		return ca_refuse(why, CA_EKEYWEAK, "the RSA exponent must be %d", EXPONENT);
	if (!BN_is_odd(key->n))
		return ca_refuse(why, CA_EKEYWEAK, "the RSA modulus is even");
	ctx = BN_CTX_new();
	r = ctx ? check_modulus(key->n, ctx, why) : failed("calculate");
	BN_CTX_free(ctx);
	return r;
}

static enum ca_key_type rsa_type(const struct rsa_public *key)
{
	switch (BN_num_bits(key->n)) {
	case 2048:
		return CA_KEY_RSA_2048;
	case 3072:
		return CA_KEY_RSA_3072;
	case 4096:
		return CA_KEY_RSA_4096;
	default:
		return CA_KEY_RSA_OTHER;
	}
}

/* RFC 3279, section 2.3.1: the parameters are NULL. */
static int open_rsa(
    const struct spki *spki, enum ca_key_type *type, EVP_PKEY **pkey, struct ca_detail *why)
{
	const unsigned char *der = ASN1_STRING_get0_data(spki->key);
	int len = ASN1_STRING_length(spki->key), parameter, r;
	struct rsa_public *key = NULL;

	X509_ALGOR_get0(NULL, &parameter, NULL, spki->algorithm);
	if (parameter == V_ASN1_NULL)
		key = ca_der_decode(ASN1_ITEM_rptr(RSA_PUBLIC), der, (size_t)len);
	if (!key)
		return malformed(why);
	r = check_rsa(key, why);
	if (!r) {
		*type = rsa_type(key);
		*pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
		r = *pkey ? 0 : failed("import an RSA key");
	}
	ASN1_item_free((ASN1_VALUE *)key, ASN1_ITEM_rptr(RSA_PUBLIC));
	return r;
}

/* ---- elliptic curves ---- */

/* A key begins as a copy of its curve's parameters: to set them up takes four times as long. */
static struct curve {
	int nid;
	enum ca_key_type type;
	char group[12];
	int point; /* octets of an uncompressed point */
	EVP_PKEY *parameters;
} curves[] = {
	{ NID_X9_62_prime256v1, CA_KEY_EC_P256, SN_X9_62_prime256v1, 65, NULL },
	{ NID_secp384r1, CA_KEY_EC_P384, SN_secp384r1, 97, NULL },
};

#define CURVES (sizeof(curves) / sizeof(*curves))

static pthread_once_t curves_once = PTHREAD_ONCE_INIT;

static void make_curves(void)
{
	for (size_t i = 0; i < CURVES; i++) {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(
			    OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0),
			OSSL_PARAM_construct_end(),
		};

		if (ctx && EVP_PKEY_fromdata_init(ctx) > 0 &&
		    EVP_PKEY_fromdata(
			ctx, &curves[i].parameters, EVP_PKEY_KEY_PARAMETERS, params) <= 0)
			curves[i].parameters = NULL;
		EVP_PKEY_CTX_free(ctx);
	}
}

/* RFC 5480, section 2.1.1: only named curves. */
static const struct curve *curve_of(const X509_ALGOR *algorithm)
{
	const void *value;
	int parameter;

	X509_ALGOR_get0(NULL, &parameter, &value, algorithm);
	for (size_t i = 0; i < CURVES && parameter == V_ASN1_OBJECT; i++)
		if (OBJ_obj2nid(value) == curves[i].nid)
			return &curves[i];
	return NULL;
}

static int open_ec(
    const struct spki *spki, enum ca_key_type *type, EVP_PKEY **pkey, struct ca_detail *why)
{
	const unsigned char *point = ASN1_STRING_get0_data(spki->key);
	int len = ASN1_STRING_length(spki->key);
	const struct curve *curve;
	EVP_PKEY *key;

	pthread_once(&curves_once, make_curves);
	curve = curve_of(spki->algorithm);
	if (!curve)
		return ca_refuse(why, CA_EKEYTYPE, "an EC key on an unknown curve");
	if (len != curve->point || point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return ca_refuse(
		    why, CA_EKEYTYPE, "the EC key is not an uncompressed point of its curve");
	key = curve->parameters ? EVP_PKEY_dup(curve->parameters) : NULL;
	if (!key)
		return failed("set up an EC key");
	if (EVP_PKEY_set1_encoded_public_key(key, point, (size_t)len) <= 0) {
		EVP_PKEY_free(key);
		return ca_refuse(why, CA_EKEYWEAK, "the public key is not a point on its curve");
	}
	*type = curve->type;
	*pkey = key; /* transferred */
	return 0;
}

/* RFC 8410, section 3: no parameters. */
static int open_ed25519(
    const struct spki *spki, enum ca_key_type *type, EVP_PKEY **pkey, struct ca_detail *why)
{
	int parameter;

	X509_ALGOR_get0(NULL, &parameter, NULL, spki->algorithm);
	if (parameter != V_ASN1_UNDEF || ASN1_STRING_length(spki->key) != 32)
		return malformed(why);
	*type = CA_KEY_ED25519;
	*pkey = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, ASN1_STRING_get0_data(spki->key), 32);
	return *pkey ? 0 : failed("import an Ed25519 key");
}

/* ---- any ---- */

static int open_any(
    const struct spki *spki, enum ca_key_type *type, EVP_PKEY **pkey, struct ca_detail *why)
{
	const ASN1_OBJECT *algorithm;

	if (spki->key->flags & 7) /* unused bits */
		return malformed(why);
	X509_ALGOR_get0(&algorithm, NULL, NULL, spki->algorithm);
	switch (OBJ_obj2nid(algorithm)) {
	case NID_rsaEncryption:
		return open_rsa(spki, type, pkey, why);
	case NID_X9_62_id_ecPublicKey:
		return open_ec(spki, type, pkey, why);
	case NID_ED25519:
		return open_ed25519(spki, type, pkey, why);
	default:
		return ca_refuse(why, CA_EKEYTYPE,
		    "a key of this kind is not certified (RSA, EC P-256, EC P-384 and Ed25519 "
		    "are)");
	}
}

int ca_key_check_public(const unsigned char *der, size_t len, enum ca_key_type *type,
    EVP_PKEY **pkey, struct ca_detail *why)
{
	struct spki *spki = ca_der_decode(ASN1_ITEM_rptr(SPKI), der, len);
	enum ca_key_type found = CA_KEY_NONE;
	EVP_PKEY *key = NULL;
	int r = spki ? open_any(spki, &found, &key, why) : malformed(why);

	if (!r) {
		*type = found;
		*pkey = key; /* transferred */
	}
	ASN1_item_free((ASN1_VALUE *)spki, ASN1_ITEM_rptr(SPKI));
	ERR_clear_error();
	return r;
}
