/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "sample.h"

#include <cpuid.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	CPUID_1_ECX_VMX = 1 << 5,
	CPUID_8_1_ECX_SVM = 1 << 2,
};

static const char *kvm_backend(void)
{
	unsigned int a, b, c = 0, d;

	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return "none";
	if (__get_cpuid(1, &a, &b, &c, &d) && c & CPUID_1_ECX_VMX)
		return "vmx";
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) && c & CPUID_8_1_ECX_SVM)
		return "svm";
	return access("/sys/module/kvm_pvm", F_OK) == 0 ? "pvm" : "unknown";
}

void kvs_report_inspect(struct kvs_report_machine *ret)
{
	unsigned int brand[13] = { 0 }, *leaf = brand; /* text, four registers of it a leaf */
	struct utsname name;

	for (unsigned int i = 0; i < 3; i++, leaf += 4)
		__get_cpuid(0x80000002 + i, &leaf[0], &leaf[1], &leaf[2], &leaf[3]);
	*ret = (struct kvs_report_machine){
		.backend = kvm_backend(),
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
	};
	snprintf(ret->cpu, sizeof(ret->cpu), "%s", (const char *)brand);
	for (size_t end = strlen(ret->cpu); end > 0 && ret->cpu[end - 1] == ' ';)
		ret->cpu[--end] = '\0';
	uname(&name);
	snprintf(ret->kernel, sizeof(ret->kernel), "%s %s", name.sysname, name.release);
}

/* Three digits that matter. */
static const char *short_number(double value, char text[16])
{
	snprintf(text, 16, "%.*f", value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0, value);
	return text;
}

static int table_row(
	FILE *out, const struct kvs_bench *b, const struct kvs_bench_command *c, int width)
{
	const struct kvs_bench_command *floor = &b->commands[0];
	struct kvs_sample_summary s, f;
	struct kvs_sample_ratio ratio;
	char median[16], low[16], high[16], plain[16];

	if (c->problem[0]) {
		fprintf(out, "%-*s  %s: %s\n", width, c->name, c->has_failed ? "failed" : "skipped",
			c->problem);
		return 0;
	}
	if (kvs_sample_summarize(c->ms, b->rounds, &s) < 0 ||
		kvs_sample_summarize(floor->ms, b->rounds, &f) < 0 ||
		kvs_sample_compare(c->ms, floor->ms, b->rounds, &ratio) < 0)
		return -ENOMEM;
	fprintf(out, "%-*s %7zu %9.3f %9.3f %9.3f", width, c->name, s.count, s.p10, s.median,
		s.p90);
	if (ratio.count > 0)
		fprintf(out, " %9s %8s .. %-8s %9s", short_number(ratio.median, median),
			short_number(ratio.low, low), short_number(ratio.high, high),
			short_number(s.median / f.median, plain));
	fprintf(out, "\n");
	return 0;
}

int kvs_report_table(FILE *out, const struct kvs_bench *b, const struct kvs_report_machine *m)
{
	int width = 8, r = 0;

	for (size_t i = 0; i < b->command_count; i++)
		if ((int)strlen(b->commands[i].name) > width)
			width = (int)strlen(b->commands[i].name);
	fprintf(out, "%s, %ld CPUs; %s; KVM: %s\n", m->cpu, m->cpus, m->kernel, m->backend);
	fprintf(out,
		"%zu rounds after %zu to warm up, %zu commands in rotated order, %zu us apart\n",
		b->rounds, b->warmup, b->command_count, b->settle_us);
	fprintf(out,
		"milliseconds from spawn to wait; \"x %s\" is the median of each round's ratio\n\n",
		b->commands[0].name);
	fprintf(out, "%-*s %7s %9s %9s %9s   x %-6.6s %11s %18s\n", width, "command", "rounds",
		"p10", "median", "p90", b->commands[0].name, "95 %", "of medians");
	for (size_t i = 0; r == 0 && i < b->command_count; i++)
		r = table_row(out, b, &b->commands[i], width);
	return r;
}

static int budget_line(
	FILE *out, struct kvs_bench *b, const struct kvs_bench_budget *budget, size_t *failed)
{
	const struct kvs_bench_command *pair[] = {
		kvs_bench_find(b, budget->name),
		kvs_bench_find(b, budget->peer),
	};
	struct kvs_sample_ratio ratio;
	bool is_met, is_close;

	for (int i = 0; i < 2; i++) {
		if (!pair[i]->problem[0])
			continue;
		*failed += pair[i]->has_failed;
		fprintf(out, "%s  %s / %s: %s: %s\n", pair[i]->has_failed ? "FAIL" : "SKIP",
			budget->name, budget->peer, pair[i]->name, pair[i]->problem);
		return 0;
	}
	if (kvs_sample_compare(pair[0]->ms, pair[1]->ms, b->rounds, &ratio) < 0)
		return -ENOMEM;
	if (ratio.count == 0) {
		fprintf(out, "SKIP  %s / %s: never in one round\n", budget->name, budget->peer);
		return 0;
	}
	is_met = ratio.median <= budget->limit;
	is_close = ratio.low <= budget->limit && ratio.high > budget->limit;
	*failed += !is_met;
	fprintf(out, "%s  %s / %s: %.4g (%.4g .. %.4g), budget %.4g%s\n", is_met ? "PASS" : "FAIL",
		budget->name, budget->peer, ratio.median, ratio.low, ratio.high, budget->limit,
		is_close ? ", close" : "");
	return 0;
}

int kvs_report_budgets(FILE *out, struct kvs_bench *b, size_t *ret_failed)
{
	size_t failed = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->budget_count; i++)
		r = budget_line(out, b, &b->budgets[i], &failed);
	if (r == 0)
		*ret_failed = failed;
	return r;
}

static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void json_member(FILE *out, const char *name, const char *text)
{
	fprintf(out, "\"%s\": ", name);
	json_string(out, text);
}

static int json_figures(FILE *out, const struct kvs_bench *b, const struct kvs_bench_command *c)
{
	struct kvs_sample_summary s;
	struct kvs_sample_ratio ratio;

	if (kvs_sample_summarize(c->ms, b->rounds, &s) < 0 ||
		kvs_sample_compare(c->ms, b->commands[0].ms, b->rounds, &ratio) < 0)
		return -ENOMEM;
	fprintf(out, ",\n      \"p10_ms\": %.6f, \"median_ms\": %.6f, \"p90_ms\": %.6f", s.p10,
		s.median, s.p90);
	if (ratio.count > 0)
		fprintf(out,
			",\n      \"to_reference\": { \"median\": %.6f, \"low\": %.6f, \"high\": "
			"%.6f }",
			ratio.median, ratio.low, ratio.high);
	fprintf(out, ",\n      \"ms\": [");
	for (size_t i = 0; i < b->rounds; i++) {
		fprintf(out, "%s", i ? ", " : "");
		if (isnan(c->ms[i]))
			fprintf(out, "null");
		else
			fprintf(out, "%.6f", c->ms[i]);
	}
	fprintf(out, "]");
	return 0;
}

static int json_command(FILE *out, const struct kvs_bench *b, const struct kvs_bench_command *c)
{
	int r = 0;

	fprintf(out, "    { ");
	json_member(out, "name", c->name);
	fprintf(out, ",\n      \"argv\": [");
	for (char **arg = c->argv; arg && *arg; arg++) {
		fprintf(out, "%s", arg == c->argv ? "" : ", ");
		json_string(out, *arg);
	}
	fprintf(out, "]");
	if (c->problem[0]) {
		fprintf(out, ",\n      ");
		json_member(out, c->has_failed ? "failed" : "skipped", c->problem);
	} else {
		r = json_figures(out, b, c);
	}
	fprintf(out, " }");
	return r;
}

int kvs_report_json(FILE *out, const struct kvs_bench *b, const struct kvs_report_machine *m)
{
	int r = 0;

	fprintf(out, "{\n  ");
	json_member(out, "cpu", m->cpu);
	fprintf(out, ",\n  \"cpus\": %ld,\n  ", m->cpus);
	json_member(out, "kernel", m->kernel);
	fprintf(out, ",\n  ");
	json_member(out, "backend", m->backend);
	fprintf(out, ",\n  \"rounds\": %zu,\n  \"warmup\": %zu,\n  \"settle_us\": %zu,\n  ",
		b->rounds, b->warmup, b->settle_us);
	json_member(out, "reference", b->commands[0].name);
	fprintf(out, ",\n  \"commands\": [\n");
	for (size_t i = 0; r == 0 && i < b->command_count; i++) {
		r = json_command(out, b, &b->commands[i]);
		fprintf(out, "%s\n", i + 1 < b->command_count ? "," : "");
	}
	fprintf(out, "  ]\n}\n");
	return r < 0 ? r : ferror(out) ? -EIO : 0;
}
