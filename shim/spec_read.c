/* SPDX-License-Identifier: Apache-2.0 */
/* The checked tree into the struct: everything but process, which is in spec_process.c. */
#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

#include "shim/json.h"
#include "shim/spec_private.h"

#define POINTER_SIZE 64 /* of the pointers written here: fixed names and two numbers */

static size_t count_items(const cJSON *list)
{
	size_t count = 0;

	for (const cJSON *item = list ? list->child : NULL; item; item = item->next)
		count++;
	return count;
}

const cJSON *kvs_spec_read_field(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *kvs_spec_read_string(const cJSON *object, const char *name)
{
	const cJSON *item = kvs_spec_read_field(object, name);

	return item && item->valuestring[0] ? item->valuestring : NULL;
}

bool kvs_spec_read_bool(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(kvs_spec_read_field(object, name));
}

uint64_t kvs_spec_read_unsigned(const cJSON *object, const char *name)
{
	const cJSON *item = kvs_spec_read_field(object, name);
	uint64_t magnitude = 0;
	bool negative;

	if (item)
		kvs_json_integer(item, &negative, &magnitude);
	return magnitude;
}

struct kvs_spec_number kvs_spec_read_number(const cJSON *object, const char *name)
{
	const cJSON *item = kvs_spec_read_field(object, name);
	uint64_t magnitude;
	bool negative;

	if (!item || kvs_json_integer(item, &negative, &magnitude) < 0)
		return (struct kvs_spec_number){ 0 };
	/* What an unsigned field has beyond is meant as "unlimited", which signed ones write as -1.
	 */
	if (!negative && magnitude > INT64_MAX)
		return (struct kvs_spec_number){ .set = true, .value = -1 };
	return (struct kvs_spec_number){
		.set = true,
		.value = (int64_t)(negative ? -magnitude : magnitude),
	};
}

int kvs_spec_read_strings(struct kvs_spec *spec, const cJSON *array,
	struct kvs_spec_strings *ret_strings, struct kvs_error *err)
{
	struct kvs_spec_strings strings = { .count = count_items(array) };
	size_t i = 0;

	strings.items = kvs_spec_alloc(spec, strings.count + 1, sizeof(*strings.items), err);
	if (!strings.items)
		return -ENOMEM;
	for (const cJSON *item = array ? array->child : NULL; item; item = item->next)
		strings.items[i++] = item->valuestring;
	*ret_strings = strings;
	return 0;
}

int kvs_spec_read_pairs(struct kvs_spec *spec, const cJSON *map, struct kvs_spec_pairs *ret_pairs,
	struct kvs_error *err)
{
	struct kvs_spec_pairs pairs = { 0 };

	pairs.items = kvs_spec_alloc(spec, count_items(map), sizeof(*pairs.items), err);
	if (!pairs.items)
		return -ENOMEM;
	for (const cJSON *item = map ? map->child : NULL; item; item = item->next)
		if (!kvs_spec_is_comment(item->string))
			pairs.items[pairs.count++] =
				(struct kvs_spec_pair){ item->string, item->valuestring };
	*ret_pairs = pairs;
	return 0;
}

int kvs_spec_read_absolute(
	const char *path, const char *pointer, const char *name, struct kvs_error *err)
{
	char where[2 * POINTER_SIZE];

	if (path && path[0] == '/')
		return 0;
	snprintf(where, sizeof(where), "%s/%s", pointer, name);
	if (!path)
		return kvs_spec_field_error(err, where, "write an absolute path", "empty path");
	return kvs_spec_field_error(
		err, where, "begin it with /", "path '%.64s' is not absolute", path);
}

static int read_mount(struct kvs_spec *spec, const cJSON *item, size_t index,
	struct kvs_spec_mount *mount, struct kvs_error *err)
{
	char pointer[POINTER_SIZE];
	int r;

	snprintf(pointer, sizeof(pointer), "/mounts/%zu", index);
	mount->destination = kvs_spec_read_string(item, "destination");
	mount->type = kvs_spec_read_string(item, "type");
	mount->source = kvs_spec_read_string(item, "source");
	r = kvs_spec_read_absolute(mount->destination, pointer, "destination", err);
	if (r < 0)
		return r;
	if (!mount->type)
		return kvs_spec_field_error(err, pointer, "add \"type\": \"tmpfs\", for instance",
			"mount on '%.64s' has no type", mount->destination);
	return kvs_spec_read_strings(
		spec, kvs_spec_read_field(item, "options"), &mount->options, err);
}

int kvs_spec_read_mounts(struct kvs_spec *spec, const cJSON *mounts, struct kvs_error *err)
{
	size_t count = count_items(mounts);
	size_t index = 0;
	int r;

	if (count > KVS_SPEC_MOUNTS_MAX)
		return kvs_spec_field_error(err, "/mounts", "no program needs that many",
			"more than %d mounts", KVS_SPEC_MOUNTS_MAX);
	spec->mounts = kvs_spec_alloc(spec, count, sizeof(*spec->mounts), err);
	if (!spec->mounts)
		return -ENOMEM;
	spec->mount_count = count;
	for (const cJSON *item = mounts ? mounts->child : NULL; item; item = item->next, index++) {
		r = read_mount(spec, item, index, &spec->mounts[index], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_hook(struct kvs_spec *spec, const cJSON *item, const char *pointer,
	struct kvs_spec_hook *hook, struct kvs_error *err)
{
	char where[2 * POINTER_SIZE];
	int r;

	hook->path = kvs_spec_read_string(item, "path");
	r = kvs_spec_read_absolute(hook->path, pointer, "path", err);
	if (r < 0)
		return r;
	hook->timeout_s = (uint32_t)kvs_spec_read_unsigned(item, "timeout");
	if (kvs_spec_read_field(item, "timeout") && hook->timeout_s == 0) {
		snprintf(where, sizeof(where), "%s/timeout", pointer);
		return kvs_spec_field_error(
			err, where, "leave it out for none", "a timeout of 0 seconds");
	}
	r = kvs_spec_read_strings(spec, kvs_spec_read_field(item, "args"), &hook->args, err);
	if (r < 0)
		return r;
	return kvs_spec_read_strings(spec, kvs_spec_read_field(item, "env"), &hook->env, err);
}

static int read_hook_kind(struct kvs_spec *spec, const cJSON *list, const char *name,
	struct kvs_spec_hooks *hooks, struct kvs_error *err)
{
	char pointer[POINTER_SIZE];
	int r;

	hooks->items = kvs_spec_alloc(spec, count_items(list), sizeof(*hooks->items), err);
	if (!hooks->items)
		return -ENOMEM;
	for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
		snprintf(pointer, sizeof(pointer), "/hooks/%s/%zu", name, hooks->count);
		r = read_hook(spec, item, pointer, &hooks->items[hooks->count], err);
		if (r < 0)
			return r;
		hooks->count++;
	}
	return 0;
}

int kvs_spec_read_hooks(struct kvs_spec *spec, const cJSON *hooks, struct kvs_error *err)
{
	static const char *const names[] = {
#define X(name, text) [KVS_SPEC_HOOK_##name] = text,
		KVS_SPEC_HOOKS(X)
#undef X
	};
	size_t total = 0;
	int r;

	for (int kind = 0; kind < KVS_SPEC_HOOK_KIND_COUNT; kind++) {
		const cJSON *list = kvs_spec_read_field(hooks, names[kind]);

		total += count_items(list);
		if (total > KVS_SPEC_HOOKS_MAX)
			return kvs_spec_field_error(err, "/hooks", "no program needs that many",
				"more than %d hooks", KVS_SPEC_HOOKS_MAX);
		r = read_hook_kind(spec, list, names[kind], &spec->hooks[kind], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int clone_flag_of(const char *type)
{
	static const struct {
		const char *type;
		int flag;
	} flags[] = {
		{ "cgroup", CLONE_NEWCGROUP },
		{ "ipc", CLONE_NEWIPC },
		{ "mount", CLONE_NEWNS },
		{ "network", CLONE_NEWNET },
		{ "pid", CLONE_NEWPID },
		{ "time", CLONE_NEWTIME },
		{ "user", CLONE_NEWUSER },
		{ "uts", CLONE_NEWUTS },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(flags[i].type, type) == 0)
			return flags[i].flag;
	return 0;
}

static int read_namespaces(struct kvs_spec *spec, const cJSON *list, struct kvs_error *err)
{
	struct kvs_spec_linux *section = &spec->linux_config;
	char pointer[POINTER_SIZE];
	int seen = 0;

	section->namespaces =
		kvs_spec_alloc(spec, count_items(list), sizeof(*section->namespaces), err);
	if (!section->namespaces)
		return -ENOMEM;
	for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
		size_t index = section->namespace_count++;
		struct kvs_spec_namespace *ns = &section->namespaces[index];
		int r;

		snprintf(pointer, sizeof(pointer), "/linux/namespaces/%zu", index);
		ns->type = kvs_spec_read_field(item, "type")->valuestring;
		ns->clone_flag = clone_flag_of(ns->type);
		ns->path = kvs_spec_read_string(item, "path");
		if (seen & ns->clone_flag)
			return kvs_spec_field_error(err, pointer, "remove one of the two",
				"second namespace of type '%s'", ns->type);
		seen |= ns->clone_flag;
		r = ns->path ? kvs_spec_read_absolute(ns->path, pointer, "path", err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_id_maps(struct kvs_spec *spec, const cJSON *list, struct kvs_spec_id_maps *maps,
	struct kvs_error *err)
{
	maps->items = kvs_spec_alloc(spec, count_items(list), sizeof(*maps->items), err);
	if (!maps->items)
		return -ENOMEM;
	for (const cJSON *item = list ? list->child : NULL; item; item = item->next)
		maps->items[maps->count++] = (struct kvs_spec_id_map){
			.container_id = (uint32_t)kvs_spec_read_unsigned(item, "containerID"),
			.host_id = (uint32_t)kvs_spec_read_unsigned(item, "hostID"),
			.size = (uint32_t)kvs_spec_read_unsigned(item, "size"),
		};
	return 0;
}

static void read_resources(struct kvs_spec_resources *ret, const cJSON *resources)
{
	const cJSON *memory = kvs_spec_read_field(resources, "memory");
	const cJSON *cpu = kvs_spec_read_field(resources, "cpu");
	const cJSON *pids = kvs_spec_read_field(resources, "pids");

	*ret = (struct kvs_spec_resources){
		.memory_limit_bytes = kvs_spec_read_number(memory, "limit"),
		.memory_swap_bytes = kvs_spec_read_number(memory, "swap"),
		.cpu_shares = kvs_spec_read_number(cpu, "shares"),
		.cpu_quota_us = kvs_spec_read_number(cpu, "quota"),
		.cpu_period_us = kvs_spec_read_number(cpu, "period"),
		.cpu_cpus = kvs_spec_read_string(cpu, "cpus"),
		.pids_limit = kvs_spec_read_number(pids, "limit"),
	};
}

int kvs_spec_read_linux(struct kvs_spec *spec, const cJSON *section, struct kvs_error *err)
{
	struct kvs_spec_linux *ret = &spec->linux_config;
	int r;

	ret->cgroups_path = kvs_spec_read_string(section, "cgroupsPath");
	ret->rootfs_propagation = kvs_spec_read_string(section, "rootfsPropagation");
	ret->seccomp = kvs_spec_read_field(section, "seccomp");
	read_resources(&ret->resources, kvs_spec_read_field(section, "resources"));
	r = read_namespaces(spec, kvs_spec_read_field(section, "namespaces"), err);
	if (r < 0)
		return r;
	r = read_id_maps(spec, kvs_spec_read_field(section, "uidMappings"), &ret->uid_maps, err);
	if (r < 0)
		return r;
	r = read_id_maps(spec, kvs_spec_read_field(section, "gidMappings"), &ret->gid_maps, err);
	if (r < 0)
		return r;
	r = kvs_spec_read_strings(
		spec, kvs_spec_read_field(section, "maskedPaths"), &ret->masked_paths, err);
	if (r < 0)
		return r;
	r = kvs_spec_read_strings(
		spec, kvs_spec_read_field(section, "readonlyPaths"), &ret->readonly_paths, err);
	if (r < 0)
		return r;
	return kvs_spec_read_pairs(spec, kvs_spec_read_field(section, "sysctl"), &ret->sysctl, err);
}
