/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: handlers, masks, restarts, what ends a payload, what the outside sends. */
#include "runner.h"

#define ONE(libc, what)                                                                            \
	{                                                                                          \
		.name = libc " " #what, .args = { "/bin/program-" libc, #what }, .output = ""      \
	}
#define EACH(what) ONE("musl", what), ONE("glibc", what)

#define ENDS(libc, what, code, ...)                                                                \
	{                                                                                          \
		.name = libc " " #what, .args = { "/bin/program-" libc, #what }, .output = "",     \
		.status = code, .errors = { __VA_ARGS__ },                                         \
	}
#define EACH_ENDS(what, code, ...)                                                                 \
	ENDS("musl", what, code, __VA_ARGS__), ENDS("glibc", what, code, __VA_ARGS__)

#define SENT(what, number)                                                                         \
	{                                                                                          \
		.name = "handled signal " #number " in " #what,                                    \
		.args = { "/bin/program-musl", #what }, .signal = number, .status = number,        \
		.output = "ready\nhandled\n",                                                      \
	}

static const struct kvs_runner_case cases[] = {
	EACH(raised),
	EACH(alarms),
	EACH(restarted),
	EACH(interrupted_loop),
	EACH(faults),
	EACH(mended),
	EACH(overflow_caught),
	EACH_ENDS(overflow_uncaught, 139, "(stack overflow)", " in recurse"),
	EACH_ENDS(fault_twice, 139, "write of unmapped 0x0", " in fault_in_handler"),
	EACH_ENDS(forged_flags, 139, "cli or sti in ring 3", " in go_on"),
	EACH_ENDS(forged_address, 139, "payload "),
	EACH_ENDS(forged_kernel, 139, "execute of unmapped 0xffffffff81000000"),
	EACH_ENDS(forged_init, 139, "execute of protected 0x7fffffff0000"),
	EACH_ENDS(forged_nowhere, 139, "signal 11"),
	EACH_ENDS(abort_now, 134, "signal 6"),
	EACH_ENDS(raise_kill, 137, "signal 9"),
	SENT(wait_for_term, 15),
	SENT(wait_for_term, 2),
	SENT(wait_for_term, 1),
	SENT(wait_for_term, 3),
	{ .name = "SIGTERM while asleep",
		.args = { "/bin/program-musl", "wait_default" },
		.signal = 15,
		.status = 143,
		.output = "ready\n",
		.errors = { "signal 15" } },
	{ .name = "SIGHUP while asleep",
		.args = { "/bin/program-musl", "wait_default" },
		.signal = 1,
		.status = 129,
		.output = "ready\n",
		.errors = { "signal 1" } },
	{ .name = "SIGQUIT while asleep",
		.args = { "/bin/program-glibc", "wait_default" },
		.signal = 3,
		.status = 131,
		.output = "ready\n",
		.errors = { "signal 3" } },
	{ .name = "SIGINT while asleep",
		.args = { "/bin/program-glibc", "wait_default" },
		.signal = 2,
		.status = 130,
		.output = "ready\n" },
	{ .name = "deadline while asleep",
		.args = { "/bin/program-musl", "wait_default" },
		.deadline = "200ms",
		.status = 137,
		.output = "ready\n",
		.errors = { "its deadline passed" } },
};

int kvs_vm_signals(void)
{
	return kvs_runner_group("signals", cases, KVS_RUNNER_COUNT(cases));
}
