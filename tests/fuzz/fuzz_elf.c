/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF reader on any bytes: what it accepts is sound to the last addition, what it refuses it
 * explains, and looking for symbols ends.
 *
 * Seeds: tests/corpus/elf, and what make-elf writes.
 */
#include "vmm/elf.h"
#include "vmm/mm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_segments(const struct kvs_elf *elf, uint64_t file_bytes)
{
	uint64_t end = elf->is_pie ? 0 : KVS_GVA_MIN;
	bool has_entry = false;

	for (unsigned int i = 0; i < elf->count; i++) {
		const struct kvs_elf_segment *s = &elf->segments[i];

		require(s->vaddr >= end && s->mem_bytes > 0 && s->file_bytes <= s->mem_bytes);
		end = s->vaddr + s->mem_bytes;
		require(end > s->vaddr && end <= KVS_GVA_MAX);
		require(s->offset <= file_bytes && s->file_bytes <= file_bytes - s->offset);
		require((s->vaddr ^ s->offset) % KVS_PAGE_SIZE == 0);
		require(!(s->prot & KVS_PROT_WRITE && s->prot & KVS_PROT_EXEC));
		has_entry |= s->prot & KVS_PROT_EXEC && elf->entry >= s->vaddr &&
			     elf->entry - s->vaddr < s->file_bytes;
	}
	require(elf->count > 0 && elf->count <= KVS_ELF_MAX_SEGMENTS && has_entry);
}

static void check_symbol(int fd, uint64_t address)
{
	char name[96];

	memset(name, 'x', sizeof(name));
	kvs_elf_symbol(fd, address, name, sizeof(name));
	require(memchr(name, 0, sizeof(name)));
	for (const char *c = name; *c; c++)
		require(*c > 0x20 && *c < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct kvs_error err = { 0 };
	struct kvs_elf elf;
	int r;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	r = kvs_elf_read(fd, &elf, &err);
	if (r == 0)
		check_segments(&elf, size);
	else
		require(r < 0 && err.code == KVS_ERROR_PAYLOAD_FORMAT && err.text[0]);
	check_symbol(fd, r == 0 ? elf.entry : 0x401000);
	check_symbol(fd, UINT64_MAX);
	return 0;
}
