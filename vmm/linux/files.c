/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on descriptors; those that wait for several of them are in poll.c. */
#include "calls.h"

#include "vmm/hostcall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

enum {
	READ_CHUNK_BYTES = 1 << 20, /* a buffer is given memory only as far as input may fill it */
};

#define MAX_TRANSFER 0x7ffff000ull /* as Linux's MAX_RW_COUNT */

bool kvs_files_is_open_number(const struct kvs_linux *l, uint64_t fd)
{
	return (uint32_t)fd < l->nofile;
}

void kvs_files_forget(struct kvs_linux *l, uint32_t fd)
{
	l->kinds[fd] = KVS_FD_PLAIN;
	free(l->directories[fd]);
	l->directories[fd] = NULL;
}

static int64_t read_device(uint8_t kind, const struct iovec *iov, int count)
{
	int64_t total = 0;

	for (int i = 0; i < count; i++) {
		if (kind == KVS_FD_RANDOM)
			for (size_t at = 0; at < iov[i].iov_len; at += 256)
				kvs_guest_random((uint8_t *)iov[i].iov_base + at,
					iov[i].iov_len - at < 256 ? iov[i].iov_len - at : 256);
		else
			memset(iov[i].iov_base, 0, iov[i].iov_len);
		total += (int64_t)iov[i].iov_len;
		if (kvs_hostcall_attention())
			break;
	}
	return total;
}

static bool is_device(uint8_t kind)
{
	return kind == KVS_FD_ZERO || kind == KVS_FD_FULL || kind == KVS_FD_RANDOM;
}

/* Where the bytes of a serial port's descriptor are counted; NULL for another descriptor. */
static uint64_t *counter_of(struct kvs_linux *l, uint8_t kind, bool is_read)
{
	struct kvs_guest *g = l->guest;

	if (kind == KVS_FD_COM1)
		return is_read ? &g->com1.received_bytes : &g->com1.sent_bytes;
	return kind == KVS_FD_COM2 && !is_read ? &g->com2.sent_bytes : NULL;
}

enum direction {
	READ,
	READ_AT, /* an offset, which stays the caller's */
	WRITE,
};

/*
 * Move `count` buffers in l->iov. What a descriptor is after dup2, close and open, and whether it
 * can be read or written, the host's own descriptor of that number knows.
 */
static int64_t transfer(
	struct kvs_linux *l, uint32_t fd, int count, enum direction direction, uint64_t offset)
{
	const uint8_t kind = l->kinds[fd];
	const long calls[] = { SYS_readv, SYS_preadv, SYS_writev };
	uint64_t *counter = counter_of(l, kind, direction != WRITE);
	int64_t n;

	if (is_device(kind) && direction != WRITE)
		return read_device(kind, l->iov, count);
	if (kind == KVS_FD_FULL)
		return -ENOSPC;
	n = kvs_hostcall(calls[direction], fd, (uintptr_t)l->iov, (uint64_t)count, offset, 0, 0);
	if (n > 0 && counter)
		*counter += (uint64_t)n;
	return n;
}

static bool is_regular(uint32_t fd)
{
	struct stat st;

	return fstat((int)fd, &st) == 0 && S_ISREG(st.st_mode);
}

static uint64_t at_most(uint64_t size, uint64_t limit)
{
	return size < limit ? size : limit;
}

static int64_t move_buffer(
	struct kvs_linux *l, const uint64_t *a, enum direction direction, uint64_t offset)
{
	const uint64_t chunk_bytes = direction == WRITE ? MAX_TRANSFER : READ_CHUNK_BYTES;
	const unsigned int access = direction == WRITE ? KVS_PROT_READ : KVS_PROT_WRITE;
	const uint64_t size = at_most(a[2], MAX_TRANSFER);
	const uint32_t fd = (uint32_t)a[0];
	uint64_t done = 0;

	if (!kvs_files_is_open_number(l, fd))
		return -EBADF;
	do {
		int count = 0;
		int64_t chunk = 0, n;

		if (size > done)
			chunk = kvs_access_iov(&l->guest->mm, a[1] + done,
				at_most(size - done, chunk_bytes), access, l->iov,
				KVS_LINUX_VECTORS, &count);
		if (chunk < 0)
			return done ? (int64_t)done : chunk;
		n = transfer(l, fd, count, direction, offset + done);
		if (n < 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
		if (n < chunk || kvs_hostcall_attention())
			break;
	} while (done < size && (direction == WRITE || is_device(l->kinds[fd]) || is_regular(fd)));
	return (int64_t)done;
}

int64_t kvs_files_read(struct kvs_linux *l, const uint64_t *a)
{
	return move_buffer(l, a, READ, 0);
}

int64_t kvs_files_write(struct kvs_linux *l, const uint64_t *a)
{
	return move_buffer(l, a, WRITE, 0);
}

int64_t kvs_files_pread(struct kvs_linux *l, const uint64_t *a)
{
	return (int64_t)a[3] < 0 ? -EINVAL : move_buffer(l, a, READ_AT, a[3]);
}

/* The guest's iovec array as host buffers in l->iov; bytes or -errno. */
static int64_t gather(
	struct kvs_linux *l, uint64_t gva, uint64_t n, uint64_t limit, bool is_read, int *ret_count)
{
	struct iovec vectors[KVS_LINUX_VECTORS];
	unsigned int access = is_read ? KVS_PROT_WRITE : KVS_PROT_READ;
	uint64_t total = 0;
	int count = 0;

	if (n > KVS_LINUX_VECTORS)
		return -EINVAL;
	if (kvs_access_load(&l->guest->mm, vectors, gva, n * sizeof(*vectors)) < 0)
		return -EFAULT;
	for (uint64_t i = 0; i < n; i++)
		if (vectors[i].iov_len > INT64_MAX - total ||
			(total += vectors[i].iov_len) > INT64_MAX)
			return -EINVAL;
	total = 0;
	for (uint64_t i = 0; i < n && count < KVS_LINUX_VECTORS && total < limit; i++) {
		uint64_t size = at_most(vectors[i].iov_len, limit - total);
		int64_t got;
		int used = 0;

		if (size == 0)
			continue;
		got = kvs_access_iov(&l->guest->mm, (uintptr_t)vectors[i].iov_base, size, access,
			l->iov + count, KVS_LINUX_VECTORS - count, &used);
		if (got < 0 && total == 0)
			return got;
		if (got < 0)
			break;
		count += used;
		total += (uint64_t)got;
		if ((uint64_t)got < size)
			break;
	}
	*ret_count = count;
	return (int64_t)total;
}

static int64_t move_vectors(struct kvs_linux *l, const uint64_t *a, bool is_read)
{
	const uint32_t fd = (uint32_t)a[0];
	uint64_t limit = MAX_TRANSFER;
	int count = 0;
	int64_t size;

	if (!kvs_files_is_open_number(l, fd))
		return -EBADF;
	if (is_read && !is_device(l->kinds[fd]) && !is_regular(fd))
		limit = READ_CHUNK_BYTES;
	size = gather(l, a[1], a[2], limit, is_read, &count);
	return size < 0 ? size : transfer(l, fd, count, is_read ? READ : WRITE, 0);
}

int64_t kvs_files_readv(struct kvs_linux *l, const uint64_t *a)
{
	return move_vectors(l, a, true);
}

int64_t kvs_files_writev(struct kvs_linux *l, const uint64_t *a)
{
	return move_vectors(l, a, false);
}

int64_t kvs_files_lseek(struct kvs_linux *l, const uint64_t *a)
{
	off_t at;

	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	at = lseek((int)a[0], (off_t)a[1], (int)a[2]);
	return at < 0 ? -errno : at;
}

int64_t kvs_files_close(struct kvs_linux *l, const uint64_t *a)
{
	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	kvs_files_forget(l, (uint32_t)a[0]);
	return close((int)a[0]) < 0 ? -errno : 0;
}

/* What we know of a descriptor goes with its duplicate. */
static int64_t remember_copy(struct kvs_linux *l, uint32_t from, int to)
{
	if (to < 0)
		return -errno;
	if ((uint32_t)to == from)
		return to;
	kvs_files_forget(l, (uint32_t)to);
	l->kinds[to] = l->kinds[from];
	if (l->directories[from])
		l->directories[to] = strdup(l->directories[from]);
	return to;
}

int64_t kvs_files_dup(struct kvs_linux *l, const uint64_t *a)
{
	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	return remember_copy(l, (uint32_t)a[0], dup((int)a[0]));
}

int64_t kvs_files_dup2(struct kvs_linux *l, const uint64_t *a)
{
	if (!kvs_files_is_open_number(l, a[0]) || !kvs_files_is_open_number(l, a[1]))
		return -EBADF;
	return remember_copy(l, (uint32_t)a[0], dup2((int)a[0], (int)a[1]));
}

int64_t kvs_files_dup3(struct kvs_linux *l, const uint64_t *a)
{
	if (!kvs_files_is_open_number(l, a[0]) || !kvs_files_is_open_number(l, a[1]))
		return -EBADF;
	/* Not dup3(3), which drops flags it does not know. */
	return remember_copy(
		l, (uint32_t)a[0], (int)syscall(SYS_dup3, (int)a[0], (int)a[1], (int)a[2]));
}

int64_t kvs_files_fcntl(struct kvs_linux *l, const uint64_t *a)
{
	int fd = (int)a[0], r;

	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	switch (a[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (a[2] >= l->nofile)
			return -EINVAL;
		return remember_copy(l, (uint32_t)fd, fcntl(fd, (int)a[1], (int)a[2]));
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
	case F_SETFL:
		/* O_ASYNC would have the host send signals on the payload's word. */
		r = fcntl(fd, (int)a[1], (int)(a[2] & ~(uint64_t)O_ASYNC));
		return r < 0 ? -errno : r;
	default:
		return -EINVAL;
	}
}

/* Requests that read or write one plain structure, and are harmless on any descriptor. */
static const struct {
	uint32_t request;
	uint16_t bytes;
	bool is_written; /* by the guest, for the kernel to read */
} ioctls[] = {
	{ TCGETS, 36, false },
	{ TCSETS, 36, true },
	{ TCSETSW, 36, true },
	{ TCSETSF, 36, true },
	{ TIOCGWINSZ, sizeof(struct winsize), false },
	{ TIOCSWINSZ, sizeof(struct winsize), true },
	{ TIOCOUTQ, sizeof(int), false },
	{ FIONREAD, sizeof(int), false },
	{ FIONBIO, sizeof(int), true },
};

int64_t kvs_files_ioctl(struct kvs_linux *l, const uint64_t *a)
{
	uint8_t data[64] = { 0 };

	if (!kvs_files_is_open_number(l, a[0]) || fcntl((int)a[0], F_GETFD) < 0)
		return -EBADF;
	for (size_t i = 0; i < sizeof(ioctls) / sizeof(*ioctls); i++) {
		if (ioctls[i].request != (uint32_t)a[1])
			continue;
		if (ioctls[i].is_written &&
			kvs_access_load(&l->guest->mm, data, a[2], ioctls[i].bytes) < 0)
			return -EFAULT;
		if (ioctl((int)a[0], (unsigned long)(uint32_t)a[1], data) < 0)
			return -errno;
		return ioctls[i].is_written
			       ? 0
			       : kvs_access_store(&l->guest->mm, a[2], data, ioctls[i].bytes);
	}
	return -ENOTTY;
}

static int64_t make_pipe(struct kvs_linux *l, uint64_t gva, int flags)
{
	int fds[2];

	if (pipe2(fds, flags) < 0)
		return -errno;
	if (kvs_access_store(&l->guest->mm, gva, fds, sizeof(fds)) < 0) {
		close(fds[0]);
		close(fds[1]);
		return -EFAULT;
	}
	return 0;
}

int64_t kvs_files_pipe(struct kvs_linux *l, const uint64_t *a)
{
	return make_pipe(l, a[0], 0);
}

int64_t kvs_files_pipe2(struct kvs_linux *l, const uint64_t *a)
{
	return make_pipe(l, a[0], (int)a[1]);
}

int64_t kvs_files_fadvise(struct kvs_linux *l, const uint64_t *a)
{
	return kvs_files_is_open_number(l, a[0]) && fcntl((int)a[0], F_GETFD) >= 0 ? 0 : -EBADF;
}

int64_t kvs_files_fsync(struct kvs_linux *l, const uint64_t *a)
{
	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	return fsync((int)a[0]) < 0 ? -errno : 0;
}
