/* SPDX-License-Identifier: Apache-2.0 */
/* The address space without a CPU: areas, frames, and pointers nobody should trust. */
#include "tests/unit/unit.h"

#include "vmm/access.h"
#include "vmm/mm.h"

enum {
	PAGES = 512,
	RW = KVS_PROT_READ | KVS_PROT_WRITE,
	RX = KVS_PROT_READ | KVS_PROT_EXEC,
};

#define PAGE ((kvs_gva)KVS_PAGE_SIZE)
#define BASE ((kvs_gva)0x100000)

static struct kvs_ram ram;

static int set_up(void **state)
{
	static struct kvs_mm mm;

	*state = &mm;
	return kvs_ram_init(&ram, PAGES * PAGE) < 0 ? -1 : kvs_mm_init(&mm, &ram);
}

static int tear_down(void **state)
{
	kvs_mm_done(*state);
	kvs_ram_done(&ram);
	return 0;
}

static uint64_t entry_of(const struct kvs_mm *mm, kvs_gva gva)
{
	kvs_gva at = gva;
	const uint64_t *entry = kvs_pagetable_next(&mm->pt, &at, gva + PAGE);

	return entry ? *entry : 0;
}

/* Areas are sorted, disjoint, not empty, and merged where they can be. */
static void assert_sound(const struct kvs_mm *mm)
{
	for (size_t i = 0; i < mm->count; i++) {
		assert_true(mm->vmas[i].start < mm->vmas[i].end);
		if (i == 0)
			continue;
		assert_true(mm->vmas[i - 1].end <= mm->vmas[i].start);
		assert_false(mm->vmas[i - 1].end == mm->vmas[i].start &&
			     mm->vmas[i - 1].prot == mm->vmas[i].prot);
	}
}

static void test_map_merges(void **state)
{
	struct kvs_mm *mm = *state;

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + PAGE, RW), 0);
	assert_int_equal(kvs_mm_map(mm, BASE + 2 * PAGE, BASE + 3 * PAGE, RW), 0);
	assert_int_equal(mm->count, 2);
	assert_int_equal(kvs_mm_map(mm, BASE + PAGE, BASE + 2 * PAGE, RW), 0);
	assert_int_equal(mm->count, 1);
	assert_int_equal(kvs_mm_map(mm, BASE + PAGE, BASE + 2 * PAGE, RX), 0);
	assert_int_equal(mm->count, 3);
	assert_int_equal(kvs_mm_find(mm, BASE + PAGE)->prot, RX);
	assert_int_equal(kvs_mm_unmap(mm, BASE, BASE + 3 * PAGE), 0);
	assert_int_equal(mm->count, 0);
}

static void test_bad_ranges(void **state)
{
	struct kvs_mm *mm = *state;
	static const struct {
		kvs_gva start, end;
	} bad[] = {
		{ BASE, BASE },
		{ BASE + PAGE, BASE },
		{ BASE + 1, BASE + PAGE },
		{ BASE, BASE + PAGE + 1 },
		{ 0, PAGE },
		{ KVS_GVA_MIN - PAGE, KVS_GVA_MIN + PAGE },
		{ KVS_GVA_MAX - PAGE, KVS_GVA_MAX + PAGE },
		{ KVS_GVA_INIT, KVS_GVA_INIT + PAGE },
		{ 0xffff800000000000, 0xffff800000001000 },
		{ BASE, UINT64_MAX & ~(PAGE - 1) },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(kvs_mm_map(mm, bad[i].start, bad[i].end, RW), -EINVAL);
		assert_int_equal(kvs_mm_unmap(mm, bad[i].start, bad[i].end), -EINVAL);
		assert_int_equal(kvs_mm_protect(mm, bad[i].start, bad[i].end, RW), -ENOMEM);
	}
	assert_int_equal(mm->count, 0);
}

static void test_fault_rights(void **state)
{
	struct kvs_mm *mm = *state;

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + PAGE, KVS_PROT_READ), 0);
	assert_int_equal(kvs_mm_map(mm, BASE + PAGE, BASE + 2 * PAGE, RW), 0);
	assert_int_equal(kvs_mm_map(mm, BASE + 2 * PAGE, BASE + 3 * PAGE, RX), 0);
	assert_int_equal(kvs_mm_map(mm, BASE + 3 * PAGE, BASE + 4 * PAGE, 0), 0);
	assert_int_equal(kvs_mm_map(mm, BASE + 4 * PAGE, BASE + 5 * PAGE, KVS_PROT_GUARD), 0);
	for (unsigned int access = 1; access <= 4; access *= 2) {
		bool read = access == KVS_PROT_READ;

		assert_int_equal(kvs_mm_fault(mm, BASE + 5, access), read ? 0 : -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, BASE + PAGE + 5, access),
			access != KVS_PROT_EXEC ? 0 : -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, BASE + 2 * PAGE, access),
			access != KVS_PROT_WRITE ? 0 : -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, BASE + 3 * PAGE, access), -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, BASE + 4 * PAGE, access), -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, BASE + 5 * PAGE, access), -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, 0, access), -EFAULT);
		assert_int_equal(kvs_mm_fault(mm, UINT64_MAX, access), -EFAULT);
	}
	assert_true(entry_of(mm, BASE) & KVS_PTE_NX && !(entry_of(mm, BASE) & KVS_PTE_WRITE));
	assert_true(entry_of(mm, BASE + PAGE) & KVS_PTE_WRITE);
	assert_true(entry_of(mm, BASE + PAGE) & KVS_PTE_NX);
	assert_false(entry_of(mm, BASE + 2 * PAGE) & (KVS_PTE_NX | KVS_PTE_WRITE));
	assert_int_equal(entry_of(mm, BASE + 3 * PAGE), 0);
}

static void test_narrow_and_widen(void **state)
{
	struct kvs_mm *mm = *state;
	char text[6] = "";
	uint64_t before;

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + 8 * PAGE, RW), 0);
	assert_int_equal(kvs_access_store(mm, BASE + PAGE - 2, "hello", 5), 0);
	before = ram.free_pages;
	assert_int_equal(kvs_mm_protect(mm, BASE, BASE + PAGE, 0), 0);
	assert_int_equal(mm->count, 2);
	assert_int_equal(entry_of(mm, BASE) & KVS_PTE_PRESENT, 0);
	assert_true(entry_of(mm, BASE) & KVS_PTE_FRAME);
	assert_int_equal(kvs_access_load(mm, text, BASE + PAGE - 2, 5), -EFAULT);
	assert_int_equal(kvs_mm_protect(mm, BASE, BASE + PAGE, KVS_PROT_READ), 0);
	assert_int_equal(kvs_access_load(mm, text, BASE + PAGE - 2, 5), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(kvs_access_store(mm, BASE, "x", 1), -EFAULT);
	assert_int_equal(kvs_mm_protect(mm, BASE, BASE + PAGE, RW), 0);
	assert_int_equal(kvs_access_store(mm, BASE, "x", 1), 0);
	assert_int_equal(mm->count, 1);
	assert_int_equal(ram.free_pages, before);
	assert_int_equal(kvs_mm_protect(mm, BASE, BASE + 9 * PAGE, RW), -ENOMEM);
	assert_int_equal(kvs_mm_protect(mm, BASE - PAGE, BASE + PAGE, RW), -ENOMEM);
}

static void test_unmap_gives_back(void **state)
{
	struct kvs_mm *mm = *state;
	char byte = 1;
	uint64_t before;

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + 64 * PAGE, RW), 0);
	assert_int_equal(kvs_mm_fault(mm, BASE, KVS_PROT_READ), 0);
	kvs_mm_discard(mm, BASE, BASE + 64 * PAGE);
	before = ram.free_pages; /* what is left is page tables */
	for (int round = 0; round < 20; round++) {
		for (kvs_gva at = BASE; at < BASE + 64 * PAGE; at += PAGE) {
			assert_int_equal(kvs_access_load(mm, &byte, at + 77, 1), 0);
			assert_int_equal(byte, 0);
			assert_int_equal(kvs_access_store(mm, at + 77, "\1", 1), 0);
		}
		assert_int_equal(ram.free_pages, before - 64);
		if (round % 2) {
			kvs_mm_discard(mm, BASE, BASE + 64 * PAGE);
			continue;
		}
		assert_int_equal(kvs_mm_unmap(mm, BASE, BASE + 64 * PAGE), 0);
		assert_int_equal(kvs_access_load(mm, &byte, BASE, 1), -EFAULT);
		assert_int_equal(ram.free_pages, before);
		assert_int_equal(kvs_mm_map(mm, BASE, BASE + 64 * PAGE, RW), 0);
	}
}

static void test_move(void **state)
{
	struct kvs_mm *mm = *state;
	const kvs_gva to = BASE + (1ull << 40);
	char text[6] = "";

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + 4 * PAGE, RW), 0);
	assert_int_equal(kvs_access_store(mm, BASE + PAGE - 2, "hello", 5), 0);
	assert_int_equal(kvs_mm_map(mm, to, to + 8 * PAGE, RW), 0);
	assert_int_equal(kvs_mm_move(mm, BASE, to, 4 * PAGE), 0);
	assert_null(kvs_mm_find(mm, BASE));
	assert_int_equal(entry_of(mm, BASE), 0);
	assert_int_equal(kvs_access_load(mm, text, to + PAGE - 2, 5), 0);
	assert_string_equal(text, "hello");
}

static void test_exhausted(void **state)
{
	struct kvs_mm *mm = *state;
	kvs_gva at = BASE;
	int r = 0;

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + 2 * PAGES * PAGE, RW), 0);
	while ((r = kvs_mm_fault(mm, at, KVS_PROT_WRITE)) == 0)
		at += PAGE;
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(ram.free_pages, 0);
	assert_int_equal(kvs_mm_unmap(mm, BASE, at), 0);
	assert_int_equal(kvs_mm_fault(mm, at, KVS_PROT_WRITE), 0);
}

static void test_find_free(void **state)
{
	struct kvs_mm *mm = *state;
	kvs_gva a;

	mm->mmap_top = BASE + 100 * PAGE;
	a = kvs_mm_find_free(mm, 10 * PAGE);
	assert_int_equal(a, BASE + 90 * PAGE);
	assert_int_equal(kvs_mm_map(mm, a, a + 10 * PAGE, RW), 0);
	assert_int_equal(kvs_mm_map(mm, BASE + 80 * PAGE, BASE + 85 * PAGE, RW), 0);
	assert_int_equal(kvs_mm_find_free(mm, 5 * PAGE), BASE + 85 * PAGE);
	assert_int_equal(kvs_mm_find_free(mm, 6 * PAGE), BASE + 74 * PAGE);
	assert_int_equal(kvs_mm_find_free(mm, BASE + 80 * PAGE - KVS_GVA_MIN), KVS_GVA_MIN);
	assert_int_equal(kvs_mm_find_free(mm, BASE + 81 * PAGE - KVS_GVA_MIN), 0);
	assert_int_equal(kvs_mm_find_free(mm, 1ull << 62), 0);
	assert_true(kvs_mm_overlaps(mm, BASE, BASE + 81 * PAGE));
	assert_false(kvs_mm_overlaps(mm, BASE + 85 * PAGE, BASE + 90 * PAGE));
}

static void test_hostile_pointers(void **state)
{
	struct kvs_mm *mm = *state;
	static const kvs_gva bad[] = { 0, 1, KVS_GVA_MIN - 1, KVS_GVA_MAX, KVS_GVA_GATE,
		KVS_GVA_DESC, 1ull << 47, 1ull << 63, UINT64_MAX - 4096, UINT64_MAX - 7,
		UINT64_MAX };
	struct iovec iov[4];
	char data[64];
	void *host;
	int count;

	assert_int_equal(kvs_mm_map(mm, KVS_GVA_MAX - PAGE, KVS_GVA_MAX, RW), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		for (uint64_t size = 1; size; size <<= 9) {
			assert_int_equal(
				kvs_access_span(mm, bad[i], size, KVS_PROT_READ, &host), -EFAULT);
			assert_int_equal(
				kvs_access_iov(mm, bad[i], size, KVS_PROT_WRITE, iov, 4, &count),
				-EFAULT);
		}
		assert_int_equal(kvs_access_load(mm, data, bad[i], 8), -EFAULT);
		assert_int_equal(kvs_access_store(mm, bad[i], data, 8), -EFAULT);
		assert_int_equal(kvs_access_load_string(mm, data, bad[i], 64), -EFAULT);
	}
	/* Good up to the end, whatever the length says. */
	assert_int_equal(
		kvs_access_iov(mm, KVS_GVA_MAX - 10, UINT64_MAX, KVS_PROT_READ, iov, 4, &count),
		10);
	assert_int_equal(count, 1);
	assert_int_equal(kvs_access_store(mm, KVS_GVA_MAX - 8, data, 16), -EFAULT);
	memset(data, 'a', sizeof(data));
	assert_int_equal(kvs_access_store(mm, KVS_GVA_MAX - 8, data, 8), 0);
	assert_int_equal(kvs_access_load_string(mm, data, KVS_GVA_MAX - 8, 8), -ENAMETOOLONG);
	assert_int_equal(kvs_access_load_string(mm, data, KVS_GVA_MAX - 8, 9), -EFAULT);
}

static void test_strings(void **state)
{
	struct kvs_mm *mm = *state;
	char text[16];

	assert_int_equal(kvs_mm_map(mm, BASE, BASE + 2 * PAGE, RW), 0);
	assert_int_equal(kvs_access_store(mm, BASE + PAGE - 3, "string", 7), 0);
	assert_int_equal(kvs_access_load_string(mm, text, BASE + PAGE - 3, sizeof(text)), 6);
	assert_string_equal(text, "string");
	assert_int_equal(kvs_access_load_string(mm, text, BASE + PAGE - 3, 7), 6);
	assert_int_equal(kvs_access_load_string(mm, text, BASE + PAGE - 3, 6), -ENAMETOOLONG);
	assert_int_equal(kvs_access_load_string(mm, text, BASE + 2 * PAGE - 1, sizeof(text)), 0);
}

/* A model of 64 pages, one protection each, against the real thing. */
static void test_random_against_model(void **state)
{
	static const unsigned int prots[] = { 0, KVS_PROT_READ, RW, RX };
	struct kvs_mm *mm = *state;
	unsigned int model[64]; /* protection, or 99 for unmapped */
	uint8_t contents[64] = { 0 };
	uint64_t seed = 12345;

	for (int i = 0; i < 64; i++)
		model[i] = 99;
	for (int step = 0; step < 20000; step++) {
		unsigned int from, to, what, prot;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		from = seed >> 58;
		to = from + 1 + (seed >> 50 & 7);
		to = to > 64 ? 64 : to;
		what = seed >> 40 & 3;
		prot = prots[seed >> 34 & 3];
		if (what == 0) {
			assert_int_equal(
				kvs_mm_map(mm, BASE + from * PAGE, BASE + to * PAGE, prot), 0);
			for (; from < to; from++)
				model[from] = prot, contents[from] = 0;
		} else if (what == 1) {
			assert_int_equal(kvs_mm_unmap(mm, BASE + from * PAGE, BASE + to * PAGE), 0);
			for (; from < to; from++)
				model[from] = 99, contents[from] = 0;
		} else if (what == 2) {
			int want = 0;

			for (unsigned int i = from; i < to; i++)
				want = model[i] == 99 ? -ENOMEM : want;
			assert_int_equal(
				kvs_mm_protect(mm, BASE + from * PAGE, BASE + to * PAGE, prot),
				want);
			for (; want == 0 && from < to; from++)
				model[from] = prot;
		} else {
			uint8_t byte = (uint8_t)seed | 1, got;
			kvs_gva at = BASE + from * PAGE + 123;

			assert_int_equal(kvs_access_load(mm, &got, at, 1),
				model[from] == 99 || model[from] == 0 ? -EFAULT : 0);
			if (model[from] != 99 && model[from] != 0)
				assert_int_equal(got, contents[from]);
			assert_int_equal(kvs_access_store(mm, at, &byte, 1),
				model[from] == RW ? 0 : -EFAULT);
			if (model[from] == RW)
				contents[from] = byte;
		}
		assert_sound(mm);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_map_merges),
		TEST(test_bad_ranges),
		TEST(test_fault_rights),
		TEST(test_narrow_and_widen),
		TEST(test_unmap_gives_back),
		TEST(test_move),
		TEST(test_exhausted),
		TEST(test_find_free),
		TEST(test_hostile_pointers),
		TEST(test_strings),
		TEST(test_random_against_model),
	};

	return cmocka_run_group_tests_name("mm", tests, NULL, NULL);
}
