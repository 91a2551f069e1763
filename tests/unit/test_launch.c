/* SPDX-License-Identifier: Apache-2.0 */
/* The launch message and the exit record, there and back, and as a hostile peer would send them. */
#include "tests/unit/unit.h"

#include "vmm/launch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int sockets[2];

static int set_up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets);
}

static int tear_down(void **state)
{
	(void)state;
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}

static char *args[] = { "/bin/x", "a b", "", NULL };
static char *env[] = { "A=1", "B=", NULL };
static char *none[] = { NULL };

static struct kvs_launch good(void)
{
	return (struct kvs_launch){
		.abi = KVS_ABI_LINUX,
		.flags = KVS_LAUNCH_DEBUG,
		.ram_bytes = 1 << 20,
		.deadline_ns = 5,
		.nofile = 1024,
		.uid = 1,
		.gid = 2,
		.args = args,
		.env = env,
		.cwd = "/",
		.exe = "/bin/x",
		.hostname = "",
	};
}

static struct kvs_launch_fds some_fds(void)
{
	return (struct kvs_launch_fds){
		.payload = open("/dev/zero", O_RDONLY | O_CLOEXEC),
		.root = open("/", O_PATH | O_CLOEXEC),
		.null = open("/dev/null", O_RDWR | O_CLOEXEC),
	};
}

static void close_fds(const struct kvs_launch_fds *fds)
{
	close(fds->payload);
	close(fds->root);
	close(fds->null);
}

static int send_it(const struct kvs_launch *launch)
{
	struct kvs_launch_fds fds = some_fds();
	struct kvs_error err = { 0 };
	int r = kvs_launch_send(sockets[0], launch, &fds, &err);

	close_fds(&fds);
	return r;
}

static void test_there_and_back(void **state)
{
	struct kvs_launch launch = good(), got = { 0 };
	struct kvs_launch_fds fds = { -1, -1, -1 };
	struct kvs_error err = { 0 };
	char byte = 1;

	(void)state;
	assert_int_equal(send_it(&launch), 0);
	assert_int_equal(kvs_launch_receive(sockets[1], &got, &fds, &err), 0);
	assert_int_equal(got.abi, KVS_ABI_LINUX);
	assert_int_equal(got.flags, KVS_LAUNCH_DEBUG);
	assert_int_equal(got.ram_bytes, 1 << 20);
	assert_int_equal(got.deadline_ns, 5);
	assert_int_equal(got.nofile, 1024);
	assert_int_equal(got.uid, 1);
	assert_int_equal(got.gid, 2);
	for (int i = 0; i < 3; i++)
		assert_string_equal(got.args[i], args[i]);
	assert_null(got.args[3]);
	assert_string_equal(got.env[1], "B=");
	assert_null(got.env[2]);
	assert_string_equal(got.cwd, "/");
	assert_string_equal(got.exe, "/bin/x");
	assert_int_equal(read(fds.payload, &byte, 1), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(write(fds.null, &byte, 1), 1);
	assert_true(fcntl(fds.root, F_GETFD) & FD_CLOEXEC);
	close_fds(&fds);
	kvs_launch_done(&got);
	kvs_launch_done(&got);
}

static void test_bad_values(void **state)
{
	struct kvs_launch wrong[9];

	(void)state;
	for (size_t i = 0; i < 9; i++)
		wrong[i] = good();
	wrong[0].abi = 0;
	wrong[1].abi = 3;
	wrong[2].ram_bytes = 0;
	wrong[3].ram_bytes = 4097;
	wrong[4].ram_bytes = 1ull << 41;
	wrong[5].nofile = 2;
	wrong[6].nofile = 1u << 31;
	wrong[7].args = none;
	wrong[8].cwd = "relative";
	for (size_t i = 0; i < 9; i++) {
		struct kvs_launch_fds fds = { -1, -1, -1 };
		struct kvs_launch got = { 0 };
		struct kvs_error err = { 0 };

		if (send_it(&wrong[i]) < 0)
			continue;
		if (kvs_launch_receive(sockets[1], &got, &fds, &err) >= 0)
			fail_msg("message %zu was taken", i);
		assert_int_equal(err.code, KVS_ERROR_INTERNAL);
		assert_null(got.args);
	}
}

static void test_many_strings(void **state)
{
	static char *many[4097];
	struct kvs_launch launch = good(), got = { 0 };
	struct kvs_launch_fds fds;
	struct kvs_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 4096; i++)
		many[i] = "0123456789abcdef0123456789abcd";
	launch.args = many;
	assert_int_equal(send_it(&launch), 0);
	assert_int_equal(kvs_launch_receive(sockets[1], &got, &fds, &err), 0);
	assert_string_equal(got.args[4095], many[4095]);
	assert_null(got.args[4096]);
	close_fds(&fds);
	kvs_launch_done(&got);
}

static void test_hung_up(void **state)
{
	struct kvs_launch_fds fds;
	struct kvs_launch got;
	struct kvs_error err = { 0 };

	(void)state;
	shutdown(sockets[0], SHUT_RDWR);
	assert_int_equal(kvs_launch_receive(sockets[1], &got, &fds, &err), -EPIPE);
}

static unsigned int count_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Any bytes, with any number of descriptors: refused, and no descriptor is kept. */
static void test_noise(void **state)
{
	unsigned int fds_before = count_fds();
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 500; round++) {
		char data[300];
		char control[CMSG_SPACE(sizeof(int) * 8)] = { 0 };
		struct iovec iov = { data, (size_t)round % sizeof(data) + 1 };
		struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct kvs_launch_fds fds;
		struct kvs_launch got;
		struct kvs_error err = { 0 };
		int count = round % 8;

		for (size_t i = 0; i < sizeof(data); i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			data[i] = (char)(seed >> 56);
		}
		if (count) {
			struct cmsghdr *header = (struct cmsghdr *)(void *)control;

			message.msg_control = control;
			message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
			*header = (struct cmsghdr){ CMSG_LEN(sizeof(int) * (size_t)count),
				SOL_SOCKET, SCM_RIGHTS };
			for (int i = 0; i < count; i++)
				((int *)(void *)CMSG_DATA(header))[i] = sockets[0];
		}
		assert_true(sendmsg(sockets[0], &message, 0) > 0);
		assert_true(kvs_launch_receive(sockets[1], &got, &fds, &err) < 0);
		assert_int_equal(count_fds(), fds_before);
	}
}

static void test_record(void **state)
{
	struct kvs_record record = { .magic = KVS_RECORD_MAGIC, .size = sizeof(record) }, got;

	(void)state;
	record.stop = (struct kvs_stop){ .kind = KVS_STOP_EXITED, .exit_code = 7 };
	kvs_launch_write_record(sockets[1], &record);
	assert_true(kvs_launch_read_record(sockets[0], &got));
	assert_int_equal(got.stop.exit_code, 7);
}

static void test_bad_records(void **state)
{
	struct kvs_record record, got;

	(void)state;
	memset(&record, 0xff, sizeof(record));
	assert_true(send(sockets[1], &record, sizeof(record), 0) > 0);
	assert_false(kvs_launch_read_record(sockets[0], &got));
	record.magic = KVS_RECORD_MAGIC;
	record.size = sizeof(record);
	assert_true(send(sockets[1], &record, sizeof(record) - 1, 0) > 0);
	assert_false(kvs_launch_read_record(sockets[0], &got));
	assert_true(send(sockets[1], &record, sizeof(record), 0) > 0);
	assert_true(kvs_launch_read_record(sockets[0], &got));
	assert_true(got.stop.kind < KVS_STOP_COUNT && got.error.code < KVS_ERROR_COUNT);
	assert_int_equal(strlen(got.backend), sizeof(got.backend) - 1);
	shutdown(sockets[1], SHUT_RDWR);
	assert_false(kvs_launch_read_record(sockets[0], &got));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_there_and_back),
		TEST(test_bad_values),
		TEST(test_many_strings),
		TEST(test_hung_up),
		TEST(test_noise),
		TEST(test_record),
		TEST(test_bad_records),
	};

	return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
