#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/base/clock.h"
#include "ca/base/error.h"

#define TIME_MIN INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

int64_t ca_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

int64_t ca_monotonic_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A number in n digits. Listings write times by the hundred, and printf() takes its time. */
static void put(char *out, int n, int value)
{
	for (; n > 0; value /= 10)
		out[--n] = (char)('0' + value % 10);
}

const char *ca_time_text(int64_t seconds, char out[CA_TIME_TEXT])
{
	struct tm tm = { 0 };
	time_t t;

	if (seconds < TIME_MIN)
		seconds = TIME_MIN;
	if (seconds > TIME_MAX)
		seconds = TIME_MAX;
	t = seconds;
	gmtime_r(&t, &tm);
	memcpy(out, "0000-00-00T00:00:00Z", CA_TIME_TEXT);
	put(out, 4, tm.tm_year + 1900);
	put(out + 5, 2, tm.tm_mon + 1);
	put(out + 8, 2, tm.tm_mday);
	put(out + 11, 2, tm.tm_hour);
	put(out + 14, 2, tm.tm_min);
	put(out + 17, 2, tm.tm_sec);
	return out;
}

/* Exactly n digits at *p, from min to max; moves *p on. */
static bool digits(const char **p, int n, int min, int max, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		value = value * 10 + (**p - '0');
	}
	*out = value;
	return value >= min && value <= max;
}

static bool letter(const char **p, const char *any)
{
	if (!**p || !strchr(any, **p))
		return false;
	(*p)++;
	return true;
}

/* "Z" or "+hh:mm": the seconds to subtract, and nothing behind it. */
static bool offset(const char *p, int64_t *out)
{
	int sign = *p == '-' ? -1 : 1, hours, minutes;

	*out = 0;
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	if (!letter(&p, "+-") || !digits(&p, 2, 0, 23, &hours) || !letter(&p, ":") ||
	    !digits(&p, 2, 0, 59, &minutes))
		return false;
	*out = sign * (hours * CA_HOUR + minutes * CA_MINUTE);
	return *p == '\0';
}

int ca_time_parse(const char *text, int64_t *out)
{
	struct tm tm = { 0 }, made;
	const char *p = text;
	int64_t shift;
	int ignored;
	time_t t;

	if (!digits(&p, 4, 0, 9999, &tm.tm_year) || !letter(&p, "-") ||
	    !digits(&p, 2, 1, 12, &tm.tm_mon) || !letter(&p, "-") ||
	    !digits(&p, 2, 1, 31, &tm.tm_mday) || !letter(&p, "Tt ") ||
	    !digits(&p, 2, 0, 23, &tm.tm_hour) || !letter(&p, ":") ||
	    !digits(&p, 2, 0, 59, &tm.tm_min) || !letter(&p, ":") ||
	    !digits(&p, 2, 0, 60, &tm.tm_sec))
		return CA_EINVAL;
	if (letter(&p, "."))
		do {
			if (!digits(&p, 1, 0, 9, &ignored))
				return CA_EINVAL;
		} while (*p >= '0' && *p <= '9');
	if (!offset(p, &shift))
		return CA_EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	made = tm;
	t = timegm(&made);
	if (made.tm_mday != tm.tm_mday && tm.tm_sec < 60)
		return CA_EINVAL; /* the 30th of February */
	*out = t - shift;
	return 0;
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return CA_MINUTE;
	case 'h':
		return CA_HOUR;
	case 'd':
		return CA_DAY;
	case 'w':
		return 7 * CA_DAY;
	case 'y':
		return CA_YEAR;
	default:
		return 0;
	}
}

int ca_duration_parse(const char *text, int64_t *seconds)
{
	const int64_t max = 100 * CA_YEAR;
	int64_t total = 0;

	if (!text || !*text)
		return CA_EINVAL;
	while (*text) {
		int64_t n = 0, unit;

		if (*text < '0' || *text > '9')
			return CA_EINVAL;
		for (; *text >= '0' && *text <= '9'; text++) {
			n = n * 10 + (*text - '0');
			if (n > max)
				return CA_EINVAL;
		}
		unit = unit_seconds(*text);
		if (!unit || n > max / unit || total + n * unit > max)
			return CA_EINVAL;
		total += n * unit;
		text++;
	}
	if (total == 0)
		return CA_EINVAL;
	*seconds = total;
	return 0;
}

const char *ca_duration_text(int64_t seconds, char out[32])
{
	static const struct {
		char name, next;
	} units[] = { { 'y', 'd' }, { 'd', 'h' }, { 'h', 'm' }, { 'm', 's' } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		int64_t unit = unit_seconds(units[i].name), next = unit_seconds(units[i].next);

		if (seconds < unit || seconds % next)
			continue;
		if (seconds % unit == 0)
			snprintf(out, 32, "%lld%c", (long long)(seconds / unit), units[i].name);
		else
			snprintf(out, 32, "%lld%c%lld%c", (long long)(seconds / unit),
			    units[i].name, (long long)(seconds % unit / next), units[i].next);
		return out;
	}
	snprintf(out, 32, "%llds", (long long)seconds);
	return out;
}
