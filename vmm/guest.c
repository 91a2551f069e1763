/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "access.h"
#include "descriptors.h"
#include "hostcall.h"
#include "vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	PF_WRITE = 1 << 1,
	PF_RESERVED = 1 << 3,
	PF_FETCH = 1 << 4,
	MAX_FAULT_REPEATS = 1000,
	BURST_VECTORS = 64,
};

/* Where a static-pie goes: Linux's place for it, plus 28 random bits of pages. */
#define PIE_BASE       0x555555554000ull
#define PIE_PAGES_MASK 0xfffffffull

void kvs_guest_random(void *ret_data, size_t size)
{
	while (getrandom(ret_data, size, 0) != (ssize_t)size)
		if (errno != EINTR)
			abort();
}

static int connected(const struct kvs_launch *l, int fd, uint32_t closed_flag)
{
	return l->flags & closed_flag ? -1 : fd;
}

static int load(struct kvs_guest *g, struct kvs_error *err)
{
	uint64_t pages;
	int r = kvs_ram_init(&g->ram, g->launch->ram_bytes);

	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot reserve guest memory");
	r = kvs_elf_read(g->fds.payload, &g->elf, err);
	if (r < 0)
		return r;
	r = kvs_mm_init(&g->mm, &g->ram);
	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot make page tables");
	kvs_guest_random(&pages, sizeof(pages));
	return kvs_load_elf(&g->mm, &g->elf, g->fds.payload,
		PIE_BASE + (pages & PIE_PAGES_MASK) * KVS_PAGE_SIZE, &g->image, err);
}

int kvs_guest_init(struct kvs_guest *g, const struct kvs_launch *l,
	const struct kvs_launch_fds *fds, int kvm_fd, int log_fd, struct kvs_error *err)
{
	uint64_t rdi = 0;
	int r;

	g->abi = l->abi == KVS_ABI_BARE ? &kvs_bare_abi : &kvs_linux_abi;
	g->launch = l;
	g->fds = *fds;
	g->log_fd = log_fd;
	kvs_serial_init(&g->com1, connected(l, STDIN_FILENO, KVS_LAUNCH_CLOSED_STDIN),
		connected(l, STDOUT_FILENO, KVS_LAUNCH_CLOSED_STDOUT));
	kvs_serial_init(&g->com2, -1, connected(l, STDERR_FILENO, KVS_LAUNCH_CLOSED_STDERR));
	r = load(g, err);
	if (r == 0)
		r = g->abi->setup(g, &rdi, err);
	if (r == 0)
		r = kvs_machine_boot(&g->machine, kvm_fd, &g->mm.pt, g->abi->ports, g->image.entry,
			g->image.rsp, rdi, err);
	if (r < 0)
		return r;
	kvs_hostcall_init(&g->machine.run->immediate_exit);
	return 0;
}

/* What a person would want to know about the instruction that was refused. */
static const char *explain_instruction(struct kvs_guest *g, uint64_t rip)
{
	uint8_t op[2] = { 0 };

	if (kvs_access_load(&g->mm, op, rip, sizeof(op)) < 0)
		return "";
	switch (op[0]) {
	case 0xcd:
		return "int n: there is no such gate, system calls come by syscall";
	case 0xf4:
		return "hlt in ring 3";
	case 0xfa:
	case 0xfb:
		return "cli or sti in ring 3";
	case 0x6c ... 0x6f:
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
		return "port I/O this ABI does not grant";
	case 0x0f:
		return op[1] == 0x0b ? "ud2" : op[1] == 0x01 ? "a ring 0 instruction" : "";
	default:
		return "";
	}
}

static void describe_fault(struct kvs_guest *g, struct kvs_stop *stop)
{
	const struct kvs_vma *vma = kvs_mm_find(&g->mm, stop->address);
	const char *note = "";

	if (stop->vector != KVS_VECTOR_PAGE_FAULT)
		note = explain_instruction(g, stop->rip);
	else if (vma && vma->prot & KVS_PROT_GUARD)
		note = "stack overflow";
	snprintf(stop->note, sizeof(stop->note), "%s", note);
	if (stop->rip >= g->image.bias && stop->rip < g->image.end)
		kvs_elf_symbol(g->fds.payload, stop->rip - g->image.bias, stop->symbol,
			sizeof(stop->symbol));
}

static unsigned int access_of(uint64_t error_code)
{
	if (error_code & PF_FETCH)
		return KVS_PROT_EXEC;
	return error_code & PF_WRITE ? KVS_PROT_WRITE : KVS_PROT_READ;
}

/* A vCPU that faults at the same place for ever would keep this loop busy for ever. */
static bool is_stuck(struct kvs_guest *g, const struct kvs_stop *fault)
{
	if (fault->rip != g->fault_rip || fault->address != g->fault_address)
		g->fault_repeats = 0;
	g->fault_rip = fault->rip;
	g->fault_address = fault->address;
	return ++g->fault_repeats > MAX_FAULT_REPEATS;
}

static void on_fault(struct kvs_guest *g, struct kvs_stop *fault)
{
	int r = -EFAULT;

	g->usage.faults++;
	if (fault->vector == KVS_VECTOR_PAGE_FAULT && !(fault->error_code & PF_RESERVED) &&
		!is_stuck(g, fault))
		r = kvs_mm_fault(&g->mm, fault->address, access_of(fault->error_code));
	if (r == 0) {
		kvs_vcpu_resume(&g->machine, fault->vector);
		return;
	}
	if (r != -ENOMEM && g->abi->fault(g, fault))
		return;
	describe_fault(g, fault);
	g->stop = *fault;
	if (r == -ENOMEM)
		g->stop.kind = KVS_STOP_OOM;
}

/* The burst register: one exit moves the buffer at RDI, RSI bytes long. */
static void burst(struct kvs_guest *g, struct kvs_serial *serial, uint8_t command)
{
	struct kvm_regs *regs = kvs_vcpu_registers(&g->machine);
	unsigned int access = command == KVS_BURST_READ ? KVS_PROT_WRITE : KVS_PROT_READ;
	struct iovec iov[BURST_VECTORS];
	int64_t result = 0;
	int count = 0;

	if (command != KVS_BURST_WRITE && command != KVS_BURST_READ) {
		regs->rax = (uint64_t)-EINVAL;
		return;
	}
	if (regs->rsi > 0)
		result = kvs_access_iov(
			&g->mm, regs->rdi, regs->rsi, access, iov, BURST_VECTORS, &count);
	if (result > 0 && command == KVS_BURST_READ)
		result = kvs_serial_read(serial, iov, count);
	else if (result > 0)
		result = kvs_serial_write(serial, iov, count);
	regs->rax = (uint64_t)result;
}

static void write_port(struct kvs_guest *g, uint16_t port, uint8_t value)
{
	if (port - KVS_PORT_COM1 < KVS_UART_REGISTERS && port >= KVS_PORT_COM1)
		kvs_serial_out(&g->com1, port - KVS_PORT_COM1, value);
	else if (port - KVS_PORT_COM2 < KVS_UART_REGISTERS && port >= KVS_PORT_COM2)
		kvs_serial_out(&g->com2, port - KVS_PORT_COM2, value);
	else if (port == KVS_PORT_COM1_BURST)
		burst(g, &g->com1, value);
	else if (port == KVS_PORT_COM2_BURST)
		burst(g, &g->com2, value);
	else if (port == KVS_PORT_EXIT)
		g->stop = (struct kvs_stop){ .kind = KVS_STOP_EXITED, .exit_code = value };
}

static uint8_t read_port(struct kvs_guest *g, uint16_t port)
{
	if (port >= KVS_PORT_COM1 && port - KVS_PORT_COM1 < KVS_UART_REGISTERS)
		return kvs_serial_in(&g->com1, port - KVS_PORT_COM1);
	if (port >= KVS_PORT_COM2 && port - KVS_PORT_COM2 < KVS_UART_REGISTERS)
		return kvs_serial_in(&g->com2, port - KVS_PORT_COM2);
	return 0xff;
}

/* A wide access is its bytes at ascending ports, as on the ISA bus. */
static void on_port(struct kvs_guest *g, const struct kvs_exit *exit)
{
	g->usage.ports++;
	for (uint32_t i = 0; i < exit->count * exit->size && g->stop.kind == KVS_STOP_NONE; i++) {
		uint16_t port = (uint16_t)(exit->port + i % exit->size);

		if (exit->is_write)
			write_port(g, port, exit->data[i]);
		else
			exit->data[i] = read_port(g, port);
	}
}

static void look_for_signals(struct kvs_guest *g)
{
	if (kvs_hostcall_is_deadline())
		g->stop = (struct kvs_stop){ .kind = KVS_STOP_DEADLINE };
	else
		g->abi->signal(g);
}

static void run_once(struct kvs_guest *g)
{
	struct kvs_exit exit;

	kvs_hostcall_ready();
	if (kvs_hostcall_attention())
		look_for_signals(g);
	if (g->stop.kind != KVS_STOP_NONE)
		return;
	g->usage.exits++;
	kvs_vcpu_run(&g->machine, &exit);
	switch (exit.kind) {
	case KVS_EXIT_SYSCALL:
		g->usage.syscalls++;
		g->fault_repeats = 0; /* the address space may have changed */
		g->abi->syscall(g);
		break;
	case KVS_EXIT_FAULT:
		on_fault(g, &exit.stop);
		break;
	case KVS_EXIT_PORT:
		on_port(g, &exit);
		break;
	case KVS_EXIT_STOP:
		g->stop = exit.stop;
		break;
	case KVS_EXIT_INTERRUPTED:
		break;
	}
}

int kvs_guest_run(struct kvs_guest *g, struct kvs_error *err)
{
	int r = g->launch->deadline_ns ? kvs_hostcall_set_deadline(g->launch->deadline_ns) : 0;

	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, -r, "cannot set the deadline");
	while (g->stop.kind == KVS_STOP_NONE)
		run_once(g);
	g->usage.com1_received_bytes = g->com1.received_bytes;
	g->usage.com1_sent_bytes = g->com1.sent_bytes;
	g->usage.com2_sent_bytes = g->com2.sent_bytes;
	return 0;
}
