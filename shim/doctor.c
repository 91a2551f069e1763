/* SPDX-License-Identifier: Apache-2.0 */
/* kvshim doctor: test step by step whether this machine can run payloads, and say how to mend it.
 */
#include "payload.h"
#include "verbs.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { PROBE_STATUS = 42 };

/* The smallest payload: mov $231, %eax; mov $42, %edi; syscall (exit_group). */
static const struct {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	uint8_t code[12];
} probe = {
	.header =
		{
			.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
	.segment =
		{
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = 0x400000,
			.p_filesz = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + sizeof(probe.code),
			.p_memsz = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + sizeof(probe.code),
			.p_align = 0x1000,
		},
	.code = {0xb8, 231, 0, 0, 0, 0xbf, PROBE_STATUS, 0, 0, 0, 0x0f, 0x05},
};

static void say(const char *step, const char *result)
{
	printf("  %-28s %s\n", step, result);
}

static const struct {
	int capability;
	const char *name;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS" },
	{ KVM_CAP_XSAVE, "KVM_CAP_XSAVE" },
};

static int check_capabilities(int kvm_fd, struct kvs_error *err)
{
	int version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION)
		return kvs_error_set(err, KVS_ERROR_KVM_FAILED, 0,
			"KVM speaks API version %d, not %d", version, KVM_API_VERSION);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i].capability) <= 0)
			return kvs_error_set(
				err, KVS_ERROR_KVM_FAILED, 0, "this KVM has no %s", needed[i].name);
	return 0;
}

/* A directory with the probe in it, for the time of the test. */
static int make_root(char *root, struct kvs_error *err)
{
	_cleanup_close_ int root_fd = -1, fd = -1;

	if (!mkdtemp(root))
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot make '%s'", root);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = openat(root_fd, "probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (fd < 0 || kvs_io_write_all(fd, &probe, sizeof(probe)) < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot write into '%s'", root);
	return TAKE_FD(root_fd);
}

static void remove_root(const char *root, int root_fd)
{
	if (root_fd >= 0)
		unlinkat(root_fd, "probe", 0);
	rmdir(root);
}

/* Run the probe as `kvshim run` would, and see it exit with its status. */
static int run_probe(int root_fd, struct kvs_record *ret_record, struct kvs_error *err)
{
	static const char text[] = "{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"/probe\"]},"
				   "\"root\":{\"path\":\".\"}}";
	_cleanup_(kvs_payload_close) struct kvs_payload payload = KVS_PAYLOAD_NONE;
	_cleanup_(kvs_spec_done) struct kvs_spec spec = { 0 };
	sigset_t mask;
	int r = kvs_spec_parse(text, sizeof(text) - 1, NULL, &spec, err);

	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (r == 0)
		r = kvs_payload_start(&payload, false, -1, &mask, err);
	if (r == 0)
		r = kvs_payload_launch(
			&payload, &spec, root_fd, KVS_LAUNCH_DIE_WITH_PARENT, -1, -1, err);
	if (r < 0)
		return r;
	kvs_payload_wait(&payload, -1, ret_record);
	if (ret_record->stop.kind == KVS_STOP_EXITED && ret_record->stop.exit_code == PROBE_STATUS)
		return 0;
	if (ret_record->stop.kind == KVS_STOP_VMM_FAILURE) {
		*err = ret_record->error;
		return -EIO;
	}
	kvs_stop_format(&ret_record->stop, err->text, sizeof(err->text));
	err->code = KVS_ERROR_KVM_FAILED;
	return -EIO;
}

static int check_machine(struct kvs_error *err)
{
	_cleanup_close_ int kvm_fd = -1, root_fd = -1;
	char root[] = "/tmp/kvshim-doctor-XXXXXX", backend[64];
	struct kvs_record record;
	int r;

	r = kvs_payload_open_kvm(&kvm_fd, err);
	say("/dev/kvm opens", r < 0 ? "NO" : "yes");
	if (r == 0) {
		r = check_capabilities(kvm_fd, err);
		say("KVM has what is needed", r < 0 ? "NO" : "yes");
	}
	if (r < 0)
		return r;
	root_fd = make_root(root, err);
	r = root_fd < 0 ? root_fd : run_probe(root_fd, &record, err);
	remove_root(root, root_fd);
	say("a payload runs", r < 0 ? "NO" : "yes");
	if (r < 0)
		return r;
	snprintf(backend, sizeof(backend), "%s", record.backend);
	say("kind of KVM", backend);
	return 0;
}

int kvs_doctor_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	int r;

	(void)cli, (void)argv;
	if (argc > 1)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "doctor takes no arguments");
	puts("kvshim doctor");
	r = check_machine(err);
	puts(r < 0 ? "This machine cannot run payloads yet." : "This machine can run payloads.");
	fflush(stdout);
	return r;
}
