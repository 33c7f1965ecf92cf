#include <string.h>

#include "api/server/json.h"
#include "ca/base/clock.h"
#include "ca/base/text.h"

static int malformed(const json_error_t *error, struct ca_detail *why)
{
	if (json_error_code(error) == json_error_end_of_input_expected)
		return ca_refuse(
		    why, CA_EJSONTRAILING, "something follows the JSON at line %d", error->line);
	if (json_error_code(error) == json_error_duplicate_key)
		return ca_refuse(
		    why, CA_EJSON, "a key stands twice in an object, at line %d", error->line);
	return ca_refuse(
	    why, CA_EJSON, "not JSON at line %d, column %d", error->line, error->column);
}

static bool among(const char *key, const char *const *known)
{
	for (; *known; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

int server_json_parse(
    const struct ca_buf *body, const char *const *known, json_t **out, struct ca_detail *why)
{
	json_error_t error;
	const char *key;
	json_t *object, *value;

	if (body->len == 0)
		return CA_EBODYEMPTY;
	object = json_loadb((const char *)body->data, body->len, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		return malformed(&error, why);
	if (!json_is_object(object)) {
		json_decref(object);
		return ca_refuse(why, CA_EJSON, "the body is not a JSON object");
	}
	json_object_foreach(object, key, value)
	{
		if (among(key, known))
			continue;
		ca_refuse(why, 0, "the field %.64s is not known here", key);
		json_decref(object);
		return CA_EFIELDUNKNOWN;
	}
	*out = object;
	return 0;
}

int server_json_string(
    const json_t *object, const char *key, bool required, const char **out, struct ca_detail *why)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value)) {
		if (required)
			return ca_refuse(why, CA_EFIELDMISSING, "the field %s is missing", key);
		*out = NULL;
		return 0;
	}
	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return ca_refuse(why, CA_EFIELD, "the field %s is not a string", key);
	*out = json_string_value(value);
	return 0;
}

int server_json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
    struct ca_detail *why)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < min ||
	    json_integer_value(value) > max)
		return ca_refuse(why, CA_EFIELD,
		    "the field %s is not a whole number from %lld to %lld", key, (long long)min,
		    (long long)max);
	*out = json_integer_value(value);
	return 0;
}

int server_json_duration(const json_t *object, const char *key, int64_t *out, struct ca_detail *why)
{
	const char *text = NULL;
	int r = server_json_string(object, key, false, &text, why);

	if (r || !text)
		return r;
	if (ca_duration_parse(text, out))
		return ca_refuse(
		    why, CA_EFIELD, "the field %s is not a duration such as 24h or 7d", key);
	return 0;
}

static int add_names(
    const json_t *object, enum ca_name_type type, struct ca_names *names, struct ca_detail *why)
{
	const char *key = ca_name_type_text(type);
	const json_t *list = json_object_get(object, key), *value;
	size_t i;
	int r = 0;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return ca_refuse(why, CA_EFIELD, "the field %s is not an array", key);
	json_array_foreach(list, i, value)
	{
		if (!json_is_string(value))
			return ca_refuse(
			    why, CA_EFIELD, "the field %s holds something other than strings", key);
		r = ca_names_add(
		    names, type, json_string_value(value), json_string_length(value), why);
		if (r)
			break;
	}
	return r;
}

int server_json_names(const json_t *object, struct ca_names *names, struct ca_detail *why)
{
	static const enum ca_name_type types[] = { CA_NAME_DNS, CA_NAME_IP, CA_NAME_URI,
		CA_NAME_EMAIL };
	int r = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types) && !r; i++)
		r = add_names(object, types[i], names, why);
	if (r)
		ca_names_free(names);
	return r;
}

void server_json_quote(struct ca_buf *out, const char *text)
{
	ca_buf_add_byte(out, '"');
	while (*text) {
		size_t plain = strcspn(text, "\"\\\n");
		size_t n = 0;

		while (n < plain && text[n] >= ' ' && text[n] <= '~')
			n++;
		ca_buf_add(out, text, n);
		text += n;
		if (*text == '\n')
			ca_buf_add_str(out, "\\n");
		else if (*text)
			ca_buf_addf(out, "\\u%04x", (unsigned char)*text);
		text += *text != '\0';
	}
	ca_buf_add_byte(out, '"');
}

json_t *server_json_names_of(const struct ca_names *names, enum ca_name_type type)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < names->n; i++) {
		if (names->v[i].type != type)
			continue;
		if (json_array_append_new(list, json_string(names->v[i].value))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *server_json_time(int64_t seconds)
{
	char text[CA_TIME_TEXT];

	return seconds ? json_string(ca_time_text(seconds, text)) : json_null();
}

json_t *server_json_hex(const unsigned char *data, size_t len)
{
	char text[2 * 64 + 1];

	if (len > 64)
		return NULL;
	ca_hex(data, len, text);
	return json_string(text);
}
