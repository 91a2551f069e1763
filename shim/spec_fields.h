/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every field of the OCI runtime configuration, and what kvshim does with it.
 *
 * The table is in spec_fields.c, one row a field. The check of a spec (unknown fields, types, what
 * is absorbed or refused), `kvshim features`, the JSON schema and the lists in kvshim-spec(5) come
 * from it. To add a field or to change what becomes of one, edit its row; unit tests name the other
 * files that repeat it.
 *
 * A row's path is a JSON pointer in which "*" stands for every item of an array, and "=text" at the
 * end for one value of the field, which may have a class of its own: "/mounts/ * /type=bind".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define KVS_SPEC_FIELD_KINDS(X)                                                                    \
	X(OBJECT, "an object")	       /* its fields are rows */                                   \
	X(MAP, "an object of strings") /* the author's names; rows are names we know better */     \
	X(ARRAY, "an array")	       /* its items are the row with "*" */                        \
	X(STRINGS, "an array of strings")                                                          \
	X(OPTIONS, "an array of strings") /* some have a row */                                    \
	X(STRING, "a string")                                                                      \
	X(ENUM, "a string") /* each allowed one has a row */                                       \
	X(BOOL, "true or false")                                                                   \
	X(I32, "an integer")                                                                       \
	X(I64, "an integer")                                                                       \
	X(U16, "an integer")                                                                       \
	X(U32, "an integer")                                                                       \
	X(U64, "an integer")                                                                       \
	X(ANY, "anything")  /* not looked into */                                                  \
	X(VALUE, "a value") /* a row with "=" */

enum kvs_spec_field_kind {
	KVS_SPEC_FIELD_INVALID,
#define X(name, text) KVS_SPEC_FIELD_##name,
	KVS_SPEC_FIELD_KINDS(X)
#undef X
};

#define KVS_SPEC_CLASSES(X)                                                                        \
	X(APPLIED, "applied")	/* does what runtime-spec says */                                  \
	X(ABSORBED, "absorbed") /* taken, without effect: a debug line, an error when strict */    \
	X(REFUSED, "refused")	/* ignoring it would betray the author: an error */                \
	X(SECTION, "section")	/* holds fields, and does nothing itself */                        \
	X(SAME, "same")		/* as the field that holds it */

enum kvs_spec_class {
	KVS_SPEC_CLASS_INVALID,
#define X(name, text) KVS_SPEC_##name,
	KVS_SPEC_CLASSES(X)
#undef X
};

enum kvs_spec_need {
	KVS_SPEC_MAY,
	KVS_SPEC_MUST, /* required where the object that holds it is given */
};

struct kvs_spec_field {
	const char *path; /* "" is the whole spec */
	enum kvs_spec_field_kind kind;
	enum kvs_spec_class class;
	enum kvs_spec_need need;
	const char *text; /* what it does, or why it does nothing or is refused; SAME may have "" */
};

/* kvs_spec_fields_table - all rows, in strcmp() order of their paths */
const struct kvs_spec_field *kvs_spec_fields_table(size_t *ret_count);

/* kvs_spec_fields_find - the row with this path, or NULL */
const struct kvs_spec_field *kvs_spec_fields_find(const char *path);

/* kvs_spec_fields_find_child - the row of field @name (or "*") of @parent, or NULL */
const struct kvs_spec_field *kvs_spec_fields_find_child(
	const struct kvs_spec_field *parent, const char *name);

/* kvs_spec_fields_find_value - the row of the value @text of @field, or NULL */
const struct kvs_spec_field *kvs_spec_fields_find_value(
	const struct kvs_spec_field *field, const char *text);

/*
 * kvs_spec_fields_next - walk over the fields, or the values, of @parent
 * @previous: NULL to start
 * @separator: '/' for fields, '=' for values
 * @ret_name: the part behind the separator
 *
 * Return: the next row, or NULL behind the last.
 */
const struct kvs_spec_field *kvs_spec_fields_next(const struct kvs_spec_field *parent,
	const struct kvs_spec_field *previous, char separator, const char **ret_name);

/* kvs_spec_fields_class_of - the class of a row; for SAME, that of the nearest row above it */
enum kvs_spec_class kvs_spec_fields_class_of(const struct kvs_spec_field *field);

const char *kvs_spec_fields_kind_name(enum kvs_spec_field_kind kind);
const char *kvs_spec_fields_class_name(enum kvs_spec_class class);
