/* SPDX-License-Identifier: Apache-2.0 */
/* kvshim run: a payload in the foreground, from the spec to its exit status. */
#include "bundle.h"
#include "hooks.h"
#include "payload.h"
#include "state.h"
#include "verbs.h"
#include "vmm/base/cleanup.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct run_options {
	bool strict;
	const char *bundle;
	const char *spec; /* file, or NULL: config.json in the bundle */
	const char *id;	  /* or NULL */
};

static int parse_options(int argc, char **argv, struct run_options *o, struct kvs_error *err)
{
	static const struct option options[] = {
		{ "strict", no_argument, NULL, 's' },
		{ "bundle", required_argument, NULL, 'b' },
		{ 0 },
	};
	bool has_bundle = false;
	int option, given;

	*o = (struct run_options){ .bundle = "." };
	optind = 0;
	while ((option = getopt_long(argc, argv, "+b:", options, NULL)) != -1) {
		switch (option) {
		case 's':
			o->strict = true;
			break;
		case 'b':
			o->bundle = optarg;
			has_bundle = true;
			break;
		default:
			return kvs_error_set(
				err, KVS_ERROR_USAGE, 0, "run: bad option '%s'", argv[optind - 1]);
		}
	}
	given = argc - optind;
	if (!has_bundle && given > 0) {
		o->spec = argv[optind];
		given--;
	}
	if (given > 1)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "run: too many arguments");
	o->id = given ? argv[argc - 1] : "run";
	return 0;
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

static const char *const create_hooks[] = { "prestart", "createRuntime", "createContainer",
	"startContainer", NULL };
static const char *const start_hooks[] = { "poststart", NULL };
static const char *const stop_hooks[] = { "poststop", NULL };

/* Run hooks as `create`, `start` and `delete` would at these points. */
static int run_hooks(const struct kvs_spec *spec, const struct run_options *o,
	const struct kvs_payload *payload, const char *const *kinds, struct kvs_error *err)
{
	const cJSON *hooks = cJSON_GetObjectItemCaseSensitive(spec->json, "hooks");
	struct kvs_state s = { .pid = payload->pid, .is_started = kinds != create_hooks };
	int r = 0;
	cJSON *json;

	if (!hooks)
		return 0;
	snprintf(s.id, sizeof(s.id), "%s", o->id);
	s.bundle = realpath(o->bundle, NULL);
	s.pid_start = kvs_state_read_start(s.pid);
	json = kvs_state_to_json(&s);
	for (; *kinds && r == 0; kinds++)
		r = kvs_hooks_run(hooks, *kinds, json, err);
	cJSON_Delete(json);
	free(s.bundle);
	return r;
}

/* A hook that fails once the payload has run changes nothing any more, but is told. */
static void warn_of(int r, struct kvs_error *err)
{
	if (r < 0)
		kvs_error_print(err);
	*err = (struct kvs_error){ 0 };
}

int kvs_run_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	_cleanup_(kvs_payload_close) struct kvs_payload payload = KVS_PAYLOAD_NONE;
	_cleanup_(kvs_spec_done) struct kvs_spec spec = { 0 };
	_cleanup_close_ int bundle_fd = -1, signals = -1;
	uint32_t flags = cli->closed | KVS_LAUNCH_DIE_WITH_PARENT;
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
	machine = kvs_payload_start(&payload, cli->debug, -1, &before, &machine_error);
	r = kvs_bundle_read(options.bundle, options.spec, options.strict, &spec, &bundle_fd, err);
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
	r = run_hooks(&spec, &options, &payload, create_hooks, err);
	if (r == 0)
		r = kvs_payload_launch(&payload, &spec, bundle_fd, flags, -1, -1, err);
	if (r < 0)
		return r;
	warn_of(run_hooks(&spec, &options, &payload, start_hooks, err), err);
	kvs_payload_wait(&payload, signals, &record);
	warn_of(run_hooks(&spec, &options, &payload, stop_hooks, err), err);
	return report(&record);
}
