/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal frame: what a handler finds on the stack, and what sigreturn takes from there.
 *
 * It is laid out as Linux does it, and carries the legacy (FXSAVE) part of the floating point
 * state. On the way back it is the payload's word, to be believed no further than that.
 *
 * Source: Linux arch/x86/include/uapi/asm/{sigcontext,ucontext}.h for the layout.
 */
#include "linux.h"

#include "vmm/descriptors.h"

#include <string.h>

enum {
	RED_ZONE_BYTES = 128,
	FXSAVE_BYTES = 512,
	SIGINFO_BYTES = 128,
	UC_FLAGS = 0x6, /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
};

#define RFLAGS_CLEARED 0x10500ull /* RF, DF, TF: a handler starts without them */

struct frame {
	uint64_t restorer;
	struct {
		uint64_t flags, link;
		uint64_t stack, stack_flags, stack_bytes;
		uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
		uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
		uint16_t cs, gs, fs, ss;
		uint64_t error_code, vector, old_mask, cr2, fpstate, reserved[8];
		uint64_t mask;
	} uc;
	uint8_t info[SIGINFO_BYTES];
};
_Static_assert(sizeof(struct frame) == 8 + 304 + SIGINFO_BYTES, "Linux's rt_sigframe");
_Static_assert(sizeof(siginfo_t) == SIGINFO_BYTES, "Linux's siginfo");

bool kvs_frame_is_on_alt_stack(const struct kvs_linux *l, uint64_t rsp)
{
	return rsp - l->alt_stack < l->alt_stack_bytes;
}

static kvs_gva stack_for(
	const struct kvs_linux *l, const struct kvs_linux_sigaction *action, uint64_t rsp)
{
	if (action->flags & SA_ONSTACK && l->alt_stack_bytes && !kvs_frame_is_on_alt_stack(l, rsp))
		return l->alt_stack + l->alt_stack_bytes;
	return rsp - RED_ZONE_BYTES;
}

static void fill_context(struct frame *f, const struct kvm_regs *r)
{
	f->uc.r8 = r->r8;
	f->uc.r9 = r->r9;
	f->uc.r10 = r->r10;
	f->uc.r11 = r->r11;
	f->uc.r12 = r->r12;
	f->uc.r13 = r->r13;
	f->uc.r14 = r->r14;
	f->uc.r15 = r->r15;
	f->uc.rdi = r->rdi;
	f->uc.rsi = r->rsi;
	f->uc.rbp = r->rbp;
	f->uc.rbx = r->rbx;
	f->uc.rdx = r->rdx;
	f->uc.rax = r->rax;
	f->uc.rcx = r->rcx;
	f->uc.rsp = r->rsp;
	f->uc.rip = r->rip;
	f->uc.rflags = r->rflags;
	f->uc.cs = KVS_SEL_USER_CS;
	f->uc.ss = KVS_SEL_USER_SS;
}

static struct kvm_regs read_context(const struct frame *f)
{
	return (struct kvm_regs){
		.r8 = f->uc.r8,
		.r9 = f->uc.r9,
		.r10 = f->uc.r10,
		.r11 = f->uc.r11,
		.r12 = f->uc.r12,
		.r13 = f->uc.r13,
		.r14 = f->uc.r14,
		.r15 = f->uc.r15,
		.rdi = f->uc.rdi,
		.rsi = f->uc.rsi,
		.rbp = f->uc.rbp,
		.rbx = f->uc.rbx,
		.rdx = f->uc.rdx,
		.rax = f->uc.rax,
		.rcx = f->uc.rcx,
		.rsp = f->uc.rsp,
		.rip = f->uc.rip,
		.rflags = f->uc.rflags,
	};
}

/* Whether the iretq into ring 3 can take it; it would fault in ring 0. */
static bool is_canonical(uint64_t address)
{
	return address + (1ull << 47) < 1ull << 48;
}

bool kvs_frame_push(struct kvs_linux *l, int signal, const siginfo_t *info,
	const struct kvs_stop *fault, struct kvm_regs *user)
{
	const struct kvs_linux_sigaction *action = &l->actions[signal];
	struct kvs_mm *mm = &l->guest->mm;
	uint8_t fxsave[FXSAVE_BYTES];
	struct frame f = {
		.restorer = action->restorer,
		.uc.flags = UC_FLAGS,
		.uc.stack = l->alt_stack,
		.uc.stack_bytes = l->alt_stack_bytes,
		.uc.stack_flags = l->alt_stack_bytes ? 0 : SS_DISABLE,
		.uc.mask = l->has_saved_mask ? l->saved_mask : l->blocked,
	};
	kvs_gva at = stack_for(l, action, user->rsp);

	fill_context(&f, user);
	if (fault) {
		f.uc.vector = fault->vector;
		f.uc.error_code = fault->error_code;
		f.uc.cr2 = fault->address;
	}
	memcpy(f.info, info, sizeof(f.info));
	at = (at - sizeof(fxsave)) & ~63ull;
	f.uc.fpstate = at;
	at = ((at - sizeof(f)) & ~15ull) - 8;
	if (!is_canonical(action->handler) || kvs_vcpu_load_fpu(&l->guest->machine, fxsave) < 0 ||
		kvs_access_store(mm, f.uc.fpstate, fxsave, sizeof(fxsave)) < 0 ||
		kvs_access_store(mm, at, &f, sizeof(f)) < 0)
		return false;
	user->rdi = (uint64_t)signal;
	user->rsi = at + offsetof(struct frame, info);
	user->rdx = at + offsetof(struct frame, uc);
	user->rax = 0;
	user->rsp = at;
	user->rip = action->handler;
	user->rflags &= ~RFLAGS_CLEARED;
	return true;
}

/* Whether an address has 48 bits and their sign, as four-level paging wants it. */
bool kvs_frame_pop(struct kvs_linux *l, struct kvm_regs *ret_user, uint64_t *ret_mask)
{
	const kvs_gva rsp = kvs_vcpu_user(&l->guest->machine).rsp;
	struct kvs_mm *mm = &l->guest->mm;
	struct frame f;
	uint8_t fxsave[FXSAVE_BYTES];

	/* The handler's `ret` took the first word off the stack. */
	if (kvs_access_load(mm, &f, rsp - sizeof(f.restorer), sizeof(f)) < 0)
		return false;
	if (!is_canonical(f.uc.rip))
		return false;
	if (f.uc.fpstate && (kvs_access_load(mm, fxsave, f.uc.fpstate, sizeof(fxsave)) < 0 ||
				    kvs_vcpu_store_fpu(&l->guest->machine, fxsave) < 0))
		return false;
	*ret_user = read_context(&f);
	*ret_mask = f.uc.mask;
	return true;
}
