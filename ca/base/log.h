/*
 * The log: standard error, a line an event, human or JSON. Thread-safe; a line is one write().
 * An event is a short lower-case phrase and a list of fields; secrets are never passed to it (a
 * token is logged as the hash of its id). Strings are escaped, so no input can forge a line.
 */
#ifndef CA_BASE_LOG_H
#define CA_BASE_LOG_H

#include <stdbool.h>

/* CA_LOG_NONE is for ca_log_setup() only. */
enum ca_log_level { CA_LOG_NONE = -1, CA_LOG_ERROR, CA_LOG_WARN, CA_LOG_INFO, CA_LOG_DEBUG };

struct ca_log_field {
	const char *key;
	const char *value; /* NULL: the field is left out */
};

/* Before any thread is started. Default: human, CA_LOG_INFO. */
void ca_log_setup(bool json, enum ca_log_level level);

/* fields ends at the first with a NULL key; NULL: none. */
void ca_log_event(enum ca_log_level level, const char *event, const struct ca_log_field *fields);

/* One formatted sentence, no fields. */
void ca_logf(enum ca_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
