/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-init: all the code that runs inside a VM beside the payload.
 *
 * The VMM copies each of the two blocks to a page of its own. Everything is position independent
 * and a few instructions long: one kind of KVM interprets ring 0, about a microsecond an
 * instruction.
 *
 * The host does the work while the vCPU stands behind `out`. Before it resumes, it has put the
 * result into RAX (system call) or made RSP point at the saved RIP (exception).
 */
#include "abi.h"

	.section .rodata.guest_init, "a"

/* KVS_GVA_INIT: the exception stubs, and the system call entry for CPUs that enter ring 0. */
	.balign 16
	.globl kvs_init_start, kvs_init_syscall, kvs_init_end
kvs_init_start:
	.rept KVS_VECTORS
	.balign KVS_VECTOR_BYTES, 0x90
	out	%al, $KVS_PORT_FAULT
	iretq
	.endr
	.balign KVS_VECTOR_BYTES, 0x90
kvs_init_syscall:
	out	%al, $KVS_PORT_SYSCALL
	sysretq
kvs_init_end:

/*
 * KVS_GVA_GATE: the entry where SYSCALL stays in ring 3. The host resumes at RCX with the flags
 * of R11 itself, so nothing follows and the payload's red zone is not touched.
 */
	.globl kvs_gate_start, kvs_gate_end
kvs_gate_start:
	out	%al, $KVS_PORT_SYSCALL
	hlt
kvs_gate_end:

	.section .note.GNU-stack, "", @progbits
