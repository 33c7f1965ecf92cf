#include "contrib/bench/csrs.h"
#include "contrib/bench/keys.h"
#include "contrib/bench/parallel.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define PEM_END "-----END CERTIFICATE REQUEST-----\n"

void bench_csr_name(size_t i, char out[BENCH_NAME_MAX])
{
	snprintf(out, BENCH_NAME_MAX, "bench-%zu.example.internal", i);
}

/* ---- making ---- */

static int csr_add_san(X509_REQ *req, const char *name)
{
	char text[BENCH_NAME_MAX + 8];
	X509_EXTENSION *ext;
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	int r = -1;

	snprintf(text, sizeof(text), "DNS:%s", name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	if (exts && ext && sk_X509_EXTENSION_push(exts, ext) > 0) {
		ext = NULL; /* transferred */
		r = X509_REQ_add_extensions(req, exts) ? 0 : -1;
	}
	X509_EXTENSION_free(ext);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return r;
}

/* The PEM of a request for name into bio. */
static int csr_make(EVP_PKEY *key, const char *name, BIO *bio)
{
	X509_REQ *req = X509_REQ_new();
	int r = -1;

	if (req && X509_REQ_set_pubkey(req, key) &&
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0) &&
	    !csr_add_san(req, name) && X509_REQ_sign(req, key, EVP_sha256()) &&
	    PEM_write_bio_X509_REQ(bio, req))
		r = 0;
	X509_REQ_free(req);
	return r;
}

struct making {
	struct bench_primes primes;
	struct bench_pieces made;
};

static int make_one(size_t i, void *arg)
{
	struct making *m = arg;
	EVP_PKEY *key = bench_key(&m->primes, i);
	BIO *bio = BIO_new(BIO_s_mem());
	char name[BENCH_NAME_MAX], *pem;
	long len;
	int r = -1;

	bench_csr_name(i, name);
	if (key && bio && !csr_make(key, name, bio)) {
		len = BIO_get_mem_data(bio, &pem);
		r = bench_pieces_set(&m->made, i, pem, (size_t)len);
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return r;
}

int bench_csrs_make(size_t n, struct bench_pieces *out)
{
	struct making making = { 0 };
	int r = -1;

	if (bench_pieces_room(n, &making.made))
		return -1;
	if (!bench_primes_make(n, &making.primes) && !bench_parallel(n, make_one, &making)) {
		*out = making.made;
		making.made.v = NULL; /* transferred */
		r = 0;
	} else {
		fprintf(stderr, "load: the certificate requests could not be made\n");
	}
	bench_pieces_free(&making.made);
	bench_primes_free(&making.primes);
	return r;
}

/* ---- the file ---- */

int bench_csrs_write(const struct bench_pieces *csrs, const char *path)
{
	FILE *f = fopen(path, "we");
	int r = 0;

	if (!f) {
		perror(path);
		return -1;
	}
	for (size_t i = 0; i < csrs->n && r >= 0; i++)
		r = fputs(csrs->v[i], f);
	if (fclose(f) || r < 0) {
		perror(path);
		return -1;
	}
	return 0;
}

int bench_csrs_read(const char *path, struct bench_pieces *out)
{
	return bench_pieces_read(path, PEM_END, out);
}
