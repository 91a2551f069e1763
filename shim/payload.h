/* SPDX-License-Identifier: Apache-2.0 */
/* From a parsed spec to a payload process: open what it names, start kvshim-vmm, see it end. */
#pragma once

#include "spec.h"
#include "vmm/launch.h"

#include <signal.h>
#include <sys/types.h>

struct kvs_payload {
	int root_fd; /* O_PATH directory */
	int exe_fd;  /* the ELF file */
	int kvm_fd;
	int null_fd;
	int record_fd; /* pipe: the exit record comes here, then the end of file */
	char *exe;     /* path of the ELF file inside the root; owned */
	pid_t pid;     /* kvshim-vmm, once started */
};

/*
 * kvs_payload_open - find and open everything the spec names
 * @bundle_fd: directory the spec's paths are relative to, borrowed
 *
 * Return: 0, or -errno with @err (ROOT_MISSING, PAYLOAD_*, KVM_*). kvs_payload_close() either way.
 */
int kvs_payload_open(
	struct kvs_payload *p, const struct kvs_spec *spec, int bundle_fd, struct kvs_error *err);
void kvs_payload_close(struct kvs_payload *p);

/* kvs_payload_open_kvm - /dev/kvm; 0, or -errno with @err (KVM_*) */
int kvs_payload_open_kvm(int *ret_fd, struct kvs_error *err);

/*
 * kvs_payload_start - start kvshim-vmm with the caller's standard descriptors
 * @closed: KVS_LAUNCH_CLOSED_ flags
 * @mask: signal mask of the new process
 *
 * Return: 0 with p->pid set, or -errno with @err.
 */
int kvs_payload_start(struct kvs_payload *p, const struct kvs_spec *spec, uint32_t closed,
	bool debug, const sigset_t *mask, struct kvs_error *err);

/*
 * kvs_payload_wait - wait until the payload has ended, and make sure of it
 * @signals: signalfd; what it brings is passed on to the payload
 *
 * The exit record ends the wait: what the VMM still does then is give its memory back, and SIGKILL
 * sees to it that it does nothing else. Without a record the wait status tells.
 *
 * Context: blocks.
 */
void kvs_payload_wait(struct kvs_payload *p, int signals, struct kvs_record *ret_record);
