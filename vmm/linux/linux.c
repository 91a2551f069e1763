/* SPDX-License-Identifier: Apache-2.0 */
/* The linux ABI's frame: how a program starts, and how a system call finds its handler. */
#include "calls.h"

#include "vmm/hostcall.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum {
	STACK_BYTES = 8 << 20,
	STACK_RANDOM_PAGES = 0x3fff,
	MMAP_RANDOM_PAGES = 0xfffffff,
	BRK_RANDOM_PAGES = 0x1fff,
	CLOCK_TICKS = 100,
	CALLS = KVS_LINUX_CALL_NUMBERS,
	HWCAP_BASE = 0x078bfbff, /* CPUID 1 EDX of every x86-64 CPU */
};

static int64_t (*const calls[CALLS])(struct kvs_linux *l, const uint64_t *a) = {
#define X(name, handler) [SYS_##name] = kvs_##handler,
	KVS_LINUX_CALLS(X)
#undef X
};

/* All of Linux's, served or not. */
static const char *const names[CALLS] = {
#include "vmm/syscall_names.h"
};

static const uint16_t no_ports[] = { 0 };

void kvs_linux_stop_exit(struct kvs_linux *l, int code)
{
	l->guest->stop = (struct kvs_stop){ .kind = KVS_STOP_EXITED, .exit_code = code & 0xff };
}

void kvs_linux_stop_signal(struct kvs_linux *l, int signal)
{
	l->guest->stop = (struct kvs_stop){ .kind = KVS_STOP_SIGNALED, .signal = signal };
}

static uint64_t random_pages(uint64_t mask)
{
	uint64_t value;

	kvs_guest_random(&value, sizeof(value));
	return (value & mask) * KVS_PAGE_SIZE;
}

static int setup_stack(struct kvs_guest *g, struct kvs_error *err)
{
	const struct kvs_auxv auxv[] = {
		{ AT_PHDR, g->image.phdr }, { AT_PHENT, sizeof(Elf64_Phdr) },
		{ AT_PHNUM, g->image.phdr ? g->elf.phdr_count : 0 }, { AT_PAGESZ, KVS_PAGE_SIZE },
		{ AT_BASE, 0 }, { AT_FLAGS, 0 }, { AT_ENTRY, g->image.entry },
		{ AT_UID, g->launch->uid }, { AT_EUID, g->launch->uid }, { AT_GID, g->launch->gid },
		{ AT_EGID, g->launch->gid }, { AT_SECURE, 0 }, { AT_HWCAP, HWCAP_BASE },
		{ AT_CLKTCK, CLOCK_TICKS },
		{ AT_MINSIGSTKSZ, 2048 + 11008 }, /* AVX-512 and AMX state fit */
	};
	struct kvs_stack_spec stack = {
		.top = KVS_GVA_MAX - KVS_PAGE_SIZE - random_pages(STACK_RANDOM_PAGES),
		.bytes = STACK_BYTES,
		.args = (const char *const *)g->launch->args,
		.env = (const char *const *)g->launch->env,
		.auxv = auxv,
		.auxv_count = sizeof(auxv) / sizeof(*auxv),
	};
	kvs_gva argv, envp;
	int r;

	kvs_guest_random(stack.random, sizeof(stack.random));
	r = kvs_load_stack(&g->mm, &stack, &g->image.rsp, &argv, &envp, err);
	if (r < 0)
		return r;
	g->mm.mmap_top =
		stack.top - 2 * STACK_BYTES - KVS_PAGE_SIZE - random_pages(MMAP_RANDOM_PAGES);
	g->mm.brk = g->mm.brk_start = g->image.end + random_pages(BRK_RANDOM_PAGES);
	return 0;
}

/* Descriptors 0 to 2 are the serial ports, or closed where the caller's were. */
static void setup_stdio(struct kvs_linux *l)
{
	const struct kvs_launch *launch = l->guest->launch;

	for (int fd = 0; fd < 3; fd++) {
		if (launch->flags & (KVS_LAUNCH_CLOSED_STDIN << fd))
			close(fd);
		else
			l->kinds[fd] = fd == STDERR_FILENO ? KVS_FD_COM2 : KVS_FD_COM1;
	}
}

static int setup(struct kvs_guest *g, uint64_t *ret_rdi, struct kvs_error *err)
{
	struct kvs_linux *l = calloc(1, sizeof(*l));

	*ret_rdi = 0;
	if (!l)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot set up the linux ABI");
	g->linux_state = l;
	l->guest = g;
	l->nofile = g->launch->nofile;
	l->umask = 022;
	l->kinds = calloc(l->nofile, sizeof(*l->kinds));
	l->directories = calloc(l->nofile, sizeof(*l->directories));
	if (!l->kinds || !l->directories)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot set up the linux ABI");
	snprintf(l->cwd, sizeof(l->cwd), "%s", g->launch->cwd);
	setup_stdio(l);
	return setup_stack(g, err);
}

/* Once a number, so that a payload cannot flood the log; all without a name count as one. */
static void log_unserved(struct kvs_linux *l, uint64_t number)
{
	uint64_t index = number < CALLS && names[number] ? number : CALLS - 1;

	if (l->guest->log_fd < 0 || l->logged[index])
		return;
	l->logged[index] = true;
	dprintf(l->guest->log_fd, "kvshim: debug: system call %s (%llu) is not served (ENOSYS)\n",
		names[index] ? names[index] : "unknown", (unsigned long long)number);
}

static void serve(struct kvs_guest *g)
{
	struct kvs_linux *l = g->linux_state;
	const struct kvm_regs *regs = kvs_vcpu_registers(&g->machine);
	const uint64_t a[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
	uint64_t number = regs->rax;
	int64_t result = -ENOSYS;

	l->is_returned = false;
	if (number < CALLS && calls[number])
		result = calls[number](l, a);
	else
		log_unserved(l, number);
	if (l->is_returned || g->stop.kind != KVS_STOP_NONE)
		return;
	kvs_vcpu_return(&g->machine, result == -ERESTART ? -EINTR : result);
	if ((result == -EINTR || result == -ERESTART) && kvs_hostcall_attention())
		kvs_signals_interrupted(l, number, result == -EINTR);
	kvs_signals_restore_mask(l);
}

const struct kvs_guest_abi kvs_linux_abi = {
	.ports = no_ports,
	.setup = setup,
	.syscall = serve,
	.fault = kvs_signals_fault,
	.signal = kvs_signals_deliver,
};
