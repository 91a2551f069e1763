/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one payload with kvshim, as a person would, and compares all of what is seen of it.
 *
 * A case is a row: what to run, what to feed it, what must come out. The runner writes the spec,
 * captures both outputs through pipes, gives up at a deadline, and looks for what was left behind:
 * processes, descriptors, files. Each theme has a file with its table.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	KVS_RUNNER_ARGS = 12,
	KVS_RUNNER_TEXTS = 4,
};

struct kvs_runner_case {
	const char *name;
	const char
		*args[KVS_RUNNER_ARGS]; /* the payload's path inside the root, and its arguments */
	const char *env[KVS_RUNNER_ARGS];
	bool bare;	      /* the bare ABI */
	const char *memory;   /* annotation, NULL for the default */
	const char *deadline; /* annotation, NULL for none */
	const char *members;  /* more members of the spec's object, beginning with a comma */
	const char *cwd;
	const char *input;		      /* NULL: nothing */
	size_t input_bytes;		      /* 0: strlen(input) */
	int status;			      /* of kvshim */
	int other_status;		      /* 0, or what KVM on hardware may make of it */
	const char *output;		      /* all of standard output; NULL: see `parts` */
	const char *parts[KVS_RUNNER_TEXTS];  /* each stands somewhere in standard output */
	const char *errors[KVS_RUNNER_TEXTS]; /* each in standard error, which is one line then */
	const char *error_output;	      /* all of standard error; NULL: see `errors` */
	/* QEMU without acceleration lets ring 3 pop a frame with the rights of ring 0, and SMAP
	 * refuses */
	const char *qemu_error; /* what stands for `errors` there */
	int signal;		/* sent to kvshim once the payload has said "ready\n" */
	unsigned int limit_s;	/* 0: the usual */
};

/* What a run gave. */
struct kvs_runner_result {
	int status; /* exit code, or 128+n of a signal that ended kvshim itself */
	bool timed_out;
	char *output, *error;
	size_t output_bytes, error_bytes;
};

/* kvs_runner_test - the body of every table-driven test; *state is the case */
void kvs_runner_test(void **state);

/* kvs_runner_run - run a case's payload and return what happened, without a judgement on it */
void kvs_runner_run(const struct kvs_runner_case *c, struct kvs_runner_result *ret);
void kvs_runner_done(struct kvs_runner_result *result);

/*
 * kvs_runner_native - run a program on this machine itself, in the root directory
 * @args: NULL-terminated; the first is a path inside the root
 */
void kvs_runner_native(
	const char *const *args, const char *input, struct kvs_runner_result *ret_result);

/* kvs_runner_has - whether the payload was built */
bool kvs_runner_has(const char *path);

/* kvs_runner_lane - "pvm", "svm" or "vmx" */
const char *kvs_runner_lane(void);

/* kvs_runner_group - run a table as a group of tests; returns the number of failures */
int kvs_runner_group(const char *name, const struct kvs_runner_case *cases, size_t count);

/* kvs_runner_setup - make the directory with the root file system, once; fixture of every group */
int kvs_runner_setup(void **state);

/* kvs_runner_finish - remove it; 0 or -1 */
int kvs_runner_finish(void);

#define KVS_RUNNER_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The themes: each runs its groups and returns the number of failures. */
int kvs_vm_faults(void);
int kvs_vm_memory(void);
int kvs_vm_bare(void);
int kvs_vm_programs(void);
int kvs_vm_signals(void);
int kvs_vm_busybox(void);
int kvs_vm_regress(void);
