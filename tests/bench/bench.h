/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the benchmark share: commands, budgets, and where results go.
 *
 * The first command is the reference the others are compared with: the floor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	KVS_BENCH_COMMANDS = 16,
	KVS_BENCH_BUDGETS = 32,
};

struct kvs_bench_command {
	const char *name;
	char **argv;	      /* absolute path first, NULL last */
	const char *expected; /* the line it prints, or NULL for any output */
	size_t every;	      /* runs in every so manieth round */
	char problem[160];    /* why it has no figures; empty while it has */
	bool has_failed;      /* as against: was not asked to run */
	double *ms;	      /* one a round, NAN where it did not run */
};

/* name's median time is to be at most `limit` times that of `peer`. */
struct kvs_bench_budget {
	const char *name, *peer;
	double limit;
};

struct kvs_bench {
	struct kvs_bench_command commands[KVS_BENCH_COMMANDS];
	size_t command_count;
	struct kvs_bench_budget budgets[KVS_BENCH_BUDGETS];
	size_t budget_count;
	size_t rounds, warmup;
	size_t settle_us; /* pause before each run */
	const char *json; /* path, or NULL */
};

/* Return: the command of that name, or NULL. */
struct kvs_bench_command *kvs_bench_find(struct kvs_bench *b, const char *name);
