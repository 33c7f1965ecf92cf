/* Standard output. */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/client/output.h"
#include "api/client/verbs.h"
#include "ca/base/clock.h"
#include "ca/base/log.h"

int client_output_setup(const struct client_args *args)
{
	for (size_t i = 0; args->verb->flags[i].name; i++)
		if (!strcmp(args->verb->flags[i].name, "verbose") && args->flags[i].n)
			ca_log_setup(false, CA_LOG_DEBUG);
	return 0;
}

/* Has whoever read our output gone, as head(1) does? */
static bool reader_gone(void)
{
	struct pollfd poll_fd = { .fd = STDOUT_FILENO };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLERR | POLLHUP));
}

int client_output_finish(struct client_problem *problem)
{
	bool failed = fflush(stdout) || ferror(stdout), gone = failed && reader_gone();

	if (!fclose(stdout) && !failed)
		return 0;
	if (problem && gone) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	return ca_refuse(
	    problem ? &problem->detail : NULL, CA_EIO, "the output could not be written in full");
}

/* The length of the UTF-8 sequence at p (RFC 3629), and its character; 0 when it is none. */
static size_t utf8_read(const unsigned char *p, size_t len, unsigned *out)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	unsigned c;

	if (n == 1) {
		*out = *p;
		return 1;
	}
	if (*p < 0xc2 || *p > 0xf4 || n > len)
		return 0;
	c = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

/* May the character reach a terminal? Not C0, DEL, C1; not what is invisible or turns the text
 * round. */
static bool printable(unsigned c)
{
	static const unsigned never[][2] = {
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		{ 0xad, 0xad },
		{ 0x61c, 0x61c },
		{ 0x180e, 0x180e },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xe000, 0xf8ff },
		{ 0xfeff, 0xfeff },
		{ 0xfff0, 0xffff },
		{ 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (c >= never[i][0] && c <= never[i][1])
			return false;
	return true;
}

void client_safe_add(struct ca_buf *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	while (len) {
		unsigned c = 0;
		size_t n = utf8_read(p, len, &c);

		if (n && printable(c)) {
			ca_buf_add(out, p, n);
		} else {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				ca_buf_addf(out, "\\x%02x", p[i]);
		}
		p += n;
		len -= n;
	}
}

void client_safe_print(const char *text)
{
	struct ca_buf safe = CA_BUF_INIT;

	client_safe_add(&safe, text, strlen(text));
	fputs(ca_buf_text(&safe), stdout);
	ca_buf_free(&safe);
}

int client_json_print(const json_t *document)
{
	char *text = json_dumps(document, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	if (!text)
		return CA_ENOMEM;
	puts(text);
	free(text);
	return 0;
}

const char *client_json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t client_json_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void client_json_names(const json_t *object, struct ca_buf *out)
{
	static const char *const keys[] = { "dns", "ip", "uri" };
	const json_t *name;
	size_t i;

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		json_array_foreach(json_object_get(object, keys[k]), i, name)
		{
			const char *text = json_string_value(name);

			if (!text)
				continue;
			if (out->len)
				ca_buf_add_str(out, ",");
			client_safe_add(out, text, strlen(text));
		}
	}
}

const char *client_when(int64_t seconds, int64_t now, char out[48])
{
	static const struct {
		int64_t seconds;
		const char *word;
	} units[] = {
		{ CA_YEAR, "year" },
		{ CA_DAY, "day" },
		{ CA_HOUR, "hour" },
		{ CA_MINUTE, "minute" },
		{ 1, "second" },
	};
	int64_t away = seconds > now ? seconds - now : now - seconds;
	size_t i = 0;

	if (!away) {
		snprintf(out, 48, "now");
		return out;
	}
	/* From two of a unit on, so that the figure is never off by nearly half: 47 hours, not 1
	 * day. */
	while (units[i].seconds > 1 && away < 2 * units[i].seconds)
		i++;
	away /= units[i].seconds;
	snprintf(out, 48, "%s%lld %s%s%s", seconds > now ? "in " : "", (long long)away,
	    units[i].word, away == 1 ? "" : "s", seconds > now ? "" : " ago");
	return out;
}

void client_when_add(struct ca_buf *out, const char *rfc3339)
{
	char when[48], text[CA_TIME_TEXT];
	int64_t seconds;

	if (ca_time_parse(rfc3339, &seconds)) {
		client_safe_add(out, rfc3339, strlen(rfc3339));
		return;
	}
	ca_time_text(seconds, text);
	text[10] = ' ';
	ca_buf_addf(out, "%s (%s)", text, client_when(seconds, ca_now(), when));
}

void client_table_add(struct client_table *table, const char *const *cells)
{
	size_t first = table->rows * table->columns;
	char **grown;

	if (table->failed)
		return;
	grown = reallocarray(table->cells, first + table->columns, sizeof(*grown));
	if (!grown) {
		table->failed = CA_ENOMEM;
		return;
	}
	table->cells = grown;
	table->rows++;
	for (size_t i = 0; i < table->columns; i++) {
		struct ca_buf safe = CA_BUF_INIT;

		client_safe_add(&safe, cells[i], strlen(cells[i]));
		if (!safe.len)
			ca_buf_add_str(&safe, "-");
		grown[first + i] = (char *)ca_buf_take(&safe, &(size_t){ 0 });
		if (!grown[first + i])
			table->failed = CA_ENOMEM;
		ca_buf_free(&safe);
	}
}

static void table_row_print(const struct client_table *table, char *const *row, const int *widths)
{
	for (size_t i = 0; i < table->columns; i++) {
		if (i + 1 == table->columns)
			puts(row[i]);
		else
			printf("%-*s  ", widths[i], row[i]);
	}
}

int client_table_print(struct client_table *table)
{
	int widths[CLIENT_COLUMNS_MAX] = { 0 };
	int failed = table->failed;

	for (size_t i = 0; !failed && i < table->rows * table->columns; i++)
		if ((int)strlen(table->cells[i]) > widths[i % table->columns])
			widths[i % table->columns] = (int)strlen(table->cells[i]);
	for (size_t i = 0; !failed && i < table->rows; i++)
		table_row_print(table, table->cells + i * table->columns, widths);
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct client_table){ .columns = table->columns };
	return failed;
}
