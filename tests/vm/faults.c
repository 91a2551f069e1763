/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads that misbehave: each ends, for the reason it gave, with one line that names the fault,
 * the address and the function. kvshim never crashes, and nothing is gained.
 */
#include "runner.h"

#define ARGS(what) .args = { "/bin/misbehave", what }
#define NO_OUTPUT  .output = ""

#define GP(what)                                                                                   \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, NO_OUTPUT,                              \
		.errors = { "general protection fault", " in " #what, "[SIGSEGV]" },               \
	}
#define GP_NOTE(what, note)                                                                        \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, NO_OUTPUT,                              \
		.errors = { "general protection fault", "(" note, " in " #what },                  \
	}
#define GP_FRAME(what, text)                                                                       \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, NO_OUTPUT,                              \
		.errors = { text, " in " #what }, .qemu_error = "page fault: read of protected",   \
	}
#define PAGE(what, text)                                                                           \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, NO_OUTPUT,                              \
		.errors = { "payload stopped by a page fault: " text, " in " #what, "[SIGSEGV]" }, \
	}
/* The jump has happened: the address is where it led, which no function holds. */
#define JUMP(what, text)                                                                           \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, NO_OUTPUT,                              \
		.errors = { "payload stopped by a page fault: execute of " text, "[SIGSEGV]" },    \
	}
#define ILL(what, ...)                                                                             \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 132, NO_OUTPUT,                              \
		.errors = { "invalid instruction", " in " #what, "[SIGILL]" }, __VA_ARGS__         \
	}
#define TRAP(what, text)                                                                           \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 133, NO_OUTPUT,                              \
		.errors = { text, " in " #what, "[SIGTRAP]" },                                     \
	}

static const struct kvs_runner_case faults[] = {
	PAGE(null_read, "read of unmapped 0x0, at 0x"),
	PAGE(null_write, "write of unmapped 0x10, at 0x"),
	JUMP(null_call, "unmapped 0x0, at 0x0"),
	PAGE(text_write, "write of protected 0x4"),
	PAGE(rodata_write, "write of protected 0x4"),
	JUMP(data_execute, "protected 0x4"),
	JUMP(bss_execute, "protected 0x4"),
	JUMP(rodata_execute, "protected 0x4"),
	JUMP(stack_execute, "protected 0x7ff"),
	GP(non_canonical_read),
	{ .name = "non_canonical_jump",
		ARGS("non_canonical_jump"),
		.status = 139,
		NO_OUTPUT,
		.errors = { "general protection fault" } },
	{ .name = "non_canonical_return",
		ARGS("non_canonical_return"),
		.status = 139,
		NO_OUTPUT,
		.errors = { "general protection fault" } },
	{ .name = "non_canonical_stack",
		ARGS("non_canonical_stack"),
		.status = 135,
		.other_status = 139,
		NO_OUTPUT,
		.errors = { "stack segment fault", " in non_canonical_stack", "[SIGBUS]" } },
	ILL(no_stack),
	{ .name = "no_stack_call",
		ARGS("no_stack_call"),
		.status = 139,
		NO_OUTPUT,
		.errors = { "page fault: write of unmapped 0xfffffffffffffff8" } },
	PAGE(kernel_map_read, "read of unmapped 0xffff888000000000"),
	PAGE(kernel_text_read, "read of unmapped 0xffffffff81000000"),
	PAGE(kernel_text_write, "write of unmapped 0xffffffff81000000"),
	PAGE(entry_area_read, "read of unmapped 0xfffffe0000001000"),
	PAGE(vsyscall_read, "read of unmapped 0xffffffffff600000"),
	JUMP(vsyscall_call, "unmapped 0xffffffffff600000"),
	{ .name = "divide",
		ARGS("divide"),
		.status = 136,
		NO_OUTPUT,
		.errors = { "divide error", " in divide", "[SIGFPE]" } },
	{ .name = "divide_overflow",
		ARGS("divide_overflow"),
		.status = 136,
		NO_OUTPUT,
		.errors = { "divide error", " in divide_overflow", "[SIGFPE]" } },
	{ .name = "undefined",
		ARGS("undefined"),
		.status = 132,
		NO_OUTPUT,
		.errors = { "invalid instruction", "(ud2)", " in undefined", "[SIGILL]" } },
	{ .name = "unaligned",
		ARGS("unaligned"),
		.status = 135,
		.other_status = 77,
		NO_OUTPUT,
		.errors = { "alignment check", " in unaligned", "[SIGBUS]" } },
	{ .name = "overflow_stack",
		ARGS("overflow_stack"),
		.status = 139,
		NO_OUTPUT,
		.errors = { "page fault: write of unmapped 0x7ff", "(stack overflow)",
			" in recurse" } },
};

static const struct kvs_runner_case privileged[] = {
	GP_NOTE(halt, "hlt in ring 3"),
	GP_NOTE(clear_interrupts, "cli or sti in ring 3"),
	GP_NOTE(set_interrupts, "cli or sti in ring 3"),
	GP_NOTE(load_gdt, "a ring 0 instruction"),
	GP_NOTE(load_idt, "a ring 0 instruction"),
	GP(load_ldt),
	GP(load_task),
	GP(read_cr0),
	GP(read_cr3),
	GP(write_cr3),
	GP(write_cr4),
	GP(read_dr7),
	GP(write_dr7),
	GP(read_msr),
	GP(write_msr),
	GP(write_lstar),
	{ .name = "write_xcr0",
		ARGS("write_xcr0"),
		.status = 139,
		.other_status = 132,
		NO_OUTPUT,
		.errors = { "general protection fault" } },
	GP(invalidate_page),
	GP(invalidate_caches),
	GP(clear_task_switched),
	GP(swap_gs),
	GP(return_system),
	GP_FRAME(return_interrupt, "general protection fault"),
	GP_FRAME(return_interrupt_iopl, "cli or sti in ring 3"),
	{ .name = "enter_system",
		ARGS("enter_system"),
		.status = 132,
		.other_status = 139,
		NO_OUTPUT,
		.errors = { "invalid instruction", " in enter_system" } },
	{ .name = "monitor_line",
		ARGS("monitor_line"),
		.status = 139,
		.other_status = 132,
		NO_OUTPUT,
		.errors = { "general protection fault" } },
	/* What a CPU without the instruction, with it, or a hypervisor that answers it, says. */
	{ .name = "call_vmx",
		ARGS("call_vmx"),
		.status = 139,
		.other_status = 77,
		.errors = { "a ring 0 instruction" } },
	{ .name = "call_svm",
		ARGS("call_svm"),
		.status = 77,
		.other_status = 132,
		.output = "survived\n" },
	{ .name = "run_svm",
		ARGS("run_svm"),
		.status = 139,
		.other_status = 132,
		NO_OUTPUT,
		.errors = { "a ring 0 instruction" } },
	{ .name = "launch_vmx",
		ARGS("launch_vmx"),
		.status = 132,
		.other_status = 139,
		NO_OUTPUT,
		.errors = { "a ring 0 instruction" } },
	{ .name = "on_vmx",
		ARGS("on_vmx"),
		.status = 132,
		.other_status = 139,
		NO_OUTPUT,
		.errors = { " in on_vmx" } },
	GP_FRAME(far_ring0, "general protection fault"),
	GP_FRAME(far_null, "general protection fault"),
	GP_FRAME(far_compat, "general protection fault"),
	GP(load_kernel_segment),
	GP(load_task_segment),
	GP(nested_task),
	GP_NOTE(raise_iopl, "port I/O"),
	TRAP(breakpoint, "breakpoint"),
	TRAP(interrupt_3, "breakpoint"),
	{ .name = "debug_trap",
		ARGS("debug_trap"),
		.status = 133,
		.other_status = 132,
		NO_OUTPUT,
		.errors = { "debug trap", " in debug_trap", "[SIGTRAP]" } },
	{ .name = "single_step",
		ARGS("single_step"),
		.status = 133,
		NO_OUTPUT,
		.errors = { "debug trap", " in single_step", "[SIGTRAP]" } },
	{ .name = "single_step_call",
		ARGS("single_step_call"),
		.status = 133,
		.other_status = 139,
		NO_OUTPUT,
		.errors = { "debug trap", "[SIGTRAP]" } },
	ILL(interrupt_80, .other_status = 139),
	ILL(interrupt_20, .other_status = 139),
	ILL(interrupt_2, .other_status = 139),
	ILL(interrupt_8, .other_status = 139),
	ILL(interrupt_14, .other_status = 139),
	ILL(interrupt_255, .other_status = 139),
	{ .name = "unknown_call", ARGS("unknown_call"), .status = 77, .output = "survived\n" },
};

#define BARE_GP(what)                                                                              \
	{                                                                                          \
		.name = "bare " #what, ARGS(#what), .bare = true, .status = 139, NO_OUTPUT,        \
		.errors = { "general protection fault", " in " #what },                            \
	}

static const struct kvs_runner_case ports[] = {
	GP_NOTE(out_80, "port I/O this ABI does not grant"),
	GP_NOTE(in_80, "port I/O this ABI does not grant"),
	GP_NOTE(out_cf8, "port I/O this ABI does not grant"),
	GP_NOTE(in_3f8, "port I/O this ABI does not grant"),
	GP_NOTE(out_3f8, "port I/O this ABI does not grant"),
	GP_NOTE(out_400, "port I/O this ABI does not grant"),
	GP_NOTE(out_ffff, "port I/O this ABI does not grant"),
	GP_NOTE(out_fault_port, "port I/O this ABI does not grant"),
	GP_NOTE(out_exit, "port I/O this ABI does not grant"),
	GP_NOTE(out_burst, "port I/O this ABI does not grant"),
	GP(out_3ff_word),
	GP(out_syscall_word),
	GP(string_out),
	GP(string_in),
	BARE_GP(out_80),
	BARE_GP(in_80),
	BARE_GP(out_cf8),
	BARE_GP(out_400),
	BARE_GP(out_ffff),
	BARE_GP(out_3ff_word),
	BARE_GP(out_fault_port),
	BARE_GP(out_syscall_word),
	BARE_GP(string_out),
	BARE_GP(raise_iopl),
	BARE_GP(clear_interrupts),
	{ .name = "bare null_read",
		ARGS("null_read"),
		.bare = true,
		.status = 139,
		NO_OUTPUT,
		.errors = { "page fault: read of unmapped 0x0", " in null_read" } },
	{ .name = "bare overflow_stack",
		ARGS("overflow_stack"),
		.bare = true,
		.status = 139,
		NO_OUTPUT,
		.errors = { "(stack overflow)", " in recurse" } },
	{ .name = "bare stack_execute",
		ARGS("stack_execute"),
		.bare = true,
		.status = 139,
		NO_OUTPUT,
		.errors = { "page fault: execute of protected" } },
	{ .name = "bare text_write",
		ARGS("text_write"),
		.bare = true,
		.status = 139,
		NO_OUTPUT,
		.errors = { "page fault: write of protected" } },
	{ .name = "bare unknown_call",
		ARGS("unknown_call"),
		.bare = true,
		.status = 77,
		.output = "survived\n" },
};

/* 77 is a call that came back; where the stub is out of reach, the jump or the port faults. */
#define GATE(what)                                                                                 \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, .errors = { "payload stopped by a" }    \
	}

static const struct kvs_runner_case guest_init[] = {
	PAGE(init_read, "read of protected 0x7fffffff0000"),
	PAGE(init_write, "write of protected 0x7fffffff0000"),
	JUMP(init_call, "protected 0x7fffffff0000"),
	JUMP(init_call_syscall, "protected 0x7fffffff0100"),
	PAGE(gate_write, "write of protected 0x7fffffff1000"),
	PAGE(descriptors_read, "read of protected 0x7fffffff2000"),
	PAGE(descriptors_write, "write of protected 0x7fffffff2400"),
	PAGE(ring0_stack_read, "read of protected 0x7fffffff3000"),
	PAGE(ring0_stack_write, "write of protected 0x7fffffff3ff8"),
	PAGE(above_init_read, "read of unmapped 0x7fffffff4000"),
	GATE(gate_to_non_canonical),
	GATE(gate_to_kernel),
	GATE(gate_to_init),
	GATE(gate_halt),
	GATE(gate_with_iopl),
	GATE(gate_with_trap),
	GATE(gate_with_nested_task),
	GATE(gate_with_vm86),
	{ .name = "gate_to_itself",
		ARGS("gate_to_itself"),
		.deadline = "300ms",
		.status = 137,
		.other_status = 139,
		.errors = { "its deadline passed" } },
};

static const struct kvs_runner_case ends[] = {
	{ .name = "deadline in a loop",
		ARGS("spin"),
		.deadline = "300ms",
		.status = 137,
		.output = "ready\n",
		.errors = { "payload killed: its deadline passed" } },
	{ .name = "deadline in system calls",
		ARGS("spin_calls"),
		.deadline = "300ms",
		.status = 137,
		.output = "ready\n",
		.errors = { "payload killed: its deadline passed" } },
	{ .name = "bare deadline",
		ARGS("spin"),
		.bare = true,
		.deadline = "300ms",
		.status = 137,
		.output = "ready\n",
		.errors = { "payload killed: its deadline passed" } },
	{ .name = "SIGTERM in a loop",
		ARGS("spin"),
		.signal = 15,
		.status = 143,
		.output = "ready\n",
		.errors = { "signal 15" } },
	{ .name = "SIGTERM in system calls",
		ARGS("spin_calls"),
		.signal = 15,
		.status = 143,
		.output = "ready\n",
		.errors = { "signal 15" } },
	{ .name = "bare SIGTERM",
		ARGS("spin"),
		.bare = true,
		.signal = 15,
		.status = 143,
		.output = "ready\n",
		.errors = { "signal 15" } },
	{ .name = "SIGINT in a loop",
		ARGS("spin"),
		.signal = 2,
		.status = 130,
		.output = "ready\n" },
	{ .name = "SIGKILL to kvshim",
		ARGS("spin"),
		.signal = 9,
		.status = 137,
		.output = "ready\n" },
	{ .name = "output before a fault",
		.args = { "/bin/misbehave", "null_read", "x" },
		.status = 139,
		.output = "before\n",
		.errors = { "page fault: read of unmapped 0x0" } },
};

int kvs_vm_faults(void)
{
	return kvs_runner_group("faults", faults, KVS_RUNNER_COUNT(faults)) +
	       kvs_runner_group("privileged", privileged, KVS_RUNNER_COUNT(privileged)) +
	       kvs_runner_group("ports", ports, KVS_RUNNER_COUNT(ports)) +
	       kvs_runner_group("guest-init", guest_init, KVS_RUNNER_COUNT(guest_init)) +
	       kvs_runner_group("ends", ends, KVS_RUNNER_COUNT(ends));
}
