/* SPDX-License-Identifier: Apache-2.0 */
/* Writes elf_make.h's files into a directory, and "expected": a name and what is said about it. */
#include "tests/unit/elf_make.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int put(int directory, const char *name, const struct elf_image *image)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	int r = fd >= 0 && write(fd, image, sizeof(*image)) == sizeof(*image) ? 0 : -1;

	if (fd >= 0)
		close(fd);
	return r;
}

static int put_all(int directory, FILE *expected)
{
	struct elf_image good = elf_good();
	int r = put(directory, "good", &good);

#define X(name, text, change)                                                                      \
	{                                                                                          \
		struct elf_image image = elf_good(), *i = &image;                                  \
                                                                                                   \
		(void)(change);                                                                    \
		fprintf(expected, "%s\t%s\n", #name, text);                                        \
		r |= put(directory, #name, i);                                                     \
	}
	ELF_WRONGS(X)
#undef X
	return r;
}

int main(int argc, char **argv)
{
	int directory = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = directory < 0 ? -1
			       : openat(directory, "expected", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	FILE *expected = fd < 0 ? NULL : fdopen(fd, "w");
	int r;

	if (!expected) {
		fprintf(stderr, "usage: make-elf DIRECTORY\n");
		return 2;
	}
	r = put_all(directory, expected);
	return fclose(expected) == 0 && r == 0 ? 0 : 1;
}
