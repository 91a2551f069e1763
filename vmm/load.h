/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checked ELF into an address space, and the stack a program starts with.
 *
 * Whole file pages are mapped, not copied: text is shared by every instance through the host's
 * page cache, and what is never touched costs nothing.
 */
#pragma once

#include "elf.h"
#include "mm.h"

struct kvs_image {
	uint64_t bias; /* added to every address of the file, 0 unless it is a static-pie */
	kvs_gva entry;
	kvs_gva phdr; /* 0 when the headers are not in memory */
	kvs_gva end;  /* page-aligned end of the highest segment */
	kvs_gva rsp;  /* after kvs_load_stack() */
};

/*
 * kvs_load_elf - map the segments
 * @fd: the payload, borrowed; not needed afterwards
 * @bias: page aligned, used only when @elf is a pie
 *
 * Return: 0, or -errno with @err (PAYLOAD_MEMORY when it does not fit).
 */
int kvs_load_elf(struct kvs_mm *mm, const struct kvs_elf *elf, int fd, uint64_t bias,
	struct kvs_image *ret_image, struct kvs_error *err);

struct kvs_auxv {
	uint64_t type, value;
};

struct kvs_stack_spec {
	kvs_gva top;		 /* page aligned */
	uint64_t bytes;		 /* size of the area; a guard page lies below it */
	const char *const *args; /* NULL-terminated, as is env */
	const char *const *env;
	const struct kvs_auxv *auxv; /* without AT_RANDOM, AT_EXECFN, AT_PLATFORM, AT_NULL */
	size_t auxv_count;
	uint8_t random[16]; /* for AT_RANDOM */
};

/*
 * kvs_load_stack - make the stack area and fill its top as the x86-64 psABI has it at entry
 * (argc, argv, envp, auxv; RSP 16-byte aligned)
 * @ret_argv, @ret_envp: guest addresses of the two arrays
 *
 * Return: 0, or -errno with @err (PAYLOAD_MEMORY when it does not fit).
 */
int kvs_load_stack(struct kvs_mm *mm, const struct kvs_stack_spec *spec, kvs_gva *ret_rsp,
	kvs_gva *ret_argv, kvs_gva *ret_envp, struct kvs_error *err);
