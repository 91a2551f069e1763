/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF file in memory that is right, to be made wrong one field at a time. */
#pragma once

#include <elf.h>
#include <stdint.h>
#include <string.h>

struct elf_image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3]; /* text, data, and a spare of type PT_NULL */
	uint8_t room[4096 * 2 - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
};

static inline struct elf_image elf_good(void)
{
	struct elf_image image = {
		.header = { .e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = 0x400000 + sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr),
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3 },
		.segments = { { .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_X,
				      .p_vaddr = 0x400000,
				      .p_filesz = 0x1000,
				      .p_memsz = 0x1000,
				      .p_align = 0x1000 },
			{ .p_type = PT_LOAD,
				.p_flags = PF_R | PF_W,
				.p_offset = 0x1000,
				.p_vaddr = 0x401000,
				.p_filesz = 0x1000,
				.p_memsz = 0x3000,
				.p_align = 0x1000 } },
		/* mov $60, %eax; mov $7, %edi; syscall */
		.room = { 0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05 },
	};

	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	return image;
}

/* What is wrong in each, and a part of what must be said about it. */
#define ELF_WRONGS(X)                                                                              \
	X(magic, "ELF magic", i->header.e_ident[1] = 'e')                                          \
	X(script, "ELF magic", memcpy(i, "#!/bin/sh\nexit 3\n", 17))                               \
	X(class32, "not 64-bit", i->header.e_ident[EI_CLASS] = ELFCLASS32)                         \
	X(class0, "not 64-bit", i->header.e_ident[EI_CLASS] = 0)                                   \
	X(big_endian, "little-endian", i->header.e_ident[EI_DATA] = ELFDATA2MSB)                   \
	X(ident_version, "version", i->header.e_ident[EI_VERSION] = 9)                             \
	X(relocatable, "not an executable", i->header.e_type = ET_REL)                             \
	X(core, "not an executable", i->header.e_type = ET_CORE)                                   \
	X(type0, "not an executable", i->header.e_type = 0)                                        \
	X(machine386, "x86-64", i->header.e_machine = EM_386)                                      \
	X(machine_arm, "x86-64", i->header.e_machine = EM_AARCH64)                                 \
	X(phentsize, "wrong size", i->header.e_phentsize = 32)                                     \
	X(phnum_zero, "program headers", i->header.e_phnum = 0)                                    \
	X(phnum_huge, "more than 128", i->header.e_phnum = 0xffff)                                 \
	X(phoff_inside, "outside the file", i->header.e_phoff = 16)                                \
	X(phoff_far, "ends here", i->header.e_phoff = 0x100000)                                    \
	X(phoff_huge, "outside the file", i->header.e_phoff = 0xffffffffffffff00)                  \
	X(phoff_negative, "outside the file", i->header.e_phoff = 1ull << 63)                      \
	X(no_load, "no segment to load",                                                           \
		(i->segments[0].p_type = PT_NOTE, i->segments[1].p_type = PT_NOTE))                \
	X(entry_in_data, "entry point", i->header.e_entry = 0x401000)                              \
	X(entry_beyond, "entry point", i->header.e_entry = 0x402000)                               \
	X(entry_zero, "entry point", i->header.e_entry = 0)                                        \
	X(entry_high, "entry point", i->header.e_entry = 0xffffffff81000000)                       \
	X(filesz_over_memsz, "larger in the file", i->segments[1].p_memsz = 0x800)                 \
	X(offset_past_end, "past the end of the file", i->segments[1].p_offset = 0x10000000)       \
	X(filesz_past_end, "past the end of the file",                                             \
		(i->segments[1].p_filesz = 0x2000, i->segments[1].p_memsz = 0x4000))               \
	X(offset_wraps, "past the end of the file", i->segments[1].p_offset = 0xfffffffffffff000)  \
	X(memsz_wraps, "address range", i->segments[1].p_memsz = 0xffffffffffff0000)               \
	X(memsz_huge, "address range", i->segments[1].p_memsz = 1ull << 47)                        \
	X(vaddr_low, "first 64 KiB", i->segments[0].p_vaddr = 0x1000)                              \
	X(vaddr_zero, "first 64 KiB", i->segments[0].p_vaddr = 0)                                  \
	X(vaddr_top, "address range", i->segments[1].p_vaddr = 0x7fffffffd000)                     \
	X(vaddr_guest_init, "address range", i->segments[1].p_vaddr = 0x7fffffff0000)              \
	X(vaddr_high, "address range", i->segments[1].p_vaddr = 0xffffffff80000000)                \
	X(vaddr_wraps, "address range", i->segments[1].p_vaddr = 0xfffffffffffff000)               \
	X(overlap, "overlap", i->segments[1].p_vaddr = 0x400000)                                   \
	X(overlap_by_page, "overlap", i->segments[0].p_memsz = 0x1001)                             \
	X(descending, "ascending", i->segments[1].p_vaddr = 0x300000)                              \
	X(misaligned, "within the page", i->segments[1].p_vaddr = 0x401004)                        \
	X(write_and_execute, "writable and executable",                                            \
		i->segments[0].p_flags = PF_R | PF_W | PF_X)                                       \
	X(interpreter, "/lib64/ld-linux",                                                          \
		(i->segments[2].p_type = PT_INTERP, i->segments[2].p_offset = 0x1000,              \
			i->segments[2].p_filesz = 28,                                              \
			memcpy((char *)i + 0x1000, "/lib64/ld-linux-x86-64.so.2", 28)))            \
	X(interpreter_far, "interpreter",                                                          \
		(i->segments[2].p_type = PT_INTERP, i->segments[2].p_offset = ~0ull,               \
			i->segments[2].p_filesz = ~0ull))
