/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TIMEOUT_SECONDS = 60,
	OUTPUT_BYTES = 65536,
	NOT_STARTED = 127,
	STACK_BYTES = 16384,
};

static void on_alarm(int number)
{
	(void)number;
}

int kvs_spawn_init(struct kvs_spawn *s)
{
	struct sigaction action = { .sa_handler = on_alarm }; /* no SA_RESTART: it ends waitpid() */
	int pipe_fds[2] = { -1, -1 };

	*s = (struct kvs_spawn){ .null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC) };
	s->stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0 || s->null_fd < 0 || s->stderr_fd < 0)
		return -errno;
	s->output_fd = pipe_fds[0];
	s->output_end_fd = pipe_fds[1];
	if (fcntl(s->output_fd, F_SETFL, O_NONBLOCK) < 0 ||
		fcntl(s->stderr_fd, F_SETFL, O_APPEND) < 0 || sigaction(SIGALRM, &action, NULL) < 0)
		return -errno;
	return 0;
}

void kvs_spawn_done(struct kvs_spawn *s)
{
	close(s->null_fd);
	close(s->output_fd);
	close(s->output_end_fd);
	close(s->stderr_fd);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What the command put into the pipe; OUTPUT_BYTES is more than a pipe holds. */
static size_t drain(int fd, char *buffer)
{
	size_t got = 0;
	ssize_t n;

	while (got < OUTPUT_BYTES && (n = read(fd, buffer + got, OUTPUT_BYTES - got)) > 0)
		got += (size_t)n;
	buffer[got] = '\0';
	return got;
}

/* The last line it wrote to stderr says best what went wrong. */
static void last_words(int fd, char *ret, size_t size)
{
	char text[1024];
	off_t end = lseek(fd, 0, SEEK_END), most = sizeof(text) - 1;
	ssize_t n = pread(fd, text, (size_t)most, end > most ? end - most : 0);
	char *line;

	if (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	line = strrchr(text, '\n');
	snprintf(ret, size, "%.*s", (int)size - 1, line ? line + 1 : text);
}

static int fail(struct kvs_spawn *s, struct kvs_bench_command *c, const char *what, int number)
{
	char words[100];

	last_words(s->stderr_fd, words, sizeof(words));
	snprintf(c->problem, sizeof(c->problem), "%s %d%s%s", what, number, words[0] ? ": " : "",
		words);
	c->has_failed = true;
	return -EIO;
}

static bool is_line(const char *line, const char *output, size_t size)
{
	size_t length = strlen(line);

	return size == length + 1 && memcmp(line, output, length) == 0 && output[length] == '\n';
}

static int judge(struct kvs_spawn *s, struct kvs_bench_command *c, int status)
{
	char output[OUTPUT_BYTES + 1];
	size_t size = drain(s->output_fd, output);

	if (WIFSIGNALED(status))
		return fail(s, c, "was killed by signal", WTERMSIG(status));
	if (WEXITSTATUS(status) == NOT_STARTED)
		return fail(s, c, "could not be started, or exited with", NOT_STARTED);
	if (WEXITSTATUS(status) != 0)
		return fail(s, c, "exited with", WEXITSTATUS(status));
	if (c->expected && !is_line(c->expected, output, size))
		return fail(s, c, "wrong output, bytes printed:", (int)size);
	return 0;
}

struct start {
	const struct kvs_spawn *spawn;
	char **argv;
};

static int start_child(void *arg)
{
	const struct start *start = arg;
	const struct kvs_spawn *s = start->spawn;

	if (dup2(s->null_fd, 0) == 0 && dup2(s->output_end_fd, 1) == 1 &&
		dup2(s->stderr_fd, 2) == 2)
		execv(start->argv[0], start->argv);
	_exit(NOT_STARTED);
}

/*
 * As vfork() does it, the cheapest way there is to start a program, so that it adds least to every
 * figure: posix_spawn() spends a third as much again on signals that need no care here.
 */
static pid_t start(const struct kvs_spawn *s, char **argv)
{
	char stack[STACK_BYTES] __attribute__((aligned(16)));
	struct start start = { .spawn = s, .argv = argv };

	return clone(start_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
}

int kvs_spawn_run(struct kvs_spawn *s, struct kvs_bench_command *c, double *ret_ms)
{
	double began, ended;
	int status = 0, r;
	pid_t pid;

	if (ftruncate(s->stderr_fd, 0) < 0)
		return fail(s, c, strerror(errno), errno);
	alarm(TIMEOUT_SECONDS);
	began = now_ms();
	pid = start(s, c->argv);
	if (pid > 0 && waitpid(pid, &status, 0) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	ended = now_ms();
	alarm(0);
	if (pid < 0)
		return fail(s, c, strerror(errno), errno);
	r = judge(s, c, status);
	if (r == 0)
		*ret_ms = ended - began;
	return r;
}
