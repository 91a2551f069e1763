/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "access.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* What nearly every program touches at once, brought in without a fault each. */
enum {
	BSS_PAGES = 8,
	STACK_PAGES = 4,
};

static uint64_t page_down(uint64_t v)
{
	return v & -(uint64_t)KVS_PAGE_SIZE;
}

static uint64_t page_up(uint64_t v)
{
	return page_down(v + KVS_PAGE_SIZE - 1);
}

static int no_room(const struct kvs_mm *mm, const char *what, struct kvs_error *err)
{
	return kvs_error_set(err, KVS_ERROR_PAYLOAD_MEMORY, 0,
		"%s does not fit into the payload's memory of %llu KiB", what,
		(unsigned long long)(mm->pt.ram->pages * KVS_PAGE_SIZE / 1024));
}

/* The part of a segment that comes from the file, whole pages of it. */
static int place_file(struct kvs_mm *mm, const struct kvs_elf_segment *s, kvs_gva start, int fd,
	struct kvs_error *err)
{
	uint64_t head = s->vaddr % KVS_PAGE_SIZE;
	uint64_t pages = page_up(head + s->file_bytes) / KVS_PAGE_SIZE;
	uint64_t tail = pages * KVS_PAGE_SIZE - (head + s->file_bytes);
	bool is_writable = s->prot & KVS_PROT_WRITE;
	kvs_gpa gpa;
	int r;

	if (s->file_bytes == 0)
		return 0;
	if (kvs_ram_alloc_exact(mm->pt.ram, pages, &gpa) < 0)
		return no_room(mm, "the payload", err);
	r = kvs_ram_map_file(
		mm->pt.ram, gpa, pages, fd, s->offset - head, is_writable, is_writable);
	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot map the payload");
	if (is_writable && tail)
		memset((uint8_t *)kvs_ram_at(mm->pt.ram, gpa) + head + s->file_bytes, 0, tail);
	if (kvs_mm_place(mm, start, gpa, pages) < 0)
		return no_room(mm, "the payload", err);
	kvs_mm_prefault(mm, start + pages * KVS_PAGE_SIZE, BSS_PAGES);
	return 0;
}

int kvs_load_elf(struct kvs_mm *mm, const struct kvs_elf *elf, int fd, uint64_t bias,
	struct kvs_image *ret_image, struct kvs_error *err)
{
	struct kvs_image image = { .bias = elf->is_pie ? bias : 0 };

	for (unsigned int i = 0; i < elf->count; i++) {
		const struct kvs_elf_segment *s = &elf->segments[i];
		kvs_gva start = page_down(s->vaddr + image.bias);
		int r;

		image.end = page_up(s->vaddr + s->mem_bytes + image.bias);
		r = kvs_mm_map(mm, start, image.end, s->prot);
		if (r < 0)
			return kvs_error_set(err, KVS_ERROR_PAYLOAD_FORMAT, -r,
				"cannot map segment %u at 0x%llx", i, (unsigned long long)start);
		r = place_file(mm, s, start, fd, err);
		if (r < 0)
			return r;
	}
	image.entry = elf->entry + image.bias;
	image.phdr = elf->phdr_vaddr ? elf->phdr_vaddr + image.bias : 0;
	*ret_image = image;
	return 0;
}

/* Writes downwards from the top of the stack; remembers that something failed. */
struct pusher {
	struct kvs_mm *mm;
	kvs_gva at;
	kvs_gva floor;
	bool failed;
};

static kvs_gva push(struct pusher *p, const void *data, size_t size)
{
	if (p->failed || size > p->at - p->floor) {
		p->failed = true;
		return 0;
	}
	p->at -= size;
	if (kvs_access_store(p->mm, p->at, data, size) < 0)
		p->failed = true;
	return p->at;
}

static size_t count_strings(const char *const *strings)
{
	size_t n = 0;

	while (strings[n])
		n++;
	return n;
}

/* Push strings so that they ascend in memory, as ps(1) and setproctitle expect. */
static void push_strings(struct pusher *p, const char *const *strings, size_t count)
{
	for (size_t i = count; i-- > 0;)
		push(p, strings[i], strlen(strings[i]) + 1);
}

/* Push the array of pointers to strings that start at @first. */
static kvs_gva push_pointers(
	struct pusher *p, const char *const *strings, size_t count, kvs_gva first)
{
	uint64_t null = 0;
	kvs_gva array = p->at - (count + 1) * sizeof(uint64_t), at = first;

	if (p->failed || array < p->floor || array > p->at) {
		p->failed = true;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (kvs_access_store(p->mm, array + i * sizeof(at), &at, sizeof(at)) < 0)
			p->failed = true;
		at += strlen(strings[i]) + 1;
	}
	if (kvs_access_store(p->mm, array + count * sizeof(null), &null, sizeof(null)) < 0)
		p->failed = true;
	p->at = array;
	return array;
}

static void push_auxv(struct pusher *p, const struct kvs_stack_spec *spec, kvs_gva execfn)
{
	kvs_gva platform = push(p, "x86_64", sizeof("x86_64"));
	kvs_gva random = push(p, spec->random, sizeof(spec->random));
	struct kvs_auxv last[] = {
		{ AT_RANDOM, random },
		{ AT_EXECFN, execfn },
		{ AT_PLATFORM, platform },
		{ AT_NULL, 0 },
	};
	size_t argc = count_strings(spec->args), envc = count_strings(spec->env);
	size_t words = 1 + argc + 1 + envc + 1;

	/* RSP must be 16-byte aligned once everything below is pushed. */
	p->at = (p->at & ~15ull) - (words % 2 ? 8 : 0);
	push(p, last, sizeof(last));
	push(p, spec->auxv, spec->auxv_count * sizeof(*spec->auxv));
}

int kvs_load_stack(struct kvs_mm *mm, const struct kvs_stack_spec *spec, kvs_gva *ret_rsp,
	kvs_gva *ret_argv, kvs_gva *ret_envp, struct kvs_error *err)
{
	size_t envc = count_strings(spec->env);
	uint64_t argc = count_strings(spec->args), zero = 0;
	struct pusher p = {
		.mm = mm,
		.at = spec->top,
		.floor = spec->top - spec->bytes,
	};
	kvs_gva execfn, env, args;
	int r;

	r = kvs_mm_map(mm, p.floor - KVS_PAGE_SIZE, p.floor, KVS_PROT_GUARD);
	if (r == 0)
		r = kvs_mm_map(mm, p.floor, spec->top, KVS_PROT_READ | KVS_PROT_WRITE);
	if (r < 0)
		return no_room(mm, "the stack", err);
	kvs_mm_prefault(mm, spec->top - STACK_PAGES * KVS_PAGE_SIZE, STACK_PAGES);
	push(&p, &zero, sizeof(zero));
	execfn = push(&p, spec->args[0], strlen(spec->args[0]) + 1);
	push_strings(&p, spec->env, envc);
	env = p.at;
	push_strings(&p, spec->args, argc);
	args = p.at;
	push_auxv(&p, spec, execfn);
	*ret_envp = push_pointers(&p, spec->env, envc, env);
	*ret_argv = push_pointers(&p, spec->args, argc, args);
	*ret_rsp = push(&p, &argc, sizeof(argc));
	return p.failed ? no_room(mm, "the arguments and environment", err) : 0;
}
