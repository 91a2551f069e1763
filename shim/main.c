/* SPDX-License-Identifier: Apache-2.0 */
/* kvshim: the command line. */
#include "features.h"
#include "schema.h"
#include "template.h"
#include "verbs.h"
#include "vmm/base/cleanup.h"
#include "vmm/launch.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct verb {
	const char *name;
	int (*function)(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err);
	const char *arguments;
	const char *help;
};

static const struct verb verbs[] = {
#define X(name, function, arguments, help) { name, function, arguments, help },
	KVS_VERBS(X)
#undef X
};

enum { VERBS = sizeof(verbs) / sizeof(*verbs) };

static void print_help(FILE *out)
{
	fputs("usage: kvshim [--debug] VERB [ARGUMENTS]\n\n"
	      "Runs one static program in a virtual machine of its own, without a guest "
	      "kernel.\n\n",
		out);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-9s %-38s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
	fputs("\n  --debug              say what is ignored or not served\n"
	      "  --root DIR           where state is kept\n"
	      "  --log FILE           write errors there too; --log-format json as JSON\n"
	      "  --version, --help\n"
	      "\n\n"
	      "The exit status of run is the payload's own; 128+n when signal n ended it; 125 "
	      "when\n"
	      "kvshim failed, 126 when the payload cannot be loaded, 127 when it is not there.\n"
	      "See kvshim(1), kvshim-spec(5), kvshim-abi(7).\n",
		out);
}

static int print_version(void)
{
	puts("kvshim version " KVSHIM_VERSION "\nspec: 1.2.0");
	return 0;
}

int kvs_spec_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	(void)cli, (void)argv;
	if (argc > 1)
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "spec takes no arguments");
	return kvs_template_write(stdout);
}

int kvs_features_verb(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	(void)cli;
	if (argc == 2 && strcmp(argv[1], "--fields") == 0)
		return kvs_features_write_fields(stdout);
	if (argc == 2 && strcmp(argv[1], "--schema") == 0)
		return kvs_schema_write(stdout);
	if (argc > 1)
		return kvs_error_set(
			err, KVS_ERROR_USAGE, 0, "features: unknown argument '%s'", argv[1]);
	return kvs_features_write(stdout);
}

static int dispatch(const struct kvs_cli *cli, int argc, char **argv, struct kvs_error *err)
{
	if (argc == 0) {
		print_help(stderr);
		return kvs_error_set(err, KVS_ERROR_USAGE, 0, "no verb given");
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			return verbs[i].function(cli, argc, argv, err);
	return kvs_error_set(err, KVS_ERROR_USAGE, 0, "unknown verb '%s'", argv[0]);
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

/* The log must exist even when there is nothing to say: callers read it after any failure. */
static void log_error(const struct kvs_cli *cli, const struct kvs_error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	char message[1024], when[32];
	time_t now = time(NULL);
	struct tm tm;
	cJSON *json;

	if (!cli->log)
		return;
	fd = open(cli->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || err->code == KVS_ERROR_NONE)
		return;
	kvs_error_format(err, message, sizeof(message));
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "level", "error");
	cJSON_AddStringToObject(json, "msg", message);
	cJSON_AddStringToObject(json, "time", when);
	text = cli->log_json ? cJSON_PrintUnformatted(json) : strdup(message);
	cJSON_Delete(json);
	if (text)
		dprintf(fd, "%s\n", text);
}

/* Options for every verb. Those of cgroup and user handling are taken and have no effect yet. */
static int parse_globals(int argc, char **argv, struct kvs_cli *cli, struct kvs_error *err)
{
	static const struct option options[] = {
		{ "debug", no_argument, NULL, 'd' },
		{ "root", required_argument, NULL, 'r' },
		{ "log", required_argument, NULL, 'l' },
		{ "log-format", required_argument, NULL, 'f' },
		{ "log-level", required_argument, NULL, 'i' },
		{ "systemd-cgroup", no_argument, NULL, 'i' },
		{ "cgroup-manager", required_argument, NULL, 'i' },
		{ "rootless", optional_argument, NULL, 'i' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+hv", options, NULL)) != -1) {
		if (option == 'd')
			cli->debug = true;
		else if (option == 'r')
			cli->root = optarg;
		else if (option == 'l')
			cli->log = optarg;
		else if (option == 'f')
			cli->log_json = strcmp(optarg, "json") == 0;
		else if (option == 'v' || option == 'h')
			return option;
		else if (option != 'i')
			return kvs_error_set(
				err, KVS_ERROR_USAGE, 0, "unknown option '%s'", argv[optind - 1]);
	}
	return 0;
}

static int parse_and_dispatch(int argc, char **argv, struct kvs_cli *cli, struct kvs_error *err)
{
	int r = parse_globals(argc, argv, cli, err);

	if (r == 'v')
		return print_version();
	if (r == 'h') {
		print_help(stdout);
		return 0;
	}
	return r < 0 ? r : dispatch(cli, argc - optind, argv + optind, err);
}

int main(int argc, char **argv)
{
	struct kvs_cli cli = { .closed = plug_closed() };
	struct kvs_error err = { 0 };
	int r = parse_and_dispatch(argc, argv, &cli, &err);

	if (r < 0 && err.code == KVS_ERROR_NONE)
		kvs_error_set(&err, KVS_ERROR_HOST, -r, "failed");
	log_error(&cli, &err);
	if (r >= 0)
		return r;
	kvs_error_print(&err);
	return kvs_error_exit_code(&err);
}
