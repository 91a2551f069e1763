/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spec parser on any bytes: it says yes or says why not, and both ways agree.
 *
 * Seeds: tests/corpus/spec.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_good(const struct kvs_spec *spec)
{
	const struct kvs_spec_strings *args = &spec->process.args;

	require(args->count > 0 && args->items[0][0] && !args->items[args->count]);
	require(!spec->process.env.items[spec->process.env.count]);
	for (size_t i = 0; i < spec->process.env.count; i++)
		require(strchr(spec->process.env.items[i], '='));
	require(spec->process.cwd[0] == '/');
	require(spec->root_path && spec->root_path[0]);
	require(spec->abi != KVS_SPEC_ABI_INVALID);
	require(spec->memory_bytes >= KVS_SPEC_MEMORY_MIN_BYTES &&
		spec->memory_bytes <= KVS_SPEC_MEMORY_MAX_BYTES && spec->memory_bytes % 4096 == 0);
	for (size_t i = 0; i < spec->mount_count; i++)
		require(spec->mounts[i].destination[0] == '/' && spec->mounts[i].type);
	for (size_t i = 0; i < spec->linux_config.namespace_count; i++)
		require(spec->linux_config.namespaces[i].clone_flag);
	for (size_t i = 0; i < spec->absorbed_count; i++)
		require(spec->absorbed[i].pointer[0] == '/' && spec->absorbed[i].reason[0]);
}

static void check_bad(const struct kvs_spec *spec, const struct kvs_error *err, int r)
{
	require(r < 0 && err->where[0] && err->text[0]);
	require(err->code == KVS_ERROR_SPEC_SYNTAX || err->code == KVS_ERROR_SPEC_FIELD ||
		err->code == KVS_ERROR_SPEC_REFUSED);
	require(err->hint[0] || err->code != KVS_ERROR_SPEC_FIELD);
	for (const char *p = err->text; *p; p++)
		require(*p >= 0x20 && *p < 0x7f);
	require(!spec->json && !spec->blocks && !spec->absorbed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvs_spec_options options = { .strict = false };
	struct kvs_error err = { 0 };
	struct kvs_spec spec;
	size_t absorbed = 1;
	int r;
	int strict_r;

	r = kvs_spec_parse((const char *)data, size, &options, &spec, &err);
	if (r == 0) {
		check_good(&spec);
		absorbed = spec.absorbed_count;
		kvs_spec_done(&spec);
	} else {
		check_bad(&spec, &err, r);
	}
	options.strict = true;
	err = (struct kvs_error){ 0 };
	strict_r = kvs_spec_parse((const char *)data, size, &options, &spec, &err);
	if (strict_r == 0)
		kvs_spec_done(&spec);
	else
		check_bad(&spec, &err, strict_r);
	require((strict_r == 0) == (r == 0 && absorbed == 0));
	return 0;
}
