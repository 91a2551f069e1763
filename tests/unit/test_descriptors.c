/* SPDX-License-Identifier: Apache-2.0 */
/* GDT, IDT and TSS as the CPU would read them. */
#include "tests/unit/unit.h"

#include "vmm/descriptors.h"

static uint8_t page[KVS_PAGE_SIZE];

static uint64_t get64(size_t offset)
{
	uint64_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static bool is_granted(unsigned int port)
{
	size_t base = KVS_DESC_TSS + page[KVS_DESC_TSS + 102] + page[KVS_DESC_TSS + 103] * 256u;

	return !(page[base + port / 8] >> port % 8 & 1);
}

static unsigned int dpl_of(uint64_t descriptor)
{
	return descriptor >> 45 & 3;
}

static void test_segments(void **state)
{
	const uint16_t ports[] = { 0 };

	(void)state;
	kvs_descriptors_write(page, ports);
	assert_int_equal(get64(KVS_DESC_GDT), 0);
	assert_int_equal(dpl_of(get64(KVS_DESC_GDT + KVS_SEL_KERNEL_CS)), 0);
	assert_int_equal(dpl_of(get64(KVS_DESC_GDT + KVS_SEL_KERNEL_SS)), 0);
	assert_int_equal(dpl_of(get64(KVS_DESC_GDT + (KVS_SEL_USER_CS & ~7))), 3);
	assert_int_equal(dpl_of(get64(KVS_DESC_GDT + (KVS_SEL_USER_SS & ~7))), 3);
	/* Code: long mode, not 32-bit. */
	assert_int_equal(get64(KVS_DESC_GDT + (KVS_SEL_USER_CS & ~7)) >> 53 & 3, 1);
	/* SYSRET takes SS and CS from one field: 8 and 16 beyond it. */
	assert_int_equal(KVS_SEL_USER_CS - 16, KVS_SEL_USER_SS - 8);
}

static void test_tss(void **state)
{
	const uint16_t ports[] = { 0 };
	uint64_t low, high, base;

	(void)state;
	kvs_descriptors_write(page, ports);
	low = get64(KVS_DESC_GDT + KVS_SEL_TSS);
	high = get64(KVS_DESC_GDT + KVS_SEL_TSS + 8);
	base = (low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32;
	assert_int_equal(base, KVS_GVA_DESC + KVS_DESC_TSS);
	assert_int_equal((low & 0xffff) | (low >> 32 & 0xf0000), KVS_TSS_BYTES - 1);
	assert_int_equal(get64(KVS_DESC_TSS + 4), KVS_GVA_STACK + KVS_PAGE_SIZE);
	assert_true(KVS_DESC_TSS + KVS_TSS_BYTES <= KVS_PAGE_SIZE);
	assert_true(KVS_DESC_GDT + KVS_GDT_BYTES <= KVS_DESC_IDT);
	assert_true(KVS_DESC_IDT + KVS_IDT_BYTES <= KVS_DESC_TSS);
	assert_int_equal(page[KVS_DESC_TSS + KVS_TSS_BYTES - 1], 0xff);
}

static void test_gates(void **state)
{
	const uint16_t ports[] = { 0 };

	(void)state;
	kvs_descriptors_write(page, ports);
	for (unsigned int vector = 0; vector < KVS_VECTORS; vector++) {
		uint64_t low = get64(KVS_DESC_IDT + vector * 16);
		uint64_t high = get64(KVS_DESC_IDT + vector * 16 + 8);
		uint64_t target = (low & 0xffff) | (low >> 48) << 16 | high << 32;

		assert_int_equal(target, KVS_GVA_INIT + vector * KVS_VECTOR_BYTES);
		assert_int_equal(low >> 16 & 0xffff, KVS_SEL_KERNEL_CS);
		assert_int_equal(low >> 40 & 0x9f, 0x8e); /* present, an interrupt gate */
		assert_int_equal(dpl_of(low), vector == 3 || vector == 4 ? 3 : 0);
	}
}

static void test_ports(void **state)
{
	const uint16_t ports[] = { 0x3f8, 0x3ff, 0xe8, 0 };

	(void)state;
	kvs_descriptors_write(page, ports);
	for (unsigned int port = 0; port < KVS_PORTS; port++)
		assert_int_equal(is_granted(port), port == 0x3f8 || port == 0x3ff || port == 0xe8);
	kvs_descriptors_grant(page, KVS_PORT_SYSCALL, true);
	assert_true(is_granted(KVS_PORT_SYSCALL));
	assert_false(is_granted(KVS_PORT_SYSCALL + 1));
	kvs_descriptors_grant(page, KVS_PORT_SYSCALL, false);
	kvs_descriptors_grant(page, KVS_PORTS - 1, false);
	assert_false(is_granted(KVS_PORT_SYSCALL));
	assert_false(is_granted(KVS_PORTS - 1));
	assert_true(is_granted(0x3f8));
}

static void test_error_codes(void **state)
{
	static const unsigned int with[] = { 8, 10, 11, 12, 13, 14, 17, 21, 29, 30 };

	(void)state;
	for (unsigned int vector = 0; vector < KVS_VECTORS; vector++) {
		bool want = false;

		for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++)
			want = want || with[i] == vector;
		assert_int_equal(kvs_descriptors_has_error_code(vector), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_tss),
		cmocka_unit_test(test_gates),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_error_codes),
	};

	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
