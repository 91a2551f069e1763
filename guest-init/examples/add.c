/* SPDX-License-Identifier: Apache-2.0 */
/* Adds 2 and 2 on a bare machine and prints the sum, a byte at a time, on the 16550. */
#include "bare.h"

static uint8_t add(volatile uint8_t a, volatile uint8_t b)
{
	return a + b;
}

BARE_START void _start(void)
{
	bare_out(KVS_PORT_COM1, '0' + add(2, 2));
	bare_out(KVS_PORT_COM1, '\n');
	bare_exit(0);
}
