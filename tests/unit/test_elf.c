/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF reader against files that are wrong in one place, cut short, or made of noise. */
#include "tests/unit/unit.h"

#include "tests/unit/elf_make.h"
#include "vmm/base/io.h"
#include "vmm/elf.h"
#include "vmm/mm.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(kvs_io_write_all(fd, data, size), 0);
	return fd;
}

static int read_elf(const void *data, size_t size, struct kvs_elf *ret, struct kvs_error *err)
{
	int fd = file_of(data, size);
	int r;

	*err = (struct kvs_error){ 0 };
	r = kvs_elf_read(fd, ret, err);
	close(fd);
	return r;
}

static void test_good(void **state)
{
	struct elf_image image = elf_good();
	struct kvs_error err;
	struct kvs_elf elf;

	(void)state;
	assert_int_equal(read_elf(&image, sizeof(image), &elf, &err), 0);
	assert_int_equal(elf.count, 2);
	assert_false(elf.is_pie);
	assert_int_equal(elf.entry, image.header.e_entry);
	assert_int_equal(elf.phdr_vaddr, 0x400000 + sizeof(Elf64_Ehdr));
	assert_int_equal(elf.phdr_count, 3);
	assert_int_equal(elf.segments[0].prot, KVS_PROT_READ | KVS_PROT_EXEC);
	assert_int_equal(elf.segments[1].prot, KVS_PROT_READ | KVS_PROT_WRITE);
	assert_int_equal(elf.segments[1].mem_bytes, 0x3000);
	image.header.e_type = ET_DYN;
	image.segments[0].p_vaddr -= 0x400000;
	image.segments[1].p_vaddr -= 0x400000;
	image.header.e_entry -= 0x400000;
	assert_int_equal(read_elf(&image, sizeof(image), &elf, &err), 0);
	assert_true(elf.is_pie);
}

static void assert_wrong(const struct elf_image *image, const char *name, const char *text)
{
	struct kvs_error err;
	struct kvs_elf elf;

	if (read_elf(image, sizeof(*image), &elf, &err) != -ENOEXEC)
		fail_msg("%s: not refused", name);
	assert_string_equal(kvs_error_name(err.code), "PAYLOAD_FORMAT");
	if (!strstr(err.text, text))
		fail_msg("%s: '%s' is not in '%s'", name, text, err.text);
	if (!err.where[0] && !strstr(err.text, "interpreter"))
		fail_msg("%s: it does not say where", name);
}

static void test_wrong(void **state)
{
	(void)state;
#define X(name, text, change)                                                                      \
	{                                                                                          \
		struct elf_image image = elf_good(), *i = &image;                                  \
                                                                                                   \
		(void)(change);                                                                    \
		assert_wrong(i, #name, text);                                                      \
	}
	ELF_WRONGS(X)
#undef X
}

/* Cut anywhere, it is refused; whole, it is not. */
static void test_truncated(void **state)
{
	struct elf_image image = elf_good();
	struct kvs_error err;
	struct kvs_elf elf;

	(void)state;
	for (size_t size = 0; size < sizeof(image); size += size < 300 ? 1 : 97) {
		assert_int_equal(read_elf(&image, size, &elf, &err), -ENOEXEC);
		assert_int_equal(err.code, KVS_ERROR_PAYLOAD_FORMAT);
	}
	assert_int_equal(read_elf(&image, sizeof(image), &elf, &err), 0);
}

/* What is accepted can be loaded without a doubt. */
static void assert_sound(const struct kvs_elf *elf, uint64_t file_bytes)
{
	uint64_t end = elf->is_pie ? 0 : KVS_GVA_MIN;
	bool has_entry = false;

	assert_true(elf->count >= 1 && elf->count <= KVS_ELF_MAX_SEGMENTS);
	for (unsigned int i = 0; i < elf->count; i++) {
		const struct kvs_elf_segment *s = &elf->segments[i];

		assert_true(s->vaddr >= end && s->mem_bytes >= 1 && s->file_bytes <= s->mem_bytes);
		end = s->vaddr + s->mem_bytes;
		assert_true(end > s->vaddr && end <= KVS_GVA_MAX);
		assert_true(s->offset <= file_bytes && s->file_bytes <= file_bytes - s->offset);
		assert_int_equal((s->vaddr ^ s->offset) % KVS_PAGE_SIZE, 0);
		assert_false(s->prot & KVS_PROT_WRITE && s->prot & KVS_PROT_EXEC);
		has_entry = has_entry || (s->prot & KVS_PROT_EXEC && elf->entry >= s->vaddr &&
						 elf->entry - s->vaddr < s->file_bytes);
	}
	assert_true(has_entry);
}

static void test_noise(void **state)
{
	uint64_t seed = 1;
	unsigned int accepted = 0;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		struct elf_image image = elf_good();
		struct kvs_error err;
		struct kvs_elf elf;

		for (int changes = round % 4; changes >= 0; changes--) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			((uint8_t *)&image)[(seed >> 33) % 232] ^=
				(uint8_t)(1u << (seed >> 60 & 7));
		}
		if (read_elf(&image, sizeof(image), &elf, &err) == 0) {
			assert_sound(&elf, sizeof(image));
			accepted++;
		}
	}
	assert_true(accepted > 100);
}

static void test_symbols(void **state)
{
	char name[96];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_image image = elf_good();

	(void)state;
	kvs_elf_symbol(fd, 0, name, sizeof(name));
	kvs_elf_symbol(fd, UINT64_MAX, name, sizeof(name));
	assert_true(strlen(name) < sizeof(name));
	close(fd);
	image.header.e_shoff = 0x1000;
	image.header.e_shnum = 0xffff;
	image.header.e_shentsize = sizeof(Elf64_Shdr);
	memset((uint8_t *)&image + 0x1000, 0xff, 0x1000);
	((Elf64_Shdr *)(void *)((uint8_t *)&image + 0x1000))->sh_type = SHT_SYMTAB;
	((Elf64_Shdr *)(void *)((uint8_t *)&image + 0x1000))->sh_link = 0;
	fd = file_of(&image, sizeof(image));
	kvs_elf_symbol(fd, 0x401000, name, sizeof(name));
	assert_string_equal(name, "");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_symbols),
	};

	return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
