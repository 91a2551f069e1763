/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one command once and takes its time. */
#pragma once

#include "bench.h"

#include <sys/types.h>

/* Descriptors a command is started with, made once so that making them is not measured. */
struct kvs_spawn {
	int null_fd;
	int output_fd, output_end_fd; /* a pipe: what is read here, what the command writes to */
	int stderr_fd;		      /* a file without a name */
};

/* Return: 0, or -errno. */
int kvs_spawn_init(struct kvs_spawn *s);
void kvs_spawn_done(struct kvs_spawn *s);

/*
 * kvs_spawn_run - one run, from before the process is made until it has been waited for
 * @ret_ms: wall time in milliseconds
 *
 * The output stays in the pipe meanwhile, so that reading it takes no part in what is measured; a
 * command that prints more than a pipe holds is ended after a minute, as is one that hangs.
 *
 * Return: 0; or -EIO, with the reason in @c->problem: it did not start, did not exit with 0, took
 * too long, or printed something else than expected.
 */
int kvs_spawn_run(struct kvs_spawn *s, struct kvs_bench_command *c, double *ret_ms);
