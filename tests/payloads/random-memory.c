/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps, protects, discards, moves, reads and writes a few pages at random and keeps book of what
 * each must hold and allow: by its own instructions, and through system calls.
 *
 *   random-memory SEED STEPS
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	COUNT = 96,
	LONGEST = 12,
	FILE_PAGES = 24,
	AT = 8, /* where in a page its word is */
};

struct page {
	bool is_mapped;
	int protection;
	uint64_t word;
	int file_page; /* plus 1; 0: anonymous */
};

static struct page book[COUNT];
static uint64_t in_file[FILE_PAGES];
static int file_count; /* of those, how many the file has */
static uint64_t state;
static char *base;
static int file, channel[2];
static long step;
static sigjmp_buf back;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

static uint64_t chance(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void check(bool is_so, const char *what, int page)
{
	if (is_so)
		return;
	printf("step %ld page %d: %s (errno %d)\n", step, page, what, errno);
	exit(1);
}

static char *at(int page)
{
	return base + (long)page * PAGE;
}

static bool load(int page, uint64_t *ret_word)
{
	if (sigsetjmp(back, 1))
		return false;
	*ret_word = *(volatile uint64_t *)(at(page) + AT);
	return true;
}

static bool store(int page, uint64_t word)
{
	if (sigsetjmp(back, 1))
		return false;
	*(volatile uint64_t *)(at(page) + AT) = word;
	return true;
}

static bool may(int page, int protection)
{
	return book[page].is_mapped && book[page].protection & protection;
}

static int some_protection(void)
{
	static const int all[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC };

	return all[chance(5)];
}

/* ---- what changes the pages ------------------------------------------------------------------ */

static void map_anonymous(int first, int count)
{
	int protection = some_protection();

	check(mmap(at(first), (size_t)count * PAGE, protection,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(first),
		"mmap", first);
	for (int i = first; i < first + count; i++)
		book[i] = (struct page){ .is_mapped = true, .protection = protection };
}

static void map_file(int first, int count)
{
	int protection = chance(2) ? PROT_READ : PROT_READ | PROT_WRITE;
	int from = (int)chance((uint64_t)file_count);

	if (count > file_count - from)
		count = file_count - from;
	check(mmap(at(first), (size_t)count * PAGE, protection, MAP_PRIVATE | MAP_FIXED, file,
		      (off_t)from * PAGE) == at(first),
		"mmap of a file", first);
	for (int i = 0; i < count; i++)
		book[first + i] =
			(struct page){ true, protection, in_file[from + i], from + i + 1 };
}

static void unmap(int first, int count)
{
	check(munmap(at(first), (size_t)count * PAGE) == 0, "munmap", first);
	for (int i = first; i < first + count; i++)
		book[i].is_mapped = false;
}

static bool are_mapped(int first, int count)
{
	for (int i = first; i < first + count; i++)
		if (!book[i].is_mapped)
			return false;
	return true;
}

static void protect(int first, int count)
{
	int protection = some_protection();

	if (!are_mapped(first, count))
		return;
	check(mprotect(at(first), (size_t)count * PAGE, protection) == 0, "mprotect", first);
	for (int i = first; i < first + count; i++)
		book[i].protection = protection;
}

static void discard(int first, int count)
{
	if (!are_mapped(first, count))
		return;
	check(madvise(at(first), (size_t)count * PAGE, MADV_DONTNEED) == 0, "madvise", first);
	for (int i = first; i < first + count; i++)
		book[i].word = book[i].file_page ? in_file[book[i].file_page - 1] : 0;
}

/* Elsewhere, with what it holds; then away, and nothing is where it was. */
static void move(int first, int count)
{
	size_t bytes = (size_t)count * PAGE, more = bytes + 40 * PAGE;
	uint64_t word;
	char *to;

	for (int i = first; i < first + count; i++)
		if (!book[i].is_mapped || book[i].file_page ||
			book[i].protection != book[first].protection)
			return;
	to = mremap(at(first), bytes, more, MREMAP_MAYMOVE);
	if (to == MAP_FAILED)
		return;
	if (to == at(first)) {
		check(mremap(to, more, bytes, 0) == to, "mremap to less", first);
		return;
	}
	for (int i = 0; may(first, PROT_READ) && i < count; i++) {
		memcpy(&word, to + i * PAGE + AT, sizeof(word));
		check(word == book[first + i].word, "moved, and another word", first + i);
	}
	check(munmap(to, more) == 0, "munmap of what was moved", first);
	for (int i = first; i < first + count; i++) {
		book[i].is_mapped = false;
		check(!load(i, &word), "moved, and still there", i);
	}
}

/* ---- what looks at them ---------------------------------------------------------------------- */

static void write_page(int page)
{
	uint64_t word = chance(UINT64_MAX);
	bool is_done = store(page, word);

	check(is_done == may(page, PROT_WRITE), is_done ? "stored" : "not stored", page);
	if (is_done)
		book[page].word = word;
}

static void read_page(int page)
{
	uint64_t word = 0;
	bool is_done = load(page, &word);

	check(is_done == may(page, PROT_READ), is_done ? "loaded" : "not loaded", page);
	check(!is_done || word == book[page].word, "another word", page);
}

static void send_page(int page)
{
	bool is_done = write(channel[1], at(page) + AT, 8) == 8;
	uint64_t word;

	check(is_done == may(page, PROT_READ), is_done ? "written" : "not written", page);
	if (!is_done)
		return;
	check(read(channel[0], &word, 8) == 8 && word == book[page].word, "wrote another", page);
}

static void receive_page(int page)
{
	uint64_t word = chance(UINT64_MAX), rest;
	bool is_done;

	check(write(channel[1], &word, 8) == 8, "write", page);
	is_done = read(channel[0], at(page) + AT, 8) == 8;
	check(is_done == may(page, PROT_WRITE), is_done ? "read" : "not read", page);
	if (is_done)
		book[page].word = word;
	else
		check(read(channel[0], &rest, 8) == 8 && rest == word, "it is lost", page);
}

static void one(void)
{
	int page = (int)chance(COUNT), count = 1 + (int)chance(LONGEST);
	uint64_t what = chance(16);

	if (count > COUNT - page)
		count = COUNT - page;
	if (what < 2)
		map_anonymous(page, count);
	else if (what < 3)
		map_file(page, count);
	else if (what < 4)
		unmap(page, count);
	else if (what < 7)
		protect(page, count);
	else if (what < 8)
		discard(page, count);
	else if (what < 9)
		move(page, count);
	else if (what < 12)
		write_page(page);
	else if (what < 14)
		read_page(page);
	else if (what < 15)
		send_page(page);
	else
		receive_page(page);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_fault };
	long steps = argc > 2 ? atol(argv[2]) : 0;

	if (argc < 3)
		return 99;
	state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	base = mmap(NULL, COUNT * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(base != MAP_FAILED && munmap(base, COUNT * PAGE) == 0, "a place", 0);
	file = open(argv[0], O_RDONLY);
	check(file >= 0 && pipe(channel) == 0, "a file and a pipe", 0);
	while (file_count < FILE_PAGES &&
		pread(file, &in_file[file_count], 8, (off_t)file_count * PAGE + AT) == 8)
		file_count++;
	for (; step < steps; step++)
		one();
	return 0;
}
