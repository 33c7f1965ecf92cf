/* Whole files, written so that a crash leaves the old or the new content, and read with a limit. */
#ifndef CA_BASE_FILE_H
#define CA_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ca/base/buf.h"

/* Append the file's content to out. CA_ENOTFOUND, CA_EIO, CA_EINVAL when it is longer than max
 * octets. */
int ca_file_read(const char *path, size_t max, struct ca_buf *out);

/* The same from an open descriptor (a pipe too), up to its end. */
int ca_fd_read(int fd, size_t max, struct ca_buf *out);

/*
 * Create or replace: a temporary file in the same directory, written, fsynced, renamed over path,
 * the directory fsynced. mode is exact (no umask). With exclusive set, an existing path is
 * CA_EEXIST and stays as it is.
 */
int ca_file_write(const char *path, const void *data, size_t len, mode_t mode, bool exclusive);

/* fsync the directory that path stands in. */
int ca_parent_sync(const char *path);

/* fsync a directory. */
int ca_dir_sync(const char *path);

/* mkdir with all parents (parents 0755 less umask, the last with mode, exactly, when it is made
 * here), each on the disk when it returns. */
int ca_dir_make(const char *path, mode_t mode);

/* "dir/name", allocated; NULL when out of memory. */
char *ca_path_join(const char *dir, const char *name);

#endif
