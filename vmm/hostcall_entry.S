/* SPDX-License-Identifier: Apache-2.0 */
/* The stretch of code hostcall.h describes: look for a signal, make the call, nothing between. */
	.text
	.globl kvs_hostcall, kvs_hostcall_begin, kvs_hostcall_end, kvs_hostcall_abort
	.type kvs_hostcall, @function
kvs_hostcall:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
kvs_hostcall_begin:
	cmpl	$0, kvs_hostcall_pending(%rip)
	jne	kvs_hostcall_abort
	syscall
kvs_hostcall_end:
	ret
kvs_hostcall_abort:
	mov	$-85, %rax	/* -ERESTART */
	ret
	.size kvs_hostcall, . - kvs_hostcall

/* Where a signal handler returns to. */
	.globl kvs_hostcall_restore
	.type kvs_hostcall_restore, @function
kvs_hostcall_restore:
	mov	$15, %eax	/* rt_sigreturn */
	syscall
	.size kvs_hostcall_restore, . - kvs_hostcall_restore
	.section .note.GNU-stack, "", @progbits
