/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"

#include "guest-init/abi.h"
#include "vmm/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAUNCH_MAGIC 0x31534c4bu /* "KLS1" */

enum {
	MAX_STRINGS = 16384,
	MAX_STRING_BYTES = 160 << 10, /* with the header, what one packet can carry */
	FIXED_STRINGS = 3,	      /* cwd, exe, hostname */
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

/* Room for the descriptors of a message, aligned as cmsg(3) wants it. */
union ancillary {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct kvs_launch_fds))];
};

/* Bytes of descriptors that go with a message: the last two only when it parks. */
static size_t fds_bytes(uint32_t flags)
{
	return flags & KVS_LAUNCH_PARK ? sizeof(struct kvs_launch_fds)
				       : offsetof(struct kvs_launch_fds, start);
}

static int send_with_fds(
	int socket, const void *data, size_t size, const struct kvs_launch_fds *fds, size_t bytes)
{
	union ancillary ancillary = { .header = {
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS,
					      .cmsg_len = CMSG_LEN(bytes),
				      } };
	struct iovec iov = { (void *)data, size };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = CMSG_SPACE(bytes),
	};

	memcpy(CMSG_DATA(&ancillary.header), fds, bytes);
	return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -errno;
}

int kvs_launch_send(int socket, const struct kvs_launch *l, const struct kvs_launch_fds *fds,
	struct kvs_error *err)
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
	char *at = message + sizeof(h);
	int r;

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
	r = send_with_fds(socket, message, sizeof(h) + bytes, fds, fds_bytes(l->flags));
	return r < 0 ? kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot reach kvshim-vmm") : 0;
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

static void close_received(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t bytes = header ? header->cmsg_len - CMSG_LEN(0) : 0;

	for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
		close(fd);
	}
}

/* One packet and its descriptors; @ret_fd_bytes says how many of them came. */
static ssize_t receive_with_fds(int socket, void *ret_data, size_t size,
	struct kvs_launch_fds *ret_fds, size_t *ret_fd_bytes)
{
	union ancillary ancillary;
	struct iovec iov = { ret_data, size };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_len > CMSG_LEN(sizeof(*ret_fds)) ||
		message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		close_received(&message);
		return message.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
	}
	*ret_fd_bytes = header->cmsg_len - CMSG_LEN(0);
	memcpy(ret_fds, CMSG_DATA(header), *ret_fd_bytes);
	return n;
}

/* Take a packet apart; the strings stay in @l->strings, which it takes. */
static int parse(const char *packet, size_t size, struct kvs_launch *l)
{
	struct header h;

	if (size < sizeof(h))
		return -EBADMSG;
	memcpy(&h, packet, sizeof(h));
	if (!is_sane(&h) || h.string_bytes != size - sizeof(h))
		return -EBADMSG;
	l->abi = h.abi;
	l->flags = h.flags;
	l->ram_bytes = h.ram_bytes;
	l->deadline_ns = h.deadline_ns;
	l->nofile = h.nofile;
	l->uid = h.uid;
	l->gid = h.gid;
	l->strings = malloc(h.string_bytes + 1);
	l->args = calloc(h.argc + 1, sizeof(char *));
	l->env = calloc(h.envc + 1, sizeof(char *));
	if (!l->strings || !l->args || !l->env)
		return -ENOMEM;
	memcpy(l->strings, packet + sizeof(h), h.string_bytes);
	return parse_strings(&h, l) ? 0 : -EBADMSG;
}

int kvs_launch_receive(int socket, struct kvs_launch *ret_launch, struct kvs_launch_fds *ret_fds,
	struct kvs_error *err)
{
	const size_t size = sizeof(struct header) + MAX_STRING_BYTES;
	_cleanup_free_ char *packet = malloc(size); /* the stack may be small */
	struct kvs_launch l = { 0 };
	size_t fd_bytes = 0;
	ssize_t n;
	int r;

	*ret_fds = KVS_LAUNCH_NO_FDS;
	n = packet ? receive_with_fds(socket, packet, size, ret_fds, &fd_bytes) : -ENOMEM;
	r = n < 0 ? (int)n : parse(packet, (size_t)n, &l);
	if (r == 0 && fd_bytes != fds_bytes(l.flags))
		r = -EBADMSG;
	if (r == -EPIPE)
		return r;
	if (r < 0) {
		kvs_launch_close_fds(ret_fds);
		kvs_launch_done(&l);
		return kvs_error_set(err, r == -EMFILE ? KVS_ERROR_HOST : KVS_ERROR_INTERNAL, -r,
			r == -EMFILE ? "no room for the payload's files" : "bad launch message");
	}
	*ret_launch = l;
	return 0;
}

void kvs_launch_close_fds(struct kvs_launch_fds *fds)
{
	kvs_close_p(&fds->payload);
	kvs_close_p(&fds->root);
	kvs_close_p(&fds->null);
	kvs_close_p(&fds->start);
	kvs_close_p(&fds->record);
	*fds = KVS_LAUNCH_NO_FDS;
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
