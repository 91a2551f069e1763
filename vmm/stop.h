/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a guest ended: a value, never an error. It decides the exit status, the message, and what
 * the outside world is told.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One row a kind: name, the result word the outside world sees. */
#define KVS_STOPS(X)                                                                               \
	X(EXITED, "exit-code")		   /* exit_code */                                         \
	X(SIGNALED, "signal")		   /* signal: the payload's own, or sent to it */          \
	X(FAULT, "guest-fault")		   /* vector, error_code, rip, address, signal */          \
	X(TRIPLE_FAULT, "triple-fault")	   /* the CPU gave up */                                   \
	X(KVM_ERROR, "kvm-internal-error") /* KVM could not go on: detail is its reason */         \
	X(OOM, "oom")		      /* the payload touched more memory than the spec gives it */ \
	X(DEADLINE, "timeout")	      /* the spec's deadline passed */                             \
	X(VMM_FAILURE, "vmm-failure") /* the VMM could not do its work: see the error */

enum kvs_stop_kind {
	KVS_STOP_NONE,
#define X(name, result) KVS_STOP_##name,
	KVS_STOPS(X)
#undef X
		KVS_STOP_COUNT
};

struct kvs_stop {
	uint32_t kind;	     /* enum kvs_stop_kind */
	int32_t exit_code;   /* 0..255 */
	int32_t signal;	     /* 1..64 */
	uint32_t vector;     /* exception number, 0..31 */
	uint64_t error_code; /* as the CPU pushed it */
	uint64_t rip;
	uint64_t address; /* CR2 of a page fault */
	uint64_t detail;
	char symbol[96]; /* "main+0x12", or empty */
	char note[96];	 /* what the VMM knows beside: "stack overflow", or empty */
};

const char *kvs_stop_result(uint32_t kind);

/*
 * kvs_stop_status - what the process that stands for the payload ends with
 *
 * Return: 0..255 for an exit code; -n to die of signal n.
 */
int kvs_stop_status(const struct kvs_stop *stop);

/* kvs_stop_vector_signal - the signal Linux has for an exception, 0 when it has none */
int kvs_stop_vector_signal(unsigned int vector);

/* kvs_stop_format - one line a person understands, without prefix or newline */
void kvs_stop_format(const struct kvs_stop *stop, char *ret_text, size_t size);

/* kvs_stop_sanitize - make a stop that another process wrote safe to act on and to print */
void kvs_stop_sanitize(struct kvs_stop *stop);
