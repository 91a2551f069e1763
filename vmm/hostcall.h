/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host system calls that may block, and the signals that end them.
 *
 * Theory of operation. A signal for the payload must end a blocking call with EINTR, also when it
 * arrives between the last look for signals and the call itself. kvs_hostcall() looks and calls in
 * one stretch of code; the signal handler, finding the thread inside that stretch, moves it to the
 * exit. For KVM_RUN the kernel has the same thing built in: kvm_run.immediate_exit.
 *
 * A signal the payload has not asked to handle has the payload's default action, which is the
 * VMM's own: the kernel ends, stops or ignores both together. So nothing is installed at start.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	/* Ours: a payload's handler for it may run, but it is never blocked on the host. */
	KVS_HOSTCALL_DEADLINE_SIGNAL = 64,
};

/*
 * kvs_hostcall - make a system call unless a signal is waiting
 *
 * Return: as the kernel gives it, with -EINTR when a signal ended the call; -ERESTART when one was
 * waiting, so that the call was not made.
 */
int64_t kvs_hostcall(
	long number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/*
 * kvs_hostcall_init - where to tell the vCPU thread to leave KVM_RUN
 * @immediate_exit: of the vCPU's kvm_run; lives as long as the process
 */
void kvs_hostcall_init(volatile uint8_t *immediate_exit);

/* kvs_hostcall_set_deadline - from now, in real time; 0 or -errno */
int kvs_hostcall_set_deadline(uint64_t deadline_ns);
bool kvs_hostcall_is_deadline(void);

/*
 * kvs_hostcall_catch - keep a signal for the payload instead of acting on it
 * kvs_hostcall_default, kvs_hostcall_ignore - let the kernel act, or not
 *
 * Return: 0 or -errno.
 */
int kvs_hostcall_catch(int signal);
int kvs_hostcall_default(int signal);
int kvs_hostcall_ignore(int signal);

/* kvs_hostcall_take_signal - a caught signal in @allowed (bit n-1 for signal n), or 0 */
int kvs_hostcall_take_signal(uint64_t allowed, siginfo_t *ret_info);

/* kvs_hostcall_look - the payload's mask has changed: a signal in @allowed may have been kept back
 */
void kvs_hostcall_look(uint64_t allowed);

/* kvs_hostcall_attention - whether the vCPU thread has to look before it runs the guest */
bool kvs_hostcall_attention(void);

/* kvs_hostcall_ready - forget earlier kicks; call it before looking for signals and KVM_RUN */
void kvs_hostcall_ready(void);
