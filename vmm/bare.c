/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare ABI: the machine itself. Two 16550s, their burst registers, an exit port, and, for
 * programs that prefer it, three system calls with Linux's numbers.
 */
#include "guest.h"

#include "access.h"
#include "hostcall.h"
#include "vcpu.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	STACK_BYTES = 1 << 20,
	MAX_VECTORS = 64,
	TABLE_SHARE = 256, /* one page in so many stays free for page tables */
	TABLE_SPARE_PAGES = 16,
};

#define COM_PORTS(base)                                                                            \
	(base), (base) + 1, (base) + 2, (base) + 3, (base) + 4, (base) + 5, (base) + 6, (base) + 7

static const uint16_t bare_ports[] = { KVS_PORT_COM1_BURST, KVS_PORT_COM2_BURST, KVS_PORT_EXIT,
	COM_PORTS(KVS_PORT_COM1), COM_PORTS(KVS_PORT_COM2), 0 };

/* All RAM that nothing else needs, right above the image. */
static int map_heap(struct kvs_guest *g, struct kvs_boot *boot)
{
	uint64_t pages = g->ram.free_pages, keep = pages / TABLE_SHARE + TABLE_SPARE_PAGES;

	if (pages <= keep)
		return 0;
	boot->heap = g->image.end;
	boot->heap_bytes = (pages - keep) * KVS_PAGE_SIZE;
	return kvs_mm_map(
		&g->mm, boot->heap, boot->heap + boot->heap_bytes, KVS_PROT_READ | KVS_PROT_WRITE);
}

static int setup(struct kvs_guest *g, uint64_t *ret_rdi, struct kvs_error *err)
{
	const kvs_gva record = KVS_GVA_MAX - KVS_PAGE_SIZE;
	struct kvs_boot boot = { .version = KVS_ABI_VERSION, .size = sizeof(boot) };
	struct kvs_stack_spec stack = {
		.top = record - KVS_PAGE_SIZE,
		.bytes = STACK_BYTES,
		.args = (const char *const *)g->launch->args,
		.env = (const char *const *)g->launch->env,
	};
	int r;

	kvs_guest_random(boot.seed, sizeof(boot.seed));
	memcpy(stack.random, boot.seed, sizeof(stack.random));
	r = kvs_load_stack(&g->mm, &stack, &g->image.rsp, &boot.argv, &boot.envp, err);
	if (r < 0)
		return r;
	while (g->launch->args[boot.argc])
		boot.argc++;
	r = kvs_mm_map(&g->mm, record, KVS_GVA_MAX, KVS_PROT_READ | KVS_PROT_WRITE);
	if (r == 0)
		r = map_heap(g, &boot);
	if (r == 0)
		r = kvs_access_store(&g->mm, record, &boot, sizeof(boot));
	if (r < 0)
		return kvs_error_set(
			err, KVS_ERROR_PAYLOAD_MEMORY, -r, "no room for the boot record");
	kvs_hostcall_ignore(SIGPIPE); /* a closed peer shows in MSR and in the burst's result */
	*ret_rdi = record;
	return 0;
}

static struct kvs_serial *port_of(struct kvs_guest *g, uint64_t fd)
{
	return fd <= 1 ? &g->com1 : fd == 2 ? &g->com2 : NULL;
}

static int64_t transfer(struct kvs_guest *g, const struct kvm_regs *regs, bool is_read)
{
	struct kvs_serial *serial = port_of(g, regs->rdi);
	struct iovec iov[MAX_VECTORS];
	int count = 0;
	int64_t size;

	if (!serial)
		return -EBADF;
	if (regs->rdx == 0)
		return 0;
	size = kvs_access_iov(&g->mm, regs->rsi, regs->rdx,
		is_read ? KVS_PROT_WRITE : KVS_PROT_READ, iov, MAX_VECTORS, &count);
	if (size < 0)
		return size;
	return is_read ? kvs_serial_read(serial, iov, count) : kvs_serial_write(serial, iov, count);
}

static void serve(struct kvs_guest *g)
{
	const struct kvm_regs *regs = kvs_vcpu_registers(&g->machine);

	switch (regs->rax) {
	case SYS_read:
	case SYS_write:
		kvs_vcpu_return(&g->machine, transfer(g, regs, regs->rax == SYS_read));
		break;
	case SYS_exit:
	case SYS_exit_group:
		g->stop = (struct kvs_stop){
			.kind = KVS_STOP_EXITED,
			.exit_code = (uint8_t)regs->rdi,
		};
		break;
	default:
		kvs_vcpu_return(&g->machine, -ENOSYS);
	}
}

static bool fault(struct kvs_guest *g, const struct kvs_stop *stop)
{
	(void)g, (void)stop;
	return false;
}

static void signal_waits(struct kvs_guest *g)
{
	siginfo_t info;

	(void)g;
	kvs_hostcall_take_signal(0, &info); /* none is ever caught */
}

const struct kvs_guest_abi kvs_bare_abi = {
	.ports = bare_ports,
	.setup = setup,
	.syscall = serve,
	.fault = fault,
	.signal = signal_waits,
};
