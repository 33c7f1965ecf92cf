/* How a failure is told, and files are read. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/client/client.h"
#include "ca/base/file.h"
#include "ca/base/log.h"

int client_fail(struct client_problem *problem, int error, const char *format, ...)
{
	char text[CA_DETAIL_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return ca_refuse(&problem->detail, error, "%s", text);
}

int client_fail_usage(struct client_problem *problem, const char *verb, const char *format, ...)
{
	char text[CA_DETAIL_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ca_refuse(&problem->next, CA_EINVAL, "see: mica %s%s--help", verb, *verb ? " " : "");
	return ca_refuse(&problem->detail, CA_EINVAL, "%s", text);
}

static const char *errno_words(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return "permission denied";
	case ENOENT:
		return "no such file or directory";
	case ENOTDIR:
		return "a part of the path is not a directory";
	case EISDIR:
	case ENOTEMPTY:
		return "it is a directory";
	case EEXIST:
		return "it exists already";
	case ELOOP:
		return "it is a symbolic link";
	case EROFS:
		return "the file system is read-only";
	case ENOSPC:
	case EDQUOT:
		return "no space left";
	case EFBIG:
		return "the size limit for files is reached";
	default:
		return "input/output error";
	}
}

int client_fail_errno(struct ca_detail *why, const char *act, const char *path)
{
	int number = errno;

	ca_logf(CA_LOG_DEBUG, "%s %s: errno %d", act, path, number);
	return ca_refuse(why, CA_EIO, "cannot %s %s: %s", act, path, errno_words(number));
}

void client_problem_print(int error, const struct client_problem *problem)
{
	const char *detail = problem->detail.text;
	const char *code = problem->code;

	fprintf(stderr, "mica: %s (%s)\n", *detail ? detail : ca_error_text(error),
	    *code ? code : ca_error_code(error));
	if (problem->next.text[0])
		fprintf(stderr, "%s\n", problem->next.text);
}

static enum client_exit status_of_answer(long status)
{
	if (status == 404)
		return CLIENT_EXIT_NOT_FOUND;
	if (status >= 400 && status < 500)
		return CLIENT_EXIT_REFUSED;
	return status == 503 ? CLIENT_EXIT_UNREACHABLE : CLIENT_EXIT_FAILED;
}

static enum client_exit status_of_error(int error)
{
	switch (error) {
	case CA_OK:
		return CLIENT_EXIT_DONE;
	case CA_EINVAL:
	case CA_ENAME:
	case CA_ETOOMANYNAMES:
		return CLIENT_EXIT_USAGE;
	case CA_ETOKEN:
	case CA_EFORBIDDEN:
		return CLIENT_EXIT_REFUSED;
	case CA_ENOTFOUND:
		return CLIENT_EXIT_NOT_FOUND;
	case CA_EUNREACHABLE:
		return CLIENT_EXIT_UNREACHABLE;
	default:
		return CLIENT_EXIT_FAILED;
	}
}

enum client_exit client_exit_status(int error, const struct client_problem *problem)
{
	enum client_exit status = status_of_error(error);

	if (error && problem->status)
		status = status_of_answer(problem->status);
	if (status == CLIENT_EXIT_FAILED && problem->none_valid)
		return CLIENT_EXIT_EXPIRED;
	return status;
}

int client_file_read(const char *path, size_t max, struct ca_buf *out, struct ca_detail *why)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0 && errno == ENOENT)
		return ca_refuse(why, CA_ENOTFOUND, "there is no file %s", path);
	if (fd < 0)
		return client_fail_errno(why, "read", path);
	error = ca_fd_read(fd, max, out);
	if (error == CA_EIO)
		client_fail_errno(why, "read", path);
	if (!standard)
		close(fd);
	if (error == CA_EINVAL)
		return ca_refuse(why, CA_EIO, "%s is longer than %zu octets", path, max);
	return error;
}
