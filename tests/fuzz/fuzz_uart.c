/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UART under any sequence of accesses, in pairs of bytes: what is done, and with what. Bytes
 * that go in come out once, in order, or are counted as an overrun.
 */
#include "vmm/uart.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint64_t sent;

static void transmit(void *arg, uint8_t byte)
{
	const struct kvs_uart *u = arg;

	(void)byte;
	require(!(u->mcr & 0x10)); /* never in loopback */
	sent++;
}

static void check(const struct kvs_uart *u)
{
	size_t capacity = u->fcr & 1 ? KVS_UART_FIFO_BYTES : 1;

	require(u->count <= capacity && u->head < KVS_UART_FIFO_BYTES);
	require(kvs_uart_room(u) <= capacity - u->count);
	require(u->ier <= 0x0f && u->mcr <= 0x1f);
}

static void receive(struct kvs_uart *u, uint8_t value)
{
	uint8_t bytes[KVS_UART_FIFO_BYTES];
	size_t n = value % (sizeof(bytes) + 1), before = u->count, room = kvs_uart_room(u);

	memset(bytes, value, sizeof(bytes));
	kvs_uart_receive(u, bytes, n);
	if (n <= room)
		require(u->count == before + n);
}

static void step(struct kvs_uart *u, uint8_t what, uint8_t value)
{
	uint8_t bytes[KVS_UART_FIFO_BYTES];
	unsigned int reg = what & 7;
	size_t before = u->count;
	size_t n;

	switch (what >> 3 & 7) {
	case 0:
	case 1:
		kvs_uart_read(u, reg);
		break;
	case 2:
		receive(u, value);
		break;
	case 3:
		n = kvs_uart_take(u, bytes, value % sizeof(bytes));
		require(n == (before < value % sizeof(bytes) ? before : value % sizeof(bytes)));
		break;
	case 4:
		kvs_uart_set_lines(u, value & 0xf0);
		break;
	default:
		kvs_uart_write(u, reg, value);
	}
	if (kvs_uart_read(u, KVS_UART_LSR) & KVS_UART_LSR_DR)
		require(u->count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvs_uart u;

	kvs_uart_init(&u, transmit, &u);
	for (size_t i = 0; i + 1 < size; i += 2) {
		step(&u, data[i], data[i + 1]);
		check(&u);
	}
	return 0;
}
