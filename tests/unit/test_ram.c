/* SPDX-License-Identifier: Apache-2.0 */
/* Guest RAM as an allocator: no page twice, none lost, all zeroed. No KVM is attached. */
#include "tests/unit/unit.h"

#include "vmm/ram.h"

#include <unistd.h>

enum { PAGES = 300 };

static int set_up(void **state)
{
	static struct kvs_ram ram;

	*state = &ram;
	return kvs_ram_init(&ram, PAGES * KVS_PAGE_SIZE);
}

static int tear_down(void **state)
{
	kvs_ram_done(*state);
	return 0;
}

static bool is_zero(const struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages)
{
	const uint8_t *at = kvs_ram_at(ram, gpa);

	for (uint64_t i = 0; i < pages * KVS_PAGE_SIZE; i++)
		if (at[i])
			return false;
	return true;
}

static void test_all_pages_once(void **state)
{
	struct kvs_ram *ram = *state;
	bool seen[PAGES] = { false };
	uint64_t total = 0;
	kvs_gpa gpa;
	int64_t n;

	while ((n = kvs_ram_alloc(ram, 7, &gpa)) > 0) {
		assert_true(n <= 7 && gpa % KVS_PAGE_SIZE == 0);
		assert_true(is_zero(ram, gpa, (uint64_t)n));
		memset(kvs_ram_at(ram, gpa), 0xaa, (size_t)n * KVS_PAGE_SIZE);
		for (int64_t i = 0; i < n; i++) {
			assert_true(gpa / KVS_PAGE_SIZE + (uint64_t)i < PAGES);
			assert_false(seen[gpa / KVS_PAGE_SIZE + (uint64_t)i]);
			seen[gpa / KVS_PAGE_SIZE + (uint64_t)i] = true;
		}
		total += (uint64_t)n;
		assert_int_equal(ram->free_pages, PAGES - total);
	}
	assert_int_equal(n, -ENOMEM);
	assert_int_equal(total, PAGES);
	assert_int_equal(kvs_ram_alloc_exact(ram, 1, &gpa), -ENOMEM);
}

static void test_free_is_zeroed(void **state)
{
	struct kvs_ram *ram = *state;
	kvs_gpa a, b;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(kvs_ram_alloc_exact(ram, 200, &a), 0);
		assert_int_equal(kvs_ram_alloc_exact(ram, 200, &b), -ENOMEM);
		assert_int_equal(*(uint64_t *)kvs_ram_at(ram, a + 199 * KVS_PAGE_SIZE), 0);
		*(uint64_t *)kvs_ram_at(ram, a + 199 * KVS_PAGE_SIZE) = 1;
		kvs_ram_free(ram, a, 200);
		assert_int_equal(ram->free_pages, PAGES);
	}
}

/* Runs between used pages are found, and are no longer than they are. */
static void test_fragments(void **state)
{
	struct kvs_ram *ram = *state;
	kvs_gpa all, gpa;
	int64_t n;

	assert_int_equal(kvs_ram_alloc_exact(ram, PAGES, &all), 0);
	for (uint64_t i = 0; i < 100; i += 2)
		kvs_ram_free(ram, all + i * KVS_PAGE_SIZE, 1);
	kvs_ram_free(ram, all + 200 * KVS_PAGE_SIZE, 3);
	assert_int_equal(ram->free_pages, 53);
	assert_int_equal(kvs_ram_alloc_exact(ram, 4, &gpa), -ENOMEM);
	assert_int_equal(kvs_ram_alloc_exact(ram, 3, &gpa), 0);
	assert_int_equal(gpa, all + 200 * KVS_PAGE_SIZE);
	for (int i = 0; i < 50; i++) {
		n = kvs_ram_alloc(ram, 10, &gpa);
		assert_int_equal(n, 1);
	}
	assert_int_equal(kvs_ram_alloc(ram, 1, &gpa), -ENOMEM);
	assert_int_equal(ram->free_pages, 0);
}

static void test_revoke_keeps(void **state)
{
	struct kvs_ram *ram = *state;
	kvs_gpa gpa;

	assert_int_equal(kvs_ram_alloc_exact(ram, 3, &gpa), 0);
	memset(kvs_ram_at(ram, gpa), 0x5a, 3 * KVS_PAGE_SIZE);
	kvs_ram_revoke(ram, gpa, 3);
	assert_int_equal(((uint8_t *)kvs_ram_at(ram, gpa))[3 * KVS_PAGE_SIZE - 1], 0x5a);
}

static void test_file(void **state)
{
	struct kvs_ram *ram = *state;
	char name[] = "/tmp/kvs-unit-ram-XXXXXX", text[16] = "";
	int fd = mkstemp(name);
	kvs_gpa gpa;

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(ftruncate(fd, 2 * KVS_PAGE_SIZE), 0);
	assert_int_equal(pwrite(fd, "from the file", 13, KVS_PAGE_SIZE), 13);
	assert_int_equal(kvs_ram_alloc_exact(ram, 2, &gpa), 0);
	assert_int_equal(kvs_ram_map_file(ram, gpa, 2, fd, 0, true, false), 0);
	assert_memory_equal(kvs_ram_at(ram, gpa + KVS_PAGE_SIZE), "from the file", 13);
	memcpy(kvs_ram_at(ram, gpa + KVS_PAGE_SIZE), "from the RAM!", 13);
	assert_int_equal(pread(fd, text, 13, KVS_PAGE_SIZE), 13);
	assert_string_equal(text, "from the file");
	kvs_ram_free(ram, gpa, 2);
	assert_true(is_zero(ram, gpa, 2));
	close(fd);
}

static void test_done_twice(void **state)
{
	struct kvs_ram ram = { .vm_fd = -1 };

	(void)state;
	kvs_ram_done(&ram);
	assert_int_equal(kvs_ram_init(&ram, KVS_PAGE_SIZE), 0);
	kvs_ram_done(&ram);
	kvs_ram_done(&ram);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_pages_once),
		TEST(test_free_is_zeroed),
		TEST(test_fragments),
		TEST(test_revoke_keeps),
		TEST(test_file),
		TEST(test_done_twice),
	};

	return cmocka_run_group_tests_name("ram", tests, NULL, NULL);
}
