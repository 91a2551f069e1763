/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a container between two commands: a directory of its own, which is also its
 * lock.
 *
 * <root>/<id>/state.json  what follows, written by rename
 * <root>/<id>/start       FIFO the parked VMM reads; a byte releases it
 * <root>/<id>/exit        the VMM's exit record, parsed as hostile
 *
 * Files are the truth. Whether a container runs is never written down: its process says so, which
 * is known by number and start time, so that a recycled number is nobody's.
 */
#pragma once

#include "spec.h"
#include "vmm/launch.h"

#include <sys/types.h>

struct cJSON;

#define KVS_STATE_ID_MAX 128

enum kvs_status {
	KVS_STATUS_CREATING = 1, /* no process yet, or half built */
	KVS_STATUS_CREATED,
	KVS_STATUS_RUNNING,
	KVS_STATUS_PAUSED,
	KVS_STATUS_STOPPED,
};

struct kvs_state {
	int root_fd; /* the directory of all containers; borrowed */
	int dir_fd;  /* the container's own, locked for as long as it is open */
	char id[KVS_STATE_ID_MAX + 1];
	char created[32];   /* RFC 3339, UTC */
	char *bundle;	    /* absolute; owned */
	pid_t pid;	    /* kvshim-vmm, 0 before there is one */
	uint64_t pid_start; /* its start time in clock ticks after boot, proc(5) field 22 */
	bool is_started, is_paused;
	struct cJSON *annotations; /* object or NULL; owned */
	struct cJSON *hooks;	   /* as in the spec, or NULL; owned */
};

/*
 * kvs_state_open_root - the directory of all containers, made if need be
 * @root: --root, or NULL: /run/kvshim for root, $XDG_RUNTIME_DIR/kvshim for others
 *
 * Return: a descriptor, or -errno with @err.
 */
int kvs_state_open_root(const char *root, struct kvs_error *err);

/*
 * kvs_state_create - take an id: make its directory, locked
 *
 * Return: 0; -EEXIST or another -errno with @err. kvs_state_close() afterwards.
 */
int kvs_state_create(int root_fd, const char *id, struct kvs_state *ret_s, struct kvs_error *err);

/* kvs_state_open - lock and read a container; 0, or -errno with @err (CONTAINER_MISSING) */
int kvs_state_open(int root_fd, const char *id, struct kvs_state *ret_s, struct kvs_error *err);

/* kvs_state_save - write what has changed; 0 or -errno with @err */
int kvs_state_save(const struct kvs_state *s, struct kvs_error *err);

/* kvs_state_remove - delete the directory and all in it; 0 or -errno with @err */
int kvs_state_remove(struct kvs_state *s, struct kvs_error *err);
void kvs_state_close(struct kvs_state *s);

/* kvs_state_status - by its process, as it is now */
enum kvs_status kvs_state_status(const struct kvs_state *s);
const char *kvs_state_status_name(enum kvs_status status);

/* kvs_state_read_start - start time of a process, 0 when there is none or it is a zombie */
uint64_t kvs_state_read_start(pid_t pid);

/* kvs_state_open_process - pidfd of the container's own process; -ESRCH when it is gone */
int kvs_state_open_process(const struct kvs_state *s);

/*
 * kvs_state_to_json - the OCI state of a container
 *
 * Source: runtime-spec, runtime.md, "State".
 * Return: a tree the caller deletes, NULL without memory.
 */
struct cJSON *kvs_state_to_json(const struct kvs_state *s);
