/* SPDX-License-Identifier: Apache-2.0 */
#include "uart.h"

enum {
	IER_RDA = 0x01,
	IER_THRE = 0x02,
	IER_RLS = 0x04,
	IER_MSR = 0x08,
	IIR_NONE = 0x01,
	IIR_THRE = 0x02,
	IIR_RDA = 0x04,
	IIR_RLS = 0x06,
	IIR_TIMEOUT = 0x0c,
	IIR_MSR = 0x00,
	IIR_FIFO = 0xc0,
	FCR_ENABLE = 0x01,
	FCR_CLEAR_RX = 0x02,
	FCR_TRIGGER = 0xc0,
	LCR_DLAB = 0x80,
	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT1 = 0x04,
	MCR_OUT2 = 0x08,
	MCR_LOOP = 0x10,
	MCR_MASK = 0x1f,
	IER_MASK = 0x0f,
};

void kvs_uart_init(struct kvs_uart *u, void (*transmit)(void *arg, uint8_t byte), void *arg)
{
	*u = (struct kvs_uart){
		.transmit = transmit,
		.arg = arg,
		.dll = 1,    /* 115200 baud */
		.lcr = 0x03, /* 8n1 */
		.lines = KVS_UART_MSR_CTS | KVS_UART_MSR_DSR | KVS_UART_MSR_DCD,
		.thre_pending = true,
	};
}

static size_t capacity(const struct kvs_uart *u)
{
	return u->fcr & FCR_ENABLE ? KVS_UART_FIFO_BYTES : 1;
}

size_t kvs_uart_room(const struct kvs_uart *u)
{
	return u->mcr & MCR_LOOP ? 0 : capacity(u) - u->count;
}

void kvs_uart_receive(struct kvs_uart *u, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (u->count == capacity(u)) {
			u->lsr_errors |= KVS_UART_LSR_OE;
			return;
		}
		u->fifo[(u->head + u->count) % KVS_UART_FIFO_BYTES] = data[i];
		u->count++;
	}
}

static uint8_t pop(struct kvs_uart *u)
{
	uint8_t byte = u->fifo[u->head];

	if (u->count == 0)
		return 0;
	u->head = (uint8_t)((u->head + 1) % KVS_UART_FIFO_BYTES);
	u->count--;
	return byte;
}

size_t kvs_uart_take(struct kvs_uart *u, uint8_t *ret_data, size_t size)
{
	size_t n = 0;

	while (n < size && u->count > 0)
		ret_data[n++] = pop(u);
	return n;
}

/* The modem inputs as MSR shows them: in loopback, our own outputs come back. */
static uint8_t lines_seen(const struct kvs_uart *u)
{
	if (!(u->mcr & MCR_LOOP))
		return u->lines;
	return (u->mcr & MCR_RTS ? KVS_UART_MSR_CTS : 0) |
	       (u->mcr & MCR_DTR ? KVS_UART_MSR_DSR : 0) |
	       (u->mcr & MCR_OUT1 ? KVS_UART_MSR_RI : 0) |
	       (u->mcr & MCR_OUT2 ? KVS_UART_MSR_DCD : 0);
}

/* Delta bits for a change of inputs; RI counts only its trailing edge (datasheet 8.9). */
static void note_deltas(struct kvs_uart *u, uint8_t before)
{
	uint8_t now = lines_seen(u), changed = before ^ now;

	if (changed & KVS_UART_MSR_RI && now & KVS_UART_MSR_RI)
		changed &= (uint8_t)~KVS_UART_MSR_RI;
	u->deltas |= changed >> 4;
}

void kvs_uart_set_lines(struct kvs_uart *u, uint8_t lines)
{
	uint8_t before = lines_seen(u);

	u->lines = lines;
	note_deltas(u, before);
}

static uint8_t trigger_level(const struct kvs_uart *u)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

static uint8_t read_iir(struct kvs_uart *u)
{
	uint8_t fifo = u->fcr & FCR_ENABLE ? IIR_FIFO : 0;

	if (u->ier & IER_RLS && u->lsr_errors)
		return fifo | IIR_RLS;
	if (u->ier & IER_RDA && u->count >= trigger_level(u))
		return fifo | IIR_RDA;
	if (u->ier & IER_RDA && u->count > 0)
		return fifo | IIR_TIMEOUT;
	if (u->ier & IER_THRE && u->thre_pending) {
		u->thre_pending = false;
		return fifo | IIR_THRE;
	}
	if (u->ier & IER_MSR && u->deltas)
		return fifo | IIR_MSR;
	return fifo | IIR_NONE;
}

static uint8_t read_lsr(struct kvs_uart *u)
{
	uint8_t value = KVS_UART_LSR_THRE | KVS_UART_LSR_TEMT | u->lsr_errors;

	u->lsr_errors = 0;
	return value | (u->count > 0 ? KVS_UART_LSR_DR : 0);
}

static uint8_t read_msr(struct kvs_uart *u)
{
	uint8_t value = lines_seen(u) | u->deltas;

	u->deltas = 0;
	return value;
}

uint8_t kvs_uart_read(struct kvs_uart *u, enum kvs_uart_register reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case KVS_UART_DATA:
		return dlab ? u->dll : pop(u);
	case KVS_UART_IER:
		return dlab ? u->dlm : u->ier;
	case KVS_UART_IIR:
		return read_iir(u);
	case KVS_UART_LCR:
		return u->lcr;
	case KVS_UART_MCR:
		return u->mcr;
	case KVS_UART_LSR:
		return read_lsr(u);
	case KVS_UART_MSR:
		return read_msr(u);
	case KVS_UART_SCR:
		return u->scr;
	default:
		return 0xff;
	}
}

static void write_thr(struct kvs_uart *u, uint8_t byte)
{
	u->thre_pending = true;
	if (u->mcr & MCR_LOOP)
		kvs_uart_receive(u, &byte, 1);
	else
		u->transmit(u->arg, byte);
}

static void write_fcr(struct kvs_uart *u, uint8_t value)
{
	bool toggled = (value ^ u->fcr) & FCR_ENABLE;

	if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_RX))
		u->count = 0;
	u->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
}

void kvs_uart_write(struct kvs_uart *u, enum kvs_uart_register reg, uint8_t value)
{
	bool dlab = u->lcr & LCR_DLAB;
	uint8_t before = lines_seen(u);

	switch (reg) {
	case KVS_UART_DATA:
		if (dlab)
			u->dll = value;
		else
			write_thr(u, value);
		break;
	case KVS_UART_IER:
		if (dlab) {
			u->dlm = value;
			break;
		}
		if (value & ~u->ier & IER_THRE)
			u->thre_pending = true;
		u->ier = value & IER_MASK;
		break;
	case KVS_UART_IIR:
		write_fcr(u, value);
		break;
	case KVS_UART_LCR:
		u->lcr = value;
		break;
	case KVS_UART_MCR:
		u->mcr = value & MCR_MASK;
		note_deltas(u, before);
		break;
	case KVS_UART_SCR:
		u->scr = value;
		break;
	default: /* LSR and MSR are read-only here */
		break;
	}
}
