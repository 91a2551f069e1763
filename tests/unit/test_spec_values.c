/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec that parses comes out as. */
#include <linux/sched.h>
#include <sys/resource.h>

#include "shim/spec_private.h"
#include "shim/template.h"
#include "tests/unit/spec_texts.h"

#define ANNOTATED(name, value) SPEC("", ",\"annotations\":{\"" name "\":\"" value "\"}")
#define LIMITED(limit)	       SPEC("", ",\"linux\":{\"resources\":{\"memory\":{\"limit\":" limit "}}}")

static void test_defaults(void **state)
{
	struct kvs_spec spec;

	(void)state;
	parse_good(SPEC("", ""), &spec);
	assert_string_equal(spec.oci_version, "1.2.0");
	assert_int_equal(spec.process.args.count, 1);
	assert_string_equal(spec.process.args.items[0], "/a");
	assert_null(spec.process.args.items[1]);
	assert_null(spec.process.env.items[0]);
	assert_string_equal(spec.process.cwd, "/");
	assert_false(spec.process.terminal || spec.process.capabilities.set || spec.root_readonly);
	assert_false(spec.process.oom_score_adj.set || spec.process.user.umask.set);
	assert_string_equal(spec.root_path, "r");
	assert_null(spec.hostname);
	assert_int_equal(spec.mount_count + spec.annotations.count + spec.absorbed_count, 0);
	assert_null(spec.linux_config.seccomp);
	assert_non_null(spec.linux_config.masked_paths.items);
	assert_int_equal(spec.abi, KVS_SPEC_ABI_LINUX);
	assert_int_equal(spec.memory_bytes, 256 << 20);
	assert_int_equal(spec.deadline_ns, 0);
	kvs_spec_done(&spec);
	kvs_spec_done(&spec);
	assert_int_equal(kvs_spec_parse("[", 1, NULL, &spec, NULL), -EBADMSG);
	assert_int_equal(kvs_spec_parse("{}", 2, NULL, &spec, NULL), -EINVAL);
}

static void check_every_process_field(const struct kvs_spec_process *p)
{
	assert_true(p->terminal && p->no_new_privileges && p->capabilities.set);
	assert_int_equal(p->console_height, 24);
	assert_int_equal(p->console_width, 80);
	assert_int_equal(p->env.count, 2);
	assert_string_equal(p->env.items[1], "E=");
	assert_string_equal(p->cwd, "/tmp");
	assert_int_equal(p->user.uid, 1);
	assert_int_equal(p->user.gid, 2);
	assert_int_equal(p->user.umask.value, 022);
	assert_int_equal(p->user.additional_gid_count, 2);
	assert_int_equal(p->user.additional_gids[1], 4);
	assert_int_equal(p->rlimit_count, 1);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(p->rlimits[0].soft, 10);
	assert_int_equal(p->rlimits[0].hard, 20);
	assert_string_equal(p->capabilities.bounding.items[0], "CAP_KILL");
	assert_int_equal(p->capabilities.ambient.count, 0);
	assert_true(p->oom_score_adj.set && p->oom_score_adj.value == -5);
}

static void check_every_linux_field(const struct kvs_spec_linux *section)
{
	assert_int_equal(section->namespace_count, 8);
	assert_int_equal(section->namespaces[0].clone_flag, CLONE_NEWCGROUP);
	assert_int_equal(section->namespaces[7].clone_flag, CLONE_NEWUTS);
	assert_string_equal(section->namespaces[7].path, "/proc/1/ns/uts");
	assert_int_equal(section->uid_maps.items[0].host_id, 1000);
	assert_int_equal(section->gid_maps.items[0].size, 2);
	assert_string_equal(section->cgroups_path, "/a");
	assert_int_equal(section->resources.memory_limit_bytes.value, 1 << 20);
	assert_int_equal(section->resources.memory_swap_bytes.value, -1);
	assert_int_equal(section->resources.cpu_shares.value, 512);
	assert_int_equal(section->resources.cpu_quota_us.value, -1);
	assert_int_equal(section->resources.cpu_period_us.value, 100000);
	assert_string_equal(section->resources.cpu_cpus, "0-1");
	assert_int_equal(section->resources.pids_limit.value, 7);
	assert_string_equal(section->masked_paths.items[0], "/proc/kcore");
	assert_int_equal(section->readonly_paths.count, 2);
	assert_string_equal(section->sysctl.items[0].name, "a.b");
	assert_string_equal(section->sysctl.items[0].value, "1");
	assert_string_equal(section->rootfs_propagation, "rslave");
	assert_non_null(section->seccomp);
}

static void test_every_field(void **state)
{
	size_t size;
	_cleanup_free_ char *text = read_file(CORPUS "good-every-field.json", &size);
	struct kvs_spec spec;

	(void)state;
	parse_good(text, &spec);
	check_every_process_field(&spec.process);
	check_every_linux_field(&spec.linux_config);
	assert_true(spec.root_readonly);
	assert_string_equal(spec.hostname, "h");
	assert_string_equal(spec.domainname, "example.org");
	assert_int_equal(spec.mount_count, 2);
	assert_string_equal(spec.mounts[1].destination, "/tmp");
	assert_string_equal(spec.mounts[1].type, "tmpfs");
	assert_string_equal(spec.mounts[1].options.items[0], "size=1m");
	assert_null(spec.mounts[0].source);
	assert_string_equal(kvs_spec_find_annotation(&spec, "com.example/x"), "y");
	assert_null(kvs_spec_find_annotation(&spec, "com.example/z"));
	assert_int_equal(spec.abi, KVS_SPEC_ABI_BARE);
	assert_string_equal(kvs_spec_abi_name(spec.abi), "bare");
	assert_int_equal(spec.memory_bytes, 2 << 20);
	assert_int_equal(spec.deadline_ns, 1500000000);
	kvs_spec_done(&spec);
}

static void test_amounts(void **state)
{
	static const struct {
		const char *text;
		uint64_t memory_bytes;
		uint64_t deadline_ns;
	} rows[] = {
		{ ANNOTATED("org.kvshim.memory", "1M"), 1 << 20, 0 },
		{ ANNOTATED("org.kvshim.memory", "1024K"), 1 << 20, 0 },
		{ ANNOTATED("org.kvshim.memory", "1052671"), 1 << 20, 0 }, /* to whole pages */
		{ ANNOTATED("org.kvshim.memory", "1052672"), (1 << 20) + 4096, 0 },
		{ ANNOTATED("org.kvshim.memory", "1024G"), UINT64_C(1) << 40, 0 },
		{ LIMITED("8388608"), 8 << 20, 0 },
		{ LIMITED("0"), 256 << 20, 0 },
		{ LIMITED("-1"), 256 << 20, 0 },
		{ LIMITED("9223372036854771712"), 256 << 20, 0 },
		{ LIMITED("9223372036854775807"), 256 << 20, 0 },
		{ LIMITED("1099511627776"), UINT64_C(1) << 40, 0 },
		{ ANNOTATED("org.kvshim.deadline", "500ms"), 256 << 20, 500000000 },
		{ ANNOTATED("org.kvshim.deadline", "10s"), 256 << 20, UINT64_C(10000000000) },
		{ ANNOTATED("org.kvshim.deadline", "2m"), 256 << 20, UINT64_C(120000000000) },
		{ ANNOTATED("org.kvshim.deadline", "1h"), 256 << 20, UINT64_C(3600000000000) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kvs_spec spec;

		parse_good(rows[i].text, &spec);
		assert_int_equal(spec.memory_bytes, rows[i].memory_bytes);
		assert_int_equal(spec.deadline_ns, rows[i].deadline_ns);
		kvs_spec_done(&spec);
	}
}

static void test_integers(void **state)
{
	static const struct {
		const char *text;
		bool negative;
		uint64_t magnitude;
	} rows[] = {
		{ "0", false, 0 },
		{ "-0", false, 0 },
		{ "1.0", false, 1 },
		{ "25e-1", false, 0 }, /* not an integer */
		{ "1e3", false, 1000 },
		{ "-9007199254740992", true, UINT64_C(1) << 53 },
		{ "9007199254740994", false, (UINT64_C(1) << 53) + 2 },
		{ "9223372036854774784", false, UINT64_C(9223372036854774784) },
		{ "9223372036854775807", false, INT64_MAX },
		{ "-9223372036854775808", true, UINT64_C(1) << 63 },
		{ "18446744073709549568", false, UINT64_C(18446744073709549568) },
		{ "18446744073709551615", false, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kvs_error err = { 0 };
		uint64_t magnitude;
		bool negative;
		cJSON *tree;

		assert_int_equal(
			kvs_json_parse(rows[i].text, strlen(rows[i].text), &err, &tree), 0);
		if (strstr(rows[i].text, "e-")) {
			assert_int_equal(kvs_json_integer(tree, &negative, &magnitude), -ERANGE);
		} else {
			assert_int_equal(kvs_json_integer(tree, &negative, &magnitude), 0);
			assert_int_equal(negative, rows[i].negative);
			assert_true(magnitude == rows[i].magnitude);
		}
		cJSON_Delete(tree);
	}
}

/* The table refuses hooks today, so the reader gets its tree without the check. */
static void test_hooks(void **state)
{
	static const char text[] =
		"{\"prestart\":[{\"path\":\"/bin/a\",\"args\":[\"a\",\"b\"],\"timeout\":5}],"
		"\"poststop\":[{\"path\":\"/bin/b\",\"env\":[\"A=1\"]},{\"path\":\"/bin/c\"}]}";
	static const struct {
		const char *text;
		const char *where;
	} bad[] = {
		{ "{\"poststart\":[{\"path\":\"/a\"},{\"path\":\"a\"}]}",
			"/hooks/poststart/1/path" },
		{ "{\"prestart\":[{\"path\":\"/a\",\"timeout\":0}]}", "/hooks/prestart/0/timeout" },
	};
	struct kvs_spec spec = { 0 };
	struct kvs_error err = { 0 };
	const struct kvs_spec_hooks *hooks = spec.hooks;

	(void)state;
	assert_int_equal(kvs_json_parse(text, strlen(text), &err, &spec.json), 0);
	assert_int_equal(kvs_spec_read_hooks(&spec, spec.json, &err), 0);
	assert_int_equal(hooks[KVS_SPEC_HOOK_PRESTART].count, 1);
	assert_string_equal(hooks[KVS_SPEC_HOOK_PRESTART].items[0].path, "/bin/a");
	assert_string_equal(hooks[KVS_SPEC_HOOK_PRESTART].items[0].args.items[1], "b");
	assert_int_equal(hooks[KVS_SPEC_HOOK_PRESTART].items[0].timeout_s, 5);
	assert_int_equal(hooks[KVS_SPEC_HOOK_POSTSTART].count, 0);
	assert_int_equal(hooks[KVS_SPEC_HOOK_POSTSTOP].count, 2);
	assert_string_equal(hooks[KVS_SPEC_HOOK_POSTSTOP].items[0].env.items[0], "A=1");
	kvs_spec_done(&spec);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct kvs_error){ 0 };
		assert_int_equal(
			kvs_json_parse(bad[i].text, strlen(bad[i].text), &err, &spec.json), 0);
		assert_int_equal(kvs_spec_read_hooks(&spec, spec.json, &err), -EINVAL);
		assert_string_equal(err.where, bad[i].where);
		kvs_spec_done(&spec);
	}
}

/* Absorbed fields are listed once, in order, by their outermost pointer; strict refuses the first.
 */
static void test_absorbed(void **state)
{
	static const char text[] = SPEC(",\"noNewPrivileges\":true,\"user\":{\"uid\":0}",
		",\"mounts\":[{\"destination\":\"/p\",\"type\":\"proc\",\"options\":[\"ro\"]},"
		"{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/h\","
		"\"options\":[\"rbind\"]}],\"linux\":{\"seccomp\":{\"defaultAction\":\"x\"},"
		"\"sysctl\":{},\"devices\":[]}");
	static const char *const pointers[] = { "/process/noNewPrivileges", "/process/user/uid",
		"/mounts/0", "/mounts/1", "/linux/seccomp" };
	struct kvs_spec spec;
	struct kvs_error err;

	(void)state;
	parse_good(text, &spec);
	assert_int_equal(spec.absorbed_count, sizeof(pointers) / sizeof(pointers[0]));
	for (size_t i = 0; i < spec.absorbed_count; i++) {
		assert_string_equal(spec.absorbed[i].pointer, pointers[i]);
		assert_true(spec.absorbed[i].reason[0]);
	}
	kvs_spec_done(&spec);
	assert_int_equal(parse(text, strlen(text), true, &spec, &err), -ENOTSUP);
	assert_string_equal(err.where, pointers[0]);
	assert_non_null(strstr(err.text, "would have no effect"));
}

static void test_template(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	struct kvs_spec spec;
	struct kvs_error err;

	(void)state;
	assert_non_null(stream);
	assert_int_equal(kvs_template_write(stream), 0);
	fclose(stream);
	if (parse(text, size, true, &spec, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	assert_string_equal(spec.process.args.items[0], "/bin/busybox");
	assert_int_equal(spec.deadline_ns, 0);
	kvs_spec_done(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_absorbed),
		cmocka_unit_test(test_template),
	};

	return cmocka_run_group_tests_name("spec values", tests, NULL, NULL);
}
