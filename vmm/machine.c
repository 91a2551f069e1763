/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the virtual machine: which kind of KVM this is, the pages of guest-init, CPUID, control
 * registers and MSRs, up to the payload's first instruction. Running it is vcpu.c's.
 */
#include "machine.h"

#include "descriptors.h"
#include "vcpu.h"
#include "vmm/base/cleanup.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

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
};

#define CR0_BITS	    0x80050033ull /* PG AM WP NE ET MP PE */
#define CR4_BASE	    0x00000620ull /* OSXMMEXCPT OSFXSR PAE */
#define CR4_UMIP	    (1ull << 11)
#define CR4_FSGSBASE	    (1ull << 16)
#define CR4_OSXSAVE	    (1ull << 18)
#define CR4_SMEP	    (1ull << 20)
#define CR4_SMAP	    (1ull << 21)
#define EFER_BITS	    0xd01ull   /* NXE LMA LME SCE */
#define RFLAGS_SYSCALL_MASK 0x47700ull /* cleared on entry: AC NT IOPL DF IF TF */

#define MSR_TSC	   0x10
#define MSR_STAR   0xc0000081
#define MSR_LSTAR  0xc0000082
#define MSR_SFMASK 0xc0000084

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

/*
 * No MSR for the guest but its time stamp counter, which ring 3 reads anyway; KVM wants one range
 * at least. Ring 0 holds no instruction that would ask: a second wall. Where KVM interprets ring 0,
 * the interpreter is that wall.
 */
static int deny_msrs(int vm_fd)
{
	static const uint64_t first_bit = 1; /* KVM reads whole words */
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges[0] = {
			.flags = KVM_MSR_FILTER_READ,
			.nmsrs = 1,
			.base = MSR_TSC,
			.bitmap = (uint8_t *)&first_bit,
		},
	};

	return ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter);
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
	if (m->backend->has_cpuid && deny_msrs(m->vm_fd) < 0)
		return kvm_error(err, "KVM_X86_SET_MSR_FILTER");
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

kvs_gva kvs_machine_syscall_stub(void)
{
	return KVS_GVA_INIT + (uint64_t)(kvs_init_syscall - kvs_init_start);
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
							: kvs_machine_syscall_stub()},
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
	kvs_vcpu_set_user(m, &(struct kvm_regs){ .rip = entry, .rsp = rsp, .rdi = rdi });
	return 0;
}

const char *kvs_machine_backend_name(const struct kvs_machine *m)
{
	return m->backend->name;
}
