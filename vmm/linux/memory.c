/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on the address space. */
#include "calls.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A new mapping is about to be used: its first pages come without a fault. */
enum { PREFAULT_PAGES = 4 };

static uint64_t page_up(uint64_t v)
{
	return (v + KVS_PAGE_SIZE - 1) & -(uint64_t)KVS_PAGE_SIZE;
}

int64_t kvs_memory_brk(struct kvs_linux *l, const uint64_t *a)
{
	struct kvs_mm *mm = &l->guest->mm;
	kvs_gva old_end = page_up(mm->brk), new_end = page_up(a[0]);

	if (a[0] < mm->brk_start || a[0] > mm->mmap_top)
		return (int64_t)mm->brk;
	if (new_end > old_end) {
		if (kvs_mm_overlaps(mm, old_end, new_end) ||
			(new_end - old_end) / KVS_PAGE_SIZE > mm->pt.ram->free_pages ||
			kvs_mm_map(mm, old_end, new_end, PROT_READ | PROT_WRITE) < 0)
			return (int64_t)mm->brk;
		kvs_mm_prefault(mm, old_end, PREFAULT_PAGES);
	} else if (new_end < old_end && kvs_mm_unmap(mm, new_end, old_end) < 0) {
		return (int64_t)mm->brk;
	}
	mm->brk = a[0];
	return (int64_t)mm->brk;
}

/* A hole for the mapping: the hint when it is free, else anywhere. */
static int64_t choose_address(struct kvs_mm *mm, uint64_t hint, uint64_t size, uint64_t flags)
{
	uint64_t start = hint & -(uint64_t)KVS_PAGE_SIZE, end;
	bool is_exact = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (is_exact && hint % KVS_PAGE_SIZE)
		return -EINVAL;
	if (__builtin_add_overflow(start, size, &end))
		return -ENOMEM;
	if (is_exact || (start >= KVS_GVA_MIN && end <= KVS_GVA_MAX)) {
		if (start < KVS_GVA_MIN || end > KVS_GVA_MAX)
			return start < KVS_GVA_MIN ? -EPERM : -ENOMEM;
		if (flags & MAP_FIXED || !kvs_mm_overlaps(mm, start, end))
			return (int64_t)start;
		if (is_exact)
			return -EEXIST;
	}
	start = kvs_mm_find_free(mm, size);
	return start ? (int64_t)start : -ENOMEM;
}

/* Lay a file's pages over fresh frames. Private: the host's copy-on-write is the guest's. */
static int map_file(struct kvs_linux *l, kvs_gva start, uint64_t size, int fd, uint64_t offset)
{
	struct kvs_mm *mm = &l->guest->mm;
	struct stat st;
	uint64_t pages = size / KVS_PAGE_SIZE, file_pages;
	kvs_gpa gpa;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	file_pages = (uint64_t)st.st_size > offset
			     ? page_up((uint64_t)st.st_size - offset) / KVS_PAGE_SIZE
			     : 0;
	if (pages > file_pages)
		pages = file_pages; /* beyond the end there is only zeroed memory */
	if (pages == 0)
		return 0;
	r = kvs_ram_alloc_exact(&l->guest->ram, pages, &gpa);
	if (r < 0)
		return r;
	r = kvs_ram_map_file(&l->guest->ram, gpa, pages, fd, offset, true, false);
	if (r < 0)
		kvs_ram_free(&l->guest->ram, gpa, pages);
	return r < 0 ? r : kvs_mm_place(mm, start, gpa, pages);
}

static int check_file(struct kvs_linux *l, const uint64_t *a)
{
	bool is_shared = (a[3] & MAP_TYPE) != MAP_PRIVATE;
	struct stat st;

	if (!kvs_files_is_open_number(l, a[4]) || fstat((int)a[4], &st) < 0)
		return -EBADF;
	if (l->kinds[(uint32_t)a[4]] != KVS_FD_PLAIN || !S_ISREG(st.st_mode))
		return -ENODEV;
	if (a[5] % KVS_PAGE_SIZE)
		return -EINVAL;
	/* Shared and writable wants write-back, which is not served. */
	return is_shared && a[2] & PROT_WRITE ? -ENODEV : 0;
}

int64_t kvs_memory_mmap(struct kvs_linux *l, const uint64_t *a)
{
	struct kvs_mm *mm = &l->guest->mm;
	uint64_t size = page_up(a[1]), type = a[3] & MAP_TYPE;
	unsigned int prot = a[2] & (PROT_READ | PROT_WRITE | PROT_EXEC);
	bool is_file = !(a[3] & MAP_ANONYMOUS);
	int64_t start;
	int r = 0;

	if (a[1] == 0 || type == 0 || type > MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (size < a[1] || size > KVS_GVA_MAX)
		return -ENOMEM;
	if (is_file)
		r = check_file(l, a);
	if (r < 0)
		return r;
	if (prot && !is_file && !(a[3] & MAP_NORESERVE) &&
		size / KVS_PAGE_SIZE > mm->pt.ram->free_pages)
		return -ENOMEM;
	start = choose_address(mm, a[0], size, a[3]);
	if (start < 0)
		return start;
	r = kvs_mm_map(mm, (kvs_gva)start, (kvs_gva)start + size, prot);
	if (r == 0 && is_file) {
		r = map_file(l, (kvs_gva)start, size, (int)a[4], a[5]);
		if (r < 0)
			kvs_mm_unmap(mm, (kvs_gva)start, (kvs_gva)start + size);
	} else if (r == 0)
		kvs_mm_prefault(mm, (kvs_gva)start, PREFAULT_PAGES);
	return r < 0 ? r : start;
}

static bool is_bad_range(uint64_t start, uint64_t size)
{
	uint64_t end;

	return start % KVS_PAGE_SIZE || __builtin_add_overflow(start, size, &end) ||
	       end > KVS_GVA_MAX;
}

int64_t kvs_memory_munmap(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t size = page_up(a[1]);

	if (a[1] == 0 || size < a[1] || is_bad_range(a[0], size))
		return -EINVAL;
	if (a[0] < KVS_GVA_MIN)
		return 0; /* nothing is ever mapped there */
	return kvs_mm_unmap(&l->guest->mm, a[0], a[0] + size);
}

int64_t kvs_memory_mprotect(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t size = page_up(a[1]);

	if (a[0] % KVS_PAGE_SIZE || a[2] & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	if (a[1] == 0)
		return 0;
	if (size < a[1] || is_bad_range(a[0], size))
		return -ENOMEM;
	return kvs_mm_protect(&l->guest->mm, a[0], a[0] + size, (unsigned int)a[2]);
}

int64_t kvs_memory_mremap(struct kvs_linux *l, const uint64_t *a)
{
	struct kvs_mm *mm = &l->guest->mm;
	uint64_t old_size = page_up(a[1]), new_size = page_up(a[2]);
	const struct kvs_vma *vma;
	int64_t start;
	unsigned int prot;
	int r;

	if (a[0] % KVS_PAGE_SIZE || a[1] == 0 || new_size == 0 || new_size < a[2] ||
		a[3] & ~(uint64_t)MREMAP_MAYMOVE || old_size < a[1])
		return -EINVAL;
	vma = kvs_mm_find(mm, a[0]);
	if (!vma || is_bad_range(a[0], old_size) || vma->end - a[0] < old_size)
		return -EFAULT;
	prot = vma->prot;
	if (new_size <= old_size) {
		r = new_size == old_size ? 0 : kvs_mm_unmap(mm, a[0] + new_size, a[0] + old_size);
		return r < 0 ? r : (int64_t)a[0];
	}
	if ((new_size - old_size) / KVS_PAGE_SIZE > mm->pt.ram->free_pages)
		return -ENOMEM;
	if (!is_bad_range(a[0], new_size) &&
		!kvs_mm_overlaps(mm, a[0] + old_size, a[0] + new_size)) {
		r = kvs_mm_map(mm, a[0] + old_size, a[0] + new_size, prot);
		return r < 0 ? r : (int64_t)a[0];
	}
	if (!(a[3] & MREMAP_MAYMOVE))
		return -ENOMEM;
	start = (int64_t)kvs_mm_find_free(mm, new_size);
	if (start == 0)
		return -ENOMEM;
	r = kvs_mm_map(mm, (kvs_gva)start, (kvs_gva)start + new_size, prot);
	if (r < 0)
		return r;
	r = kvs_mm_move(mm, a[0], (kvs_gva)start, old_size);
	if (r < 0)
		kvs_mm_unmap(mm, (kvs_gva)start, (kvs_gva)start + new_size);
	return r < 0 ? r : start;
}

int64_t kvs_memory_madvise(struct kvs_linux *l, const uint64_t *a)
{
	uint64_t size = page_up(a[1]);

	if (is_bad_range(a[0], size) || size < a[1])
		return -EINVAL;
	if (size && !kvs_mm_overlaps(&l->guest->mm, a[0], a[0] + size))
		return -ENOMEM;
	if (a[0] >= KVS_GVA_MIN && size && (a[2] == MADV_DONTNEED || a[2] == MADV_FREE))
		kvs_mm_discard(&l->guest->mm, a[0], a[0] + size);
	return 0; /* all other advice may be ignored */
}
