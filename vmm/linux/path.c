/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on paths, but for the stat family (stat.c): everything is resolved by the host
 * kernel beneath the root, and read-only.
 *
 * A path is first joined to the working directory, or to the recorded path of a directory
 * descriptor, as text. The kernel then walks the whole of it with the root as its world
 * (RESOLVE_IN_ROOT): "..", absolute symlinks and magic links cannot leave it, and no component can
 * be swapped for one that does.
 */
#include "calls.h"

#include "vmm/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

enum {
	MAX_LINKS = 40, /* as Linux's MAXSYMLINKS */
};

/* Devices we make ourselves: the root need not have them, and its own device nodes stay shut. */
static const struct {
	const char *path;
	enum kvs_linux_kind kind;
} devices[] = {
	{ "/dev/null", KVS_FD_PLAIN },
	{ "/dev/zero", KVS_FD_ZERO },
	{ "/dev/full", KVS_FD_FULL },
	{ "/dev/random", KVS_FD_RANDOM },
	{ "/dev/urandom", KVS_FD_RANDOM },
};

static const char exe_link[] = "/proc/self/exe";

/* Join a guest path to where it starts; @joined has PATH_MAX bytes. 0 or -errno. */
static int join(struct kvs_linux *l, int64_t dirfd, const char *path, char *joined)
{
	const char *base = l->cwd;

	if (path[0] == '/') {
		strcpy(joined, path);
		return 0;
	}
	if (dirfd != AT_FDCWD) {
		if (!kvs_files_is_open_number(l, (uint64_t)dirfd) || fcntl((int)dirfd, F_GETFD) < 0)
			return -EBADF;
		base = l->directories[dirfd];
		if (!base)
			return -ENOTDIR;
	}
	if ((size_t)snprintf(joined, PATH_MAX, "%s/%s", strcmp(base, "/") == 0 ? "" : base, path) >=
		PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

static int load_path(struct kvs_linux *l, int64_t dirfd, kvs_gva gva, char *joined)
{
	char path[PATH_MAX];
	int64_t r = kvs_access_load_string(&l->guest->mm, path, gva, sizeof(path));

	if (r < 0)
		return (int)r;
	return r == 0 ? -ENOENT : join(l, dirfd, path, joined);
}

/* Open beneath the root. No file system of the host kernel's own is ever reached. */
static int open_beneath(struct kvs_linux *l, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags & ~O_CLOEXEC) | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, l->guest->fds.root, path, &how, sizeof(how));
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs((int)fd, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC &&
		fs.f_type != SYSFS_MAGIC && fs.f_type != DEBUGFS_MAGIC)
		return (int)fd;
	close((int)fd);
	return -ENOENT;
}

static int open_device(struct kvs_linux *l, const char *path, int flags)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		int fd;

		if (strcmp(path, devices[i].path) != 0)
			continue;
		if (flags & O_DIRECTORY)
			return -ENOTDIR;
		fd = fcntl(l->guest->fds.null, flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
		if (fd < 0)
			return -errno;
		l->kinds[fd] = devices[i].kind;
		return fd;
	}
	return -ENXIO;
}

/* What may be opened for its contents: opening a device has effects of its own. */
static int check_type(struct kvs_linux *l, const char *path, int flags)
{
	_cleanup_close_ int fd = open_beneath(l, path, O_PATH | (flags & O_NOFOLLOW));
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return -EACCES;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode) ? 0 : -EACCES;
}

static bool is_writing(int flags)
{
	/* Not O_ACCMODE: the C library counts O_PATH among the modes. */
	return flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) || (flags & O_TMPFILE) == O_TMPFILE;
}

/* Opening for writing or creation, as on a read-only file system; 0 where reading will do. */
static int refuse_writing(struct kvs_linux *l, const char *path, int flags)
{
	_cleanup_close_ int fd = open_beneath(l, path, O_PATH | (flags & O_NOFOLLOW));
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT && flags & O_CREAT ? -EROFS : fd;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (!is_writing(flags & ~O_CREAT))
		return 0;
	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? -EISDIR : -EROFS;
}

/* Remember what a directory is called, for paths that start from it. */
static int remember_directory(struct kvs_linux *l, int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return fd;
	l->directories[fd] = strdup(path);
	if (l->directories[fd])
		return fd;
	close(fd);
	return -ENOMEM;
}

static int open_file(struct kvs_linux *l, const char *path, int flags)
{
	int fd = open_device(l, path, flags);

	if (fd != -ENXIO)
		return fd;
	if (strcmp(path, exe_link) == 0)
		path = l->guest->launch->exe; /* a descriptor of its own, with its own offset */
	if (is_writing(flags)) {
		fd = refuse_writing(l, path, flags);
		if (fd < 0)
			return fd;
		flags &= ~(O_CREAT | O_EXCL);
	}
	if (!(flags & O_PATH)) {
		fd = check_type(l, path, flags);
		if (fd < 0)
			return fd;
	}
	fd = open_beneath(l, path, flags);
	if (fd >= 0 && !(flags & O_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	return fd < 0 ? fd : remember_directory(l, fd, path);
}

static int64_t open_at(struct kvs_linux *l, int64_t dirfd, kvs_gva gva, int flags)
{
	const int allowed = O_WRONLY | O_RDWR | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
			    O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME |
			    O_TMPFILE | O_PATH | O_SYNC;
	const int with_path = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char joined[PATH_MAX];
	int r = load_path(l, dirfd, gva, joined);

	if (flags & O_PATH)
		flags &= with_path; /* the others are ignored */
	/* O_NOATIME is the owner's privilege and changes no result: not worth a refusal. */
	return r < 0 ? r : open_file(l, joined, flags & allowed & ~O_NOATIME);
}

int64_t kvs_path_open_call(struct kvs_linux *l, const uint64_t *a)
{
	return open_at(l, AT_FDCWD, a[0], (int)a[1]);
}

int64_t kvs_path_openat(struct kvs_linux *l, const uint64_t *a)
{
	return open_at(l, (int)a[0], a[1], (int)a[2]);
}

int kvs_path_reach(struct kvs_linux *l, int64_t dirfd, kvs_gva gva, uint64_t at_flags)
{
	char path[PATH_MAX] = "", joined[PATH_MAX];
	int64_t r = kvs_access_load_string(&l->guest->mm, path, gva, sizeof(path));
	int fd;

	if (r < 0 && !(at_flags & AT_EMPTY_PATH && gva == 0))
		return (int)r;
	if (path[0] == '\0') {
		if (!(at_flags & AT_EMPTY_PATH))
			return -ENOENT;
		if (dirfd == AT_FDCWD)
			return open_beneath(l, l->cwd, O_PATH);
		if (!kvs_files_is_open_number(l, (uint64_t)dirfd))
			return -EBADF;
		fd = fcntl((int)dirfd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	r = join(l, dirfd, path, joined);
	if (r < 0)
		return (int)r;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (strcmp(joined, devices[i].path) == 0)
			return fcntl(l->guest->fds.null, F_DUPFD_CLOEXEC, 0);
	if (strcmp(joined, exe_link) == 0 && !(at_flags & AT_SYMLINK_NOFOLLOW))
		return fcntl(l->guest->fds.payload, F_DUPFD_CLOEXEC, 0);
	return open_beneath(l, joined, O_PATH | (at_flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
}

static int64_t read_link(
	struct kvs_linux *l, int64_t dirfd, kvs_gva gva, kvs_gva buffer, uint64_t size)
{
	char joined[PATH_MAX], target[PATH_MAX];
	int r = load_path(l, dirfd, gva, joined);
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (r < 0)
		return r;
	if ((int64_t)size <= 0)
		return -EINVAL;
	if (strcmp(joined, exe_link) == 0) {
		n = snprintf(target, sizeof(target), "%s", l->guest->launch->exe);
	} else {
		fd = open_beneath(l, joined, O_PATH | O_NOFOLLOW);
		if (fd < 0)
			return fd;
		n = readlinkat(fd, "", target, sizeof(target));
		if (n < 0)
			return errno == ENOENT ? -EINVAL : -errno; /* not a symlink */
	}
	if ((uint64_t)n > size)
		n = (ssize_t)size;
	return kvs_access_store(&l->guest->mm, buffer, target, (size_t)n) < 0 ? -EFAULT : n;
}

int64_t kvs_path_readlink(struct kvs_linux *l, const uint64_t *a)
{
	return read_link(l, AT_FDCWD, a[0], a[1], a[2]);
}

int64_t kvs_path_readlinkat(struct kvs_linux *l, const uint64_t *a)
{
	return read_link(l, (int)a[0], a[1], a[2], a[3]);
}

int64_t kvs_path_getdents64(struct kvs_linux *l, const uint64_t *a)
{
	size_t size = a[2] < sizeof(l->bounce) ? a[2] : sizeof(l->bounce);
	long n;

	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	n = syscall(SYS_getdents64, (int)a[0], l->bounce, size);
	if (n < 0)
		return -errno;
	return kvs_access_store(&l->guest->mm, a[1], l->bounce, (size_t)n) < 0 ? -EFAULT : n;
}

int64_t kvs_path_getcwd(struct kvs_linux *l, const uint64_t *a)
{
	size_t size = strlen(l->cwd) + 1;

	if (a[1] < size)
		return -ERANGE;
	return kvs_access_store(&l->guest->mm, a[0], l->cwd, size) < 0 ? -EFAULT : (int64_t)size;
}

/* Append a component to a canonical path; false when it is too long. */
static bool append(char *path, const char *name, size_t length)
{
	size_t used = strcmp(path, "/") == 0 ? 0 : strlen(path);

	if (used + 1 + length >= PATH_MAX)
		return false;
	path[used] = '/';
	memcpy(path + used + 1, name, length);
	path[used + 1 + length] = '\0';
	return true;
}

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
}

/*
 * The path without symlinks, "." and "..", as getcwd(2) must show it. Walks what open_beneath()
 * has already allowed, so a race costs a wrong name and nothing else.
 */
static int canonicalize(struct kvs_linux *l, const char *joined, char *ret)
{
	char rest[PATH_MAX], target[PATH_MAX], next[PATH_MAX];
	int links = 0;

	strcpy(rest, joined);
	strcpy(ret, "/");
	for (char *at = rest; *(at += strspn(at, "/"));) {
		size_t length = strcspn(at, "/");
		_cleanup_close_ int fd = -1;
		ssize_t n = -1;

		if (length == 2 && memcmp(at, "..", 2) == 0) {
			drop_last(ret);
		} else if (length != 1 || at[0] != '.') {
			strcpy(next, ret);
			if (!append(next, at, length))
				return -ENAMETOOLONG;
			fd = open_beneath(l, next, O_PATH | O_NOFOLLOW);
			if (fd < 0)
				return fd;
			n = readlinkat(fd, "", target, sizeof(target) - 1);
			if (n < 0)
				strcpy(ret, next);
		}
		at += length;
		if (n < 0)
			continue;
		target[n] = '\0';
		if (++links > MAX_LINKS)
			return -ELOOP;
		if ((size_t)snprintf(next, sizeof(next), "%s%s", target, at) >= sizeof(next))
			return -ENAMETOOLONG;
		if (target[0] == '/')
			strcpy(ret, "/");
		strcpy(rest, next);
		at = rest;
	}
	return 0;
}

static int64_t change_directory(struct kvs_linux *l, const char *joined)
{
	_cleanup_close_ int fd = open_beneath(l, joined, O_PATH | O_DIRECTORY);
	char canonical[PATH_MAX];
	int r;

	if (fd < 0)
		return fd;
	r = canonicalize(l, joined, canonical);
	if (r == 0)
		strcpy(l->cwd, canonical);
	return r;
}

int64_t kvs_path_chdir(struct kvs_linux *l, const uint64_t *a)
{
	char joined[PATH_MAX];
	int r = load_path(l, AT_FDCWD, a[0], joined);

	return r < 0 ? r : change_directory(l, joined);
}

int64_t kvs_path_fchdir(struct kvs_linux *l, const uint64_t *a)
{
	if (!kvs_files_is_open_number(l, a[0]) || fcntl((int)a[0], F_GETFD) < 0)
		return -EBADF;
	if (!l->directories[(uint32_t)a[0]])
		return -ENOTDIR;
	return change_directory(l, l->directories[(uint32_t)a[0]]);
}
