/* mica: the client. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/client/verbs.h"

/*
 * A program started with a standard stream closed would open its first file as that stream, and
 * print into it. The null device takes the place; for standard output read-only, so that writing
 * still fails.
 */
static void standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(CLIENT_EXIT_FAILED);
	}
}

int main(int argc, char **argv)
{
	standard_streams();
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write; client_output_finish() */
	return client_run(argc, argv);
}
