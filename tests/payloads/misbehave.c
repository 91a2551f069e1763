/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does one wrong thing, named by its argument, from a function of that name. What comes back from
 * it prints "survived" and exits with 77. Same code for both ABIs.
 */
#include "tests/payloads/raw.h"

#define FLAG_TF	  0x100ull
#define FLAG_IOPL 0x3000ull
#define FLAG_NT	  0x4000ull
#define FLAG_AC	  0x40000ull

#define NON_CANONICAL 0x8000000000000000ull

static uint8_t data_code[16] = { 0xc3 };
static const uint8_t rodata_code[16] = { 0xc3 };
static uint8_t bss_code[64];

static void call_at(u64 address)
{
	((void (*)(void))address)();
}

#define WRONG(name) static __attribute__((noinline)) void name(void)
#define WRONG_ASM(name, text)                                                                      \
	__attribute__((naked)) WRONG(name)                                                         \
	{                                                                                          \
		__asm__("push %rbx; " text "; pop %rbx; ret");                                     \
	}

WRONG(null_read)
{
	__asm__ volatile("mov 0, %%al" : : : "rax");
}

WRONG(null_write)
{
	__asm__ volatile("movb $1, 0x10" : : : "memory");
}

WRONG(null_call)
{
	call_at(0);
}

WRONG(text_write)
{
	*(volatile uint8_t *)(u64)text_write = 0x90;
}

WRONG(rodata_write)
{
	*(volatile uint8_t *)(u64)rodata_code = 1;
}

WRONG(data_execute)
{
	call_at((u64)data_code);
}

WRONG(bss_execute)
{
	bss_code[0] = 0xc3;
	call_at((u64)bss_code);
}

WRONG(rodata_execute)
{
	call_at((u64)rodata_code);
}

WRONG(stack_execute)
{
	volatile uint8_t code[16] = { 0xc3 };

	call_at((u64)code);
}

WRONG(non_canonical_read)
{
	(void)*(volatile uint8_t *)NON_CANONICAL;
}

WRONG(non_canonical_jump)
{
	__asm__ volatile("jmp *%0" : : "r"(NON_CANONICAL));
}

WRONG(non_canonical_return)
{
	__asm__ volatile("push %0; ret" : : "r"(NON_CANONICAL));
}

WRONG(non_canonical_stack)
{
	__asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(NON_CANONICAL));
}

/* With no stack at all an exception must still arrive. */
WRONG(no_stack)
{
	__asm__ volatile("xor %%esp, %%esp; ud2" : :);
}

WRONG(no_stack_call)
{
	__asm__ volatile("xor %%esp, %%esp; call 1f; 1:" : :);
}

static void read_high(u64 address)
{
	(void)*(volatile uint8_t *)address;
}

/* Where a kernel has its direct map, text, per-CPU entry area and vsyscall page. */
WRONG(kernel_map_read)
{
	read_high(0xffff888000000000);
}

WRONG(kernel_text_read)
{
	read_high(0xffffffff81000000);
}

WRONG(entry_area_read)
{
	read_high(0xfffffe0000001000);
}

WRONG(vsyscall_read)
{
	read_high(0xffffffffff600000);
}

WRONG(vsyscall_call)
{
	call_at(0xffffffffff600000);
}

WRONG(kernel_text_write)
{
	*(volatile uint8_t *)0xffffffff81000000 = 0;
}

WRONG_ASM(divide, "xor %ecx, %ecx; xor %edx, %edx; mov $1, %eax; div %ecx")
WRONG_ASM(divide_overflow, "mov $1, %edx; xor %eax, %eax; mov $1, %ecx; idivl %ecx")
WRONG_ASM(undefined, "ud2")
WRONG_ASM(halt, "hlt")
WRONG_ASM(clear_interrupts, "cli")
WRONG_ASM(set_interrupts, "sti")
WRONG_ASM(load_gdt, "sub $16, %rsp; lgdt (%rsp); add $16, %rsp")
WRONG_ASM(load_idt, "sub $16, %rsp; lidt (%rsp); add $16, %rsp")
WRONG_ASM(load_ldt, "xor %eax, %eax; lldt %ax")
WRONG_ASM(load_task, "mov $0x40, %eax; ltr %ax")
WRONG_ASM(read_cr0, "mov %cr0, %rax")
WRONG_ASM(read_cr3, "mov %cr3, %rax")
WRONG_ASM(write_cr3, "xor %eax, %eax; mov %rax, %cr3")
WRONG_ASM(write_cr4, "xor %eax, %eax; mov %rax, %cr4")
WRONG_ASM(read_dr7, "mov %dr7, %rax")
WRONG_ASM(write_dr7, "xor %eax, %eax; mov %rax, %dr7")
WRONG_ASM(read_msr, "mov $0xc0000080, %ecx; rdmsr")
WRONG_ASM(write_msr, "mov $0xc0000080, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr")
WRONG_ASM(write_lstar, "mov $0xc0000082, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr")
WRONG_ASM(write_xcr0, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv")
WRONG_ASM(invalidate_page, "invlpg 0x400000")
WRONG_ASM(invalidate_caches, "wbinvd")
WRONG_ASM(clear_task_switched, "clts")
WRONG_ASM(swap_gs, "swapgs")
WRONG_ASM(return_system, "mov $0x400000, %ecx; mov $0x3202, %r11d; sysretq")
WRONG_ASM(enter_system, "mov $1, %eax; mov $3, %ebx; sysenter")
WRONG_ASM(monitor_line, "lea (%rsp), %rax; xor %ecx, %ecx; xor %edx, %edx; monitor")
WRONG_ASM(breakpoint, "int3")
WRONG_ASM(interrupt_3, ".byte 0xcd, 3")
WRONG_ASM(interrupt_80, "mov $1, %eax; mov $3, %ebx; int $0x80")
WRONG_ASM(interrupt_20, "int $0x20")
WRONG_ASM(interrupt_2, "int $2")
WRONG_ASM(interrupt_8, "int $8")
WRONG_ASM(interrupt_14, "int $14")
WRONG_ASM(interrupt_255, "int $255")
WRONG_ASM(debug_trap, ".byte 0xf1")
WRONG_ASM(call_vmx, "mov $5, %eax; vmcall")
WRONG_ASM(call_svm, "mov $5, %eax; vmmcall")
WRONG_ASM(run_svm, "xor %eax, %eax; vmrun")
WRONG_ASM(launch_vmx, "vmlaunch")
WRONG_ASM(on_vmx, "sub $8, %rsp; vmxon (%rsp); add $8, %rsp")

WRONG_ASM(out_80, "mov $0x80, %edx; out %al, %dx")
WRONG_ASM(in_80, "mov $0x80, %edx; in %dx, %al")
WRONG_ASM(out_cf8, "mov $0xcf8, %edx; out %eax, %dx")
WRONG_ASM(in_3f8, "mov $0x3f8, %edx; in %dx, %al")
WRONG_ASM(out_3f8, "mov $0x3f8, %edx; mov $'x', %al; out %al, %dx")
WRONG_ASM(out_3ff_word, "mov $0x3ff, %edx; out %ax, %dx")
WRONG_ASM(out_400, "mov $0x400, %edx; out %al, %dx")
WRONG_ASM(out_ffff, "mov $0xffff, %edx; out %al, %dx")
WRONG_ASM(out_fault_port, "out %al, $0xe1")
WRONG_ASM(out_syscall_word, "mov $39, %eax; mov $1f, %ecx; pushf; pop %r11; out %ax, $0xe0; 1:")
WRONG_ASM(out_exit, "mov $5, %al; out %al, $0xf4")
WRONG_ASM(out_burst, "xor %eax, %eax; out %al, $0xe8")
WRONG_ASM(string_out, "mov $0x80, %edx; mov $4, %ecx; mov %rsp, %rsi; rep outsb")
WRONG_ASM(string_in, "mov $0x80, %edx; mov $4, %ecx; mov %rsp, %rdi; rep insb")

static inline void set_flags(u64 flags)
{
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "r"(flags) : "memory", "cc");
}

WRONG(single_step)
{
	set_flags(FLAG_TF);
	__asm__ volatile("nop; nop");
}

WRONG(single_step_call)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; syscall"
			 :
			 : "a"((u64)__NR_read), "D"(99ull)
			 : "rcx", "r11", "memory", "cc");
}

/* popf may not raise IOPL: afterwards ports and cli are as forbidden as before. */
WRONG(raise_iopl)
{
	set_flags(FLAG_IOPL);
	__asm__ volatile("out %%al, $0x80" : : "a"(0));
}

WRONG(nested_task)
{
	set_flags(FLAG_NT);
	call3(__NR_read, 99, 0, 0);
	__asm__ volatile("iretq");
}

WRONG(unaligned)
{
	static uint64_t word[2];

	set_flags(FLAG_AC);
	__asm__ volatile("mov 1(%0), %%rax" : : "r"(word) : "rax");
}

WRONG(return_interrupt)
{
	/* To ring 0 with the kernel's own selectors. */
	__asm__ volatile("push $0x18; push %%rsp; pushfq; push $0x10; push %0; iretq"
			 :
			 : "r"((u64)null_read));
}

WRONG(return_interrupt_iopl)
{
	/* To ring 3, as anybody may, but with IOPL 3 in the flags. */
	__asm__ volatile("mov %%rsp, %%rax; push $0x2b; push %%rax; push $0x3202; push $0x33;"
			 "lea 1f(%%rip), %%rax; push %%rax; iretq; 1: cli"
			 :
			 :
			 : "rax", "memory");
}

static void far_return(u64 selector)
{
	__asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
			 :
			 : "r"(selector)
			 : "rax");
}

WRONG(far_ring0)
{
	far_return(0x10);
}

WRONG(far_null)
{
	far_return(0);
}

/* Linux's 32-bit user code segment: a mode of the CPU this machine does not offer. */
WRONG(far_compat)
{
	__asm__ volatile("push $0x23; lea 1f(%%rip), %%rax; push %%rax; lretq;"
			 ".code32\n1: mov $1, %%eax; mov $3, %%ebx; int $0x80; ud2\n.code64"
			 :
			 :
			 : "rax", "rbx");
}

WRONG(load_kernel_segment)
{
	__asm__ volatile("mov %0, %%ds" : : "r"(0x10));
}

WRONG(load_task_segment)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(0x40));
}

WRONG(init_read)
{
	read_high(KVS_GVA_INIT);
}

WRONG(init_write)
{
	*(volatile uint8_t *)KVS_GVA_INIT = 0;
}

WRONG(init_call)
{
	call_at(KVS_GVA_INIT);
}

WRONG(init_call_syscall)
{
	__asm__ volatile("mov $0x400000, %%ecx; mov $0x7302, %%r11d; jmp *%0"
			 :
			 : "r"(KVS_GVA_INIT + (u64)KVS_VECTORS * KVS_VECTOR_BYTES));
}

WRONG(gate_write)
{
	*(volatile uint8_t *)KVS_GVA_GATE = 0;
}

WRONG(descriptors_read)
{
	read_high(KVS_GVA_DESC);
}

WRONG(descriptors_write)
{
	*(volatile uint8_t *)(KVS_GVA_DESC + KVS_DESC_TSS) = 0;
}

WRONG(ring0_stack_read)
{
	read_high(KVS_GVA_STACK);
}

WRONG(ring0_stack_write)
{
	*(volatile uint8_t *)(KVS_GVA_STACK + KVS_PAGE_SIZE - 8) = 0;
}

WRONG(above_init_read)
{
	read_high(KVS_GVA_STACK + KVS_PAGE_SIZE);
}

/*
 * The system call stub, jumped to with registers no SYSCALL would leave. On some machines it is
 * not reachable from ring 3, on others a plain system call.
 */
static void enter_gate(u64 gate, u64 rcx, u64 r11)
{
	__asm__ volatile("mov %0, %%rdx; jmp *%%rdx"
			 :
			 : "r"(gate), "a"((u64)__NR_read), "D"(99ull), "c"(rcx), "r"(r11)
			 : "rdx", "memory");
}

WRONG(gate_to_non_canonical)
{
	enter_gate(KVS_GVA_GATE, NON_CANONICAL, 0x202);
}

WRONG(gate_to_kernel)
{
	enter_gate(KVS_GVA_GATE, 0xffffffff81000000, 0x202);
}

WRONG(gate_to_init)
{
	enter_gate(KVS_GVA_GATE, KVS_GVA_INIT, 0x202);
}

WRONG(gate_to_itself)
{
	enter_gate(KVS_GVA_GATE, KVS_GVA_GATE, 0x202);
}

WRONG(gate_halt)
{
	enter_gate(KVS_GVA_GATE + 2, 0, 0);
}

static void gate_flags(u64 flags)
{
	__asm__ volatile("lea 1f(%%rip), %%rcx; mov %1, %%r11; jmp *%0; 1: cli"
			 :
			 : "r"(KVS_GVA_GATE), "r"(flags), "a"((u64)__NR_read), "D"(99ull)
			 : "rcx", "r11", "memory");
}

WRONG(gate_with_iopl)
{
	gate_flags(0x3202);
}

WRONG(gate_with_trap)
{
	gate_flags(0x302);
}

WRONG(gate_with_nested_task)
{
	gate_flags(0x4202);
}

WRONG(gate_with_vm86)
{
	gate_flags(0xffffffffffffffff);
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static __attribute__((noinline)) int recurse(int n)
{
	volatile char room[1000];

	room[n % 1000] = (char)n;
	return recurse(n + 1) + room[n % 1000];
}

WRONG(overflow_stack)
{
	recurse(0);
}

WRONG(spin)
{
	print("ready\n");
	for (;;)
		__asm__ volatile("pause");
}

WRONG(spin_calls)
{
	print("ready\n");
	for (;;)
		call3(__NR_read, 99, 0, 0);
}

/* The same page fault for ever is what a handler that mends nothing does. */
WRONG(spin_null_jump)
{
	print("ready\n");
	__asm__ volatile("1: jmp 1b");
}

WRONG(unknown_call)
{
	if (call3(999999, 0, 0, 0) != -38 || call3(~0ull, 0, 0, 0) != -38)
		print("not ENOSYS\n");
}

#define B(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct behaviour behaviours[] = { B(null_read), B(null_write), B(null_call),
	B(text_write), B(rodata_write), B(data_execute), B(bss_execute), B(rodata_execute),
	B(stack_execute), B(non_canonical_read), B(non_canonical_jump), B(non_canonical_return),
	B(non_canonical_stack), B(no_stack), B(no_stack_call), B(kernel_map_read),
	B(kernel_text_read), B(entry_area_read), B(vsyscall_read), B(vsyscall_call),
	B(kernel_text_write), B(divide), B(divide_overflow), B(undefined), B(halt),
	B(clear_interrupts), B(set_interrupts), B(load_gdt), B(load_idt), B(load_ldt), B(load_task),
	B(read_cr0), B(read_cr3), B(write_cr3), B(write_cr4), B(read_dr7), B(write_dr7),
	B(read_msr), B(write_msr), B(write_lstar), B(write_xcr0), B(invalidate_page),
	B(invalidate_caches), B(clear_task_switched), B(swap_gs), B(return_system), B(enter_system),
	B(monitor_line), B(breakpoint), B(interrupt_3), B(interrupt_80), B(interrupt_20),
	B(interrupt_2), B(interrupt_8), B(interrupt_14), B(interrupt_255), B(debug_trap),
	B(call_vmx), B(call_svm), B(run_svm), B(launch_vmx), B(on_vmx), B(out_80), B(in_80),
	B(out_cf8), B(in_3f8), B(out_3f8), B(out_3ff_word), B(out_400), B(out_ffff),
	B(out_fault_port), B(out_syscall_word), B(out_exit), B(out_burst), B(string_out),
	B(string_in), B(single_step), B(single_step_call), B(raise_iopl), B(nested_task),
	B(unaligned), B(return_interrupt), B(return_interrupt_iopl), B(far_ring0), B(far_null),
	B(far_compat), B(load_kernel_segment), B(load_task_segment), B(init_read), B(init_write),
	B(init_call), B(init_call_syscall), B(gate_write), B(descriptors_read),
	B(descriptors_write), B(ring0_stack_read), B(ring0_stack_write), B(above_init_read),
	B(gate_to_non_canonical), B(gate_to_kernel), B(gate_to_init), B(gate_to_itself),
	B(gate_halt), B(gate_with_iopl), B(gate_with_trap), B(gate_with_nested_task),
	B(gate_with_vm86), B(overflow_stack), B(spin), B(spin_calls), B(spin_null_jump),
	B(unknown_call) };

int payload_main(int argc, char **argv, char **envp, const struct kvs_boot *boot)
{
	(void)envp, (void)boot;
	if (argc > 2)
		print("before\n");
	return run_behaviour(
		behaviours, sizeof(behaviours) / sizeof(*behaviours), argc > 1 ? argv[1] : "");
}
