#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/buf.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

static struct {
	bool json;
	enum ca_log_level level;
} settings = { false, CA_LOG_INFO };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void ca_log_setup(bool json, enum ca_log_level level)
{
	settings.json = json;
	settings.level = level;
}

/* As a JSON string: valid JSON, and printable ASCII whatever comes in. */
static void add_quoted(struct ca_buf *line, const char *text)
{
	ca_buf_add_byte(line, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			ca_buf_addf(line, "\\%c", c);
		else if (c < ' ' || c > '~')
			ca_buf_addf(line, "\\u%04x", c);
		else
			ca_buf_add_byte(line, c);
	}
	ca_buf_add_byte(line, '"');
}

/* A bare word where it is one, quoted otherwise. */
static void add_value(struct ca_buf *line, const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				"-_.:/*@[]+");

	if (n && !text[n])
		ca_buf_add_str(line, text);
	else
		add_quoted(line, text);
}

/* Events are our own words; a sentence that quotes input is made harmless here. */
static void add_plain(struct ca_buf *line, const char *text)
{
	for (; *text; text++)
		ca_buf_add_byte(line, *text < ' ' || *text > '~' ? '?' : (unsigned char)*text);
}

static void format_json(struct ca_buf *line, enum ca_log_level level, const char *event,
    const struct ca_log_field *fields)
{
	char now[CA_TIME_TEXT];

	ca_buf_addf(line,
	    "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", ca_time_text(ca_now(), now),
	    level_names[level]);
	add_quoted(line, event);
	for (; fields && fields->key; fields++) {
		if (!fields->value)
			continue;
		ca_buf_addf(line, ",\"%s\":", fields->key);
		add_quoted(line, fields->value);
	}
	ca_buf_add_str(line, "}\n");
}

static void format_human(struct ca_buf *line, enum ca_log_level level, const char *event,
    const struct ca_log_field *fields)
{
	char now[CA_TIME_TEXT];

	ca_buf_addf(line, "%s %-5s ", ca_time_text(ca_now(), now), level_names[level]);
	add_plain(line, event);
	for (; fields && fields->key; fields++) {
		if (!fields->value)
			continue;
		ca_buf_addf(line, " %s=", fields->key);
		add_value(line, fields->value);
	}
	ca_buf_add_byte(line, '\n');
}

void ca_log_event(enum ca_log_level level, const char *event, const struct ca_log_field *fields)
{
	struct ca_buf line = CA_BUF_INIT;

	if (level > settings.level)
		return;
	if (settings.json)
		format_json(&line, level, event, fields);
	else
		format_human(&line, level, event, fields);
	/* There is nowhere left to complain when standard error is gone. */
	if (line.data && write(STDERR_FILENO, line.data, line.len) < 0)
		line.failed = true;
	ca_buf_free(&line);
}

void ca_logf(enum ca_log_level level, const char *format, ...)
{
	char text[1024];
	va_list ap;

	if (level > settings.level)
		return;
	va_start(ap, format);
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	ca_log_event(level, text, NULL);
}
