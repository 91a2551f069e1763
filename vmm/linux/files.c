/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on descriptors. */
#include "calls.h"

#include "vmm/hostcall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_POLL = 4096,
	KERNEL_SIGSET_BYTES = 8,
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

static int64_t read_device(struct kvs_linux *l, uint8_t kind, const struct iovec *iov, int count)
{
	int64_t total = 0;

	(void)l;
	for (int i = 0; i < count; i++) {
		if (kind == KVS_FD_RANDOM)
			for (size_t at = 0; at < iov[i].iov_len; at += 256)
				kvs_guest_random((uint8_t *)iov[i].iov_base + at,
					iov[i].iov_len - at < 256 ? iov[i].iov_len - at : 256);
		else
			memset(iov[i].iov_base, 0, iov[i].iov_len);
		total += (int64_t)iov[i].iov_len;
	}
	return total;
}

static int64_t read_into(struct kvs_linux *l, uint32_t fd, const struct iovec *iov, int count)
{
	switch (l->kinds[fd]) {
	case KVS_FD_COM1:
		return kvs_serial_read(&l->guest->com1, iov, count);
	case KVS_FD_ZERO:
	case KVS_FD_FULL:
	case KVS_FD_RANDOM:
		return read_device(l, l->kinds[fd], iov, count);
	default: /* standard error too: on a terminal it can be read */
		return kvs_hostcall(SYS_readv, fd, (uintptr_t)iov, (uint64_t)count, 0, 0, 0);
	}
}

static int64_t write_from(struct kvs_linux *l, uint32_t fd, const struct iovec *iov, int count)
{
	switch (l->kinds[fd]) {
	case KVS_FD_COM1:
		return kvs_serial_write(&l->guest->com1, iov, count);
	case KVS_FD_COM2:
		return kvs_serial_write(&l->guest->com2, iov, count);
	case KVS_FD_FULL:
		return -ENOSPC;
	default:
		return kvs_hostcall(SYS_writev, fd, (uintptr_t)iov, (uint64_t)count, 0, 0, 0);
	}
}

/*
 * Move the buffers in l->iov, `count` of them holding `size` bytes. Descriptor 0 of the payload may
 * have been opened for writing too, or be standard output: the host's own descriptor decides.
 */
static int64_t transfer(struct kvs_linux *l, uint64_t fd, int count, bool is_read)
{
	return is_read ? read_into(l, (uint32_t)fd, l->iov, count)
		       : write_from(l, (uint32_t)fd, l->iov, count);
}

static int64_t move_buffer(
	struct kvs_linux *l, uint64_t fd, uint64_t gva, uint64_t size, bool is_read)
{
	unsigned int access = is_read ? KVS_PROT_WRITE : KVS_PROT_READ;
	uint64_t done = 0;

	if (!kvs_files_is_open_number(l, fd))
		return -EBADF;
	if (size > MAX_TRANSFER)
		size = MAX_TRANSFER;
	do {
		int count = 0;
		int64_t chunk = 0, n;

		if (size > done)
			chunk = kvs_mm_iov(&l->guest->mm, gva + done, size - done, access, l->iov,
				KVS_LINUX_VECTORS, &count);
		if (chunk < 0)
			return done ? (int64_t)done : chunk;
		n = transfer(l, fd, count, is_read);
		if (n < 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
		if (n < chunk || is_read)
			break;
	} while (done < size);
	return (int64_t)done;
}

int64_t kvs_files_read(struct kvs_linux *l, const uint64_t *a)
{
	return move_buffer(l, a[0], a[1], a[2], true);
}

int64_t kvs_files_write(struct kvs_linux *l, const uint64_t *a)
{
	return move_buffer(l, a[0], a[1], a[2], false);
}

/* The guest's iovec array as host buffers in l->iov; bytes or -errno. */
static int64_t gather(struct kvs_linux *l, uint64_t gva, uint64_t n, bool is_read, int *ret_count)
{
	struct iovec vectors[KVS_LINUX_VECTORS];
	unsigned int access = is_read ? KVS_PROT_WRITE : KVS_PROT_READ;
	uint64_t total = 0;
	int count = 0;

	if (n > KVS_LINUX_VECTORS)
		return -EINVAL;
	if (kvs_mm_load(&l->guest->mm, vectors, gva, n * sizeof(*vectors)) < 0)
		return -EFAULT;
	for (uint64_t i = 0; i < n; i++)
		if (vectors[i].iov_len > INT64_MAX - total ||
			(total += vectors[i].iov_len) > INT64_MAX)
			return -EINVAL;
	total = 0;
	for (uint64_t i = 0; i < n && count < KVS_LINUX_VECTORS && total < MAX_TRANSFER; i++) {
		uint64_t size = vectors[i].iov_len;
		int64_t got;
		int used = 0;

		if (size > MAX_TRANSFER - total)
			size = MAX_TRANSFER - total;
		if (size == 0)
			continue;
		got = kvs_mm_iov(&l->guest->mm, (uintptr_t)vectors[i].iov_base, size, access,
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
	int count = 0;
	int64_t size;

	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	size = gather(l, a[1], a[2], is_read, &count);
	return size < 0 ? size : transfer(l, a[0], count, is_read);
}

int64_t kvs_files_readv(struct kvs_linux *l, const uint64_t *a)
{
	return move_vectors(l, a, true);
}

int64_t kvs_files_writev(struct kvs_linux *l, const uint64_t *a)
{
	return move_vectors(l, a, false);
}

int64_t kvs_files_pread(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t size = a[2] > MAX_TRANSFER ? MAX_TRANSFER : a[2];
	int count = 0;
	ssize_t n;

	if (!kvs_files_is_open_number(l, a[0]))
		return -EBADF;
	if (size > 0) {
		int64_t got = kvs_mm_iov(&l->guest->mm, a[1], size, KVS_PROT_WRITE, l->iov,
			KVS_LINUX_VECTORS, &count);

		if (got < 0)
			return got;
	}
	n = preadv((int)a[0], l->iov, count, (off_t)a[3]);
	return n < 0 ? -errno : n;
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
	return remember_copy(l, (uint32_t)a[0], dup3((int)a[0], (int)a[1], (int)a[2]));
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
			kvs_mm_load(&l->guest->mm, data, a[2], ioctls[i].bytes) < 0)
			return -EFAULT;
		if (ioctl((int)a[0], (unsigned long)(uint32_t)a[1], data) < 0)
			return -errno;
		return ioctls[i].is_written
			       ? 0
			       : kvs_mm_store(&l->guest->mm, a[2], data, ioctls[i].bytes);
	}
	return -ENOTTY;
}

static int64_t poll_with(
	struct kvs_linux *l, uint64_t gva, uint64_t count, const struct timespec *timeout)
{
	struct timespec copy = timeout ? *timeout : (struct timespec){ 0 };
	struct pollfd *fds = (struct pollfd *)l->bounce;
	int64_t r;

	if (count > MAX_POLL || count > l->nofile)
		return -EINVAL;
	if (kvs_mm_load(&l->guest->mm, fds, gva, count * sizeof(*fds)) < 0)
		return -EFAULT;
	for (uint64_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && !kvs_files_is_open_number(l, (uint64_t)fds[i].fd))
			fds[i].fd = INT_MAX; /* POLLNVAL, as the guest must see it */
	r = kvs_hostcall(SYS_ppoll, (uintptr_t)fds, count, timeout ? (uintptr_t)&copy : 0, 0,
		KERNEL_SIGSET_BYTES, 0);
	for (uint64_t i = 0; r >= 0 && i < count; i++)
		if (kvs_mm_store(&l->guest->mm,
			    gva + i * sizeof(*fds) + offsetof(struct pollfd, revents),
			    &fds[i].revents, sizeof(fds[i].revents)) < 0)
			return -EFAULT;
	return r;
}

int64_t kvs_files_poll(struct kvs_linux *l, const uint64_t *a)
{
	int ms = (int)a[2];
	struct timespec timeout = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	return poll_with(l, a[0], (uint32_t)a[1], ms < 0 ? NULL : &timeout);
}

int64_t kvs_files_ppoll(struct kvs_linux *l, const uint64_t *a)
{
	struct timespec timeout;

	if (a[2] && kvs_mm_load(&l->guest->mm, &timeout, a[2], sizeof(timeout)) < 0)
		return -EFAULT;
	return poll_with(l, a[0], (uint32_t)a[1], a[2] ? &timeout : NULL);
}

static int load_sets(struct kvs_linux *l, const uint64_t *a, fd_set sets[3], size_t bytes)
{
	for (int i = 0; i < 3; i++)
		if (a[1 + i] && kvs_mm_load(&l->guest->mm, &sets[i], a[1 + i], bytes) < 0)
			return -EFAULT;
	return 0;
}

static int64_t select_with(struct kvs_linux *l, const uint64_t *a, const struct timespec *timeout)
{
	struct timespec copy = timeout ? *timeout : (struct timespec){ 0 };
	uint64_t count = a[0] > FD_SETSIZE ? FD_SETSIZE : a[0];
	size_t bytes = (count + 63) / 64 * sizeof(uint64_t);
	fd_set sets[3];
	int64_t r;

	memset(sets, 0, sizeof(sets));
	if ((int)a[0] < 0)
		return -EINVAL;
	if (count > l->nofile)
		count = l->nofile;
	if (load_sets(l, a, sets, bytes) < 0)
		return -EFAULT;
	r = kvs_hostcall(SYS_pselect6, count, a[1] ? (uintptr_t)&sets[0] : 0,
		a[2] ? (uintptr_t)&sets[1] : 0, a[3] ? (uintptr_t)&sets[2] : 0,
		timeout ? (uintptr_t)&copy : 0, 0);
	for (int i = 0; r >= 0 && i < 3; i++)
		if (a[1 + i] && kvs_mm_store(&l->guest->mm, a[1 + i], &sets[i], bytes) < 0)
			return -EFAULT;
	return r;
}

int64_t kvs_files_select(struct kvs_linux *l, const uint64_t *a)
{
	struct timeval tv;
	struct timespec timeout;

	if (a[4] && kvs_mm_load(&l->guest->mm, &tv, a[4], sizeof(tv)) < 0)
		return -EFAULT;
	if (a[4])
		timeout = (struct timespec){ tv.tv_sec, tv.tv_usec * 1000 };
	return select_with(l, a, a[4] ? &timeout : NULL);
}

int64_t kvs_files_pselect6(struct kvs_linux *l, const uint64_t *a)
{
	struct timespec timeout;

	if (a[4] && kvs_mm_load(&l->guest->mm, &timeout, a[4], sizeof(timeout)) < 0)
		return -EFAULT;
	return select_with(l, a, a[4] ? &timeout : NULL);
}

static int64_t make_pipe(struct kvs_linux *l, uint64_t gva, int flags)
{
	int fds[2];

	if (pipe2(fds, flags) < 0)
		return -errno;
	if (kvs_mm_store(&l->guest->mm, gva, fds, sizeof(fds)) < 0) {
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
