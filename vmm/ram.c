/* SPDX-License-Identifier: Apache-2.0 */
#include "ram.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
	FIRST_SLOT_PAGES = 4096, /* 16 MiB: more than most programs touch */
	MAX_SLOTS = 24,		 /* each slot doubles what there is */
};

/* Where a PC has its APICs: KVM may have a page of its own there. Never RAM. */
#define HOLE_START_PAGE (0xfec00000ull / KVS_PAGE_SIZE)
#define HOLE_END_PAGE	(0x100000000ull / KVS_PAGE_SIZE)

static void mark(struct kvs_ram *ram, uint64_t page, uint64_t pages, bool used)
{
	for (uint64_t i = page; i < page + pages; i++) {
		if (used)
			ram->used[i / 64] |= 1ull << i % 64;
		else
			ram->used[i / 64] &= ~(1ull << i % 64);
	}
	ram->free_pages += used ? -pages : pages;
}

int kvs_ram_init(struct kvs_ram *ram, uint64_t bytes)
{
	uint64_t pages = bytes / KVS_PAGE_SIZE;
	void *hva;

	*ram = (struct kvs_ram){ .vm_fd = -1, .pages = pages, .free_pages = pages };
	ram->used = calloc((pages + 63) / 64, sizeof(*ram->used));
	if (!ram->used)
		return -ENOMEM;
	hva = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	if (hva == MAP_FAILED)
		return -ENOMEM;
	ram->hva = hva;
	if (pages > HOLE_START_PAGE)
		mark(ram, HOLE_START_PAGE,
			(pages < HOLE_END_PAGE ? pages : HOLE_END_PAGE) - HOLE_START_PAGE, true);
	return 0;
}

void kvs_ram_done(struct kvs_ram *ram)
{
	if (ram->hva)
		munmap(ram->hva, ram->pages * KVS_PAGE_SIZE);
	free(ram->used);
	*ram = (struct kvs_ram){ .vm_fd = -1 };
}

static int add_slot(struct kvs_ram *ram, uint64_t page, uint64_t pages)
{
	struct kvm_userspace_memory_region slot = {
		.slot = ram->slots,
		.guest_phys_addr = page * KVS_PAGE_SIZE,
		.memory_size = pages * KVS_PAGE_SIZE,
		.userspace_addr = (uintptr_t)ram->hva + page * KVS_PAGE_SIZE,
	};

	if (ram->slots == MAX_SLOTS)
		return -ENOMEM;
	if (ioctl(ram->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return -errno;
	ram->slots++;
	return 0;
}

/* Tell KVM of enough RAM to reach page number @end. */
static int grow_slots(struct kvs_ram *ram, uint64_t end)
{
	while (ram->vm_fd >= 0 && ram->slot_pages < end) {
		uint64_t start = ram->slot_pages, pages = start ? start : FIRST_SLOT_PAGES;
		int r;

		if (start == HOLE_START_PAGE) {
			ram->slot_pages = HOLE_END_PAGE;
			continue;
		}
		while (start + pages < end)
			pages *= 2;
		if (start < HOLE_START_PAGE && pages > HOLE_START_PAGE - start)
			pages = HOLE_START_PAGE - start;
		if (pages > ram->pages - start)
			pages = ram->pages - start;
		r = add_slot(ram, start, pages);
		if (r < 0)
			return r;
		ram->slot_pages += pages;
	}
	return 0;
}

int kvs_ram_attach(struct kvs_ram *ram, int vm_fd)
{
	ram->vm_fd = vm_fd;
	return grow_slots(ram, ram->top ? ram->top : 1);
}

static bool is_used(const struct kvs_ram *ram, uint64_t page)
{
	return ram->used[page / 64] >> page % 64 & 1;
}

/* First free page at or after @page, or ram->pages. Skips full words. */
static uint64_t find_free(const struct kvs_ram *ram, uint64_t page)
{
	while (page < ram->pages) {
		uint64_t word = ~ram->used[page / 64] >> page % 64;

		if (word) {
			page += (uint64_t)__builtin_ctzll(word);
			return page < ram->pages ? page : ram->pages;
		}
		page = (page / 64 + 1) * 64;
	}
	return ram->pages;
}

static uint64_t run_length(const struct kvs_ram *ram, uint64_t page, uint64_t max)
{
	uint64_t n = 0;

	while (n < max && page + n < ram->pages && !is_used(ram, page + n))
		n++;
	return n;
}

static int take(struct kvs_ram *ram, uint64_t page, uint64_t pages, kvs_gpa *ret_gpa)
{
	int r = grow_slots(ram, page + pages);

	if (r < 0)
		return r;
	mark(ram, page, pages, true);
	ram->next = page + pages;
	if (ram->next > ram->top)
		ram->top = ram->next;
	*ret_gpa = page * KVS_PAGE_SIZE;
	return 0;
}

int64_t kvs_ram_alloc(struct kvs_ram *ram, uint64_t want_pages, kvs_gpa *ret_gpa)
{
	uint64_t page = find_free(ram, ram->next), n;
	int r;

	if (ram->free_pages == 0)
		return -ENOMEM;
	if (page == ram->pages)
		page = find_free(ram, 0);
	n = run_length(ram, page, want_pages);
	r = take(ram, page, n, ret_gpa);
	return r < 0 ? r : (int64_t)n;
}

int kvs_ram_alloc_exact(struct kvs_ram *ram, uint64_t pages, kvs_gpa *ret_gpa)
{
	for (uint64_t page = find_free(ram, 0); page < ram->pages;) {
		uint64_t n = run_length(ram, page, pages);

		if (n == pages)
			return take(ram, page, pages, ret_gpa);
		page = find_free(ram, page + n);
	}
	return -ENOMEM;
}

void kvs_ram_free(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages)
{
	uint8_t *hva = kvs_ram_at(ram, gpa);
	size_t size = pages * KVS_PAGE_SIZE;

	/* A fresh mapping rather than MADV_DONTNEED: the run may lie under a file. */
	if (mmap(hva, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return; /* stays taken: what it holds must not come back as zeroed memory */
	mark(ram, gpa / KVS_PAGE_SIZE, pages, false);
	if (gpa / KVS_PAGE_SIZE < ram->next)
		ram->next = gpa / KVS_PAGE_SIZE;
}

int kvs_ram_revoke(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages)
{
	void *hva = kvs_ram_at(ram, gpa);
	size_t size = pages * KVS_PAGE_SIZE;

	/* Only the first can fail for want of mappings: the second splits none. */
	if (mprotect(hva, size, PROT_NONE) < 0 || mprotect(hva, size, PROT_READ | PROT_WRITE) < 0)
		return -ENOMEM;
	return 0;
}

void kvs_ram_discard(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages)
{
	madvise(kvs_ram_at(ram, gpa), pages * KVS_PAGE_SIZE, MADV_DONTNEED);
}

void kvs_ram_populate(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages)
{
	/* Only a hint: without it the pages come one by one. */
	(void)madvise(kvs_ram_at(ram, gpa), pages * KVS_PAGE_SIZE, MADV_POPULATE_WRITE);
}

int kvs_ram_map_file(struct kvs_ram *ram, kvs_gpa gpa, uint64_t pages, int fd, uint64_t offset,
	bool is_writable, bool populate)
{
	int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED | (populate ? MAP_POPULATE : 0);
	int prot = PROT_READ | (is_writable ? PROT_WRITE : 0);
	void *at =
		mmap(kvs_ram_at(ram, gpa), pages * KVS_PAGE_SIZE, prot, flags, fd, (off_t)offset);

	return at == MAP_FAILED ? -errno : 0;
}
