/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include "guest-init/abi.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Exceptions in ring 3: name, and the signal Linux sends (arch/x86 traps; SDM 3A 6.15). */
#define S(number) number, #number
static const struct {
	const char *name;
	int signal;
	const char *signal_name;
} vectors[KVS_VECTORS] = {
	[0] = { "divide error", S(SIGFPE) },
	[1] = { "debug trap", S(SIGTRAP) },
	[2] = { "non-maskable interrupt", S(SIGSEGV) },
	[3] = { "breakpoint", S(SIGTRAP) },
	[4] = { "overflow", S(SIGSEGV) },
	[5] = { "bound range exceeded", S(SIGSEGV) },
	[6] = { "invalid instruction", S(SIGILL) },
	[7] = { "device not available", S(SIGSEGV) },
	[8] = { "double fault", S(SIGSEGV) },
	[10] = { "invalid TSS", S(SIGSEGV) },
	[11] = { "segment not present", S(SIGBUS) },
	[12] = { "stack segment fault", S(SIGBUS) },
	[13] = { "general protection fault", S(SIGSEGV) },
	[14] = { "page fault", S(SIGSEGV) },
	[16] = { "x87 floating point error", S(SIGFPE) },
	[17] = { "alignment check", S(SIGBUS) },
	[18] = { "machine check", S(SIGBUS) },
	[19] = { "SIMD floating point error", S(SIGFPE) },
	[21] = { "control protection fault", S(SIGSEGV) },
};
#undef S

static const char *const results[KVS_STOP_COUNT] = { [KVS_STOP_NONE] = "none",
#define X(name, result) [KVS_STOP_##name] = result,
	KVS_STOPS(X)
#undef X
};

enum {
	PAGE_FAULT = 14,
	PF_PRESENT = 1,
	PF_WRITE = 2,
	PF_FETCH = 16,
	EXIT_VMM_FAILURE = 125,
};

const char *kvs_stop_result(uint32_t kind)
{
	return results[kind < KVS_STOP_COUNT ? kind : KVS_STOP_NONE];
}

int kvs_stop_vector_signal(unsigned int vector)
{
	return vector < KVS_VECTORS ? vectors[vector].signal : 0;
}

int kvs_stop_status(const struct kvs_stop *stop)
{
	switch (stop->kind) {
	case KVS_STOP_EXITED:
		return stop->exit_code;
	case KVS_STOP_SIGNALED:
	case KVS_STOP_FAULT:
		return -stop->signal;
	case KVS_STOP_TRIPLE_FAULT:
		return -SIGSEGV;
	case KVS_STOP_KVM_ERROR:
		return -SIGBUS;
	case KVS_STOP_OOM:
	case KVS_STOP_DEADLINE:
		return -SIGKILL;
	default:
		return EXIT_VMM_FAILURE;
	}
}

void kvs_stop_sanitize(struct kvs_stop *stop)
{
	char *texts[] = { stop->symbol, stop->note };

	if (stop->kind >= KVS_STOP_COUNT)
		stop->kind = KVS_STOP_NONE;
	stop->exit_code &= 0xff;
	if (stop->signal < 1 || stop->signal > 64)
		stop->signal = SIGKILL;
	stop->vector %= KVS_VECTORS;
	stop->symbol[sizeof(stop->symbol) - 1] = '\0';
	stop->note[sizeof(stop->note) - 1] = '\0';
	for (size_t i = 0; i < 2; i++)
		for (char *c = texts[i]; *c; c++)
			if (*c < 0x20 || *c > 0x7e)
				*c = '?';
}

static const char *page_fault_action(uint64_t error_code)
{
	if (error_code & PF_FETCH)
		return "execute";
	return error_code & PF_WRITE ? "write" : "read";
}

static void format_fault(const struct kvs_stop *s, char *text, size_t size)
{
	const char *name = vectors[s->vector].name ? vectors[s->vector].name : "exception";
	bool symbol = s->symbol[0], note = s->note[0];
	char what[160];

	if (s->vector == PAGE_FAULT)
		snprintf(what, sizeof(what), "%s: %s of %s 0x%llx", name,
			page_fault_action(s->error_code),
			s->error_code & PF_PRESENT ? "protected" : "unmapped",
			(unsigned long long)s->address);
	else
		snprintf(what, sizeof(what), "%s (vector %u, error code 0x%llx)", name, s->vector,
			(unsigned long long)s->error_code);
	snprintf(text, size, "payload stopped by %s %s%s%s%s, at 0x%llx%s%s [%s]",
		strchr("aeiou", name[0]) ? "an" : "a", what, note ? " (" : "", s->note,
		note ? ")" : "", (unsigned long long)s->rip, symbol ? " in " : "", s->symbol,
		vectors[s->vector].signal_name ? vectors[s->vector].signal_name : "SIGKILL");
}

void kvs_stop_format(const struct kvs_stop *s, char *text, size_t size)
{
	switch (s->kind) {
	case KVS_STOP_EXITED:
		snprintf(text, size, "payload exited with %d", s->exit_code);
		break;
	case KVS_STOP_SIGNALED:
		snprintf(text, size, "payload ended by signal %d%s%s%s", s->signal,
			s->note[0] ? " (" : "", s->note, s->note[0] ? ")" : "");
		break;
	case KVS_STOP_FAULT:
		format_fault(s, text, size);
		break;
	case KVS_STOP_TRIPLE_FAULT:
		snprintf(text, size, "payload stopped by a triple fault, at 0x%llx",
			(unsigned long long)s->rip);
		break;
	case KVS_STOP_KVM_ERROR:
		snprintf(text, size, "payload stopped: KVM cannot go on (exit %llu, %s), at 0x%llx",
			(unsigned long long)s->detail, s->note, (unsigned long long)s->rip);
		break;
	case KVS_STOP_OOM:
		snprintf(text, size,
			"payload killed: it needs more memory than its spec gives it%s%s",
			s->symbol[0] ? ", in " : "", s->symbol);
		break;
	case KVS_STOP_DEADLINE:
		snprintf(text, size, "payload killed: its deadline passed");
		break;
	default:
		snprintf(text, size, "the virtual machine ended without saying why");
		break;
	}
}
