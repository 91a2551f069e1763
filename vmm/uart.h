/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 16550A UART as its eight registers show it. Values in, values and one callback out: no host
 * descriptor, no KVM, no guest memory.
 *
 * The line has no speed: a byte written to THR is gone at once, so THRE and TEMT read as set. There
 * is no interrupt line; IER and IIR tell a polling driver what would have interrupted it.
 *
 * Source: National Semiconductor PC16550D datasheet (1995), section 8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kvs_uart_register {
	KVS_UART_DATA, /* RBR, THR; DLL with DLAB */
	KVS_UART_IER,  /* DLM with DLAB */
	KVS_UART_IIR,  /* FCR when written */
	KVS_UART_LCR,
	KVS_UART_MCR,
	KVS_UART_LSR,
	KVS_UART_MSR,
	KVS_UART_SCR,
	KVS_UART_REGISTERS,
};

enum {
	KVS_UART_FIFO_BYTES = 16,

	KVS_UART_LSR_DR = 0x01,
	KVS_UART_LSR_OE = 0x02,
	KVS_UART_LSR_THRE = 0x20,
	KVS_UART_LSR_TEMT = 0x40,

	KVS_UART_MSR_CTS = 0x10,
	KVS_UART_MSR_DSR = 0x20,
	KVS_UART_MSR_RI = 0x40,
	KVS_UART_MSR_DCD = 0x80,
};

struct kvs_uart {
	/* A byte leaves through the line; never called in loopback mode. */
	void (*transmit)(void *arg, uint8_t byte);
	void *arg;

	uint8_t fifo[KVS_UART_FIFO_BYTES];
	uint8_t head, count; /* head < 16, count <= capacity */
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t dll, dlm;
	uint8_t lsr_errors; /* cleared by reading LSR */
	uint8_t lines;	    /* modem inputs as the peer drives them, KVS_UART_MSR_ bits */
	uint8_t deltas;	    /* low half of MSR, cleared by reading it */
	bool thre_pending;  /* what an interrupt line would show */
};

/* kvs_uart_init - power-on state; the modem inputs read as CTS, DSR and DCD up */
void kvs_uart_init(struct kvs_uart *u, void (*transmit)(void *arg, uint8_t byte), void *arg);

/* kvs_uart_read, kvs_uart_write - one register access; @reg below KVS_UART_REGISTERS */
uint8_t kvs_uart_read(struct kvs_uart *u, enum kvs_uart_register reg);
void kvs_uart_write(struct kvs_uart *u, enum kvs_uart_register reg, uint8_t value);

/*
 * kvs_uart_room - how many bytes the receiver can take from the line now: up to 16, 1 without FIFO,
 * none in loopback, which takes the receiver off the line
 */
size_t kvs_uart_room(const struct kvs_uart *u);

/*
 * kvs_uart_receive - bytes arrive on the line
 *
 * More of them than fit is an overrun, as on the wire: LSR.OE is set, the excess lost.
 */
void kvs_uart_receive(struct kvs_uart *u, const uint8_t *data, size_t size);

/* kvs_uart_take - empty the receiver by up to @size bytes, for the burst path; returns how many */
size_t kvs_uart_take(struct kvs_uart *u, uint8_t *ret_data, size_t size);

/* kvs_uart_set_lines - the peer drives its modem outputs; KVS_UART_MSR_ bits */
void kvs_uart_set_lines(struct kvs_uart *u, uint8_t lines);
