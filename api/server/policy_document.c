#include <stdio.h>
#include <string.h>

#include "api/server/json_line.h"
#include "api/server/policy_document.h"
#include "api/server/policy_reader.h"
#include "ca/base/buf.h"

/* jansson takes a document apart; what it refuses is told in our own words. */
static int load(const char *text, size_t len, json_t **out, struct server_policy_error *error)
{
	json_error_t said;
	struct ca_detail *why = &error->detail;

	*out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &said);
	if (*out)
		return 0;
	error->line = said.line > 0 ? (size_t)said.line : 1;
	switch (json_error_code(&said)) {
	case json_error_out_of_memory:
		return CA_ENOMEM;
	case json_error_end_of_input_expected:
		return ca_refuse(why, CA_EPOLICY, "something follows the document");
	case json_error_duplicate_key:
		return ca_refuse(why, CA_EPOLICY, "a key stands twice in an object");
	case json_error_invalid_utf8:
		return ca_refuse(why, CA_EPOLICY, "this is not UTF-8");
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return ca_refuse(why, CA_EPOLICY, "there is a NUL character in a string");
	case json_error_premature_end_of_input:
		return ca_refuse(why, CA_EPOLICY, "the document is not complete");
	default:
		return ca_refuse(why, CA_EPOLICY, "this is not JSON, at column %d", said.column);
	}
}

/* A pointer that has not the room is cut to what encloses the value. */
static void set_pointer(const struct ca_buf *pointer, char out[SERVER_POINTER_MAX])
{
	snprintf(out, SERVER_POINTER_MAX, "%s", ca_buf_text(pointer));
	if (pointer->len >= SERVER_POINTER_MAX)
		*strrchr(out, '/') = '\0';
}

static void set_line(struct server_policy_error *error)
{
	struct ca_detail detail = error->detail;

	if (!error->line)
		error->line = 1;
	ca_refuse(&error->detail, 0, "line %zu: %s", error->line, detail.text);
}

/* Rules speak of profiles, wherever in the document those stand. */
static int read_later(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *unused)
{
	(void)reader;
	(void)at;
	(void)value;
	(void)unused;
	return 0;
}

static int read_document(struct server_policy_reader *reader, json_t *document)
{
	static const struct server_policy_field fields[] = {
		{ "profiles", server_policy_read_profiles }, { "rules", read_later }, { 0 }
	};
	const struct server_policy_place place = { .key = "rules" };
	json_t *rules = json_object_get(document, "rules");
	int r =
	    server_policy_read_object(reader, NULL, document, fields, "a policy document", NULL);

	if (!r && rules)
		r = server_policy_read_rules(reader, &place, rules, NULL);
	return r;
}

int server_policy_parse(const char *text, size_t len, const struct server_policy_context *context,
    struct ca_document *out, struct server_policy_error *error)
{
	struct server_policy_reader reader = { .context = context, .why = &error->detail };
	json_t *document = NULL;
	int r;

	*error = (struct server_policy_error){ 0 };
	if (len > SERVER_POLICY_MAX)
		r = ca_refuse(&error->detail, CA_EPOLICY, "the document has more than %u octets",
		    SERVER_POLICY_MAX);
	else
		r = load(text, len, &document, error);
	if (!r) {
		r = read_document(&reader, document);
		if (r)
			error->line = server_json_line(text, len, ca_buf_text(&reader.pointer));
	}
	if (r) {
		set_pointer(&reader.pointer, error->pointer);
		set_line(error);
		ca_document_clear(&reader.document);
	} else {
		*out = reader.document; /* transferred */
	}
	ca_buf_free(&reader.pointer);
	json_decref(document);
	return r;
}
