/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual machine: one VM, one vCPU, in ring 3 of long mode from its first instruction.
 *
 * Everything that is KVM's or x86's is here and in vcpu.h. Here it is made and booted:
 * descriptors, control registers, CPUID, the stubs of guest-init. There it runs: exits decoded
 * into values, registers. What an exit means for the payload is guest.c's business.
 *
 * Theory of operation: three kinds of KVM. On hardware (kvm_amd, kvm_intel) SYSCALL enters ring 0,
 * where a stub does `out; sysretq`. Where KVM runs without hardware virtualisation (kvm_pvm),
 * SYSCALL goes to LSTAR but stays in ring 3, so the stub must be on a user page, with its port
 * granted by the TSS. The CPU's own virtualisation bits say which kind to expect; the first system
 * call proves it, see kvs_vcpu_run().
 */
#pragma once

#include "pagetable.h"
#include "vmm/base/error.h"

#include <linux/kvm.h>

/* What differs between the kinds of KVM, and nothing else. */
struct kvs_backend {
	const char *name;
	bool gate_in_ring3; /* SYSCALL keeps CPL 3 */
	bool has_cpuid;	    /* KVM filters CPUID for ring 3, and derives what is allowed from it */
	uint8_t tss_type;   /* type of TR: busy, but AMD-V never shows the busy bit */
};

struct kvs_machine {
	const struct kvs_backend *backend;
	struct kvs_ram *ram;
	int vm_fd, vcpu_fd;
	struct kvm_run *run; /* shared with the kernel; `run_bytes` of it */
	size_t run_bytes;
	kvs_gpa desc, stack; /* GDT, IDT and TSS; the ring 0 stack */
	bool in_syscall;     /* the last exit was a system call */
	bool is_proven;	     /* the first system call came the way the backend says */
};

/*
 * kvs_machine_init - make VM and vCPU
 * @kvm_fd: /dev/kvm, borrowed
 *
 * Return: 0, or -errno with @err (KVM_*).
 */
int kvs_machine_init(struct kvs_machine *m, int kvm_fd, struct kvs_error *err);

/*
 * kvs_machine_boot - put guest-init into RAM, give the RAM to KVM, set the vCPU at the entry
 * @pt: borrowed for the life of the machine, as is its RAM
 * @ports: which ports ring 3 may use, ended by a 0
 * @rdi: what the payload finds in RDI
 *
 * Return: 0, or -errno with @err.
 */
int kvs_machine_boot(struct kvs_machine *m, int kvm_fd, struct kvs_pagetable *pt,
	const uint16_t *ports, kvs_gva entry, kvs_gva rsp, uint64_t rdi, struct kvs_error *err);

/* kvs_machine_syscall_stub - where SYSCALL goes when it enters ring 0 */
kvs_gva kvs_machine_syscall_stub(void);

const char *kvs_machine_backend_name(const struct kvs_machine *m);
