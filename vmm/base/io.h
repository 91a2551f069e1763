/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes on descriptors, retrying what a signal or a short count cut off. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* kvs_io_write_all - 0 when all @size bytes were written, else -errno */
int kvs_io_write_all(int fd, const void *data, size_t size);

/* kvs_io_pread_all - bytes read, short only at end of file, or -errno */
ssize_t kvs_io_pread_all(int fd, void *ret_data, size_t size, off_t offset);

/*
 * kvs_io_read_file - read a file of at most @max bytes into fresh memory
 * @ret_data: NUL-terminated, to be freed by the caller
 *
 * Return: 0; -EFBIG when there are more than @max bytes; else -errno.
 */
int kvs_io_read_file(int fd, size_t max, char **ret_data, size_t *ret_size);
