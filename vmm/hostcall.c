/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcall.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIGNALS = 64 };

/*
 * What the signal handler shares with the vCPU thread. A handler has no argument of its own, so
 * this is the one place in the VMM with state that is not passed.
 */
_Atomic uint32_t kvs_hostcall_pending; /* read by the assembly: leave, do not call */
static volatile uint8_t *immediate_exit;
static _Atomic uint64_t caught; /* bit n-1: signal n waits for the payload */
static _Atomic bool deadline_passed;
static siginfo_t infos[SIGNALS + 1];
static const char deadline_mark;

extern const char kvs_hostcall_begin[], kvs_hostcall_end[], kvs_hostcall_abort[];

static void on_signal(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP];

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

static int set_action(int signal, void (*handler)(int, siginfo_t *, void *), void (*plain)(int))
{
	struct sigaction sa = { .sa_flags = handler ? SA_SIGINFO : 0 };

	if (handler)
		sa.sa_sigaction = handler;
	else
		sa.sa_handler = plain;
	sigfillset(&sa.sa_mask);
	return sigaction(signal, &sa, NULL) < 0 ? -errno : 0;
}

int kvs_hostcall_catch(int signal)
{
	return set_action(signal, on_signal, NULL);
}

int kvs_hostcall_default(int signal)
{
	if (signal == KVS_HOSTCALL_DEADLINE_SIGNAL)
		return 0;
	return set_action(signal, NULL, SIG_DFL);
}

int kvs_hostcall_ignore(int signal)
{
	if (signal == KVS_HOSTCALL_DEADLINE_SIGNAL)
		return 0;
	return set_action(signal, NULL, SIG_IGN);
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

void kvs_hostcall_ready(void)
{
	*immediate_exit = 0;
}

int kvs_hostcall_take_signal(uint64_t allowed, siginfo_t *ret_info)
{
	uint64_t waiting = caught & allowed;
	sigset_t all, before;
	int signal;

	if (!waiting) {
		/* What is left is blocked by the payload and must not end its calls. */
		kvs_hostcall_pending = deadline_passed;
		if (caught & allowed)
			kvs_hostcall_pending = 1;
		return 0;
	}
	signal = __builtin_ctzll(waiting) + 1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	*ret_info = infos[signal];
	caught &= ~(1ull << (signal - 1));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return signal;
}
