/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload without a C library, for either ABI: system calls, a little text, a start.
 *
 * A program defines payload_main() and is linked with -nostdlib. Numbers and structures come from
 * the kernel's own headers.
 */
#pragma once

#include "guest-init/abi.h"

#include <asm/unistd.h>

typedef uint64_t u64;
typedef int64_t i64;

static inline i64 call6(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;
	i64 result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline i64 call3(u64 number, u64 a, u64 b, u64 c)
{
	return call6(number, a, b, c, 0, 0, 0);
}

_Noreturn static inline void leave(int status)
{
	for (;;)
		call3(__NR_exit, (u64)status, 0, 0);
}

static inline u64 length(const char *text)
{
	u64 n = 0;

	while (text[n])
		n++;
	return n;
}

static inline int is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static inline void print(const char *text)
{
	call3(__NR_write, 1, (u64)text, length(text));
}

static inline void print_hex(u64 value)
{
	char text[19] = "0x";
	int digits = 1;

	while (digits < 16 && value >> (4 * digits))
		digits++;
	for (int i = 0; i < digits; i++)
		text[2 + i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
	text[2 + digits] = '\0';
	print(text);
}

static inline void print_number(i64 value)
{
	char text[24];
	char *at = text + sizeof(text) - 1;
	u64 rest = value < 0 ? -(u64)value : (u64)value;

	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	print(at);
}

/* What the outside compares: a name and a number on a line. */
static inline void show(const char *name, i64 value)
{
	print(name);
	print(" ");
	print_number(value);
	print("\n");
}

static inline u64 parse_number(const char *text)
{
	u64 value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (u64)(*text - '0');
	return value;
}

/* The compiler may call these. */
void *memset(void *at, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);

__attribute__((weak, optimize("no-tree-loop-distribute-patterns"))) void *memset(
	void *at, int value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)at)[i] = (char)value;
	return at;
}

__attribute__((weak, optimize("no-tree-loop-distribute-patterns"))) void *memcpy(
	void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

/* @stack: as the psABI has it at entry; @boot: the bare ABI's record, NULL in the linux ABI */
int payload_main(int argc, char **argv, char **envp, const struct kvs_boot *boot);
_Noreturn void payload_start(u64 *stack, const struct kvs_boot *boot);

_Noreturn __attribute__((used)) void payload_start(u64 *stack, const struct kvs_boot *boot)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	leave(payload_main(argc, argv, argv + argc + 1, boot));
}

__asm__(".section .text.start, \"ax\"\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	xor	%ebp, %ebp\n"
	"	mov	%rdi, %rsi\n"
	"	mov	%rsp, %rdi\n"
	"	and	$-16, %rsp\n"
	"	call	payload_start\n"
	"	ud2\n"
	".size _start, . - _start\n"
	".previous\n");

/* A behaviour a payload can be asked for by its first argument. */
struct behaviour {
	const char *name;
	void (*run)(void);
};

static inline int run_behaviour(const struct behaviour *all, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(all[i].name, name)) {
			all[i].run();
			print("survived\n");
			return 77;
		}
	print("unknown behaviour\n");
	return 99;
}
