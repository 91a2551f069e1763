/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/spec_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why a field has no effect. The first three go as the jail and its cgroup come. */
#define NO_JAIL	  "not applied yet: there is no jail around the VMM"
#define NO_CGROUP "not applied yet: the VMM has no cgroup of its own"
#define NO_MOUNT  "the guest has no kernel whose file systems could be mounted or hidden"
#define NO_DEVICE "the guest has no device files"
#define NO_OS	  "the guest has no operating system it could tune"
#define OWN_FILE  "a mount engines add on their own; the guest sees what root.path has there"

/* Why a field is refused. */
#define NO_BIND	    "host files cannot be shared with the guest yet; copy them below root.path"
#define NO_IDMAP    "mounts with mapped IDs are not supported"
#define NO_KERNEL   "kvshim boots no kernel; the program of process.args is all that runs"
#define NO_LISTENER "there is no system call in the guest that a listener could see"
#define OTHER_OS    "only for another operating system"

#define ROW(path, kind, class, need, text)                                                         \
	{                                                                                          \
		path, KVS_SPEC_FIELD_##kind, KVS_SPEC_##class, KVS_SPEC_##need, text               \
	}

/* Groups of rows that appear more than once. */
#define HOOK(path)                                                                                 \
	ROW(path, ARRAY, APPLIED, MAY, "programs run at this point, state on standard input"),     \
		ROW(path "/*", OBJECT, SAME, MAY, ""),                                             \
		ROW(path "/*/args", STRINGS, SAME, MAY, ""),                                       \
		ROW(path "/*/env", STRINGS, SAME, MAY, ""),                                        \
		ROW(path "/*/path", STRING, SAME, MUST, ""),                                       \
		ROW(path "/*/timeout", U32, SAME, MAY, "")

#define ID_MAP(path, class, text)                                                                  \
	ROW(path, ARRAY, class, MAY, text), ROW(path "/*", OBJECT, SAME, MAY, ""),                 \
		ROW(path "/*/containerID", U32, SAME, MUST, ""),                                   \
		ROW(path "/*/hostID", U32, SAME, MUST, ""),                                        \
		ROW(path "/*/size", U32, SAME, MUST, "")

#define THROTTLE(path)                                                                             \
	ROW(path, ARRAY, SAME, MAY, ""), ROW(path "/*", OBJECT, SAME, MAY, ""),                    \
		ROW(path "/*/major", I64, SAME, MUST, ""),                                         \
		ROW(path "/*/minor", I64, SAME, MUST, ""), ROW(path "/*/rate", U64, SAME, MAY, "")

/* clang-format off */
static const struct kvs_spec_field fields[] = {
	ROW("",						OBJECT, SECTION, MAY, "the spec"),
	ROW("/annotations",				MAP, APPLIED, MAY,
		"names and values of the author's own, kept as they are"),
	ROW("/annotations/org.kvshim.abi",		ENUM, APPLIED, MAY,
		"what the program expects: linux, the default, or bare, the machine itself"),
	ROW("/annotations/org.kvshim.abi=bare",		VALUE, SAME, MAY, ""),
	ROW("/annotations/org.kvshim.abi=linux",	VALUE, SAME, MAY, ""),
	ROW("/annotations/org.kvshim.deadline",		STRING, APPLIED, MAY,
		"stop the guest after: a number, then ms, s, m or h, as in 10s"),
	ROW("/annotations/org.kvshim.memory",		STRING, APPLIED, MAY,
		"guest RAM: a number, then K, M or G, as in 256M; 1M to 1024G"),
	ROW("/domainname",				STRING, ABSORBED, MAY, NO_JAIL),
	ROW("/freebsd",					ANY, REFUSED, MAY, OTHER_OS),
	ROW("/hooks",					OBJECT, SECTION, MAY,
		"programs to run on the host at points of the lifecycle"),
	HOOK("/hooks/createContainer"),
	HOOK("/hooks/createRuntime"),
	HOOK("/hooks/poststart"),
	HOOK("/hooks/poststop"),
	HOOK("/hooks/prestart"),
	HOOK("/hooks/startContainer"),
	ROW("/hostname",				STRING, APPLIED, MAY,
		"node name the program sees, at most 64 bytes"),
	ROW("/linux",					OBJECT, SECTION, MAY,
		"what the host is asked to isolate and limit"),
	ROW("/linux/cgroupsPath",			STRING, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/devices",				ARRAY, ABSORBED, MAY, NO_DEVICE),
	ROW("/linux/devices/*",				OBJECT, SAME, MAY, ""),
	ROW("/linux/devices/*/fileMode",		U32, SAME, MAY, ""),
	ROW("/linux/devices/*/gid",			U32, SAME, MAY, ""),
	ROW("/linux/devices/*/major",			I64, SAME, MAY, ""),
	ROW("/linux/devices/*/minor",			I64, SAME, MAY, ""),
	ROW("/linux/devices/*/path",			STRING, SAME, MUST, ""),
	ROW("/linux/devices/*/type",			STRING, SAME, MUST, ""),
	ROW("/linux/devices/*/uid",			U32, SAME, MAY, ""),
	ID_MAP("/linux/gidMappings", ABSORBED, NO_JAIL),
	ROW("/linux/intelRdt",				ANY, REFUSED, MAY,
		"kvshim does not set up cache or memory bandwidth partitions"),
	ROW("/linux/maskedPaths",			STRINGS, ABSORBED, MAY, NO_MOUNT),
	ROW("/linux/memoryPolicy",			ANY, REFUSED, MAY,
		"kvshim does not place memory on NUMA nodes"),
	ROW("/linux/mountLabel",			STRING, ABSORBED, MAY, NO_MOUNT),
	ROW("/linux/namespaces",			ARRAY, ABSORBED, MAY, NO_JAIL),
	ROW("/linux/namespaces/*",			OBJECT, SAME, MAY, ""),
	ROW("/linux/namespaces/*/path",			STRING, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type",			ENUM, SAME, MUST, ""),
	ROW("/linux/namespaces/*/type=cgroup",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=ipc",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=mount",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=network",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=pid",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=time",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=user",		VALUE, SAME, MAY, ""),
	ROW("/linux/namespaces/*/type=uts",		VALUE, SAME, MAY, ""),
	ROW("/linux/netDevices",			ANY, REFUSED, MAY,
		"the guest has no network devices"),
	ROW("/linux/personality",			ANY, REFUSED, MAY,
		"the guest has one personality, that of x86-64 Linux"),
	ROW("/linux/readonlyPaths",			STRINGS, ABSORBED, MAY, NO_MOUNT),
	ROW("/linux/resources",				OBJECT, SECTION, MAY,
		"limits on what the guest may use"),
	ROW("/linux/resources/blockIO",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/blockIO/leafWeight",	U16, SAME, MAY, ""),
	THROTTLE("/linux/resources/blockIO/throttleReadBpsDevice"),
	THROTTLE("/linux/resources/blockIO/throttleReadIOPSDevice"),
	THROTTLE("/linux/resources/blockIO/throttleWriteBpsDevice"),
	THROTTLE("/linux/resources/blockIO/throttleWriteIOPSDevice"),
	ROW("/linux/resources/blockIO/weight",		U16, SAME, MAY, ""),
	ROW("/linux/resources/blockIO/weightDevice",	ARRAY, SAME, MAY, ""),
	ROW("/linux/resources/blockIO/weightDevice/*",	OBJECT, SAME, MAY, ""),
	ROW("/linux/resources/blockIO/weightDevice/*/leafWeight", U16, SAME, MAY, ""),
	ROW("/linux/resources/blockIO/weightDevice/*/major", I64, SAME, MUST, ""),
	ROW("/linux/resources/blockIO/weightDevice/*/minor", I64, SAME, MUST, ""),
	ROW("/linux/resources/blockIO/weightDevice/*/weight", U16, SAME, MAY, ""),
	ROW("/linux/resources/cpu",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/cpu/burst",		U64, SAME, MAY, ""),
	ROW("/linux/resources/cpu/cpus",		STRING, SAME, MAY, ""),
	ROW("/linux/resources/cpu/idle",		I64, SAME, MAY, ""),
	ROW("/linux/resources/cpu/mems",		STRING, SAME, MAY, ""),
	ROW("/linux/resources/cpu/period",		U64, SAME, MAY, ""),
	ROW("/linux/resources/cpu/quota",		I64, SAME, MAY, ""),
	ROW("/linux/resources/cpu/realtimePeriod",	U64, SAME, MAY, ""),
	ROW("/linux/resources/cpu/realtimeRuntime",	I64, SAME, MAY, ""),
	ROW("/linux/resources/cpu/shares",		U64, SAME, MAY, ""),
	ROW("/linux/resources/devices",			ARRAY, ABSORBED, MAY, NO_DEVICE),
	ROW("/linux/resources/devices/*",		OBJECT, SAME, MAY, ""),
	ROW("/linux/resources/devices/*/access",	STRING, SAME, MAY, ""),
	ROW("/linux/resources/devices/*/allow",		BOOL, SAME, MUST, ""),
	ROW("/linux/resources/devices/*/major",		I64, SAME, MAY, ""),
	ROW("/linux/resources/devices/*/minor",		I64, SAME, MAY, ""),
	ROW("/linux/resources/devices/*/type",		STRING, SAME, MAY, ""),
	ROW("/linux/resources/hugepageLimits",		ARRAY, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/hugepageLimits/*",	OBJECT, SAME, MAY, ""),
	ROW("/linux/resources/hugepageLimits/*/limit",	U64, SAME, MUST, ""),
	ROW("/linux/resources/hugepageLimits/*/pageSize", STRING, SAME, MUST, ""),
	ROW("/linux/resources/memory",			OBJECT, SECTION, MAY, "memory"),
	ROW("/linux/resources/memory/checkBeforeUpdate", BOOL, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/disableOOMKiller",	BOOL, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/kernel",		I64, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/kernelTCP",	I64, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/limit",		I64, APPLIED, MAY,
		"guest RAM in bytes when org.kvshim.memory is absent; -1 or 0 is the default size"),
	ROW("/linux/resources/memory/reservation",	I64, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/swap",		I64, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/swappiness",	U64, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/memory/useHierarchy",	BOOL, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/network",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/network/classID",		U32, SAME, MAY, ""),
	ROW("/linux/resources/network/priorities",	ARRAY, SAME, MAY, ""),
	ROW("/linux/resources/network/priorities/*",	OBJECT, SAME, MAY, ""),
	ROW("/linux/resources/network/priorities/*/name", STRING, SAME, MUST, ""),
	ROW("/linux/resources/network/priorities/*/priority", U32, SAME, MUST, ""),
	ROW("/linux/resources/pids",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/pids/limit",		I64, SAME, MUST, ""),
	ROW("/linux/resources/rdma",			ANY, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/resources/unified",			MAP, ABSORBED, MAY, NO_CGROUP),
	ROW("/linux/rootfsPropagation",			ENUM, ABSORBED, MAY, NO_MOUNT),
	ROW("/linux/rootfsPropagation=private",		VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=rprivate",	VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=rshared",		VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=rslave",		VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=runbindable",	VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=shared",		VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=slave",		VALUE, SAME, MAY, ""),
	ROW("/linux/rootfsPropagation=unbindable",	VALUE, SAME, MAY, ""),
	ROW("/linux/seccomp",				OBJECT, ABSORBED, MAY, NO_JAIL),
	ROW("/linux/seccomp/architectures",		STRINGS, SAME, MAY, ""),
	ROW("/linux/seccomp/defaultAction",		STRING, SAME, MUST, ""),
	ROW("/linux/seccomp/defaultErrnoRet",		U32, SAME, MAY, ""),
	ROW("/linux/seccomp/flags",			STRINGS, SAME, MAY, ""),
	ROW("/linux/seccomp/listenerMetadata",		STRING, REFUSED, MAY, NO_LISTENER),
	ROW("/linux/seccomp/listenerPath",		STRING, REFUSED, MAY, NO_LISTENER),
	ROW("/linux/seccomp/syscalls",			ARRAY, SAME, MAY, ""),
	ROW("/linux/seccomp/syscalls/*",		OBJECT, SAME, MAY, ""),
	ROW("/linux/seccomp/syscalls/*/action",		STRING, SAME, MUST, ""),
	ROW("/linux/seccomp/syscalls/*/args",		ARRAY, SAME, MAY, ""),
	ROW("/linux/seccomp/syscalls/*/args/*",		OBJECT, SAME, MAY, ""),
	ROW("/linux/seccomp/syscalls/*/args/*/index",	U32, SAME, MUST, ""),
	ROW("/linux/seccomp/syscalls/*/args/*/op",	STRING, SAME, MUST, ""),
	ROW("/linux/seccomp/syscalls/*/args/*/value",	U64, SAME, MUST, ""),
	ROW("/linux/seccomp/syscalls/*/args/*/valueTwo", U64, SAME, MAY, ""),
	ROW("/linux/seccomp/syscalls/*/errnoRet",	U32, SAME, MAY, ""),
	ROW("/linux/seccomp/syscalls/*/names",		STRINGS, SAME, MUST, ""),
	ROW("/linux/sysctl",				MAP, ABSORBED, MAY, NO_OS),
	ROW("/linux/timeOffsets",			ANY, REFUSED, MAY,
		"the guest's clocks are the host's"),
	ID_MAP("/linux/uidMappings", ABSORBED, NO_JAIL),
	ROW("/mounts",					ARRAY, SECTION, MAY,
		"file systems below root.path"),
	ROW("/mounts/*",				OBJECT, ABSORBED, MAY, NO_MOUNT),
	ROW("/mounts/*/destination",			STRING, SAME, MUST, ""),
	ROW("/mounts/*/destination=/dev/mqueue",	VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/dev/shm",		VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/dev/termination-log", VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/etc/hostname",	VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/etc/hosts",		VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/etc/resolv.conf",	VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/run/.containerenv",	VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/run/secrets",	VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/sys",		VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/sys/fs/cgroup",	VALUE, ABSORBED, MAY, OWN_FILE),
	ROW("/mounts/*/destination=/var/run/secrets/kubernetes.io/serviceaccount",
		VALUE, ABSORBED, MAY, OWN_FILE),
	ID_MAP("/mounts/*/gidMappings", REFUSED, NO_IDMAP),
	ROW("/mounts/*/options",			OPTIONS, SAME, MAY, ""),
	ROW("/mounts/*/options=bind",			VALUE, REFUSED, MAY, NO_BIND),
	ROW("/mounts/*/options=idmap",			VALUE, REFUSED, MAY, NO_IDMAP),
	ROW("/mounts/*/options=rbind",			VALUE, REFUSED, MAY, NO_BIND),
	ROW("/mounts/*/options=ridmap",			VALUE, REFUSED, MAY, NO_IDMAP),
	ROW("/mounts/*/source",				STRING, SAME, MAY, ""),
	ROW("/mounts/*/type",				ENUM, SAME, MAY, ""),
	ROW("/mounts/*/type=bind",			VALUE, REFUSED, MAY, NO_BIND),
	ROW("/mounts/*/type=cgroup",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=cgroup2",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=devpts",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=devtmpfs",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=mqueue",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=none",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=overlay",			VALUE, REFUSED, MAY, NO_BIND),
	ROW("/mounts/*/type=proc",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=sysfs",			VALUE, SAME, MAY, ""),
	ROW("/mounts/*/type=tmpfs",			VALUE, SAME, MAY, ""),
	ID_MAP("/mounts/*/uidMappings", REFUSED, NO_IDMAP),
	ROW("/ociVersion",				STRING, APPLIED, MUST,
		"version of the runtime-spec the text is written to: 1.0.0 to 1.2.x"),
	ROW("/process",					OBJECT, SECTION, MUST,
		"the program to run"),
	ROW("/process/apparmorProfile",			STRING, ABSORBED, MAY, NO_JAIL),
	ROW("/process/args",				STRINGS, APPLIED, MUST,
		"the program and its arguments; the first is looked up inside root.path"),
	ROW("/process/capabilities",			OBJECT, ABSORBED, MAY, NO_JAIL),
	ROW("/process/capabilities/ambient",		STRINGS, SAME, MAY, ""),
	ROW("/process/capabilities/bounding",		STRINGS, SAME, MAY, ""),
	ROW("/process/capabilities/effective",		STRINGS, SAME, MAY, ""),
	ROW("/process/capabilities/inheritable",	STRINGS, SAME, MAY, ""),
	ROW("/process/capabilities/permitted",		STRINGS, SAME, MAY, ""),
	ROW("/process/commandLine",			STRING, REFUSED, MAY, OTHER_OS),
	ROW("/process/consoleSize",			OBJECT, APPLIED, MAY,
		"size of the terminal at start"),
	ROW("/process/consoleSize/height",		U16, SAME, MUST, "rows"),
	ROW("/process/consoleSize/width",		U16, SAME, MUST, "columns"),
	ROW("/process/cwd",				STRING, APPLIED, MAY,
		"working directory inside root.path, absolute; default /"),
	ROW("/process/env",				STRINGS, APPLIED, MAY,
		"environment, each entry NAME=VALUE; nothing is inherited"),
	ROW("/process/execCPUAffinity",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/process/execCPUAffinity/final",		STRING, SAME, MAY, ""),
	ROW("/process/execCPUAffinity/initial",		STRING, SAME, MAY, ""),
	ROW("/process/ioPriority",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/process/ioPriority/class",		STRING, SAME, MUST, ""),
	ROW("/process/ioPriority/priority",		I32, SAME, MAY, ""),
	ROW("/process/noNewPrivileges",			BOOL, ABSORBED, MAY, NO_JAIL),
	ROW("/process/oomScoreAdj",			I32, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits",				ARRAY, SECTION, MAY, "resource limits"),
	ROW("/process/rlimits/*",			OBJECT, SAME, MAY, ""),
	ROW("/process/rlimits/*/hard",			U64, SAME, MUST,
		"18446744073709551615 is unlimited"),
	ROW("/process/rlimits/*/soft",			U64, SAME, MUST,
		"18446744073709551615 is unlimited"),
	ROW("/process/rlimits/*/type",			ENUM, SAME, MUST,
		"RLIMIT_ and the name of the resource"),
	ROW("/process/rlimits/*/type=RLIMIT_AS",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_CORE",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_CPU",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_DATA",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_FSIZE",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_LOCKS",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_MEMLOCK",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_MSGQUEUE",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_NICE",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_NOFILE",	VALUE, APPLIED, MAY,
		"how many files the program may have open"),
	ROW("/process/rlimits/*/type=RLIMIT_NPROC",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_RSS",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_RTPRIO",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_RTTIME",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_SIGPENDING", VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/rlimits/*/type=RLIMIT_STACK",	VALUE, ABSORBED, MAY, NO_JAIL),
	ROW("/process/scheduler",			OBJECT, ABSORBED, MAY, NO_CGROUP),
	ROW("/process/scheduler/deadline",		U64, SAME, MAY, ""),
	ROW("/process/scheduler/flags",			STRINGS, SAME, MAY, ""),
	ROW("/process/scheduler/nice",			I32, SAME, MAY, ""),
	ROW("/process/scheduler/period",		U64, SAME, MAY, ""),
	ROW("/process/scheduler/policy",		STRING, SAME, MUST, ""),
	ROW("/process/scheduler/priority",		I32, SAME, MAY, ""),
	ROW("/process/scheduler/runtime",		U64, SAME, MAY, ""),
	ROW("/process/selinuxLabel",			STRING, ABSORBED, MAY, NO_JAIL),
	ROW("/process/terminal",			BOOL, APPLIED, MAY,
		"create makes a terminal; run gives the payload its caller's standard descriptors"),
	ROW("/process/user",				OBJECT, SECTION, MAY,
		"identity of the program"),
	ROW("/process/user/additionalGids",		ARRAY, ABSORBED, MAY, NO_JAIL),
	ROW("/process/user/additionalGids/*",		U32, SAME, MAY, ""),
	ROW("/process/user/gid",			U32, ABSORBED, MAY, NO_JAIL),
	ROW("/process/user/uid",			U32, ABSORBED, MAY, NO_JAIL),
	ROW("/process/user/umask",			U32, ABSORBED, MAY, NO_JAIL),
	ROW("/process/user/username",			STRING, REFUSED, MAY, OTHER_OS),
	ROW("/root",					OBJECT, SECTION, MUST,
		"the files the program sees"),
	ROW("/root/path",				STRING, APPLIED, MUST,
		"directory that is / to the program; relative to the directory of the spec"),
	ROW("/root/readonly",				BOOL, APPLIED, MAY,
		"refuse every change under root.path; this release always does"),
	ROW("/solaris",					ANY, REFUSED, MAY, OTHER_OS),
	ROW("/vm",					OBJECT, SECTION, MAY,
		"runtime-spec's own description of virtual machines"),
	ROW("/vm/hwConfig",				ANY, REFUSED, MAY, NO_KERNEL),
	ROW("/vm/hypervisor",				ANY, REFUSED, MAY, NO_KERNEL),
	ROW("/vm/image",				ANY, REFUSED, MAY, NO_KERNEL),
	ROW("/vm/kernel",				ANY, REFUSED, MAY, NO_KERNEL),
	ROW("/windows",					ANY, REFUSED, MAY, OTHER_OS),
	ROW("/zos",					ANY, REFUSED, MAY, OTHER_OS),
};
/* clang-format on */

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

#define PATH_SIZE 128 /* longer than any path above */

const struct kvs_spec_field *kvs_spec_fields_table(size_t *ret_count)
{
	*ret_count = FIELD_COUNT;
	return fields;
}

static int compare_path(const void *path, const void *field)
{
	return strcmp(path, ((const struct kvs_spec_field *)field)->path);
}

const struct kvs_spec_field *kvs_spec_fields_find(const char *path)
{
	return bsearch(path, fields, FIELD_COUNT, sizeof(fields[0]), compare_path);
}

static const struct kvs_spec_field *find_joined(
	const struct kvs_spec_field *field, char separator, const char *name)
{
	char path[PATH_SIZE];
	int length = snprintf(path, sizeof(path), "%s%c%s", field->path, separator, name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return NULL;
	return kvs_spec_fields_find(path);
}

const struct kvs_spec_field *kvs_spec_fields_find_child(
	const struct kvs_spec_field *parent, const char *name)
{
	/* A key may hold any character; "user/uid" must not find the row two levels down. */
	if (strpbrk(name, "/="))
		return NULL;
	return find_joined(parent, '/', name);
}

const struct kvs_spec_field *kvs_spec_fields_find_value(
	const struct kvs_spec_field *field, const char *text)
{
	return find_joined(field, '=', text);
}

const struct kvs_spec_field *kvs_spec_fields_next(const struct kvs_spec_field *parent,
	const struct kvs_spec_field *previous, char separator, const char **ret_name)
{
	size_t length = strlen(parent->path);

	for (const struct kvs_spec_field *field = (previous ? previous : parent) + 1;
		field < fields + FIELD_COUNT && strncmp(field->path, parent->path, length) == 0;
		field++) {
		const char *name = field->path + length + 1;

		if (field->path[length] != separator)
			continue;
		if (separator == '/' && strpbrk(name, "/="))
			continue;
		*ret_name = name;
		return field;
	}
	return NULL;
}

enum kvs_spec_class kvs_spec_fields_class_of(const struct kvs_spec_field *field)
{
	while (field && field->class == KVS_SPEC_SAME) {
		char path[PATH_SIZE];
		char *end;

		snprintf(path, sizeof(path), "%s", field->path);
		end = strchr(path, '=');
		if (!end)
			end = strrchr(path, '/');
		if (!end)
			break;
		*end = '\0';
		field = kvs_spec_fields_find(path);
	}
	return field ? field->class : KVS_SPEC_CLASS_INVALID;
}

const char *kvs_spec_fields_kind_name(enum kvs_spec_field_kind kind)
{
	switch (kind) {
#define X(name, text)                                                                              \
	case KVS_SPEC_FIELD_##name:                                                                \
		return text;
		KVS_SPEC_FIELD_KINDS(X)
#undef X
	default:
		return "invalid";
	}
}

const char *kvs_spec_fields_class_name(enum kvs_spec_class class)
{
	switch (class) {
#define X(name, text)                                                                              \
	case KVS_SPEC_##name:                                                                      \
		return text;
		KVS_SPEC_CLASSES(X)
#undef X
	default:
		return "invalid";
	}
}
