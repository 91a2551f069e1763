/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's memory calls, one property each, named by the argument. Every page is touched before it
 * is changed: a stale translation is what these look for. 77 is the end that survives all of it.
 */
#include "tests/payloads/raw.h"

#include <asm/mman.h>
#include <linux/mman.h>

#define PAGE 4096ull

/* Where the kernel's headers need a libc. */
#define OPEN_READ 0

typedef volatile uint8_t *bytes;

static u64 map_at(u64 address, u64 size, int prot, int flags)
{
	i64 r = call6(__NR_mmap, address, size, (u64)prot,
		(u64)(MAP_PRIVATE | MAP_ANONYMOUS | flags), ~0ull, 0);

	if (r < 0 && r > -4096) {
		show("mmap", r);
		leave(98);
	}
	return (u64)r;
}

static u64 map(u64 pages)
{
	return map_at(0, pages * PAGE, PROT_READ | PROT_WRITE, 0);
}

static void must(i64 result)
{
	if (result != 0) {
		show("failed", result);
		leave(97);
	}
}

static void expect(const char *what, u64 got, u64 want)
{
	if (got == want)
		return;
	print(what);
	print(": ");
	print_hex(got);
	print(", not ");
	print_hex(want);
	print("\n");
	leave(96);
}

static void unmap(u64 at, u64 pages)
{
	must(call3(__NR_munmap, at, pages * PAGE, 0));
}

static void protect(u64 at, u64 pages, int prot)
{
	must(call3(__NR_mprotect, at, pages * PAGE, (u64)prot));
}

static uint8_t peek(u64 at)
{
	return *(bytes)at;
}

static void poke(u64 at, uint8_t value)
{
	*(bytes)at = value;
}

static void fill(u64 at, u64 pages, uint8_t seed)
{
	for (u64 i = 0; i < pages; i++)
		poke(at + i * PAGE + i % PAGE, (uint8_t)(seed + i));
}

static void expect_filled(const char *what, u64 at, u64 pages, uint8_t seed)
{
	for (u64 i = 0; i < pages; i++)
		expect(what, peek(at + i * PAGE + i % PAGE), (uint8_t)(seed + i));
}

static void expect_zero(const char *what, u64 at, u64 size)
{
	for (u64 i = 0; i < size; i++)
		expect(what, peek(at + i), 0);
}

static void unmapped_read(void)
{
	u64 p = map(1);

	poke(p, 7);
	unmap(p, 1);
	peek(p);
}

static void unmapped_middle(void)
{
	u64 p = map(3);

	fill(p, 3, 1);
	unmap(p + PAGE, 1);
	expect("first", peek(p), 1);
	expect("third", peek(p + 2 * PAGE + 2), 3);
	peek(p + PAGE);
}

static void readonly_write(void)
{
	u64 p = map(1);

	poke(p, 7);
	protect(p, 1, PROT_READ);
	expect("contents", peek(p), 7);
	poke(p, 8);
}

static void none_read(void)
{
	u64 p = map(1);

	poke(p, 7);
	protect(p, 1, PROT_NONE);
	peek(p);
}

/* The pages around a touched one are brought in with it: they are not exempt. */
static void none_neighbour_read(void)
{
	u64 p = map(8);

	poke(p, 7);
	peek(p + PAGE);
	protect(p + PAGE, 1, PROT_NONE);
	expect("after it", peek(p + 2 * PAGE), 0);
	peek(p + PAGE);
}

static void none_restored(void)
{
	u64 p = map(16);

	fill(p, 16, 3);
	protect(p, 16, PROT_NONE);
	expect("write from it", (u64)call3(__NR_write, 1, p, 1), (u64)-14);
	protect(p, 16, PROT_READ);
	expect_filled("read-only", p, 16, 3);
	protect(p, 16, PROT_READ | PROT_WRITE);
	expect_filled("writable", p, 16, 3);
	fill(p, 16, 9);
	expect_filled("again", p, 16, 9);
}

static const uint8_t code_returns[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */

static u64 map_code(void)
{
	u64 p = map(1);

	memcpy((void *)p, code_returns, sizeof(code_returns));
	protect(p, 1, PROT_READ | PROT_EXEC);
	expect("code", (u64)((int (*)(void))p)(), 42);
	return p;
}

static void code_write(void)
{
	poke(map_code(), 0xc3);
}

static void code_revoked(void)
{
	u64 p = map_code();

	protect(p, 1, PROT_READ | PROT_WRITE);
	poke(p + 1, 43);
	((int (*)(void))p)();
}

static void code_unmapped(void)
{
	u64 p = map_code();

	unmap(p, 1);
	((int (*)(void))p)();
}

static void code_changed(void)
{
	u64 p = map_code();

	for (uint8_t n = 0; n < 20; n++) {
		protect(p, 1, PROT_READ | PROT_WRITE);
		poke(p + 1, n);
		protect(p, 1, PROT_READ | PROT_EXEC);
		expect("new code", (u64)((int (*)(void))p)(), n);
	}
}

static void anonymous_execute(void)
{
	u64 p = map(1);

	poke(p, 0xc3);
	((void (*)(void))p)();
}

static void remapped_zero(void)
{
	u64 p = map(4);

	for (int i = 0; i < 20; i++) {
		fill(p, 4, 5);
		unmap(p, 4);
		expect("address", map_at(p, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED), p);
		expect_zero("remapped", p, 4 * PAGE);
	}
}

static void fixed_over(void)
{
	u64 p = map(4);

	fill(p, 4, 5);
	map_at(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED);
	expect("before", peek(p), 5);
	expect_zero("over", p + PAGE, PAGE);
	expect("after", peek(p + 2 * PAGE + 2), 7);
	map_at(p, 4 * PAGE, PROT_READ, MAP_FIXED);
	expect_zero("all", p, 4 * PAGE);
	expect("no replace",
		(u64)call6(__NR_mmap, p, PAGE, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ~0ull, 0),
		(u64)-17);
	poke(p, 1);
}

static u64 moved(void)
{
	u64 p = map(8);
	i64 to;

	fill(p, 8, 11);
	/* Something right behind it, so that it cannot grow in place. */
	map_at(p + 8 * PAGE, PAGE, PROT_READ, MAP_FIXED);
	to = call6(__NR_mremap, p, 8 * PAGE, 16 * PAGE, 1 /* MREMAP_MAYMOVE */, 0, 0);
	expect("it moved", (u64)to != p && to > 0, 1);
	expect_filled("moved", (u64)to, 8, 11);
	expect_zero("grown", (u64)to + 8 * PAGE, 8 * PAGE);
	fill((u64)to, 16, 50);
	expect_filled("written", (u64)to, 16, 50);
	return p;
}

static void move_keeps(void)
{
	moved();
}

static void move_old_read(void)
{
	peek(moved());
}

static void shrunk_read(void)
{
	u64 p = map(8);

	fill(p, 8, 11);
	expect("address", (u64)call6(__NR_mremap, p, 8 * PAGE, 3 * PAGE, 0, 0, 0), p);
	expect_filled("kept", p, 3, 11);
	peek(p + 3 * PAGE);
}

static void discarded(void)
{
	u64 p = map(8);

	for (int i = 0; i < 10; i++) {
		fill(p, 8, 5);
		must(call3(__NR_madvise, p + PAGE, 6 * PAGE, MADV_DONTNEED));
		expect("first", peek(p), 5);
		expect("last", peek(p + 7 * PAGE + 7), 12);
		expect_zero("discarded", p + PAGE, 6 * PAGE);
	}
}

static void reserved(void)
{
	const u64 size = 1ull << 40;
	u64 p = map_at(0, size, PROT_NONE, MAP_NORESERVE);
	u64 middle = p + size / 2;

	protect(middle, 4, PROT_READ | PROT_WRITE);
	fill(middle, 4, 1);
	expect_filled("inside", middle, 4, 1);
	must(call3(__NR_munmap, p, size / 2, 0));
	expect_filled("still inside", middle, 4, 1);
	must(call3(__NR_munmap, middle, size / 2, 0));
}

static void reserved_read(void)
{
	peek(map_at(0, 1ull << 40, PROT_NONE, MAP_NORESERVE) + (1ull << 39));
}

static void sparse(void)
{
	u64 p = map_at(0, 1ull << 40, PROT_READ | PROT_WRITE, MAP_NORESERVE);

	for (u64 i = 0; i < 64; i++)
		poke(p + (i << 34), (uint8_t)i);
	for (u64 i = 0; i < 64; i++)
		expect("sparse", peek(p + (i << 34)), i);
}

static void program_break(void)
{
	u64 start = (u64)call3(__NR_brk, 0, 0, 0);

	expect("grown", (u64)call3(__NR_brk, start + 16 * PAGE, 0, 0), start + 16 * PAGE);
	fill(start, 16, 3);
	expect("shrunk", (u64)call3(__NR_brk, start + PAGE, 0, 0), start + PAGE);
	expect("kept", peek(start), 3);
	expect("grown again", (u64)call3(__NR_brk, start + 16 * PAGE, 0, 0), start + 16 * PAGE);
	expect_zero("fresh", start + PAGE, 15 * PAGE);
	expect("too much", (u64)call3(__NR_brk, start + (1ull << 46), 0, 0), start + 16 * PAGE);
	expect("too little", (u64)call3(__NR_brk, start - 1, 0, 0), start + 16 * PAGE);
}

static void shrunk_break_read(void)
{
	u64 start = (u64)call3(__NR_brk, 0, 0, 0);

	call3(__NR_brk, start + 4 * PAGE, 0, 0);
	fill(start, 4, 3);
	call3(__NR_brk, start, 0, 0);
	peek(start);
}

/* What one mapping held must not show in the next. */
static void recycled(void)
{
	for (int i = 0; i < 40; i++) {
		u64 p = map(64);

		expect_zero("recycled", p, 64 * PAGE);
		memset((void *)p, 0xaa, 64 * PAGE);
		unmap(p, 64);
	}
}

static void churn(void)
{
	for (int i = 0; i < 200; i++) {
		u64 p = map(256), q = map(1);

		fill(p, 256, (uint8_t)i);
		fill(q, 1, 1);
		unmap(p, 256);
	}
}

/* A chequer board of protections, turned over and over. */
static void chequered(void)
{
	u64 p = map(32);

	fill(p, 32, 1);
	for (u64 turn = 0; turn < 4; turn++) {
		for (u64 i = 0; i < 32; i++)
			protect(p + i * PAGE, 1,
				(i + turn) % 2 ? PROT_READ : PROT_READ | PROT_WRITE);
		for (u64 i = 0; i < 32; i++)
			expect("reading into it",
				(u64)call3(__NR_getrandom, p + i * PAGE + 100, 1, 0),
				(i + turn) % 2 ? (u64)-14 : 1);
		expect_filled("contents", p, 32, 1);
	}
	protect(p, 32, PROT_READ | PROT_WRITE);
	fill(p, 32, 8);
	expect_filled("all", p, 32, 8);
}

static void exhausted(void)
{
	u64 taken = 0;
	i64 r;

	while ((r = call6(__NR_mmap, 0, 1 << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, ~0ull, 0)) > 0) {
		for (u64 i = 0; i < 256; i++)
			poke((u64)r + i * PAGE, 1);
		taken++;
	}
	expect("the end", (u64)r, (u64)-12);
	expect("taken", taken >= 10 && taken <= 16, 1);
	print("ENOMEM\n");
}

static void touch_beyond(void)
{
	u64 p = map_at(0, 1ull << 30, PROT_READ | PROT_WRITE, MAP_NORESERVE);

	for (u64 i = 0; i < 1ull << 18; i++)
		poke(p + i * PAGE, 1);
}

/* The host touches it for us: a failed call, not a dead payload. */
static void call_beyond(void)
{
	u64 p = map_at(0, 1ull << 30, PROT_READ | PROT_WRITE, MAP_NORESERVE);
	i64 r = 0;

	for (u64 i = 0; i < 64 && r >= 0; i++)
		r = call3(__NR_getrandom, p + (i << 24), 1 << 20, 0);
	print("alive\n");
}

static i64 open_file(const char *path)
{
	i64 fd = call3(__NR_open, (u64)path, OPEN_READ, 0);

	if (fd < 0)
		must(fd);
	return fd;
}

static i64 map_file(i64 fd, u64 size, int prot, int flags)
{
	return call6(__NR_mmap, 0, size, (u64)prot, (u64)flags, (u64)fd, 0);
}

/* /etc/text is "line 0001\nline 0002\n…" and longer than two pages. */
static void file_mapped(void)
{
	i64 fd = open_file("/etc/text");
	u64 p = (u64)map_file(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	uint8_t first;

	expect("contents", peek(p), 'l');
	poke(p, 'L');
	expect("written", peek(p), 'L');
	expect("again", (u64)call6(__NR_pread64, (u64)fd, (u64)&first, 1, 0, 0, 0), 1);
	expect("the file", first, 'l');
	expect("shared, writable", (u64)map_file(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED),
		(u64)-19);
	expect("no file", (u64)map_file(99, PAGE, PROT_READ, MAP_PRIVATE), (u64)-9);
	for (int i = 0; i < 20; i++) {
		unmap(p, 2);
		p = map(2);
		expect_zero("anonymous after a file", p, 2 * PAGE);
		unmap(p, 2);
		p = (u64)map_file(fd, 2 * PAGE, PROT_READ, MAP_PRIVATE);
		expect("the file again", peek(p), 'l');
	}
}

static void file_readonly_write(void)
{
	u64 p = (u64)map_file(open_file("/etc/text"), PAGE, PROT_READ, MAP_PRIVATE);

	peek(p);
	poke(p, 1);
}

static void bad_arguments(void)
{
	u64 p = map(4);

	expect("unaligned munmap", (u64)call3(__NR_munmap, p + 1, PAGE, 0), (u64)-22);
	expect("empty munmap", (u64)call3(__NR_munmap, p, 0, 0), (u64)-22);
	expect("huge munmap", (u64)call3(__NR_munmap, p, ~0ull, 0), (u64)-22);
	expect("wrapping munmap", (u64)call3(__NR_munmap, p, 0ull - p, 0), (u64)-22);
	expect("unaligned mprotect", (u64)call3(__NR_mprotect, p + 1, PAGE, 0), (u64)-22);
	expect("mprotect of a hole", (u64)call3(__NR_mprotect, 0x20000, PAGE, 1), (u64)-12);
	expect("bad mprotect", (u64)call3(__NR_mprotect, p, PAGE, 64), (u64)-22);
	expect("empty mmap", (u64)call6(__NR_mmap, 0, 0, 3, 0x22, ~0ull, 0), (u64)-22);
	expect("mmap of nothing", (u64)call6(__NR_mmap, 0, PAGE, 3, 0x20, ~0ull, 0), (u64)-22);
	expect("huge mmap", (u64)call6(__NR_mmap, 0, ~0ull, 3, 0x22, ~0ull, 0), (u64)-12);
	expect("fixed at 0", (u64)call6(__NR_mmap, 0, PAGE, 3, 0x32, ~0ull, 0), (u64)-1);
	expect("fixed over guest-init",
		(u64)call6(__NR_mmap, KVS_GVA_INIT, PAGE, 3, 0x32, ~0ull, 0), (u64)-12);
	expect("fixed up to guest-init",
		(u64)call6(__NR_mmap, KVS_GVA_INIT - PAGE, 2 * PAGE, 3, 0x32, ~0ull, 0), (u64)-12);
	expect("fixed in the upper half",
		(u64)call6(__NR_mmap, 0xffff800000000000, PAGE, 3, 0x32, ~0ull, 0), (u64)-12);
	expect("wrapping", (u64)call6(__NR_mmap, ~0ull & ~(PAGE - 1), 2 * PAGE, 3, 0x32, ~0ull, 0),
		(u64)-12);
	expect("munmap of guest-init", (u64)call3(__NR_munmap, KVS_GVA_INIT, PAGE, 0), (u64)-22);
	expect("mprotect of guest-init", (u64)call3(__NR_mprotect, KVS_GVA_GATE, PAGE, 7),
		(u64)-12);
	expect("mremap of a hole", (u64)call6(__NR_mremap, 0x20000, PAGE, 2 * PAGE, 1, 0, 0),
		(u64)-14);
	expect("mremap to nothing", (u64)call6(__NR_mremap, p, PAGE, 0, 1, 0, 0), (u64)-22);
	expect("mremap of guest-init",
		(u64)call6(__NR_mremap, KVS_GVA_DESC, PAGE, 2 * PAGE, 1, 0, 0), (u64)-14);
	expect("madvise of guest-init", (u64)call3(__NR_madvise, KVS_GVA_DESC, PAGE, MADV_DONTNEED),
		(u64)-22);
	expect("still here", peek(p), 0);
}

#define B(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct behaviour behaviours[] = { B(unmapped_read), B(unmapped_middle),
	B(readonly_write), B(none_read), B(none_neighbour_read), B(none_restored), B(code_write),
	B(code_revoked), B(code_unmapped), B(code_changed), B(anonymous_execute), B(remapped_zero),
	B(fixed_over), B(move_keeps), B(move_old_read), B(shrunk_read), B(discarded), B(reserved),
	B(reserved_read), B(sparse), B(program_break), B(shrunk_break_read), B(recycled), B(churn),
	B(chequered), B(exhausted), B(touch_beyond), B(call_beyond), B(file_mapped),
	B(file_readonly_write), B(bad_arguments) };

int payload_main(int argc, char **argv, char **envp, const struct kvs_boot *boot)
{
	(void)envp, (void)boot;
	return run_behaviour(
		behaviours, sizeof(behaviours) / sizeof(*behaviours), argc > 1 ? argv[1] : "");
}
