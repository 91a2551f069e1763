/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a guest can do, seen from outside: each test runs a payload with `kvshim run`.
 *
 * Environment: KVSHIM_BUILD, the directory with kvshim, kvshim-vmm and tests/payloads;
 * KVSHIM_LANE, which kind of KVM this is. An argument limits the run to one theme.
 */
#include "runner.h"

#include <unistd.h>

static const struct {
	const char *name;
	int (*run)(void);
} themes[] = {
	{ "faults", kvs_vm_faults },
	{ "memory", kvs_vm_memory },
	{ "bare", kvs_vm_bare },
	{ "programs", kvs_vm_programs },
	{ "signals", kvs_vm_signals },
	{ "busybox", kvs_vm_busybox },
	{ "regress", kvs_vm_regress },
};

static void test_no_kvm(void **state)
{
	(void)state;
	print_message("# skip: kvm: /dev/kvm cannot be opened\n");
	skip();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest no_kvm[] = { cmocka_unit_test(test_no_kvm) };
	int failed = 0;

	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return cmocka_run_group_tests(no_kvm, NULL, NULL);
	for (size_t i = 0; i < KVS_RUNNER_COUNT(themes); i++)
		if (argc < 2 || strcmp(argv[1], themes[i].name) == 0)
			failed += themes[i].run();
	if (kvs_runner_finish() < 0)
		failed++;
	return failed > 0;
}
