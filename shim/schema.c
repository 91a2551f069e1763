/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/schema.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/spec_fields.h"
#include "vmm/base/cleanup.h"

#define COMMENT_PATTERN "^//"

/* What a row cannot say, since the code that reads the field says it. */
static const struct {
	const char *path;
	const char *keyword;
	const char *value; /* JSON */
} extras[] = {
	{ "/annotations/org.kvshim.deadline", "pattern", "\"^[0-9]+(ms|s|m|h)$\"" },
	{ "/annotations/org.kvshim.memory", "pattern", "\"^[0-9]+[KMG]?$\"" },
	{ "/domainname", "maxLength", "64" },
	{ "/hostname", "maxLength", "64" },
	{ "/mounts", "maxItems", "1024" },
	{ "/mounts/*", "required", "[\"destination\", \"type\"]" },
	{ "/ociVersion", "pattern", "\"^1\\\\.[0-2]\\\\.(0|[1-9][0-9]*)([-+][0-9A-Za-z.+-]+)?$\"" },
	{ "/process/args", "minItems", "1" },
	{ "/process/args", "maxItems", "4096" },
	{ "/process/cwd", "pattern", "\"^(/|$)\"" },
	{ "/process/env", "maxItems", "4096" },
	{ "/process/env", "items", "{\"type\": \"string\", \"pattern\": \"^[^=]+=\"}" },
	{ "/process/oomScoreAdj", "minimum", "-1000" },
	{ "/process/oomScoreAdj", "maximum", "1000" },
	{ "/process/user/umask", "maximum", "511" },
	{ "/root/path", "minLength", "1" },
};

static cJSON *schema_of(const struct kvs_spec_field *field);

/* The values of an ENUM or OPTIONS row; those of class @except are left out. */
static cJSON *values_of(const struct kvs_spec_field *field, enum kvs_spec_class except)
{
	cJSON *array = cJSON_CreateArray();
	const struct kvs_spec_field *row = NULL;
	const char *name;

	while ((row = kvs_spec_fields_next(field, row, '=', &name)))
		if (row->class != except)
			cJSON_AddItemToArray(array, cJSON_CreateString(name));
	return array;
}

static void add_properties(cJSON *schema, const struct kvs_spec_field *field)
{
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
	cJSON *required = cJSON_CreateArray();
	const struct kvs_spec_field *row = NULL;
	const char *name;

	while ((row = kvs_spec_fields_next(field, row, '/', &name))) {
		if (row->class == KVS_SPEC_REFUSED)
			continue;
		cJSON_AddItemToObject(properties, name, schema_of(row));
		if (row->need == KVS_SPEC_MUST)
			cJSON_AddItemToArray(required, cJSON_CreateString(name));
	}
	if (required->child)
		cJSON_AddItemToObject(schema, "required", required);
	else
		cJSON_Delete(required);
	cJSON_AddItemToObject(cJSON_AddObjectToObject(schema, "patternProperties"), COMMENT_PATTERN,
		cJSON_CreateTrue());
}

static void add_integer(cJSON *schema, const char *minimum, const char *maximum)
{
	cJSON_AddStringToObject(schema, "type", "integer");
	cJSON_AddRawToObject(schema, "minimum", minimum);
	cJSON_AddRawToObject(schema, "maximum", maximum);
}

/*
 * A mount passes when engines add it on their own, else when neither its type nor one of its
 * options is refused.
 */
static void add_mount_rule(cJSON *schema)
{
	const struct kvs_spec_field *destination = kvs_spec_fields_find("/mounts/*/destination");
	const struct kvs_spec_field *options = kvs_spec_fields_find("/mounts/*/options");
	const struct kvs_spec_field *type = kvs_spec_fields_find("/mounts/*/type");
	cJSON *any = cJSON_AddArrayToObject(schema, "anyOf");
	cJSON *own = cJSON_CreateObject();
	cJSON *plain = cJSON_CreateObject();
	cJSON *properties;
	cJSON *items;

	cJSON_AddItemToArray(any, own);
	properties = cJSON_AddObjectToObject(own, "properties");
	cJSON_AddItemToObject(cJSON_AddObjectToObject(properties, "destination"), "enum",
		values_of(destination, KVS_SPEC_CLASS_INVALID));
	cJSON_AddItemToArray(any, plain);
	properties = cJSON_AddObjectToObject(plain, "properties");
	cJSON_AddItemToObject(cJSON_AddObjectToObject(properties, "type"), "enum",
		values_of(type, KVS_SPEC_REFUSED));
	items = cJSON_AddObjectToObject(cJSON_AddObjectToObject(properties, "options"), "items");
	cJSON_AddItemToObject(cJSON_AddObjectToObject(items, "not"), "enum",
		values_of(options, KVS_SPEC_CLASS_INVALID));
}

static void add_array(cJSON *schema, const struct kvs_spec_field *field)
{
	const struct kvs_spec_field *item = kvs_spec_fields_find_child(field, "*");
	cJSON *items;

	cJSON_AddStringToObject(schema, "type", "array");
	if (item) {
		cJSON_AddItemToObject(schema, "items", schema_of(item));
		return;
	}
	items = cJSON_AddObjectToObject(schema, "items");
	cJSON_AddStringToObject(items, "type", "string");
}

/* The names under our prefix are ours; any other may hold what it likes. */
static void add_own_names(cJSON *schema, const struct kvs_spec_field *field)
{
	cJSON *names = cJSON_CreateArray();
	const struct kvs_spec_field *row = NULL;
	cJSON *rule;
	const char *name;

	while ((row = kvs_spec_fields_next(field, row, '/', &name)))
		cJSON_AddItemToArray(names, cJSON_CreateString(name));
	if (!names->child) {
		cJSON_Delete(names);
		return;
	}
	rule = cJSON_AddObjectToObject(schema, "propertyNames");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(rule, "if"), "pattern", "^org\\.kvshim\\.");
	cJSON_AddItemToObject(cJSON_AddObjectToObject(rule, "then"), "enum", names);
}

static void add_kind(cJSON *schema, const struct kvs_spec_field *field)
{
	switch (field->kind) {
	case KVS_SPEC_FIELD_OBJECT:
		cJSON_AddStringToObject(schema, "type", "object");
		add_properties(schema, field);
		cJSON_AddFalseToObject(schema, "additionalProperties");
		break;
	case KVS_SPEC_FIELD_MAP:
		cJSON_AddStringToObject(schema, "type", "object");
		add_properties(schema, field);
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(schema, "additionalProperties"), "type", "string");
		add_own_names(schema, field);
		break;
	case KVS_SPEC_FIELD_ARRAY:
	case KVS_SPEC_FIELD_STRINGS:
	case KVS_SPEC_FIELD_OPTIONS:
		add_array(schema, field);
		break;
	case KVS_SPEC_FIELD_STRING:
		cJSON_AddStringToObject(schema, "type", "string");
		break;
	case KVS_SPEC_FIELD_ENUM:
		cJSON_AddItemToObject(schema, "enum", values_of(field, KVS_SPEC_CLASS_INVALID));
		break;
	case KVS_SPEC_FIELD_BOOL:
		cJSON_AddStringToObject(schema, "type", "boolean");
		break;
	case KVS_SPEC_FIELD_I32:
		add_integer(schema, "-2147483648", "2147483647");
		break;
	case KVS_SPEC_FIELD_I64:
		add_integer(schema, "-9223372036854775808", "9223372036854775807");
		break;
	case KVS_SPEC_FIELD_U16:
		add_integer(schema, "0", "65535");
		break;
	case KVS_SPEC_FIELD_U32:
		add_integer(schema, "0", "4294967295");
		break;
	case KVS_SPEC_FIELD_U64:
		add_integer(schema, "0", "18446744073709551615");
		break;
	default:
		break;
	}
}

static cJSON *schema_of(const struct kvs_spec_field *field)
{
	cJSON *schema = cJSON_CreateObject();

	if (field->class == KVS_SPEC_ABSORBED) {
		char text[256];

		snprintf(text, sizeof(text), "Absorbed: %s", field->text);
		cJSON_AddStringToObject(schema, "description", text);
	} else if (field->text[0]) {
		cJSON_AddStringToObject(schema, "description", field->text);
	}
	add_kind(schema, field);
	if (strcmp(field->path, "/mounts/*") == 0)
		add_mount_rule(schema);
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		if (strcmp(extras[i].path, field->path) != 0)
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(schema, extras[i].keyword);
		cJSON_AddItemToObject(schema, extras[i].keyword, cJSON_Parse(extras[i].value));
	}
	return schema;
}

int kvs_schema_write(FILE *out)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *body = schema_of(kvs_spec_fields_find(""));
	_cleanup_free_ char *text = NULL;

	cJSON_AddStringToObject(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	cJSON_AddStringToObject(schema, "title", "kvshim spec");
	while (body && body->child) {
		cJSON *item = cJSON_DetachItemViaPointer(body, body->child);

		cJSON_AddItemToObject(schema, item->string, item);
	}
	cJSON_Delete(body);
	text = cJSON_Print(schema);
	cJSON_Delete(schema);
	if (!text)
		return -ENOMEM;
	return fprintf(out, "%s\n", text) < 0 || fflush(out) != 0 ? -EIO : 0;
}
