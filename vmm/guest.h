/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest: a payload in its machine, from the launch message to the stop.
 *
 * The loop is here: run the vCPU, see why it came back, do what is asked, until there is a stop.
 * What system calls, faults and signals mean is the ABI's.
 */
#pragma once

#include "launch.h"
#include "load.h"
#include "machine.h"
#include "mm.h"
#include "serial.h"

struct kvs_guest;

/* What makes one guest ABI differ from another. */
struct kvs_guest_abi {
	const uint16_t *ports; /* what ring 3 may use, ended by a 0 */

	/* Fill stack and memory; return what RDI starts with. 0 or -errno with @err. */
	int (*setup)(struct kvs_guest *g, uint64_t *ret_rdi, struct kvs_error *err);

	/* Serve a system call: kvs_vcpu_return(), or g->stop. */
	void (*syscall)(struct kvs_guest *g);

	/* An exception nobody mended: true when the payload handles it, false to stop. */
	bool (*fault)(struct kvs_guest *g, const struct kvs_stop *fault);

	/* A signal may wait: deliver it, or g->stop. */
	void (*signal)(struct kvs_guest *g);
};

extern const struct kvs_guest_abi kvs_bare_abi, kvs_linux_abi;

struct kvs_guest {
	const struct kvs_guest_abi *abi;
	const struct kvs_launch *launch;
	struct kvs_launch_fds fds; /* borrowed */
	int log_fd;		   /* borrowed; -1 when nobody listens */
	struct kvs_ram ram;
	struct kvs_mm mm;
	struct kvs_machine machine;
	struct kvs_elf elf;
	struct kvs_image image;
	struct kvs_serial com1, com2;
	struct kvs_usage usage;
	struct kvs_stop stop;		   /* the guest goes on while its kind is KVS_STOP_NONE */
	uint64_t fault_rip, fault_address; /* the last page fault that was mended */
	unsigned int fault_repeats;
	struct kvs_linux *linux_state; /* the linux ABI's own */
};

/*
 * kvs_guest_init - load the payload into its machine, stand at its entry
 * @g: all zero but for the machine, which kvs_machine_init() has made
 * @launch, @fds: borrowed for the life of the guest
 * @kvm_fd: /dev/kvm, not needed afterwards
 * @log_fd: for debug lines, or -1
 *
 * The end of the process gives everything back.
 *
 * Return: 0, or -errno with @err.
 */
int kvs_guest_init(struct kvs_guest *g, const struct kvs_launch *launch,
	const struct kvs_launch_fds *fds, int kvm_fd, int log_fd, struct kvs_error *err);

/*
 * kvs_guest_run - run until the guest stops; its deadline counts from here
 *
 * Return: 0 with g->stop saying why it ended, or -errno with @err.
 */
int kvs_guest_run(struct kvs_guest *g, struct kvs_error *err);

/* kvs_guest_random - unpredictable bytes; the process ends if the host has none */
void kvs_guest_random(void *ret_data, size_t size);
