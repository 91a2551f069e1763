/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How spec.c is made: text -> tree (json.h) -> spec_check.c -> spec_read.c, spec_process.c,
 * spec_own.c -> struct.
 *
 * The check goes over the whole tree with the field table and nothing else. Behind it every field
 * is known, of its kind and in range, and what must be there is; the readers rely on that and add
 * what a table cannot say: bounds, pairs that must agree, units.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "shim/spec.h"

/*
 * kvs_spec_alloc - zeroed memory that lives as long as the spec
 *
 * Return: NULL with @err set when there is none; never NULL for a size of 0.
 */
void *kvs_spec_alloc(struct kvs_spec *spec, size_t count, size_t size, struct kvs_error *err);

/* kvs_spec_add_absorbed - remember a field that is taken without effect; @pointer is copied */
int kvs_spec_add_absorbed(
	struct kvs_spec *spec, const char *pointer, const char *reason, struct kvs_error *err);

/* kvs_spec_field_error - refuse the field at @pointer; "" for @hint leaves it out */
__attribute__((format(printf, 4, 5))) int kvs_spec_field_error(
	struct kvs_error *err, const char *pointer, const char *hint, const char *fmt, ...);

/* kvs_spec_check_tree - check spec->json against the table and fill in what is absorbed */
int kvs_spec_check_tree(struct kvs_spec *spec, bool strict, struct kvs_error *err);

/*
 * Fields of a checked object, which may be NULL: then, as for a field it does not have, the answer
 * is NULL, false, 0 or unset. An empty string is as good as none.
 */
const cJSON *kvs_spec_read_field(const cJSON *object, const char *name);
const char *kvs_spec_read_string(const cJSON *object, const char *name);
bool kvs_spec_read_bool(const cJSON *object, const char *name);
uint64_t kvs_spec_read_unsigned(const cJSON *object, const char *name);
struct kvs_spec_number kvs_spec_read_number(const cJSON *object, const char *name);

/* kvs_spec_read_absolute - refuse a @path, of field @name at @pointer, that does not begin with /
 */
int kvs_spec_read_absolute(
	const char *path, const char *pointer, const char *name, struct kvs_error *err);

/*
 * Lists and sections, from their checked subtree, which may be NULL.
 *
 * Return: 0; -EINVAL with SPEC_FIELD; -ENOMEM with HOST.
 */
int kvs_spec_read_strings(struct kvs_spec *spec, const cJSON *array,
	struct kvs_spec_strings *ret_strings, struct kvs_error *err);
int kvs_spec_read_pairs(struct kvs_spec *spec, const cJSON *map, struct kvs_spec_pairs *ret_pairs,
	struct kvs_error *err);
int kvs_spec_read_mounts(struct kvs_spec *spec, const cJSON *mounts, struct kvs_error *err);
int kvs_spec_read_hooks(struct kvs_spec *spec, const cJSON *hooks, struct kvs_error *err);
int kvs_spec_read_linux(struct kvs_spec *spec, const cJSON *section, struct kvs_error *err);
int kvs_spec_process_read(struct kvs_spec *spec, const cJSON *process, struct kvs_error *err);

/* kvs_spec_own_read - what org.kvshim.* says, from spec->annotations, with the defaults */
int kvs_spec_own_read(struct kvs_spec *spec, struct kvs_error *err);

/* kvs_spec_is_comment - whether @key names a comment, which is skipped with all below it */
static inline bool kvs_spec_is_comment(const char *key)
{
	return key[0] == '/' && key[1] == '/';
}
