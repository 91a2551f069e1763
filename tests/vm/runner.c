/* SPDX-License-Identifier: Apache-2.0 */
#include "runner.h"

#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum {
	USUAL_LIMIT_S = 20,
	LANE_LIMIT_S = 120, /* an emulator is slow */
	LEFTOVER_WAIT_MS = 2000,
	CHUNK_BYTES = 65536,
};

static char top[] = "/tmp/kvs-vm-XXXXXX"; /* holds root/, spec.json and nothing else */
static char absolute_build[PATH_MAX];

const char *kvs_runner_lane(void)
{
	const char *lane = getenv("KVSHIM_LANE");

	return lane && lane[0] ? lane : "pvm";
}

static const char *build_dir(void)
{
	const char *dir = getenv("KVSHIM_BUILD");

	if (!absolute_build[0] && !realpath(dir ? dir : ".", absolute_build))
		fail_msg("KVSHIM_BUILD is no directory: %s", dir);
	return absolute_build;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the root file system -------------------------------------------------------------------- */

static void in_top(char *ret_path, const char *name)
{
	snprintf(ret_path, PATH_MAX, "%s/%s", top, name);
}

static void make_directory(const char *name)
{
	char path[PATH_MAX];

	in_top(path, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *target, const char *name)
{
	char path[PATH_MAX];

	in_top(path, name);
	assert_int_equal(symlink(target, path), 0);
}

static void write_file(const char *name, const void *data, size_t size, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	in_top(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(kvs_io_write_all(fd, data, size), 0);
	close(fd);
}

static void copy_program(const char *from, const char *to)
{
	char *data = NULL;
	size_t size = 0;
	int fd = open(from, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	assert_int_equal(kvs_io_read_file(fd, 64 << 20, &data, &size), 0);
	close(fd);
	write_file(to, data, size, 0755);
	free(data);
}

static void copy_payloads(void)
{
	char path[PATH_MAX * 2], to[300];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/tests/payloads", build_dir());
	dir = opendir(path);
	if (!dir)
		fail_msg("there are no payloads in '%s'", path);
	while ((entry = readdir(dir))) {
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode) ||
			!(st.st_mode & 0100))
			continue;
		snprintf(path, sizeof(path), "%s/tests/payloads/%s", build_dir(), entry->d_name);
		snprintf(to, sizeof(to), "root/bin/%s", entry->d_name);
		copy_program(path, to);
	}
	closedir(dir);
	copy_program("/bin/busybox", "root/bin/busybox");
}

/* What payloads find, and what they must not find. */
static void make_files(void)
{
	static const char *const directories[] = { "root", "root/bin", "root/etc", "root/etc/deep",
		"root/etc/deep/er", "root/proc" };
	char text[10001];

	for (size_t i = 0; i < KVS_RUNNER_COUNT(directories); i++)
		make_directory(directories[i]);
	for (int i = 0; i < 1000; i++)
		snprintf(text + i * 10, 11, "line %04d\n", i + 1);
	write_file("root/etc/text", text, 10000, 0644);
	write_file("root/etc/deep/er/file", "deep\n", 5, 0644);
	write_file("outside", "outside\n", 8, 0644);
	make_link("text", "root/etc/link");
	make_link("../../outside", "root/etc/up");
	make_link("/outside", "root/etc/absolute");
	make_link("../../..", "root/etc/upwards");
	make_link("deep/er", "root/etc/shallow");
}

static bool is_set_up;

int kvs_runner_setup(void **state)
{
	(void)state;
	if (is_set_up)
		return 0;
	if (!mkdtemp(top))
		return -1;
	is_set_up = true;
	/* What outlives kvshim becomes our child, and is seen. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	make_files();
	copy_payloads();
	return 0;
}

int kvs_runner_finish(void)
{
	char command[PATH_MAX];

	if (!is_set_up)
		return 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command) == 0 ? 0 : -1;
}

bool kvs_runner_has(const char *path)
{
	char full[PATH_MAX], name[PATH_MAX - 64];

	snprintf(name, sizeof(name), "root%s", path);
	in_top(full, name);
	return access(full, X_OK) == 0;
}

/* ---- the spec -------------------------------------------------------------------------------- */

static void put_string(FILE *out, const char *string)
{
	fputc('"', out);
	for (const char *c = string; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void put_strings(FILE *out, const char *name, const char *const *strings)
{
	fprintf(out, "\"%s\":[", name);
	for (size_t i = 0; i < KVS_RUNNER_ARGS && strings[i]; i++) {
		fputs(i ? "," : "", out);
		put_string(out, strings[i]);
	}
	fputc(']', out);
}

static void write_spec(const struct kvs_runner_case *c)
{
	char path[PATH_MAX];
	FILE *out;

	in_top(path, "spec.json");
	out = fopen(path, "we");
	assert_non_null(out);
	fputs("{\"ociVersion\":\"1.2.0\",\"process\":{", out);
	put_strings(out, "args", c->args);
	fputc(',', out);
	put_strings(out, "env", c->env);
	if (c->cwd)
		fprintf(out, ",\"cwd\":\"%s\"", c->cwd);
	fprintf(out, "},\"root\":{\"path\":\"root\"},\"annotations\":{\"org.kvshim.abi\":\"%s\"",
		c->bare ? "bare" : "linux");
	if (c->memory)
		fprintf(out, ",\"org.kvshim.memory\":\"%s\"", c->memory);
	if (c->deadline)
		fprintf(out, ",\"org.kvshim.deadline\":\"%s\"", c->deadline);
	fprintf(out, "}%s}", c->members ? c->members : "");
	assert_int_equal(fclose(out), 0);
}

/* ---- a child and its three pipes ------------------------------------------------------------- */

struct stream {
	int fd; /* our end, -1 when closed */
	char *data;
	size_t bytes;
};

struct child {
	pid_t pid;
	const char *input;
	size_t input_bytes;
	int in_fd;
	struct stream out, err;
	int signal; /* still to be sent */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void exec_child(const char *const *argv, const int *fds, const char *directory)
{
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	signal(SIGPIPE, SIG_DFL);
	if (directory && chdir(directory) < 0)
		_exit(124);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(124);
}

static void start(struct child *child, const char *const *argv, const char *directory)
{
	int in[2], out[2], err[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0)
		exec_child(argv, (int[]){ in[0], out[1], err[1] }, directory);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	child->in_fd = in[1];
	child->out.fd = out[0];
	child->err.fd = err[0];
	fcntl(child->in_fd, F_SETFL, O_NONBLOCK);
	if (child->input_bytes == 0)
		close_fd(&child->in_fd);
}

static void feed(struct child *child)
{
	ssize_t n = write(child->in_fd, child->input, child->input_bytes);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		child->input += n;
		child->input_bytes -= (size_t)n;
	}
	if (n < 0 || child->input_bytes == 0)
		close_fd(&child->in_fd);
}

static void take(struct stream *stream)
{
	ssize_t n;

	stream->data = realloc(stream->data, stream->bytes + CHUNK_BYTES + 1);
	assert_non_null(stream->data);
	n = read(stream->fd, stream->data + stream->bytes, CHUNK_BYTES);
	if (n <= 0)
		close_fd(&stream->fd);
	else
		stream->bytes += (size_t)n;
	stream->data[stream->bytes] = '\0';
}

static void signal_when_ready(struct child *child)
{
	if (!child->signal || !child->out.data || !strstr(child->out.data, "ready\n"))
		return;
	kill(child->pid, child->signal);
	child->signal = 0;
}

/* Move bytes until both outputs have ended; false at the deadline. */
static bool converse(struct child *child, uint64_t end)
{
	while (child->out.fd >= 0 || child->err.fd >= 0) {
		struct pollfd p[3] = {
			{ .fd = child->in_fd, .events = POLLOUT },
			{ .fd = child->out.fd, .events = POLLIN },
			{ .fd = child->err.fd, .events = POLLIN },
		};
		uint64_t now = now_ms();

		if (now >= end)
			return false;
		poll(p, 3, (int)(end - now));
		if (p[0].revents)
			feed(child);
		if (p[1].revents)
			take(&child->out);
		if (p[2].revents)
			take(&child->err);
		signal_when_ready(child);
	}
	return true;
}

static int wait_for(pid_t pid, uint64_t end, bool *ret_timed_out)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() >= end) {
			*ret_timed_out = true;
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		usleep(200);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_program(struct child *child, const char *const *argv, const char *directory,
	unsigned int limit_s, struct kvs_runner_result *ret)
{
	uint64_t end;

	if (!limit_s)
		limit_s = strcmp(kvs_runner_lane(), "pvm") == 0 ? USUAL_LIMIT_S : LANE_LIMIT_S;
	end = now_ms() + limit_s * 1000u;
	*ret = (struct kvs_runner_result){ 0 };
	start(child, argv, directory);
	if (!converse(child, end)) {
		ret->timed_out = true;
		kill(child->pid, SIGKILL);
		end += 5000;
	}
	ret->status = wait_for(child->pid, end, &ret->timed_out);
	close_fd(&child->in_fd);
	close_fd(&child->out.fd);
	close_fd(&child->err.fd);
	ret->output = child->out.data ? child->out.data : calloc(1, 1);
	ret->output_bytes = child->out.bytes;
	ret->error = child->err.data ? child->err.data : calloc(1, 1);
	ret->error_bytes = child->err.bytes;
}

void kvs_runner_run(const struct kvs_runner_case *c, struct kvs_runner_result *ret)
{
	char kvshim[PATH_MAX + 16], spec[PATH_MAX];
	const char *const argv[] = { kvshim, "run", spec, NULL };
	struct child child = {
		.input = c->input,
		.input_bytes = c->input_bytes || !c->input ? c->input_bytes : strlen(c->input),
		.signal = c->signal,
	};

	write_spec(c);
	snprintf(kvshim, sizeof(kvshim), "%s/kvshim", build_dir());
	in_top(spec, "spec.json");
	run_program(&child, argv, NULL, c->limit_s, ret);
}

void kvs_runner_native(const char *const *args, const char *input, struct kvs_runner_result *ret)
{
	const char *argv[KVS_RUNNER_ARGS + 2] = { 0 };
	char root[PATH_MAX];
	struct child child = { .input = input, .input_bytes = input ? strlen(input) : 0 };

	in_top(root, "root");
	for (size_t i = 0; i < KVS_RUNNER_ARGS && args[i]; i++)
		argv[i] = args[i];
	if (argv[0][0] == '/')
		argv[0]++; /* from the root on */
	run_program(&child, argv, root, 0, ret);
}

void kvs_runner_done(struct kvs_runner_result *result)
{
	free(result->output);
	free(result->error);
}

/* ---- nothing is left behind ------------------------------------------------------------------ */

static unsigned int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* A process that outlives kvshim for a moment is on its way out; one that stays is left behind. */
static void assert_no_process(void)
{
	uint64_t end = now_ms() + LEFTOVER_WAIT_MS;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (pid > 0)
			continue;
		if (now_ms() >= end)
			fail_msg("a process is left behind");
		usleep(500);
	}
}

/* ---- judgement ------------------------------------------------------------------------------- */

static void show(const char *what, const char *text)
{
	print_message("# %s: ", what);
	for (const char *c = text; *c && c - text < 2000; c++)
		print_message(*c == '\n' && c[1] ? "%c# | " : "%c", *c);
	print_message(*text && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

/* cmocka has one text for a failure that stands in its TAP output: the "file" it happened in. */
static void refuse(const struct kvs_runner_result *r, const char *why, const char *what)
{
	static char text[400];

	show("stdout", r->output);
	show("stderr", r->error);
	if (what)
		show("wanted", what);
	snprintf(text, sizeof(text), "%s, exit status %d", why, r->status);
	_fail(text, __LINE__);
}

static void judge_error(const struct kvs_runner_case *c, const struct kvs_runner_result *r)
{
	const char *newline = strchr(r->error, '\n');
	bool is_qemu = c->qemu_error && strcmp(kvs_runner_lane(), "svm") == 0;

	if (c->error_output && strcmp(r->error, c->error_output) != 0)
		refuse(r, "standard error is not", c->error_output);
	if (c->error_output)
		return;
	if (!c->errors[0] && r->error_bytes)
		refuse(r, "something on standard error", NULL);
	if (is_qemu && !strstr(r->error, c->qemu_error))
		refuse(r, "not on standard error", c->qemu_error);
	for (size_t i = 0; !is_qemu && i < KVS_RUNNER_TEXTS && c->errors[i]; i++)
		if (!strstr(r->error, c->errors[i]))
			refuse(r, "not on standard error", c->errors[i]);
	if (c->errors[0] && (!newline || newline[1]))
		refuse(r, "standard error is not one line", NULL);
}

/* Whether KVM here has hardware virtualisation beneath it, real or emulated. */
static bool has_hardware(void)
{
	return access("/sys/module/kvm_pvm", F_OK) < 0;
}

static void judge(const struct kvs_runner_case *c, const struct kvs_runner_result *r)
{
	if (r->timed_out)
		refuse(r, "it did not end", NULL);
	if (r->status == c->other_status && c->other_status && has_hardware())
		return;
	if (r->status != c->status)
		refuse(r, "wrong exit status", NULL);
	if (c->output && strcmp(r->output, c->output) != 0)
		refuse(r, "standard output is not", c->output);
	for (size_t i = 0; i < KVS_RUNNER_TEXTS && c->parts[i]; i++)
		if (!strstr(r->output, c->parts[i]))
			refuse(r, "not on standard output", c->parts[i]);
	judge_error(c, r);
}

void kvs_runner_test(void **state)
{
	const struct kvs_runner_case *c = *state;
	unsigned int fds = count_entries("/proc/self/fd"), files;
	struct kvs_runner_result result;

	if (c->args[0][0] == '/' && !kvs_runner_has(c->args[0])) {
		print_message("# skip: tools: '%s' was not built here\n", c->args[0]);
		skip();
	}
	write_spec(c);
	files = count_entries(top);
	kvs_runner_run(c, &result);
	judge(c, &result);
	kvs_runner_done(&result);
	assert_no_process();
	assert_int_equal(count_entries("/proc/self/fd"), fds);
	assert_int_equal(count_entries(top), files);
}

int kvs_runner_group(const char *name, const struct kvs_runner_case *cases, size_t count)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){
			.name = cases[i].name,
			.test_func = kvs_runner_test,
			.initial_state = (void *)(uintptr_t)&cases[i],
		};
	failed = _cmocka_run_group_tests(name, tests, count, kvs_runner_setup, NULL);
	free(tests);
	return failed;
}
