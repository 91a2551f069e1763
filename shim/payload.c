/* SPDX-License-Identifier: Apache-2.0 */
#include "payload.h"

#include "vmm/base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	NOFILE_DEFAULT = 1024,
	NOFILE_LEAST = 3,
	NOFILE_MOST = 1 << 20,
};

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Open a path of the payload's world. O_NONBLOCK: a FIFO in its place must not stop us. */
static int open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* 0 when the open file can be a payload. */
static int check_payload(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) && st.st_mode & 0111 ? 0 : -EACCES;
}

/* What a launch opens; `exe` is the payload's path inside the root. */
struct opened {
	struct kvs_launch_fds fds;
	char *exe;
};

static void close_opened(struct opened *o)
{
	kvs_launch_close_fds(&o->fds);
	free(o->exe);
}

static int try_payload(struct opened *o, const char *path)
{
	_cleanup_close_ int fd = open_in_root(o->fds.root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 ? fd : check_payload(fd);

	if (r < 0)
		return r;
	o->exe = strdup(path);
	if (!o->exe)
		return -ENOMEM;
	o->fds.payload = TAKE_FD(fd);
	return 0;
}

/* As execvp(3) searches: the first that can be run, EACCES when one was there but could not. */
static int search_payload(struct opened *o, const char *name, const char *path)
{
	int result = -ENOENT;

	while (*path) {
		size_t length = strcspn(path, ":");
		char candidate[PATH_MAX];
		int n = snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length, path, name);
		int r = n < (int)sizeof(candidate) ? try_payload(o, candidate) : -ENAMETOOLONG;

		if (r == 0)
			return 0;
		if (r == -EACCES)
			result = r;
		path += length + (path[length] == ':');
	}
	return result;
}

static const char *path_of(const struct kvs_spec *spec)
{
	for (size_t i = 0; i < spec->process.env.count; i++)
		if (strncmp(spec->process.env.items[i], "PATH=", 5) == 0)
			return spec->process.env.items[i] + 5;
	return default_path;
}

static int open_payload(struct opened *o, const struct kvs_spec *spec, struct kvs_error *err)
{
	const char *name = spec->process.args.items[0];
	char relative[PATH_MAX];
	int r;

	if (name[0] == '/') {
		r = try_payload(o, name);
	} else if (strchr(name, '/')) {
		snprintf(relative, sizeof(relative), "%s/%s", spec->process.cwd, name);
		r = try_payload(o, relative);
	} else {
		r = search_payload(o, name, path_of(spec));
		if (r == -ENOENT)
			r = kvs_error_set(err, KVS_ERROR_PAYLOAD_MISSING, 0,
				"executable file not found in $PATH: '%s'", name);
	}
	if (r == -ENOENT || r == -ENOTDIR)
		kvs_error_set(err, KVS_ERROR_PAYLOAD_MISSING, -r, "cannot open payload '%s'", name);
	else if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot open payload '%s'", name);
	else if (r < 0)
		kvs_error_set(err, KVS_ERROR_PAYLOAD_DENIED, -r, "cannot run payload '%s'", name);
	if (r < 0)
		kvs_error_where(err, "/process/args/0");
	return r;
}

int kvs_payload_open_kvm(int *ret_fd, struct kvs_error *err)
{
	enum kvs_error_code code = KVS_ERROR_KVM_FAILED;

	*ret_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		code = KVS_ERROR_KVM_MISSING;
	else if (errno == EACCES || errno == EPERM)
		code = KVS_ERROR_KVM_DENIED;
	else if (errno == EBUSY)
		code = KVS_ERROR_KVM_BUSY;
	return kvs_error_set(err, code, errno, "cannot open /dev/kvm");
}

/* The working directory must be there: nothing in the guest could make it. */
static int check_cwd(int root_fd, const char *cwd, struct kvs_error *err)
{
	_cleanup_close_ int fd = open_in_root(root_fd, cwd, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		return 0;
	kvs_error_where(err, "/process/cwd");
	return kvs_error_set(
		err, KVS_ERROR_SPEC_FIELD, -fd, "cannot use the working directory '%s'", cwd);
}

static int open_all(
	struct opened *o, const struct kvs_spec *spec, int bundle_fd, struct kvs_error *err)
{
	int r;

	o->fds.root = openat(bundle_fd, spec->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->fds.root < 0) {
		r = kvs_error_set(err, KVS_ERROR_ROOT_MISSING, errno,
			"cannot open the root directory '%s'", spec->root_path);
		kvs_error_where(err, "/root/path");
		return r;
	}
	r = check_cwd(o->fds.root, spec->process.cwd, err);
	if (r == 0)
		r = open_payload(o, spec, err);
	if (r < 0)
		return r;
	o->fds.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return o->fds.null < 0 ? kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot open /dev/null")
			       : 0;
}

/* How many descriptors the payload may have: the spec's word, within what we may give. */
static uint32_t nofile_of(const struct kvs_spec *spec)
{
	struct rlimit ours;
	rlim_t want, most;

	getrlimit(RLIMIT_NOFILE, &ours);
	want = ours.rlim_cur < NOFILE_DEFAULT ? ours.rlim_cur : NOFILE_DEFAULT;
	for (size_t i = 0; i < spec->process.rlimit_count; i++)
		if (spec->process.rlimits[i].resource == RLIMIT_NOFILE)
			want = spec->process.rlimits[i].soft;
	most = ours.rlim_max > KVS_LAUNCH_SPARE_FDS ? ours.rlim_max - KVS_LAUNCH_SPARE_FDS : 0;
	if (want > most)
		want = most;
	if (want > NOFILE_MOST)
		want = NOFILE_MOST;
	return want < NOFILE_LEAST ? NOFILE_LEAST : (uint32_t)want;
}

/* Where kvshim-vmm is in a build tree: beside this program. False when that cannot be told. */
static bool path_beside(char *ret_path)
{
	ssize_t n = readlink("/proc/self/exe", ret_path, PATH_MAX - sizeof("kvshim-vmm"));
	char *slash;

	ret_path[n > 0 ? n : 0] = '\0';
	slash = strrchr(ret_path, '/');
	if (slash)
		strcpy(slash + 1, "kvshim-vmm");
	return slash;
}

int kvs_payload_launch(struct kvs_payload *p, const struct kvs_spec *spec, int bundle_fd,
	uint32_t flags, int start_fd, int record_fd, struct kvs_error *err)
{
	_cleanup_(close_opened) struct opened o = { .fds = KVS_LAUNCH_NO_FDS };
	int r = open_all(&o, spec, bundle_fd, err);
	struct kvs_launch launch = {
		.abi = spec->abi == KVS_SPEC_ABI_BARE ? KVS_ABI_BARE : KVS_ABI_LINUX,
		.flags = flags,
		.ram_bytes = spec->memory_bytes,
		.deadline_ns = spec->deadline_ns,
		.nofile = nofile_of(spec),
		.uid = spec->process.user.uid,
		.gid = spec->process.user.gid,
		.args = spec->process.args.items,
		.env = spec->process.env.items,
		.cwd = (char *)spec->process.cwd,
		.exe = o.exe,
		.hostname = (char *)(spec->hostname ? spec->hostname : ""),
	};

	struct kvs_launch_fds fds = o.fds;

	if (r < 0)
		return r;
	fds.start = start_fd;
	fds.record = record_fd;
	return kvs_launch_send(p->control_fd, &launch, &fds, err);
}

/* Move a descriptor beyond those that kvshim-vmm is given, so that no dup2 hits a source. */
static int raised(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, KVS_FD_FIRST_FREE);
}

static int spawn_vmm(struct kvs_payload *p, int control_fd, int kvm_fd, bool debug, int terminal_fd,
	const sigset_t *mask)
{
	char *const argv[] = { (char *)"kvshim-vmm", NULL }, *const envp[] = { NULL };
	_cleanup_close_ int control = raised(control_fd), kvm = raised(kvm_fd);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char vmm[PATH_MAX];
	int r = ENOENT;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETSIGMASK | (terminal_fd >= 0 ? POSIX_SPAWN_SETSID : 0));
	posix_spawnattr_setsigmask(&attributes, mask);
	for (int fd = 0; terminal_fd >= 0 && fd < 3; fd++)
		posix_spawn_file_actions_adddup2(&actions, terminal_fd, fd);
	posix_spawn_file_actions_adddup2(&actions, control, KVS_FD_CONTROL);
	posix_spawn_file_actions_adddup2(&actions, kvm, KVS_FD_KVM);
	if (debug)
		posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, KVS_FD_LOG);
	posix_spawn_file_actions_addclosefrom_np(&actions, debug ? KVS_FD_FIRST_FREE : KVS_FD_LOG);
	if (path_beside(vmm))
		r = posix_spawn(&p->pid, vmm, &actions, &attributes, argv, envp);
	if (r == ENOENT)
		r = posix_spawn(&p->pid, KVSHIM_LIBEXECDIR "/kvshim-vmm", &actions, &attributes,
			argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

int kvs_payload_start(struct kvs_payload *p, bool debug, int terminal_fd, const sigset_t *mask,
	struct kvs_error *err)
{
	_cleanup_close_ int kvm_fd = -1, far = -1;
	int pair[2], r = kvs_payload_open_kvm(&kvm_fd, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot make a socket");
	p->control_fd = pair[0];
	far = pair[1];
	r = spawn_vmm(p, far, kvm_fd, debug, terminal_fd, mask);
	return r < 0 ? kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot start kvshim-vmm") : 0;
}

void kvs_payload_close(struct kvs_payload *p)
{
	if (p->pid > 0)
		kill(p->pid, SIGKILL);
	kvs_close_p(&p->control_fd);
	*p = KVS_PAYLOAD_NONE;
}

/* Signals that a bug in the VMM itself would raise. */
static bool is_crash(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
	       signal == SIGABRT || signal == SIGSYS || signal == SIGTRAP;
}

/* The VMM ended and left no record: it was killed, or has a bug. */
static void explain_status(int status, struct kvs_record *ret)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	*ret = (struct kvs_record){ .stop = { .kind = KVS_STOP_VMM_FAILURE } };
	if (signal && !is_crash(signal))
		ret->stop = (struct kvs_stop){ .kind = KVS_STOP_SIGNALED, .signal = signal };
	else if (signal)
		kvs_error_set(&ret->error, KVS_ERROR_INTERNAL, 0,
			"kvshim-vmm crashed with signal %d", signal);
	else
		kvs_error_set(&ret->error, KVS_ERROR_INTERNAL, 0,
			"kvshim-vmm exited with %d and left no record of why", WEXITSTATUS(status));
}

static void pass_on(pid_t pid, int signals)
{
	struct signalfd_siginfo info;

	/* What a terminal sends goes to the whole foreground group: the VMM has it already. An
	 * alarm set before the exec is the kernel's too, and ours alone. */
	if (read(signals, &info, sizeof(info)) == sizeof(info) &&
		(info.ssi_code != SI_KERNEL || info.ssi_signo == SIGALRM))
		kill(pid, (int)info.ssi_signo);
}

void kvs_payload_wait(struct kvs_payload *p, int signals, struct kvs_record *ret_record)
{
	struct pollfd fds[] = { { .fd = p->control_fd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN } };
	int status = 0;

	while (!fds[0].revents) {
		if (poll(fds, 2, -1) > 0 && fds[1].revents)
			pass_on(p->pid, signals);
	}
	if (kvs_launch_read_record(p->control_fd, ret_record))
		return;
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	explain_status(status, ret_record);
}

int kvs_payload_wait_parked(struct kvs_payload *p, struct kvs_error *err)
{
	struct kvs_record record;

	kvs_payload_wait(p, -1, &record);
	if (record.stop.kind == KVS_STOP_NONE)
		return 0;
	if (record.stop.kind == KVS_STOP_VMM_FAILURE)
		*err = record.error;
	else
		kvs_stop_format(&record.stop, err->text, sizeof(err->text));
	if (err->code == KVS_ERROR_NONE)
		err->code = KVS_ERROR_HOST;
	return -EIO;
}
