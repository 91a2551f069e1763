/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spec: what one virtual machine is asked to be, in plain data.
 *
 * The text is an OCI runtime configuration (config.json, runtime-spec 1.0 to 1.2); kvshim-spec(5)
 * is the manual. kvs_spec_parse() reads the text and nothing else: it opens no file, and knows
 * neither KVM nor the bundle's directory. Which fields exist, and whether each is applied, absorbed
 * or refused, is in spec_fields.h.
 *
 * Every pointer in here belongs to the spec and lives until kvs_spec_done(). Strings are UTF-8,
 * NUL-terminated and without embedded NUL. A string or list the text does not give is NULL or
 * empty, a number it does not give has `set` false, unless a default is named below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/error.h"

struct cJSON;
struct kvs_spec_block;

#define KVS_SPEC_ABIS(X)                                                                           \
	X(LINUX, "linux")                                                                          \
	X(BARE, "bare")

enum kvs_spec_abi {
	KVS_SPEC_ABI_INVALID,
#define X(name, text) KVS_SPEC_ABI_##name,
	KVS_SPEC_ABIS(X)
#undef X
};

#define KVS_SPEC_TEXT_MAX_BYTES	      (1024 * 1024)
#define KVS_SPEC_ARGS_MAX	      4096	   /* entries of args, and of env */
#define KVS_SPEC_ARGS_MAX_BYTES	      (128 * 1024) /* args and env together, with their NULs */
#define KVS_SPEC_MOUNTS_MAX	      1024
#define KVS_SPEC_HOOKS_MAX	      128 /* all kinds together */
#define KVS_SPEC_MEMORY_MIN_BYTES     (UINT64_C(1) << 20)
#define KVS_SPEC_MEMORY_MAX_BYTES     (UINT64_C(1) << 40)
#define KVS_SPEC_MEMORY_DEFAULT_BYTES (UINT64_C(256) << 20)

struct kvs_spec_strings {
	char **items; /* NULL-terminated, so fit for execve(); never NULL itself after a parse */
	size_t count;
};

struct kvs_spec_pair {
	const char *name;
	const char *value;
};

struct kvs_spec_pairs {
	struct kvs_spec_pair *items;
	size_t count;
};

struct kvs_spec_number {
	bool set;
	int64_t value;
};

struct kvs_spec_rlimit {
	int resource;  /* RLIMIT_* of <sys/resource.h> */
	uint64_t soft; /* UINT64_MAX is RLIM_INFINITY */
	uint64_t hard;
};

struct kvs_spec_capabilities {
	bool set; /* false: the spec is silent, which is not the same as five empty sets */
	struct kvs_spec_strings bounding;
	struct kvs_spec_strings effective;
	struct kvs_spec_strings inheritable;
	struct kvs_spec_strings permitted;
	struct kvs_spec_strings ambient;
};

struct kvs_spec_user {
	uint32_t uid; /* default 0 */
	uint32_t gid; /* default 0 */
	uint32_t *additional_gids;
	size_t additional_gid_count;
	struct kvs_spec_number umask; /* 0 to 0777 */
};

struct kvs_spec_process {
	struct kvs_spec_strings args; /* at least one, the first not empty */
	struct kvs_spec_strings env;  /* each NAME=VALUE, NAME not empty */
	const char *cwd;	      /* absolute; default "/" */
	bool terminal;
	uint16_t console_height; /* rows; 0 when not given */
	uint16_t console_width;	 /* columns; 0 when not given */
	struct kvs_spec_user user;
	struct kvs_spec_rlimit *rlimits; /* no resource twice, soft <= hard */
	size_t rlimit_count;
	struct kvs_spec_capabilities capabilities;
	bool no_new_privileges;
	struct kvs_spec_number oom_score_adj; /* -1000 to 1000 */
};

struct kvs_spec_mount {
	const char *destination; /* absolute */
	const char *type;
	const char *source;
	struct kvs_spec_strings options;
};

#define KVS_SPEC_HOOKS(X)                                                                          \
	X(PRESTART, "prestart")                                                                    \
	X(CREATE_RUNTIME, "createRuntime")                                                         \
	X(CREATE_CONTAINER, "createContainer")                                                     \
	X(START_CONTAINER, "startContainer")                                                       \
	X(POSTSTART, "poststart")                                                                  \
	X(POSTSTOP, "poststop")

enum kvs_spec_hook_kind {
#define X(name, text) KVS_SPEC_HOOK_##name,
	KVS_SPEC_HOOKS(X)
#undef X
		KVS_SPEC_HOOK_KIND_COUNT
};

struct kvs_spec_hook {
	const char *path;	      /* absolute */
	struct kvs_spec_strings args; /* with argv[0]; empty when not given */
	struct kvs_spec_strings env;
	uint32_t timeout_s; /* 0: none */
};

struct kvs_spec_hooks {
	struct kvs_spec_hook *items;
	size_t count;
};

struct kvs_spec_namespace {
	const char *type; /* "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time" */
	int clone_flag;	  /* CLONE_NEW* of <sched.h> */
	const char *path; /* join this one; NULL: a new one */
};

struct kvs_spec_id_map {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
};

struct kvs_spec_id_maps {
	struct kvs_spec_id_map *items;
	size_t count;
};

struct kvs_spec_resources {
	struct kvs_spec_number memory_limit_bytes; /* -1: unlimited, as are the others */
	struct kvs_spec_number memory_swap_bytes;
	struct kvs_spec_number cpu_shares;
	struct kvs_spec_number cpu_quota_us;
	struct kvs_spec_number cpu_period_us;
	const char *cpu_cpus; /* "0-3,7" */
	struct kvs_spec_number pids_limit;
};

struct kvs_spec_linux {
	struct kvs_spec_namespace *namespaces; /* no type twice */
	size_t namespace_count;
	struct kvs_spec_id_maps uid_maps;
	struct kvs_spec_id_maps gid_maps;
	const char *cgroups_path;
	struct kvs_spec_resources resources;
	struct kvs_spec_strings masked_paths;
	struct kvs_spec_strings readonly_paths;
	struct kvs_spec_pairs sysctl;
	const char *rootfs_propagation;
	const struct cJSON *seccomp; /* linux.seccomp as written, types checked; NULL: none */
};

struct kvs_spec_absorbed {
	const char *pointer; /* JSON pointer of the field that was taken and not acted on */
	const char *reason;  /* from spec_fields.h */
};

struct kvs_spec {
	const char *oci_version;
	struct kvs_spec_process process;
	const char *root_path; /* as written: relative to the directory of the spec */
	bool root_readonly;
	const char *hostname;
	const char *domainname;
	struct kvs_spec_mount *mounts;
	size_t mount_count;
	struct kvs_spec_hooks hooks[KVS_SPEC_HOOK_KIND_COUNT];
	struct kvs_spec_pairs annotations; /* all of them, in the order of the text */
	struct kvs_spec_linux linux_config;

	enum kvs_spec_abi abi; /* default LINUX */
	uint64_t memory_bytes; /* guest RAM: a multiple of 4096, within the two limits above */
	uint64_t deadline_ns;  /* 0: none */

	struct kvs_spec_absorbed *absorbed; /* in the order of the text */
	size_t absorbed_count;

	struct cJSON *json;	       /* private: the tree the strings above point into */
	struct kvs_spec_block *blocks; /* private: the arrays above */
};

struct kvs_spec_options {
	bool strict; /* refuse what would be absorbed */
};

/*
 * kvs_spec_parse - read a spec
 * @text: @size bytes of JSON; need not be NUL-terminated
 * @options: NULL for the defaults
 * @ret_spec: filled on success, and then to be released with kvs_spec_done(); otherwise zeroed
 *
 * Guest RAM is the annotation org.kvshim.memory, else linux.resources.memory.limit, else 256 MiB.
 *
 * Context: any process; no system calls but for memory.
 * Source: runtime-spec 1.2, config.md, config-linux.md.
 * Return: 0; -EBADMSG (SPEC_SYNTAX), -EINVAL (SPEC_FIELD) or -ENOTSUP (SPEC_REFUSED), all for the
 *         spec's author; -ENOMEM (HOST).
 */
int kvs_spec_parse(const char *text, size_t size, const struct kvs_spec_options *options,
	struct kvs_spec *ret_spec, struct kvs_error *err);

/* kvs_spec_done - release a parsed, zeroed or half-built spec and zero it */
void kvs_spec_done(struct kvs_spec *spec);

/* kvs_spec_find_annotation - the value of annotation @name, or NULL */
const char *kvs_spec_find_annotation(const struct kvs_spec *spec, const char *name);

/* kvs_spec_abi_name - "linux", "bare"; "invalid" for anything else */
const char *kvs_spec_abi_name(enum kvs_spec_abi abi);
