/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody else's program: Debian's static busybox does in a VM what it does on this machine, byte
 * for byte, on the same files.
 */
#include "runner.h"

#define TEXT "pear 3\napple 1\nfig 20\napple 1\nquince 7\n"

static const struct kvs_runner_case applets[] = {
	{ .args = { "/bin/busybox", "echo", "-n", "a b", "c" } },
	{ .args = { "/bin/busybox", "cat", "/etc/text", "-" }, .input = TEXT },
	{ .args = { "/bin/busybox", "head", "-n", "3", "/etc/text" } },
	{ .args = { "/bin/busybox", "tail", "-c", "100", "/etc/text" } },
	{ .args = { "/bin/busybox", "wc", "/etc/text", "/bin/busybox" } },
	{ .args = { "/bin/busybox", "sort", "-k", "2", "-n", "-r" }, .input = TEXT },
	{ .args = { "/bin/busybox", "uniq", "-c" }, .input = TEXT },
	{ .args = { "/bin/busybox", "sha256sum", "/bin/misbehave", "/etc/text" } },
	{ .args = { "/bin/busybox", "md5sum", "/bin/misbehave" } },
	{ .args = { "/bin/busybox", "sha512sum" }, .input = TEXT },
	{ .args = { "/bin/busybox", "cksum", "/etc/text" } },
	{ .args = { "/bin/busybox", "ls", "-ln", "/etc", "/etc/deep/er" } },
	{ .args = { "/bin/busybox", "ls", "-1", "/none", "/etc" } },
	{ .args = { "/bin/busybox", "find", "/etc", "-type", "f", "-size", "-9k" } },
	{ .args = { "/bin/busybox", "grep", "-n", "-E", "00(1|42)$", "/etc/text" } },
	{ .args = { "/bin/busybox", "grep", "-q", "nothing", "/etc/text" } },
	{ .args = { "/bin/busybox", "sed", "-e", "s/line/Zeile/;5q", "/etc/text" } },
	{ .args = { "/bin/busybox", "awk", "{ s += $2 } END { print s, NR, sqrt(2) }" },
		.input = TEXT },
	{ .args = { "/bin/busybox", "od", "-A", "x", "-t", "x1" }, .input = TEXT },
	{ .args = { "/bin/busybox", "xxd" }, .input = TEXT },
	{ .args = { "/bin/busybox", "hexdump", "-C" }, .input = TEXT },
	{ .args = { "/bin/busybox", "gzip", "-c", "-n" }, .input = TEXT },
	{ .args = { "/bin/busybox", "bzip2", "-c" }, .input = TEXT },
	{ .args = { "/bin/busybox", "base64" }, .input = TEXT },
	{ .args = { "/bin/busybox", "bc" }, .input = "scale=30\n2^100/7\nquit\n" },
	{ .args = { "/bin/busybox", "dc", "-e", "2 k 355 113 / p" } },
	{ .args = { "/bin/busybox", "date", "-u", "-d", "@86399", "+%F %T" } },
	{ .args = { "/bin/busybox", "printf", "%05d|%s|%x\\n", "42", "x", "255" } },
	{ .args = { "/bin/busybox", "seq", "1", "2", "100" } },
	{ .args = { "/bin/busybox", "tr", "a-z", "A-Z" }, .input = TEXT },
	{ .args = { "/bin/busybox", "cut", "-d", " ", "-f", "2" }, .input = TEXT },
	{ .args = { "/bin/busybox", "stat", "-c", "%n %s %a %F", "/etc/text", "/etc/link",
		  "/etc" } },
	{ .args = { "/bin/busybox", "du", "-k", "-s", "/etc" } },
	{ .args = { "/bin/busybox", "test", "-f", "/etc/text" } },
	{ .args = { "/bin/busybox", "test", "-f", "/etc" } },
	{ .args = { "/bin/busybox", "true" } },
	{ .args = { "/bin/busybox", "false" } },
	{ .args = { "/bin/busybox", "basename", "/etc/text" } },
	{ .args = { "/bin/busybox", "readlink", "/etc/link" } },
	{ .args = { "/bin/busybox", "expr", "6", "*", "7" } },
	{ .args = { "/bin/busybox", "factor", "4294967291" } },
	{ .args = { "/bin/busybox", "diff", "/etc/text", "/etc/link" } },
	{ .args = { "/bin/busybox", "cmp", "/etc/text", "/etc/deep/er/file" } },
	{ .args = { "/bin/busybox", "dd", "if=etc/text", "bs=1000", "count=3", "status=none" } },
	{ .args = { "/bin/busybox", "tee" }, .input = TEXT },
	{ .args = { "/bin/busybox", "rev" }, .input = TEXT },
	{ .args = { "/bin/busybox", "fold", "-w", "3" }, .input = TEXT },
	{ .args = { "/bin/busybox", "paste", "-s" }, .input = TEXT },
	{ .args = { "/bin/busybox", "nosuchapplet" } },
};

/* gunzip wants input that is no text. */
static const char gzipped[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7"
			      "\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00";

static const struct kvs_runner_case own[] = {
	{ .name = "gunzip",
		.args = { "/bin/busybox", "gunzip", "-c" },
		.input = gzipped,
		.input_bytes = sizeof(gzipped) - 1,
		.output = "hello\n" },
	{ .name = "uname",
		.args = { "/bin/busybox", "uname", "-s", "-n", "-m" },
		.output = "Linux kvshim x86_64\n" },
	{ .name = "sleep", .args = { "/bin/busybox", "sleep", "0.1" }, .output = "" },
	{ .name = "sh",
		.args = { "/bin/busybox", "sh", "-c", "echo $((6 * 7)); exit 9" },
		.status = 9,
		.output = "42\n" },
	{ .name = "sh with a copy of a descriptor",
		.args = { "/bin/busybox", "sh", "-c", "exec 3>&1 >/dev/null; echo kept >&3" },
		.output = "kept\n" },
};

static void test_as_native(void **state)
{
	const struct kvs_runner_case *c = *state;
	struct kvs_runner_case local = *c;
	struct kvs_runner_result here, there;

	if (!kvs_runner_has("/bin/busybox")) {
		print_message("# skip: tools: there is no busybox\n");
		skip();
	}
	/* Paths without a leading slash mean the same in both: the working directory is the root.
	 */
	for (size_t i = 1; i < KVS_RUNNER_ARGS && local.args[i]; i++)
		if (local.args[i][0] == '/')
			local.args[i]++;
	kvs_runner_native(local.args, c->input, &here);
	kvs_runner_run(&local, &there);
	assert_false(there.timed_out);
	assert_int_equal(there.output_bytes, here.output_bytes);
	assert_memory_equal(there.output, here.output, here.output_bytes);
	assert_string_equal(there.error, here.error);
	assert_int_equal(there.status, here.status);
	kvs_runner_done(&here);
	kvs_runner_done(&there);
}

int kvs_vm_busybox(void)
{
	struct CMUnitTest tests[KVS_RUNNER_COUNT(applets)];
	static char names[KVS_RUNNER_COUNT(applets)][64];
	int failed;

	for (size_t i = 0; i < KVS_RUNNER_COUNT(applets); i++) {
		snprintf(names[i], sizeof(names[i]), "busybox %s %s", applets[i].args[1],
			applets[i].args[2] ? applets[i].args[2] : "");
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = test_as_native,
			.initial_state = (void *)(uintptr_t)&applets[i],
		};
	}
	failed = _cmocka_run_group_tests(
		"busybox as native", tests, KVS_RUNNER_COUNT(applets), kvs_runner_setup, NULL);
	return failed + kvs_runner_group("busybox", own, KVS_RUNNER_COUNT(own));
}
