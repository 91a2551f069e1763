/* SPDX-License-Identifier: Apache-2.0 */
#include "hooks.h"

#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A JSON array of strings as execve(2) wants it; the strings stay the tree's. NULL without memory.
 */
static char **vector_of(const cJSON *array, const char *fallback)
{
	size_t n = 0, count = (size_t)cJSON_GetArraySize(array);
	char **vector = calloc(count + 2, sizeof(*vector));
	const cJSON *item;

	if (!vector)
		return NULL;
	cJSON_ArrayForEach(item, array) vector[n++] = item->valuestring;
	if (n == 0 && fallback)
		vector[0] = (char *)fallback;
	return vector;
}

/* Start one hook with @text on its standard input. */
static int start_hook(const cJSON *hook, const char *path, const char *text, pid_t *ret_pid)
{
	_cleanup_free_ char **argv =
		vector_of(cJSON_GetObjectItemCaseSensitive(hook, "args"), path);
	_cleanup_free_ char **envp = vector_of(cJSON_GetObjectItemCaseSensitive(hook, "env"), NULL);
	_cleanup_close_ int in = -1, out = -1;
	posix_spawn_file_actions_t actions;
	int pair[2], r;

	if (!argv || !envp)
		return -ENOMEM;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	in = pair[0];
	out = pair[1];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	r = posix_spawn(ret_pid, path, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return -r;
	/* A hook need not read its input: it may be gone, or the pipe full. */
	fcntl(out, F_SETFL, O_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	(void)!write(out, text, strlen(text));
	return 0;
}

/* Wait for it, at most @timeout_s (0: for ever). Its wait status, or -ETIMEDOUT. */
static int wait_hook(pid_t pid, double timeout_s)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool late = fd >= 0 && timeout_s > 0 && poll(&p, 1, (int)(timeout_s * 1000)) == 0;
	int status = 0;

	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return late ? -ETIMEDOUT : status;
}

static int run_hook(const cJSON *hook, const char *kind, const char *text, struct kvs_error *err)
{
	const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(hook, "path"));
	const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(hook, "timeout");
	pid_t pid;
	int r;

	r = start_hook(hook, path, text, &pid);
	if (r < 0)
		return kvs_error_set(
			err, KVS_ERROR_HOOK, -r, "cannot start %s hook '%s'", kind, path);
	r = wait_hook(pid, timeout ? timeout->valuedouble : 0);
	if (r == -ETIMEDOUT)
		return kvs_error_set(
			err, KVS_ERROR_HOOK, 0, "%s hook '%s' ran into its timeout", kind, path);
	if (r != 0)
		return kvs_error_set(err, KVS_ERROR_HOOK, 0, "%s hook '%s' failed: %s %d", kind,
			path, WIFSIGNALED(r) ? "signal" : "exit status",
			WIFSIGNALED(r) ? WTERMSIG(r) : WEXITSTATUS(r));
	return 0;
}

int kvs_hooks_run(const cJSON *hooks, const char *kind, const cJSON *state, struct kvs_error *err)
{
	const cJSON *row = cJSON_GetObjectItemCaseSensitive(hooks, kind), *hook;
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (cJSON_GetArraySize(row) == 0)
		return 0;
	text = cJSON_PrintUnformatted(state);
	if (!text)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot run hooks");
	cJSON_ArrayForEach(hook, row) if (r == 0) r = run_hook(hook, kind, text, err);
	return r;
}
