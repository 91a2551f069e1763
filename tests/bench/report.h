/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, for people and for programs. Reads the results, changes nothing. */
#pragma once

#include "bench.h"

#include <stdio.h>

/* What figures depend on. */
struct kvs_report_machine {
	char cpu[80], kernel[160];
	const char *backend; /* which kind of KVM: pvm, svm, vmx */
	long cpus;
};

void kvs_report_inspect(struct kvs_report_machine *ret);

/* The figures, a line a command. Return: 0, or -ENOMEM. */
int kvs_report_table(FILE *out, const struct kvs_bench *b, const struct kvs_report_machine *m);

/*
 * kvs_report_budgets - a line a budget: PASS, FAIL or SKIP
 * @ret_failed: how many are exceeded, or could not be measured because a command failed
 *
 * The verdict is the median's; "close" beside it says that the interval reaches over the limit.
 *
 * Return: 0, or -ENOMEM.
 */
int kvs_report_budgets(FILE *out, struct kvs_bench *b, size_t *ret_failed);

/* kvs_report_json - all of it, with every single time. Return: 0, or -errno. */
int kvs_report_json(FILE *out, const struct kvs_bench *b, const struct kvs_report_machine *m);
