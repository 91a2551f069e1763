/* SPDX-License-Identifier: Apache-2.0 */
/* The field table, and the files that repeat it: the schema, the man page, the features. */
#include "shim/features.h"
#include "shim/schema.h"
#include "shim/spec_fields.h"
#include "shim/suggest.h"
#include "tests/unit/spec_texts.h"

static void test_order(void **state)
{
	size_t count;
	const struct kvs_spec_field *fields = kvs_spec_fields_table(&count);

	(void)state;
	for (size_t i = 1; i < count; i++)
		if (strcmp(fields[i - 1].path, fields[i].path) >= 0)
			fail_msg("'%s' must stand before '%s'", fields[i].path, fields[i - 1].path);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(kvs_spec_fields_find(fields[i].path), &fields[i]);
}

/* Every row hangs below one that can hold it, and below what is refused all is refused. */
static void test_rows(void **state)
{
	size_t count;
	const struct kvs_spec_field *fields = kvs_spec_fields_table(&count);

	(void)state;
	for (size_t i = 1; i < count; i++) {
		const struct kvs_spec_field *field = &fields[i];
		const struct kvs_spec_field *parent;
		char path[128];
		char *end;

		assert_true(strlen(field->path) < sizeof(path));
		strcpy(path, field->path);
		end = strchr(path, '=');
		assert_int_equal(field->kind == KVS_SPEC_FIELD_VALUE, end != NULL);
		end = end ? end : strrchr(path, '/');
		*end = '\0';
		parent = kvs_spec_fields_find(path);
		if (!parent)
			fail_msg("no row above '%s'", field->path);
		if (field->kind == KVS_SPEC_FIELD_VALUE)
			assert_true(parent->kind == KVS_SPEC_FIELD_ENUM ||
				    parent->kind == KVS_SPEC_FIELD_OPTIONS ||
				    parent->kind == KVS_SPEC_FIELD_STRING);
		else if (strcmp(end + 1, "*") == 0)
			assert_int_equal(parent->kind, KVS_SPEC_FIELD_ARRAY);
		else
			assert_true(parent->kind == KVS_SPEC_FIELD_OBJECT ||
				    parent->kind == KVS_SPEC_FIELD_MAP);
		if (!field->text[0] && field->class != KVS_SPEC_SAME)
			fail_msg("'%s' must say why", field->path);
		if (kvs_spec_fields_class_of(parent) == KVS_SPEC_REFUSED)
			assert_int_equal(kvs_spec_fields_class_of(field), KVS_SPEC_REFUSED);
	}
}

static char *written_by(int (*write)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(write(stream), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void test_schema(void **state)
{
	size_t size;
	_cleanup_free_ char *file = read_file("specs/spec.schema.json", &size);
	_cleanup_free_ char *made = written_by(kvs_schema_write);

	(void)state;
	if (strcmp(file, made) != 0)
		fail_msg("run: kvshim features --schema > specs/spec.schema.json");
}

static void test_man_page(void **state)
{
	size_t size;
	_cleanup_free_ char *page = read_file("packaging/man/kvshim-spec.5.scd", &size);
	_cleanup_free_ char *made = written_by(kvs_features_write_fields);

	(void)state;
	if (!strstr(page, made))
		fail_msg("the lists in kvshim-spec.5.scd are not what kvshim features --fields "
			 "says");
}

static cJSON *item_at(cJSON *object, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!item)
		fail_msg("no '%s' in the features", name);
	return item;
}

static void test_features(void **state)
{
	_cleanup_free_ char *text = written_by(kvs_features_write);
	struct kvs_error err = { 0 };
	cJSON *features;
	cJSON *annotations;

	(void)state;
	assert_int_equal(kvs_json_parse(text, strlen(text), &err, &features), 0);
	assert_string_equal(item_at(features, "ociVersionMin")->valuestring, "1.0.0");
	assert_string_equal(item_at(features, "ociVersionMax")->valuestring, "1.2.0");
	assert_true(cJSON_IsArray(item_at(features, "hooks")));
	assert_true(cJSON_IsArray(item_at(features, "mountOptions")));
	annotations = item_at(features, "annotations");
	assert_string_equal(
		item_at(annotations, "org.kvshim.version")->valuestring, KVSHIM_VERSION);
	assert_non_null(strstr(
		item_at(annotations, "org.kvshim.fields.applied")->valuestring, "/process/args"));
	cJSON_Delete(features);
}

/* What the features structure promises as the lowest and highest version must be taken. */
static void test_versions(void **state)
{
	static const char *const versions[] = { "1.0.0", "1.2.0", "1.0.2-dev", "1.1.7" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct kvs_spec spec;
		char text[200];

		snprintf(text, sizeof(text),
			"{\"ociVersion\":\"%s\",\"process\":{\"args\":[\"a\"]},"
			"\"root\":{\"path\":\"r\"}}",
			versions[i]);
		parse_good(text, &spec);
		kvs_spec_done(&spec);
	}
}

static void test_suggest(void **state)
{
	static const char *const names[] = { "args", "env", "cwd", "terminal", "noNewPrivileges" };
	static const struct {
		const char *word;
		const char *best;
	} rows[] = {
		{ "arsg", "args" },
		{ "ARGS", "args" },
		{ "arg", "args" },
		{ "envs", "env" },
		{ "cdw", "cwd" },
		{ "termnal", "terminal" },
		{ "nonewprivilege", "noNewPrivileges" },
		{ "", NULL },
		{ "x", NULL },
		{ "rlimits", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kvs_suggest suggest;

		kvs_suggest_init(&suggest, rows[i].word);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			kvs_suggest_offer(&suggest, names[j]);
		if (rows[i].best)
			assert_string_equal(kvs_suggest_best(&suggest), rows[i].best);
		else
			assert_null(kvs_suggest_best(&suggest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_man_page),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests_name("spec fields", tests, NULL, NULL);
}
