/*
 * Time. Wall-clock times are whole seconds since 1970 UTC in an int64_t; what only measures
 * (deadlines, durations) uses milliseconds of CLOCK_MONOTONIC. Text is RFC 3339 in UTC
 * ("2026-11-23T15:04:05Z").
 */
#ifndef CA_BASE_CLOCK_H
#define CA_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CA_TIME_TEXT 21 /* "2026-11-23T15:04:05Z" and the NUL */

#define CA_MINUTE ((int64_t)60)
#define CA_HOUR (60 * CA_MINUTE)
#define CA_DAY (24 * CA_HOUR)
#define CA_YEAR (365 * CA_DAY)

int64_t ca_now(void);
int64_t ca_monotonic_ms(void);

/* Years 0000 to 9999; anything else is written as the nearest of them. Returns out. */
const char *ca_time_text(int64_t seconds, char out[CA_TIME_TEXT]);

/* RFC 3339 with Z or a numeric offset; fractions of a second are dropped. CA_EINVAL otherwise. */
int ca_time_parse(const char *text, int64_t *out);

/*
 * A duration: a whole number and a unit, s m h d w or y (365 days), or several of them ("1h30m").
 * The result is positive and at most 100 years. CA_EINVAL otherwise (no unit, zero, trailing text,
 * overflow).
 */
int ca_duration_parse(const char *text, int64_t *seconds);

/* The shortest exact form in one or two units ("7d", "1h30m", "90s"); out has room for 32. Returns
 * out. */
const char *ca_duration_text(int64_t seconds, char out[32]);

#endif
