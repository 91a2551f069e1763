/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs on a container that exists: start, state, kill, pause, resume, wait, delete, list, ps.
 */
#include "hooks.h"
#include "payload.h"
#include "state.h"
#include "verbs.h"
#include "vmm/base/cleanup.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	KILL_WAIT_MS = 10000, /* how long delete --force waits for SIGKILL to have its effect */
	EXIT_EXEC_FAILED = 255,
};

/* What all these verbs have in common: options, one id, its state. */
struct target {
	bool all, force, quiet, json;
	const char *id, *signal;
	int root_fd;
	struct kvs_state s;
};

static void close_target(struct target *t)
{
	kvs_state_close(&t->s);
	kvs_close_p(&t->root_fd);
}

static int parse_target(const struct kvs_cli *cli, int argc, char **argv, struct target *ret_t,
	struct kvs_error *err)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "force", no_argument, NULL, 'f' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "format", required_argument, NULL, 'o' },
		{ 0 },
	};
	int option;

	*ret_t = (struct target){ .root_fd = -1, .s.dir_fd = -1 };
	optind = 0;
	while ((option = getopt_long(argc, argv, "+afq", options, NULL)) != -1) {
		ret_t->all |= option == 'a';
		ret_t->force |= option == 'f';
		ret_t->quiet |= option == 'q';
		ret_t->json |= option == 'o' && strcmp(optarg, "json") == 0;
		if (option == '?')
			return kvs_error_set(err, KVS_ERROR_USAGE, 0, "%s: bad option '%s'",
				argv[0], argv[optind - 1]);
	}
	ret_t->id = argv[optind];
	ret_t->signal = ret_t->id ? argv[optind + 1] : NULL;
	ret_t->root_fd = kvs_state_open_root(cli->root, err);
	return ret_t->root_fd < 0 ? ret_t->root_fd : 0;
}

/* The same, with the container itself opened and locked. */
static int open_target(const struct kvs_cli *cli, int argc, char **argv, struct target *ret_t,
	struct kvs_error *err)
{
	int r = parse_target(cli, argc, argv, ret_t, err);

	if (r < 0)
		return r;
	if (!ret_t->id)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "%s: an ID is needed", argv[0]);
	return kvs_state_open(ret_t->root_fd, ret_t->id, &ret_t->s, err);
}

static int wrong_status(const struct kvs_state *s, const char *verb, struct kvs_error *err)
{
	enum kvs_status status = kvs_state_status(s);

	if (status == KVS_STATUS_STOPPED)
		return kvs_error_set(err, KVS_ERROR_CONTAINER_STATE, 0,
			"cannot %s container '%s': container not running", verb, s->id);
	return kvs_error_set(err, KVS_ERROR_CONTAINER_STATE, 0,
		"cannot %s container '%s': it is %s", verb, s->id, kvs_state_status_name(status));
}

static int run_hooks(const struct kvs_state *s, const char *kind, struct kvs_error *err)
{
	cJSON *json = kvs_state_to_json(s);
	int r = kvs_hooks_run(s->hooks, kind, json, err);

	cJSON_Delete(json);
	return r;
}

/* A hook that fails when nothing can be taken back any more is told and passed over. */
static void run_late_hooks(const struct kvs_state *s, const char *kind)
{
	struct kvs_error err = { 0 };

	if (run_hooks(s, kind, &err) < 0)
		kvs_error_print(&err);
}

static int send_signal(const struct kvs_state *s, int signal)
{
	_cleanup_close_ int fd = kvs_state_open_process(s);

	if (fd < 0)
		return fd;
	return syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0 ? -errno : 0;
}

int kvs_start_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	_cleanup_close_ int fd = -1;
	int r = open_target(cli, argc, argv, &t, err);

	if (r < 0)
		return r;
	if (kvs_state_status(&t.s) != KVS_STATUS_CREATED)
		return wrong_status(&t.s, "start", err);
	r = run_hooks(&t.s, "startContainer", err);
	if (r < 0) {
		send_signal(&t.s, SIGKILL);
		return r;
	}
	/* Written down first: a container that is taken for running when it is not is found out. */
	t.s.is_started = true;
	r = kvs_state_save(&t.s, err);
	if (r < 0)
		return r;
	fd = openat(t.s.dir_fd, "start", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, "", 1) != 1)
		return kvs_error_set(err, KVS_ERROR_CONTAINER_STATE, errno,
			"cannot start container '%s'", t.s.id);
	run_late_hooks(&t.s, "poststart");
	return 0;
}

int kvs_state_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	_cleanup_free_ char *text = NULL;
	cJSON *json;
	int r = open_target(cli, argc, argv, &t, err);

	if (r < 0)
		return r;
	json = kvs_state_to_json(&t.s);
	text = cJSON_Print(json);
	cJSON_Delete(json);
	if (!text)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot show the state");
	puts(text);
	return 0;
}

/* "15", "TERM", "SIGTERM", in any case. */
static int parse_signal(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text && !*end)
		return number >= 1 && number <= 64 ? (int)number : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int signal = 1; signal <= 64; signal++) {
		const char *name = sigabbrev_np(signal);

		if (name && strcasecmp(name, text) == 0)
			return signal;
	}
	return -1;
}

int kvs_kill_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	int signal, r = open_target(cli, argc, argv, &t, err);

	if (r < 0)
		return r;
	signal = t.signal ? parse_signal(t.signal) : SIGTERM;
	if (signal < 0)
		return kvs_error_set(
			err, KVS_ERROR_USAGE, 0, "kill: unknown signal '%s'", t.signal);
	r = send_signal(&t.s, signal);
	if (r == -ESRCH && t.all)
		return 0; /* nobody left to send it to is what --all wants */
	if (r == -ESRCH)
		return wrong_status(&t.s, "kill", err);
	return r < 0 ? kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot signal container '%s'", t.id)
		     : 0;
}

/* Every vCPU is a thread of the VMM: stopping the process stops the machine between instructions.
 */
static int change_pause(
	const struct kvs_cli *cli, int argc, char **argv, bool pause, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	int r = open_target(cli, argc, argv, &t, err);

	if (r < 0)
		return r;
	if (kvs_state_status(&t.s) != (pause ? KVS_STATUS_RUNNING : KVS_STATUS_PAUSED))
		return wrong_status(&t.s, argv[0], err);
	r = send_signal(&t.s, pause ? SIGSTOP : SIGCONT);
	if (r < 0)
		return wrong_status(&t.s, argv[0], err);
	t.s.is_paused = pause;
	return kvs_state_save(&t.s, err);
}

int kvs_pause_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	return change_pause(cli, argc, argv, true, err);
}

int kvs_resume_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	return change_pause(cli, argc, argv, false, err);
}

/* Wait for the process to end; false when it did not in time. */
static bool wait_end(const struct kvs_state *s, int timeout_ms)
{
	_cleanup_close_ int fd = kvs_state_open_process(s);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd < 0 || poll(&p, 1, timeout_ms) > 0;
}

/* The exit record, hostile as it may be; false when there is none. */
static bool read_record(const struct kvs_state *s, struct kvs_record *ret_record)
{
	_cleanup_close_ int fd = openat(s->dir_fd, "exit", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && kvs_launch_read_record(fd, ret_record);
}

int kvs_wait_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	struct kvs_record record;
	int status, r = open_target(cli, argc, argv, &t, err);
	struct kvs_state seen;

	if (r < 0)
		return r;
	/* Unlocked while we wait: others must be able to kill it. */
	seen = (struct kvs_state){ .pid = t.s.pid, .pid_start = t.s.pid_start };
	kvs_state_close(&t.s);
	wait_end(&seen, -1);
	r = kvs_state_open(t.root_fd, t.id, &t.s, err);
	if (r < 0)
		return r;
	if (!read_record(&t.s, &record))
		return 128 + SIGKILL;
	status = kvs_stop_status(&record.stop);
	return status < 0 ? 128 - status : status;
}

int kvs_delete_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	int r = open_target(cli, argc, argv, &t, err);

	if (err->code == KVS_ERROR_CONTAINER_MISSING && t.force) {
		*err = (struct kvs_error){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	if (!t.force && kvs_state_status(&t.s) != KVS_STATUS_STOPPED &&
		kvs_state_status(&t.s) != KVS_STATUS_CREATED)
		return wrong_status(&t.s, "delete", err);
	send_signal(&t.s, SIGKILL);
	if (!wait_end(&t.s, KILL_WAIT_MS))
		return kvs_error_set(err, KVS_ERROR_HOST, ETIMEDOUT,
			"container '%s' does not die of SIGKILL", t.s.id);
	run_late_hooks(&t.s, "poststop");
	return kvs_state_remove(&t.s, err);
}

static void list_one(const struct kvs_state *s, const struct target *t, cJSON *array)
{
	enum kvs_status status = kvs_state_status(s);
	int pid = status == KVS_STATUS_STOPPED ? 0 : (int)s->pid;
	cJSON *json;

	if (t->quiet) {
		puts(s->id);
	} else if (t->json) {
		json = kvs_state_to_json(s);
		cJSON_AddStringToObject(json, "created", s->created);
		cJSON_AddItemToArray(array, json);
	} else {
		printf("%-24s %-10d %-10s %-22s %s\n", s->id, pid, kvs_state_status_name(status),
			s->created, s->bundle ? s->bundle : "");
	}
}

int kvs_list_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_free_ char *text = NULL;
	int r = parse_target(cli, argc, argv, &t, err);
	struct dirent *entry;
	cJSON *array;

	if (r < 0)
		return r;
	dir = fdopendir(fcntl(t.root_fd, F_DUPFD_CLOEXEC, 0));
	if (!dir)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot list containers");
	array = cJSON_CreateArray();
	if (!t.json && !t.quiet)
		printf("%-24s %-10s %-10s %-22s %s\n", "ID", "PID", "STATUS", "CREATED", "BUNDLE");
	while ((entry = readdir(dir))) {
		struct kvs_state s;

		if (entry->d_name[0] == '.' ||
			kvs_state_open(t.root_fd, entry->d_name, &s, NULL) < 0)
			continue;
		list_one(&s, &t, array);
		kvs_state_close(&s);
	}
	if (t.json && (text = cJSON_PrintUnformatted(array)))
		puts(text);
	cJSON_Delete(array);
	return 0;
}

int kvs_ps_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(close_target) struct target t;
	int r = open_target(cli, argc, argv, &t, err);

	if (r < 0)
		return r;
	if (kvs_state_status(&t.s) == KVS_STATUS_STOPPED)
		puts(t.json ? "[]" : "PID");
	else
		printf(t.json ? "[%d]\n" : "PID\n%d\n", (int)t.s.pid);
	return 0;
}

int kvs_exec_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	(void)cli, (void)argc, (void)argv, (void)err;
	fputs("kvshim: exec is not possible: a payload has its machine to itself\n", stderr);
	return EXIT_EXEC_FAILED;
}
