/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU: running it, decoding why it came back, and its registers wherever it stands. Making
 * the machine and its first state is machine.c's.
 */
#include "vcpu.h"

#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	OUT_BYTES = 2, /* length of `out %al, $imm8` */
	SYSCALL_BYTES = 2,

	/* The XSAVE area, in 32-bit words (SDM 1 13.4). */
	FXSAVE_BYTES = 512,
	FXSAVE_MXCSR = 6,
	FXSAVE_MXCSR_VALID = 0xffff,
	XSAVE_STATE_BV = 128,
	XSAVE_X87_SSE = 3,
};

#define RFLAGS_START 0x202ull	 /* IF and the bit that is always one */
#define RFLAGS_USER  0x250dd5ull /* what ring 3 may hold: ID AC NT OF DF TF SF ZF AF PF CF */
#define RFLAGS_RING0 0x2ull

#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

struct kvm_regs *kvs_vcpu_registers(struct kvs_machine *m)
{
	m->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	return &m->run->s.regs.regs;
}

void kvs_vcpu_return(struct kvs_machine *m, int64_t result)
{
	struct kvm_regs *regs = kvs_vcpu_registers(m);

	regs->rax = (uint64_t)result;
	if (m->backend->gate_in_ring3) {
		regs->rip = regs->rcx;
		regs->rflags = (regs->r11 & RFLAGS_USER) | RFLAGS_START;
	}
}

static int set_msr(struct kvs_machine *m, uint32_t index, uint64_t value)
{
	struct {
		struct kvm_msrs header;
		struct kvm_msr_entry entry;
	} msr = { .header.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(m->vcpu_fd, KVM_SET_MSRS, &msr) == 1 ? 0 : -EINVAL;
}

int kvs_vcpu_set_fs_base(struct kvs_machine *m, uint64_t base)
{
	return set_msr(m, MSR_FS_BASE, base);
}

int kvs_vcpu_set_gs_base(struct kvs_machine *m, uint64_t base)
{
	return set_msr(m, MSR_GS_BASE, base);
}

static struct kvs_fault_frame *frame_of(struct kvs_machine *m)
{
	uint8_t *top = kvs_ram_at(m->ram, m->stack + KVS_PAGE_SIZE);

	return (struct kvs_fault_frame *)(top - sizeof(struct kvs_fault_frame));
}

static bool is_range_of(uint64_t rip, kvs_gva page)
{
	return rip - page < KVS_PAGE_SIZE;
}

struct kvm_regs kvs_vcpu_user(struct kvs_machine *m)
{
	const kvs_gva stub = kvs_machine_syscall_stub();
	struct kvm_regs user = m->run->s.regs.regs;
	bool at_out = user.rip == stub || user.rip == KVS_GVA_GATE;

	if (is_range_of(user.rip, KVS_GVA_GATE) ||
		(user.rip >= stub && is_range_of(user.rip, KVS_GVA_INIT))) {
		user.rip = at_out && !m->in_syscall ? user.rcx - SYSCALL_BYTES : user.rcx;
		user.rflags = user.r11;
	} else if (is_range_of(user.rip, KVS_GVA_INIT)) {
		const struct kvs_fault_frame *frame = frame_of(m);

		user.rip = frame->rip;
		user.rflags = frame->rflags;
		user.rsp = frame->rsp;
	}
	return user;
}

void kvs_vcpu_set_user(struct kvs_machine *m, const struct kvm_regs *user)
{
	struct kvm_regs *regs = kvs_vcpu_registers(m);
	bool in_ring0 = is_range_of(regs->rip, KVS_GVA_INIT);

	*regs = *user;
	regs->rflags = (user->rflags & RFLAGS_USER) | RFLAGS_START;
	if (!in_ring0)
		return;
	*frame_of(m) = (struct kvs_fault_frame){
		.rip = user->rip,
		.cs = KVS_SEL_USER_CS,
		.rflags = regs->rflags,
		.rsp = user->rsp,
		.ss = KVS_SEL_USER_SS,
	};
	regs->rip = KVS_GVA_INIT + OUT_BYTES; /* the iretq of the first stub */
	regs->rflags = RFLAGS_RING0;
	regs->rsp = KVS_GVA_STACK + KVS_PAGE_SIZE - sizeof(struct kvs_fault_frame) +
		    offsetof(struct kvs_fault_frame, rip);
}

int kvs_vcpu_load_fpu(struct kvs_machine *m, uint8_t *ret_fxsave)
{
	struct kvm_xsave xsave;

	if (ioctl(m->vcpu_fd, KVM_GET_XSAVE, &xsave) < 0)
		return -errno;
	memcpy(ret_fxsave, xsave.region, FXSAVE_BYTES);
	return 0;
}

int kvs_vcpu_store_fpu(struct kvs_machine *m, const uint8_t *fxsave)
{
	struct kvm_xsave xsave;

	if (ioctl(m->vcpu_fd, KVM_GET_XSAVE, &xsave) < 0)
		return -errno;
	memcpy(xsave.region, fxsave, FXSAVE_BYTES);
	xsave.region[FXSAVE_MXCSR] &= FXSAVE_MXCSR_VALID;
	xsave.region[XSAVE_STATE_BV] |= XSAVE_X87_SSE;
	return ioctl(m->vcpu_fd, KVM_SET_XSAVE, &xsave) < 0 ? -errno : 0;
}

void kvs_vcpu_resume(struct kvs_machine *m, unsigned int vector)
{
	struct kvm_regs *regs = kvs_vcpu_registers(m);

	if (kvs_descriptors_has_error_code(vector))
		regs->rsp = KVS_GVA_STACK + KVS_PAGE_SIZE - sizeof(struct kvs_fault_frame) +
			    offsetof(struct kvs_fault_frame, rip);
}

static void decode_fault(struct kvs_machine *m, struct kvs_exit *ret)
{
	const struct kvs_fault_frame *frame = frame_of(m);
	uint64_t stub = m->run->s.regs.regs.rip - KVS_GVA_INIT;
	unsigned int vector = (unsigned int)(stub / KVS_VECTOR_BYTES) % KVS_VECTORS;
	struct kvm_sregs sregs = { 0 };

	if (vector == KVS_VECTOR_PAGE_FAULT)
		ioctl(m->vcpu_fd, KVM_GET_SREGS, &sregs);
	/* A fault in ring 0 is a single-step trap that SYSCALL has carried over: no way back. */
	ret->kind = frame->cs & 3 ? KVS_EXIT_FAULT : KVS_EXIT_STOP;
	ret->stop = (struct kvs_stop){
		.kind = KVS_STOP_FAULT,
		.vector = vector,
		.signal = kvs_stop_vector_signal(vector),
		.error_code = kvs_descriptors_has_error_code(vector) ? frame->error_code : 0,
		.rip = frame->cs & 3 ? frame->rip : m->run->s.regs.regs.rcx,
		.address = sregs.cr2,
	};
}

/* Whether the vCPU stands where this backend's system call stub stands, at its privilege. */
static bool is_proof(struct kvs_machine *m)
{
	struct kvm_sregs sregs;

	if (ioctl(m->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return false;
	return (sregs.cs.selector & 3) == (m->backend->gate_in_ring3 ? 3 : 0) &&
	       is_range_of(m->run->s.regs.regs.rip,
		       m->backend->gate_in_ring3 ? KVS_GVA_GATE : KVS_GVA_INIT);
}

static void stop_with(struct kvs_machine *m, struct kvs_exit *ret, enum kvs_stop_kind kind,
	uint64_t detail, const char *note)
{
	ret->kind = KVS_EXIT_STOP;
	ret->stop = (struct kvs_stop){
		.kind = kind,
		.rip = m->run->s.regs.regs.rip,
		.detail = detail,
	};
	strncpy(ret->stop.note, note, sizeof(ret->stop.note) - 1);
}

static void decode_io(struct kvs_machine *m, struct kvs_exit *ret)
{
	const struct kvm_run *run = m->run;

	if (run->io.port == KVS_PORT_FAULT && run->io.direction == KVM_EXIT_IO_OUT) {
		decode_fault(m, ret);
		return;
	}
	if (run->io.port == KVS_PORT_SYSCALL && run->io.direction == KVM_EXIT_IO_OUT) {
		ret->kind = KVS_EXIT_SYSCALL;
		m->in_syscall = true;
		if (!m->is_proven && !is_proof(m))
			stop_with(m, ret, KVS_STOP_KVM_ERROR, run->exit_reason,
				"system calls do not arrive as this kind of KVM delivers them");
		m->is_proven = true;
		return;
	}
	*ret = (struct kvs_exit){
		.kind = KVS_EXIT_PORT,
		.port = run->io.port,
		.is_write = run->io.direction == KVM_EXIT_IO_OUT,
		.size = run->io.size,
		.count = run->io.count,
		.data = (uint8_t *)m->run + run->io.data_offset,
	};
}

void kvs_vcpu_run(struct kvs_machine *m, struct kvs_exit *ret)
{
	m->in_syscall = false;
	if (ioctl(m->vcpu_fd, KVM_RUN, 0) < 0) {
		if (errno == EINTR || errno == EAGAIN)
			ret->kind = KVS_EXIT_INTERRUPTED;
		else
			stop_with(m, ret, KVS_STOP_KVM_ERROR, (uint64_t)errno, strerror(errno));
		return;
	}
	switch (m->run->exit_reason) {
	case KVM_EXIT_IO:
		decode_io(m, ret);
		break;
	case KVM_EXIT_INTR:
		ret->kind = KVS_EXIT_INTERRUPTED;
		break;
	case KVM_EXIT_SHUTDOWN:
		stop_with(m, ret, KVS_STOP_TRIPLE_FAULT, 0, "");
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		stop_with(m, ret, KVS_STOP_KVM_ERROR, KVM_EXIT_INTERNAL_ERROR,
			m->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
				? "an instruction it cannot emulate"
				: "internal error");
		break;
	default:
		stop_with(m, ret, KVS_STOP_KVM_ERROR, m->run->exit_reason, "unexpected exit");
	}
}
