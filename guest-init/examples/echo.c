/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies input to output on a bare machine: polls the line status register for a byte, and the
 * modem status register for the end of the input. With arguments, prints those instead, one burst
 * each.
 */
#include "bare.h"

enum { LSR = 5, MSR = 6, LSR_DATA_READY = 0x01, MSR_CARRIER = 0x80 };

static uint64_t length(const char *string)
{
	uint64_t n = 0;

	while (string[n])
		n++;
	return n;
}

static void print_arguments(const struct kvs_boot *boot)
{
	const char *const *argv = (const char *const *)boot->argv;

	for (uint64_t i = 1; i < boot->argc; i++) {
		bare_burst(KVS_PORT_COM1_BURST, KVS_BURST_WRITE, argv[i], length(argv[i]));
		bare_out(KVS_PORT_COM1, i + 1 < boot->argc ? ' ' : '\n');
	}
}

static void copy_input(void)
{
	for (;;) {
		if (bare_in(KVS_PORT_COM1 + LSR) & LSR_DATA_READY)
			bare_out(KVS_PORT_COM1, bare_in(KVS_PORT_COM1));
		else if (!(bare_in(KVS_PORT_COM1 + MSR) & MSR_CARRIER))
			return;
	}
}

BARE_START void _start(const struct kvs_boot *boot)
{
	if (boot->argc > 1)
		print_arguments(boot);
	else
		copy_input();
	bare_exit(0);
}
