/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors people can act on.
 *
 * An error is plain data, so it can be copied, kept in an exit record and sent through a pipe. The
 * innermost cause wins: whoever meets the failure first writes `text`; callers may add `where`
 * (a JSON pointer, a file offset) and a hint when there is none yet, and never rewrite.
 *
 * Printed form, two lines at most:
 *
 *     kvshim: /process/args/0: cannot open payload 'bin/hello': no such file or directory
 * [PAYLOAD_MISSING] kvshim: hint: process.args[0] is looked up inside root.path
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * One row an error: name, the exit code of `kvshim run`, the errno a caller sees when none is
 * given, and the hint used when the place of failure gives no better one ("" for none).
 */
#define KVS_ERRORS(X)                                                                              \
	X(INTERNAL, 125, EIO, "this is a bug in kvshim; please report it with the line above")     \
	X(USAGE, 125, EINVAL, "see kvshim --help")                                                 \
	X(SPEC_MISSING, 125, ENOENT, "kvshim spec > spec.json writes one to start from")           \
	X(SPEC_SYNTAX, 125, EBADMSG, "the spec is one JSON object; kvshim-spec(5) describes it")   \
	X(SPEC_FIELD, 125, EINVAL, "")                                                             \
	X(SPEC_REFUSED, 125, ENOTSUP, "kvshim cannot honour this field, and will not ignore it")   \
	X(ROOT_MISSING, 125, ENOENT, "root.path is relative to the directory of the spec")         \
	X(PAYLOAD_MISSING, 127, ENOENT, "process.args[0] is looked up inside root.path")           \
	X(PAYLOAD_DENIED, 126, EACCES, "the payload must be a regular, executable file")           \
	X(PAYLOAD_FORMAT, 126, ENOEXEC,                                                            \
		"the payload must be a static x86-64 ELF; try `file` on it, or link with -static") \
	X(PAYLOAD_MEMORY, 126, ENOMEM, "give it more with the annotation org.kvshim.memory")       \
	X(KVM_MISSING, 125, ENODEV,                                                                \
		"load the module: modprobe kvm_intel or kvm_amd; kvshim doctor says more")         \
	X(KVM_DENIED, 125, EACCES,                                                                 \
		"join the group that owns /dev/kvm (usually: adduser USER kvm) and log in again")  \
	X(KVM_BUSY, 125, EBUSY, "another hypervisor may hold the CPU; kvshim doctor says more")    \
	X(KVM_FAILED, 125, EIO, "kvshim doctor tests this machine step by step")                   \
	X(CONTAINER_MISSING, 1, ENOENT, "kvshim list shows what there is")                         \
	X(CONTAINER_EXISTS, 1, EEXIST, "choose another id, or kvshim delete the old one")          \
	X(CONTAINER_STATE, 1, EBUSY, "kvshim state shows where it stands")                         \
	X(HOOK, 125, EIO, "a hook is a program of whoever wrote the spec; look at its output")     \
	X(HOST, 125, EIO, "")

enum kvs_error_code {
	KVS_ERROR_NONE,
#define X(name, exit_code, errnum, hint) KVS_ERROR_##name,
	KVS_ERRORS(X)
#undef X
		KVS_ERROR_COUNT
};

struct kvs_error {
	uint32_t code;	/* enum kvs_error_code */
	int32_t errnum; /* positive errno, 0 when the text says it all */
	char where[160];
	char text[320];
	char hint[160];
};

/*
 * kvs_error_set - record a failure, unless @err already holds one
 * @err: may be NULL when the caller does not care
 * @errnum: positive errno whose message is appended to the text, or 0
 * @fmt: lower case, what failed first, subject in quotes, no full stop
 *
 * Return: -@errnum, or minus the row's errno when @errnum is 0; never 0.
 */
__attribute__((format(printf, 4, 5))) int kvs_error_set(
	struct kvs_error *err, enum kvs_error_code code, int errnum, const char *fmt, ...);

/* kvs_error_where - say where it happened, if nobody nearer to the cause has */
__attribute__((format(printf, 2, 3))) void kvs_error_where(
	struct kvs_error *err, const char *fmt, ...);

/* kvs_error_hint - replace the row's default advice */
__attribute__((format(printf, 2, 3))) void kvs_error_hint(
	struct kvs_error *err, const char *fmt, ...);

const char *kvs_error_name(uint32_t code);

/* kvs_error_exit_code - what `kvshim run` exits with: 125, 126 or 127 */
int kvs_error_exit_code(const struct kvs_error *err);

/*
 * kvs_error_sanitize - make an error that another process wrote safe to print
 *
 * Terminates the strings, replaces control bytes and an unknown code.
 */
void kvs_error_sanitize(struct kvs_error *err);

/* kvs_error_format - the first line, without prefix or newline */
void kvs_error_format(const struct kvs_error *err, char *ret_text, size_t size);

/* kvs_error_print - write the one or two lines to standard error */
void kvs_error_print(const struct kvs_error *err);
