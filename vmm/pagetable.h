/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four-level page tables in guest RAM, built and edited by the host only.
 *
 * Theory of operation: the guest never maps its own page tables, so an entry is what the host last
 * wrote, plus the accessed and dirty bits, which are preset. A page that must not be touched
 * (PROT_NONE) keeps its frame in a non-present entry, marked by a bit the CPU ignores.
 *
 * Adding or widening an entry needs nothing more: the next access walks the tables. Narrowing or
 * removing one does, see kvs_ram_revoke(); the callers in mm.c do that once for a whole range.
 *
 * Source: SDM 3A 4.5 (4-level paging), APM 2 5.3.
 */
#pragma once

#include "ram.h"

#define KVS_PTE_PRESENT 0x001ull
#define KVS_PTE_WRITE	0x002ull
#define KVS_PTE_USER	0x004ull
#define KVS_PTE_A_D	0x060ull
#define KVS_PTE_FRAME	0x200ull /* ignored by the CPU: this entry owns a frame */
#define KVS_PTE_FILE	0x400ull /* likewise: the frame lies under a file */
#define KVS_PTE_NX	(1ull << 63)
#define KVS_PTE_GPA	0x000ffffffffff000ull

struct kvs_pagetable {
	struct kvs_ram *ram;
	kvs_gpa root; /* the PML4, for CR3 */
};

/* kvs_pagetable_init - 0 or -ENOMEM; @ram is borrowed and owns the table pages */
int kvs_pagetable_init(struct kvs_pagetable *pt, struct kvs_ram *ram);

/*
 * kvs_pagetable_entry - the leaf entry of a page, making the tables above it
 *
 * Return: pointer into guest RAM, NULL when RAM is exhausted.
 */
uint64_t *kvs_pagetable_entry(struct kvs_pagetable *pt, kvs_gva gva);

/*
 * kvs_pagetable_next - the first leaf entry with a frame in [*gva, end)
 * @gva: moved to the page found
 *
 * Skips holes a table at a time, so walking terabytes of nothing costs little.
 *
 * Return: pointer into guest RAM, NULL when there is none.
 */
uint64_t *kvs_pagetable_next(const struct kvs_pagetable *pt, kvs_gva *gva, kvs_gva end);
