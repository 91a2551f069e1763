/* SPDX-License-Identifier: Apache-2.0 */
/* The payload's memory: what is taken away is gone, what is narrowed is narrow, what is kept stays.
 */
#include "runner.h"

#define ARGS(what) .args = { "/bin/memory", what }, .memory = "16M"

#define HOLDS(what)                                                                                \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 77, .output = "survived\n"                   \
	}
#define STOPS(what, text)                                                                          \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, .output = "",                           \
		.errors = { "page fault: " text, " in " #what, "[SIGSEGV]" },                      \
	}
#define JUMPS(what, text)                                                                          \
	{                                                                                          \
		.name = #what, ARGS(#what), .status = 139, .output = "",                           \
		.errors = { "page fault: execute of " text },                                      \
	}

static const struct kvs_runner_case cases[] = {
	STOPS(unmapped_read, "read of unmapped"),
	STOPS(unmapped_middle, "read of unmapped"),
	STOPS(readonly_write, "write of protected"),
	STOPS(none_read, "read of unmapped"),
	STOPS(none_neighbour_read, "read of unmapped"),
	HOLDS(none_restored),
	STOPS(code_write, "write of protected"),
	JUMPS(code_revoked, "protected"),
	JUMPS(code_unmapped, "unmapped"),
	HOLDS(code_changed),
	JUMPS(anonymous_execute, "protected"),
	HOLDS(remapped_zero),
	STOPS(fixed_over, "write of protected"),
	HOLDS(move_keeps),
	STOPS(move_old_read, "read of unmapped"),
	STOPS(shrunk_read, "read of unmapped"),
	HOLDS(discarded),
	HOLDS(reserved),
	STOPS(reserved_read, "read of unmapped"),
	HOLDS(sparse),
	HOLDS(program_break),
	STOPS(shrunk_break_read, "read of unmapped"),
	HOLDS(recycled),
	HOLDS(churn),
	HOLDS(chequered),
	HOLDS(file_mapped),
	STOPS(file_readonly_write, "write of protected"),
	HOLDS(bad_arguments),
	{ .name = "exhausted", ARGS("exhausted"), .status = 77, .output = "ENOMEM\nsurvived\n" },
	{ .name = "touch_beyond",
		ARGS("touch_beyond"),
		.status = 137,
		.output = "",
		.errors = { "it needs more memory than its spec gives it", " in touch_beyond" } },
	{ .name = "call_beyond", ARGS("call_beyond"), .status = 77, .output = "alive\nsurvived\n" },
};

int kvs_vm_memory(void)
{
	return kvs_runner_group("memory", cases, KVS_RUNNER_COUNT(cases));
}
