/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that tell what a file is: the stat family, access, statfs.
 *
 * A path is reached by path.c's rules first; what is looked at then is a descriptor.
 */
#include "calls.h"

#include "vmm/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

enum {
	STATX_BYTES = 256,
};

static int64_t stat_at(
	struct kvs_linux *l, int64_t dirfd, kvs_gva gva, kvs_gva buffer, uint64_t at_flags)
{
	_cleanup_close_ int fd = kvs_path_reach(l, dirfd, gva, at_flags);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return kvs_access_store(&l->guest->mm, buffer, &st, sizeof(st));
}

int64_t kvs_stat_stat(struct kvs_linux *l, const uint64_t *a)
{
	return stat_at(l, AT_FDCWD, a[0], a[1], 0);
}

int64_t kvs_stat_lstat(struct kvs_linux *l, const uint64_t *a)
{
	return stat_at(l, AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW);
}

int64_t kvs_stat_fstat(struct kvs_linux *l, const uint64_t *a)
{
	struct stat st;

	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	if (fstat((int)a[0], &st) < 0)
		return -errno;
	return kvs_access_store(&l->guest->mm, a[1], &st, sizeof(st));
}

int64_t kvs_stat_newfstatat(struct kvs_linux *l, const uint64_t *a)
{
	const uint64_t known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;

	return a[3] & ~known ? -EINVAL : stat_at(l, (int)a[0], a[1], a[2], a[3]);
}

int64_t kvs_stat_statx(struct kvs_linux *l, const uint64_t *a)
{
	_cleanup_close_ int fd = kvs_path_reach(l, (int)a[0], a[1], a[2]);
	uint8_t data[STATX_BYTES] = { 0 };

	if (fd < 0)
		return fd;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, (unsigned int)a[3], data) < 0)
		return -errno;
	return kvs_access_store(&l->guest->mm, a[4], data, sizeof(data));
}

/* By the permission bits, for the user the payload is told it is. */
static int64_t check_access(struct kvs_linux *l, int64_t dirfd, kvs_gva gva, uint64_t mode)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint32_t granted;

	if (mode & ~(uint64_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	fd = kvs_path_reach(l, dirfd, gva, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (mode & W_OK && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return -EROFS;
	granted = st.st_mode & 7;
	if (st.st_gid == l->guest->launch->gid)
		granted = st.st_mode >> 3 & 7;
	if (st.st_uid == l->guest->launch->uid)
		granted = st.st_mode >> 6 & 7;
	if (l->guest->launch->uid == 0)
		granted = R_OK | W_OK | (S_ISDIR(st.st_mode) || st.st_mode & 0111 ? X_OK : 0);
	return mode & ~(uint64_t)granted ? -EACCES : 0;
}

int64_t kvs_stat_access(struct kvs_linux *l, const uint64_t *a)
{
	return check_access(l, AT_FDCWD, a[0], a[1]);
}

int64_t kvs_stat_faccessat(struct kvs_linux *l, const uint64_t *a)
{
	return check_access(l, (int)a[0], a[1], a[2]);
}

static int64_t store_statfs(struct kvs_linux *l, int fd, kvs_gva buffer)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return kvs_access_store(&l->guest->mm, buffer, &fs, sizeof(fs));
}

int64_t kvs_stat_statfs(struct kvs_linux *l, const uint64_t *a)
{
	_cleanup_close_ int fd = kvs_path_reach(l, AT_FDCWD, a[0], 0);

	return fd < 0 ? fd : store_statfs(l, fd, a[1]);
}

int64_t kvs_stat_fstatfs(struct kvs_linux *l, const uint64_t *a)
{
	return kvs_files_is_open_number(l, a[0]) ? store_statfs(l, (int)a[0], a[1]) : -EBADF;
}
