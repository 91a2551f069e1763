/* SPDX-License-Identifier: Apache-2.0 */
/* kvshim create: a payload loaded and parked at its entry, in a process its caller inherits. */
#include "bundle.h"
#include "hooks.h"
#include "payload.h"
#include "state.h"
#include "verbs.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

struct create_options {
	const char *bundle, *pid_file, *console_socket, *id;
};

static int parse_options(int argc, char **argv, struct create_options *o, struct kvs_error *err)
{
	static const struct option options[] = {
		{ "bundle", required_argument, NULL, 'b' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "console-socket", required_argument, NULL, 'c' },
		{ "no-pivot", no_argument, NULL, 'i' },
		{ "no-new-keyring", no_argument, NULL, 'i' },
		{ "preserve-fds", required_argument, NULL, 'i' },
		{ 0 },
	};
	int option;

	*o = (struct create_options){ .bundle = "." };
	optind = 0;
	while ((option = getopt_long(argc, argv, "+b:", options, NULL)) != -1) {
		if (option == 'b')
			o->bundle = optarg;
		else if (option == 'p')
			o->pid_file = optarg;
		else if (option == 'c')
			o->console_socket = optarg;
		else if (option != 'i') /* about file systems and keyrings a VM does not share */
			return kvs_error_set(err, KVS_ERROR_USAGE, 0, "create: bad option '%s'",
				argv[optind - 1]);
	}
	if (argc - optind != 1)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "create: one ID is needed");
	o->id = argv[optind];
	return 0;
}

/* Hand the terminal's master to whoever listens on the socket. */
static int send_master(const char *path, int master, struct kvs_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static char name[] = "/dev/ptmx";
	struct iovec iov = { name, sizeof(name) - 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ancillary = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary),
	};

	if (strlen(path) >= sizeof(address.sun_path))
		return kvs_error_set(
			err, KVS_ERROR_USAGE, ENAMETOOLONG, "console socket '%s'", path);
	strcpy(address.sun_path, path);
	memcpy(CMSG_DATA(&ancillary.header), &master, sizeof(master));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno,
			"cannot send the terminal to console socket '%s'", path);
	return 0;
}

/* A new terminal for the payload: its slave, the master sent away. -1 when none is wanted. */
static int open_terminal(
	const struct kvs_spec *spec, const char *socket, int *ret_slave, struct kvs_error *err)
{
	struct winsize size = { .ws_row = spec->process.console_height,
		.ws_col = spec->process.console_width };
	_cleanup_close_ int master = -1, slave = -1;
	char name[64];
	int r;

	*ret_slave = -1;
	if (!spec->process.terminal)
		return 0;
	if (!socket)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0,
			"process.terminal is set, and there is no --console-socket to send it to");
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
		ptsname_r(master, name, sizeof(name)) != 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot make a terminal");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot open '%s'", name);
	if (size.ws_row && size.ws_col)
		ioctl(slave, TIOCSWINSZ, &size);
	r = send_master(socket, master, err);
	if (r == 0)
		*ret_slave = TAKE_FD(slave);
	return r;
}

static int write_pid_file(const char *path, pid_t pid, struct kvs_error *err)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -1;
	char text[16];

	if (!path)
		return 0;
	snprintf(text, sizeof(text), "%d", (int)pid);
	if (asprintf(&temporary, "%s.new", path) < 0)
		temporary = NULL;
	fd = temporary ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	if (fd < 0 || kvs_io_write_all(fd, text, strlen(text)) < 0 || rename(temporary, path) < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot write '%s'", path);
	return 0;
}

/* The FIFO and the file the VMM keeps. */
static int open_channels(
	const struct kvs_state *s, int *ret_start, int *ret_record, struct kvs_error *err)
{
	if (mkfifoat(s->dir_fd, "start", 0600) == 0)
		*ret_start = openat(s->dir_fd, "start", O_RDWR | O_CLOEXEC);
	*ret_record = openat(s->dir_fd, "exit", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_start < 0 || *ret_record < 0)
		return kvs_error_set(
			err, KVS_ERROR_HOST, errno, "cannot prepare container '%s'", s->id);
	return 0;
}

static int run_create_hooks(const struct kvs_state *s, struct kvs_error *err)
{
	static const char *const kinds[] = { "prestart", "createRuntime", "createContainer" };
	cJSON *json;
	int r = 0;

	if (!s->hooks)
		return 0;
	json = kvs_state_to_json(s);
	cJSON_ReplaceItemInObject(json, "status", cJSON_CreateString("creating"));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && r == 0; i++)
		r = kvs_hooks_run(s->hooks, kinds[i], json, err);
	cJSON_Delete(json);
	return r;
}

/* Everything between an id taken and a payload parked. */
static int build(struct kvs_state *s, struct kvs_payload *payload, const struct kvs_spec *spec,
	int bundle_fd, const struct kvs_cli *cli, const char *console_socket, struct kvs_error *err)
{
	_cleanup_close_ int start_fd = -1, record_fd = -1, slave = -1;
	uint32_t flags = KVS_LAUNCH_PARK | (cli->debug ? KVS_LAUNCH_DEBUG : 0);
	sigset_t mask;
	int r = open_channels(s, &start_fd, &record_fd, err);

	if (r == 0)
		r = open_terminal(spec, console_socket, &slave, err);
	if (r < 0)
		return r;
	flags |= slave >= 0 ? KVS_LAUNCH_TERMINAL : cli->closed;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	r = kvs_payload_start(payload, cli->debug, slave, &mask, err);
	if (r < 0)
		return r;
	s->pid = payload->pid;
	s->pid_start = kvs_state_read_start(s->pid);
	/* Written down before it can outlive us: until the launch, our end is its end. */
	r = kvs_state_save(s, err);
	if (r < 0)
		return r;
	r = kvs_payload_launch(payload, spec, bundle_fd, flags, start_fd, record_fd, err);
	if (r == 0)
		r = kvs_payload_wait_parked(payload, err);
	return r < 0 ? r : run_create_hooks(s, err);
}

/* Take what the state keeps of a spec. */
static int remember(struct kvs_state *s, const struct kvs_spec *spec, const char *bundle)
{
	s->bundle = realpath(bundle, NULL);
	s->annotations =
		cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(spec->json, "annotations"), 1);
	s->hooks = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(spec->json, "hooks"), 1);
	return s->bundle ? 0 : -errno;
}

int kvs_create_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(kvs_payload_close) struct kvs_payload payload = KVS_PAYLOAD_NONE;
	_cleanup_(kvs_state_close) struct kvs_state s = { .dir_fd = -1 };
	_cleanup_(kvs_spec_done) struct kvs_spec spec = { 0 };
	_cleanup_close_ int root_fd = -1, bundle_fd = -1;
	struct create_options o;
	int r = parse_options(argc, argv, &o, err);

	if (r == 0)
		r = kvs_bundle_read(o.bundle, NULL, false, &spec, &bundle_fd, err);
	if (r < 0)
		return r;
	root_fd = kvs_state_open_root(cli->root, err);
	r = root_fd < 0 ? root_fd : kvs_state_create(root_fd, o.id, &s, err);
	if (r < 0)
		return r;
	r = remember(&s, &spec, o.bundle);
	if (r == 0)
		r = build(&s, &payload, &spec, bundle_fd, cli, o.console_socket, err);
	if (r == 0)
		r = write_pid_file(o.pid_file, payload.pid, err);
	if (r < 0) {
		kvs_state_remove(&s, NULL);
		return r;
	}
	payload.pid = 0; /* the caller's from here on */
	return 0;
}
