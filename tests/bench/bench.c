/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures how long commands take beside each other: start to end, as a shell would see it.
 *
 * One round runs every command once. Rounds, and not one command after the other, because a machine
 * is faster in one minute than in the next; see kvs_sample_compare(). The order within a round is
 * rotated so that each command comes equally often at each place and after each other command. A
 * pause before each run lets the kernel finish what the one before has left it (a VM or a network
 * namespace is torn down after its process is gone), but is too short for caches to go cold.
 */
#include "bench.h"

#include "report.h"
#include "spawn.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: bench [OPTION...] COMMAND...\n"
	"\n"
	"  --rounds N              how often every command runs (100)\n"
	"  --warmup N              rounds before those, not counted (5)\n"
	"  --settle MICROSECONDS   pause before each run (1000)\n"
	"  --json FILE             also write the figures and every single time there\n"
	"  --budget NAME=RATIO     NAME may take RATIO times as long as the first command\n"
	"  --budget NAME/PEER=RATIO  ... as PEER; RATIO is a number or a fraction, 1/6\n"
	"\n"
	"A COMMAND is one of\n"
	"  --run NAME [--every N] [--expect TEXT] PATH [ARGUMENT...] ';'\n"
	"      --every N           runs in one round of N\n"
	"      --expect TEXT       the line it must print, and nothing else\n"
	"  --skip NAME REASON      stands in the table without figures\n"
	"\n"
	"The first command is the reference. The exit status is 1 when a budget is exceeded or a\n"
	"command failed, 2 when there was nothing to measure.\n";

struct kvs_bench_command *kvs_bench_find(struct kvs_bench *b, const char *name)
{
	for (size_t i = 0; i < b->command_count; i++)
		if (strcmp(b->commands[i].name, name) == 0)
			return &b->commands[i];
	return NULL;
}

/* ---- the command line ---- */

static int bad_usage(const char *what, const char *subject)
{
	fprintf(stderr, "bench: %s '%s'\n\n%s", what, subject, usage);
	return -EINVAL;
}

static int parse_count(const char *text, size_t least, size_t *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < least || value > 1000000)
		return bad_usage("not a count:", text);
	*ret = value;
	return 0;
}

/* NAME[/PEER]=RATIO, cut up in place. */
static int parse_budget(struct kvs_bench *b, char *text)
{
	char *equals = strrchr(text, '='), *slash, *end;
	struct kvs_bench_budget *budget = &b->budgets[b->budget_count];

	if (!equals || b->budget_count == KVS_BENCH_BUDGETS)
		return bad_usage("not a budget, or one too many:", text);
	budget->limit = strtod(equals + 1, &end);
	if (*end == '/')
		budget->limit /= strtod(end + 1, &end);
	if (*end || !(budget->limit > 0) || isinf(budget->limit))
		return bad_usage("not a ratio:", equals + 1);
	*equals = '\0';
	budget->name = text;
	slash = strchr(text, '/');
	if (slash) {
		*slash = '\0';
		budget->peer = slash + 1;
	}
	b->budget_count++;
	return 0;
}

/* --run: everything up to a lone semicolon. Moves *argv to that. */
static int parse_run(struct kvs_bench_command *c, char ***argv)
{
	char **at = *argv;
	size_t every = 1;
	int r = 0;

	for (; r == 0 && at[0] && at[1] && strncmp(at[0], "--", 2) == 0; at += 2) {
		if (strcmp(at[0], "--every") == 0)
			r = parse_count(at[1], 1, &every);
		else if (strcmp(at[0], "--expect") == 0)
			c->expected = at[1];
		else
			r = bad_usage("unknown option", at[0]);
	}
	c->every = every;
	c->argv = at;
	while (*at && strcmp(*at, ";") != 0)
		at++;
	if (r == 0 && (!*at || at == c->argv))
		r = bad_usage("no command, or no ';' after it:", c->name);
	if (r == 0 && c->argv[0][0] != '/')
		r = bad_usage("not an absolute path:", c->argv[0]);
	if (r == 0)
		*at = NULL;
	*argv = at;
	return r;
}

/* One option; moves *argv to the last word it took. */
static int parse_option(struct kvs_bench *b, char ***argv)
{
	const char *option = (*argv)[0];
	char *value = (*argv)[1];
	struct kvs_bench_command *c = &b->commands[b->command_count];

	if (!value)
		return bad_usage("unknown option, or it lacks a value:", option);
	*argv += 1;
	if (strcmp(option, "--rounds") == 0)
		return parse_count(value, 1, &b->rounds);
	if (strcmp(option, "--warmup") == 0)
		return parse_count(value, 0, &b->warmup);
	if (strcmp(option, "--settle") == 0)
		return parse_count(value, 0, &b->settle_us);
	if (strcmp(option, "--budget") == 0)
		return parse_budget(b, value);
	if (strcmp(option, "--json") == 0) {
		b->json = value;
		return 0;
	}
	if (strcmp(option, "--run") != 0 && strcmp(option, "--skip") != 0)
		return bad_usage("unknown option", option);
	if (b->command_count == KVS_BENCH_COMMANDS || kvs_bench_find(b, value))
		return bad_usage("one command too many, or of a name already used:", value);
	c->name = value;
	b->command_count++;
	*argv += 1;
	if (strcmp(option, "--run") == 0)
		return parse_run(c, argv);
	if (!**argv)
		return bad_usage("no reason to skip", value);
	snprintf(c->problem, sizeof(c->problem), "%s", **argv);
	return 0;
}

static int parse(struct kvs_bench *b, char **argv)
{
	int r = 0;

	for (argv++; r == 0 && *argv; argv++)
		r = parse_option(b, &argv);
	if (r == 0 && b->command_count == 0)
		r = bad_usage("nothing to measure without", "--run");
	for (size_t i = 0; r == 0 && i < b->budget_count; i++) {
		struct kvs_bench_budget *budget = &b->budgets[i];

		if (!budget->peer)
			budget->peer = b->commands[0].name;
		if (!kvs_bench_find(b, budget->name) || !kvs_bench_find(b, budget->peer))
			r = bad_usage("a budget for a command that is not there:", budget->name);
	}
	return r;
}

/* ---- running ---- */

/* An interrupt lets the command that runs come to its end, so that it leaves nothing behind. */
static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static void catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/*
 * The command at one place of one round, for @count commands: a Williams design. The first row
 * zigzags (0, 1, n-1, 2, n-2, ...), the next are that plus 1, 2, ...; where n is odd, every other
 * pass goes backwards.
 */
static size_t command_at(size_t round, size_t place, size_t count)
{
	size_t step;

	if (count % 2 && round / count % 2)
		place = count - 1 - place;
	step = place % 2 ? (place + 1) / 2 : (count - place / 2) % count;
	return (step + round) % count;
}

/* On a terminal a line that changes, elsewhere one every ten seconds. */
static void show_progress(size_t done, size_t all, time_t began, time_t *shown)
{
	time_t now = time(NULL);
	bool is_terminal = isatty(STDERR_FILENO);

	if (now - *shown < (is_terminal ? 1 : 10) && done < all)
		return;
	*shown = now;
	fprintf(stderr,
		is_terminal ? "\r\033[Kround %zu of %zu, %ld s" : "round %zu of %zu, %ld s\n", done,
		all, (long)(now - began));
	if (is_terminal && done == all)
		fprintf(stderr, "\r\033[K");
}

/* A command that fails once is not run again: its figures would not mean anything. */
static void run_round(struct kvs_bench *b, struct kvs_spawn *s, size_t round)
{
	for (size_t place = 0; place < b->command_count && !is_interrupted; place++) {
		struct kvs_bench_command *c =
			&b->commands[command_at(round, place, b->command_count)];
		double ms;

		if (c->problem[0] || round % c->every)
			continue;
		usleep((useconds_t)b->settle_us);
		if (kvs_spawn_run(s, c, &ms) < 0)
			continue;
		if (round >= b->warmup)
			c->ms[round - b->warmup] = ms;
	}
}

static int run_all(struct kvs_bench *b)
{
	size_t all = b->warmup + b->rounds;
	time_t began = time(NULL), shown = began;
	struct kvs_spawn s;
	int r;

	for (size_t i = 0; i < b->command_count; i++) {
		b->commands[i].ms = malloc(b->rounds * sizeof(double));
		if (!b->commands[i].ms)
			return -ENOMEM;
		for (size_t j = 0; j < b->rounds; j++)
			b->commands[i].ms[j] = NAN;
	}
	r = kvs_spawn_init(&s);
	if (r < 0)
		return r;
	for (size_t round = 0; round < all && !is_interrupted; round++) {
		run_round(b, &s, round);
		show_progress(round + 1, all, began, &shown);
	}
	kvs_spawn_done(&s);
	return is_interrupted ? -EINTR : 0;
}

static int write_json(const struct kvs_bench *b, const struct kvs_report_machine *m)
{
	FILE *out = fopen(b->json, "we");
	int r;

	if (!out)
		return -errno;
	r = kvs_report_json(out, b, m);
	if (fclose(out) != 0 && r == 0)
		r = -errno;
	return r;
}

static int report(struct kvs_bench *b, size_t *ret_failed)
{
	struct kvs_report_machine machine;
	int r;

	kvs_report_inspect(&machine);
	r = kvs_report_table(stdout, b, &machine);
	if (r == 0 && b->budget_count > 0) {
		printf("\n");
		r = kvs_report_budgets(stdout, b, ret_failed);
	}
	if (r == 0 && b->json)
		r = write_json(b, &machine);
	return r;
}

int main(int argc, char **argv)
{
	static struct kvs_bench bench = { .rounds = 100, .warmup = 5, .settle_us = 1000 };
	size_t failed = 0;
	int r;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (parse(&bench, argv) < 0)
		return 2;
	catch_interrupts();
	r = run_all(&bench);
	if (r == 0)
		r = report(&bench, &failed);
	if (r < 0) {
		fprintf(stderr, "bench: %s\n", strerror(-r));
		return 2;
	}
	for (size_t i = 0; i < bench.command_count; i++)
		failed += bench.commands[i].has_failed;
	return failed > 0;
}
