/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spec parser against its corpus, and against texts too large or too many to keep in files.
 *
 * tests/corpus/spec/good-*.json parse; every bad-*.json has a row in expected.tsv there, with the
 * error it must get: code, `where`, and parts of the text and of the hint.
 */
#include <dirent.h>

#include "tests/unit/spec_texts.h"

static const char *hint_of(const struct kvs_error *err)
{
	static const char *const hints[] = {
#define X(name, exit_code, errnum, hint) [KVS_ERROR_##name] = hint,
		KVS_ERRORS(X)
#undef X
	};

	return err->hint[0] ? err->hint : hints[err->code];
}

static void assert_bad(const char *text, size_t size, const char *code, const char *where,
	const char *part, const char *hint)
{
	struct kvs_spec spec;
	struct kvs_error err;
	int r = parse(text, size, false, &spec, &err);

	if (r == 0)
		fail_msg("taken: %.200s", text);
	assert_string_equal(kvs_error_name(err.code), code);
	assert_string_equal(err.where, where);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
	if (!hint_of(&err)[0] || !strstr(hint_of(&err), hint))
		fail_msg("%s: '%s' is not in the hint '%s'", where, hint, hint_of(&err));
	assert_null(spec.json);
	assert_null(spec.blocks);
}

static char *read_corpus(const char *name, size_t *ret_size)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s", CORPUS, name);
	return read_file(path, ret_size);
}

static void test_bad_corpus(void **state)
{
	size_t size;
	_cleanup_free_ char *table = read_file(CORPUS "expected.tsv", &size);
	char *rest = table;
	size_t rows = 0;
	size_t files = 0;
	_cleanup_closedir_ DIR *dir = opendir(KVSHIM_SOURCE_DIR "/" CORPUS);

	(void)state;
	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		const char *column[5] = { 0 };
		_cleanup_free_ char *text = NULL;

		if (*line == '#')
			continue;
		for (size_t i = 0; i < 5; i++)
			column[i] = strsep(&line, "\t");
		assert_non_null(column[4]);
		print_message("  %s\n", column[0]);
		text = read_corpus(column[0], &size);
		assert_bad(text, size, column[1], column[2], column[3], column[4]);
		rows++;
	}
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		files += strncmp(entry->d_name, "bad-", 4) == 0;
	assert_int_equal(files, rows);
}

static void test_good_corpus(void **state)
{
	_cleanup_closedir_ DIR *dir = opendir(KVSHIM_SOURCE_DIR "/" CORPUS);

	(void)state;
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		_cleanup_free_ char *text = NULL;
		struct kvs_spec spec;
		struct kvs_error err;
		size_t size;

		if (strncmp(entry->d_name, "good-", 5) != 0)
			continue;
		print_message("  %s\n", entry->d_name);
		text = read_corpus(entry->d_name, &size);
		if (parse(text, size, false, &spec, &err) < 0)
			fail_msg("%s: %s", err.where, err.text);
		assert_true(spec.process.args.count > 0);
		assert_null(spec.process.args.items[spec.process.args.count]);
		kvs_spec_done(&spec);
		/* Strict refuses some of them, and then leaves nothing behind. */
		if (parse(text, size, true, &spec, &err) == 0)
			kvs_spec_done(&spec);
		else
			assert_int_equal(err.code, KVS_ERROR_SPEC_REFUSED);
		assert_null(spec.json);
	}
}

/* Whatever the byte a text is cut off behind, it is refused where it ends. */
static void test_truncated(void **state)
{
	size_t size;
	_cleanup_free_ char *text = read_file(CORPUS "good-runc-default.json", &size);
	struct kvs_spec spec;
	struct kvs_error err;

	(void)state;
	while (size > 0 && text[size - 1] != '}')
		size--;
	for (size_t cut = 0; cut < size; cut++) {
		assert_true(parse(text, cut, false, &spec, &err) < 0);
		assert_int_equal(err.code, KVS_ERROR_SPEC_SYNTAX);
		assert_memory_equal(err.where, "line ", 5);
	}
}

/* Whatever byte is changed, nothing worse than an error happens. */
static void test_damaged(void **state)
{
	static const char bytes[] = { 0, '"', '\\', '{', ']', ',', '9', '-', (char)0x80,
		(char)0xff };
	size_t size;
	_cleanup_free_ char *text = read_file(CORPUS "good-every-field.json", &size);
	struct kvs_spec spec;
	struct kvs_error err;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		char saved = text[i];

		text[i] = bytes[i % sizeof(bytes)];
		if (parse(text, size, i % 2, &spec, &err) == 0)
			kvs_spec_done(&spec);
		else
			assert_true(err.code && err.where[0] && err.text[0]);
		text[i] = saved;
	}
}

/* Text made of @head, @count times @item with a comma between, and @tail. */
static char *repeat(const char *head, const char *item, size_t count, const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	fputs(head, stream);
	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s%s", i ? "," : "", item);
	fputs(tail, stream);
	assert_int_equal(fclose(stream), 0);
	return text;
}

#define TAIL "},\"root\":{\"path\":\"r\"}}"

static void test_limits(void **state)
{
	static const char args[] = "{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[";
	static const char env[] =
		"{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"a\"],\"env\":[";
	static const char mounts[] = "{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"a\"]},"
				     "\"root\":{\"path\":\"r\"},\"mounts\":[";
	static const struct {
		const char *head;
		const char *item;
		size_t most;
		const char *tail;
		const char *code;
		const char *where;
		const char *part;
	} rows[] = {
		{ args, "\"x\"", KVS_SPEC_ARGS_MAX, "]" TAIL, "SPEC_FIELD", "/process/args",
			"more than 4096 arguments" },
		{ env, "\"X=\"", KVS_SPEC_ARGS_MAX, "]" TAIL, "SPEC_FIELD", "/process/env",
			"more than 4096 variables" },
		/* 4094 of 32 bytes, "a" and Y fill the 131072 bytes */
		{ env, "\"X=0123456789012345678901234567\\n\"", 4094,
			",\"Y=01234567890123456789012345678901234567890123456789012345678\"]" TAIL,
			"SPEC_FIELD", "/process", "more than 131072 bytes" },
		{ mounts, "{\"destination\":\"/p\",\"type\":\"proc\"}", KVS_SPEC_MOUNTS_MAX, "]}",
			"SPEC_FIELD", "/mounts", "more than 1024 mounts" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_free_ char *most =
			repeat(rows[i].head, rows[i].item, rows[i].most, rows[i].tail);
		_cleanup_free_ char *more =
			repeat(rows[i].head, rows[i].item, rows[i].most + 1, rows[i].tail);
		struct kvs_spec spec;

		parse_good(most, &spec);
		kvs_spec_done(&spec);
		assert_bad(more, strlen(more), rows[i].code, rows[i].where, rows[i].part, "");
	}
}

static void test_huge(void **state)
{
	_cleanup_free_ char *brackets = malloc(200000);
	_cleanup_free_ char *values = repeat("[", "0", KVS_JSON_VALUES_MAX, "]");
	_cleanup_free_ char *spaces = calloc(1, KVS_JSON_TEXT_MAX_BYTES + 1);
	_cleanup_free_ char *keys = NULL;
	static const char minimal[] = SPEC("", "");
	size_t size;
	FILE *stream = open_memstream(&keys, &size);
	struct kvs_spec spec;
	struct kvs_error err;

	(void)state;
	assert_true(brackets && spaces && stream);
	memset(brackets, '[', 200000);
	assert_bad(brackets, 200000, "SPEC_SYNTAX", "line 1, column 65", "more than 64 levels", "");
	assert_bad(values, strlen(values), "SPEC_SYNTAX", "line 1, column 131072",
		"more than 65536 values", "");
	memset(spaces, ' ', KVS_JSON_TEXT_MAX_BYTES + 1);
	memcpy(spaces, minimal, strlen(minimal));
	assert_int_equal(parse(spaces, KVS_JSON_TEXT_MAX_BYTES, true, &spec, &err), 0);
	kvs_spec_done(&spec);
	assert_bad(spaces, KVS_JSON_TEXT_MAX_BYTES + 1, "SPEC_SYNTAX", "line 1, column 1",
		"more than 1048576 bytes", "");
	/* As many keys as fit, the last twice: a comparison of all pairs would take minutes. */
	fputs("{", stream);
	for (int i = 0; i < 60000; i++)
		fprintf(stream, "\"%d\":0,", i);
	fputs("\"59999\":0}", stream);
	assert_int_equal(fclose(stream), 0);
	assert_bad(keys, size, "SPEC_SYNTAX", "/59999", "duplicate key", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_corpus),
		cmocka_unit_test(test_good_corpus),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_huge),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
