/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defects that were, each with the least program that showed it; and programs that try at random
 * for the next one.
 */
#include "runner.h"

#define ONE(what)                                                                                  \
	{                                                                                          \
		.name = #what, .args = { "/bin/regress", #what }, .output = ""                     \
	}

/* An emulator gets fewer rounds: what they add up to is not a matter of the kind of KVM. */
#define ROUNDS(what, rounds, rounds_in_lane)                                                       \
	{                                                                                          \
		{ .name = #what, .args = { "/bin/regress", #what, rounds }, .output = "" },        \
			rounds_in_lane                                                             \
	}

static const struct kvs_runner_case cases[] = {
	ONE(wide_descriptors),
	ONE(kernel_structures),
	ONE(discarded_file),
	ONE(opened),
	ONE(long_microseconds),
	ONE(masked_ppoll),
	ONE(masked_pselect),
	ONE(first_real_time),
	ONE(last_real_time),
	ONE(sent_by_self),
	{ .name = "stopped",
		.args = { "/bin/regress", "stopped" },
		.deadline = "1s",
		.status = 137,
		.output = "",
		.errors = { "payload killed: its deadline passed" } },
};

static const struct {
	struct kvs_runner_case c;
	const char *in_lane; /* what stands for args[2] there */
} counted[] = {
	ROUNDS(mapped_again, "5000", "300"),
	ROUNDS(discarded_again, "5000", "300"),
	ROUNDS(unbroken_reads, "20000", "2000"),
	{ { .name = "short_read",
		  .args = { "/bin/regress", "short_read", "100" },
		  .memory = "128M",
		  .input = "short\n",
		  .output = "" },
		"4" },
	{ { .name = "random-memory 1",
		  .args = { "/bin/random-memory", "1", "25000" },
		  .output = "" },
		"1500" },
	{ { .name = "random-memory 2",
		  .args = { "/bin/random-memory", "2", "25000" },
		  .output = "" },
		"1500" },
};

static bool is_lane(void)
{
	return strcmp(kvs_runner_lane(), "pvm") != 0;
}

static bool is_said(const struct kvs_runner_result *r, const char *text)
{
	return memmem(r->error, r->error_bytes, text, strlen(text));
}

/* Random calls may end as they please, only not by a fault of kvshim's. */
static void test_random_calls(void **state)
{
	const struct kvs_runner_case c = {
		.args = { "/bin/random-calls", *state, is_lane() ? "2000" : "20000" },
		.deadline = "20s",
		.limit_s = 120,
	};
	struct kvs_runner_result r;

	kvs_runner_run(&c, &r);
	if (r.timed_out || r.status >= 125 || is_said(&r, "kvshim"))
		print_message("# seed %s: exit status %d: %.*s\n", c.args[1], r.status,
			(int)strnlen(r.error, 500), r.error);
	assert_false(r.timed_out);
	assert_int_not_equal(r.status, 125);
	assert_false(is_said(&r, "crashed"));
	assert_false(is_said(&r, "left no record"));
	kvs_runner_done(&r);
}

static int run_counted(void)
{
	struct kvs_runner_case here[KVS_RUNNER_COUNT(counted)];

	for (size_t i = 0; i < KVS_RUNNER_COUNT(counted); i++) {
		here[i] = counted[i].c;
		if (is_lane())
			here[i].args[2] = counted[i].in_lane;
	}
	return kvs_runner_group("regress rounds", here, KVS_RUNNER_COUNT(here));
}

int kvs_vm_regress(void)
{
	static char seeds[3][2] = { "1", "2", "3" };
	const struct CMUnitTest random[] = {
		{ "random-calls 1", test_random_calls, NULL, NULL, seeds[0] },
		{ "random-calls 2", test_random_calls, NULL, NULL, seeds[1] },
		{ "random-calls 3", test_random_calls, NULL, NULL, seeds[2] },
	};

	return kvs_runner_group("regress", cases, KVS_RUNNER_COUNT(cases)) + run_counted() +
	       _cmocka_run_group_tests(
		       "random", random, KVS_RUNNER_COUNT(random), kvs_runner_setup, NULL);
}
