/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls at random: numbers that are served and numbers that are not, with arguments that are
 * likely to hurt. What is left out is what ends or blocks the program by rights; what writes to
 * memory finds only memory meant for it.
 *
 *   random-calls SEED COUNT
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	BYTES = 16 * PAGE, /* of each of the two areas */
	MAX_COUNT = 20000,
	ARCH_SET_FS = 0x1002,
};

struct call {
	long number;
	uint64_t args[6];
};

static uint64_t state;
static char *words;  /* full of arguments, for structures; stays as it is mapped */
static char *pages;  /* mapped, unmapped and protected at random; a hole follows */
static void *moment; /* a very short time */

static const char *const paths[] = { "/bin/busybox", "/bin", "/", "..", "/proc/self/exe",
	"/dev/null", "/dev/zero", "/dev/urandom", "/dev/full", "/tmp", "bin/../../x", "",
	"/etc/text", "/etc/link", "/etc/upwards", "/etc/deep/er" };

static const int served[] = { SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_lseek,
	SYS_close, SYS_dup, SYS_dup2, SYS_dup3, SYS_fcntl, SYS_ioctl, SYS_poll, SYS_ppoll,
	SYS_select, SYS_pselect6, SYS_pipe2, SYS_fadvise64, SYS_fsync, SYS_fdatasync, SYS_open,
	SYS_openat, SYS_stat, SYS_lstat, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_access,
	SYS_faccessat, SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_getdents64, SYS_getcwd,
	SYS_chdir, SYS_fchdir, SYS_statfs, SYS_fstatfs, SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect,
	SYS_mremap, SYS_madvise, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_time,
	SYS_times, SYS_nanosleep, SYS_clock_nanosleep, SYS_getitimer, SYS_setitimer, SYS_alarm,
	SYS_getpid, SYS_gettid, SYS_getppid, SYS_getpgrp, SYS_getpgid, SYS_getsid, SYS_getuid,
	SYS_getgid, SYS_geteuid, SYS_getegid, SYS_getgroups, SYS_umask, SYS_uname, SYS_sysinfo,
	SYS_getrusage, SYS_getrlimit, SYS_prlimit64, SYS_getrandom, SYS_sched_yield,
	SYS_sched_getaffinity, SYS_futex, SYS_prctl, SYS_arch_prctl, SYS_set_tid_address,
	SYS_set_robust_list, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigpending,
	SYS_rt_sigtimedwait, SYS_sigaltstack, SYS_kill, SYS_tkill, SYS_tgkill };

static long call_raw(const struct call *c)
{
	register uint64_t r10 __asm__("r10") = c->args[3];
	register uint64_t r8 __asm__("r8") = c->args[4];
	register uint64_t r9 __asm__("r9") = c->args[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(c->number), "D"(c->args[0]), "S"(c->args[1]), "d"(c->args[2]),
			 "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static uint64_t chance(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static uint64_t plain_value(void)
{
	switch (chance(12)) {
	case 0:
		return chance(2);
	case 1:
		return chance(64);
	case 2:
		return chance(PAGE);
	case 3:
		return PAGE * chance(64);
	case 4:
		return UINT64_MAX;
	case 5:
		return -chance(PAGE);
	case 6:
		return chance(UINT64_MAX);
	case 7:
		return 1ull << chance(64);
	case 8:
		return (1ull << chance(64)) - 1;
	case 9:
		return chance(UINT64_MAX) << 32 | chance(8);
	default:
		return chance(8);
	}
}

static uint64_t address(void)
{
	enum { KERNEL_BYTES = 16384 };
	const uint64_t kernel = 0x7fffffff0000;

	switch (chance(8)) {
	case 0:
		return (uintptr_t)pages + chance(BYTES);
	case 1:
		return (uintptr_t)pages + BYTES - chance(64);
	case 2:
		return (uintptr_t)pages + PAGE * chance(16);
	case 3:
		return (uintptr_t)paths[chance(sizeof(paths) / sizeof(*paths))];
	case 4:
		return 0x10000 - chance(16);
	case 5:
		return kernel - chance(16);
	case 6:
		return kernel + chance(KERNEL_BYTES);
	default:
		return (uintptr_t)words + chance(BYTES);
	}
}

static uint64_t value(void)
{
	return chance(2) ? plain_value() : address();
}

static void fill(int count)
{
	for (int i = 0; i < count; i++)
		((volatile uint64_t *)words)[chance(BYTES / 8)] = value();
}

/* Within the pages that may go. */
static void stay_in_pages(struct call *c)
{
	uint64_t first = chance(16);

	c->args[0] = (uintptr_t)pages + first * PAGE;
	c->args[1] = PAGE * (1 + chance(16 - first)) - chance(2);
}

/* What changes memory: only ours, and never so that our own code trips over it. */
static void tame_memory(struct call *c)
{
	switch (c->number) {
	case SYS_mmap:
		c->args[3] &= ~(uint64_t)(MAP_FIXED | MAP_POPULATE);
		if (chance(4) == 0) {
			stay_in_pages(c);
			c->args[3] |= MAP_FIXED;
		}
		break;
	case SYS_mremap:
		c->args[3] &= MREMAP_MAYMOVE;
		/* fallthrough */
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_madvise:
		stay_in_pages(c);
	}
}

/* What waits: not for long. */
static void tame_time(struct call *c)
{
	*(struct timespec *)moment = (struct timespec){ 0, 1000 };
	switch (c->number) {
	case SYS_nanosleep:
		c->args[0] = (uintptr_t)moment;
		break;
	case SYS_clock_nanosleep:
		/* The clocks of processor time stand still meanwhile. */
		if ((uint32_t)c->args[0] == CLOCK_PROCESS_CPUTIME_ID || (int)c->args[0] < 0)
			c->args[0] = CLOCK_MONOTONIC;
		c->args[1] = 0;
		/* fallthrough */
	case SYS_ppoll:
	case SYS_rt_sigtimedwait:
		c->args[2] = (uintptr_t)moment;
		break;
	case SYS_poll:
		c->args[2] = chance(2);
		break;
	case SYS_select:
	case SYS_pselect6:
		c->args[4] = (uintptr_t)moment;
		break;
	case SYS_futex:
		c->args[3] = (uintptr_t)moment;
	}
}

static void tame_signals(struct call *c)
{
	switch (c->number) {
	case SYS_rt_sigaction:
	case SYS_kill:
	case SYS_tkill:
		c->args[1] = 0;
		break;
	case SYS_tgkill:
		c->args[2] = 0;
	}
}

/* Whether a call ends the program or has it wait for ever, which proves nothing. */
static bool is_left_out(const struct call *c)
{
	switch (c->number) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_pipe: /* without O_NONBLOCK */
		return true;
	case SYS_fcntl:
		return (uint32_t)c->args[1] == F_SETFL;
	case SYS_close:
		return (uint32_t)c->args[0] < 3;
	case SYS_close_range:
		return true;
	case SYS_dup2:
	case SYS_dup3:
		return (uint32_t)c->args[1] < 3;
	case SYS_ioctl:
		return (uint32_t)c->args[1] == 0x5421; /* FIONBIO */
	case SYS_arch_prctl:
		return (uint32_t)c->args[0] == ARCH_SET_FS;
	default:
		return false;
	}
}

static void one(void)
{
	struct call c = { .number = chance(8) ? served[chance(sizeof(served) / sizeof(*served))]
					      : (long)chance(600) };

	if (chance(200) == 0)
		fill(64);
	for (int i = 0; i < 6; i++)
		c.args[i] = value();
	if (c.number == SYS_pipe2)
		c.args[1] |= O_NONBLOCK;
	tame_memory(&c);
	tame_time(&c);
	tame_signals(&c);
	if (!is_left_out(&c))
		call_raw(&c);
}

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(99);
	return p;
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 0;

	if (argc < 3 || count > MAX_COUNT)
		return 99;
	state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
	words = map(BYTES);
	pages = map(BYTES + PAGE);
	munmap(pages + BYTES, PAGE);
	moment = map(PAGE);
	signal(SIGALRM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	fill(BYTES / 8);
	while (count-- > 0)
		one();
	_exit(0);
}
