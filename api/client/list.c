/* mica list: the certificates on record. */
#include "api/client/home.h"
#include "api/client/output.h"
#include "api/client/paging.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"

static int path_make(
    const struct client_args *args, struct ca_buf *path, struct client_problem *problem)
{
	char from[CA_TIME_TEXT], to[CA_TIME_TEXT];
	int64_t expiring;
	int error = client_arg_duration(args, "expiring", 0, &expiring, problem);

	if (error)
		return error;
	ca_buf_add_str(path, "/v1/certificates");
	client_query_add(path, "name", client_arg(args, "name"));
	client_query_add(path, "status", client_arg(args, "status"));
	client_query_add(path, "profile", client_arg(args, "profile"));
	client_query_add(path, "tenant", client_arg(args, "tenant"));
	if (expiring) {
		client_query_add(path, "expires_after", ca_time_text(ca_now(), from));
		client_query_add(path, "expires_before", ca_time_text(ca_now() + expiring, to));
	}
	return ca_buf_error(path);
}

static int table_print(const json_t *list)
{
	static const char *const heading[] = { "SERIAL", "STATUS", "PROFILE", "EXPIRES", "NAMES" };
	struct client_table table = { .columns = 5 };
	const json_t *entry;
	size_t i;

	client_table_add(&table, heading);
	json_array_foreach(json_object_get(list, "certificates"), i, entry)
	{
		struct ca_buf names = CA_BUF_INIT, expires = CA_BUF_INIT;

		client_json_names(entry, &names);
		client_when_add(&expires, client_json_text(entry, "not_after"));
		client_table_add(&table,
		    (const char *const[]){ client_json_text(entry, "serial"),
			client_json_text(entry, "status"), client_json_text(entry, "profile"),
			ca_buf_text(&expires),
			names.len ? ca_buf_text(&names) : client_json_text(entry, "common_name") });
		ca_buf_free(&names);
		ca_buf_free(&expires);
	}
	return client_table_print(&table);
}

static int list_run(const struct client_args *args, struct client_problem *problem)
{
	struct ca_buf path = CA_BUF_INIT;
	int error = path_make(args, &path, problem);

	if (!error)
		error = client_list(args, ca_buf_text(&path), "certificates", table_print, problem);
	ca_buf_free(&path);
	return error;
}

static const struct client_flag flags[] = {
	{ .name = "name", .value = "NAME", .help = "exactly this name, or *.SUFFIX" },
	{ .name = "status",
	    .value = "STATUS",
	    .words = "good revoked expired any",
	    .help = "good, revoked, expired or any" },
	{ .name = "profile",
	    .value = "PROFILE",
	    .words = "service operator",
	    .help = "of this profile" },
	{ .name = "expiring",
	    .value = "DURATION",
	    .help = "valid now, and no longer in this time" },
	CLIENT_FLAGS_LIST,
	{ .name = "tenant", .value = "TENANT", .help = "of this tenant (admins)" },
	CLIENT_FLAGS_OPERATOR,
	CLIENT_FLAG_END,
};

const struct client_verb client_verb_list = {
	.name = "list",
	.summary = "List the certificates on record",
	.details = "  mica list --name '*.internal' --expiring 3d\n",
	.flags = flags,
	.run = list_run,
};
