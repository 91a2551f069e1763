/* SPDX-License-Identifier: Apache-2.0 */
/* kvshim run: a payload in the foreground, from the spec to its exit status. */
#include "payload.h"
#include "verbs.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct run_options {
	bool strict;
	const char *bundle;
	const char *spec; /* file, or NULL: config.json in the bundle */
};

static int parse_options(int argc, char **argv, struct run_options *o, struct kvs_error *err)
{
	static const struct option options[] = {
		{ "strict", no_argument, NULL, 's' },
		{ "bundle", required_argument, NULL, 'b' },
		{ 0 },
	};
	int option, given;

	*o = (struct run_options){ 0 };
	optind = 0;
	while ((option = getopt_long(argc, argv, "+b:", options, NULL)) != -1) {
		switch (option) {
		case 's':
			o->strict = true;
			break;
		case 'b':
			o->bundle = optarg;
			break;
		default:
			return kvs_error_set(
				err, KVS_ERROR_USAGE, 0, "run: bad option '%s'", argv[optind - 1]);
		}
	}
	given = argc - optind;
	if (!o->bundle && given > 0) {
		o->spec = argv[optind];
		given--;
	}
	if (given > 1)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "run: too many arguments");
	return 0;
}

/* Open the spec file and the directory its paths are relative to. */
static int open_spec(const struct run_options *o, int *ret_bundle_fd, struct kvs_error *err)
{
	const char *bundle = o->bundle ? o->bundle : ".";
	_cleanup_free_ char *copy = NULL;
	_cleanup_close_ int bundle_fd = -1;
	const char *name = "config.json";
	struct stat st;
	int fd;

	if (o->spec && stat(o->spec, &st) == 0 && S_ISDIR(st.st_mode)) {
		bundle = o->spec;
	} else if (o->spec) {
		copy = strdup(o->spec);
		if (!copy)
			return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot open the spec");
		bundle = dirname(copy);
		name = strrchr(o->spec, '/') ? strrchr(o->spec, '/') + 1 : o->spec;
	}
	bundle_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = bundle_fd < 0 ? -1 : openat(bundle_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return kvs_error_set(err, KVS_ERROR_SPEC_MISSING, errno, "cannot open spec '%s/%s'",
			bundle, name);
	*ret_bundle_fd = TAKE_FD(bundle_fd);
	return fd;
}

static int read_spec(const struct run_options *o, struct kvs_spec *spec, int *ret_bundle_fd,
	struct kvs_error *err)
{
	const struct kvs_spec_options options = { .strict = o->strict };
	_cleanup_close_ int fd = open_spec(o, ret_bundle_fd, err);
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (fd < 0)
		return fd;
	r = kvs_io_read_file(fd, KVS_SPEC_TEXT_MAX_BYTES, &text, &size);
	if (r == -EFBIG)
		return kvs_error_set(err, KVS_ERROR_SPEC_SYNTAX, EFBIG, "the spec is over 1 MiB");
	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_SPEC_MISSING, -r, "cannot read the spec");
	return kvs_spec_parse(text, size, &options, spec, err);
}

/* Take the place of standard descriptors that are closed, so that nothing else lands there. */
static uint32_t plug_closed(void)
{
	uint32_t closed = 0;

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_PATH) == fd)
			closed |= KVS_LAUNCH_CLOSED_STDIN << fd;
	return closed;
}

/* Signals that are meant for the payload when somebody sends them to us. */
static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
	SIGWINCH };

/* Have the forwarded signals come through a descriptor; @ret_before is the mask they leave. */
static int open_signals(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(*forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, ret_before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int report(const struct kvs_record *record)
{
	const struct kvs_stop *stop = &record->stop;
	int status = kvs_stop_status(stop);
	bool is_quiet = stop->kind == KVS_STOP_EXITED ||
			(stop->kind == KVS_STOP_SIGNALED &&
				(stop->signal == SIGPIPE || stop->signal == SIGINT));
	char text[512];

	if (stop->kind == KVS_STOP_VMM_FAILURE) {
		kvs_error_print(&record->error);
		return kvs_error_exit_code(&record->error);
	}
	kvs_stop_format(stop, text, sizeof(text));
	if (!is_quiet)
		fprintf(stderr, "kvshim: %s\n", text);
	return status < 0 ? 128 - status : status;
}

static void log_absorbed(const struct kvs_spec *spec)
{
	for (size_t i = 0; i < spec->absorbed_count; i++)
		fprintf(stderr, "kvshim: debug: %s is not applied: %s\n", spec->absorbed[i].pointer,
			spec->absorbed[i].reason);
}

int kvs_run_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(kvs_payload_close) struct kvs_payload payload = KVS_PAYLOAD_NONE;
	_cleanup_(kvs_spec_done) struct kvs_spec spec = { 0 };
	_cleanup_close_ int bundle_fd = -1, signals = -1;
	uint32_t flags = plug_closed() | KVS_LAUNCH_DIE_WITH_PARENT;
	struct kvs_error machine_error = { 0 };
	struct run_options options;
	struct kvs_record record;
	sigset_t before;
	int r = parse_options(argc, argv, &options, err), machine;

	if (r < 0)
		return r;
	signals = open_signals(&before);
	if (signals < 0)
		return kvs_error_set(err, KVS_ERROR_HOST, errno, "cannot watch for signals");
	machine = kvs_payload_start(&payload, cli->debug, &before, &machine_error);
	r = read_spec(&options, &spec, &bundle_fd, err);
	if (r < 0)
		return r;
	if (machine < 0) {
		*err = machine_error;
		return machine;
	}
	if (cli->debug) {
		log_absorbed(&spec);
		flags |= KVS_LAUNCH_DEBUG;
	}
	r = kvs_payload_launch(&payload, &spec, bundle_fd, flags, err);
	if (r < 0)
		return r;
	kvs_payload_wait(&payload, signals, &record);
	return report(&record);
}
