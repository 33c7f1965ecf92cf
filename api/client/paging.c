/* Lists, page by page. */
#include <stdio.h>
#include <string.h>

#include "api/client/home.h"
#include "api/client/http.h"
#include "api/client/output.h"
#include "api/client/paging.h"

#define PAGE_MAX 500 /* what the CA gives at once */
#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000000

static int page_get(struct client_http *http, const char *path, int64_t limit, const char *cursor,
    json_t **out, struct client_problem *problem)
{
	struct client_request request = { .method = "GET" };
	struct ca_buf url = CA_BUF_INIT;
	char number[24];
	int error;

	snprintf(number, sizeof(number), "%lld", (long long)limit);
	ca_buf_add_str(&url, path);
	client_query_add(&url, "limit", number);
	client_query_add(&url, "cursor", cursor);
	request.path = ca_buf_text(&url);
	error = ca_buf_error(&url);
	if (!error)
		error = client_http_json(http, &request, out, problem);
	ca_buf_free(&url);
	return error;
}

/* Move the page's entries behind those of list, and its cursor with them. */
static int page_add(json_t *list, json_t *page, const char *key, struct client_problem *problem)
{
	json_t *entries = json_object_get(page, key), *next = json_object_get(page, "next");
	const char *before = client_json_text(list, "next");

	if (!json_is_array(entries) || (!json_is_null(next) && !json_is_string(next)))
		return client_fail(problem, CA_EANSWER, "the CA's answer is not a list of %s", key);
	if (json_is_string(next) && !strcmp(json_string_value(next), before))
		return client_fail(problem, CA_EANSWER, "the CA's list goes in circles");
	if (json_array_extend(json_object_get(list, key), entries) ||
	    json_object_set(list, "next", next))
		return CA_ENOMEM;
	return 0;
}

/* Until there is no more, or most entries are there (0: all). *out is a new reference. */
static int pages_get(struct client_http *http, const char *path, const char *key, int64_t most,
    json_t **out, struct client_problem *problem)
{
	json_t *list = json_pack("{s:[], s:n}", key, "next");
	int error = list ? 0 : CA_ENOMEM;
	bool more = true;

	while (!error && more) {
		int64_t left =
		    most ? most - (int64_t)json_array_size(json_object_get(list, key)) : PAGE_MAX;
		const char *cursor = json_string_value(json_object_get(list, "next"));
		json_t *page = NULL;

		if (left <= 0)
			break;
		error =
		    page_get(http, path, left < PAGE_MAX ? left : PAGE_MAX, cursor, &page, problem);
		if (!error)
			error = page_add(list, page, key, problem);
		json_decref(page);
		more = !error && json_is_string(json_object_get(list, "next"));
	}
	if (error)
		json_decref(list);
	else
		*out = list;
	return error;
}

static void hint(const json_t *list)
{
	if (json_is_string(json_object_get(list, "next")))
		fputs("mica: there are more: --limit N, or --all\n", stderr);
}

int client_list(const struct client_args *args, const char *path, const char *key,
    int (*print)(const json_t *list), struct client_problem *problem)
{
	struct client_http *http = NULL;
	json_t *list = NULL;
	int64_t most;
	int error = client_arg_number(args, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &most, problem);

	if (!error)
		error = client_operator_connect(args, &http, problem);
	if (!error)
		error =
		    pages_get(http, path, key, client_arg(args, "all") ? 0 : most, &list, problem);
	if (!error && client_arg(args, "json")) {
		error = client_json_print(list);
	} else if (!error) {
		error = print(list);
		hint(list);
	}
	json_decref(list);
	client_http_close(http);
	return error;
}
