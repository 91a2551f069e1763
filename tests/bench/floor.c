/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the least a program can do to print two bytes from ring 3 of a virtual machine of its
 * own, and so what every other start is compared with.
 *
 *   floor            prints "h" and a newline, one port I/O exit each, and ends
 *   floor --exits N  prints what one exit to user space and back costs, in nanoseconds, over N
 *
 * Theory of operation: built without a C library, so that nothing runs before _start() and the
 * process has as few mappings as it can. Guest memory is a part of this file, page tables and all,
 * already filled in by the compiler; nothing is written there at run time, but it has to be
 * writable, since a CPU that walks page tables through nested paging walks them as if to write. The
 * vCPU gets its state along with the first KVM_RUN and starts in ring 3 of long mode. Nothing is
 * closed: the end of the process does that.
 *
 * KVM_CAP_SPLIT_IRQCHIP is not about interrupts. The first vCPU on a machine that has its APIC in
 * user space makes KVM patch its own code, and so does the end of the last one; on two CPUs each
 * takes as long as making a VM.
 *
 * It shares nothing with the VMM, on purpose: a yardstick must not change with what it measures.
 */
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/time.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
	PORT_PRINT = 0xe0,
	PORT_EXIT = 0xe1,
	PORTS = 0xf0,
	SELECTOR_USER_SS = 0x2b,
	SELECTOR_USER_CS = 0x33,
	SELECTOR_TSS = 0x40,
	TSS_BUSY = 11,
	PTE_TABLE = 0x27,     /* present, writable, user, accessed */
	PTE_USER_CODE = 0x65, /* present, user, accessed, dirty */
	PTE_SUPERVISOR = 0x61,
};

#define GVA_CODE   0x400000ull
#define GVA_TSS	   0x401000ull
#define CR0	   0x80050033ull /* PG AM WP NE ET MP PE */
#define CR4	   0x620ull	 /* OSXMMEXCPT OSFXSR PAE */
#define EFER	   0xd01ull	 /* NXE LMA LME SCE */
#define APIC_RESET 0xfee00900ull
#define RFLAGS	   0x3202ull /* IOPL 3 where it counts; KVM without hardware reads the TSS alone */

/* Guest memory from guest physical address 0 on. A table's index is its bits of the address. */
struct guest {
	uint64_t pml4[512], pdpt[512], pd[512], pt[512];
	uint8_t code[4096];
	struct {
		uint8_t unused[102];
		uint16_t bitmap_offset;
		uint8_t bitmap[PORTS / 8 + 1]; /* a port's bit is 0 where ring 3 may use it */
	} __attribute__((packed)) tss;
};

enum {
	ENTRY_HELLO = 0,
	ENTRY_EXITS = 16, /* ECX times */
};

#define MOV_AL(byte) 0xb0, byte
#define OUT_AL(port) 0xe6, port
#define DEC_ECX	     0xff, 0xc9
#define JNZ(offset)  0x75, (uint8_t)(offset)

static struct guest guest __attribute__((aligned(4096))) = {
	.pml4 = { [0] = offsetof(struct guest, pdpt) | PTE_TABLE },
	.pdpt = { [0] = offsetof(struct guest, pd) | PTE_TABLE },
	.pd = { [GVA_CODE >> 21] = offsetof(struct guest, pt) | PTE_TABLE },
	.pt = { [GVA_CODE >> 12 & 511] = offsetof(struct guest, code) | PTE_USER_CODE,
		[GVA_TSS >> 12 & 511] = offsetof(struct guest, tss) | PTE_SUPERVISOR },
	.code = { [ENTRY_HELLO] = MOV_AL('h'),
		OUT_AL(PORT_PRINT),
		MOV_AL('\n'),
		OUT_AL(PORT_PRINT),
		OUT_AL(PORT_EXIT),
		[ENTRY_EXITS] = OUT_AL(PORT_PRINT),
		DEC_ECX,
		JNZ(-6),
		OUT_AL(PORT_EXIT) },
	.tss = { .bitmap_offset = offsetof(__typeof__(((struct guest *)0)->tss), bitmap) },
};

enum {
	GUEST_BYTES = (sizeof(struct guest) + 4095) & ~4095,
};
_Static_assert(offsetof(struct guest, tss) % 4096 == 0, "pages");

static long syscall3(long number, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static void *map_shared(size_t size, int fd)
{
	register long flags __asm__("r10") = MAP_SHARED;
	register long fd_register __asm__("r8") = fd;
	register long offset __asm__("r9") = 0;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(__NR_mmap), "D"(0), "S"(size), "d"(PROT_READ | PROT_WRITE),
			 "r"(flags), "r"(fd_register), "r"(offset)
			 : "rcx", "r11", "memory");
	return (void *)ret;
}

__attribute__((noreturn)) static void leave(int status)
{
	for (;;)
		syscall3(__NR_exit_group, status, 0, 0);
}

static void print(const void *data, size_t size)
{
	syscall3(__NR_write, 1, (long)data, (long)size);
}

/* Ends the program, with @status, when a system call failed. */
static int must(long result, int status)
{
	if (result < 0)
		leave(status);
	return (int)result;
}

/* A vCPU about to run its first instruction, at @entry. The rest of @run is zero from KVM. */
static void set_registers(struct kvm_run *run, uint64_t entry, uint64_t rcx)
{
	struct kvm_sregs *s = &run->s.regs.sregs;
	struct kvm_segment data = {
		.limit = 0xffffffff,
		.selector = SELECTOR_USER_SS,
		.type = 3,
		.present = 1,
		.dpl = 3,
		.db = 1,
		.s = 1,
		.g = 1,
	};

	s->ss = s->ds = s->es = s->fs = s->gs = data;
	s->cs = data;
	s->cs.selector = SELECTOR_USER_CS;
	s->cs.type = 11;
	s->cs.db = 0;
	s->cs.l = 1;
	s->tr.base = GVA_TSS;
	s->tr.limit = sizeof(guest.tss) - 1;
	s->tr.selector = SELECTOR_TSS;
	s->tr.type = TSS_BUSY;
	s->tr.present = 1;
	s->ldt.unusable = 1;
	s->cr0 = CR0;
	s->cr3 = offsetof(struct guest, pml4);
	s->cr4 = CR4;
	s->efer = EFER;
	s->apic_base = APIC_RESET;
	run->s.regs.regs.rip = entry;
	run->s.regs.regs.rcx = rcx;
	run->s.regs.regs.rflags = RFLAGS;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

/* Runs until the guest writes to PORT_EXIT; what it writes to PORT_PRINT is printed, if asked. */
static void run_guest(int vcpu_fd, const struct kvm_run *run, int prints)
{
	for (;;) {
		must(syscall3(__NR_ioctl, vcpu_fd, KVM_RUN, 0), 6);
		if (run->exit_reason != KVM_EXIT_IO)
			leave(7);
		if (run->io.port == PORT_EXIT)
			return;
		if (prints)
			print((const char *)run + run->io.data_offset, 1);
	}
}

static uint64_t now_ns(void)
{
	struct __kernel_timespec t = { 0 };

	syscall3(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void print_number(uint64_t value)
{
	char text[24], *at = text + sizeof(text);

	*--at = '\n';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	print(at, (size_t)(text + sizeof(text) - at));
}

static uint32_t parse_number(const char *text)
{
	uint32_t value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint32_t)(*text - '0');
	return value;
}

/* @stack: argc and the arguments, as the kernel left them */
__attribute__((noreturn, used)) static void start(char **stack)
{
	long argc = (long)stack[0];
	uint32_t exits = argc == 3 ? parse_number(stack[3]) : 0;
	int kvm_fd = must(syscall3(__NR_open, (long)"/dev/kvm", O_RDWR, 0), 2);
	int vm_fd = must(syscall3(__NR_ioctl, kvm_fd, KVM_CREATE_VM, 0), 3);
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP };
	struct kvm_userspace_memory_region slot = {
		.memory_size = GUEST_BYTES,
		.userspace_addr = (uintptr_t)&guest,
	};
	struct kvm_run *run;
	uint64_t began;
	int vcpu_fd;

	syscall3(__NR_ioctl, vm_fd, KVM_ENABLE_CAP, (long)&split); /* faster, but not needed */
	must(syscall3(__NR_ioctl, vm_fd, KVM_SET_USER_MEMORY_REGION, (long)&slot), 4);
	vcpu_fd = must(syscall3(__NR_ioctl, vm_fd, KVM_CREATE_VCPU, 0), 5);
	run = map_shared((size_t)syscall3(__NR_ioctl, kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), vcpu_fd);
	if ((intptr_t)run < 0 && (intptr_t)run > -4096)
		leave(5);
	set_registers(run, GVA_CODE + (exits ? ENTRY_EXITS : ENTRY_HELLO), exits);
	began = now_ns();
	run_guest(vcpu_fd, run, !exits);
	if (exits)
		print_number((now_ns() - began) / (exits + 1ull));
	leave(0);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call start\n");
