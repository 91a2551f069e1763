/* SPDX-License-Identifier: Apache-2.0 */
#include "pagetable.h"

#include <errno.h>

enum {
	LEAF_SHIFT = 12,
	LEVEL_BITS = 9,
	TOP_SHIFT = 39,
};

static unsigned int index_at(kvs_gva gva, unsigned int shift)
{
	return gva >> shift & ((1u << LEVEL_BITS) - 1);
}

int kvs_pagetable_init(struct kvs_pagetable *pt, struct kvs_ram *ram)
{
	pt->ram = ram;
	return kvs_ram_alloc_exact(ram, 1, &pt->root);
}

uint64_t *kvs_pagetable_entry(struct kvs_pagetable *pt, kvs_gva gva)
{
	uint64_t *table = kvs_ram_at(pt->ram, pt->root);

	for (unsigned int shift = TOP_SHIFT; shift > LEAF_SHIFT; shift -= LEVEL_BITS) {
		uint64_t *entry = &table[index_at(gva, shift)];

		if (!*entry) {
			kvs_gpa gpa;

			if (kvs_ram_alloc(pt->ram, 1, &gpa) < 0)
				return NULL;
			*entry = gpa | KVS_PTE_PRESENT | KVS_PTE_WRITE | KVS_PTE_USER | KVS_PTE_A_D;
		}
		table = kvs_ram_at(pt->ram, *entry & KVS_PTE_GPA);
	}
	return &table[index_at(gva, LEAF_SHIFT)];
}

/* The leaf entry, or NULL with @ret_skip the span that has no table. */
static uint64_t *find_leaf(const struct kvs_pagetable *pt, kvs_gva gva, uint64_t *ret_skip)
{
	uint64_t *table = kvs_ram_at(pt->ram, pt->root);

	for (unsigned int shift = TOP_SHIFT; shift > LEAF_SHIFT; shift -= LEVEL_BITS) {
		uint64_t entry = table[index_at(gva, shift)];

		if (!entry) {
			*ret_skip = 1ull << shift;
			return NULL;
		}
		table = kvs_ram_at(pt->ram, entry & KVS_PTE_GPA);
	}
	return &table[index_at(gva, LEAF_SHIFT)];
}

uint64_t *kvs_pagetable_next(const struct kvs_pagetable *pt, kvs_gva *gva, kvs_gva end)
{
	kvs_gva at = *gva;

	while (at < end) {
		uint64_t skip = KVS_PAGE_SIZE;
		uint64_t *entry = find_leaf(pt, at, &skip);

		if (entry && *entry & KVS_PTE_FRAME) {
			*gva = at;
			return entry;
		}
		at = (at | (skip - 1)) + 1;
	}
	return NULL;
}
