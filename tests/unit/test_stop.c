/* SPDX-License-Identifier: Apache-2.0 */
/* Stops: the exit status, the sentence, and a record written by somebody hostile. */
#include "tests/unit/unit.h"

#include "guest-init/abi.h"
#include "vmm/stop.h"

#include <signal.h>

static void test_status(void **state)
{
	static const struct {
		struct kvs_stop stop;
		int status;
	} rows[] = {
		{ { .kind = KVS_STOP_EXITED, .exit_code = 0 }, 0 },
		{ { .kind = KVS_STOP_EXITED, .exit_code = 255 }, 255 },
		{ { .kind = KVS_STOP_SIGNALED, .signal = SIGTERM }, -SIGTERM },
		{ { .kind = KVS_STOP_FAULT, .signal = SIGFPE }, -SIGFPE },
		{ { .kind = KVS_STOP_TRIPLE_FAULT }, -SIGSEGV },
		{ { .kind = KVS_STOP_KVM_ERROR }, -SIGBUS },
		{ { .kind = KVS_STOP_OOM }, -SIGKILL },
		{ { .kind = KVS_STOP_DEADLINE }, -SIGKILL },
		{ { .kind = KVS_STOP_VMM_FAILURE }, 125 },
		{ { .kind = KVS_STOP_NONE }, 125 },
		{ { .kind = 99 }, 125 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(kvs_stop_status(&rows[i].stop), rows[i].status);
}

static void test_results(void **state)
{
	(void)state;
	assert_string_equal(kvs_stop_result(KVS_STOP_EXITED), "exit-code");
	assert_string_equal(kvs_stop_result(KVS_STOP_DEADLINE), "timeout");
	assert_string_equal(kvs_stop_result(KVS_STOP_COUNT), "none");
	assert_string_equal(kvs_stop_result(UINT32_MAX), "none");
	assert_int_equal(kvs_stop_vector_signal(0), SIGFPE);
	assert_int_equal(kvs_stop_vector_signal(6), SIGILL);
	assert_int_equal(kvs_stop_vector_signal(14), SIGSEGV);
	assert_int_equal(kvs_stop_vector_signal(17), SIGBUS);
	assert_int_equal(kvs_stop_vector_signal(9), 0);
	assert_int_equal(kvs_stop_vector_signal(KVS_VECTORS), 0);
}

static void assert_text(const struct kvs_stop *stop, const char *want)
{
	char text[512];

	kvs_stop_format(stop, text, sizeof(text));
	assert_string_equal(text, want);
}

static void test_format(void **state)
{
	struct kvs_stop s = { .kind = KVS_STOP_FAULT,
		.vector = 14,
		.error_code = 6,
		.signal = SIGSEGV,
		.rip = 0x401000,
		.address = 0x1234 };

	(void)state;
	assert_text(&s, "payload stopped by a page fault: write of unmapped 0x1234, at 0x401000 "
			"[SIGSEGV]");
	s.error_code = 5;
	strcpy(s.symbol, "main+0x12");
	strcpy(s.note, "stack overflow");
	assert_text(&s,
		"payload stopped by a page fault: read of protected 0x1234 (stack overflow), "
		"at 0x401000 in main+0x12 [SIGSEGV]");
	s.error_code = 0x15;
	s.note[0] = '\0';
	assert_text(&s,
		"payload stopped by a page fault: execute of protected 0x1234, at 0x401000 in "
		"main+0x12 [SIGSEGV]");
	s.vector = 6;
	s.error_code = 0;
	s.symbol[0] = '\0';
	assert_text(&s, "payload stopped by an invalid instruction (vector 6, error code 0x0), at "
			"0x401000 [SIGILL]");
	assert_text(&(struct kvs_stop){ .kind = KVS_STOP_EXITED, .exit_code = 3 },
		"payload exited with 3");
	assert_text(&(struct kvs_stop){ .kind = KVS_STOP_SIGNALED, .signal = 15 },
		"payload ended by signal 15");
	assert_text(&(struct kvs_stop){ .kind = KVS_STOP_DEADLINE },
		"payload killed: its deadline passed");
	assert_text(&(struct kvs_stop){ .kind = KVS_STOP_OOM },
		"payload killed: it needs more memory than its spec gives it");
	assert_text(
		&(struct kvs_stop){ .kind = 99 }, "the virtual machine ended without saying why");
}

/* Every vector has a sentence, also those no CPU has. */
static void test_vectors(void **state)
{
	(void)state;
	for (uint32_t vector = 0; vector < KVS_VECTORS; vector++) {
		struct kvs_stop s = { .kind = KVS_STOP_FAULT, .vector = vector };
		char text[512];

		kvs_stop_format(&s, text, sizeof(text));
		assert_non_null(strstr(text, "payload stopped by a"));
	}
}

static void test_sanitize(void **state)
{
	struct kvs_stop s;
	char text[512];

	(void)state;
	memset(&s, 0xff, sizeof(s));
	kvs_stop_sanitize(&s);
	assert_true(s.kind < KVS_STOP_COUNT && s.vector < KVS_VECTORS);
	assert_int_equal(s.exit_code, 255);
	assert_true(s.signal >= 1 && s.signal <= 64);
	assert_int_equal(strlen(s.symbol), sizeof(s.symbol) - 1);
	for (uint32_t kind = 0; kind < KVS_STOP_COUNT; kind++) {
		s.kind = kind;
		s.vector = kind;
		kvs_stop_format(&s, text, sizeof(text));
		for (const char *c = text; *c; c++)
			assert_true(*c >= 0x20 && *c < 0x7f);
	}
	s = (struct kvs_stop){ .kind = KVS_STOP_SIGNALED, .signal = 0, .note = "\33]0;x\a" };
	kvs_stop_sanitize(&s);
	assert_int_equal(s.signal, SIGKILL);
	assert_string_equal(s.note, "?]0;x?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_sanitize),
	};

	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
