/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: programs of the spec's author that run at given points of a container's life. */
#pragma once

#include "vmm/base/error.h"

struct cJSON;

/*
 * kvs_hooks_run - run all hooks of one kind, in order
 * @hooks: the spec's "hooks" object as the parser accepted it, or NULL
 * @kind: "prestart", "createRuntime" and so on
 * @state: the OCI state each gets on standard input
 *
 * The first that fails, or exceeds its timeout and is killed, ends the row.
 *
 * Context: blocks; starts processes and waits for them.
 * Source: runtime-spec, config.md, "POSIX-platform Hooks".
 * Return: 0, or -errno with @err (HOOK).
 */
int kvs_hooks_run(const struct cJSON *hooks, const char *kind, const struct cJSON *state,
	struct kvs_error *err);
