/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine as the guest sees it: the one header that host C, guest C, assembly and the linker
 * scripts share. Plain macros above, structures (not for assembly) below.
 *
 * Append only: a payload built against version 1 keeps working. kvshim-abi(7) is the manual.
 */
#ifndef KVS_GUEST_ABI_H
#define KVS_GUEST_ABI_H

#define KVS_ABI_VERSION 1

/*
 * Ports. The two UARTs sit where a PC has them; the others are below 0x100, so that
 * `out %al, $port` reaches them. What an ABI does not grant raises #GP in ring 3.
 */
#define KVS_PORT_SYSCALL    0xe0 /* guest-init: a system call, registers as Linux has them */
#define KVS_PORT_FAULT	    0xe1 /* guest-init: an exception, the frame is on the ring 0 stack */
#define KVS_PORT_COM1_BURST 0xe8 /* bare: a KVS_BURST_ command in AL, buffer RDI, length RSI */
#define KVS_PORT_COM2_BURST 0xec
#define KVS_PORT_EXIT	    0xf4  /* bare: ends the payload, AL is its exit status */
#define KVS_PORT_COM2	    0x2f8 /* standard error, eight registers */
#define KVS_PORT_COM1	    0x3f8 /* standard input and output, eight registers */
#define KVS_PORTS	    0x400 /* the I/O permission bitmap ends here; all above is refused */

/* Burst commands; RAX returns the bytes moved, 0 at end of input, or a negative errno. */
#define KVS_BURST_WRITE 0
#define KVS_BURST_READ	1

/*
 * Guest virtual memory. The payload owns everything from KVS_GVA_MIN up to KVS_GVA_MAX; guest-init
 * lives above, below the last page of the lower half, so that no return address is ever
 * non-canonical.
 */
#define KVS_GVA_MIN  0x10000
#define KVS_GVA_MAX  0x7fffffff0000
#define KVS_GVA_INIT 0x7fffffff0000 /* ring 0 code: exception stubs, system call stub */
#define KVS_GVA_GATE                                                                               \
	0x7fffffff1000 /* ring 3 code: the system call stub where SYSCALL keeps CPL 3 */
#define KVS_GVA_DESC  0x7fffffff2000 /* GDT, IDT, TSS */
#define KVS_GVA_STACK 0x7fffffff3000 /* ring 0 stack, one page */

#define KVS_PAGE_SIZE 4096

/* Offsets in the descriptor page. */
#define KVS_DESC_GDT 0x000
#define KVS_DESC_IDT 0x100
#define KVS_DESC_TSS 0x400

/* Selectors: Linux's, which every kind of KVM is at ease with. */
#define KVS_SEL_KERNEL_CS 0x10
#define KVS_SEL_KERNEL_SS 0x18
#define KVS_SEL_USER_SS	  0x2b
#define KVS_SEL_USER_CS	  0x33
#define KVS_SEL_TSS	  0x40

#define KVS_VECTORS	 32
#define KVS_VECTOR_BYTES 8 /* distance between exception stubs, vector 0 at KVS_GVA_INIT */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* What the CPU leaves at the top of the ring 0 stack; error_code only for vectors that have one. */
struct kvs_fault_frame {
	uint64_t error_code;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};
_Static_assert(sizeof(struct kvs_fault_frame) == 48, "as the CPU pushes it");

/*
 * The boot record: a bare payload starts with its address in RDI, and with argc, argv, the
 * environment and an auxiliary vector at RSP, as the System V ABI has them.
 */
struct kvs_boot {
	uint32_t version; /* KVS_ABI_VERSION */
	uint32_t size;	  /* bytes in this record */
	uint64_t heap;	  /* zeroed read-write memory, page aligned */
	uint64_t heap_bytes;
	uint64_t argc;
	uint64_t argv;	  /* address of argc pointers and a NULL */
	uint64_t envp;	  /* address of the environment's pointers and a NULL */
	uint8_t seed[16]; /* random, different in every run */
};
_Static_assert(offsetof(struct kvs_boot, heap) == 8, "append only");
_Static_assert(offsetof(struct kvs_boot, seed) == 48, "append only");
_Static_assert(sizeof(struct kvs_boot) == 64, "append only");

#endif
#endif
