/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvshim-vmm: one guest, from the launch message to the exit record.
 *
 * Executed by kvshim with the descriptors of launch.h and nothing else; not for people.
 */
#include "guest.h"
#include "hostcall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Put our own descriptors beyond the payload's limit: the kernel then hands the payload the numbers
 * it expects, and ours are out of its reach.
 */
static int raise_all(struct kvs_guest *g, int *control_fd, int floor, struct kvs_error *err)
{
	int *ours[] = { &g->fds.payload, &g->fds.root, &g->fds.null, &g->fds.start, &g->fds.record,
		&g->machine.vm_fd, &g->machine.vcpu_fd, control_fd, &g->log_fd };
	struct rlimit limit = { (rlim_t)floor + KVS_LAUNCH_SPARE_FDS,
		(rlim_t)floor + KVS_LAUNCH_SPARE_FDS };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		int fd = *ours[i] < 0 ? -1 : fcntl(*ours[i], F_DUPFD_CLOEXEC, floor);

		if (*ours[i] >= 0 && fd < 0)
			return kvs_error_set(err, KVS_ERROR_HOST, errno,
				"no descriptors left beyond the payload's %d (RLIMIT_NOFILE)",
				floor);
		if (fd >= 0)
			close(*ours[i]);
		*ours[i] = fd;
	}
	g->ram.vm_fd = g->machine.vm_fd;
	syscall(SYS_close_range, STDERR_FILENO + 1, floor - 1, 0);
	limit.rlim_cur = limit.rlim_max = (rlim_t)floor;
	setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

static bool is_abandoned(int control_fd)
{
	struct pollfd p = { .fd = control_fd };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

static int start(
	struct kvs_guest *g, struct kvs_launch *launch, int *control_fd, struct kvs_error *err)
{
	struct kvs_error machine_error = { 0 };
	struct kvs_launch_fds fds;
	int log_fd = -1;
	int machine = kvs_machine_init(&g->machine, KVS_FD_KVM, &machine_error);
	int r = kvs_launch_receive(*control_fd, launch, &fds, err);

	if (r < 0)
		return r;
	if (launch->flags & KVS_LAUNCH_DIE_WITH_PARENT) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (is_abandoned(*control_fd))
			return -EPIPE; /* the sender was gone before this watched for it */
	}
	if (launch->flags & KVS_LAUNCH_TERMINAL)
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	if (launch->flags & KVS_LAUNCH_DEBUG)
		log_fd = KVS_FD_LOG;
	if (machine < 0) {
		*err = machine_error;
		return machine;
	}
	r = kvs_guest_init(g, launch, &fds, KVS_FD_KVM, log_fd, err);
	if (r == 0)
		r = raise_all(g, control_fd, (int)launch->nofile, err);
	return r;
}

/*
 * Stand at the payload's entry until somebody says start. Whoever waits for the VMM to be loaded
 * hears so on the socket; the exit record goes to a file then.
 */
static void park(struct kvs_guest *g, const struct kvs_record *record, int *control_fd)
{
	char byte;

	kvs_launch_write_record(*control_fd, record);
	close(*control_fd);
	*control_fd = g->fds.record;
	while (read(g->fds.start, &byte, 1) < 0 && errno == EINTR)
		;
	close(g->fds.start);
}

/* End as the payload ended, so that whoever waits for this process sees its fate. */
static int end_as(const struct kvs_stop *stop)
{
	int status = kvs_stop_status(stop);
	sigset_t all;

	if (status >= 0)
		return status;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	kvs_hostcall_default(-status);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(-status);
	return 128 - status; /* a signal that does not kill by default */
}

int main(void)
{
	struct kvs_record record = { .magic = KVS_RECORD_MAGIC, .size = sizeof(record) };
	struct kvs_launch launch = { 0 };
	struct kvs_guest guest = { 0 };
	int control_fd = KVS_FD_CONTROL;
	int r = start(&guest, &launch, &control_fd, &record.error);

	if (r == -EPIPE)
		return EXIT_SUCCESS; /* the caller has changed its mind */
	if (r == 0) {
		strncpy(record.backend, kvs_machine_backend_name(&guest.machine),
			sizeof(record.backend) - 1);
		if (launch.flags & KVS_LAUNCH_PARK)
			park(&guest, &record, &control_fd);
		r = kvs_guest_run(&guest, &record.error);
		record.stop = guest.stop;
		record.usage = guest.usage;
	}
	if (r < 0)
		record.stop = (struct kvs_stop){ .kind = KVS_STOP_VMM_FAILURE };
	kvs_launch_write_record(control_fd, &record);
	return end_as(&record.stop);
}
