/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between kvshim and kvshim-vmm: one socket. The launch message goes in, the exit record comes out.
 *
 * kvshim-vmm is executed before the spec is read, makes its machine, and waits. The message brings
 * values and descriptors, never a path to open, and no JSON. Each side treats what the other wrote
 * as hostile.
 */
#pragma once

#include "stop.h"
#include "vmm/base/error.h"

#include <stdbool.h>

/* What kvshim-vmm is executed with, beside the payload's own standard descriptors. */
enum kvs_launch_fd {
	KVS_FD_CONTROL = 3, /* SOCK_SEQPACKET */
	KVS_FD_KVM,	    /* /dev/kvm */
	KVS_FD_LOG,	    /* debug lines; open only when KVS_LAUNCH_DEBUG will be set */
	KVS_FD_FIRST_FREE,
};

/* What comes with the message. */
struct kvs_launch_fds {
	int payload; /* the ELF file, readable */
	int root;    /* O_PATH directory: the payload's root */
	int null;    /* /dev/null, for reading and writing */
	/* With KVS_LAUNCH_PARK only, else -1: */
	int start;  /* the payload waits at its entry until a byte comes here */
	int record; /* file for the exit record; the socket's other end may be gone by then */
};

/* Descriptor numbers kvshim-vmm needs beyond the payload's limit. */
enum { KVS_LAUNCH_SPARE_FDS = 16 };

#define KVS_LAUNCH_NO_FDS ((struct kvs_launch_fds){ -1, -1, -1, -1, -1 })

/* kvs_launch_close_fds - close those that are open */
void kvs_launch_close_fds(struct kvs_launch_fds *fds);

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
	KVS_LAUNCH_PARK =
		32, /* answer with a record of no stop once loaded, then wait for `start` */
	KVS_LAUNCH_TERMINAL = 64, /* descriptor 0 becomes the controlling terminal */
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
 * kvs_launch_send - send a message
 * @launch: borrowed; `strings` is not used
 * @fds: borrowed; the receiver gets its own
 *
 * Return: 0, or -errno with @err.
 */
int kvs_launch_send(int socket, const struct kvs_launch *launch, const struct kvs_launch_fds *fds,
	struct kvs_error *err);

/*
 * kvs_launch_receive - wait for a message and check it
 * @ret_launch: kvs_launch_done() afterwards
 * @ret_fds: owned by the caller, close-on-exec
 *
 * Return: 0; -EPIPE when the other side has gone without one; else -errno with @err.
 */
int kvs_launch_receive(int socket, struct kvs_launch *ret_launch, struct kvs_launch_fds *ret_fds,
	struct kvs_error *err);
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

/* kvs_launch_write_record - one write(2) */
void kvs_launch_write_record(int fd, const struct kvs_record *record);

/* kvs_launch_read_record - one read(2); false without a whole record; the result is sanitized */
bool kvs_launch_read_record(int fd, struct kvs_record *ret_record);
