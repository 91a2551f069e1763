/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

enum { MAX_STATE_BYTES = 4 << 20 };

static const char state_file[] = "state.json";
static const char *const files[] = { "state.json", "state.json.new", "start", "exit" };

static const char *const status_names[] = {
	[KVS_STATUS_CREATING] = "creating",
	[KVS_STATUS_CREATED] = "created",
	[KVS_STATUS_RUNNING] = "running",
	[KVS_STATUS_PAUSED] = "paused",
	[KVS_STATUS_STOPPED] = "stopped",
};

const char *kvs_state_status_name(enum kvs_status status)
{
	return status_names[status];
}

static int make_path(const char *path)
{
	char copy[4096];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, 0711) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int kvs_state_open_root(const char *root, struct kvs_error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[4096];
	int fd, r;

	if (root)
		snprintf(path, sizeof(path), "%s", root);
	else if (geteuid() == 0)
		snprintf(path, sizeof(path), "/run/kvshim");
	else if (runtime && runtime[0] == '/')
		snprintf(path, sizeof(path), "%s/kvshim", runtime);
	else
		snprintf(path, sizeof(path), "/tmp/kvshim-%u", geteuid());
	r = make_path(path);
	fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, r < 0 ? -r : errno,
			"cannot open the state directory '%s'", path);
	return fd;
}

static bool is_id(const char *id)
{
	size_t length = strlen(id);

	if (length == 0 || length > KVS_STATE_ID_MAX || id[0] == '.')
		return false;
	for (; *id; id++)
		if (!isalnum((unsigned char)*id) && !strchr("_+-.", *id))
			return false;
	return true;
}

static int bad_id(const char *id, struct kvs_error *err)
{
	kvs_error_hint(err, "an id has letters, digits, _ + - and . and does not start with a dot");
	return kvs_error_set(err, KVS_ERROR_USAGE, 0, "'%s' cannot be a container's id", id);
}

/* Lock the directory; it may have been deleted while we waited. */
static int lock(int root_fd, const char *id, int *ret_fd)
{
	_cleanup_close_ int fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat ours, there;

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	if (fstat(fd, &ours) < 0 || fstatat(root_fd, id, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
		ours.st_ino != there.st_ino)
		return -ENOENT;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void stamp(char *ret, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int kvs_state_create(int root_fd, const char *id, struct kvs_state *ret_s, struct kvs_error *err)
{
	struct kvs_state s = { .root_fd = root_fd, .dir_fd = -1 };
	int r;

	*ret_s = s;
	if (!is_id(id))
		return bad_id(id, err);
	if (mkdirat(root_fd, id, 0700) < 0)
		return kvs_error_set(err,
			errno == EEXIST ? KVS_ERROR_CONTAINER_EXISTS : KVS_ERROR_HOST, errno,
			"cannot create container '%s'", id);
	r = lock(root_fd, id, &s.dir_fd);
	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot lock container '%s'", id);
	strcpy(s.id, id);
	stamp(s.created, sizeof(s.created));
	*ret_s = s;
	return 0;
}

static const char *string_of(const cJSON *json, const char *name)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return value ? value : "";
}

static double number_of(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static int load(struct kvs_state *s, const cJSON *json)
{
	const cJSON *kvshim = cJSON_GetObjectItemCaseSensitive(json, "kvshim");

	snprintf(s->created, sizeof(s->created), "%s", string_of(kvshim, "created"));
	s->bundle = strdup(string_of(json, "bundle"));
	s->pid = (pid_t)number_of(kvshim, "pid");
	s->pid_start = (uint64_t)number_of(kvshim, "pidStart");
	s->is_started = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(kvshim, "started"));
	s->is_paused = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(kvshim, "paused"));
	s->annotations = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(json, "annotations"), 1);
	s->hooks = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(kvshim, "hooks"), 1);
	return s->bundle ? 0 : -ENOMEM;
}

/* A container whose creator died before it wrote anything has no file, and no process. */
static int load_file(struct kvs_state *s)
{
	_cleanup_close_ int fd = openat(s->dir_fd, state_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *text = NULL;
	size_t size;
	cJSON *json;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = kvs_io_read_file(fd, MAX_STATE_BYTES, &text, &size);
	if (r < 0)
		return r;
	json = cJSON_ParseWithLength(text, size);
	r = json ? load(s, json) : -EBADMSG;
	cJSON_Delete(json);
	return r;
}

int kvs_state_open(int root_fd, const char *id, struct kvs_state *ret_s, struct kvs_error *err)
{
	struct kvs_state s = { .root_fd = root_fd, .dir_fd = -1 };
	int r;

	*ret_s = s;
	if (!is_id(id))
		return bad_id(id, err);
	strcpy(s.id, id);
	r = lock(root_fd, id, &s.dir_fd);
	if (r == -ENOENT)
		return kvs_error_set(
			err, KVS_ERROR_CONTAINER_MISSING, 0, "container does not exist: '%s'", id);
	if (r == 0)
		r = load_file(&s);
	if (r < 0) {
		kvs_state_close(&s);
		return kvs_error_set(
			err, KVS_ERROR_HOST, -r, "cannot read the state of container '%s'", id);
	}
	*ret_s = s;
	return 0;
}

cJSON *kvs_state_to_json(const struct kvs_state *s)
{
	enum kvs_status status = kvs_state_status(s);
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "ociVersion", "1.2.0");
	cJSON_AddStringToObject(json, "id", s->id);
	cJSON_AddStringToObject(json, "status", kvs_state_status_name(status));
	cJSON_AddNumberToObject(json, "pid", status == KVS_STATUS_STOPPED ? 0 : s->pid);
	cJSON_AddStringToObject(json, "bundle", s->bundle ? s->bundle : "");
	if (s->annotations)
		cJSON_AddItemToObject(json, "annotations", cJSON_Duplicate(s->annotations, 1));
	return json;
}

int kvs_state_save(const struct kvs_state *s, struct kvs_error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	cJSON *json = kvs_state_to_json(s), *kvshim = cJSON_AddObjectToObject(json, "kvshim");
	int r = 0;

	cJSON_AddStringToObject(kvshim, "created", s->created);
	cJSON_AddNumberToObject(kvshim, "pid", s->pid);
	cJSON_AddNumberToObject(kvshim, "pidStart", (double)s->pid_start);
	cJSON_AddBoolToObject(kvshim, "started", s->is_started);
	cJSON_AddBoolToObject(kvshim, "paused", s->is_paused);
	if (s->hooks)
		cJSON_AddItemToObject(kvshim, "hooks", cJSON_Duplicate(s->hooks, 1));
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (!text)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot write the state");
	fd = openat(s->dir_fd, "state.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		r = -errno;
	if (r == 0)
		r = kvs_io_write_all(fd, text, strlen(text));
	if (r == 0 && renameat(s->dir_fd, "state.json.new", s->dir_fd, state_file) < 0)
		r = -errno;
	return r < 0 ? kvs_error_set(
			       err, KVS_ERROR_HOST, -r, "cannot write the state of '%s'", s->id)
		     : 0;
}

int kvs_state_remove(struct kvs_state *s, struct kvs_error *err)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (unlinkat(s->dir_fd, files[i], 0) < 0 && errno != ENOENT)
			return kvs_error_set(err, KVS_ERROR_HOST, errno,
				"cannot delete '%s' of container '%s'", files[i], s->id);
	if (unlinkat(s->root_fd, s->id, AT_REMOVEDIR) < 0)
		return kvs_error_set(
			err, KVS_ERROR_HOST, errno, "cannot delete container '%s'", s->id);
	return 0;
}

void kvs_state_close(struct kvs_state *s)
{
	kvs_close_p(&s->dir_fd);
	free(s->bundle);
	cJSON_Delete(s->annotations);
	cJSON_Delete(s->hooks);
	*s = (struct kvs_state){ .dir_fd = -1 };
}

uint64_t kvs_state_read_start(pid_t pid)
{
	_cleanup_close_ int fd = -1;
	unsigned long long start = 0;
	char path[64], text[1024], status, *after;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name may hold anything, a parenthesis too: fields count from the last one. */
	after = strrchr(text, ')');
	if (!after || sscanf(after + 1,
			      " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			      "%*d %*d %llu",
			      &status, &start) != 2)
		return 0;
	return status == 'Z' || status == 'X' ? 0 : start;
}

int kvs_state_open_process(const struct kvs_state *s)
{
	_cleanup_close_ int fd = -1;

	if (s->pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (fd < 0)
		return -errno;
	/* Held by the descriptor, the number is not recycled any more: now the check is good. */
	return kvs_state_read_start(s->pid) == s->pid_start ? TAKE_FD(fd) : -ESRCH;
}

enum kvs_status kvs_state_status(const struct kvs_state *s)
{
	if (s->pid == 0)
		return KVS_STATUS_CREATING;
	if (kvs_state_read_start(s->pid) != s->pid_start)
		return KVS_STATUS_STOPPED;
	if (s->is_paused)
		return KVS_STATUS_PAUSED;
	return s->is_started ? KVS_STATUS_RUNNING : KVS_STATUS_CREATED;
}
