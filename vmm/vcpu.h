/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU of a machine that kvs_machine_boot() has set at its entry: run it, learn as a value why
 * it came back, read and change its registers.
 *
 * Between two runs the vCPU stands either in the payload or in a stub of guest-init, which has the
 * payload's own registers elsewhere. kvs_vcpu_registers() is what the vCPU holds, right for the
 * arguments of a system call; kvs_vcpu_user() is what the payload holds.
 */
#pragma once

#include "machine.h"
#include "stop.h"

enum kvs_exit_kind {
	KVS_EXIT_INTERRUPTED = 1, /* a signal */
	KVS_EXIT_SYSCALL,	  /* registers as Linux has them; answer with kvs_vcpu_return() */
	KVS_EXIT_FAULT,		  /* an exception in ring 3 */
	KVS_EXIT_PORT,		  /* port I/O the bitmap grants */
	KVS_EXIT_STOP,		  /* the vCPU cannot go on */
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
 * kvs_vcpu_run - let the guest run until it needs something
 *
 * The first system call also checks the privilege level the vCPU stopped in; a backend that is not
 * what it seemed is a stop.
 */
void kvs_vcpu_run(struct kvs_machine *m, struct kvs_exit *ret_exit);

/* kvs_vcpu_registers - the vCPU's registers at the last exit; changes count at the next run */
struct kvm_regs *kvs_vcpu_registers(struct kvs_machine *m);

/* kvs_vcpu_return - end a system call with this result in RAX */
void kvs_vcpu_return(struct kvs_machine *m, int64_t result);

/* kvs_vcpu_resume - go back to the instruction that faulted and try again */
void kvs_vcpu_resume(struct kvs_machine *m, unsigned int vector);

/*
 * kvs_vcpu_user - the registers of ring 3, wherever the vCPU stands
 *
 * Inside a stub of guest-init the payload's own RIP and RFLAGS are in RCX and R11 or on the ring 0
 * stack; a system call that has not reached the host yet reads as not made yet.
 */
struct kvm_regs kvs_vcpu_user(struct kvs_machine *m);

/* kvs_vcpu_set_user - continue in ring 3 with these; RFLAGS is reduced to what ring 3 may hold */
void kvs_vcpu_set_user(struct kvs_machine *m, const struct kvm_regs *user);

/* kvs_vcpu_load_fpu, _store_fpu - the FXSAVE image, 512 bytes (SDM 1 10.5.1); 0 or -errno */
int kvs_vcpu_load_fpu(struct kvs_machine *m, uint8_t *ret_fxsave);
int kvs_vcpu_store_fpu(struct kvs_machine *m, const uint8_t *fxsave);

/* kvs_vcpu_set_fs_base, _gs_base - 0 or -errno */
int kvs_vcpu_set_fs_base(struct kvs_machine *m, uint64_t base);
int kvs_vcpu_set_gs_base(struct kvs_machine *m, uint64_t base);
