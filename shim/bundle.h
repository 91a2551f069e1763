/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: the directory a spec's paths start from, and the spec in it. */
#pragma once

#include "spec.h"

/*
 * kvs_bundle_read - find, read and parse a spec
 * @bundle: directory that holds a config.json
 * @spec_path: file, or such a directory, to be used instead; NULL for none
 * @strict: refuse what would be absorbed
 * @ret_spec: kvs_spec_done() afterwards
 * @ret_bundle_fd: O_PATH directory, owned by the caller
 *
 * Return: 0, or -errno with @err (SPEC_*).
 */
int kvs_bundle_read(const char *bundle, const char *spec_path, bool strict,
	struct kvs_spec *ret_spec, int *ret_bundle_fd, struct kvs_error *err);
