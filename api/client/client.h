/* What every verb of `mica` shares: how a failure is told, and the exit status it ends with. */
#ifndef API_CLIENT_CLIENT_H
#define API_CLIENT_CLIENT_H

#include <stdbool.h>

#include "ca/base/buf.h"
#include "ca/base/error.h"

/* Exit statuses; the manual page promises them. */
enum client_exit {
	CLIENT_EXIT_DONE = 0,
	CLIENT_EXIT_USAGE = 2,
	CLIENT_EXIT_REFUSED = 3, /* the CA answered, and said no */
	CLIENT_EXIT_NOT_FOUND = 4,
	CLIENT_EXIT_FAILED = 5,       /* failed; what is there is still valid */
	CLIENT_EXIT_EXPIRED = 6,      /* failed, and no valid certificate is there */
	CLIENT_EXIT_UNREACHABLE = 75, /* no answer, or 503 */
};

/* Why a verb failed. All zeroes: nothing to add to the error's own words. */
struct client_problem {
	long status;      /* of the HTTP answer; 0: the failure is not the server's word */
	long retry_after; /* seconds; 0: the server named none */
	char code[48];    /* the server's; "" when status is 0 */
	struct ca_detail detail;
	struct ca_detail next; /* what to do; may be "" */
	bool none_valid;       /* fetch: there is no valid certificate to go on with */
};

/* Fill problem->detail (octets that are not printable become '?') and return error. */
int client_fail(struct client_problem *problem, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The words for what errno says about path: "cannot <act> <path>: no space left". Returns CA_EIO.
 */
int client_fail_errno(struct ca_detail *why, const char *act, const char *path);

/*
 * Append a file's content, or standard input's for "-". CA_ENOTFOUND, CA_EIO (longer than max,
 * too), with the words in *why.
 */
int client_file_read(const char *path, size_t max, struct ca_buf *out, struct ca_detail *why);

/* A malformed command line: CA_EINVAL, and where to read on. */
int client_fail_usage(struct client_problem *problem, const char *verb, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "mica: DETAIL (code)" on standard error, and the next step on a second line. */
void client_problem_print(int error, const struct client_problem *problem);

enum client_exit client_exit_status(int error, const struct client_problem *problem);

#endif
