/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare machine for C: ports, the burst register, the end. Everything a freestanding payload
 * needs, in one header; the constants are the machine's own, from abi.h.
 */
#pragma once

#include "guest-init/abi.h"

static inline void bare_out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t bare_in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

/* Move a whole buffer with one exit: bytes moved, 0 at end of input, or a negative errno. */
static inline int64_t bare_burst(uint16_t port, uint8_t command, const void *buffer, uint64_t size)
{
	int64_t result;

	__asm__ volatile("outb %b1, %w2"
			 : "=a"(result)
			 : "0"((uint64_t)command), "Nd"(port), "D"(buffer), "S"(size)
			 : "memory");
	return result;
}

_Noreturn static inline void bare_exit(uint8_t status)
{
	bare_out(KVS_PORT_EXIT, status);
	__builtin_unreachable();
}

/* The entry point of a payload: the stack is aligned for C, RDI holds the boot record. */
#define BARE_START __attribute__((section(".text.start"), force_align_arg_pointer)) _Noreturn
