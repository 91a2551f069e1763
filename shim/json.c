/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/json_scan.h"
#include "vmm/base/cleanup.h"

#define TWO_POW_63 9223372036854775808.0
#define TWO_POW_64 18446744073709551616.0

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int refuse_duplicate(
	const struct kvs_json_path *parent, const char *key, struct kvs_error *err)
{
	const struct kvs_json_path path = { .parent = parent, .key = key };
	char pointer[sizeof(err->where)];

	kvs_json_format_pointer(&path, pointer, sizeof(pointer));
	kvs_error_where(err, "%s", pointer);
	kvs_error_hint(err, "remove one of the two; even comments need keys of their own");
	return kvs_error_set(err, KVS_ERROR_SPEC_SYNTAX, 0, "duplicate key");
}

/* Duplicates are looked for in the tree because there the escapes of the keys are gone. */
static int check_keys(const cJSON *object, const struct kvs_json_path *path, struct kvs_error *err)
{
	_cleanup_free_ const char **keys = NULL;
	size_t count = 0;
	size_t i = 0;

	for (const cJSON *item = object->child; item; item = item->next)
		count++;
	if (count < 2)
		return 0;
	keys = calloc(count, sizeof(*keys));
	if (!keys)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot check the keys");
	for (const cJSON *item = object->child; item; item = item->next)
		keys[i++] = item->string;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (i = 1; i < count; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return refuse_duplicate(path, keys[i], err);
	return 0;
}

static int check_tree(const cJSON *tree, const struct kvs_json_path *path, struct kvs_error *err)
{
	size_t index = 0;
	int r;

	if (cJSON_IsObject(tree)) {
		r = check_keys(tree, path, err);
		if (r < 0)
			return r;
	}
	for (const cJSON *item = tree->child; item; item = item->next) {
		const struct kvs_json_path step = {
			.parent = path, .key = item->string, .index = index++
		};

		r = check_tree(item, &step, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int kvs_json_parse(const char *text, size_t size, struct kvs_error *err, cJSON **ret)
{
	const struct kvs_json_path root = { 0 };
	cJSON *tree;
	int r;

	r = kvs_json_scan_text(text, size, err);
	if (r < 0)
		return r;
	tree = cJSON_ParseWithLength(text, size);
	if (!tree)
		return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot parse the JSON text");
	r = check_tree(tree, &root, err);
	if (r < 0) {
		cJSON_Delete(tree);
		return r;
	}
	*ret = tree;
	return 0;
}

int kvs_json_integer(const cJSON *number, bool *ret_negative, uint64_t *ret_magnitude)
{
	double value = number->valuedouble;
	uint64_t magnitude;

	if (value != floor(value) || value < -TWO_POW_63 || value > TWO_POW_64)
		return -ERANGE;
	if (value == TWO_POW_64)
		magnitude = UINT64_MAX;
	else if (value == TWO_POW_63)
		magnitude = INT64_MAX;
	else
		magnitude = (uint64_t)fabs(value);
	*ret_negative = value < 0;
	*ret_magnitude = magnitude;
	return 0;
}

static size_t append(char *text, size_t size, size_t at, char c)
{
	if (at + 1 < size)
		text[at++] = c;
	return at;
}

static size_t format_step(const struct kvs_json_path *path, char *text, size_t size)
{
	char number[24];
	const char *name = path->key;
	size_t at;

	if (!path->parent)
		return 0;
	at = format_step(path->parent, text, size);
	if (!name) {
		snprintf(number, sizeof(number), "%zu", path->index);
		name = number;
	}
	at = append(text, size, at, '/');
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			at = append(text, size, at, '~');
		at = append(text, size, at, *name == '~' ? '0' : *name == '/' ? '1' : *name);
	}
	return at;
}

void kvs_json_format_pointer(const struct kvs_json_path *path, char *ret_text, size_t size)
{
	size_t at = format_step(path, ret_text, size);

	if (at == 0)
		at = append(ret_text, size, at, '/');
	ret_text[at] = '\0';
}
