#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/server/outbound.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

#define IDLE_MAX 4 /* connections kept for the next question */
#define PATH_OF_FD 32

struct server_outbound {
	char *bearer_file; /* NULL: none */
	/* libcurl's GnuTLS wants a file's name for the certificates: this one has no other. */
	int ca_fd;
	char ca_file[PATH_OF_FD];
	pthread_mutex_t lock; /* guards idle */
	CURL *idle[IDLE_MAX];
	size_t idle_len;
};

static pthread_once_t started = PTHREAD_ONCE_INIT;
static CURLcode start_result;

static void start(void)
{
	start_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- what is kept between questions ---- */

static int write_ca(struct server_outbound *outbound, const char *pem)
{
	size_t len = strlen(pem);

	outbound->ca_fd = memfd_create("mica-source-ca", MFD_CLOEXEC);
	if (outbound->ca_fd < 0 || write(outbound->ca_fd, pem, len) != (ssize_t)len) {
		ca_logf(CA_LOG_ERROR, "memfd: %s", strerror(errno));
		return CA_EIO;
	}
	snprintf(outbound->ca_file, sizeof(outbound->ca_file), "/proc/self/fd/%d", outbound->ca_fd);
	return 0;
}

int server_outbound_open(const char *ca_pem, const char *bearer_file, struct server_outbound **out)
{
	struct server_outbound *outbound = calloc(1, sizeof(*outbound));
	int r;

	if (!outbound)
		return CA_ENOMEM;
	outbound->ca_fd = -1;
	pthread_mutex_init(&outbound->lock, NULL);
	pthread_once(&started, start);
	r = start_result ? CA_EINTERNAL : write_ca(outbound, ca_pem);
	if (!r && bearer_file) {
		outbound->bearer_file = strdup(bearer_file);
		r = outbound->bearer_file ? 0 : CA_ENOMEM;
	}
	if (r)
		server_outbound_close(outbound);
	else
		*out = outbound;
	return r;
}

void server_outbound_close(struct server_outbound *outbound)
{
	if (!outbound)
		return;
	while (outbound->idle_len)
		curl_easy_cleanup(outbound->idle[--outbound->idle_len]);
	if (outbound->ca_fd >= 0)
		close(outbound->ca_fd);
	pthread_mutex_destroy(&outbound->lock);
	free(outbound->bearer_file);
	free(outbound);
}

/* ---- one question ---- */

static size_t answer_write(char *data, size_t size, size_t n, void *opaque)
{
	struct ca_buf *answer = opaque;

	if (answer->len + size * n > SERVER_OUTBOUND_ANSWER_MAX)
		return 0;
	ca_buf_add(answer, data, size * n);
	return ca_buf_error(answer) ? 0 : size * n;
}

/* CAPATH: Debian's default would be believed beside CAINFO. */
static CURLcode set_up(CURL *curl, const struct server_outbound *outbound)
{
	const struct {
		CURLoption option;
		const char *text;
	} texts[] = {
		{ CURLOPT_CAPATH, NULL },
		{ CURLOPT_CAINFO, outbound->ca_file },
		{ CURLOPT_PROTOCOLS_STR, "https" },
		{ CURLOPT_PROXY, "" },
		{ CURLOPT_NOPROXY, "*" },
		{ CURLOPT_USERAGENT, "micad/" PACKAGE_VERSION },
	};
	const struct {
		CURLoption option;
		long number;
	} numbers[] = {
		{ CURLOPT_SSL_VERIFYPEER, 1 },
		{ CURLOPT_SSL_VERIFYHOST, 2 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, SERVER_OUTBOUND_CONNECT_MS },
		{ CURLOPT_TIMEOUT_MS, SERVER_OUTBOUND_MS },
	};
	CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_write);

	for (size_t i = 0; !code && i < sizeof(texts) / sizeof(*texts); i++)
		code = curl_easy_setopt(curl, texts[i].option, texts[i].text);
	for (size_t i = 0; !code && i < sizeof(numbers) / sizeof(*numbers); i++)
		code = curl_easy_setopt(curl, numbers[i].option, numbers[i].number);
	return code;
}

static CURL *take_handle(struct server_outbound *outbound)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&outbound->lock);
	if (outbound->idle_len)
		curl = outbound->idle[--outbound->idle_len];
	pthread_mutex_unlock(&outbound->lock);
	if (curl)
		return curl;
	curl = curl_easy_init();
	if (curl && set_up(curl, outbound)) {
		curl_easy_cleanup(curl);
		curl = NULL;
	}
	return curl;
}

static void give_handle(struct server_outbound *outbound, CURL *curl)
{
	pthread_mutex_lock(&outbound->lock);
	if (outbound->idle_len < IDLE_MAX) {
		outbound->idle[outbound->idle_len++] = curl;
		curl = NULL; /* transferred */
	}
	pthread_mutex_unlock(&outbound->lock);
	curl_easy_cleanup(curl);
}

/* A token is a line of what RFC 6750, section 2.1 allows: nothing in it can end a header. */
static int read_bearer(const char *path, struct ca_buf *out, struct ca_detail *why)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/=";
	struct ca_buf file = CA_BUF_INIT;
	int r = ca_file_read(path, SERVER_BEARER_MAX, &file);
	size_t len = r ? 0 : strspn(ca_buf_text(&file), allowed);

	if (len == 0 || strspn(ca_buf_text(&file) + len, " \r\n") != file.len - len) {
		r = ca_refuse(why, CA_ESOURCE, "%.200s: not a file with a bearer token", path);
	} else {
		ca_buf_addf(out, "Authorization: Bearer %.*s", (int)len, ca_buf_text(&file));
		r = ca_buf_error(out);
	}
	ca_buf_free(&file);
	return r;
}

static int add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *grown = curl_slist_append(*list, line);

	if (!grown)
		return CA_ENOMEM;
	*list = grown;
	return 0;
}

static int make_headers(const struct server_outbound *outbound, bool body, struct curl_slist **out,
    struct ca_detail *why)
{
	struct ca_buf bearer = CA_BUF_INIT;
	int r = add_header(out, "Accept: application/json");

	if (!r && body)
		r = add_header(out, "Content-Type: application/json");
	if (!r && body)
		r = add_header(out, "Expect:"); /* no pause before a longer body */
	if (!r && outbound->bearer_file) {
		r = read_bearer(outbound->bearer_file, &bearer, why);
		if (!r)
			r = add_header(out, ca_buf_text(&bearer));
	}
	ca_buf_free(&bearer);
	return r;
}

static void free_headers(struct curl_slist *list)
{
	for (struct curl_slist *at = list; at; at = at->next)
		ca_wipe(at->data, strlen(at->data));
	curl_slist_free_all(list);
}

static CURLcode perform(CURL *curl, const char *url, const char *body, struct curl_slist *headers,
    struct ca_buf *answer, long *status)
{
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);

	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (!code && body)
		code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
	if (!code && body)
		code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	if (!code && body)
		code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (!code)
		code = curl_easy_perform(curl);
	if (!code)
		code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	/* Nothing of the caller's stays behind. */
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, NULL);
	return code;
}

/* What went wrong below HTTP, in our own words. */
static const char *words(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return "its certificate has another name or another root, or is not valid now";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "its host name is unknown";
	case CURLE_COULDNT_CONNECT:
		return "nothing answers there";
	case CURLE_OPERATION_TIMEDOUT:
		return "it did not answer in time";
	case CURLE_WRITE_ERROR:
		return "its answer is too large";
	default:
		return "the connection broke off";
	}
}

int server_outbound_ask(struct server_outbound *outbound, const char *url, const char *body,
    struct ca_buf *answer, long *status, struct ca_detail *why)
{
	struct curl_slist *headers = NULL;
	CURL *curl = take_handle(outbound);
	CURLcode code = CURLE_OK;
	int r = curl ? make_headers(outbound, body != NULL, &headers, why) : CA_ENOMEM;

	ca_buf_clear(answer);
	if (!r) {
		code = perform(curl, url, body, headers, answer, status);
		if (code) {
			ca_logf(CA_LOG_DEBUG, "%s: curl: %s", url, curl_easy_strerror(code));
			r = ca_refuse(why, CA_ESOURCE, "%s", words(code));
		}
	}
	free_headers(headers);
	if (curl && !code)
		give_handle(outbound, curl);
	else
		curl_easy_cleanup(curl);
	return r;
}
