/* SPDX-License-Identifier: Apache-2.0 */
/* The bare ABI: the UARTs by port and by burst, the exit port, the boot record, the heap. */
#include "runner.h"

#define ARGS(what) .name = "bare " what, .args = { "/bin/uart", what }, .bare = true

static const char registers[] = "LSR 0x60\n"
				"IIR 0x1\n"
				"MSR 0x38\n" /* the input has ended: DCD down, and that is news */
				"LCR 0x3\n"
				"SCR 0x5a\n"
				"IER 0xf\n"
				"IIR with THRE 0x2\n"
				"IIR read once 0x1\n"
				"IIR with FIFO 0xc1\n"
				"IIR without 0x1\n"
				"DLL 0x34\n"
				"DLM 0x12\n"
				"IER again 0x0\n"
				"MCR 0x1f\n"
				"LSR written 0x60\n"
				"survived\n";

static const char loopback[] = "MSR 0x0\n"
			       "MSR up 0xfb\n"
			       "MSR again 0xf0\n"
			       "LSR 0x61\n"
			       "RBR 0x78\n"
			       "LSR empty 0x60\n"
			       "LSR overrun 0x63\n"
			       "LSR after 0x61\n"
			       "LSR full 0x61\n"
			       "done\n"
			       "survived\n";

static const char bursts[] = "text\ntext 5\n"
			     "nothing 0\n"
			     "nothing at 0 0\n"
			     "at 0 -14\n"
			     "guest-init -14\n"
			     "gate -14\n"
			     "descriptors -14\n"
			     "ring 0 stack -14\n"
			     "upper half -14\n"
			     "top -14\n"
			     "all -14\n"
			     "unmapped -14\n"
			     "into text -14\n"
			     "command -22\n"
			     "command 255 -22\n"
			     ".......... across the end 10\n"
			     "... huge 3\n"
			     "...wrapping 3\n"
			     "COM2 6\n"
			     "COM2 input -9\n"
			     "survived\n";

/* Longer than the FIFO, and than any one read. */
#define LINE	   "the quick brown fox jumps over the lazy dog 0123456789\n"
#define LINES	   LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE
#define MANY_LINES LINES LINES LINES LINES

static const struct kvs_runner_case cases[] = {
	{ ARGS("polled"), .status = 77, .output = "polled output\nsurvived\n",
		.error_output = "on COM2\n" },
	{ ARGS("echo"), .status = 77, .input = MANY_LINES, .output = MANY_LINES "survived\n" },
	{ .name = "bare echo of nothing",
		.args = { "/bin/uart", "echo" },
		.bare = true,
		.status = 77,
		.output = "survived\n" },
	{ .name = "bare echo of NUL",
		.args = { "/bin/uart", "echo" },
		.bare = true,
		.status = 77,
		.input = "\0\xff\0\n",
		.input_bytes = 4,
		.parts = { "" } },
	{ ARGS("echo_fifo"), .status = 77, .input = MANY_LINES, .output = MANY_LINES "survived\n" },
	{ ARGS("echo_iir"), .status = 77, .input = MANY_LINES, .output = MANY_LINES "survived\n" },
	{ ARGS("registers"), .status = 77, .output = registers },
	{ ARGS("loopback"), .status = 77, .output = loopback },
	{ .name = "bare loopback with input waiting",
		.args = { "/bin/uart", "loopback" },
		.bare = true,
		.status = 77,
		.input = LINE,
		.output = loopback },
	{ ARGS("wide"), .status = 139,
		.output = "LCR 0x1b\nMCR 0xb\n16 bits 0xb1b\n32 bits 0x7708600b\nA IER 0x2\n"
			  "LCR 0x3\nB IER 0x0\n",
		.errors = { "general protection fault", " in wide" } },
	{ ARGS("string_out"), .status = 77,
		.parts = { "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvw\n"
			   "yzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstu\n",
			"RSI 0x1388\nRCX 0x0\n", "\njihgfedcba backwards 0x0\n" } },
	{ ARGS("string_in"), .status = 77, .input = "0123456789 and more",
		.output = "RDI 0xa\nRCX 0x0\n0123456789survived\n" },
	{ ARGS("bursts"), .status = 77, .output = bursts, .error_output = "error\n" },
	{ ARGS("burst_read"), .status = 77, .input = LINES,
		.output = "nothing 0\nfirst 116\nhe quick brown fox jumps over the lazy dog "
			  "0123456789\n" LINE LINE LINE LINE LINE LINE LINE LINE LINE
			  "end 0\nend again 0\nsurvived\n" },
	{ ARGS("calls"), .status = 300 % 256, .input = "0123456789",
		.output = "read 4\n0123write 4\n error 5\nother -9\nbad -14\ninit -14\nnone -38\n"
			  "all -38\n",
		.error_output = "oops\n" },
	{ ARGS("ends"), .status = 201, .output = "" },
	{ ARGS("ends_wide"), .status = 139, .output = "",
		.errors = { "general protection fault", " in ends_wide" } },
	{ .name = "bare show_record",
		.args = { "/bin/uart", "show_record", "a b", "" },
		.bare = true,
		.env = { "A=1", "EMPTY=" },
		.status = 77,
		.output = "version 1\nsize 64\nargc 4\n/bin/uart\nshow_record\na b\n\nargv ends 0\n"
			  "A=1\nEMPTY=\nseed 1\nheap is aligned 1\nsurvived\n" },
	{ ARGS("heap"), .memory = "8M", .status = 77, .output = "MiB 8\nsurvived\n" },
	{ ARGS("heap_beyond"), .memory = "8M", .status = 139, .output = "",
		.errors = { "page fault: write of unmapped", " in heap_beyond" } },
	{ ARGS("heap_execute"), .memory = "8M", .status = 139, .output = "",
		.errors = { "page fault: execute of protected" } },
	{ .name = "bare-hello",
		.args = { "/bin/bare-hello" },
		.bare = true,
		.output = "hello from a bare machine\n" },
};

static void test_seed_differs(void **state)
{
	const struct kvs_runner_case c = { ARGS("show_seed") };
	struct kvs_runner_result a, b;

	(void)state;
	kvs_runner_run(&c, &a);
	kvs_runner_run(&c, &b);
	assert_int_equal(a.status, 77);
	assert_string_not_equal(a.output, b.output);
	kvs_runner_done(&a);
	kvs_runner_done(&b);
}

int kvs_vm_bare(void)
{
	const struct CMUnitTest seeds[] = { cmocka_unit_test(test_seed_differs) };

	return kvs_runner_group("bare", cases, KVS_RUNNER_COUNT(cases)) +
	       cmocka_run_group_tests_name("bare seeds", seeds, kvs_runner_setup, NULL);
}
