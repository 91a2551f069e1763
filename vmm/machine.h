/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual machine: one VM, one vCPU, in ring 3 of long mode from its first instruction.
 *
 * Everything that is KVM's or x86's is here: descriptors, control registers, CPUID, the stubs of
 * guest-init, and the decoding of exits into values. What an exit means for the payload is
 * guest.c's business.
 *
 * Theory of operation: three kinds of KVM. On hardware (kvm_amd, kvm_intel) SYSCALL enters ring 0,
 * where a stub does `out; sysretq`. Where KVM runs without hardware virtualisation (kvm_pvm),
 * SYSCALL goes to LSTAR but stays in ring 3, so the stub must be on a user page, with its port
 * granted by the TSS. The CPU's own virtualisation bits say which kind to expect; the first system
 * call proves it, see kvs_machine_run().
 */
#pragma once

#include "launch.h"
#include "pagetable.h"

#include <linux/kvm.h>

struct kvs_backend;

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

enum kvs_exit_kind {
	KVS_EXIT_INTERRUPTED = 1, /* a signal, or kvs_machine_kick() */
	KVS_EXIT_SYSCALL, /* registers as Linux has them; answer with kvs_machine_return() */
	KVS_EXIT_FAULT,	  /* an exception in ring 3 */
	KVS_EXIT_PORT,	  /* port I/O the bitmap grants */
	KVS_EXIT_STOP,	  /* the vCPU cannot go on */
};

struct kvs_exit {
	enum kvs_exit_kind kind;
	/* KVS_EXIT_PORT */
	uint16_t port;
	bool is_write;
	uint8_t size;	/* bytes an access: 1, 2 or 4 */
	uint32_t count; /* accesses, more than 1 for string I/O */
	uint8_t *data;	/* count * size bytes: written by the guest, or to be filled */
	/* KVS_EXIT_FAULT: all but exit_code; KVS_EXIT_STOP: all */
	struct kvs_stop stop;
};

/*
 * kvs_machine_init - make VM and vCPU
 * @kvm_fd: /dev/kvm, borrowed
 *
 * Return: 0, or -errno with @err (KVM_*).
 */
int kvs_machine_init(struct kvs_machine *m, int kvm_fd, struct kvs_error *err);
void kvs_machine_done(struct kvs_machine *m);

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

/*
 * kvs_machine_run - let the guest run until it needs something
 *
 * The first system call also checks the privilege level the vCPU stopped in; a backend that is not
 * what it seemed is a stop.
 */
void kvs_machine_run(struct kvs_machine *m, struct kvs_exit *ret_exit);

/* kvs_machine_registers - the vCPU's registers at the last exit; changes count at the next run */
struct kvm_regs *kvs_machine_registers(struct kvs_machine *m);

/* kvs_machine_return - end a system call with this result in RAX */
void kvs_machine_return(struct kvs_machine *m, int64_t result);

/* kvs_machine_resume - go back to the instruction that faulted and try again */
void kvs_machine_resume(struct kvs_machine *m, unsigned int vector);

/*
 * kvs_machine_user - the registers of ring 3, wherever the vCPU stands
 *
 * Inside a stub of guest-init the payload's own RIP and RFLAGS are in RCX and R11 or on the ring 0
 * stack; a system call that has not reached the host yet reads as not made yet.
 */
struct kvm_regs kvs_machine_user(struct kvs_machine *m);

/* kvs_machine_set_user - continue in ring 3 with these; RFLAGS is reduced to what ring 3 may hold
 */
void kvs_machine_set_user(struct kvs_machine *m, const struct kvm_regs *user);

/* kvs_machine_load_fpu, _store_fpu - the FXSAVE image, 512 bytes (SDM 1 10.5.1); 0 or -errno */
int kvs_machine_load_fpu(struct kvs_machine *m, uint8_t *ret_fxsave);
int kvs_machine_store_fpu(struct kvs_machine *m, const uint8_t *fxsave);

/* kvs_machine_set_fs_base, _gs_base - 0 or -errno */
int kvs_machine_set_fs_base(struct kvs_machine *m, uint64_t base);
int kvs_machine_set_gs_base(struct kvs_machine *m, uint64_t base);

const char *kvs_machine_backend_name(const struct kvs_machine *m);
