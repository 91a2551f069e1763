/* SPDX-License-Identifier: Apache-2.0 */
/* What is ours: the annotations org.kvshim.*, with their units. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/spec_private.h"

#define ABI_NAME      "org.kvshim.abi"
#define MEMORY_NAME   "org.kvshim.memory"
#define DEADLINE_NAME "org.kvshim.deadline"

#define LIMIT_POINTER "/linux/resources/memory/limit"

#define GUEST_PAGE_BYTES UINT64_C(4096)

#define NS_PER_MS	UINT64_C(1000000)
#define NS_PER_S	UINT64_C(1000000000)
#define DEADLINE_MAX_NS (UINT64_C(366) * 24 * 3600 * NS_PER_S)

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Digits, then one of the units. Saturates, so that the caller's bound can say what is too much. */
static bool parse_amount(
	const char *text, const struct unit *units, size_t unit_count, uint64_t *ret_amount)
{
	uint64_t amount = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(amount, 10, &amount) ||
			__builtin_add_overflow(amount, (uint64_t)(*p - '0'), &amount))
			amount = UINT64_MAX;
	if (p == text)
		return false;
	for (size_t i = 0; i < unit_count; i++) {
		if (strcmp(p, units[i].suffix) != 0)
			continue;
		if (__builtin_mul_overflow(amount, units[i].factor, ret_amount))
			*ret_amount = UINT64_MAX;
		return true;
	}
	return false;
}

static int read_abi(struct kvs_spec *spec, const char *text, struct kvs_error *err)
{
	static const struct {
		enum kvs_spec_abi abi;
		const char *name;
	} abis[] = {
#define X(name, text) { KVS_SPEC_ABI_##name, text },
		KVS_SPEC_ABIS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(abis) / sizeof(abis[0]); i++) {
		if (strcmp(abis[i].name, text) == 0) {
			spec->abi = abis[i].abi;
			return 0;
		}
	}
	return kvs_spec_field_error(err, "/annotations/" ABI_NAME,
		"write \"linux\" for a Linux program, \"bare\" for one that wants the machine",
		"unknown ABI '%.64s'", text);
}

static int set_memory(
	struct kvs_spec *spec, uint64_t bytes, const char *pointer, struct kvs_error *err)
{
	if (bytes < KVS_SPEC_MEMORY_MIN_BYTES || bytes > KVS_SPEC_MEMORY_MAX_BYTES)
		return kvs_spec_field_error(err, pointer,
			"from 1M to 1024G (1048576 bytes to 1 TiB)",
			"guest RAM of %llu bytes is too %s", (unsigned long long)bytes,
			bytes < KVS_SPEC_MEMORY_MIN_BYTES ? "small" : "large");
	spec->memory_bytes = bytes / GUEST_PAGE_BYTES * GUEST_PAGE_BYTES;
	return 0;
}

static int read_memory(struct kvs_spec *spec, const char *text, struct kvs_error *err)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", UINT64_C(1) << 10 },
		{ "M", UINT64_C(1) << 20 },
		{ "G", UINT64_C(1) << 30 },
	};
	uint64_t bytes;

	if (!parse_amount(text, units, sizeof(units) / sizeof(units[0]), &bytes))
		return kvs_spec_field_error(err, "/annotations/" MEMORY_NAME,
			"write digits, then K, M, G or nothing, as in \"256M\"",
			"'%.64s' is not an amount of memory", text);
	return set_memory(spec, bytes, "/annotations/" MEMORY_NAME, err);
}

/* A limit is also what cgroups get; beyond what a guest may have, it is no wish for guest RAM. */
static int use_memory_limit(struct kvs_spec *spec, struct kvs_error *err)
{
	struct kvs_spec_number limit = spec->linux_config.resources.memory_limit_bytes;

	if (!limit.set || limit.value <= 0 || (uint64_t)limit.value > KVS_SPEC_MEMORY_MAX_BYTES)
		return 0;
	return set_memory(spec, (uint64_t)limit.value, LIMIT_POINTER, err);
}

static int read_deadline(struct kvs_spec *spec, const char *text, struct kvs_error *err)
{
	static const struct unit units[] = {
		{ "ms", NS_PER_MS },
		{ "s", NS_PER_S },
		{ "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S },
	};
	uint64_t ns;

	if (!parse_amount(text, units, sizeof(units) / sizeof(units[0]), &ns))
		return kvs_spec_field_error(err, "/annotations/" DEADLINE_NAME,
			"write digits, then ms, s, m or h, as in \"10s\"",
			"'%.64s' is not a duration", text);
	if (ns == 0 || ns > DEADLINE_MAX_NS)
		return kvs_spec_field_error(err, "/annotations/" DEADLINE_NAME,
			"from 1ms to 8784h; leave it out for none", "deadline '%.64s' is too %s",
			text, ns ? "far" : "near");
	spec->deadline_ns = ns;
	return 0;
}

int kvs_spec_own_read(struct kvs_spec *spec, struct kvs_error *err)
{
	const char *abi = kvs_spec_find_annotation(spec, ABI_NAME);
	const char *memory = kvs_spec_find_annotation(spec, MEMORY_NAME);
	const char *deadline = kvs_spec_find_annotation(spec, DEADLINE_NAME);
	int r;

	spec->abi = KVS_SPEC_ABI_LINUX;
	spec->memory_bytes = KVS_SPEC_MEMORY_DEFAULT_BYTES;
	r = abi ? read_abi(spec, abi, err) : 0;
	if (r < 0)
		return r;
	r = memory ? read_memory(spec, memory, err) : use_memory_limit(spec, err);
	if (r < 0)
		return r;
	return deadline ? read_deadline(spec, deadline, err) : 0;
}
