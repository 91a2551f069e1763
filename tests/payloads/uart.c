/* SPDX-License-Identifier: Apache-2.0 */
/* The bare ABI's machine, one part of it each, named by the argument. */
#include "tests/payloads/raw.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

static const struct kvs_boot *record;

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static uint16_t in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static i64 burst(uint16_t port, u64 command, u64 address, u64 size)
{
	i64 result;

	__asm__ volatile("outb %b1, %w2"
			 : "=a"(result)
			 : "0"(command), "Nd"(port), "D"(address), "S"(size)
			 : "memory");
	return result;
}

static i64 burst_write(const char *text)
{
	return burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, (u64)text, length(text));
}

#define COM1 KVS_PORT_COM1
#define COM2 KVS_PORT_COM2

static void polled(void)
{
	for (const char *c = "polled output\n"; *c; c++) {
		while (!(in8(COM1 + LSR) & 0x20))
			;
		out8(COM1, (uint8_t)*c);
	}
	for (const char *c = "on COM2\n"; *c; c++)
		out8(COM2, (uint8_t)*c);
}

static void echo(void)
{
	for (;;) {
		uint8_t lsr = in8(COM1 + LSR);

		if (lsr & 1)
			out8(COM1, in8(COM1));
		else if (!(in8(COM1 + MSR) & 0x80))
			return;
	}
}

static void echo_fifo(void)
{
	out8(COM1 + FCR, 0x07);
	echo();
}

/* As a driver would that only looks at IIR. */
static void echo_iir(void)
{
	out8(COM1 + FCR, 0xc7);
	out8(COM1 + IER, 0x09);
	for (;;) {
		uint8_t iir = in8(COM1 + IIR) & 0x0f;

		if (iir == 0x04 || iir == 0x0c)
			out8(COM1, in8(COM1));
		else if (iir == 0x00 && !(in8(COM1 + MSR) & 0x80))
			return;
	}
}

static void line(const char *name, u64 value)
{
	print(name);
	print(" ");
	print_hex(value);
	print("\n");
}

static void registers(void)
{
	line("LSR", in8(COM1 + LSR));
	line("IIR", in8(COM1 + IIR));
	line("MSR", in8(COM1 + MSR));
	line("LCR", in8(COM1 + LCR));
	out8(COM1 + SCR, 0x5a);
	line("SCR", in8(COM1 + SCR));
	out8(COM1 + IER, 0xff);
	line("IER", in8(COM1 + IER));
	line("IIR with THRE", in8(COM1 + IIR));
	line("IIR read once", in8(COM1 + IIR));
	out8(COM1 + IER, 0);
	out8(COM1 + FCR, 0x01);
	line("IIR with FIFO", in8(COM1 + IIR));
	out8(COM1 + FCR, 0x00);
	line("IIR without", in8(COM1 + IIR));
	out8(COM1 + LCR, 0x83);
	out8(COM1 + DATA, 0x34);
	out8(COM1 + IER, 0x12);
	line("DLL", in8(COM1 + DATA));
	line("DLM", in8(COM1 + IER));
	out8(COM1 + LCR, 0x03);
	line("IER again", in8(COM1 + IER));
	out8(COM1 + MCR, 0xff);
	line("MCR", in8(COM1 + MCR));
	out8(COM1 + MCR, 0);
	out8(COM1 + LSR, 0xff);
	line("LSR written", in8(COM1 + LSR));
}

static void loopback(void)
{
	out8(COM1 + MCR, 0x10);
	in8(COM1 + MSR);
	line("MSR", in8(COM1 + MSR));
	out8(COM1 + MCR, 0x1f);
	line("MSR up", in8(COM1 + MSR));
	line("MSR again", in8(COM1 + MSR));
	out8(COM1 + DATA, 'x');
	line("LSR", in8(COM1 + LSR));
	line("RBR", in8(COM1 + DATA));
	line("LSR empty", in8(COM1 + LSR));
	out8(COM1 + DATA, '1');
	out8(COM1 + DATA, '2');
	line("LSR overrun", in8(COM1 + LSR));
	line("LSR after", in8(COM1 + LSR));
	in8(COM1 + DATA);
	out8(COM1 + FCR, 1);
	for (int i = 0; i < 16; i++)
		out8(COM1 + DATA, (uint8_t)i);
	line("LSR full", in8(COM1 + LSR));
	for (int i = 0; i < 16; i++)
		if (in8(COM1 + DATA) != i)
			print("FIFO out of order\n");
	out8(COM1 + MCR, 0);
	print("done\n");
}

static void wide(void)
{
	out8(COM1 + SCR, 0x77);
	out16(COM1 + LCR, 0x0b1b); /* LCR 1b, MCR 0b */
	line("LCR", in8(COM1 + LCR));
	line("MCR", in8(COM1 + MCR));
	line("16 bits", in16(COM1 + LCR));
	line("32 bits", in32(COM1 + MCR) & 0xff0fff0f); /* MCR LSR MSR SCR, without MSR's state */
	out32(COM1 + DATA, 0x03000241);			/* THR 'A', IER 02, FCR 00, LCR 03 */
	line(" IER", in8(COM1 + IER));
	line("LCR", in8(COM1 + LCR));
	out16(COM1 + DATA, 0x0042);
	line(" IER", in8(COM1 + IER));
	out16(KVS_PORT_EXIT + 1, 0);
}

/* Text of several pages' worth of exits, so that the count is split on the way. */
static char long_text[5000];

static void string_out(void)
{
	const char *at = long_text;
	u64 count = sizeof(long_text);

	for (u64 i = 0; i < count; i++)
		long_text[i] = i % 50 == 49 ? '\n' : (char)('a' + i % 26);
	__asm__ volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(COM1) : "memory");
	line("RSI", (u64)(at - long_text));
	line("RCX", count);
	at = long_text + 9;
	count = 10;
	__asm__ volatile("std; rep outsb; cld" : "+S"(at), "+c"(count) : "d"(COM1) : "memory");
	line(" backwards", (u64)(at - long_text + 1));
}

static void string_in(void)
{
	char text[16] = { 0 };
	char *at = text;
	u64 count = 10;

	while (!(in8(COM1 + LSR) & 1))
		;
	__asm__ volatile("rep insb" : "+D"(at), "+c"(count) : "d"(COM1) : "memory");
	line("RDI", (u64)(at - text));
	line("RCX", count);
	burst_write(text);
}

static char page[3 * 4096] __attribute__((aligned(4096)));

static void bursts(void)
{
	u64 end = KVS_GVA_MAX;

	show("text", burst_write("text\n"));
	show("nothing", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, (u64)page, 0));
	show("nothing at 0", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, 0, 0));
	show("at 0", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, 0, 1));
	show("guest-init", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, KVS_GVA_INIT, 16));
	show("gate", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, KVS_GVA_GATE, 16));
	show("descriptors", burst(KVS_PORT_COM1_BURST, KVS_BURST_READ, KVS_GVA_DESC, 16));
	show("ring 0 stack", burst(KVS_PORT_COM1_BURST, KVS_BURST_READ, KVS_GVA_STACK, 16));
	show("upper half", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, 0xffff800000000000, 16));
	show("top", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, ~0ull, 16));
	show("all", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, 0, ~0ull));
	show("unmapped", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, 0x20000, 4096));
	show("into text", burst(KVS_PORT_COM1_BURST, KVS_BURST_READ, (u64)bursts, 16));
	show("command", burst(KVS_PORT_COM1_BURST, 7, (u64)page, 16));
	show("command 255", burst(KVS_PORT_COM2_BURST, 255, (u64)page, 16));
	for (u64 i = 0; i < 4096; i++)
		((char *)end)[(i64)i - 4096] = '.';
	show(" across the end", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, end - 10, 4096));
	show(" huge", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, end - 3, 1ull << 62));
	show("wrapping", burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, end - 3, ~0ull));
	show("COM2", burst(KVS_PORT_COM2_BURST, KVS_BURST_WRITE, (u64) "error\n", 6));
	show("COM2 input", burst(KVS_PORT_COM2_BURST, KVS_BURST_READ, (u64)page, 6));
}

static void burst_read(void)
{
	i64 n;

	show("nothing", burst(KVS_PORT_COM1_BURST, KVS_BURST_READ, (u64)page, 0));
	/* One byte by port first: what the receiver took must come before what the burst takes. */
	while (!(in8(COM1 + LSR) & 1))
		;
	show("first", in8(COM1 + DATA));
	while ((n = burst(KVS_PORT_COM1_BURST, KVS_BURST_READ, (u64)page, sizeof(page))) > 0)
		burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, (u64)page, (u64)n);
	show("end", n);
	show("end again", burst(KVS_PORT_COM1_BURST, KVS_BURST_READ, (u64)page, 1));
}

static void calls(void)
{
	char text[8];

	show("read", call3(__NR_read, 0, (u64)text, 4));
	show("write", call3(__NR_write, 1, (u64)text, 4));
	show(" error", call3(__NR_write, 2, (u64) "oops\n", 5));
	show("other", call3(__NR_write, 3, (u64)text, 4));
	show("bad", call3(__NR_write, 1, 0, 4));
	show("init", call3(__NR_read, 0, KVS_GVA_INIT, 4));
	show("none", call3(__NR_getpid, 0, 0, 0));
	show("all", call3(~0ull, 0, 0, 0));
	call3(__NR_exit_group, 300, 0, 0);
}

static void ends(void)
{
	out8(KVS_PORT_EXIT, 201);
}

static void ends_wide(void)
{
	out32(KVS_PORT_EXIT, 0x0102032a);
}

static void show_record(void)
{
	char **argv = (char **)record->argv, **envp = (char **)record->envp;
	uint8_t seed = 0;

	show("version", record->version);
	show("size", record->size);
	show("argc", (i64)record->argc);
	for (u64 i = 0; i < record->argc; i++) {
		print(argv[i]);
		print("\n");
	}
	show("argv ends", (i64)(u64)argv[record->argc]);
	for (; *envp; envp++) {
		print(*envp);
		print("\n");
	}
	for (int i = 0; i < 16; i++)
		seed |= record->seed[i];
	show("seed", seed != 0);
	show("heap is aligned", record->heap % 4096 == 0);
}

static void show_seed(void)
{
	for (int i = 0; i < 16; i++)
		print_hex(record->seed[i]);
}

static void heap(void)
{
	volatile uint8_t *at = (volatile uint8_t *)record->heap;

	for (u64 i = 0; i < record->heap_bytes; i += 4096)
		if (at[i] || at[i + 4095])
			print("not zero\n");
	for (u64 i = 0; i < record->heap_bytes; i += 4096)
		at[i] = (uint8_t)(i >> 12);
	for (u64 i = 0; i < record->heap_bytes; i += 4096)
		if (at[i] != (uint8_t)(i >> 12))
			print("lost\n");
	show("MiB", (i64)((record->heap_bytes + (1 << 19)) >> 20));
}

static void heap_beyond(void)
{
	*(volatile uint8_t *)(record->heap + record->heap_bytes) = 1;
}

static void heap_execute(void)
{
	*(volatile uint8_t *)record->heap = 0xc3;
	((void (*)(void))record->heap)();
}

#define B(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct behaviour behaviours[] = { B(polled), B(echo), B(echo_fifo), B(echo_iir),
	B(registers), B(loopback), B(wide), B(string_out), B(string_in), B(bursts), B(burst_read),
	B(calls), B(ends), B(ends_wide), B(show_record), B(show_seed), B(heap), B(heap_beyond),
	B(heap_execute) };

int payload_main(int argc, char **argv, char **envp, const struct kvs_boot *boot)
{
	(void)envp;
	record = boot;
	return run_behaviour(
		behaviours, sizeof(behaviours) / sizeof(*behaviours), argc > 1 ? argv[1] : "");
}
