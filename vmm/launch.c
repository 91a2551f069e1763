/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"

#include "guest-init/abi.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LAUNCH_MAGIC 0x31534c4bu /* "KLS1" */

enum {
	MAX_STRINGS = 16384,
	MAX_STRING_BYTES = 1 << 20,
	FIXED_STRINGS = 3, /* cwd, exe, hostname */
};

/* On the wire; then the strings: args, env, cwd, exe, hostname, each with its NUL. */
struct header {
	uint32_t magic;
	uint32_t abi;
	uint32_t flags;
	uint32_t nofile;
	uint64_t ram_bytes;
	uint64_t deadline_ns;
	uint32_t uid, gid;
	uint32_t argc, envc;
	uint32_t string_bytes;
	uint32_t reserved;
};

static uint32_t count(char *const *strings, size_t *bytes)
{
	uint32_t n = 0;

	for (; strings[n]; n++)
		*bytes += strlen(strings[n]) + 1;
	return n;
}

static char *append(char *at, const char *string)
{
	return (char *)memcpy(at, string, strlen(string) + 1) + strlen(string) + 1;
}

int kvs_launch_send(const struct kvs_launch *l, struct kvs_error *err)
{
	size_t bytes = strlen(l->cwd) + strlen(l->exe) + strlen(l->hostname) + FIXED_STRINGS;
	struct header h = {
		.magic = LAUNCH_MAGIC,
		.abi = l->abi,
		.flags = l->flags,
		.nofile = l->nofile,
		.ram_bytes = l->ram_bytes,
		.deadline_ns = l->deadline_ns,
		.uid = l->uid,
		.gid = l->gid,
		.argc = count(l->args, &bytes),
		.envc = count(l->env, &bytes),
		.string_bytes = (uint32_t)bytes,
	};
	_cleanup_free_ char *message = malloc(sizeof(h) + bytes);
	_cleanup_close_ int fd = -1;
	char *at = message + sizeof(h);

	if (!message)
		return kvs_error_set(
			err, KVS_ERROR_HOST, ENOMEM, "cannot build the launch message");
	memcpy(message, &h, sizeof(h));
	for (char **s = l->args; *s; s++)
		at = append(at, *s);
	for (char **s = l->env; *s; s++)
		at = append(at, *s);
	at = append(at, l->cwd);
	at = append(at, l->exe);
	append(at, l->hostname);
	fd = memfd_create("kvshim-launch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || kvs_io_write_all(fd, message, sizeof(h) + bytes) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
			0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot make the launch message");
	return TAKE_FD(fd);
}

static bool is_sane(const struct header *h)
{
	return h->magic == LAUNCH_MAGIC && (h->abi == KVS_ABI_LINUX || h->abi == KVS_ABI_BARE) &&
	       h->ram_bytes >= KVS_PAGE_SIZE && h->ram_bytes % KVS_PAGE_SIZE == 0 &&
	       h->ram_bytes <= 1ull << 40 && h->argc >= 1 && h->argc <= MAX_STRINGS &&
	       h->envc <= MAX_STRINGS && h->string_bytes <= MAX_STRING_BYTES && h->nofile >= 3 &&
	       h->nofile <= 1u << 20;
}

/* Point at the next @n strings; false when they run out. */
static bool take_strings(char **ret, uint32_t n, char **at, const char *end)
{
	for (uint32_t i = 0; i < n; i++) {
		char *nul = memchr(*at, 0, (size_t)(end - *at));

		if (!nul)
			return false;
		ret[i] = *at;
		*at = nul + 1;
	}
	return true;
}

static bool parse_strings(const struct header *h, struct kvs_launch *l)
{
	char *fixed[FIXED_STRINGS], *at = l->strings;
	const char *end = l->strings + h->string_bytes;

	if (!take_strings(l->args, h->argc, &at, end) || !take_strings(l->env, h->envc, &at, end) ||
		!take_strings(fixed, FIXED_STRINGS, &at, end) || at != end)
		return false;
	l->cwd = fixed[0];
	l->exe = fixed[1];
	l->hostname = fixed[2];
	return l->cwd[0] == '/';
}

int kvs_launch_receive(int fd, struct kvs_launch *ret_launch, struct kvs_error *err)
{
	struct kvs_launch l = { 0 };
	struct header h;
	int r = -EINVAL;

	if (kvs_io_pread_all(fd, &h, sizeof(h), 0) != sizeof(h) || !is_sane(&h))
		return kvs_error_set(err, KVS_ERROR_INTERNAL, EINVAL, "bad launch message");
	l = (struct kvs_launch){
		.abi = h.abi,
		.flags = h.flags,
		.ram_bytes = h.ram_bytes,
		.deadline_ns = h.deadline_ns,
		.nofile = h.nofile,
		.uid = h.uid,
		.gid = h.gid,
		.strings = malloc(h.string_bytes + 1),
		.args = calloc(h.argc + 1, sizeof(char *)),
		.env = calloc(h.envc + 1, sizeof(char *)),
	};
	if (!l.strings || !l.args || !l.env)
		r = -ENOMEM;
	else if (kvs_io_pread_all(fd, l.strings, h.string_bytes, sizeof(h)) ==
			 (ssize_t)h.string_bytes &&
		 parse_strings(&h, &l))
		r = 0;
	if (r < 0) {
		kvs_launch_done(&l);
		return kvs_error_set(err, KVS_ERROR_INTERNAL, -r, "bad launch message");
	}
	*ret_launch = l;
	return 0;
}

void kvs_launch_done(struct kvs_launch *l)
{
	free(l->args);
	free(l->env);
	free(l->strings);
	*l = (struct kvs_launch){ 0 };
}

void kvs_launch_write_record(int fd, const struct kvs_record *record)
{
	/* Nobody is left to tell when this fails; the reader then says that no record came. */
	(void)!write(fd, record, sizeof(*record));
}

bool kvs_launch_read_record(int fd, struct kvs_record *ret_record)
{
	struct kvs_record record;

	if (read(fd, &record, sizeof(record)) != sizeof(record) ||
		record.magic != KVS_RECORD_MAGIC || record.size != sizeof(record))
		return false;
	kvs_stop_sanitize(&record.stop);
	kvs_error_sanitize(&record.error);
	record.backend[sizeof(record.backend) - 1] = '\0';
	*ret_record = record;
	return true;
}
