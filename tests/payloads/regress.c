/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was wrong once. Does what its first argument names; prints what it finds wrong, so that no
 * output is success. Calls are made raw where a C library would hide the defect.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long number; /* the second argument: rounds, or MiB */
static volatile int hits, sender;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	hits++;
	sender = info->si_pid;
}

static void handle(int signal)
{
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(signal, &action, NULL) == 0);
}

static sigset_t set_of(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	return set;
}

static bool is_blocked(int signal)
{
	sigset_t now;

	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	return sigismember(&now, signal);
}

static void alarm_after(long first_us, long interval_us)
{
	const struct itimerval timer = { { 0, interval_us }, { 0, first_us } };

	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static char *map(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* ---- numbers and structures ------------------------------------------------------------------ */

/* Descriptors are numbers of 32 bits, whatever stands above them in the register. */
static void wide_descriptors(void)
{
	const uint64_t wide[] = { 0x4000000000000001, 1ull << 40 | 1, 1ull << 32,
		0x8000000000000001 };

	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++) {
		errno = 0;
		CHECK(syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, wide[i], 0) == -1 &&
			errno);
		errno = 0;
		CHECK(syscall(SYS_fchdir, wide[i]) == -1 && errno);
	}
}

static unsigned char buffer[512];

/* Whether a call that fills the buffer's first bytes writes nothing behind them. */
static bool ends_at(size_t bytes, long number_of_call, long first, void *second)
{
	memset(buffer, 0xaa, sizeof(buffer));
	CHECK(syscall(number_of_call, first, second) == 0);
	for (size_t i = bytes; i < sizeof(buffer); i++)
		if (buffer[i] != 0xaa)
			return false;
	return buffer[bytes - 1] != 0xaa;
}

/* The kernel's structures are shorter than what a C library makes of them. */
static void kernel_structures(void)
{
	CHECK(ends_at(112, SYS_sysinfo, (long)buffer, NULL));
	CHECK(ends_at(144, SYS_getrusage, 0, buffer));
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void mapped_again(void)
{
	enum { BYTES = 20480 };

	for (long i = 0; i < number; i++) {
		volatile char *p = map(BYTES);

		for (int at = 0; at < BYTES; at += 4096)
			p[at] = 1;
		CHECK(munmap((void *)(uintptr_t)p, BYTES) == 0);
	}
}

static void discarded_again(void)
{
	volatile char *p = map(4096);

	for (long i = 0; i < number; i++) {
		p[0] = 1;
		CHECK(madvise((void *)(uintptr_t)p, 4096, MADV_DONTNEED) == 0);
		CHECK(p[0] == 0 || i % 100);
	}
}

/* Room for a long read is not room taken: only what was read is. */
static void short_read(void)
{
	size_t bytes = (size_t)number << 20;
	char *first = map(bytes), *second = map(bytes);

	CHECK(read(0, first, bytes) == 6 && memcmp(first, "short\n", 6) == 0);
	for (size_t at = 0; at < bytes; at += 4096)
		((volatile char *)second)[at] = 1;
}

static void discarded_file(void)
{
	int fd = open("/etc/text", O_RDONLY);
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char text[1];

	CHECK(p != MAP_FAILED && pread(fd, text, 1, 4096) == 1);
	CHECK(memcmp(p, "line 0001\n", 10) == 0 && p[4096] == text[0]);
	p[0] = p[4096] = 99;
	CHECK(p[0] == 99 && p[4096] == 99);
	CHECK(madvise(p, 8192, MADV_DONTNEED) == 0);
	CHECK(memcmp(p, "line 0001\n", 10) == 0 && p[4096] == text[0]);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void opened(void)
{
	int fds[2];

	CHECK(open("/bin", O_PATH) >= 0);
	CHECK(open("/etc/text", O_RDONLY | O_CREAT, 0600) >= 0);
	FAILS(open("/etc/text", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	FAILS(open("/bin", O_RDWR), EISDIR);
	CHECK(pipe(fds) == 0);
	FAILS((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fds[0], 0), ENODEV);
}

/* More microseconds than there are in a second: Linux takes them for select(). */
static void long_microseconds(void)
{
	struct timeval tv = { 0, 1500000 };
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK(syscall(SYS_select, 0, NULL, NULL, NULL, &tv) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >=
		1499);
}

/* A regular file is read to the end whatever signals come. */
static void unbroken_reads(void)
{
	int fd = open("/etc/text", O_RDONLY);
	char text[512];
	long broken = 0;

	handle(SIGALRM);
	alarm_after(1000, 1000);
	for (long i = 0; i < number; i++)
		broken +=
			lseek(fd, 0, SEEK_SET) != 0 || read(fd, text, sizeof(text)) != sizeof(text);
	alarm_after(0, 0);
	CHECK(broken == 0 && hits > 0);
}

/* ---- signals --------------------------------------------------------------------------------- */

static int wait_ppoll(const sigset_t *mask)
{
	struct timespec limit = { 2, 0 };

	return ppoll(NULL, 0, &limit, mask);
}

static int wait_pselect(const sigset_t *mask)
{
	struct timespec limit = { 2, 0 };

	return pselect(0, NULL, NULL, NULL, &limit, mask);
}

/* The mask of the call lets the signal in, and is gone afterwards. */
static void masked(int (*wait)(const sigset_t *))
{
	sigset_t block = set_of(SIGALRM), none;

	sigemptyset(&none);
	handle(SIGALRM);
	CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
	alarm_after(200000, 0);
	FAILS(wait(&none), EINTR);
	CHECK(hits == 1 && is_blocked(SIGALRM));
	CHECK(raise(SIGALRM) == 0 && hits == 1);
}

static void masked_ppoll(void)
{
	masked(wait_ppoll);
}

static void masked_pselect(void)
{
	masked(wait_pselect);
}

/* The C library keeps the first three for itself: their action is copied from another's. */
static void first_real_time(void)
{
	uint64_t action[4];

	handle(SIGUSR1);
	CHECK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, action, 8) == 0);
	for (int i = 32; i < 35; i++) {
		hits = 0;
		CHECK(syscall(SYS_rt_sigaction, i, action, NULL, 8) == 0);
		CHECK(kill(getpid(), i) == 0 && hits == 1);
	}
}

static void last_real_time(void)
{
	sigset_t block = set_of(64);

	CHECK(signal(64, SIG_IGN) != SIG_ERR && raise(64) == 0);
	handle(64);
	CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0 && raise(64) == 0 && hits == 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &block, NULL) == 0 && hits == 1);
}

static void sent_by_self(void)
{
	handle(SIGUSR1);
	CHECK(raise(SIGUSR1) == 0 && hits == 1 && sender == getpid());
}

static void stopped(void)
{
	kill(getpid(), SIGSTOP);
	for (volatile int i = 0;; i++)
		;
}

static const struct {
	const char *name;
	void (*run)(void);
} behaviours[] = {
#define B(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}
	B(wide_descriptors),
	B(kernel_structures),
	B(mapped_again),
	B(discarded_again),
	B(short_read),
	B(discarded_file),
	B(opened),
	B(long_microseconds),
	B(unbroken_reads),
	B(masked_ppoll),
	B(masked_pselect),
	B(first_real_time),
	B(last_real_time),
	B(sent_by_self),
	B(stopped),
#undef B
};

int main(int argc, char **argv)
{
	number = argc > 2 ? atol(argv[2]) : 0;
	for (size_t i = 0; argc > 1 && i < sizeof(behaviours) / sizeof(*behaviours); i++)
		if (strcmp(behaviours[i].name, argv[1]) == 0) {
			behaviours[i].run();
			return 0;
		}
	puts("unknown behaviour");
	return 99;
}
