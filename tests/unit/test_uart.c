/* SPDX-License-Identifier: Apache-2.0 */
/* The 16550A, register by register. Source: PC16550D datasheet, section 8. */
#include "tests/unit/unit.h"

#include "vmm/uart.h"

#define FCR KVS_UART_IIR

enum {
	DLAB = 0x80,
	LOOP = 0x10,
};

static char sent[256];
static size_t sent_count;

static void transmit(void *arg, uint8_t byte)
{
	assert_ptr_equal(arg, sent);
	assert_true(sent_count < sizeof(sent));
	sent[sent_count++] = (char)byte;
}

static struct kvs_uart fresh(void)
{
	struct kvs_uart u;

	sent_count = 0;
	kvs_uart_init(&u, transmit, sent);
	return u;
}

static void receive(struct kvs_uart *u, const char *text)
{
	kvs_uart_receive(u, (const uint8_t *)text, strlen(text));
}

static void assert_register(struct kvs_uart *u, enum kvs_uart_register reg, unsigned int value)
{
	assert_int_equal(kvs_uart_read(u, reg), value);
}

static void test_power_on(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	assert_register(&u, KVS_UART_IER, 0);
	assert_register(&u, KVS_UART_IIR, 0x01);
	assert_register(&u, KVS_UART_LCR, 0x03);
	assert_register(&u, KVS_UART_MCR, 0);
	assert_register(&u, KVS_UART_LSR, 0x60);
	assert_register(&u, KVS_UART_MSR, 0xb0);
	assert_register(&u, KVS_UART_DATA, 0);
}

static void test_transmit(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	for (int i = 0; i < 200; i++) {
		kvs_uart_write(&u, KVS_UART_DATA, (uint8_t)i);
		assert_register(&u, KVS_UART_LSR, 0x60);
	}
	assert_int_equal(sent_count, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal((uint8_t)sent[i], i);
}

static void test_receive_without_fifo(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	assert_int_equal(kvs_uart_room(&u), 1);
	receive(&u, "a");
	assert_int_equal(kvs_uart_room(&u), 0);
	assert_register(&u, KVS_UART_LSR, 0x61);
	assert_register(&u, KVS_UART_DATA, 'a');
	assert_register(&u, KVS_UART_LSR, 0x60);
	receive(&u, "bc");
	assert_register(&u, KVS_UART_LSR, 0x63);
	assert_register(&u, KVS_UART_LSR, 0x61);
	assert_register(&u, KVS_UART_DATA, 'b');
}

static void test_receive_fifo(void **state)
{
	struct kvs_uart u = fresh();
	char text[17] = "0123456789abcdef";

	(void)state;
	kvs_uart_write(&u, FCR, 1);
	for (int round = 0; round < 5; round++) {
		assert_int_equal(kvs_uart_room(&u), 16);
		receive(&u, text);
		assert_int_equal(kvs_uart_room(&u), 0);
		assert_register(&u, KVS_UART_LSR, 0x61);
		for (int i = 0; i < 11; i++)
			assert_register(&u, KVS_UART_DATA, (uint8_t)text[i]);
		receive(&u, "ghi");
		for (int i = 11; i < 16; i++)
			assert_register(&u, KVS_UART_DATA, (uint8_t)text[i]);
		assert_register(&u, KVS_UART_DATA, 'g');
		assert_register(&u, KVS_UART_DATA, 'h');
		assert_register(&u, KVS_UART_DATA, 'i');
		assert_register(&u, KVS_UART_LSR, 0x60);
	}
	receive(&u, "0123456789abcdefX");
	assert_register(&u, KVS_UART_LSR, 0x63);
}

/* Bits 1 and 2 clear, and only with bit 0; a change of bit 0 clears too. */
static void test_fifo_control(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	kvs_uart_write(&u, FCR, 0x01);
	receive(&u, "abc");
	kvs_uart_write(&u, FCR, 0x02);
	assert_register(&u, KVS_UART_IIR, 0x01);
	assert_register(&u, KVS_UART_LSR, 0x60);
	kvs_uart_write(&u, FCR, 0x01);
	receive(&u, "abc");
	kvs_uart_write(&u, FCR, 0x05);
	assert_register(&u, KVS_UART_LSR, 0x61);
	kvs_uart_write(&u, FCR, 0x03);
	assert_register(&u, KVS_UART_LSR, 0x60);
	receive(&u, "abc");
	kvs_uart_write(&u, FCR, 0x00);
	assert_register(&u, KVS_UART_LSR, 0x60);
	/* Bits but the enable bit count for nothing while it is off. */
	receive(&u, "z");
	kvs_uart_write(&u, FCR, 0xc6);
	assert_register(&u, KVS_UART_DATA, 'z');
	assert_register(&u, KVS_UART_IIR, 0x01);
}

static void test_divisor_latch(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	kvs_uart_write(&u, KVS_UART_IER, 0x05);
	kvs_uart_write(&u, KVS_UART_LCR, DLAB | 0x1b);
	kvs_uart_write(&u, KVS_UART_DATA, 0x80);
	kvs_uart_write(&u, KVS_UART_IER, 0x25);
	assert_register(&u, KVS_UART_DATA, 0x80);
	assert_register(&u, KVS_UART_IER, 0x25);
	assert_int_equal(sent_count, 0);
	receive(&u, "x");
	assert_register(&u, KVS_UART_DATA, 0x80);
	kvs_uart_write(&u, KVS_UART_LCR, 0x1b);
	assert_register(&u, KVS_UART_DATA, 'x');
	assert_register(&u, KVS_UART_IER, 0x05);
	assert_register(&u, KVS_UART_LCR, 0x1b);
}

static void test_scratch_and_masks(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	for (unsigned int value = 0; value < 256; value++) {
		kvs_uart_write(&u, KVS_UART_SCR, (uint8_t)value);
		assert_register(&u, KVS_UART_SCR, value);
		kvs_uart_write(&u, KVS_UART_IER, (uint8_t)value);
		assert_register(&u, KVS_UART_IER, value & 0x0f);
		kvs_uart_write(&u, KVS_UART_MCR, (uint8_t)value);
		assert_register(&u, KVS_UART_MCR, value & 0x1f);
		kvs_uart_write(&u, KVS_UART_LCR, (uint8_t)value);
		assert_register(&u, KVS_UART_LCR, value);
		kvs_uart_write(&u, KVS_UART_LCR, 0);
	}
	kvs_uart_write(&u, KVS_UART_MCR, 0);
	kvs_uart_write(&u, KVS_UART_LSR, 0xff);
	kvs_uart_write(&u, KVS_UART_MSR, 0xff);
	assert_register(&u, KVS_UART_LSR, 0x60);
}

/* The order of datasheet table 5: line status, data, timeout, THRE, modem status. */
static void test_interrupt_order(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	kvs_uart_write(&u, FCR, 0x41); /* trigger at 4 */
	kvs_uart_write(&u, KVS_UART_IER, 0x0f);
	kvs_uart_set_lines(&u, KVS_UART_MSR_CTS);
	receive(&u, "0123456789abcdefX");
	assert_register(&u, KVS_UART_IIR, 0xc6);
	assert_register(&u, KVS_UART_IIR, 0xc6);
	assert_register(&u, KVS_UART_LSR, 0x63);
	assert_register(&u, KVS_UART_IIR, 0xc4);
	for (int i = 0; i < 13; i++)
		kvs_uart_read(&u, KVS_UART_DATA);
	assert_register(&u, KVS_UART_IIR, 0xcc);
	for (int i = 0; i < 3; i++)
		kvs_uart_read(&u, KVS_UART_DATA);
	assert_register(&u, KVS_UART_IIR, 0xc2);
	assert_register(&u, KVS_UART_IIR, 0xc0);
	assert_register(&u, KVS_UART_IIR, 0xc0);
	assert_register(&u, KVS_UART_MSR, 0x1a);
	assert_register(&u, KVS_UART_IIR, 0xc1);
}

static void test_interrupt_enable(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	receive(&u, "xy");
	kvs_uart_set_lines(&u, 0);
	assert_register(&u, KVS_UART_IIR, 0x01);
	kvs_uart_write(&u, KVS_UART_IER, 0x08);
	assert_register(&u, KVS_UART_IIR, 0x00);
	kvs_uart_write(&u, KVS_UART_IER, 0x02);
	assert_register(&u, KVS_UART_IIR, 0x02);
	assert_register(&u, KVS_UART_IIR, 0x01);
	kvs_uart_write(&u, KVS_UART_DATA, 'x');
	assert_register(&u, KVS_UART_IIR, 0x02);
	/* Setting the bit when it was set already is no event; setting it anew is. */
	kvs_uart_write(&u, KVS_UART_IER, 0x02);
	assert_register(&u, KVS_UART_IIR, 0x01);
	kvs_uart_write(&u, KVS_UART_IER, 0x00);
	kvs_uart_write(&u, KVS_UART_IER, 0x02);
	assert_register(&u, KVS_UART_IIR, 0x02);
}

static void test_modem_status(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	kvs_uart_set_lines(&u, KVS_UART_MSR_CTS | KVS_UART_MSR_DSR);
	assert_register(&u, KVS_UART_MSR, 0x38);
	assert_register(&u, KVS_UART_MSR, 0x30);
	kvs_uart_set_lines(&u, KVS_UART_MSR_CTS | KVS_UART_MSR_DSR | KVS_UART_MSR_RI);
	assert_register(&u, KVS_UART_MSR, 0x70); /* RI rising is no event */
	kvs_uart_set_lines(&u, KVS_UART_MSR_DSR);
	assert_register(&u, KVS_UART_MSR, 0x25); /* TERI, DCTS */
}

static void test_loopback(void **state)
{
	struct kvs_uart u = fresh();

	(void)state;
	kvs_uart_write(&u, KVS_UART_MCR, LOOP);
	kvs_uart_read(&u, KVS_UART_MSR);
	assert_int_equal(kvs_uart_room(&u), 0);
	kvs_uart_write(&u, KVS_UART_DATA, 'l');
	assert_int_equal(sent_count, 0);
	assert_register(&u, KVS_UART_LSR, 0x61);
	assert_register(&u, KVS_UART_DATA, 'l');
	for (unsigned int outputs = 0; outputs < 16; outputs++) {
		unsigned int want = (outputs & 2 ? 0x10 : 0) | (outputs & 1 ? 0x20 : 0) |
				    (outputs & 4 ? 0x40 : 0) | (outputs & 8 ? 0x80 : 0);

		kvs_uart_write(&u, KVS_UART_MCR, (uint8_t)(LOOP | outputs));
		assert_int_equal(kvs_uart_read(&u, KVS_UART_MSR) & 0xf0, want);
	}
	kvs_uart_write(&u, KVS_UART_MCR, 0);
	assert_int_equal(kvs_uart_read(&u, KVS_UART_MSR) & 0xf0, 0xb0);
	kvs_uart_write(&u, KVS_UART_DATA, 'w');
	assert_int_equal(sent_count, 1);
}

static void test_take(void **state)
{
	struct kvs_uart u = fresh();
	uint8_t data[20];

	(void)state;
	kvs_uart_write(&u, FCR, 1);
	assert_int_equal(kvs_uart_take(&u, data, sizeof(data)), 0);
	receive(&u, "abcdef");
	assert_int_equal(kvs_uart_take(&u, data, 4), 4);
	assert_memory_equal(data, "abcd", 4);
	assert_int_equal(kvs_uart_take(&u, data, sizeof(data)), 2);
	assert_memory_equal(data, "ef", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_on),
		cmocka_unit_test(test_transmit),
		cmocka_unit_test(test_receive_without_fifo),
		cmocka_unit_test(test_receive_fifo),
		cmocka_unit_test(test_fifo_control),
		cmocka_unit_test(test_divisor_latch),
		cmocka_unit_test(test_scratch_and_masks),
		cmocka_unit_test(test_interrupt_order),
		cmocka_unit_test(test_interrupt_enable),
		cmocka_unit_test(test_modem_status),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
