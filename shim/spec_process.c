/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "shim/json.h"
#include "shim/spec_private.h"

#define POINTER_SIZE 64

static size_t total_bytes(const struct kvs_spec_strings *strings)
{
	size_t total = 0;

	for (size_t i = 0; i < strings->count; i++)
		total += strlen(strings->items[i]) + 1;
	return total;
}

static int read_args(struct kvs_spec *spec, const cJSON *args, struct kvs_error *err)
{
	struct kvs_spec_strings *ret = &spec->process.args;
	int r;

	r = kvs_spec_read_strings(spec, args, ret, err);
	if (r < 0)
		return r;
	if (ret->count == 0)
		return kvs_spec_field_error(err, "/process/args",
			"name the program: [\"/bin/program\"]", "empty list of arguments");
	if (ret->items[0][0] == '\0')
		return kvs_spec_field_error(err, "/process/args/0",
			"name the program, as in \"/bin/program\"", "empty program name");
	if (ret->count > KVS_SPEC_ARGS_MAX)
		return kvs_spec_field_error(err, "/process/args", "pass a file with them instead",
			"more than %d arguments", KVS_SPEC_ARGS_MAX);
	return 0;
}

static int read_env(struct kvs_spec *spec, const cJSON *env, struct kvs_error *err)
{
	struct kvs_spec_strings *ret = &spec->process.env;
	char pointer[POINTER_SIZE];
	int r;

	r = kvs_spec_read_strings(spec, env, ret, err);
	if (r < 0)
		return r;
	if (ret->count > KVS_SPEC_ARGS_MAX)
		return kvs_spec_field_error(err, "/process/env", "pass a file with them instead",
			"more than %d variables", KVS_SPEC_ARGS_MAX);
	for (size_t i = 0; i < ret->count; i++) {
		const char *equals = strchr(ret->items[i], '=');

		if (equals && equals != ret->items[i])
			continue;
		snprintf(pointer, sizeof(pointer), "/process/env/%zu", i);
		return kvs_spec_field_error(err, pointer, "write NAME=VALUE",
			"'%.64s' is not a variable with a value", ret->items[i]);
	}
	if (total_bytes(ret) + total_bytes(&spec->process.args) > KVS_SPEC_ARGS_MAX_BYTES)
		return kvs_spec_field_error(err, "/process", "pass a file with them instead",
			"args and env together have more than %d bytes", KVS_SPEC_ARGS_MAX_BYTES);
	return 0;
}

static int read_user(struct kvs_spec *spec, const cJSON *user, struct kvs_error *err)
{
	const cJSON *gids = kvs_spec_read_field(user, "additionalGids");
	struct kvs_spec_user *ret = &spec->process.user;
	uint64_t gid;
	bool negative;

	ret->uid = (uint32_t)kvs_spec_read_unsigned(user, "uid");
	ret->gid = (uint32_t)kvs_spec_read_unsigned(user, "gid");
	ret->umask = kvs_spec_read_number(user, "umask");
	if (ret->umask.value > 0777)
		return kvs_spec_field_error(err, "/process/user/umask",
			"it is decimal: 18 is the umask 022", "umask %lld is beyond 0777 (511)",
			(long long)ret->umask.value);
	ret->additional_gids = kvs_spec_alloc(spec, (size_t)(gids ? cJSON_GetArraySize(gids) : 0),
		sizeof(*ret->additional_gids), err);
	if (!ret->additional_gids)
		return -ENOMEM;
	for (const cJSON *item = gids ? gids->child : NULL; item; item = item->next)
		if (kvs_json_integer(item, &negative, &gid) == 0)
			ret->additional_gids[ret->additional_gid_count++] = (uint32_t)gid;
	return 0;
}

/* -1 for a name that is not in the field table either. */
static int resource_of(const char *name)
{
	static const struct {
		const char *name;
		int resource;
	} resources[] = {
		{ "RLIMIT_AS", RLIMIT_AS },
		{ "RLIMIT_CORE", RLIMIT_CORE },
		{ "RLIMIT_CPU", RLIMIT_CPU },
		{ "RLIMIT_DATA", RLIMIT_DATA },
		{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
		{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
		{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
		{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
		{ "RLIMIT_NICE", RLIMIT_NICE },
		{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
		{ "RLIMIT_NPROC", RLIMIT_NPROC },
		{ "RLIMIT_RSS", RLIMIT_RSS },
		{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
		{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
		{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
		{ "RLIMIT_STACK", RLIMIT_STACK },
	};

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (strcmp(resources[i].name, name) == 0)
			return resources[i].resource;
	return -1;
}

static int read_rlimits(struct kvs_spec *spec, const cJSON *list, struct kvs_error *err)
{
	struct kvs_spec_process *process = &spec->process;
	char pointer[POINTER_SIZE];
	unsigned long seen = 0;

	process->rlimits = kvs_spec_alloc(spec, (size_t)(list ? cJSON_GetArraySize(list) : 0),
		sizeof(*process->rlimits), err);
	if (!process->rlimits)
		return -ENOMEM;
	for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
		const char *name = kvs_spec_read_field(item, "type")->valuestring;
		size_t index = process->rlimit_count++;
		struct kvs_spec_rlimit *rlimit = &process->rlimits[index];

		snprintf(pointer, sizeof(pointer), "/process/rlimits/%zu", index);
		rlimit->resource = resource_of(name);
		rlimit->soft = kvs_spec_read_unsigned(item, "soft");
		rlimit->hard = kvs_spec_read_unsigned(item, "hard");
		if (rlimit->resource < 0 || (seen & (1ul << rlimit->resource)))
			return kvs_spec_field_error(
				err, pointer, "remove one of the two", "second limit '%s'", name);
		if (rlimit->soft > rlimit->hard)
			return kvs_spec_field_error(err, pointer, "lower soft, or raise hard",
				"soft limit %llu is above hard limit %llu",
				(unsigned long long)rlimit->soft, (unsigned long long)rlimit->hard);
		seen |= 1ul << rlimit->resource;
	}
	return 0;
}

static int read_capabilities(struct kvs_spec *spec, const cJSON *caps, struct kvs_error *err)
{
	struct kvs_spec_capabilities *ret = &spec->process.capabilities;
	const struct {
		const char *name;
		struct kvs_spec_strings *ret;
	} sets[] = {
		{ "bounding", &ret->bounding },
		{ "effective", &ret->effective },
		{ "inheritable", &ret->inheritable },
		{ "permitted", &ret->permitted },
		{ "ambient", &ret->ambient },
	};
	int r;

	ret->set = caps != NULL;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		r = kvs_spec_read_strings(
			spec, kvs_spec_read_field(caps, sets[i].name), sets[i].ret, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_values(struct kvs_spec_process *ret, const cJSON *process, struct kvs_error *err)
{
	const cJSON *console = kvs_spec_read_field(process, "consoleSize");

	ret->cwd = kvs_spec_read_string(process, "cwd");
	if (!ret->cwd)
		ret->cwd = "/";
	ret->terminal = kvs_spec_read_bool(process, "terminal");
	ret->console_height = (uint16_t)kvs_spec_read_unsigned(console, "height");
	ret->console_width = (uint16_t)kvs_spec_read_unsigned(console, "width");
	ret->no_new_privileges = kvs_spec_read_bool(process, "noNewPrivileges");
	ret->oom_score_adj = kvs_spec_read_number(process, "oomScoreAdj");
	if (ret->oom_score_adj.value < -1000 || ret->oom_score_adj.value > 1000)
		return kvs_spec_field_error(err, "/process/oomScoreAdj", "from -1000 to 1000",
			"number %lld is out of range", (long long)ret->oom_score_adj.value);
	return kvs_spec_read_absolute(ret->cwd, "/process", "cwd", err);
}

int kvs_spec_process_read(struct kvs_spec *spec, const cJSON *process, struct kvs_error *err)
{
	int r;

	r = read_args(spec, kvs_spec_read_field(process, "args"), err);
	if (r < 0)
		return r;
	r = read_env(spec, kvs_spec_read_field(process, "env"), err);
	if (r < 0)
		return r;
	r = read_values(&spec->process, process, err);
	if (r < 0)
		return r;
	r = read_user(spec, kvs_spec_read_field(process, "user"), err);
	if (r < 0)
		return r;
	r = read_rlimits(spec, kvs_spec_read_field(process, "rlimits"), err);
	if (r < 0)
		return r;
	return read_capabilities(spec, kvs_spec_read_field(process, "capabilities"), err);
}
