/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "shim/json.h"
#include "shim/spec_fields.h"
#include "shim/spec_private.h"
#include "shim/suggest.h"

#define OWN_PREFIX "org.kvshim."

/* Which classes still matter below a field. */
enum care {
	CARE_ALL,
	CARE_REFUSED, /* inside an absorbed field, which was reported as a whole */
	CARE_NONE,    /* inside a mount that engines add on their own */
};

struct check {
	struct kvs_spec *spec;
	bool strict;
	struct kvs_error *err;
};

/* What to write for fields people forget; "..." would not help them. */
static const struct {
	const char *path;
	const char *sample;
} samples[] = {
	{ "/ociVersion", "\"1.2.0\"" },
	{ "/process", "{ \"args\": [\"/bin/program\", \"argument\"] }" },
	{ "/process/args", "[\"/bin/program\", \"argument\"]" },
	{ "/root", "{ \"path\": \"rootfs\" }" },
	{ "/root/path", "\"rootfs\"" },
};

static int check_value(struct check *c, const cJSON *value, const struct kvs_spec_field *field,
	const struct kvs_json_path *path, enum care care);

__attribute__((format(printf, 4, 5))) static int refuse(struct check *c,
	const struct kvs_json_path *path, enum kvs_error_code code, const char *fmt, ...)
{
	char text[sizeof(c->err->text)];
	char pointer[sizeof(c->err->where)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kvs_json_format_pointer(path, pointer, sizeof(pointer));
	kvs_error_where(c->err, "%s", pointer);
	return kvs_error_set(c->err, code, 0, "%s", text);
}

/* Whether a name or value may be offered to somebody who misspelt one. */
static bool is_offered(const struct kvs_spec_field *field, const char *name)
{
	return field->class != KVS_SPEC_REFUSED && strcmp(name, "*") != 0;
}

static void hint_all_names(
	struct check *c, const struct kvs_spec_field *parent, char separator, const char *what)
{
	char names[sizeof(c->err->hint) - 32];
	const struct kvs_spec_field *field = NULL;
	const char *name;
	size_t at = 0;

	names[0] = '\0';
	while ((field = kvs_spec_fields_next(parent, field, separator, &name))) {
		size_t left = sizeof(names) - at;
		int n;

		if (!is_offered(field, name))
			continue;
		n = snprintf(names + at, left, "%s%s", at ? ", " : "", name);
		if (n < 0 || (size_t)n >= left) {
			names[at] = '\0';
			kvs_error_hint(c->err, "%s: %s, ...", what, names);
			return;
		}
		at += (size_t)n;
	}
	kvs_error_hint(c->err, "%s: %s", what, names);
}

/* A known field called @key in some other place: people put "args" at the top. */
static const struct kvs_spec_field *find_elsewhere(const char *key)
{
	size_t count;
	const struct kvs_spec_field *fields = kvs_spec_fields_table(&count);

	for (size_t i = 0; i < count; i++) {
		const char *name = strrchr(fields[i].path, '/');

		if (name && strcmp(name + 1, key) == 0 && !strchr(fields[i].path, '*') &&
			is_offered(&fields[i], key))
			return &fields[i];
	}
	return NULL;
}

static void hint_name(
	struct check *c, const struct kvs_spec_field *parent, char separator, const char *word)
{
	const struct kvs_spec_field *field = NULL;
	struct kvs_suggest suggest;
	const char *name;

	kvs_suggest_init(&suggest, word);
	while ((field = kvs_spec_fields_next(parent, field, separator, &name)))
		if (is_offered(field, name))
			kvs_suggest_offer(&suggest, name);
	if (kvs_suggest_best(&suggest)) {
		kvs_error_hint(c->err, "did you mean \"%s\"?", kvs_suggest_best(&suggest));
		return;
	}
	field = separator == '/' ? find_elsewhere(word) : NULL;
	if (field)
		kvs_error_hint(c->err, "did you mean %s?", field->path);
	else
		hint_all_names(c, parent, separator,
			separator == '/' ? "fields known here" : "values known here");
}

static const char *found(const cJSON *value)
{
	return cJSON_IsString(value)   ? "a string"
	       : cJSON_IsNumber(value) ? "a number"
	       : cJSON_IsBool(value)   ? "true or false"
	       : cJSON_IsArray(value)  ? "an array"
	       : cJSON_IsObject(value) ? "an object"
				       : "null";
}

static int refuse_kind(struct check *c, const cJSON *value, enum kvs_spec_field_kind kind,
	const struct kvs_json_path *path)
{
	const char *wanted = kvs_spec_fields_kind_name(kind);

	if (cJSON_IsNull(value))
		kvs_error_hint(c->err, "leave the field out instead");
	else if (strcmp(wanted, "a string") == 0)
		kvs_error_hint(c->err, "put it in double quotes: \"text\"");
	else if (kind == KVS_SPEC_FIELD_BOOL)
		kvs_error_hint(c->err, "write true or false, without quotes");
	else if (strcmp(wanted, "an integer") == 0)
		kvs_error_hint(c->err, "write digits, without quotes");
	else if (strncmp(wanted, "an array", 8) == 0)
		kvs_error_hint(c->err, "put the items in brackets: [ ... ]");
	else
		kvs_error_hint(c->err, "put the fields in braces: { ... }");
	return refuse(c, path, KVS_ERROR_SPEC_FIELD, "expected %s, found %s", wanted, found(value));
}

static int check_integer(struct check *c, const cJSON *value, enum kvs_spec_field_kind kind,
	const struct kvs_json_path *path)
{
	static const struct {
		uint64_t below; /* magnitude of the least */
		uint64_t max;
	} ranges[] = {
		[KVS_SPEC_FIELD_I32] = { (uint64_t)INT32_MAX + 1, INT32_MAX },
		[KVS_SPEC_FIELD_I64] = { (uint64_t)INT64_MAX + 1, INT64_MAX },
		[KVS_SPEC_FIELD_U16] = { 0, UINT16_MAX },
		[KVS_SPEC_FIELD_U32] = { 0, UINT32_MAX },
		[KVS_SPEC_FIELD_U64] = { 0, UINT64_MAX },
	};
	uint64_t below = ranges[kind].below;
	uint64_t max = ranges[kind].max;
	uint64_t magnitude;
	bool negative;

	if (kvs_json_integer(value, &negative, &magnitude) < 0) {
		kvs_error_hint(c->err, "write a whole number");
		return refuse(c, path, KVS_ERROR_SPEC_FIELD, "%.17g is not an integer",
			value->valuedouble);
	}
	if (magnitude > (negative ? below : max)) {
		kvs_error_hint(c->err, "from %s%llu to %llu", below ? "-" : "",
			(unsigned long long)below, (unsigned long long)max);
		return refuse(c, path, KVS_ERROR_SPEC_FIELD, "number %s%llu is out of range",
			negative ? "-" : "", (unsigned long long)magnitude);
	}
	return 0;
}

static int check_kind(struct check *c, const cJSON *value, enum kvs_spec_field_kind kind,
	const struct kvs_json_path *path)
{
	bool fits;

	switch (kind) {
	case KVS_SPEC_FIELD_OBJECT:
	case KVS_SPEC_FIELD_MAP:
		fits = cJSON_IsObject(value);
		break;
	case KVS_SPEC_FIELD_ARRAY:
	case KVS_SPEC_FIELD_STRINGS:
	case KVS_SPEC_FIELD_OPTIONS:
		fits = cJSON_IsArray(value);
		break;
	case KVS_SPEC_FIELD_STRING:
	case KVS_SPEC_FIELD_ENUM:
		fits = cJSON_IsString(value);
		break;
	case KVS_SPEC_FIELD_BOOL:
		fits = cJSON_IsBool(value);
		break;
	case KVS_SPEC_FIELD_ANY:
		fits = true;
		break;
	default:
		if (cJSON_IsNumber(value))
			return check_integer(c, value, kind, path);
		fits = false;
	}
	return fits ? 0 : refuse_kind(c, value, kind, path);
}

/* Empty lists, objects and strings and a false can be honoured by doing nothing. */
static bool asks_for_nothing(const cJSON *value)
{
	if (cJSON_IsString(value))
		return value->valuestring[0] == '\0';
	if (cJSON_IsArray(value))
		return !value->child;
	if (cJSON_IsObject(value)) {
		for (const cJSON *item = value->child; item; item = item->next)
			if (!kvs_spec_is_comment(item->string))
				return false;
		return true;
	}
	return cJSON_IsFalse(value);
}

/* Do what the class of @row says about the thing at @path. */
static int act(struct check *c, const struct kvs_spec_field *row, const struct kvs_json_path *path,
	enum care care)
{
	char pointer[256];

	if (row->class == KVS_SPEC_REFUSED && care != CARE_NONE)
		return refuse(c, path, KVS_ERROR_SPEC_REFUSED, "%s", row->text);
	if (row->class != KVS_SPEC_ABSORBED || care != CARE_ALL)
		return 0;
	if (c->strict) {
		kvs_error_hint(c->err, "leave the field out, or run without --strict");
		return refuse(
			c, path, KVS_ERROR_SPEC_REFUSED, "would have no effect: %s", row->text);
	}
	kvs_json_format_pointer(path, pointer, sizeof(pointer));
	return kvs_spec_add_absorbed(c->spec, pointer, row->text, c->err);
}

static int check_required(struct check *c, const cJSON *object, const struct kvs_spec_field *field,
	const struct kvs_json_path *path)
{
	const struct kvs_spec_field *row = NULL;
	const char *name;

	while ((row = kvs_spec_fields_next(field, row, '/', &name))) {
		const struct kvs_json_path step = { .parent = path, .key = name };
		const char *sample = kvs_spec_fields_kind_name(row->kind);

		if (row->need != KVS_SPEC_MUST || cJSON_GetObjectItemCaseSensitive(object, name))
			continue;
		for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
			if (strcmp(samples[i].path, row->path) == 0)
				sample = samples[i].sample;
		kvs_error_hint(c->err, "add \"%s\": %s", name, sample);
		return refuse(c, &step, KVS_ERROR_SPEC_FIELD, "missing field");
	}
	return 0;
}

static int check_object(struct check *c, const cJSON *object, const struct kvs_spec_field *field,
	const struct kvs_json_path *path, enum care care)
{
	for (const cJSON *item = object->child; item; item = item->next) {
		const struct kvs_json_path step = { .parent = path, .key = item->string };
		const struct kvs_spec_field *row;
		int r;

		if (kvs_spec_is_comment(item->string))
			continue;
		row = kvs_spec_fields_find_child(field, item->string);
		if (!row) {
			hint_name(c, field, '/', item->string);
			return refuse(c, &step, KVS_ERROR_SPEC_FIELD, "unknown field");
		}
		r = check_value(c, item, row, &step, care);
		if (r < 0)
			return r;
	}
	return check_required(c, object, field, path);
}

static int check_map(struct check *c, const cJSON *map, const struct kvs_spec_field *field,
	const struct kvs_json_path *path, enum care care)
{
	for (const cJSON *item = map->child; item; item = item->next) {
		const struct kvs_json_path step = { .parent = path, .key = item->string };
		const struct kvs_spec_field *row;
		int r;

		if (kvs_spec_is_comment(item->string))
			continue;
		row = kvs_spec_fields_find_child(field, item->string);
		if (!row && strncasecmp(item->string, OWN_PREFIX, strlen(OWN_PREFIX)) == 0) {
			hint_name(c, field, '/', item->string);
			return refuse(c, &step, KVS_ERROR_SPEC_FIELD, "unknown annotation");
		}
		r = row ? check_value(c, item, row, &step, care)
			: check_kind(c, item, KVS_SPEC_FIELD_STRING, &step);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_array(struct check *c, const cJSON *array, const struct kvs_spec_field *field,
	const struct kvs_json_path *path, enum care care)
{
	const struct kvs_spec_field *row = kvs_spec_fields_find_child(field, "*");
	struct kvs_json_path step = { .parent = path };
	int r;

	for (const cJSON *item = array->child; item; item = item->next, step.index++) {
		if (row) {
			r = check_value(c, item, row, &step, care);
		} else {
			const struct kvs_spec_field *value = NULL;

			r = check_kind(c, item, KVS_SPEC_FIELD_STRING, &step);
			if (r == 0 && field->kind == KVS_SPEC_FIELD_OPTIONS)
				value = kvs_spec_fields_find_value(field, item->valuestring);
			if (value)
				r = act(c, value, &step, care);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_enum(struct check *c, const cJSON *value, const struct kvs_spec_field *field,
	const struct kvs_json_path *path, enum care care)
{
	const struct kvs_spec_field *row = kvs_spec_fields_find_value(field, value->valuestring);

	if (row)
		return act(c, row, path, care);
	hint_name(c, field, '=', value->valuestring);
	return refuse(c, path, KVS_ERROR_SPEC_FIELD, "unknown value '%.64s'", value->valuestring);
}

/* The row that lets a mount pass whatever it is, since its destination is one engines add to. */
static const struct kvs_spec_field *find_own_mount(const cJSON *mount)
{
	const struct kvs_spec_field *row = kvs_spec_fields_find("/mounts/*/destination");
	const cJSON *destination = cJSON_GetObjectItemCaseSensitive(mount, "destination");

	return row && cJSON_IsString(destination)
		       ? kvs_spec_fields_find_value(row, destination->valuestring)
		       : NULL;
}

static int check_value(struct check *c, const cJSON *value, const struct kvs_spec_field *field,
	const struct kvs_json_path *path, enum care care)
{
	const struct kvs_spec_field *own = NULL;
	int r;

	r = check_kind(c, value, field->kind, path);
	if (r < 0)
		return r;
	if (strcmp(field->path, "/mounts/*") == 0)
		own = find_own_mount(value);
	if (!asks_for_nothing(value)) {
		r = act(c, own ? own : field, path, care);
		if (r < 0)
			return r;
		if (field->class == KVS_SPEC_ABSORBED && care == CARE_ALL)
			care = own ? CARE_NONE : CARE_REFUSED;
	}
	switch (field->kind) {
	case KVS_SPEC_FIELD_OBJECT:
		return check_object(c, value, field, path, care);
	case KVS_SPEC_FIELD_MAP:
		return check_map(c, value, field, path, care);
	case KVS_SPEC_FIELD_ARRAY:
	case KVS_SPEC_FIELD_STRINGS:
	case KVS_SPEC_FIELD_OPTIONS:
		return check_array(c, value, field, path, care);
	case KVS_SPEC_FIELD_ENUM:
		return check_enum(c, value, field, path, care);
	default:
		return 0;
	}
}

int kvs_spec_check_tree(struct kvs_spec *spec, bool strict, struct kvs_error *err)
{
	struct check check = { .spec = spec, .strict = strict, .err = err };
	const struct kvs_json_path root = { 0 };

	return check_value(&check, spec->json, kvs_spec_fields_find(""), &root, CARE_ALL);
}
