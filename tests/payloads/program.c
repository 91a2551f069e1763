/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordinary program, as people link them: with a C library, statically. Does what its first
 * argument names; prints what it finds wrong, so that no output but the expected is success.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char **arguments;

static void show_start(void)
{
	for (char **a = arguments; *a; a++)
		printf("%s\n", *a);
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
}

static void auxv(void)
{
	const char *random = (const char *)getauxval(AT_RANDOM);
	bool is_zero = true;

	CHECK(getauxval(AT_PAGESZ) == 4096);
	CHECK(getauxval(AT_PHDR) != 0 && getauxval(AT_PHNUM) > 0 && getauxval(AT_PHENT) == 56);
	CHECK(*(const uint32_t *)getauxval(AT_PHDR) <= 0x70000000);
	CHECK(getauxval(AT_ENTRY) != 0);
	CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
	CHECK(getauxval(AT_SECURE) == 0);
	CHECK(getauxval(AT_CLKTCK) == 100);
	CHECK(strcmp((const char *)getauxval(AT_EXECFN), arguments[0]) == 0);
	CHECK(strcmp((const char *)getauxval(AT_PLATFORM), "x86_64") == 0);
	for (int i = 0; i < 16; i++)
		is_zero = is_zero && !random[i];
	CHECK(!is_zero);
}

/* Differs from run to run: canary and pointer guard come from here, and where things lie. */
static void show_random(void)
{
	const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM);

	for (int i = 0; i < 16; i++)
		printf("%02x", random[i]);
	printf(" %p %p\n", (void *)&random,
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void memory(void)
{
	char *blocks[200];
	char *large;

	for (size_t i = 0; i < 200; i++) {
		blocks[i] = malloc(i * 997 + 1);
		CHECK(blocks[i]);
		memset(blocks[i], (int)i, i * 997 + 1);
	}
	for (size_t i = 0; i < 200; i += 2)
		free(blocks[i]);
	for (size_t i = 1; i < 200; i += 2)
		CHECK(blocks[i][0] == (char)i && blocks[i][i * 997] == (char)i);
	large = calloc(1, 20 << 20);
	CHECK(large && large[0] == 0 && large[(20 << 20) - 1] == 0);
	memset(large, 1, 20 << 20);
	large = realloc(large, 40 << 20);
	CHECK(large && large[0] == 1 && large[(20 << 20) - 1] == 1);
	free(large);
	FAILS((intptr_t)mmap(
		      NULL, 1ul << 40, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		ENOMEM);
}

static double volatile one = 1.0;

static void floating(void)
{
	double sum = 0;
	float product = 1;

	for (int i = 1; i <= 1000; i++) {
		sum += one / i;
		product *= 1.001f;
	}
	printf("%.12f %.4f %s\n", sum, product, __builtin_cpu_supports("sse2") ? "sse2" : "?");
}

static void files(void)
{
	char text[32] = "", target[64] = "";
	struct stat st, at;
	struct iovec iov[2] = { { text, 4 }, { text + 4, 5 } };
	int fd = open("/etc/text", O_RDONLY), copy;

	CHECK(fd == 3);
	CHECK(read(fd, text, 9) == 9 && memcmp(text, "line 0001", 9) == 0);
	CHECK(lseek(fd, 10, SEEK_SET) == 10 && readv(fd, iov, 2) == 9);
	CHECK(memcmp(text, "line 0002", 9) == 0);
	CHECK(pread(fd, text, 9, 20) == 9 && memcmp(text, "line 0003", 9) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == 10000 && read(fd, text, 1) == 0);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 10000);
	CHECK(stat("/etc/text", &at) == 0 && at.st_ino == st.st_ino);
	copy = dup(fd);
	CHECK(copy == 4 && lseek(copy, 5, SEEK_SET) == 5 && lseek(fd, 0, SEEK_CUR) == 5);
	CHECK(dup2(fd, 10) == 10 && close(copy) == 0 && close(10) == 0);
	FAILS(close(10), EBADF);
	CHECK(fcntl(fd, F_GETFL) >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK(close(fd) == 0);
	FAILS(read(fd, text, 1), EBADF);
	FAILS(open("/etc/none", O_RDONLY), ENOENT);
	FAILS(open("/etc/text/none", O_RDONLY), ENOTDIR);
	FAILS(open("", O_RDONLY), ENOENT);
	CHECK(lstat("/etc/link", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(stat("/etc/link", &st) == 0 && S_ISREG(st.st_mode));
	CHECK(readlink("/etc/link", target, sizeof(target)) == 4 && strcmp(target, "text") == 0);
	FAILS(readlink("/etc/text", target, sizeof(target)), EINVAL);
	FAILS(open("/etc/link", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK(access("/etc/text", R_OK) == 0);
	FAILS(access("/etc/none", F_OK), ENOENT);
}

static void readonly_files(void)
{
	char text[8];

	FAILS(open("/etc/text", O_WRONLY), EROFS);
	FAILS(open("/etc/text", O_RDWR), EROFS);
	FAILS(open("/etc/new", O_WRONLY | O_CREAT, 0600), EROFS);
	FAILS(open("/etc/text", O_RDONLY | O_TRUNC), EROFS);
	FAILS(access("/etc/text", W_OK), EROFS);
	CHECK(open("/etc/text", O_RDONLY) == 3);
	FAILS(write(3, "x", 1), EBADF);
	CHECK(read(3, text, 4) == 4 && memcmp(text, "line", 4) == 0);
}

/* What lies outside the root must not be found by any spelling. */
static void confined(void)
{
	static const char *const outside[] = { "../outside", "/../outside", "../../../../outside",
		"/etc/../../outside", "/etc/up", "/etc/absolute", "/etc/upwards/outside",
		"/proc/self/root/etc/passwd", "/proc/1/root/etc/passwd", "/proc/self/cwd",
		"/proc/self/fd/0", "/proc/version", "/dev/kvm", "/sys/kernel" };
	char path[PATH_MAX];
	struct stat st;
	int fd;

	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		FAILS(open(outside[i], O_RDONLY), ENOENT);
		FAILS(open(outside[i], O_PATH), ENOENT);
		FAILS(stat(outside[i], &st), ENOENT);
		FAILS(chdir(outside[i]), ENOENT);
	}
	fd = open("/", O_RDONLY | O_DIRECTORY);
	CHECK(fd == 3);
	FAILS(openat(fd, "../outside", O_RDONLY), ENOENT);
	CHECK(openat(fd, "../../etc/text", O_RDONLY) == 4);
	CHECK(chdir("..") == 0 && getcwd(path, sizeof(path)) && strcmp(path, "/") == 0);
	CHECK(chdir("/etc/upwards") == 0 && getcwd(path, sizeof(path)) && strcmp(path, "/") == 0);
	CHECK(fchdir(fd) == 0);
	/* Descriptors that are the VMM's, and numbers that are nobody's. */
	for (int n = 5; n < 4096; n++)
		FAILS(fcntl(n, F_GETFD), EBADF);
	FAILS(read(INT_MAX, path, 1), EBADF);
	FAILS(read(-1, path, 1), EBADF);
	FAILS(dup2(0, 1 << 20), EBADF);
	FAILS(dup2(0, 1024), EBADF);
	FAILS(fcntl(0, F_DUPFD, 1024), EINVAL);
}

static void descriptors(void)
{
	for (int n = 3; n < 4096; n++)
		FAILS(fcntl(n, F_GETFD), EBADF);
}

static void directories(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int names = 0;
	DIR *dir;

	CHECK(getcwd(path, sizeof(path)) && strcmp(path, "/") == 0);
	CHECK(chdir("/etc/deep/er") == 0);
	CHECK(getcwd(path, sizeof(path)) && strcmp(path, "/etc/deep/er") == 0);
	FAILS((intptr_t)(getcwd(path, 5) ? 0 : -1), ERANGE);
	CHECK(chdir("..") == 0 && getcwd(path, sizeof(path)) && strcmp(path, "/etc/deep") == 0);
	CHECK(access("er/file", F_OK) == 0);
	FAILS(chdir("/etc/text"), ENOTDIR);
	FAILS(chdir("/none"), ENOENT);
	CHECK(chdir("/etc/shallow") == 0); /* a symlink to deep/er */
	CHECK(getcwd(path, sizeof(path)) && strcmp(path, "/etc/deep/er") == 0);
	dir = opendir("/etc/deep");
	CHECK(dir);
	while (dir && (entry = readdir(dir)))
		names += strcmp(entry->d_name, "er") == 0 || entry->d_name[0] == '.' ? 1 : 100;
	CHECK(names == 3);
	CHECK(dir && fchdir(dirfd(dir)) == 0 && access("er", F_OK) == 0);
}

static void devices(void)
{
	char data[600], other[600];
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
	int full = open("/dev/full", O_RDWR), random = open("/dev/urandom", O_RDONLY);

	memset(data, 1, sizeof(data));
	CHECK(write(null, data, 600) == 600 && read(null, data, 600) == 0);
	CHECK(read(zero, data, 600) == 600 && data[0] == 0 && data[599] == 0);
	FAILS(write(full, data, 1), ENOSPC);
	CHECK(read(random, data, 600) == 600 && read(random, other, 600) == 600);
	CHECK(memcmp(data, other, 600) != 0 && memcmp(data + 300, data, 300) != 0);
	CHECK(getrandom(data, 600, 0) == 600 && memcmp(data, other, 600) != 0);
	FAILS(getrandom(data, 1, 0x80), EINVAL);
}

static void pipes(void)
{
	struct pollfd p;
	char text[8];
	int fds[2];

	CHECK(pipe(fds) == 0);
	CHECK(write(fds[1], "hello", 5) == 5 && read(fds[0], text, 8) == 5);
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	CHECK(poll(&p, 1, 0) == 0);
	CHECK(poll(&p, 1, 20) == 0);
	CHECK(write(fds[1], "x", 1) == 1 && poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	p.fd = 99;
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLNVAL);
	close(fds[1]);
	CHECK(read(fds[0], text, 8) == 1 && read(fds[0], text, 8) == 0);
}

static void pointers(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const uint64_t bad[] = { 0, 8, 0xffff, 0x20000, 0x7fffffff0000, 0x7fffffff1000,
		0x7fffffff3ff8, 0x7ffffffff000, 0x800000000000, 0x8000000000000000,
		0xffff888000000000, 0xfffffffffffff000, 0xfffffffffffffff8, 0xffffffffffffffff };
	char *end = page + 4096;
	char name[] = "x";
	int fds[2], file = open("/etc/text", O_RDONLY);
	struct iovec iov[3];

	CHECK(munmap(end, 4096) == 0 && pipe(fds) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		void *p = (void *)bad[i];

		FAILS(syscall(SYS_write, fds[1], p, 8), EFAULT);
		FAILS(syscall(SYS_read, file, p, 8), EFAULT);
		FAILS(syscall(SYS_open, p, O_RDONLY), EFAULT);
		FAILS(syscall(SYS_stat, "/etc/text", p), EFAULT);
		FAILS(syscall(SYS_getcwd, p, 64), EFAULT);
		FAILS(syscall(SYS_writev, fds[1], p, 1), EFAULT);
		FAILS(syscall(SYS_uname, p), EFAULT);
		FAILS(syscall(SYS_clock_gettime, 0, p), EFAULT);
		FAILS(syscall(SYS_pipe, p), EFAULT);
		FAILS(syscall(SYS_getrandom, p, 8, 0), EFAULT);
		FAILS(syscall(SYS_nanosleep, p, 0), EFAULT);
		if (p)
			FAILS(syscall(SYS_rt_sigaction, SIGUSR1, p, 0, 8), EFAULT);
		FAILS(syscall(SYS_poll, p, 1, 0), EFAULT);
		FAILS(syscall(SYS_getdents64, open("/etc", O_RDONLY | O_DIRECTORY), p, 600),
			EFAULT);
	}
	/* Up to the last byte, and one beyond. */
	strcpy(end - 10, "/etc/text");
	CHECK(open(end - 10, O_RDONLY) >= 0);
	end[-1] = 'x';
	FAILS(open(end - 10, O_RDONLY), EFAULT);
	CHECK(write(fds[1], end - 5, 5) == 5);
	CHECK(write(fds[1], end - 5, 100) == 5);
	CHECK(read(file, end - 5, 100) == 5);
	FAILS(syscall(SYS_stat, "/etc/text", end - 8), EFAULT);
	/* Reading from what may not be read, writing to what may not be written. */
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	FAILS(read(file, page, 8), EFAULT);
	CHECK(write(fds[1], page, 8) == 8);
	CHECK(mprotect(page, 4096, PROT_NONE) == 0);
	FAILS(write(fds[1], page, 8), EFAULT);
	FAILS(read(file, (void *)(uintptr_t)pointers, 8), EFAULT);
	/* Vectors: of lengths that overflow, more than there may be, half of them good. */
	iov[0] = (struct iovec){ name, 1 };
	iov[1] = (struct iovec){ NULL, 5 };
	CHECK(writev(fds[1], iov, 2) == 1);
	iov[1] = (struct iovec){ NULL, 0 };
	iov[2] = (struct iovec){ name, 1 };
	CHECK(writev(fds[1], iov, 3) == 2);
	iov[1] = (struct iovec){ name, SIZE_MAX };
	FAILS(writev(fds[1], iov, 2), EINVAL);
	FAILS(writev(fds[1], iov, 1025), EINVAL);
	FAILS(writev(fds[1], iov, -1), EINVAL);
	CHECK(writev(fds[1], iov, 0) == 0);
	FAILS(open((char *)(uintptr_t)memset(malloc(5000), 'a', 5000), O_RDONLY), ENAMETOOLONG);
}

static void times(void)
{
	struct timespec a, b, wait = { 0, 30000000 };
	struct timeval tv;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(nanosleep(&wait, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 30000000);
	CHECK(gettimeofday(&tv, NULL) == 0 && tv.tv_sec > 1500000000);
	CHECK(time(NULL) - tv.tv_sec <= 1);
	FAILS(clock_gettime(9999, &a), EINVAL);
	FAILS(clock_gettime(-7, &a), EINVAL);
	wait.tv_nsec = 1000000000;
	FAILS(nanosleep(&wait, NULL), EINVAL);
	CHECK(clock() != (clock_t)-1);
}

static void identity(void)
{
	struct utsname name;
	struct rlimit limit;

	CHECK(getpid() == 1 && getppid() == 0);
	CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0);
	CHECK(uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0);
	CHECK(strcmp(name.machine, "x86_64") == 0);
	printf("%s\n", name.nodename);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 1024);
	CHECK(isatty(0) == 0 && errno == ENOTTY);
	CHECK(fork() == -1 && errno == ENOSYS);
}

static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t last_signal;
static siginfo_t last_info;

static void on_signal(int number)
{
	signals_seen++;
	last_signal = number;
}

static void on_info(int number, siginfo_t *info, void *context)
{
	(void)context;
	on_signal(number);
	last_info = *info;
}

static void catch (int number, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO | flags };

	CHECK(sigaction(number, &sa, NULL) == 0);
}

/* Registers, flags and floating point as they were, whatever the handler does. */
static void on_spoil(int number)
{
	volatile double x = 3.25;

	signals_seen += number == SIGUSR1;
	for (int i = 0; i < 100; i++)
		x = x * 1.5 + 1;
	__asm__ volatile("std; cld; xorps %%xmm0, %%xmm0; xorps %%xmm7, %%xmm7; fninit"
			 :
			 :
			 : "xmm0", "xmm7");
}

static void raised(void)
{
	struct sigaction old;
	sigset_t set;
	double kept = 0.1;

	signal(SIGUSR1, on_spoil);
	for (int i = 0; i < 50; i++) {
		kept += 0.5;
		CHECK(raise(SIGUSR1) == 0);
	}
	CHECK(signals_seen == 50 && kept == 25.1);
	catch (SIGUSR2, 0);
	CHECK(sigaction(SIGUSR2, NULL, &old) == 0 && old.sa_sigaction == on_info);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(kill(getpid(), SIGUSR2) == 0 && signals_seen == 50);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(signals_seen == 51 && last_info.si_signo == SIGUSR2);
	catch (SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
	signal(SIGTERM, SIG_IGN);
	CHECK(raise(SIGTERM) == 0 && raise(SIGCHLD) == 0);
	FAILS(kill(2, SIGTERM), ESRCH);
	FAILS(kill(getpid(), 99), EINVAL);
	CHECK(kill(getpid(), 0) == 0);
	FAILS(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), EINVAL);
}

static void alarms(void)
{
	struct timespec wait = { 5, 0 }, left = { 0 };
	struct itimerval timer = { .it_value.tv_usec = 50000 };
	sigset_t set, old;
	char byte;
	int fds[2];

	catch (SIGALRM, 0);
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	FAILS(nanosleep(&wait, &left), EINTR);
	CHECK(left.tv_sec == 4 && signals_seen == 1);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, &old);
	setitimer(ITIMER_REAL, &timer, NULL);
	usleep(80000);
	CHECK(signals_seen == 1);
	FAILS(sigsuspend(&old), EINTR);
	CHECK(signals_seen == 2);
	CHECK(sigprocmask(SIG_SETMASK, &old, &set) == 0 && sigismember(&set, SIGALRM));
	setitimer(ITIMER_REAL, &timer, NULL);
	FAILS(pause(), EINTR);
	CHECK(pipe(fds) == 0 && signals_seen == 3);
	setitimer(ITIMER_REAL, &timer, NULL);
	FAILS(read(fds[0], &byte, 1), EINTR);
	CHECK(signals_seen == 4 && alarm(100) == 0 && alarm(0) > 90);
}

static int pipe_to_fill;

static void on_alarm_write(int number)
{
	on_signal(number);
	CHECK(write(pipe_to_fill, "w", 1) == 1);
}

static void restarted(void)
{
	struct itimerval timer = { .it_value.tv_usec = 50000 };
	struct sigaction sa = { .sa_handler = on_alarm_write, .sa_flags = SA_RESTART };
	char byte = 0;
	int fds[2];

	CHECK(pipe(fds) == 0);
	pipe_to_fill = fds[1];
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK(read(fds[0], &byte, 1) == 1 && byte == 'w' && signals_seen == 1);
}

/* A handler while the program computes, with no system call to be seen at. */
static void interrupted_loop(void)
{
	struct itimerval timer = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 };
	uint64_t turns = 0;

	catch (SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (signals_seen < 5)
		turns++;
	CHECK(turns > 5);
}

static sigjmp_buf back;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	last_signal = number;
	last_info = *info;
	siglongjmp(back, 1);
}

static void catch_fault(int number, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | flags };

	CHECK(sigaction(number, &sa, NULL) == 0);
}

static void faults(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	catch_fault(SIGSEGV, 0);
	catch_fault(SIGFPE, 0);
	catch_fault(SIGILL, 0);
	for (int i = 0; i < 20; i++) {
		if (!sigsetjmp(back, 1))
			*(volatile char *)0x1234 = 1;
		CHECK(last_signal == SIGSEGV && last_info.si_addr == (void *)0x1234);
		CHECK(last_info.si_code == SEGV_MAPERR);
		if (!sigsetjmp(back, 1))
			*(volatile char *)(page + 9) = 1;
		CHECK(last_info.si_addr == page + 9 && last_info.si_code == SEGV_ACCERR);
		if (!sigsetjmp(back, 1))
			__asm__ volatile("cli");
		CHECK(last_info.si_code == SI_KERNEL);
		if (!sigsetjmp(back, 1))
			__asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx");
		CHECK(last_signal == SIGFPE && last_info.si_code == FPE_INTDIV);
		if (!sigsetjmp(back, 1))
			__asm__ volatile("ud2");
		CHECK(last_signal == SIGILL);
		last_signal = 0;
	}
}

static void on_mend(int number, siginfo_t *info, void *context)
{
	signals_seen += number == SIGSEGV;
	(void)context;
	mprotect((void *)((uintptr_t)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
}

/* What garbage collectors do: let it fault, mend it in the handler, go on. */
static void mended(void)
{
	struct sigaction sa = { .sa_sigaction = on_mend, .sa_flags = SA_SIGINFO };
	char *pages =
		mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 8; i++)
		pages[i * 4096] = (char)i;
	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0 && mprotect(pages, 8 * 4096, PROT_NONE) == 0);
	for (int i = 0; i < 8; i++) {
		CHECK(((volatile char *)pages)[i * 4096] == i);
		((volatile char *)pages)[i * 4096 + 1] = 1;
	}
	CHECK(signals_seen == 8);
}

#if __GNUC__ >= 12
#pragma GCC diagnostic ignored "-Winfinite-recursion"
#endif
static __attribute__((noinline)) int recurse(int n)
{
	volatile char room[5000];

	room[n % 5000] = 1;
	return recurse(n + 1) + room[n % 5000];
}

static void overflow_caught(void)
{
	static char stack[65536];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	CHECK(sigaltstack(&alt, NULL) == 0);
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == stack && old.ss_flags == 0);
	catch_fault(SIGSEGV, SA_ONSTACK);
	for (int i = 0; i < 3; i++) {
		last_signal = 0;
		if (!sigsetjmp(back, 1))
			recurse(0);
		CHECK(last_signal == SIGSEGV);
	}
}

/* Without a stack for the handler there is no handler. */
static void overflow_uncaught(void)
{
	catch_fault(SIGSEGV, 0);
	recurse(0);
}

static void fault_in_handler(int number)
{
	(void)number;
	*(volatile char *)0 = 1;
}

static void fault_twice(void)
{
	signal(SIGSEGV, fault_in_handler);
	*(volatile char *)8 = 1;
}

/* A forged signal frame must give nothing that ring 3 has not got. */
static void forged_return(uint64_t rip, uint64_t rflags)
{
	static struct {
		ucontext_t uc;
		char room[4096];
	} frame;
	static char stack[65536];
	greg_t *r = frame.uc.uc_mcontext.gregs;

	r[REG_RIP] = (greg_t)rip;
	r[REG_RSP] = (greg_t)(stack + sizeof(stack) - 64);
	r[REG_EFL] = (greg_t)rflags;
	r[REG_CSGSFS] = 0x10 | 0x18ll << 48;
	fflush(stdout);
	__asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall" : : "r"(&frame) : "memory");
}

static void go_on(void)
{
	__asm__ volatile("cli");
}

static void forged_flags(void)
{
	forged_return((uint64_t)(uintptr_t)go_on, 0xffffffffffffffff & ~0x100ull);
}

static void forged_address(void)
{
	forged_return(0x8000000000000000, 0x202);
}

static void forged_kernel(void)
{
	forged_return(0xffffffff81000000, 0x202);
}

static void forged_init(void)
{
	forged_return(0x7fffffff0000, 0x202);
}

static void forged_nowhere(void)
{
	__asm__ volatile("mov $0x10, %%esp; mov $15, %%eax; syscall" : : : "memory");
}

static void write_until_error(void)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	for (;;)
		if (write(1, text, sizeof(text)) < 0)
			_exit(errno == EPIPE ? 32 : errno);
}

static void broken_pipe_ignored(void)
{
	signal(SIGPIPE, SIG_IGN);
	write_until_error();
}

static void on_term(int number)
{
	(void)!write(1, "handled\n", 8);
	_exit(number);
}

static void wait_for_term(void)
{
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	signal(SIGHUP, on_term);
	signal(SIGQUIT, on_term);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}

static void wait_default(void)
{
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}

static void read_term(void)
{
	char byte;

	signal(SIGTERM, on_term);
	(void)!write(1, "ready\n", 6);
	while (read(0, &byte, 1) > 0)
		;
}

static void copy(void)
{
	static char buffer[1 << 16];
	ssize_t n;

	while ((n = read(0, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0, wrote; at < n; at += wrote) {
			wrote = write(1, buffer + at, (size_t)(n - at));
			if (wrote < 0)
				_exit(errno);
		}
}

static void abort_now(void)
{
	abort();
}

static void raise_kill(void)
{
	raise(SIGKILL);
}

static void print_all(void)
{
	fprintf(stdout, "to stdout\n");
	fprintf(stderr, "to stderr\n");
}

static const struct {
	const char *name;
	void (*run)(void);
} behaviours[] = {
#define B(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}
	B(show_start),
	B(auxv),
	B(show_random),
	B(memory),
	B(floating),
	B(files),
	B(readonly_files),
	B(confined),
	B(descriptors),
	B(directories),
	B(devices),
	B(pipes),
	B(pointers),
	B(times),
	B(identity),
	B(raised),
	B(alarms),
	B(restarted),
	B(interrupted_loop),
	B(faults),
	B(mended),
	B(overflow_caught),
	B(overflow_uncaught),
	B(fault_twice),
	B(forged_flags),
	B(forged_address),
	B(forged_kernel),
	B(forged_init),
	B(forged_nowhere),
	B(write_until_error),
	B(broken_pipe_ignored),
	B(wait_for_term),
	B(wait_default),
	B(read_term),
	B(copy),
	B(abort_now),
	B(raise_kill),
	B(print_all),
#undef B
};

int main(int argc, char **argv)
{
	arguments = argv;
	for (size_t i = 0; argc > 1 && i < sizeof(behaviours) / sizeof(*behaviours); i++)
		if (strcmp(behaviours[i].name, argv[1]) == 0) {
			behaviours[i].run();
			return 0;
		}
	puts("unknown behaviour");
	return 99;
}
