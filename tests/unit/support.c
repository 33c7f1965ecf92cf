#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support.h"

char *support_mkdir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/mica-test-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void support_rmdir(char *path)
{
	if (!path)
		return;
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

char *support_path(const char *dir, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

int support_run(struct ca_buf *out, const char *format, ...)
{
	char *command = NULL;
	char chunk[4096];
	va_list ap;
	FILE *pipe;
	size_t n;
	int status;

	va_start(ap, format);
	assert_true(vasprintf(&command, format, ap) > 0);
	va_end(ap);
	pipe = popen(command, "r"); // NOLINT(cert-env33-c): the command is the test's own
	assert_non_null(pipe);
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		if (out)
			ca_buf_add(out, chunk, n);
	status = pclose(pipe);
	free(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void support_patterns(const char *lines, bool placeholders, struct ca_patterns *out)
{
	struct ca_detail why = { "" };

	while (lines && *lines) {
		size_t len = strcspn(lines, "\n"), prefix = strcspn(lines, ":");
		enum ca_name_type type = CA_NAME_DNS;

		while (strncmp(ca_name_type_text(type), lines, prefix) != 0)
			type++;
		if (ca_patterns_add(
			out, type, lines + prefix + 1, len - prefix - 1, placeholders, &why))
			fail_msg("%s", why.text);
		lines += len + (lines[len] == '\n');
	}
}

void support_globs(const char *lines, bool placeholders, struct ca_patterns *out)
{
	struct ca_detail why = { "" };

	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");

		if (ca_patterns_add_glob(out, lines, len, placeholders, &why))
			fail_msg("%s", why.text);
		lines += len + (lines[len] == '\n');
	}
}
