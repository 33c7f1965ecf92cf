#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server/policy_reader.h"
#include "ca/base/clock.h"

/* ---- refusing ---- */

static void add_escaped(struct ca_buf *pointer, const char *key)
{
	for (; *key; key++) {
		if (*key == '~')
			ca_buf_add_str(pointer, "~0");
		else if (*key == '/')
			ca_buf_add_str(pointer, "~1");
		else
			ca_buf_add_byte(pointer, (unsigned char)*key);
	}
}

static void add_place(struct ca_buf *pointer, const struct server_policy_place *at)
{
	if (!at)
		return;
	add_place(pointer, at->up);
	if (at->key) {
		ca_buf_add_str(pointer, "/");
		add_escaped(pointer, at->key);
	} else {
		ca_buf_addf(pointer, "/%zu", at->index);
	}
}

int server_policy_refuse(struct server_policy_reader *reader, const struct server_policy_place *at,
    int error, const char *format, ...)
{
	char text[CA_DETAIL_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ca_buf_clear(&reader->pointer);
	add_place(&reader->pointer, at);
	return ca_refuse(reader->why, error, "%s", text);
}

int server_policy_refuse_as_said(
    struct server_policy_reader *reader, const struct server_policy_place *at, int error)
{
	struct ca_detail said = *reader->why;

	if (error == CA_ENOMEM)
		return error;
	return server_policy_refuse(
	    reader, at, CA_EPOLICY, "%s", said.text[0] ? said.text : ca_error_text(error));
}

/* ---- objects and arrays ---- */

int server_policy_read_object(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, const struct server_policy_field *fields,
    const char *what, void *out)
{
	const char *key;
	json_t *member;
	int r = 0;

	if (!json_is_object(value))
		return server_policy_refuse(reader, at, CA_EPOLICY, "%s is a JSON object", what);
	json_object_foreach(value, key, member)
	{
		const struct server_policy_place place = { .up = at, .key = key };
		const struct server_policy_field *field = fields;

		while (field->name && strcmp(field->name, key) != 0)
			field++;
		if (!field->name)
			return server_policy_refuse(
			    reader, &place, CA_EPOLICY, "%s has no field called %.64s", what, key);
		r = field->read(reader, &place, member, out);
		if (r)
			break;
	}
	return r;
}

int server_policy_read_array(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, size_t max,
    int (*read)(struct server_policy_reader *reader, const struct server_policy_place *at,
	json_t *value, void *out),
    void *out)
{
	struct server_policy_place place = { .up = at };
	int r = 0;

	if (!json_is_array(value))
		return server_policy_refuse(reader, at, CA_EPOLICY, "this is to be an array");
	if (json_array_size(value) > max)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "more than %zu elements stand here", max);
	for (; !r && place.index < json_array_size(value); place.index++) {
		r = read(reader, &place, json_array_get(value, place.index), out);
		if (r)
			break;
	}
	return r;
}

/* ---- values ---- */

int server_policy_read_string(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, size_t min, size_t max, const char **out)
{
	if (!json_is_string(value))
		return server_policy_refuse(reader, at, CA_EPOLICY, "this is to be a string");
	if (json_string_length(value) < min)
		return server_policy_refuse(reader, at, CA_EPOLICY, "this string is empty");
	if (json_string_length(value) > max)
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "this string has more than %zu octets", max);
	*out = json_string_value(value);
	return 0;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

int server_policy_read_text(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, size_t max, char **out)
{
	const char *text = "";
	char *copy;
	int r = server_policy_read_string(reader, at, value, 1, max, &text);

	if (r)
		return r;
	if (has_control(text))
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "this string has a control character in it");
	copy = strdup(text);
	if (!copy)
		return CA_ENOMEM;
	free(*out);
	*out = copy;
	return 0;
}

int server_policy_read_bool(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, bool *out)
{
	if (!json_is_boolean(value))
		return server_policy_refuse(reader, at, CA_EPOLICY, "this is to be true or false");
	*out = json_is_true(value);
	return 0;
}

int server_policy_read_int(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, int64_t min, int64_t max, int64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < min ||
	    json_integer_value(value) > max)
		return server_policy_refuse(reader, at, CA_EPOLICY,
		    "this is to be a whole number from %lld to %lld", (long long)min,
		    (long long)max);
	*out = json_integer_value(value);
	return 0;
}

int server_policy_read_duration(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, int64_t min, int64_t max, int64_t *out)
{
	char least[32];
	const char *text = "";
	int64_t seconds = 0;
	int r = server_policy_read_string(reader, at, value, 1, 64, &text);

	if (r)
		return r;
	if (ca_duration_parse(text, &seconds))
		return server_policy_refuse(
		    reader, at, CA_EPOLICY, "this is to be a duration such as 24h or 7d");
	if (seconds < min || seconds > max)
		return server_policy_refuse(reader, at, CA_EPOLICY,
		    "this is to be a duration from %s to %lldd", ca_duration_text(min, least),
		    (long long)(max / CA_DAY));
	*out = seconds;
	return 0;
}

int server_policy_check_name(struct server_policy_reader *reader,
    const struct server_policy_place *at, const char *name, const char *what)
{
	size_t len = strlen(name);

	if (len && len < CA_PROFILE_NAME && name[0] != '-' && name[len - 1] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
		return 0;
	return server_policy_refuse(reader, at, CA_EPOLICY,
	    "a %s's name is of a-z, 0-9 and \"-\", which is neither first nor last, 63 characters "
	    "at most",
	    what);
}

/* ---- patterns of names ---- */

struct patterns {
	struct ca_patterns *list;
	enum ca_name_type type;
	bool placeholders;
};

static int read_pattern(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	struct patterns *patterns = out;
	size_t n = patterns->list->n;
	const char *text = "";
	int r = server_policy_read_string(reader, at, value, 1, CA_PATTERN_LENGTH_MAX, &text);

	if (r)
		return r;
	r = ca_patterns_add(patterns->list, patterns->type, text, strlen(text),
	    patterns->placeholders, reader->why);
	if (!r && patterns->list->n > n)
		r = server_policy_check_constraints(reader, &patterns->list->v[n]);
	return r ? server_policy_refuse_as_said(reader, at, r) : 0;
}

static int read_patterns_of(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, enum ca_name_type type, void *out)
{
	struct patterns *patterns = out;

	patterns->type = type;
	return server_policy_read_array(reader, at, value, CA_PATTERNS_MAX, read_pattern, patterns);
}

static int read_dns(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	return read_patterns_of(reader, at, value, CA_NAME_DNS, out);
}

static int read_ip(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	return read_patterns_of(reader, at, value, CA_NAME_IP, out);
}

static int read_uri(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	return read_patterns_of(reader, at, value, CA_NAME_URI, out);
}

static int read_email(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	return read_patterns_of(reader, at, value, CA_NAME_EMAIL, out);
}

int server_policy_read_patterns(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, bool placeholders, struct ca_patterns *out)
{
	static const struct server_policy_field fields[] = { { "dns", read_dns }, { "ip", read_ip },
		{ "uri", read_uri }, { "email", read_email }, { 0 } };
	struct patterns patterns = { .list = out, .placeholders = placeholders };

	return server_policy_read_object(reader, at, value, fields, "names", &patterns);
}

struct globs {
	struct ca_patterns *list;
	bool placeholders;
};

static int read_glob(struct server_policy_reader *reader, const struct server_policy_place *at,
    json_t *value, void *out)
{
	const struct globs *globs = out;
	const char *text = "";
	int r = server_policy_read_string(reader, at, value, 1, CA_GLOB_LENGTH_MAX, &text);

	if (r)
		return r;
	r = ca_patterns_add_glob(globs->list, text, strlen(text), globs->placeholders, reader->why);
	return r ? server_policy_refuse_as_said(reader, at, r) : 0;
}

int server_policy_read_globs(struct server_policy_reader *reader,
    const struct server_policy_place *at, json_t *value, bool placeholders, struct ca_patterns *out)
{
	struct globs globs = { .list = out, .placeholders = placeholders };

	return server_policy_read_array(reader, at, value, CA_PATTERNS_MAX, read_glob, &globs);
}
