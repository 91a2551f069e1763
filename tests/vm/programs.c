/* SPDX-License-Identifier: Apache-2.0 */
/* Static programs as compilers make them: musl, glibc, glibc as static-pie, Rust. */
#include "runner.h"

#define ONE(libc, what)                                                                            \
	{                                                                                          \
		.name = libc " " #what, .args = { "/bin/program-" libc, #what }, .output = ""      \
	}
#define EACH(what) ONE("musl", what), ONE("glibc", what), ONE("pie", what)

#define START(libc)                                                                                \
	{                                                                                          \
		.name = libc " show_start",                                                        \
		.args = { "/bin/program-" libc, "show_start", "", "a \"b\" \\c", "\xc3\xa4" },     \
		.env = { "A=1", "EMPTY=", "PATH=/nowhere" },                                       \
		.output = "/bin/program-" libc "\nshow_start\n\na \"b\" \\c\n\xc3\xa4\n"           \
			  "A=1\nEMPTY=\nPATH=/nowhere\n",                                          \
	}
#define FLOATING(libc)                                                                             \
	{                                                                                          \
		.name = libc " floating", .args = { "/bin/program-" libc, "floating" },            \
		.output = "7.485470860550 2.7170 sse2\n",                                          \
	}
#define IDENTITY(libc)                                                                             \
	{                                                                                          \
		.name = libc " identity", .args = { "/bin/program-" libc, "identity" },            \
		.members = ",\"hostname\":\"somewhere\"", .output = "somewhere\n",                 \
	}
#define STREAMS(libc)                                                                              \
	{                                                                                          \
		.name = libc " print_all", .args = { "/bin/program-" libc, "print_all" },          \
		.output = "to stdout\n", .error_output = "to stderr\n",                            \
	}

static const struct kvs_runner_case cases[] = {
	START("musl"),
	START("glibc"),
	START("pie"),
	FLOATING("musl"),
	FLOATING("glibc"),
	FLOATING("pie"),
	IDENTITY("musl"),
	IDENTITY("glibc"),
	IDENTITY("pie"),
	STREAMS("musl"),
	STREAMS("glibc"),
	STREAMS("pie"),
	EACH(auxv),
	EACH(memory),
	EACH(files),
	EACH(readonly_files),
	EACH(confined),
	EACH(directories),
	EACH(devices),
	EACH(pipes),
	EACH(pointers),
	EACH(times),
	{ .name = "cwd",
		.args = { "/bin/busybox", "pwd" },
		.cwd = "/etc/deep",
		.output = "/etc/deep\n" },
	{ .name = "found in PATH",
		.args = { "busybox", "echo", "found" },
		.env = { "PATH=/etc:/bin" },
		.output = "found\n" },
	{ .name = "relative to cwd",
		.args = { "/bin/program-musl", "copy" },
		.input = "copied\n",
		.output = "copied\n" },
	{ .name = "rust words",
		.args = { "/bin/program-rust", "words" },
		.input = "a b a\nc a b\n",
		.output = "3 a\n2 b\n1 c\n" },
	{ .name = "rust env",
		.args = { "/bin/program-rust", "env" },
		.env = { "GREETING=hi" },
		.output = "hi\n" },
	{ .name = "rust file",
		.args = { "/bin/program-rust", "file" },
		.output = "1000 lines\nentity not found\n" },
	{ .name = "rust time", .args = { "/bin/program-rust", "time" }, .output = "slept\n" },
	{ .name = "rust exit", .args = { "/bin/program-rust" }, .status = 3, .output = "" },
};

/* AT_RANDOM, the stack, and where mmap places things. */
static void test_random_differs(void **state)
{
	static const char *const programs[] = { "/bin/program-musl", "/bin/program-glibc",
		"/bin/program-pie" };

	(void)state;
	for (size_t i = 0; i < KVS_RUNNER_COUNT(programs); i++) {
		const struct kvs_runner_case c = { .args = { programs[i], "show_random" } };
		struct kvs_runner_result a, b;

		if (!kvs_runner_has(programs[i]))
			continue;
		kvs_runner_run(&c, &a);
		kvs_runner_run(&c, &b);
		assert_int_equal(a.status, 0);
		for (char *s = a.output, *t = b.output; s && t; s = NULL) {
			assert_non_null(strtok(s, " "));
			assert_int_not_equal(strncmp(s, t, 32), 0);
		}
		kvs_runner_done(&a);
		kvs_runner_done(&b);
	}
}

static void assert_words_differ(const char *a, const char *b, int word)
{
	for (int i = 0; i < word; i++) {
		a = strchr(a, ' ') + 1;
		b = strchr(b, ' ') + 1;
	}
	assert_int_not_equal(strncmp(a, b, strcspn(a, " \n")), 0);
}

static void test_layout_differs(void **state)
{
	const struct kvs_runner_case c = { .args = { "/bin/program-musl", "show_random" } };
	struct kvs_runner_result a, b;

	(void)state;
	kvs_runner_run(&c, &a);
	kvs_runner_run(&c, &b);
	assert_int_equal(a.status, 0);
	for (int word = 0; word < 3; word++)
		assert_words_differ(a.output, b.output, word);
	kvs_runner_done(&a);
	kvs_runner_done(&b);
}

/* A panic is abort(3), and its message is the program's own. */
static void test_rust_panic(void **state)
{
	const struct kvs_runner_case c = { .args = { "/bin/program-rust", "panic" } };
	struct kvs_runner_result r;

	(void)state;
	if (!kvs_runner_has(c.args[0])) {
		print_message("# skip: tools: there is no rustc\n");
		skip();
	}
	kvs_runner_run(&c, &r);
	assert_int_equal(r.status, 134);
	assert_non_null(strstr(r.error, "as asked"));
	assert_non_null(strstr(r.error, "signal 6"));
	kvs_runner_done(&r);
}

int kvs_vm_programs(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_random_differs),
		cmocka_unit_test(test_layout_differs),
		cmocka_unit_test(test_rust_panic),
	};

	return kvs_runner_group("programs", cases, KVS_RUNNER_COUNT(cases)) +
	       cmocka_run_group_tests_name("program runs", others, kvs_runner_setup, NULL);
}
