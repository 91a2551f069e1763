/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload's process: start kvshim-vmm, send it what the spec names, see the payload end.
 *
 * The order saves time: the VMM is started first, and makes its machine while the spec is read.
 */
#pragma once

#include "spec.h"
#include "vmm/launch.h"

#include <signal.h>
#include <sys/types.h>

struct kvs_payload {
	int control_fd; /* socket to kvshim-vmm, -1 before it is started */
	pid_t pid;	/* kvshim-vmm */
};

/* An all-empty one, which kvs_payload_close() accepts. */
#define KVS_PAYLOAD_NONE ((struct kvs_payload){ .control_fd = -1 })

/* kvs_payload_open_kvm - /dev/kvm; 0, or -errno with @err (KVM_*) */
int kvs_payload_open_kvm(int *ret_fd, struct kvs_error *err);

/*
 * kvs_payload_start - start kvshim-vmm with the caller's standard descriptors
 * @debug: it may write debug lines to standard error
 * @terminal_fd: its standard descriptors, in a session of its own; -1: the caller's
 * @mask: signal mask of the new process
 *
 * Return: 0, or -errno with @err (KVM_*, HOST).
 */
int kvs_payload_start(struct kvs_payload *p, bool debug, int terminal_fd, const sigset_t *mask,
	struct kvs_error *err);

/*
 * kvs_payload_launch - find and open what the spec names, and have the VMM run it
 * @bundle_fd: directory the spec's paths are relative to, borrowed
 * @flags: enum kvs_launch_flags
 * @start_fd, @record_fd: borrowed; only with KVS_LAUNCH_PARK, see launch.h
 *
 * Return: 0, or -errno with @err (ROOT_MISSING, PAYLOAD_*, HOST).
 */
int kvs_payload_launch(struct kvs_payload *p, const struct kvs_spec *spec, int bundle_fd,
	uint32_t flags, int start_fd, int record_fd, struct kvs_error *err);

/*
 * kvs_payload_wait - wait until the payload has ended, and make sure of it
 * @signals: signalfd; what it brings is passed on to the payload; -1 for none
 *
 * The exit record ends the wait: what the VMM still does then is give its memory back, and SIGKILL
 * sees to it that it does nothing else. Without a record the wait status tells.
 *
 * Context: blocks.
 */
void kvs_payload_wait(struct kvs_payload *p, int signals, struct kvs_record *ret_record);

/*
 * kvs_payload_wait_parked - wait until the VMM has loaded the payload and stands at its entry
 *
 * Return: 0, or -errno with @err: why it could not be loaded.
 */
int kvs_payload_wait_parked(struct kvs_payload *p, struct kvs_error *err);

/* kvs_payload_close - end the VMM, if it still runs, and forget it */
void kvs_payload_close(struct kvs_payload *p);
