#include "contrib/bench/target.h"

#include <stdio.h>
#include <string.h>

static int authority_parse(struct bench_target *t)
{
	const char *host = t->authority, *colon = strrchr(host, ':');
	size_t len;

	if (colon && strchr(colon, ']'))
		colon = NULL; /* within an IPv6 address */
	len = colon ? (size_t)(colon - host) : strlen(host);
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (!len || len >= sizeof(t->host) || (colon && strlen(colon + 1) >= sizeof(t->port)))
		return -1;
	memcpy(t->host, host, len);
	t->host[len] = '\0';
	snprintf(t->port, sizeof(t->port), "%s", colon ? colon + 1 : t->plain ? "80" : "443");
	return 0;
}

static int url_parse(const char *url, struct bench_target *t)
{
	size_t len;

	t->plain = strncmp(url, "http://", 7) == 0;
	if (!t->plain && strncmp(url, "https://", 8) != 0)
		return -1;
	url += t->plain ? 7 : 8;
	len = strcspn(url, "/ \r\n");
	if (len >= sizeof(t->authority))
		return -1;
	memcpy(t->authority, url, len);
	t->authority[len] = '\0';
	url += len;
	len = strcspn(url, " \r\n");
	if (len >= sizeof(t->path))
		return -1;
	memcpy(t->path, url, len);
	t->path[len] = '\0';
	return authority_parse(t);
}

/* 0, or -1 after a message. */
static int credentials(const struct bench_files *files, gnutls_certificate_credentials_t *out)
{
	gnutls_certificate_credentials_t cred = NULL;
	const char *wrong = NULL;

	if (gnutls_certificate_allocate_credentials(&cred) < 0)
		return -1;
	if (files->ca &&
	    gnutls_certificate_set_x509_trust_file(cred, files->ca, GNUTLS_X509_FMT_PEM) < 1)
		wrong = files->ca;
	else if (files->cert && gnutls_certificate_set_x509_key_file(
				    cred, files->cert, files->key, GNUTLS_X509_FMT_PEM) < 0)
		wrong = files->cert;
	if (wrong) {
		fprintf(stderr, "load: %s cannot be used\n", wrong);
		gnutls_certificate_free_credentials(cred);
		return -1;
	}
	*out = cred;
	return 0;
}

int bench_target_open(const char *url, const struct bench_files *files, struct bench_target *out)
{
	struct bench_target target = { .checked = files->ca };

	if (url_parse(url, &target)) {
		fprintf(stderr, "load: not an http[s]://HOST[:PORT][/PATH] address: %s\n", url);
		return -1;
	}
	if (!target.plain && credentials(files, &target.cred))
		return -1;
	*out = target;
	return 0;
}

static int home_url(const char *home, char out[BENCH_HOST_MAX])
{
	char path[BENCH_PATH_MAX];
	FILE *f;
	int r = -1;

	snprintf(path, sizeof(path), "%s/ca-url", home);
	f = fopen(path, "re");
	if (f && fgets(out, BENCH_HOST_MAX, f))
		r = 0;
	else
		perror(path);
	if (f)
		fclose(f);
	return r;
}

int bench_target_load(const char *home, const char *url, struct bench_target *out)
{
	char ca[BENCH_PATH_MAX], cert[BENCH_PATH_MAX], key[BENCH_PATH_MAX], line[BENCH_HOST_MAX];
	const struct bench_files files = { .ca = ca, .cert = cert, .key = key };

	snprintf(ca, sizeof(ca), "%s/ca.crt", home);
	snprintf(cert, sizeof(cert), "%s/tls.crt", home);
	snprintf(key, sizeof(key), "%s/tls.key", home);
	if (!url && home_url(home, line))
		return -1;
	return bench_target_open(url ? url : line, &files, out);
}

void bench_target_free(struct bench_target *target)
{
	if (target->cred)
		gnutls_certificate_free_credentials(target->cred);
	target->cred = NULL;
}
