/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on the process itself: identity, limits, the end. */
#include "calls.h"

#include "vmm/hostcall.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum {
	ARCH_SET_GS = 0x1001,
	ARCH_SET_FS = 0x1002,
	PROCESSORS = 1,
	RANDOM_CHUNK_BYTES = 256,
	DEFAULT_STACK_BYTES = 8 << 20,
	/* The kernel's structures end here; the C library's have room behind. */
	RUSAGE_BYTES = 144,
	SYSINFO_BYTES = 112,
};

static int64_t store(struct kvs_linux *l, kvs_gva gva, const void *data, size_t size)
{
	return kvs_access_store(&l->guest->mm, gva, data, size);
}

int64_t kvs_process_exit(struct kvs_linux *l, const uint64_t *a)
{
	kvs_linux_stop_exit(l, (int)a[0]);
	return 0;
}

int64_t kvs_process_nothing(struct kvs_linux *l, const uint64_t *a)
{
	(void)l, (void)a;
	return 0;
}

int64_t kvs_process_getpid(struct kvs_linux *l, const uint64_t *a)
{
	(void)l, (void)a;
	return KVS_LINUX_PID;
}

int64_t kvs_process_getppid(struct kvs_linux *l, const uint64_t *a)
{
	(void)l, (void)a;
	return 0;
}

int64_t kvs_process_getuid(struct kvs_linux *l, const uint64_t *a)
{
	(void)a;
	return l->guest->launch->uid;
}

int64_t kvs_process_getgid(struct kvs_linux *l, const uint64_t *a)
{
	(void)a;
	return l->guest->launch->gid;
}

int64_t kvs_process_getgroups(struct kvs_linux *l, const uint64_t *a)
{
	(void)l, (void)a;
	return 0;
}

int64_t kvs_process_umask(struct kvs_linux *l, const uint64_t *a)
{
	uint32_t old = l->umask;

	l->umask = a[0] & 0777;
	return old;
}

int64_t kvs_process_uname(struct kvs_linux *l, const uint64_t *a)
{
	const char *hostname = l->guest->launch->hostname;
	struct utsname name;

	if (uname(&name) < 0)
		return -errno;
	strncpy(name.nodename, hostname[0] ? hostname : "kvshim", sizeof(name.nodename) - 1);
	return store(l, a[0], &name, sizeof(name));
}

int64_t kvs_process_arch_prctl(struct kvs_linux *l, const uint64_t *a)
{
	if ((a[0] == ARCH_SET_FS || a[0] == ARCH_SET_GS) && a[1] >= KVS_GVA_MAX)
		return -EPERM;
	switch (a[0]) {
	case ARCH_SET_FS:
		return kvs_vcpu_set_fs_base(&l->guest->machine, a[1]);
	case ARCH_SET_GS:
		return kvs_vcpu_set_gs_base(&l->guest->machine, a[1]);
	default:
		return -EINVAL;
	}
}

/* What the payload is told: its own limits where we have some, none elsewhere. */
static struct rlimit limit_of(const struct kvs_linux *l, uint64_t resource)
{
	if (resource == RLIMIT_NOFILE)
		return (struct rlimit){ l->nofile, l->nofile };
	if (resource == RLIMIT_STACK)
		return (struct rlimit){ DEFAULT_STACK_BYTES, RLIM_INFINITY };
	if (resource == RLIMIT_CORE)
		return (struct rlimit){ 0, 0 };
	return (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
}

int64_t kvs_process_getrlimit(struct kvs_linux *l, const uint64_t *a)
{
	struct rlimit limit = limit_of(l, a[0]);

	return a[0] >= RLIM_NLIMITS ? -EINVAL : store(l, a[1], &limit, sizeof(limit));
}

int64_t kvs_process_prlimit64(struct kvs_linux *l, const uint64_t *a)
{
	struct rlimit limit = limit_of(l, a[1]);

	if (a[1] >= RLIM_NLIMITS)
		return -EINVAL;
	if (a[0] != 0 && a[0] != KVS_LINUX_PID)
		return -ESRCH;
	if (a[2])
		return -EPERM;
	return a[3] ? store(l, a[3], &limit, sizeof(limit)) : 0;
}

int64_t kvs_process_getrusage(struct kvs_linux *l, const uint64_t *a)
{
	struct rusage usage;

	if (getrusage((int)a[0], &usage) < 0)
		return -errno;
	return store(l, a[1], &usage, RUSAGE_BYTES);
}

int64_t kvs_process_getrandom(struct kvs_linux *l, const uint64_t *a)
{
	uint8_t chunk[RANDOM_CHUNK_BYTES];
	uint64_t size = a[1] > INT32_MAX ? INT32_MAX : a[1];

	if (a[2] & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | 4 /* GRND_INSECURE */))
		return -EINVAL;
	for (uint64_t done = 0; done < size; done += sizeof(chunk)) {
		size_t n = size - done < sizeof(chunk) ? size - done : sizeof(chunk);

		kvs_guest_random(chunk, n);
		if (store(l, a[0] + done, chunk, n) < 0)
			return done ? (int64_t)done : -EFAULT;
		if (kvs_hostcall_attention())
			return (int64_t)(done + n);
	}
	return (int64_t)size;
}

int64_t kvs_process_sched_getaffinity(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t mask = (1ull << PROCESSORS) - 1;

	if (a[1] < sizeof(mask) || a[1] % sizeof(mask))
		return -EINVAL;
	if (store(l, a[2], &mask, sizeof(mask)) < 0)
		return -EFAULT;
	return sizeof(mask);
}

int64_t kvs_process_sysinfo(struct kvs_linux *l, const uint64_t *a)
{
	const struct kvs_ram *ram = &l->guest->ram;
	struct sysinfo host, info;

	if (sysinfo(&host) < 0)
		return -errno;
	info = (struct sysinfo){
		.uptime = host.uptime,
		.totalram = ram->pages * KVS_PAGE_SIZE,
		.freeram = ram->free_pages * KVS_PAGE_SIZE,
		.procs = 1,
		.mem_unit = 1,
	};
	return store(l, a[0], &info, SYSINFO_BYTES);
}

int64_t kvs_process_prctl(struct kvs_linux *l, const uint64_t *a)
{
	char name[sizeof(l->name)] = "";
	int64_t r;

	switch (a[0]) {
	case PR_SET_NAME:
		r = kvs_access_load_string(&l->guest->mm, name, a[1], sizeof(name));
		if (r == -EFAULT)
			return r;
		name[sizeof(name) - 1] = '\0';
		memcpy(l->name, name, sizeof(name));
		return 0;
	case PR_GET_NAME:
		return store(l, a[1], l->name, sizeof(l->name));
	default:
		return -EINVAL;
	}
}

/* With one thread nobody else can wake us: a wait ends by its value, its timeout, or a signal. */
int64_t kvs_process_futex(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t operation = a[1] & (uint64_t)FUTEX_CMD_MASK;
	struct timespec timeout;
	uint32_t value;

	if (operation == FUTEX_WAKE || operation == FUTEX_WAKE_BITSET)
		return 0;
	if (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	if (kvs_access_load(&l->guest->mm, &value, a[0], sizeof(value)) < 0)
		return -EFAULT;
	if (value != (uint32_t)a[2])
		return -EAGAIN;
	if (a[3] && kvs_access_load(&l->guest->mm, &timeout, a[3], sizeof(timeout)) < 0)
		return -EFAULT;
	return kvs_hostcall(
		SYS_futex, (uintptr_t)&value, a[1], value, a[3] ? (uintptr_t)&timeout : 0, 0, a[5]);
}
