/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include "descriptors.h"
#include "mm.h"
#include "vmm/base/cleanup.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* What differs between the kinds of KVM, and nothing else. */
struct kvs_backend {
	const char *name;
	bool gate_in_ring3; /* SYSCALL keeps CPL 3 */
	bool has_cpuid;	    /* KVM filters CPUID for ring 3, and derives what is allowed from it */
	uint8_t tss_type;   /* type of TR: busy, but AMD-V never shows the busy bit */
};

static const struct kvs_backend backend_pvm = { "pvm", true, false, 11 };
static const struct kvs_backend backend_svm = { "svm", false, true, 9 };
static const struct kvs_backend backend_vmx = { "vmx", false, true, 11 };

enum {
	CPUID_1_ECX_MONITOR = 1 << 3,
	CPUID_1_ECX_VMX = 1 << 5,
	CPUID_1_ECX_X2APIC = 1 << 21,
	CPUID_1_ECX_TSC_DEADLINE = 1 << 24,
	CPUID_1_ECX_XSAVE = 1 << 26,
	CPUID_7_EBX_FSGSBASE = 1 << 0,
	CPUID_7_EBX_SMEP = 1 << 7,
	CPUID_7_EBX_SMAP = 1 << 20,
	CPUID_7_ECX_UMIP = 1 << 2,
	CPUID_7_ECX_SHSTK = 1 << 7,
	CPUID_7_EDX_IBT = 1 << 20,
	CPUID_8_1_ECX_SVM = 1 << 2,
	MAX_CPUID_ENTRIES = 160,

	OUT_BYTES = 2, /* length of `out %al, $imm8` */
	SYSCALL_BYTES = 2,

	/* The XSAVE area, in 32-bit words (SDM 1 13.4). */
	FXSAVE_BYTES = 512,
	FXSAVE_MXCSR = 6,
	FXSAVE_MXCSR_VALID = 0xffff,
	XSAVE_STATE_BV = 128,
	XSAVE_X87_SSE = 3,
};

#define CR0_BITS	    0x80050033ull /* PG AM WP NE ET MP PE */
#define CR4_BASE	    0x00000620ull /* OSXMMEXCPT OSFXSR PAE */
#define CR4_UMIP	    (1ull << 11)
#define CR4_FSGSBASE	    (1ull << 16)
#define CR4_OSXSAVE	    (1ull << 18)
#define CR4_SMEP	    (1ull << 20)
#define CR4_SMAP	    (1ull << 21)
#define EFER_BITS	    0xd01ull	/* NXE LMA LME SCE */
#define RFLAGS_START	    0x202ull	/* IF and the bit that is always one */
#define RFLAGS_USER	    0x250dd5ull /* what ring 3 may hold: ID AC NT OF DF TF SF ZF AF PF CF */
#define RFLAGS_RING0	    0x2ull
#define RFLAGS_SYSCALL_MASK 0x47700ull /* cleared on entry: AC NT IOPL DF IF TF */

#define MSR_STAR    0xc0000081
#define MSR_LSTAR   0xc0000082
#define MSR_SFMASK  0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

/* SYSRET adds 8 (SS) and 16 (CS) to the upper selector (SDM 3A 5.8.8). */
#define STAR_VALUE ((uint64_t)(KVS_SEL_USER_CS - 16) << 48 | (uint64_t)KVS_SEL_KERNEL_CS << 32)

extern const uint8_t kvs_init_start[], kvs_init_syscall[], kvs_init_end[];
extern const uint8_t kvs_gate_start[], kvs_gate_end[];

/* What the CPU this process runs on says it can do; proven by the first system call. */
static const struct kvs_backend *guess_backend(void)
{
	unsigned int a, b, c = 0, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & CPUID_1_ECX_VMX)
		return &backend_vmx;
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) && c & CPUID_8_1_ECX_SVM)
		return &backend_svm;
	return &backend_pvm;
}

/*
 * Two settings that save, and none that must succeed. Have KVM model the local APIC, which nothing
 * here uses: the first vCPU on the host without one makes KVM patch its own code, and so does the
 * end of the last. And have it leave alone the payload's: by default it rewrites a VMCALL or
 * VMMCALL of the other vendor.
 */
static void tune(int vm_fd)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP };
	struct kvm_enable_cap quirks = {
		.cap = KVM_CAP_DISABLE_QUIRKS2,
		.args = { KVM_X86_QUIRK_FIX_HYPERCALL_INSN },
	};

	(void)ioctl(vm_fd, KVM_ENABLE_CAP, &split);
	(void)ioctl(vm_fd, KVM_ENABLE_CAP, &quirks);
}

static int kvm_error(struct kvs_error *err, const char *what)
{
	int errnum = errno;

	return kvs_error_set(err, errnum == EBUSY ? KVS_ERROR_KVM_BUSY : KVS_ERROR_KVM_FAILED,
		errnum, "%s failed", what);
}

int kvs_machine_init(struct kvs_machine *m, int kvm_fd, struct kvs_error *err)
{
	int bytes;

	*m = (struct kvs_machine){ .vm_fd = -1, .vcpu_fd = -1, .backend = guess_backend() };
	do
		m->vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	while (m->vm_fd < 0 && errno == EINTR);
	if (m->vm_fd < 0)
		return kvm_error(err, "KVM_CREATE_VM");
	tune(m->vm_fd);
	m->vcpu_fd = ioctl(m->vm_fd, KVM_CREATE_VCPU, 0);
	if (m->vcpu_fd < 0)
		return kvm_error(err, "KVM_CREATE_VCPU");
	bytes = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (bytes < (int)sizeof(*m->run))
		return kvm_error(err, "KVM_GET_VCPU_MMAP_SIZE");
	m->run_bytes = (size_t)bytes;
	m->run = mmap(NULL, m->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu_fd, 0);
	if (m->run == MAP_FAILED) {
		m->run = NULL;
		return kvm_error(err, "mapping the vCPU");
	}
	return 0;
}

void kvs_machine_done(struct kvs_machine *m)
{
	if (m->run)
		munmap(m->run, m->run_bytes);
	if (m->vcpu_fd >= 0)
		close(m->vcpu_fd);
	if (m->vm_fd >= 0)
		close(m->vm_fd);
	*m = (struct kvs_machine){ .vm_fd = -1, .vcpu_fd = -1 };
}

/* Put the four pages of guest-init into RAM and into the page tables. */
static int place_guest_init(struct kvs_machine *m, struct kvs_pagetable *pt, const uint16_t *ports)
{
	const uint64_t supervisor = KVS_PTE_PRESENT | KVS_PTE_A_D;
	const struct {
		kvs_gva gva;
		uint64_t bits;
	} pages[] = {
		{ KVS_GVA_INIT, supervisor },
		{ KVS_GVA_GATE, supervisor | KVS_PTE_USER },
		{ KVS_GVA_DESC, supervisor | KVS_PTE_NX },
		{ KVS_GVA_STACK, supervisor | KVS_PTE_NX | KVS_PTE_WRITE },
	};
	kvs_gpa gpa;

	if (kvs_ram_alloc_exact(pt->ram, 4, &gpa) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < 4; i++) {
		uint64_t *entry = kvs_pagetable_entry(pt, pages[i].gva);

		if (!entry)
			return -ENOMEM;
		*entry = (gpa + i * KVS_PAGE_SIZE) | pages[i].bits;
	}
	m->ram = pt->ram;
	memcpy(kvs_ram_at(pt->ram, gpa), kvs_init_start, (size_t)(kvs_init_end - kvs_init_start));
	memcpy(kvs_ram_at(pt->ram, gpa + KVS_PAGE_SIZE), kvs_gate_start,
		(size_t)(kvs_gate_end - kvs_gate_start));
	m->desc = gpa + 2 * KVS_PAGE_SIZE;
	m->stack = gpa + 3 * KVS_PAGE_SIZE;
	kvs_descriptors_write(kvs_ram_at(pt->ram, m->desc), ports);
	return 0;
}

static struct kvm_cpuid_entry2 *find_cpuid(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf && cpuid->entries[i].index == 0)
			return &cpuid->entries[i];
	return NULL;
}

/* Hide what a payload must not use, and KVM's own leaves: there is no paravirtual device here. */
static void narrow_cpuid(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *one = find_cpuid(cpuid, 1), *seven = find_cpuid(cpuid, 7);
	struct kvm_cpuid_entry2 *extended = find_cpuid(cpuid, 0x80000001);
	uint32_t kept = 0;

	if (one)
		one->ecx &= ~(uint32_t)(CPUID_1_ECX_VMX | CPUID_1_ECX_MONITOR | CPUID_1_ECX_X2APIC |
					CPUID_1_ECX_TSC_DEADLINE);
	if (seven) {
		seven->ecx &= ~(uint32_t)CPUID_7_ECX_SHSTK;
		seven->edx &= ~(uint32_t)CPUID_7_EDX_IBT;
	}
	if (extended)
		extended->ecx &= ~(uint32_t)CPUID_8_1_ECX_SVM;
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		uint32_t leaf = cpuid->entries[i].function;

		if (leaf >> 16 != 0x4000 && leaf != 0x8000000a)
			cpuid->entries[kept++] = cpuid->entries[i];
	}
	cpuid->nent = kept;
}

/* Control bits the CPUID offers; KVM refuses others. */
static uint64_t cr4_from_cpuid(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *one = find_cpuid(cpuid, 1), *seven = find_cpuid(cpuid, 7);
	uint64_t cr4 = 0;

	if (one && one->ecx & CPUID_1_ECX_XSAVE)
		cr4 |= CR4_OSXSAVE;
	if (!seven)
		return cr4;
	cr4 |= seven->ebx & CPUID_7_EBX_FSGSBASE ? CR4_FSGSBASE : 0;
	cr4 |= seven->ebx & CPUID_7_EBX_SMEP ? CR4_SMEP : 0;
	cr4 |= seven->ebx & CPUID_7_EBX_SMAP ? CR4_SMAP : 0;
	return cr4 | (seven->ecx & CPUID_7_ECX_UMIP ? CR4_UMIP : 0);
}

static int set_cpuid(struct kvs_machine *m, int kvm_fd, uint64_t *ret_cr4, uint64_t *ret_xcr0,
	struct kvs_error *err)
{
	_cleanup_free_ struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	struct kvm_cpuid_entry2 *xsave;

	if (!cpuid)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot read KVM's CPUID");
	cpuid->nent = MAX_CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		return kvm_error(err, "KVM_GET_SUPPORTED_CPUID");
	narrow_cpuid(cpuid);
	if (ioctl(m->vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		return kvm_error(err, "KVM_SET_CPUID2");
	*ret_cr4 = cr4_from_cpuid(cpuid);
	xsave = find_cpuid(cpuid, 0xd);
	*ret_xcr0 = xsave ? xsave->eax | (uint64_t)xsave->edx << 32 : 0;
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool is_code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.dpl = 3,
		.db = !is_code,
		.s = 1,
		.l = is_code,
		.g = 1,
	};
}

static void fill_sregs(
	struct kvm_sregs *s, const struct kvs_backend *backend, kvs_gpa root, uint64_t cr4)
{
	struct kvm_segment data = segment(KVS_SEL_USER_SS, 3, false);

	s->cs = segment(KVS_SEL_USER_CS, 11, true);
	s->ss = s->ds = s->es = s->fs = s->gs = data;
	s->tr = (struct kvm_segment){
		.base = KVS_GVA_DESC + KVS_DESC_TSS,
		.limit = KVS_TSS_BYTES - 1,
		.selector = KVS_SEL_TSS,
		.type = backend->tss_type,
		.present = 1,
	};
	s->ldt = (struct kvm_segment){ .type = 2, .unusable = 1 };
	s->gdt = (struct kvm_dtable){ .base = KVS_GVA_DESC + KVS_DESC_GDT,
		.limit = KVS_GDT_BYTES - 1 };
	s->idt = (struct kvm_dtable){ .base = KVS_GVA_DESC + KVS_DESC_IDT,
		.limit = KVS_IDT_BYTES - 1 };
	s->cr0 = CR0_BITS;
	s->cr3 = root;
	s->cr4 = CR4_BASE | cr4;
	s->efer = EFER_BITS;
}

static int set_msrs(struct kvs_machine *m, struct kvs_error *err)
{
	struct {
		struct kvm_msrs header;
		struct kvm_msr_entry entries[3];
	} msrs = {
		.header.nmsrs = 3,
		.entries =
			{
				{.index = MSR_STAR, .data = STAR_VALUE},
				{.index = MSR_LSTAR,
					.data = m->backend->gate_in_ring3
							? KVS_GVA_GATE
							: KVS_GVA_INIT +
								  (uint64_t)(kvs_init_syscall -
									     kvs_init_start)},
				{.index = MSR_SFMASK, .data = RFLAGS_SYSCALL_MASK},
			},
	};

	/* KVM returns how many it took, and stops at the first it does not know. */
	return ioctl(m->vcpu_fd, KVM_SET_MSRS, &msrs) == 3 ? 0 : kvm_error(err, "KVM_SET_MSRS");
}

/* Grant ring 3 the system call port if, and only if, that is where the stub runs. */
static void grant_gate(struct kvs_machine *m)
{
	uint8_t *desc = kvs_ram_at(m->ram, m->desc);

	kvs_descriptors_grant(desc, KVS_PORT_SYSCALL, m->backend->gate_in_ring3);
}

int kvs_machine_boot(struct kvs_machine *m, int kvm_fd, struct kvs_pagetable *pt,
	const uint16_t *ports, kvs_gva entry, kvs_gva rsp, uint64_t rdi, struct kvs_error *err)
{
	uint64_t cr4 = 0, xcr0 = 0;
	struct kvm_sregs sregs;
	int r = place_guest_init(m, pt, ports);

	if (r == 0)
		r = kvs_ram_attach(pt->ram, m->vm_fd);
	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_PAYLOAD_MEMORY, -r, "no memory for guest-init");
	grant_gate(m);
	if (m->backend->has_cpuid)
		r = set_cpuid(m, kvm_fd, &cr4, &xcr0, err);
	if (r < 0)
		return r;
	if (ioctl(m->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return kvm_error(err, "KVM_GET_SREGS");
	fill_sregs(&sregs, m->backend, pt->root, cr4);
	if (ioctl(m->vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return kvm_error(err, "KVM_SET_SREGS");
	if (cr4 & CR4_OSXSAVE) {
		struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = xcr0 };

		if (ioctl(m->vcpu_fd, KVM_SET_XCRS, &xcrs) < 0)
			return kvm_error(err, "KVM_SET_XCRS");
	}
	r = set_msrs(m, err);
	if (r < 0)
		return r;
	m->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	*kvs_machine_registers(m) = (struct kvm_regs){
		.rip = entry,
		.rsp = rsp,
		.rdi = rdi,
		.rflags = RFLAGS_START,
	};
	return 0;
}

struct kvm_regs *kvs_machine_registers(struct kvs_machine *m)
{
	m->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	return &m->run->s.regs.regs;
}

void kvs_machine_return(struct kvs_machine *m, int64_t result)
{
	struct kvm_regs *regs = kvs_machine_registers(m);

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

int kvs_machine_set_fs_base(struct kvs_machine *m, uint64_t base)
{
	return set_msr(m, MSR_FS_BASE, base);
}

int kvs_machine_set_gs_base(struct kvs_machine *m, uint64_t base)
{
	return set_msr(m, MSR_GS_BASE, base);
}

const char *kvs_machine_backend_name(const struct kvs_machine *m)
{
	return m->backend->name;
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

struct kvm_regs kvs_machine_user(struct kvs_machine *m)
{
	const uint64_t stub = KVS_GVA_INIT + (uint64_t)(kvs_init_syscall - kvs_init_start);
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

void kvs_machine_set_user(struct kvs_machine *m, const struct kvm_regs *user)
{
	struct kvm_regs *regs = kvs_machine_registers(m);
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

int kvs_machine_load_fpu(struct kvs_machine *m, uint8_t *ret_fxsave)
{
	struct kvm_xsave xsave;

	if (ioctl(m->vcpu_fd, KVM_GET_XSAVE, &xsave) < 0)
		return -errno;
	memcpy(ret_fxsave, xsave.region, FXSAVE_BYTES);
	return 0;
}

int kvs_machine_store_fpu(struct kvs_machine *m, const uint8_t *fxsave)
{
	struct kvm_xsave xsave;

	if (ioctl(m->vcpu_fd, KVM_GET_XSAVE, &xsave) < 0)
		return -errno;
	memcpy(xsave.region, fxsave, FXSAVE_BYTES);
	xsave.region[FXSAVE_MXCSR] &= FXSAVE_MXCSR_VALID;
	xsave.region[XSAVE_STATE_BV] |= XSAVE_X87_SSE;
	return ioctl(m->vcpu_fd, KVM_SET_XSAVE, &xsave) < 0 ? -errno : 0;
}

void kvs_machine_resume(struct kvs_machine *m, unsigned int vector)
{
	struct kvm_regs *regs = kvs_machine_registers(m);

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

void kvs_machine_run(struct kvs_machine *m, struct kvs_exit *ret)
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
