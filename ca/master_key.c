#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/file.h"
#include "ca/base/text.h"
#include "ca/seal.h"

#define DIGITS ((size_t)2 * CA_SEAL_KEY)

int ca_master_key_create(const char *path)
{
	unsigned char octets[CA_SEAL_KEY];
	char text[DIGITS + 2];
	int r;

	r = ca_random(octets, sizeof(octets));
	if (r)
		return r;
	ca_hex(octets, sizeof(octets), text);
	text[DIGITS] = '\n';
	r = ca_file_write(path, text, DIGITS + 1, 0600, true);
	ca_wipe(octets, sizeof(octets));
	ca_wipe(text, sizeof(text));
	return r;
}

/* A Secret that is mounted for a group (fsGroup) is readable by it, and must be usable. */
static int check_mode(int fd, const char *path, struct ca_detail *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return ca_refuse(why, CA_ENOMASTERKEY, "%s cannot be looked at", path);
	if (!S_ISREG(st.st_mode))
		return ca_refuse(why, CA_ENOMASTERKEY, "%s is not a regular file", path);
	if (st.st_mode & 0007)
		return ca_refuse(why, CA_ENOMASTERKEY, "%s has mode %03o: chmod o= it first", path,
		    (unsigned)st.st_mode & 0777U);
	if (st.st_mode & 0020)
		return ca_refuse(why, CA_ENOMASTERKEY, "%s has mode %03o: chmod g-w it first", path,
		    (unsigned)st.st_mode & 0777U);
	return 0;
}

/* Stricter than ca_unhex(): nothing between the digits, and one newline at most behind them. */
static int parse(
    struct ca_buf *text, const char *path, struct ca_master_key *out, struct ca_detail *why)
{
	size_t len;

	if (text->len && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	if (text->len != DIGITS || strspn(ca_buf_text(text), "0123456789abcdefABCDEF") != DIGITS ||
	    ca_unhex(ca_buf_text(text), out->octets, sizeof(out->octets), &len) ||
	    len != sizeof(out->octets)) {
		ca_wipe(out, sizeof(*out));
		return ca_refuse(why, CA_ENOMASTERKEY,
		    "%s is not a master key: 64 hexadecimal digits and a newline", path);
	}
	return 0;
}

int ca_master_key_read(const char *path, struct ca_master_key *out, struct ca_detail *why)
{
	struct ca_buf text = CA_BUF_INIT;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
	if (fd < 0)
		return ca_refuse(why, CA_ENOMASTERKEY,
		    errno == ENOENT ? "%s is not there" : "%s cannot be read", path);
	r = check_mode(fd, path, why);
	if (r)
		goto out;
	r = ca_fd_read(fd, DIGITS + 2, &text);
	if (r && r != CA_EINVAL) {
		if (r == CA_EIO)
			r = ca_refuse(why, CA_ENOMASTERKEY, "%s cannot be read", path);
		goto out;
	}
	r = parse(&text, path, out, why);
out:
	close(fd);
	ca_buf_free(&text);
	return r;
}
