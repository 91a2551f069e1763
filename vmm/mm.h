/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's address space: areas with a protection each, frames on demand beneath them.
 *
 * Theory of operation. An area (VMA) is a promise; a frame comes with the first touch, by the
 * guest (a page fault that exits) or by the host on its behalf (a system call's buffer). A fault
 * maps and populates a window of pages that doubles while faults are adjacent, since one exit
 * costs as much as populating some thirty pages. What is unmapped gives its frames back to the
 * host; what is narrowed is revoked, so that no stale translation survives in KVM.
 *
 * Not here: the host's access to guest memory, see access.h; file mappings that stay shared,
 * several vCPUs editing at once.
 */
#pragma once

#include "pagetable.h"

enum kvs_prot {
	KVS_PROT_READ = 1, /* the values of PROT_READ and friends */
	KVS_PROT_WRITE = 2,
	KVS_PROT_EXEC = 4,
	KVS_PROT_GUARD = 8, /* never accessible, and named as a guard in a stop */
};

struct kvs_vma {
	kvs_gva start, end; /* page aligned, end exclusive */
	unsigned int prot;  /* enum kvs_prot bits */
};

struct kvs_mm {
	struct kvs_pagetable pt;
	struct kvs_vma *vmas; /* sorted, disjoint */
	size_t count, capacity;
	kvs_gva brk_start, brk;
	kvs_gva mmap_top;		  /* anonymous mappings are placed downwards from here */
	kvs_gva window_start, window_end; /* what the last fault brought in */
	uint64_t window_pages;
};

/* kvs_mm_init - an empty address space over @ram (borrowed); 0 or -ENOMEM */
int kvs_mm_init(struct kvs_mm *mm, struct kvs_ram *ram);
void kvs_mm_done(struct kvs_mm *mm);

/*
 * kvs_mm_map - make [start, end) an area, replacing what was there
 * @start, @end: page aligned, within KVS_GVA_MIN..KVS_GVA_MAX
 *
 * Return: 0, -EINVAL for a range outside, -ENOMEM for too many areas.
 */
int kvs_mm_map(struct kvs_mm *mm, kvs_gva start, kvs_gva end, unsigned int prot);

/* kvs_mm_unmap - leave nothing in [start, end); 0, -EINVAL or -ENOMEM */
int kvs_mm_unmap(struct kvs_mm *mm, kvs_gva start, kvs_gva end);

/*
 * kvs_mm_protect - 0; -ENOMEM when a page of the range is in no area (as Linux says it), or the
 * host has no room for another mapping
 */
int kvs_mm_protect(struct kvs_mm *mm, kvs_gva start, kvs_gva end, unsigned int prot);

/* kvs_mm_discard - drop the contents of a range, areas stay, files show again (MADV_DONTNEED) */
void kvs_mm_discard(struct kvs_mm *mm, kvs_gva start, kvs_gva end);

/* kvs_mm_find_free - lowest address of the highest hole of @bytes below mmap_top, 0 for none */
kvs_gva kvs_mm_find_free(const struct kvs_mm *mm, uint64_t bytes);

/* kvs_mm_overlaps - whether any area reaches into [start, end) */
bool kvs_mm_overlaps(const struct kvs_mm *mm, kvs_gva start, kvs_gva end);

/*
 * kvs_mm_move - take the frames of @bytes at @from to @to, and unmap @from
 * @to: inside an area that has no frames there
 *
 * Return: 0 or -ENOMEM.
 */
int kvs_mm_move(struct kvs_mm *mm, kvs_gva from, kvs_gva to, uint64_t bytes);

/* kvs_mm_find - the area that holds @gva, or NULL */
const struct kvs_vma *kvs_mm_find(const struct kvs_mm *mm, kvs_gva gva);

/*
 * kvs_mm_place - put RAM that lies under a file at @gva, inside an area
 *
 * Return: 0; -ENOMEM, and the pages that found no place are free again.
 */
int kvs_mm_place(struct kvs_mm *mm, kvs_gva gva, kvs_gpa gpa, uint64_t pages);

/*
 * kvs_mm_fault - bring in the page at @gva
 * @access: one of KVS_PROT_READ, _WRITE, _EXEC
 *
 * Return: 0, resume; -EFAULT, the area forbids it or there is none; -ENOMEM, RAM is exhausted.
 */
int kvs_mm_fault(struct kvs_mm *mm, kvs_gva gva, unsigned int access);

/*
 * kvs_mm_prefault - bring in up to @pages pages from @gva on, as far as they lie in one area
 *
 * Only a saving: what does not come now comes by a fault.
 */
void kvs_mm_prefault(struct kvs_mm *mm, kvs_gva gva, uint64_t pages);
