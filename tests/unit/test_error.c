/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: who wins, what survives a hostile writer, what is printed. */
#include "tests/unit/unit.h"

#include "vmm/base/error.h"

#include <unistd.h>

static void test_innermost_wins(void **state)
{
	struct kvs_error err = { 0 };

	(void)state;
	assert_int_equal(
		kvs_error_set(&err, KVS_ERROR_HOST, ENOSPC, "cannot %s", "write"), -ENOSPC);
	assert_int_equal(kvs_error_set(&err, KVS_ERROR_USAGE, 0, "later"), -EINVAL);
	assert_int_equal(err.code, KVS_ERROR_HOST);
	assert_int_equal(err.errnum, ENOSPC);
	assert_string_equal(err.text, "cannot write");
	kvs_error_where(&err, "/%d", 1);
	kvs_error_where(&err, "/2");
	assert_string_equal(err.where, "/1");
	kvs_error_hint(&err, "try %s", "again");
	kvs_error_hint(&err, "give up");
	assert_string_equal(err.hint, "try again");
}

static void test_nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(kvs_error_set(NULL, KVS_ERROR_KVM_MISSING, 0, "x"), -ENODEV);
	assert_int_equal(kvs_error_set(NULL, KVS_ERROR_HOST, EPERM, "x"), -EPERM);
	kvs_error_where(NULL, "x");
	kvs_error_hint(NULL, "x");
}

static void test_rows(void **state)
{
	(void)state;
	for (uint32_t code = 1; code < KVS_ERROR_COUNT; code++) {
		struct kvs_error err = { .code = code };
		int exit_code = kvs_error_exit_code(&err);

		assert_true(exit_code == 1 || (exit_code >= 125 && exit_code <= 127));
		assert_true(kvs_error_name(code)[0]);
		assert_true(kvs_error_set(NULL, code, 0, "x") < 0);
		for (uint32_t other = 0; other < code; other++)
			assert_string_not_equal(kvs_error_name(code), kvs_error_name(other));
	}
	assert_string_equal(kvs_error_name(KVS_ERROR_COUNT), "INTERNAL");
	assert_string_equal(kvs_error_name(UINT32_MAX), "INTERNAL");
}

static void test_long_texts(void **state)
{
	struct kvs_error err = { 0 };
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	kvs_error_set(&err, KVS_ERROR_HOST, 0, "%s", text);
	kvs_error_where(&err, "%s", text);
	kvs_error_hint(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strlen(err.where), sizeof(err.where) - 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void test_sanitize(void **state)
{
	struct kvs_error err;

	(void)state;
	memset(&err, 0xff, sizeof(err));
	kvs_error_sanitize(&err);
	assert_int_equal(err.code, KVS_ERROR_INTERNAL);
	assert_int_equal(err.errnum, 0);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err.text[0], '?');
	err = (struct kvs_error){ .code = KVS_ERROR_HOST, .errnum = ENOENT, .text = "a\33[2Jb\nc" };
	kvs_error_sanitize(&err);
	assert_int_equal(err.code, KVS_ERROR_HOST);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.text, "a?[2Jb?c");
}

/* What kvs_error_print() writes to standard error. */
static void printed(const struct kvs_error *err, char *ret_text, size_t size)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	kvs_error_print(err);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], ret_text, size - 1);
	ret_text[n > 0 ? n : 0] = '\0';
	close(fds[0]);
}

static void test_print(void **state)
{
	struct kvs_error err = { 0 };
	char text[1000];

	(void)state;
	kvs_error_set(&err, KVS_ERROR_PAYLOAD_MISSING, ENOENT, "cannot open payload '%s'", "/x");
	kvs_error_where(&err, "/process/args/0");
	printed(&err, text, sizeof(text));
	assert_string_equal(text,
		"kvshim: /process/args/0: cannot open payload '/x': no such file or "
		"directory [PAYLOAD_MISSING]\n"
		"kvshim: hint: process.args[0] is looked up inside root.path\n");
	err = (struct kvs_error){ .code = KVS_ERROR_HOST, .text = "no hint" };
	printed(&err, text, sizeof(text));
	assert_string_equal(text, "kvshim: no hint [HOST]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_innermost_wins),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_sanitize),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
