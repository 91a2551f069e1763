/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on time: the host's clocks, as they are. */
#include "calls.h"

#include "vmm/hostcall.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static int64_t store(struct kvs_linux *l, kvs_gva gva, const void *data, size_t size)
{
	return kvs_access_store(&l->guest->mm, gva, data, size);
}

/* Clocks of the host by number; a negative number names another process's. */
static bool is_clock(uint64_t clock)
{
	return (int)clock >= 0;
}

int64_t kvs_time_clock_gettime(struct kvs_linux *l, const uint64_t *a)
{
	struct timespec now;

	if (!is_clock(a[0]) || clock_gettime((clockid_t)a[0], &now) < 0)
		return -EINVAL;
	return store(l, a[1], &now, sizeof(now));
}

int64_t kvs_time_clock_getres(struct kvs_linux *l, const uint64_t *a)
{
	struct timespec resolution;

	if (!is_clock(a[0]) || clock_getres((clockid_t)a[0], &resolution) < 0)
		return -EINVAL;
	return a[1] ? store(l, a[1], &resolution, sizeof(resolution)) : 0;
}

int64_t kvs_time_gettimeofday(struct kvs_linux *l, const uint64_t *a)
{
	struct timezone zone = { 0 };
	struct timeval now;

	gettimeofday(&now, NULL);
	if (a[0] && store(l, a[0], &now, sizeof(now)) < 0)
		return -EFAULT;
	return a[1] ? store(l, a[1], &zone, sizeof(zone)) : 0;
}

int64_t kvs_time_time(struct kvs_linux *l, const uint64_t *a)
{
	time_t now = time(NULL);

	if (a[0] && store(l, a[0], &now, sizeof(now)) < 0)
		return -EFAULT;
	return now;
}

int64_t kvs_time_times(struct kvs_linux *l, const uint64_t *a)
{
	struct tms tms;
	clock_t ticks = times(&tms);

	if (a[0] && store(l, a[0], &tms, sizeof(tms)) < 0)
		return -EFAULT;
	return ticks;
}

static int64_t sleep_on(
	struct kvs_linux *l, uint64_t clock, uint64_t flags, kvs_gva request, kvs_gva remaining)
{
	struct timespec want, left;
	int64_t r;

	if (!is_clock(clock))
		return -EINVAL;
	if (kvs_access_load(&l->guest->mm, &want, request, sizeof(want)) < 0)
		return -EFAULT;
	left = want; /* of a sleep that a signal keeps from beginning */
	r = kvs_hostcall(
		SYS_clock_nanosleep, clock, flags, (uintptr_t)&want, (uintptr_t)&left, 0, 0);
	if ((r == -EINTR || r == -ERESTART) && remaining && !(flags & TIMER_ABSTIME) &&
		store(l, remaining, &left, sizeof(left)) < 0)
		return -EFAULT;
	return r;
}

int64_t kvs_time_nanosleep(struct kvs_linux *l, const uint64_t *a)
{
	return sleep_on(l, CLOCK_MONOTONIC, 0, a[0], a[1]);
}

int64_t kvs_time_clock_nanosleep(struct kvs_linux *l, const uint64_t *a)
{
	return sleep_on(l, (uint32_t)a[0], a[1] & TIMER_ABSTIME, a[2], a[3]);
}

int64_t kvs_time_alarm(struct kvs_linux *l, const uint64_t *a)
{
	(void)l;
	return alarm((unsigned int)a[0]);
}

int64_t kvs_time_setitimer(struct kvs_linux *l, const uint64_t *a)
{
	struct itimerval value, old;

	if (kvs_access_load(&l->guest->mm, &value, a[1], sizeof(value)) < 0)
		return -EFAULT;
	if (setitimer((int)a[0], &value, &old) < 0)
		return -errno;
	return a[2] ? store(l, a[2], &old, sizeof(old)) : 0;
}

int64_t kvs_time_getitimer(struct kvs_linux *l, const uint64_t *a)
{
	struct itimerval value;

	if (getitimer((int)a[0], &value) < 0)
		return -errno;
	return store(l, a[1], &value, sizeof(value));
}
