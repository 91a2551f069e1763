/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between kvshim and kvshim-vmm: the launch message on the way in, the exit record on the way out.
 *
 * kvshim-vmm is executed with these descriptors and nothing else. It gets values, never a path to
 * open, and no JSON. Each side treats what the other wrote as hostile.
 */
#pragma once

#include "stop.h"
#include "vmm/base/error.h"

#include <stdbool.h>

enum kvs_launch_fd {
	/* 0, 1, 2: the payload's own standard input, output and error */
	KVS_FD_LAUNCH = 3, /* memfd: the message, sealed by the sender */
	KVS_FD_KVM,	   /* /dev/kvm */
	KVS_FD_PAYLOAD,	   /* the ELF file, readable */
	KVS_FD_ROOT,	   /* O_PATH directory: the payload's root */
	KVS_FD_NULL,	   /* /dev/null, for reading and writing */
	KVS_FD_RECORD,	   /* the exit record is written here */
	KVS_FD_LOG,	   /* debug lines; open only with KVS_LAUNCH_DEBUG */
	KVS_FD_FIRST_FREE,
};

enum kvs_abi {
	KVS_ABI_LINUX = 1,
	KVS_ABI_BARE = 2,
};

enum kvs_launch_flags {
	KVS_LAUNCH_DEBUG = 1,	     /* name unserved system calls on KVS_FD_LOG */
	KVS_LAUNCH_CLOSED_STDIN = 2, /* descriptor 0 was closed at the caller's; 1 and 2 likewise */
	KVS_LAUNCH_CLOSED_STDOUT = 4,
	KVS_LAUNCH_CLOSED_STDERR = 8,
	KVS_LAUNCH_DIE_WITH_PARENT = 16, /* the sender waits for the payload, and takes it along */
};

struct kvs_launch {
	uint32_t abi;	      /* enum kvs_abi */
	uint32_t flags;	      /* enum kvs_launch_flags */
	uint64_t ram_bytes;   /* multiple of the page size */
	uint64_t deadline_ns; /* 0 for none */
	uint32_t nofile;      /* descriptors the payload may have open */
	uint32_t uid, gid;    /* what the payload is told */
	char **args;	      /* NULL-terminated, at least one; owned */
	char **env;	      /* NULL-terminated; owned */
	char *cwd;	      /* absolute, inside the root; owned */
	char *exe;	      /* the payload's path inside the root, for /proc/self/exe; owned */
	char *hostname;	      /* "" for none; owned */
	char *strings;	      /* what the pointers above point into */
};

/*
 * kvs_launch_send - make the memfd that carries a message
 * @launch: borrowed; `strings` is not used
 *
 * Return: a sealed descriptor, or -errno with @err.
 */
int kvs_launch_send(const struct kvs_launch *launch, struct kvs_error *err);

/* kvs_launch_receive - read and check a message; kvs_launch_done() afterwards; 0 or -errno */
int kvs_launch_receive(int fd, struct kvs_launch *ret_launch, struct kvs_error *err);
void kvs_launch_done(struct kvs_launch *launch);

/* What one run cost; all counters start at 0. */
struct kvs_usage {
	uint64_t exits; /* returns from KVM_RUN */
	uint64_t syscalls;
	uint64_t faults;
	uint64_t ports;
	uint64_t com1_received_bytes, com1_sent_bytes, com2_sent_bytes;
};

/* The exit record, of one size. A record that never came is all zero. */
struct kvs_record {
	uint32_t magic; /* KVS_RECORD_MAGIC */
	uint32_t size;	/* sizeof(struct kvs_record) */
	struct kvs_stop stop;
	struct kvs_error error; /* for KVS_STOP_VMM_FAILURE */
	struct kvs_usage usage;
	char backend[8]; /* the kind of KVM, as found out */
};

_Static_assert(sizeof(struct kvs_record) <= 4096, "written in one piece");

#define KVS_RECORD_MAGIC 0x3152534bu /* "KSR1" */

/* kvs_launch_write_record - one write(2): to a pipe (it fits PIPE_BUF) or a new file */
void kvs_launch_write_record(int fd, const struct kvs_record *record);

/* kvs_launch_read_record - one read(2); false without a whole record; the result is sanitized */
bool kvs_launch_read_record(int fd, struct kvs_record *ret_record);
