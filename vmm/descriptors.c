/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptors.h"

#include <string.h>

enum {
	VECTOR_BREAKPOINT = 3,
	VECTOR_OVERFLOW = 4,
	TSS_RSP0 = 4,
	TSS_IST1 = 36,
	TSS_BITMAP_BASE = 102,
};

/* Present, accessed; L for code. Ring 0 at the kernel selectors, ring 3 at the user ones. */
#define GDT_KERNEL_CODE 0x00af9b000000ffffull
#define GDT_KERNEL_DATA 0x00cf93000000ffffull
#define GDT_USER_DATA	0x00cff3000000ffffull
#define GDT_USER_CODE	0x00affb000000ffffull

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void write_gdt(uint8_t *gdt)
{
	uint64_t tss = KVS_GVA_DESC + KVS_DESC_TSS, limit = KVS_TSS_BYTES - 1;

	put64(gdt + KVS_SEL_KERNEL_CS, GDT_KERNEL_CODE);
	put64(gdt + KVS_SEL_KERNEL_SS, GDT_KERNEL_DATA);
	put64(gdt + (KVS_SEL_USER_SS & ~3), GDT_USER_DATA);
	put64(gdt + (KVS_SEL_USER_CS & ~3), GDT_USER_CODE);
	put64(gdt + KVS_SEL_TSS,
		limit | (tss & 0xffffff) << 16 | 0x8bull << 40 | (tss >> 24 & 0xff) << 56);
	put64(gdt + KVS_SEL_TSS + 8, tss >> 32);
}

/*
 * Every gate takes its stack from IST 1: SYSCALL enters ring 0 on the payload's stack, and a trap
 * that is pending then must not be pushed there.
 */
static void write_idt(uint8_t *idt)
{
	for (uint64_t vector = 0; vector < KVS_VECTORS; vector++) {
		uint64_t stub = KVS_GVA_INIT + vector * KVS_VECTOR_BYTES;
		bool from_ring3 = vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;
		uint64_t type = from_ring3 ? 0xee : 0x8e;

		put64(idt + vector * 16, (stub & 0xffff) | (uint64_t)KVS_SEL_KERNEL_CS << 16 |
						 1ull << 32 | type << 40 |
						 (stub >> 16 & 0xffff) << 48);
		put64(idt + vector * 16 + 8, stub >> 32);
	}
}

void kvs_descriptors_grant(uint8_t *page, uint16_t port, bool allow)
{
	uint8_t *byte = page + KVS_DESC_TSS + KVS_TSS_FIXED_BYTES + port / 8;

	if (allow)
		*byte &= (uint8_t) ~(1 << port % 8);
	else
		*byte |= (uint8_t)(1 << port % 8);
}

void kvs_descriptors_write(uint8_t *page, const uint16_t *ports)
{
	uint8_t *tss = page + KVS_DESC_TSS;

	write_gdt(page + KVS_DESC_GDT);
	write_idt(page + KVS_DESC_IDT);
	put64(tss + TSS_RSP0, KVS_GVA_STACK + KVS_PAGE_SIZE);
	put64(tss + TSS_IST1, KVS_GVA_STACK + KVS_PAGE_SIZE);
	tss[TSS_BITMAP_BASE] = KVS_TSS_FIXED_BYTES;
	memset(tss + KVS_TSS_FIXED_BYTES, 0xff, KVS_TSS_BITMAP_BYTES);
	for (; *ports; ports++)
		kvs_descriptors_grant(page, *ports, true);
}

bool kvs_descriptors_has_error_code(unsigned int vector)
{
	/* 8, 10-14, 17, 21, 29, 30 (SDM 3A 6.13, APM 2 8.2) */
	return 0x60227d00u >> vector & 1;
}
