/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF64 executables, static ones: read, check, describe.
 *
 * The file is hostile. What kvs_elf_read() accepts has been checked to the last addition: segments
 * ascend, do not overlap or wrap, lie inside the file and inside the payload's address range, none
 * is both writable and executable, and the entry is in an executable one.
 *
 * Source: System V gABI chapters 4 and 5; the x86-64 psABI.
 */
#pragma once

#include "ram.h"
#include "vmm/base/error.h"

#include <stdbool.h>

enum {
	KVS_ELF_MAX_SEGMENTS = 32,
	KVS_ELF_MAX_HEADERS = 128,
};

struct kvs_elf_segment {
	uint64_t vaddr;	     /* as in the file, without bias */
	uint64_t offset;     /* in the file; congruent to vaddr modulo the page size */
	uint64_t file_bytes; /* at most mem_bytes */
	uint64_t mem_bytes;  /* at least 1 */
	unsigned int prot;   /* enum kvs_prot bits */
};

struct kvs_elf {
	bool is_pie; /* may be put anywhere: add a bias to every address */
	uint64_t entry;
	uint64_t phdr_vaddr; /* where the program headers end up in memory, 0 for nowhere */
	unsigned int phdr_count;
	unsigned int count; /* segments, at least 1 */
	struct kvs_elf_segment segments[KVS_ELF_MAX_SEGMENTS];
};

/*
 * kvs_elf_read - read and check the headers of an executable
 * @fd: open for reading, position is not used
 *
 * Return: 0, or -errno with @err saying what is wrong at which offset and how to mend it
 * (PAYLOAD_FORMAT for a bad file, HOST when it cannot be read).
 */
int kvs_elf_read(int fd, struct kvs_elf *ret_elf, struct kvs_error *err);

/*
 * kvs_elf_symbol - name the function that holds an address
 * @address: without bias
 * @ret_name: "name+0x12", sanitized; left empty when the file has no such symbol
 *
 * Meant for a message about a stop: bounded work on a hostile file, and never an error.
 */
void kvs_elf_symbol(int fd, uint64_t address, char *ret_name, size_t size);
