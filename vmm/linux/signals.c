/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: masks, dispositions, and when a handler runs. It runs in the guest, on a frame like the
 * one Linux builds (frame.c).
 *
 * The payload's signal mask and dispositions are mirrored on this thread, so the host kernel does
 * what it would do to the payload: a default action ends both. Only signals with a handler of the
 * payload's come here.
 */
#include "calls.h"

#include "vmm/descriptors.h"
#include "vmm/hostcall.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SIGSET_BYTES = 8,
	MIN_STACK_BYTES = 2048,
	SYSCALL_BYTES = 2, /* length of the instruction */
	CODE_KERNEL = 0x80,
};

#define UNBLOCKABLE (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))

static uint64_t bit(int signal)
{
	return 1ull << (signal - 1);
}

/* Block on the host what the payload blocks. */
static void set_mask(struct kvs_linux *l, uint64_t mask)
{
	uint64_t host;

	l->blocked = mask & ~UNBLOCKABLE;
	host = l->blocked & ~bit(KVS_HOSTCALL_DEADLINE_SIGNAL);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &host, NULL, SIGSET_BYTES);
	kvs_hostcall_look(~l->blocked);
}

int kvs_signals_wait_with(struct kvs_linux *l, uint64_t gva, uint64_t size)
{
	uint64_t mask;

	if (gva == 0)
		return 0;
	if (size != SIGSET_BYTES)
		return -EINVAL;
	if (kvs_access_load(&l->guest->mm, &mask, gva, sizeof(mask)) < 0)
		return -EFAULT;
	l->saved_mask = l->blocked;
	l->has_saved_mask = true;
	set_mask(l, mask);
	return 0;
}

void kvs_signals_restore_mask(struct kvs_linux *l)
{
	if (l->has_saved_mask)
		set_mask(l, l->saved_mask);
	l->has_saved_mask = false;
}

static bool is_ignored_by_default(int signal)
{
	return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

static bool is_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static bool has_handler(const struct kvs_linux *l, int signal)
{
	return l->actions[signal].handler > 1; /* neither SIG_DFL nor SIG_IGN */
}

/* Have @user run the handler; false without a stack. */
static bool enter_handler(struct kvs_linux *l, int signal, const siginfo_t *info,
	const struct kvs_stop *fault, struct kvm_regs *user)
{
	struct kvs_linux_sigaction *action = &l->actions[signal];

	if (!kvs_frame_push(l, signal, info, fault, user))
		return false;
	l->has_saved_mask = false;
	set_mask(l, l->blocked | action->mask | (action->flags & SA_NODEFER ? 0 : bit(signal)));
	if (action->flags & SA_RESETHAND)
		action->handler = 0;
	return true;
}

/* Whether the system call a signal came into is made again after the handler. */
enum restart {
	RESTART_NOT,
	RESTART_IF_ASKED, /* SA_RESTART */
	RESTART_ALWAYS,
};

/* One signal the host gave us: run the handler, or do what the default would have done. */
static void deliver(
	struct kvs_linux *l, int signal, siginfo_t *info, enum restart *restart, uint64_t call)
{
	struct kvm_regs user = kvs_vcpu_user(&l->guest->machine);

	if (!has_handler(l, signal)) {
		if (l->actions[signal].handler == 0 && !is_ignored_by_default(signal))
			kvs_linux_stop_signal(l, signal);
		return;
	}
	if (info->si_code <= 0) { /* host processes have no number in here */
		info->si_pid = info->si_pid == getpid() ? KVS_LINUX_PID : 0;
		info->si_uid = l->guest->launch->uid;
	}
	if (*restart == RESTART_ALWAYS ||
		(*restart == RESTART_IF_ASKED && l->actions[signal].flags & SA_RESTART)) {
		user.rip -= SYSCALL_BYTES;
		user.rax = call;
	}
	*restart = RESTART_NOT;
	if (enter_handler(l, signal, info, NULL, &user))
		kvs_vcpu_set_user(&l->guest->machine, &user);
	else
		kvs_linux_stop_signal(l, SIGSEGV);
}

static void deliver_all(struct kvs_linux *l, enum restart restart, uint64_t call)
{
	siginfo_t info;
	int signal;

	while (l->guest->stop.kind == KVS_STOP_NONE &&
		(signal = kvs_hostcall_take_signal(~l->blocked, &info)) != 0)
		deliver(l, signal, &info, &restart, call);
	if (restart != RESTART_NOT && l->guest->stop.kind == KVS_STOP_NONE) {
		struct kvm_regs user = kvs_vcpu_user(&l->guest->machine);

		user.rip -= SYSCALL_BYTES;
		user.rax = call;
		kvs_vcpu_set_user(&l->guest->machine, &user);
	}
}

void kvs_signals_deliver(struct kvs_guest *g)
{
	deliver_all(g->linux_state, RESTART_NOT, 0);
}

void kvs_signals_interrupted(struct kvs_linux *l, uint64_t number, bool was_made)
{
	bool is_transfer = number == SYS_read || number == SYS_write || number == SYS_readv ||
			   number == SYS_writev || number == SYS_pread64;

	if (is_transfer && !was_made)
		deliver_all(l, RESTART_ALWAYS, number);
	else if (is_transfer || number == SYS_futex)
		deliver_all(l, RESTART_IF_ASKED, number);
	else
		deliver_all(l, RESTART_NOT, number);
}

static int fault_code(struct kvs_guest *g, const struct kvs_stop *fault)
{
	switch (fault->vector) {
	case 0:
		return FPE_INTDIV;
	case 1:
		return TRAP_TRACE;
	case 6:
		return ILL_ILLOPN;
	case KVS_VECTOR_PAGE_FAULT:
		return kvs_mm_find(&g->mm, fault->address) ? SEGV_ACCERR : SEGV_MAPERR;
	default:
		return CODE_KERNEL;
	}
}

bool kvs_signals_fault(struct kvs_guest *g, const struct kvs_stop *fault)
{
	struct kvs_linux *l = g->linux_state;
	struct kvm_regs user = kvs_vcpu_user(&g->machine);
	siginfo_t info = { .si_signo = fault->signal };

	if (!fault->signal || !has_handler(l, fault->signal) || l->blocked & bit(fault->signal))
		return false;
	info.si_code = fault_code(g, fault);
	if (fault->vector == KVS_VECTOR_PAGE_FAULT)
		info.si_addr = (void *)(uintptr_t)fault->address;
	else if (info.si_code != CODE_KERNEL)
		info.si_addr = (void *)(uintptr_t)fault->rip;
	if (!enter_handler(l, fault->signal, &info, fault, &user))
		return false;
	kvs_vcpu_set_user(&g->machine, &user);
	return true;
}

static bool is_signal(uint64_t n)
{
	return n >= 1 && n <= KVS_LINUX_SIGNALS;
}

int64_t kvs_signals_action(struct kvs_linux *l, const uint64_t *a)
{
	struct kvs_linux_sigaction action, old;
	int signal = (int)a[0];

	if (!is_signal(a[0]) || a[3] != SIGSET_BYTES ||
		(a[1] && (signal == SIGKILL || signal == SIGSTOP)))
		return -EINVAL;
	old = l->actions[signal];
	if (a[1]) {
		if (kvs_access_load(&l->guest->mm, &action, a[1], sizeof(action)) < 0)
			return -EFAULT;
		action.mask &= ~UNBLOCKABLE;
		l->actions[signal] = action;
		if (has_handler(l, signal))
			kvs_hostcall_catch(signal);
		else if (action.handler)
			kvs_hostcall_ignore(signal);
		else
			kvs_hostcall_default(signal);
	}
	return a[2] ? kvs_access_store(&l->guest->mm, a[2], &old, sizeof(old)) : 0;
}

int64_t kvs_signals_mask(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t old = l->blocked, set;

	if (a[3] != SIGSET_BYTES)
		return -EINVAL;
	if (a[1]) {
		if (kvs_access_load(&l->guest->mm, &set, a[1], sizeof(set)) < 0)
			return -EFAULT;
		if (a[0] == SIG_BLOCK)
			set_mask(l, old | set);
		else if (a[0] == SIG_UNBLOCK)
			set_mask(l, old & ~set);
		else if (a[0] == SIG_SETMASK)
			set_mask(l, set);
		else
			return -EINVAL;
	}
	return a[2] ? kvs_access_store(&l->guest->mm, a[2], &old, sizeof(old)) : 0;
}

int64_t kvs_signals_return(struct kvs_linux *l, const uint64_t *a)
{
	struct kvm_regs user;
	uint64_t mask;

	(void)a;
	l->is_returned = true;
	if (!kvs_frame_pop(l, &user, &mask)) {
		kvs_linux_stop_signal(l, SIGSEGV);
		return 0;
	}
	set_mask(l, mask);
	kvs_vcpu_set_user(&l->guest->machine, &user);
	return 0;
}

static int64_t wait_for_signal(void)
{
	return kvs_hostcall(SYS_pause, 0, 0, 0, 0, 0, 0);
}

int64_t kvs_signals_suspend(struct kvs_linux *l, const uint64_t *a)
{
	int r = a[0] ? kvs_signals_wait_with(l, a[0], a[1]) : -EFAULT;

	return r < 0 ? r : wait_for_signal();
}

int64_t kvs_signals_pause(struct kvs_linux *l, const uint64_t *a)
{
	(void)l, (void)a;
	return wait_for_signal();
}

int64_t kvs_signals_altstack(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t rsp = kvs_vcpu_user(&l->guest->machine).rsp;
	bool in_use = kvs_frame_is_on_alt_stack(l, rsp);
	struct {
		uint64_t sp;
		int32_t flags, pad;
		uint64_t size;
	} stack, old = { .sp = l->alt_stack, .size = l->alt_stack_bytes };

	old.flags = !l->alt_stack_bytes ? SS_DISABLE : in_use ? SS_ONSTACK : 0;
	if (a[0]) {
		if (kvs_access_load(&l->guest->mm, &stack, a[0], sizeof(stack)) < 0)
			return -EFAULT;
		if (in_use)
			return -EPERM;
		if (stack.flags & ~(SS_DISABLE | SS_ONSTACK))
			return -EINVAL;
		if (!(stack.flags & SS_DISABLE) && stack.size < MIN_STACK_BYTES)
			return -ENOMEM;
		l->alt_stack = stack.sp;
		l->alt_stack_bytes = stack.flags & SS_DISABLE ? 0 : stack.size;
	}
	return a[1] ? kvs_access_store(&l->guest->mm, a[1], &old, sizeof(old)) : 0;
}

/* A signal the payload sends itself. Ending is ours to tell; the rest is the host's to do. */
static int64_t raise_own(struct kvs_linux *l, uint64_t signal)
{
	int number = (int)signal;
	bool is_end;

	if (signal == 0)
		return 0;
	if (!is_signal(signal))
		return -EINVAL;
	/* Process 1 does not stop itself: nobody in here could continue it, and while it stands
	 * still no deadline is looked at. */
	if (l->actions[number].handler == 0 && is_stop(number))
		return 0;
	is_end = l->actions[number].handler == 0 && !is_ignored_by_default(number);
	if (is_end && !(l->blocked & bit(number))) {
		kvs_linux_stop_signal(l, number);
		return 0;
	}
	/* It waits until it is unblocked. Then too, ending is ours to tell. */
	if (is_end)
		kvs_hostcall_catch(number);
	if (syscall(SYS_tgkill, getpid(), gettid(), number) < 0)
		return -errno;
	return 0;
}

int64_t kvs_signals_kill(struct kvs_linux *l, const uint64_t *a)
{
	int64_t pid = (int)a[0];

	if (pid != 0 && pid != -1 && pid != KVS_LINUX_PID && pid != -KVS_LINUX_PID)
		return -ESRCH;
	return raise_own(l, (uint32_t)a[1]);
}

int64_t kvs_signals_tgkill(struct kvs_linux *l, const uint64_t *a)
{
	if ((int)a[0] != KVS_LINUX_PID || (int)a[1] != KVS_LINUX_PID)
		return -ESRCH;
	return raise_own(l, (uint32_t)a[2]);
}
