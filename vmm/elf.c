/* SPDX-License-Identifier: Apache-2.0 */
#include "elf.h"

#include "mm.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int bad(struct kvs_error *err, uint64_t offset, const char *what)
{
	int r = kvs_error_set(err, KVS_ERROR_PAYLOAD_FORMAT, 0, "not a loadable payload: %s", what);

	kvs_error_where(err, "ELF offset 0x%llx", (unsigned long long)offset);
	return r;
}

/* Read exactly @size bytes, or say what was cut off. */
static int read_at(
	int fd, void *ret, size_t size, uint64_t offset, const char *what, struct kvs_error *err)
{
	ssize_t n = kvs_io_pread_all(fd, ret, size, (off_t)offset);

	if (n < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, (int)-n, "cannot read the %s", what);
	if ((size_t)n < size)
		return bad(err, offset + (uint64_t)n, "the file ends here, inside its headers");
	return 0;
}

static int check_header(const Elf64_Ehdr *eh, struct kvs_error *err)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0) {
		if (eh->e_ident[0] == '#' && eh->e_ident[1] == '!')
			kvs_error_hint(err, "a script needs its interpreter as args[0]");
		return bad(err, 0, "it does not start with the ELF magic");
	}
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return bad(err, EI_CLASS, "it is not 64-bit");
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return bad(err, EI_DATA, "it is not little-endian");
	if (eh->e_ident[EI_VERSION] != EV_CURRENT)
		return bad(err, EI_VERSION, "its ELF version is not 1");
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return bad(err, offsetof(Elf64_Ehdr, e_type),
			"it is not an executable (an object file or a core?)");
	if (eh->e_machine != EM_X86_64)
		return bad(err, offsetof(Elf64_Ehdr, e_machine), "it is not for x86-64");
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return bad(err, offsetof(Elf64_Ehdr, e_phentsize),
			"its program headers have the wrong size");
	if (eh->e_phnum == 0 || eh->e_phnum > KVS_ELF_MAX_HEADERS)
		return bad(err, offsetof(Elf64_Ehdr, e_phnum),
			"it has no program headers, or more than 128");
	if (eh->e_phoff < sizeof(*eh) || eh->e_phoff > INT64_MAX / 2)
		return bad(err, offsetof(Elf64_Ehdr, e_phoff),
			"its program headers are outside the file");
	return 0;
}

/* A file may be short and no ELF at all: that is said first. */
static int read_header(int fd, Elf64_Ehdr *ret, struct kvs_error *err)
{
	ssize_t n = kvs_io_pread_all(fd, memset(ret, 0, sizeof(*ret)), sizeof(*ret), 0);
	size_t known = n < SELFMAG ? (size_t)n : SELFMAG;

	if (n >= 0 && n < (ssize_t)sizeof(*ret) && memcmp(ret->e_ident, ELFMAG, known) != 0)
		return check_header(ret, err);
	n = read_at(fd, ret, sizeof(*ret), 0, "ELF header", err);
	return n < 0 ? (int)n : check_header(ret, err);
}

static int bad_interpreter(int fd, const Elf64_Phdr *ph, struct kvs_error *err)
{
	char name[64] = "";
	size_t size = ph->p_filesz < sizeof(name) - 1 ? (size_t)ph->p_filesz : sizeof(name) - 1;

	if (kvs_io_pread_all(fd, name, size, (off_t)ph->p_offset) < 0)
		name[0] = '\0';
	kvs_error_hint(err, "link it with -static or -static-pie (Go: CGO_ENABLED=0)");
	return kvs_error_set(err, KVS_ERROR_PAYLOAD_FORMAT, 0,
		"the payload is dynamically linked: it wants the interpreter '%s'", name);
}

/* The highest address an executable that cannot move may use: the stack has to fit above it. */
static const uint64_t segment_limit = KVS_GVA_MAX - (1ull << 36);

static int check_segment(const Elf64_Phdr *ph, uint64_t at, uint64_t file_size, bool is_pie,
	uint64_t previous_end, struct kvs_error *err)
{
	uint64_t end;

	if (ph->p_filesz > ph->p_memsz)
		return bad(err, at, "a segment is larger in the file than in memory");
	if (ph->p_offset > file_size || ph->p_filesz > file_size - ph->p_offset)
		return bad(err, at, "a segment reaches past the end of the file (truncated?)");
	if (__builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) || end > segment_limit)
		return bad(err, at, "a segment reaches past the payload's address range");
	if (!is_pie && ph->p_vaddr < KVS_GVA_MIN)
		return bad(err, at, "a segment lies in the first 64 KiB, which stay unmapped");
	if (ph->p_vaddr < previous_end)
		return bad(err, at, "segments overlap or are not in ascending order");
	if ((ph->p_vaddr ^ ph->p_offset) % KVS_PAGE_SIZE)
		return bad(err, at, "a segment's address and offset differ within the page");
	if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
		kvs_error_hint(err, "link it with -z noexecstack -z separate-code, without -N");
		return bad(err, at, "a segment is both writable and executable");
	}
	return 0;
}

static void add_segment(struct kvs_elf *elf, const Elf64_Phdr *ph)
{
	elf->segments[elf->count++] = (struct kvs_elf_segment){
		.vaddr = ph->p_vaddr,
		.offset = ph->p_offset,
		.file_bytes = ph->p_filesz,
		.mem_bytes = ph->p_memsz,
		.prot = (ph->p_flags & PF_R ? KVS_PROT_READ : 0u) |
			(ph->p_flags & PF_W ? KVS_PROT_WRITE : 0u) |
			(ph->p_flags & PF_X ? KVS_PROT_EXEC : 0u),
	};
}

static bool is_in_text(const struct kvs_elf *elf, uint64_t address)
{
	for (unsigned int i = 0; i < elf->count; i++) {
		const struct kvs_elf_segment *s = &elf->segments[i];

		if (s->prot & KVS_PROT_EXEC && address >= s->vaddr &&
			address - s->vaddr < s->file_bytes)
			return true;
	}
	return false;
}

/* Where the headers at @offset are in memory: inside the first segment that carries them. */
static uint64_t vaddr_of(const struct kvs_elf *elf, uint64_t offset, uint64_t size)
{
	for (unsigned int i = 0; i < elf->count; i++) {
		const struct kvs_elf_segment *s = &elf->segments[i];

		if (offset >= s->offset && offset - s->offset < s->file_bytes &&
			size <= s->file_bytes - (offset - s->offset))
			return s->vaddr + (offset - s->offset);
	}
	return 0;
}

static int read_segments(int fd, const Elf64_Ehdr *eh, uint64_t file_size, struct kvs_elf *elf,
	struct kvs_error *err)
{
	Elf64_Phdr headers[KVS_ELF_MAX_HEADERS];
	uint64_t end = 0;
	int r = read_at(
		fd, headers, eh->e_phnum * sizeof(*headers), eh->e_phoff, "program headers", err);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		const Elf64_Phdr *ph = &headers[i];
		uint64_t at = eh->e_phoff + i * sizeof(*ph);

		if (ph->p_type == PT_INTERP)
			return bad_interpreter(fd, ph, err);
		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		if (elf->count == KVS_ELF_MAX_SEGMENTS)
			return bad(err, at, "it has more than 32 segments");
		r = check_segment(ph, at, file_size, elf->is_pie, end, err);
		if (r < 0)
			return r;
		end = ph->p_vaddr + ph->p_memsz;
		add_segment(elf, ph);
	}
	return 0;
}

int kvs_elf_read(int fd, struct kvs_elf *ret_elf, struct kvs_error *err)
{
	struct kvs_elf elf = { 0 };
	Elf64_Ehdr eh;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot examine the payload");
	r = read_header(fd, &eh, err);
	if (r < 0)
		return r;
	elf.is_pie = eh.e_type == ET_DYN;
	elf.entry = eh.e_entry;
	r = read_segments(fd, &eh, (uint64_t)st.st_size, &elf, err);
	if (r < 0)
		return r;
	if (elf.count == 0)
		return bad(err, eh.e_phoff, "it has no segment to load");
	if (!is_in_text(&elf, elf.entry))
		return bad(err, offsetof(Elf64_Ehdr, e_entry),
			"its entry point is outside its executable segments");
	elf.phdr_count = eh.e_phnum;
	elf.phdr_vaddr = vaddr_of(&elf, eh.e_phoff, eh.e_phnum * sizeof(Elf64_Phdr));
	*ret_elf = elf;
	return 0;
}

enum { MAX_SYMBOLS = 1 << 18, SYMBOL_BATCH = 256 };

/* The function symbol nearest below @address. */
static bool find_symbol(int fd, const Elf64_Shdr *sh, uint64_t address, Elf64_Sym *ret_symbol)
{
	uint64_t count = sh->sh_size / sizeof(Elf64_Sym);
	bool found = false;

	for (uint64_t i = 0; i < count && i < MAX_SYMBOLS; i += SYMBOL_BATCH) {
		Elf64_Sym batch[SYMBOL_BATCH];
		uint64_t offset;
		ssize_t n;

		if (__builtin_add_overflow(sh->sh_offset, i * sizeof(*batch), &offset) ||
			offset > INT64_MAX / 2)
			return found;
		n = kvs_io_pread_all(fd, batch, sizeof(batch), (off_t)offset);
		for (ssize_t j = 0; j < n / (ssize_t)sizeof(*batch) && i + (uint64_t)j < count;
			j++) {
			const Elf64_Sym *s = &batch[j];

			if ((ELF64_ST_TYPE(s->st_info) != STT_FUNC && s->st_size != 0) ||
				ELF64_ST_TYPE(s->st_info) > STT_FUNC || s->st_shndx == SHN_UNDEF ||
				s->st_value > address ||
				(s->st_size && address - s->st_value >= s->st_size))
				continue;
			if (!found || s->st_value >= ret_symbol->st_value) {
				*ret_symbol = *s;
				found = true;
			}
		}
	}
	return found;
}

static void format_symbol(char *ret_name, size_t size, char *name, uint64_t offset)
{
	for (char *c = name; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			*c = '?';
	if (offset)
		snprintf(ret_name, size, "%s+0x%llx", name, (unsigned long long)offset);
	else
		snprintf(ret_name, size, "%s", name);
}

void kvs_elf_symbol(int fd, uint64_t address, char *ret_name, size_t size)
{
	Elf64_Ehdr eh;

	ret_name[0] = '\0';
	if (kvs_io_pread_all(fd, &eh, sizeof(eh), 0) != sizeof(eh) ||
		eh.e_shentsize != sizeof(Elf64_Shdr) || eh.e_shoff > INT64_MAX / 2)
		return;
	for (unsigned int i = 0; i < eh.e_shnum; i++) {
		Elf64_Shdr sh, strings;
		Elf64_Sym symbol;
		char name[96] = "";
		off_t table = (off_t)eh.e_shoff;

		if (kvs_io_pread_all(fd, &sh, sizeof(sh), table + i * (off_t)sizeof(sh)) !=
			sizeof(sh))
			return;
		if (sh.sh_type != SHT_SYMTAB)
			continue;
		/* A file has one such table; to look into more would be unbounded work. */
		if (sh.sh_link >= eh.e_shnum || !find_symbol(fd, &sh, address, &symbol))
			return;
		if (kvs_io_pread_all(fd, &strings, sizeof(strings),
			    table + sh.sh_link * (off_t)sizeof(sh)) != sizeof(strings) ||
			strings.sh_offset > INT64_MAX / 2 ||
			kvs_io_pread_all(fd, name, sizeof(name) - 1,
				(off_t)strings.sh_offset + symbol.st_name) <= 0 ||
			!name[0])
			return;
		format_symbol(ret_name, size, name, address - symbol.st_value);
		return;
	}
}
