/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serial port: a 16550A in front, host descriptors behind.
 *
 * All of the payload's standard input and output goes through one of two ports. Byte-wise access
 * is the compatible path, one exit a byte; a burst moves a whole buffer. Both block when the peer
 * is slow, which stops the vCPU: no byte is lost, duplicated or reordered. The linux ABI's read and
 * write take the burst's way to the host by themselves (linux/files.c) and count here.
 *
 * Peers as the UART's modem lines show them: DCD drops when the input has ended and all of it was
 * read; CTS drops when nobody reads the output any more, and what is written then is discarded.
 */
#pragma once

#include "uart.h"

#include <sys/uio.h>

struct kvs_serial {
	struct kvs_uart uart;
	int rx_fd, tx_fd; /* borrowed; -1 for a line that is not connected */
	bool rx_ended, tx_closed;
	unsigned int idle_polls; /* looks at an empty receiver in a row */
	uint64_t received_bytes, sent_bytes;
};

void kvs_serial_init(struct kvs_serial *s, int rx_fd, int tx_fd);

/* kvs_serial_in, kvs_serial_out - one register access by the guest */
uint8_t kvs_serial_in(struct kvs_serial *s, enum kvs_uart_register reg);
void kvs_serial_out(struct kvs_serial *s, enum kvs_uart_register reg, uint8_t value);

/*
 * kvs_serial_read, kvs_serial_write - move a buffer, as read(2) and write(2) do on the descriptor
 *
 * Context: blocks; ended early by a signal (hostcall.h).
 * Return: bytes moved; 0 from read at end of input; -errno.
 */
int64_t kvs_serial_read(struct kvs_serial *s, const struct iovec *iov, int count);
int64_t kvs_serial_write(struct kvs_serial *s, const struct iovec *iov, int count);
