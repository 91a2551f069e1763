/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's access to guest memory, on the guest's behalf: a system call's buffers and strings.
 *
 * Guest pointers are hostile. Every access goes through kvs_access_span(), which answers only for
 * pages of an area that permits it, whatever the guest passed, and brings in what is not there.
 */
#pragma once

#include "mm.h"

#include <sys/uio.h>

/*
 * kvs_access_span - host memory behind guest memory
 * @access: KVS_PROT_READ or KVS_PROT_WRITE, by the guest's own rights
 * @ret_host: valid until the address space next changes
 *
 * Return: how many of the @size bytes are contiguous in the host, at least 1; -EFAULT; -ENOMEM.
 */
int64_t kvs_access_span(
	struct kvs_mm *mm, kvs_gva gva, uint64_t size, unsigned int access, void **ret_host);

/*
 * kvs_access_iov - the same for a whole buffer, as an iovec
 * @max: elements of @iov
 * @ret_count: elements filled
 *
 * Return: bytes covered, less than @size where the buffer leaves permitted memory or @iov is full;
 * -EFAULT or -ENOMEM when not even the first byte is reachable.
 */
int64_t kvs_access_iov(struct kvs_mm *mm, kvs_gva gva, uint64_t size, unsigned int access,
	struct iovec *iov, int max, int *ret_count);

/* kvs_access_load, kvs_access_store - copy whole objects; 0 or -EFAULT (part may have been stored)
 */
int kvs_access_load(struct kvs_mm *mm, void *ret_data, kvs_gva gva, size_t size);
int kvs_access_store(struct kvs_mm *mm, kvs_gva gva, const void *data, size_t size);

/*
 * kvs_access_load_string - copy a string with its NUL
 *
 * Return: length without the NUL; -EFAULT; -ENAMETOOLONG when @size bytes hold no NUL.
 */
int64_t kvs_access_load_string(struct kvs_mm *mm, char *ret_string, kvs_gva gva, size_t size);
