/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linux ABI: Linux's system calls, served by the host on the payload's behalf.
 *
 * Theory of operation. A descriptor of the payload is a descriptor of this process with the same
 * number; the VMM's own lie beyond RLIMIT_NOFILE, where the payload cannot name them. What a
 * descriptor is beyond what the host kernel knows (a serial port, a synthetic device) is a byte in
 * `kinds`. Paths never reach the host as the payload wrote them: they are joined to the payload's
 * working directory and resolved by the kernel beneath the root (openat2, RESOLVE_IN_ROOT).
 *
 * calls.h has one row a system call; each handler is in the file its family names.
 */
#pragma once

#include "vmm/access.h"
#include "vmm/guest.h"
#include "vmm/vcpu.h"

#include <limits.h>
#include <signal.h>

enum {
	KVS_LINUX_SIGNALS = 64,
	KVS_LINUX_BOUNCE_BYTES = 64 * 1024,
	KVS_LINUX_VECTORS = 1024,
	KVS_LINUX_CALL_NUMBERS = 512,
	KVS_LINUX_PID = 1,
};

enum kvs_linux_kind {
	KVS_FD_PLAIN,
	KVS_FD_COM1, /* standard input and output */
	KVS_FD_COM2, /* standard error */
	KVS_FD_ZERO, /* /dev/zero; the host descriptor is /dev/null, as for the next two */
	KVS_FD_FULL,
	KVS_FD_RANDOM,
};

/* The kernel's struct sigaction on x86-64. */
struct kvs_linux_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

struct kvs_linux {
	struct kvs_guest *guest;
	uint32_t nofile;
	uint8_t *kinds;	    /* enum kvs_linux_kind, one a descriptor */
	char **directories; /* guest path of each directory descriptor, or NULL */
	char cwd[PATH_MAX]; /* canonical, absolute, inside the root */
	struct kvs_linux_sigaction actions[KVS_LINUX_SIGNALS + 1];
	uint64_t blocked;    /* signal mask, bit n-1 */
	uint64_t saved_mask; /* to restore after a call that waits with a mask of its own */
	bool has_saved_mask;
	bool is_returned; /* the registers are final: rt_sigreturn, a signal frame */
	uint64_t alt_stack, alt_stack_bytes; /* sigaltstack; 0 bytes for none */
	uint32_t umask;
	char name[16];			     /* prctl(PR_SET_NAME) */
	bool logged[KVS_LINUX_CALL_NUMBERS]; /* as not served */
	struct iovec iov[KVS_LINUX_VECTORS];
	uint8_t bounce[KVS_LINUX_BOUNCE_BYTES];
};

/* kvs_linux_stop_exit, _signal - the payload ends */
void kvs_linux_stop_exit(struct kvs_linux *l, int code);
void kvs_linux_stop_signal(struct kvs_linux *l, int signal);

/* files.c: descriptors */
bool kvs_files_is_open_number(const struct kvs_linux *l, uint64_t fd);
void kvs_files_forget(struct kvs_linux *l, uint32_t fd);

/*
 * path.c
 *
 * kvs_path_reach - an O_PATH descriptor for what a path names; with AT_EMPTY_PATH in @at_flags and
 * no path, a duplicate of @dirfd
 * @gva: the path
 * @at_flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; others count for nothing
 *
 * Return: a descriptor the caller closes, or -errno.
 */
int kvs_path_reach(struct kvs_linux *l, int64_t dirfd, kvs_gva gva, uint64_t at_flags);

/* signals.c */
void kvs_signals_deliver(struct kvs_guest *g);
bool kvs_signals_fault(struct kvs_guest *g, const struct kvs_stop *fault);
/*
 * kvs_signals_interrupted - a signal ended a call, or came before it
 * @was_made: make it again where SA_RESTART asks so; otherwise a transfer is always made again, as
 * if the signal had come before the system call
 */
void kvs_signals_interrupted(struct kvs_linux *l, uint64_t number, bool was_made);
/*
 * kvs_signals_wait_with - for a call that waits: block these signals meanwhile
 * @gva: a signal set of @size bytes, 0 to leave the mask alone
 *
 * Return: 0, -EINVAL, -EFAULT.
 */
int kvs_signals_wait_with(struct kvs_linux *l, uint64_t gva, uint64_t size);
/* kvs_signals_restore_mask - the wait is over, and no handler took the mask along */
void kvs_signals_restore_mask(struct kvs_linux *l);

/*
 * frame.c
 *
 * kvs_frame_push - put a frame on the payload's stack and point @user at the handler
 * @fault: what the signal tells of, or NULL
 * @user: the registers the frame keeps; then those the handler starts with
 *
 * Return: false without a stack to put it on, and nothing is changed.
 */
bool kvs_frame_push(struct kvs_linux *l, int signal, const siginfo_t *info,
	const struct kvs_stop *fault, struct kvm_regs *user);
/*
 * kvs_frame_pop - read the frame a handler returns with, and load its floating point state
 *
 * Return: false when it is not readable, or not one to go on from.
 */
bool kvs_frame_pop(struct kvs_linux *l, struct kvm_regs *ret_user, uint64_t *ret_mask);
/* kvs_frame_is_on_alt_stack - whether this stack pointer is on the one of sigaltstack(2) */
bool kvs_frame_is_on_alt_stack(const struct kvs_linux *l, uint64_t rsp);
