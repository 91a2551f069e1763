/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the command line: one row each. Dispatch and --help come from here.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>

struct kvs_cli {
	bool debug;	  /* --debug: say on standard error what is absorbed or not served */
	const char *root; /* --root: where state lives; NULL for the default */
	const char *log;  /* --log: errors go here too; NULL for nowhere */
	bool log_json;	  /* --log-format=json */
	uint32_t closed;  /* KVS_LAUNCH_CLOSED_: standard descriptors the caller had closed */
};

/* name, function, arguments, what it does */
#define KVS_VERBS(X)                                                                               \
	X("run", kvs_run_verb, "[--strict] [--bundle DIR | SPEC] [ID]",                            \
		"run a payload, wait for it, exit as it did")                                      \
	X("create", kvs_create_verb, "[--bundle DIR] [OPTIONS] ID",                                \
		"load a payload and park it at its entry")                                         \
	X("start", kvs_start_verb, "ID", "let it run")                                             \
	X("state", kvs_state_verb, "ID", "show its state, as JSON")                                \
	X("kill", kvs_kill_verb, "[--all] ID [SIGNAL]", "send it a signal, SIGTERM by default")    \
	X("pause", kvs_pause_verb, "ID", "stop it where it stands")                                \
	X("resume", kvs_resume_verb, "ID", "let it go on")                                         \
	X("wait", kvs_wait_verb, "ID", "wait until it has stopped, exit as it did")                \
	X("delete", kvs_delete_verb, "[--force] ID", "remove what is left of it")                  \
	X("list", kvs_list_verb, "[--format table|json] [--quiet]", "list containers")             \
	X("ps", kvs_ps_verb, "[--format table|json] ID", "list its processes on the host")         \
	X("exec", kvs_exec_verb, "...", "not possible: fails at once")                             \
	X("spec", kvs_spec_verb, "", "write a commented spec to start from")                       \
	X("features", kvs_features_verb, "[--fields | --schema]",                                  \
		"tell machines what this runtime can do")                                          \
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
