/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a line on a bare machine with one exit, by the burst register of COM1. */
#include "guest-init/abi.h"

	.section .text.start, "ax"
	.globl _start
_start:
	mov	$KVS_BURST_WRITE, %eax
	lea	message(%rip), %rdi
	mov	$message_end - message, %esi
	out	%al, $KVS_PORT_COM1_BURST
	xor	%eax, %eax
	out	%al, $KVS_PORT_EXIT

	.section .rodata
message:
	.ascii	"hello from a bare machine\n"
message_end:

	.section .note.GNU-stack, "", @progbits
