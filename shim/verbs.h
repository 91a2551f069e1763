/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the command line: one row each. Dispatch and --help come from here.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>

struct kvs_cli {
	bool debug; /* --debug: say on standard error what is absorbed or not served */
};

/* name, function, arguments, what it does */
#define KVS_VERBS(X)                                                                               \
	X("run", kvs_run_verb, "[--strict] [--bundle DIR | SPEC] [ID]",                            \
		"run a payload, wait for it, exit as it did")                                      \
	X("spec", kvs_spec_verb, "", "write a commented spec to start from")                       \
	X("features", kvs_features_verb, "[--fields | --schema]", "tell machines what this runtime can do")   \
	X("doctor", kvs_doctor_verb, "", "test whether this machine can run payloads")

/*
 * A verb: @argc and @argv begin with the verb's own name.
 *
 * Return: the exit status of the process, or -errno with @err, which main() prints.
 */
#define X(name, function, arguments, help)                                                         \
	int function(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err);
KVS_VERBS(X)
#undef X
