/* SPDX-License-Identifier: Apache-2.0 */
/* Areas, and the frames beneath them: mapping, protecting, bringing in by faults. */
#include "mm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_WINDOW_PAGES = 4,
	LAST_WINDOW_PAGES = 512,
	WINDOW_SHARE = 8, /* of the free pages, what a window may take */
	MAX_VMAS = 65530, /* Linux's default vm.max_map_count */
};

int kvs_mm_init(struct kvs_mm *mm, struct kvs_ram *ram)
{
	*mm = (struct kvs_mm){ .mmap_top = KVS_GVA_MAX, .window_pages = FIRST_WINDOW_PAGES };
	return kvs_pagetable_init(&mm->pt, ram);
}

void kvs_mm_done(struct kvs_mm *mm)
{
	free(mm->vmas);
	*mm = (struct kvs_mm){ 0 };
}

/* Index of the first area that ends after @gva. */
static size_t lower_bound(const struct kvs_mm *mm, kvs_gva gva)
{
	size_t low = 0, high = mm->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (mm->vmas[mid].end <= gva)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct kvs_vma *kvs_mm_find(const struct kvs_mm *mm, kvs_gva gva)
{
	size_t i = lower_bound(mm, gva);

	return i < mm->count && mm->vmas[i].start <= gva ? &mm->vmas[i] : NULL;
}

static bool is_range(kvs_gva start, kvs_gva end)
{
	return start >= KVS_GVA_MIN && start < end && end <= KVS_GVA_MAX &&
	       (start | end) % KVS_PAGE_SIZE == 0;
}

static int insert_at(struct kvs_mm *mm, size_t i, struct kvs_vma vma)
{
	if (mm->count == mm->capacity) {
		size_t capacity = mm->capacity ? mm->capacity * 2 : 32;
		struct kvs_vma *vmas;

		if (mm->count >= MAX_VMAS)
			return -ENOMEM;
		vmas = reallocarray(mm->vmas, capacity, sizeof(*vmas));
		if (!vmas)
			return -ENOMEM;
		mm->vmas = vmas;
		mm->capacity = capacity;
	}
	memmove(&mm->vmas[i + 1], &mm->vmas[i], (mm->count - i) * sizeof(vma));
	mm->vmas[i] = vma;
	mm->count++;
	return 0;
}

/* Make @at a boundary between areas. */
static int split_at(struct kvs_mm *mm, kvs_gva at)
{
	size_t i = lower_bound(mm, at);
	struct kvs_vma upper;
	int r;

	if (i == mm->count || mm->vmas[i].start >= at)
		return 0;
	upper = mm->vmas[i];
	upper.start = at;
	r = insert_at(mm, i + 1, upper);
	if (r < 0)
		return r;
	mm->vmas[i].end = at;
	return 0;
}

/* Merge areas from @i on with their left neighbour, while they lie below @until. */
static void merge_from(struct kvs_mm *mm, size_t i, kvs_gva until)
{
	if (i == 0)
		i = 1;
	while (i < mm->count && mm->vmas[i].start <= until) {
		struct kvs_vma *left = &mm->vmas[i - 1];

		if (left->end != mm->vmas[i].start || left->prot != mm->vmas[i].prot) {
			i++;
			continue;
		}
		left->end = mm->vmas[i].end;
		memmove(&mm->vmas[i], &mm->vmas[i + 1], (mm->count - i - 1) * sizeof(*left));
		mm->count--;
	}
}

/* Free the frames of a range, a contiguous run at a time; or empty those that show a file. */
static void free_frames(struct kvs_mm *mm, kvs_gva start, kvs_gva end, bool keep_files)
{
	kvs_gpa run = 0;
	uint64_t pages = 0, *entry;

	for (kvs_gva gva = start; (entry = kvs_pagetable_next(&mm->pt, &gva, end));
		gva += KVS_PAGE_SIZE) {
		kvs_gpa gpa = *entry & KVS_PTE_GPA;

		if (keep_files && *entry & KVS_PTE_FILE) {
			kvs_ram_discard(mm->pt.ram, gpa, 1);
			continue;
		}
		*entry = 0;
		if (pages && gpa == run + pages * KVS_PAGE_SIZE) {
			pages++;
			continue;
		}
		if (pages)
			kvs_ram_free(mm->pt.ram, run, pages);
		run = gpa;
		pages = 1;
	}
	if (pages)
		kvs_ram_free(mm->pt.ram, run, pages);
}

int kvs_mm_unmap(struct kvs_mm *mm, kvs_gva start, kvs_gva end)
{
	size_t first, last;
	int r;

	if (!is_range(start, end))
		return -EINVAL;
	r = split_at(mm, start);
	if (r == 0)
		r = split_at(mm, end);
	if (r < 0)
		return r;
	first = lower_bound(mm, start);
	for (last = first; last < mm->count && mm->vmas[last].start < end; last++)
		;
	if (last == first)
		return 0;
	memmove(&mm->vmas[first], &mm->vmas[last], (mm->count - last) * sizeof(*mm->vmas));
	mm->count -= last - first;
	free_frames(mm, start, end, false);
	return 0;
}

int kvs_mm_map(struct kvs_mm *mm, kvs_gva start, kvs_gva end, unsigned int prot)
{
	int r = kvs_mm_unmap(mm, start, end);
	size_t i;

	if (r < 0)
		return r;
	i = lower_bound(mm, start);
	r = insert_at(mm, i, (struct kvs_vma){ start, end, prot });
	if (r < 0)
		return r;
	merge_from(mm, i, end);
	return 0;
}

static uint64_t entry_bits(unsigned int prot)
{
	uint64_t bits = KVS_PTE_FRAME | KVS_PTE_A_D;

	if (!(prot & (KVS_PROT_READ | KVS_PROT_WRITE | KVS_PROT_EXEC)))
		return bits;
	bits |= KVS_PTE_PRESENT | KVS_PTE_USER;
	if (prot & KVS_PROT_WRITE)
		bits |= KVS_PTE_WRITE;
	if (!(prot & KVS_PROT_EXEC))
		bits |= KVS_PTE_NX;
	return bits;
}

/*
 * Whether KVM or the host must be told: a right is lost, or writing begins, which the host's own
 * mapping (a file's pages, perhaps, mapped for reading) has to allow as well.
 */
static bool is_to_tell(uint64_t from, uint64_t to)
{
	uint64_t lost = from & ~to & (KVS_PTE_PRESENT | KVS_PTE_WRITE);

	return lost || (to & ~from & (KVS_PTE_NX | KVS_PTE_WRITE));
}

/*
 * Have KVM forget what is about to change, a contiguous run at a time. The guest does not run
 * meanwhile, so nothing is cached anew before the entries are written.
 */
static int revoke_frames(struct kvs_mm *mm, kvs_gva start, kvs_gva end, uint64_t bits)
{
	uint64_t pages = 0, *entry;
	kvs_gpa run = 0;
	int r = 0;

	for (kvs_gva gva = start; r == 0 && (entry = kvs_pagetable_next(&mm->pt, &gva, end));
		gva += KVS_PAGE_SIZE) {
		kvs_gpa gpa = *entry & KVS_PTE_GPA;

		if (!is_to_tell(*entry, bits))
			continue;
		if (pages && gpa == run + pages * KVS_PAGE_SIZE) {
			pages++;
			continue;
		}
		if (pages)
			r = kvs_ram_revoke(mm->pt.ram, run, pages);
		run = gpa;
		pages = 1;
	}
	return r == 0 && pages ? kvs_ram_revoke(mm->pt.ram, run, pages) : r;
}

static int protect_frames(struct kvs_mm *mm, kvs_gva start, kvs_gva end, unsigned int prot)
{
	uint64_t bits = entry_bits(prot), *entry;
	int r = revoke_frames(mm, start, end, bits);

	for (kvs_gva gva = start; r == 0 && (entry = kvs_pagetable_next(&mm->pt, &gva, end));
		gva += KVS_PAGE_SIZE)
		*entry = (*entry & (KVS_PTE_GPA | KVS_PTE_FILE)) | bits;
	return r;
}

int kvs_mm_protect(struct kvs_mm *mm, kvs_gva start, kvs_gva end, unsigned int prot)
{
	kvs_gva covered = start;
	size_t first;
	int r;

	if (!is_range(start, end))
		return -ENOMEM;
	for (size_t i = lower_bound(mm, start); i < mm->count && covered < end; i++) {
		if (mm->vmas[i].start > covered)
			return -ENOMEM;
		covered = mm->vmas[i].end;
	}
	if (covered < end)
		return -ENOMEM;
	r = split_at(mm, start);
	if (r == 0)
		r = split_at(mm, end);
	if (r < 0)
		return r;
	first = lower_bound(mm, start);
	r = protect_frames(mm, start, end, prot);
	for (size_t i = first; r == 0 && i < mm->count && mm->vmas[i].start < end; i++)
		mm->vmas[i].prot = prot;
	merge_from(mm, first, end);
	return r;
}

void kvs_mm_discard(struct kvs_mm *mm, kvs_gva start, kvs_gva end)
{
	free_frames(mm, start, end, true);
}

kvs_gva kvs_mm_find_free(const struct kvs_mm *mm, uint64_t bytes)
{
	kvs_gva top = mm->mmap_top;

	for (size_t i = mm->count; i-- > 0;) {
		const struct kvs_vma *vma = &mm->vmas[i];

		if (vma->end <= top && top - vma->end >= bytes)
			return top - bytes;
		if (vma->start < top)
			top = vma->start;
	}
	return top > KVS_GVA_MIN && top - KVS_GVA_MIN >= bytes ? top - bytes : 0;
}

bool kvs_mm_overlaps(const struct kvs_mm *mm, kvs_gva start, kvs_gva end)
{
	size_t i = lower_bound(mm, start);

	return i < mm->count && mm->vmas[i].start < end;
}

int kvs_mm_move(struct kvs_mm *mm, kvs_gva from, kvs_gva to, uint64_t bytes)
{
	const kvs_gva end = from + bytes;
	uint64_t *entry;

	for (kvs_gva gva = from; (entry = kvs_pagetable_next(&mm->pt, &gva, end));
		gva += KVS_PAGE_SIZE)
		if (!kvs_pagetable_entry(&mm->pt, to + (gva - from)) ||
			kvs_ram_revoke(mm->pt.ram, *entry & KVS_PTE_GPA, 1) < 0)
			return -ENOMEM;
	for (kvs_gva gva = from; (entry = kvs_pagetable_next(&mm->pt, &gva, end));
		gva += KVS_PAGE_SIZE) {
		*kvs_pagetable_entry(&mm->pt, to + (gva - from)) = *entry;
		*entry = 0;
	}
	return kvs_mm_unmap(mm, from, end);
}

int kvs_mm_place(struct kvs_mm *mm, kvs_gva gva, kvs_gpa gpa, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		const struct kvs_vma *vma = kvs_mm_find(mm, gva + i * KVS_PAGE_SIZE);
		uint64_t *entry = kvs_pagetable_entry(&mm->pt, gva + i * KVS_PAGE_SIZE);

		if (!entry) {
			kvs_ram_free(mm->pt.ram, gpa + i * KVS_PAGE_SIZE, pages - i);
			return -ENOMEM;
		}
		*entry = (gpa + i * KVS_PAGE_SIZE) | KVS_PTE_FILE | entry_bits(vma ? vma->prot : 0);
	}
	return 0;
}

static bool is_permitted(const struct kvs_vma *vma, unsigned int access)
{
	/* x86 has no write-only or execute-only page. */
	unsigned int prot = vma->prot & ~(unsigned int)KVS_PROT_GUARD;

	return access == KVS_PROT_READ ? prot != 0 : (prot & access) != 0;
}

static bool has_frame(const struct kvs_mm *mm, kvs_gva page)
{
	return kvs_pagetable_next(&mm->pt, &page, page + KVS_PAGE_SIZE) != NULL;
}

/* The window for a fault at @page: it doubles while faults are adjacent, upwards or downwards. */
static void choose_window(struct kvs_mm *mm, const struct kvs_vma *vma, kvs_gva page,
	kvs_gva *ret_start, kvs_gva *ret_end)
{
	bool up = page == mm->window_end, down = page + KVS_PAGE_SIZE == mm->window_start;
	uint64_t bytes;

	if (!up && !down)
		mm->window_pages = FIRST_WINDOW_PAGES;
	else if (mm->window_pages < LAST_WINDOW_PAGES)
		mm->window_pages *= 2;
	/* What was not asked for must not take the last pages. */
	bytes = mm->pt.ram->free_pages / WINDOW_SHARE * KVS_PAGE_SIZE;
	if (bytes > mm->window_pages * KVS_PAGE_SIZE)
		bytes = mm->window_pages * KVS_PAGE_SIZE;
	*ret_start = page;
	*ret_end = page + KVS_PAGE_SIZE;
	if (down)
		while (*ret_end - *ret_start<bytes && * ret_start> vma->start &&
			!has_frame(mm, *ret_start - KVS_PAGE_SIZE))
			*ret_start -= KVS_PAGE_SIZE;
	else
		while (*ret_end - *ret_start < bytes && *ret_end < vma->end &&
			!has_frame(mm, *ret_end))
			*ret_end += KVS_PAGE_SIZE;
	mm->window_start = *ret_start;
	mm->window_end = *ret_end;
}

/* Give frames to [start, end), which has none; -ENOMEM when not one could be had. */
static int map_frames(struct kvs_mm *mm, kvs_gva start, kvs_gva end, unsigned int prot)
{
	uint64_t bits = entry_bits(prot);

	for (kvs_gva gva = start; gva < end;) {
		kvs_gpa gpa;
		int64_t run = kvs_ram_alloc(mm->pt.ram, (end - gva) / KVS_PAGE_SIZE, &gpa), i;

		if (run < 0)
			return gva > start ? 0 : -ENOMEM;
		kvs_ram_populate(mm->pt.ram, gpa, (uint64_t)run);
		for (i = 0; i < run; i++, gva += KVS_PAGE_SIZE) {
			uint64_t *entry = kvs_pagetable_entry(&mm->pt, gva);

			if (!entry)
				break;
			*entry = (gpa + (uint64_t)i * KVS_PAGE_SIZE) | bits;
		}
		if (i < run) {
			kvs_ram_free(
				mm->pt.ram, gpa + (uint64_t)i * KVS_PAGE_SIZE, (uint64_t)(run - i));
			return gva > start ? 0 : -ENOMEM;
		}
	}
	return 0;
}

int kvs_mm_fault(struct kvs_mm *mm, kvs_gva gva, unsigned int access)
{
	kvs_gva page = gva & -(uint64_t)KVS_PAGE_SIZE, start, end;
	const struct kvs_vma *vma = kvs_mm_find(mm, gva);
	int r;

	if (!vma || !is_permitted(vma, access))
		return -EFAULT;
	if (has_frame(mm, page))
		return 0; /* there already: a translation KVM had not dropped yet */
	choose_window(mm, vma, page, &start, &end);
	r = map_frames(mm, start, end, vma->prot);
	/* RAM may have run out just before the page that matters. */
	return r == 0 && !has_frame(mm, page) ? -ENOMEM : r;
}

void kvs_mm_prefault(struct kvs_mm *mm, kvs_gva gva, uint64_t pages)
{
	const struct kvs_vma *vma = kvs_mm_find(mm, gva);
	kvs_gva end = gva;

	if (!vma || !is_permitted(vma, KVS_PROT_WRITE))
		return;
	while (end < vma->end && end - gva < pages * KVS_PAGE_SIZE && !has_frame(mm, end))
		end += KVS_PAGE_SIZE;
	(void)map_frames(mm, gva, end, vma->prot);
}
