/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest RAM: guest-physical pages behind one sparse host mapping.
 *
 * gpa 0 is the first byte of @hva, so gpa -> host is an addition. The whole of the spec's memory is
 * reserved at once and costs nothing until touched; KVM learns of it in memslots that grow with
 * use, since KVM's own bookkeeping costs some ten bytes a page of slot.
 *
 * Knows nothing of guest-virtual addresses.
 */
#pragma once

#include "guest-init/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t kvs_gpa; /* guest-physical address */
typedef uint64_t kvs_gva; /* guest-virtual address */

struct kvs_ram {
	uint8_t *hva;	/* host address of gpa 0 */
	uint64_t pages; /* all there will ever be */
	uint64_t free_pages;
	uint64_t next;	     /* page number where the next search starts */
	uint64_t top;	     /* one past the highest page ever taken */
	uint64_t *used;	     /* one bit a page */
	int vm_fd;	     /* -1 until attached */
	uint64_t slot_pages; /* pages KVM knows of */
	unsigned int slots;
};

/* kvs_ram_init - reserve @bytes (a multiple of the page size) of guest RAM; 0 or -ENOMEM */
int kvs_ram_init(struct kvs_ram *ram, uint64_t bytes);
void kvs_ram_done(struct kvs_ram *ram);

/*
 * kvs_ram_attach - give all pages allocated so far, and all to come, to the VM @vm_fd
 * @vm_fd: borrowed for the life of @ram
 */
int kvs_ram_attach(struct kvs_ram *ram, int vm_fd);

/*
 * kvs_ram_alloc - take a run of contiguous zeroed pages
 * @want_pages: at least 1
 * @ret_gpa: first page of the run
 *
 * Return: length of the run, 1 to @want_pages; -ENOMEM when RAM is exhausted.
 */
int64_t kvs_ram_alloc(struct kvs_ram *ram, uint64_t want_pages, kvs_gpa *ret_gpa);

/* kvs_ram_alloc_exact - the same, all of @pages in one run or -ENOMEM */
int kvs_ram_alloc_exact(struct kvs_ram *ram, uint64_t pages, kvs_gpa *ret_gpa);

/*
 * kvs_ram_free - give a run back, contents and all
 *
 * The host pages go too, which makes KVM forget what it cached of their mappings.
 */
void kvs_ram_free(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages);

/*
 * kvs_ram_revoke - make KVM forget every cached translation to these pages, contents stay
 *
 * To be called after a page table entry was narrowed or removed: KVM's shadow page tables do not
 * see the host edit a guest page table, but they follow a change of the host's own mapping. That
 * mapping is readable and writable afterwards.
 *
 * Return: 0; -ENOMEM when the host has no room for another mapping, and nothing has happened.
 */
int kvs_ram_revoke(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages);

/* kvs_ram_discard - drop contents: zeroed afterwards, or what the file beneath them holds */
void kvs_ram_discard(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages);

/* kvs_ram_populate - have the host back these pages now, cheaper than one fault each */
void kvs_ram_populate(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages);

/*
 * kvs_ram_map_file - lay @pages of a file over a run of RAM, copy on write
 * @is_writable: the guest may write there; if not, the host cannot either until kvs_ram_revoke()
 * @populate: read all of it in now; pages that are not writable stay the page cache's own
 *
 * Return: 0 or -errno.
 */
int kvs_ram_map_file(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages, int fd, uint64_t offset,
	bool is_writable, bool populate);

static inline void *kvs_ram_at(const struct kvs_ram *ram, kvs_gpa gpa)
{
	return ram->hva + gpa;
}
