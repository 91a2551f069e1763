/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcall.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	SIGNALS = 64,
	SIGSET_BYTES = SIGNALS / 8,
};

#define RESTORER 0x04000000ul /* SA_RESTORER, which the C library keeps to itself */

/*
 * What the signal handler shares with the vCPU thread. A handler has no argument of its own, so
 * this is the one place in the VMM with state that is not passed.
 */
_Atomic uint32_t kvs_hostcall_pending; /* read by the assembly: leave, do not call */
static volatile uint8_t *immediate_exit;
static _Atomic uint64_t caught; /* bit n-1: signal n waits for the payload */
static _Atomic bool deadline_passed;
static bool has_deadline;
static siginfo_t infos[SIGNALS + 1];
static const char deadline_mark;

extern const char kvs_hostcall_begin[], kvs_hostcall_end[], kvs_hostcall_abort[];
extern const char kvs_hostcall_restore[];

/* Raised by the kernel for what this process itself did: a bug of ours, not for the payload. */
static bool is_own_fault(int signal, const siginfo_t *info)
{
	const bool is_synchronous = signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ||
				    signal == SIGFPE || signal == SIGTRAP || signal == SIGSYS;

	return is_synchronous && info->si_code > 0;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP];

	if (is_own_fault(signal, info)) {
		kvs_hostcall_default(signal);
		return; /* to the same instruction, which now ends us */
	}
	if (info->si_code == SI_TIMER && info->si_value.sival_ptr == &deadline_mark) {
		deadline_passed = true;
	} else {
		infos[signal] = *info;
		caught |= 1ull << (signal - 1);
	}
	kvs_hostcall_pending = 1;
	*immediate_exit = 1;
	if (*rip >= (greg_t)kvs_hostcall_begin && *rip < (greg_t)kvs_hostcall_end)
		*rip = (greg_t)kvs_hostcall_abort;
}

void kvs_hostcall_init(volatile uint8_t *exit_flag)
{
	immediate_exit = exit_flag;
}

/* The kernel's own call: sigaction(3) keeps signals 32 to 34 for the C library's threads. */
static int set_action(int signal, uintptr_t handler)
{
	const struct {
		uintptr_t handler, flags, restorer;
		uint64_t mask;
	} action = { handler, SA_SIGINFO | RESTORER, (uintptr_t)kvs_hostcall_restore, ~0ull };

	return syscall(SYS_rt_sigaction, signal, &action, NULL, SIGSET_BYTES) < 0 ? -errno : 0;
}

int kvs_hostcall_catch(int signal)
{
	return set_action(signal, (uintptr_t)on_signal);
}

int kvs_hostcall_default(int signal)
{
	if (signal == KVS_HOSTCALL_DEADLINE_SIGNAL && has_deadline)
		return 0;
	return set_action(signal, (uintptr_t)SIG_DFL);
}

int kvs_hostcall_ignore(int signal)
{
	if (signal == KVS_HOSTCALL_DEADLINE_SIGNAL && has_deadline)
		return 0;
	return set_action(signal, (uintptr_t)SIG_IGN);
}

int kvs_hostcall_set_deadline(uint64_t deadline_ns)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = KVS_HOSTCALL_DEADLINE_SIGNAL,
		.sigev_value.sival_ptr = (void *)&deadline_mark,
	};
	struct itimerspec when = {
		.it_value =
			{
				.tv_sec = (time_t)(deadline_ns / 1000000000),
				.tv_nsec = (long)(deadline_ns % 1000000000),
			},
	};
	timer_t timer;

	if (kvs_hostcall_catch(KVS_HOSTCALL_DEADLINE_SIGNAL) < 0 ||
		timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
		timer_settime(timer, 0, &when, NULL) < 0)
		return -errno;
	has_deadline = true;
	return 0;
}

bool kvs_hostcall_is_deadline(void)
{
	return deadline_passed;
}

bool kvs_hostcall_attention(void)
{
	return kvs_hostcall_pending != 0;
}

void kvs_hostcall_look(uint64_t allowed)
{
	if (caught & allowed)
		kvs_hostcall_pending = 1;
}

void kvs_hostcall_ready(void)
{
	*immediate_exit = 0;
}

int kvs_hostcall_take_signal(uint64_t allowed, siginfo_t *ret_info)
{
	const uint64_t all = ~0ull;
	uint64_t waiting = caught & allowed, before;
	int signal;

	if (!waiting) {
		/* What is left is blocked by the payload and must not end its calls. */
		kvs_hostcall_pending = deadline_passed;
		kvs_hostcall_look(allowed);
		return 0;
	}
	signal = __builtin_ctzll(waiting) + 1;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGSET_BYTES);
	*ret_info = infos[signal];
	caught &= ~(1ull << (signal - 1));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGSET_BYTES);
	return signal;
}
