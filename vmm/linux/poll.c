/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that wait for descriptors to be ready: poll, select, and both with a signal mask. */
#include "calls.h"

#include "vmm/hostcall.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	MAX_POLL = 4096,
	KERNEL_SIGSET_BYTES = 8,
};

/* What is left of a timeout is the caller's to see; a place it cannot be written to is no error. */
static void store_left(struct kvs_linux *l, uint64_t gva, const void *left, size_t size)
{
	if (gva)
		(void)kvs_access_store(&l->guest->mm, gva, left, size);
}

/* @timeout: NULL for none; what is left of it afterwards */
static int64_t poll_with(
	struct kvs_linux *l, uint64_t gva, uint64_t count, struct timespec *timeout)
{
	struct pollfd *fds = (struct pollfd *)l->bounce;
	int64_t r;

	if (count > MAX_POLL || count > l->nofile)
		return -EINVAL;
	if (kvs_access_load(&l->guest->mm, fds, gva, count * sizeof(*fds)) < 0)
		return -EFAULT;
	for (uint64_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && !kvs_files_is_open_number(l, (uint64_t)fds[i].fd))
			fds[i].fd = INT_MAX; /* POLLNVAL, as the guest must see it */
	r = kvs_hostcall(
		SYS_ppoll, (uintptr_t)fds, count, (uintptr_t)timeout, 0, KERNEL_SIGSET_BYTES, 0);
	for (uint64_t i = 0; r >= 0 && i < count; i++)
		if (kvs_access_store(&l->guest->mm,
			    gva + i * sizeof(*fds) + offsetof(struct pollfd, revents),
			    &fds[i].revents, sizeof(fds[i].revents)) < 0)
			return -EFAULT;
	return r;
}

int64_t kvs_poll_poll(struct kvs_linux *l, const uint64_t *a)
{
	int ms = (int)a[2];
	struct timespec timeout = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	return poll_with(l, a[0], (uint32_t)a[1], ms < 0 ? NULL : &timeout);
}

int64_t kvs_poll_ppoll(struct kvs_linux *l, const uint64_t *a)
{
	struct timespec timeout;
	int64_t r;

	if (a[2] && kvs_access_load(&l->guest->mm, &timeout, a[2], sizeof(timeout)) < 0)
		return -EFAULT;
	r = kvs_signals_wait_with(l, a[3], a[4]);
	if (r == 0)
		r = poll_with(l, a[0], (uint32_t)a[1], a[2] ? &timeout : NULL);
	store_left(l, a[2], &timeout, sizeof(timeout));
	return r;
}

static int load_sets(struct kvs_linux *l, const uint64_t *a, fd_set sets[3], size_t bytes)
{
	for (int i = 0; i < 3; i++)
		if (a[1 + i] && kvs_access_load(&l->guest->mm, &sets[i], a[1 + i], bytes) < 0)
			return -EFAULT;
	return 0;
}

/* @timeout: as for poll_with() */
static int64_t select_with(struct kvs_linux *l, const uint64_t *a, struct timespec *timeout)
{
	uint64_t count = a[0] > FD_SETSIZE ? FD_SETSIZE : a[0];
	size_t bytes;
	fd_set sets[3];
	int64_t r;

	memset(sets, 0, sizeof(sets));
	if ((int)a[0] < 0)
		return -EINVAL;
	if (count > l->nofile)
		count = l->nofile;
	bytes = (count + 63) / 64 * sizeof(uint64_t);
	if (load_sets(l, a, sets, bytes) < 0)
		return -EFAULT;
	r = kvs_hostcall(SYS_pselect6, count, a[1] ? (uintptr_t)&sets[0] : 0,
		a[2] ? (uintptr_t)&sets[1] : 0, a[3] ? (uintptr_t)&sets[2] : 0, (uintptr_t)timeout,
		0);
	for (int i = 0; r >= 0 && i < 3; i++)
		if (a[1 + i] && kvs_access_store(&l->guest->mm, a[1 + i], &sets[i], bytes) < 0)
			return -EFAULT;
	return r;
}

int64_t kvs_poll_select(struct kvs_linux *l, const uint64_t *a)
{
	struct timespec timeout;
	struct timeval tv;
	int64_t r;

	if (a[4] && kvs_access_load(&l->guest->mm, &tv, a[4], sizeof(tv)) < 0)
		return -EFAULT;
	if (a[4])
		timeout = (struct timespec){ tv.tv_sec + tv.tv_usec / 1000000,
			tv.tv_usec % 1000000 * 1000 };
	r = select_with(l, a, a[4] ? &timeout : NULL);
	if (a[4])
		tv = (struct timeval){ timeout.tv_sec, timeout.tv_nsec / 1000 };
	store_left(l, a[4], &tv, sizeof(tv));
	return r;
}

int64_t kvs_poll_pselect6(struct kvs_linux *l, const uint64_t *a)
{
	struct {
		uint64_t gva, size;
	} mask = { 0, 0 };
	struct timespec timeout;
	int64_t r;

	if (a[4] && kvs_access_load(&l->guest->mm, &timeout, a[4], sizeof(timeout)) < 0)
		return -EFAULT;
	if (a[5] && kvs_access_load(&l->guest->mm, &mask, a[5], sizeof(mask)) < 0)
		return -EFAULT;
	r = kvs_signals_wait_with(l, mask.gva, mask.size);
	if (r == 0)
		r = select_with(l, a, a[4] ? &timeout : NULL);
	store_left(l, a[4], &timeout, sizeof(timeout));
	return r;
}
