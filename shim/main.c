/* SPDX-License-Identifier: Apache-2.0 */
/* kvshim: the command line. */
#include "features.h"
#include "schema.h"
#include "template.h"
#include "verbs.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
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
	fputs("\n  --debug    say what is ignored or not served\n"
	      "  --version  print the version\n"
	      "  --help     print this\n\n"
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

static int parse_and_dispatch(int argc, char **argv, struct kvs_error *err)
{
	static const struct option options[] = {
		{ "debug", no_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct kvs_cli cli = { 0 };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+hv", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			cli.debug = true;
			break;
		case 'v':
			return print_version();
		case 'h':
			print_help(stdout);
			return 0;
		default:
			return kvs_error_set(
				err, KVS_ERROR_USAGE, 0, "unknown option '%s'", argv[optind - 1]);
		}
	}
	return dispatch(&cli, argc - optind, argv + optind, err);
}

int main(int argc, char **argv)
{
	struct kvs_error err = { 0 };
	int r = parse_and_dispatch(argc, argv, &err);

	if (r >= 0)
		return r;
	if (err.code == KVS_ERROR_NONE)
		kvs_error_set(&err, KVS_ERROR_HOST, -r, "failed");
	kvs_error_print(&err);
	return kvs_error_exit_code(&err);
}
