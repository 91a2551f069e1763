/* SPDX-License-Identifier: Apache-2.0 */
#include "serial.h"

#include "hostcall.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	IDLE_POLLS = 64, /* after this many empty looks, wait a little in the host */
	IDLE_WAIT_MS = 1,
};

/* Wait until the descriptor is ready; for those that are non-blocking. */
static int64_t wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return kvs_hostcall(SYS_poll, (uint64_t)(uintptr_t)&p, 1, (uint64_t)timeout_ms, 0, 0, 0);
}

static bool is_interrupted(int64_t result)
{
	return result == -EINTR || result == -ERESTART;
}

static void lose_peer(struct kvs_serial *s)
{
	s->tx_closed = true;
	kvs_uart_set_lines(&s->uart, s->uart.lines & (uint8_t)~KVS_UART_MSR_CTS);
}

/* A byte from THR. Nothing but a signal for the payload keeps it from being written. */
static void transmit(void *arg, uint8_t byte)
{
	struct kvs_serial *s = arg;

	while (!s->tx_closed) {
		int64_t n = kvs_hostcall(
			SYS_write, (uint64_t)s->tx_fd, (uint64_t)(uintptr_t)&byte, 1, 0, 0, 0);

		if (n == 1) {
			s->sent_bytes++;
			return;
		}
		if (n == -EAGAIN)
			n = wait_for(s->tx_fd, POLLOUT, -1);
		if (is_interrupted(n))
			return; /* a payload of this kind has no handlers: it is about to end */
		if (n < 0)
			lose_peer(s);
	}
}

void kvs_serial_init(struct kvs_serial *s, int rx_fd, int tx_fd)
{
	*s = (struct kvs_serial){
		.rx_fd = rx_fd,
		.tx_fd = tx_fd,
		.rx_ended = rx_fd < 0,
		.tx_closed = tx_fd < 0,
	};
	kvs_uart_init(&s->uart, transmit, s);
	if (s->rx_ended)
		s->uart.lines &= (uint8_t)~KVS_UART_MSR_DCD;
	if (s->tx_closed)
		s->uart.lines &= (uint8_t)~KVS_UART_MSR_CTS;
}

/* Bring input that is there already into an empty receiver, without waiting for more. */
static void fill(struct kvs_serial *s)
{
	uint8_t data[KVS_UART_FIFO_BYTES];
	int wait_ms = s->idle_polls >= IDLE_POLLS ? IDLE_WAIT_MS : 0;
	int64_t n;

	if (s->uart.count > 0 || s->rx_ended || kvs_uart_room(&s->uart) == 0)
		return;
	s->idle_polls++;
	if (wait_for(s->rx_fd, POLLIN, wait_ms) <= 0)
		return;
	n = kvs_hostcall(SYS_read, (uint64_t)s->rx_fd, (uint64_t)(uintptr_t)data,
		kvs_uart_room(&s->uart), 0, 0, 0);
	if (is_interrupted(n) || n == -EAGAIN)
		return;
	s->idle_polls = 0;
	if (n > 0) {
		s->received_bytes += (uint64_t)n;
		kvs_uart_receive(&s->uart, data, (size_t)n);
		return;
	}
	s->rx_ended = true;
	kvs_uart_set_lines(&s->uart, s->uart.lines & (uint8_t)~KVS_UART_MSR_DCD);
}

uint8_t kvs_serial_in(struct kvs_serial *s, enum kvs_uart_register reg)
{
	if (reg == KVS_UART_LSR || reg == KVS_UART_DATA || reg == KVS_UART_IIR ||
		reg == KVS_UART_MSR)
		fill(s);
	return kvs_uart_read(&s->uart, reg);
}

void kvs_serial_out(struct kvs_serial *s, enum kvs_uart_register reg, uint8_t value)
{
	kvs_uart_write(&s->uart, reg, value);
}

int64_t kvs_serial_read(struct kvs_serial *s, const struct iovec *iov, int count)
{
	int64_t n;

	if (count > 0 && s->uart.count > 0)
		return (int64_t)kvs_uart_take(&s->uart, iov->iov_base, iov->iov_len);
	if (s->rx_fd < 0)
		return -EBADF;
	n = kvs_hostcall(
		SYS_readv, (uint64_t)s->rx_fd, (uint64_t)(uintptr_t)iov, (uint64_t)count, 0, 0, 0);
	if (n > 0)
		s->received_bytes += (uint64_t)n;
	return n;
}

int64_t kvs_serial_write(struct kvs_serial *s, const struct iovec *iov, int count)
{
	int64_t n;

	if (s->tx_fd < 0)
		return -EBADF;
	n = kvs_hostcall(
		SYS_writev, (uint64_t)s->tx_fd, (uint64_t)(uintptr_t)iov, (uint64_t)count, 0, 0, 0);
	if (n > 0)
		s->sent_bytes += (uint64_t)n;
	return n;
}
