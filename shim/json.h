/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON: a front of cJSON that takes RFC 8259 and nothing more.
 *
 * cJSON is lenient where a spec must not be: it ends strings at an escaped NUL, takes bytes that
 * are not UTF-8, keeps both of two equal keys, reads "01", rounds large integers. The text is
 * checked whole before cJSON sees it, the tree for duplicate keys after, so that whoever walks the
 * tree may rely on all of the following:
 *
 *  - at most KVS_JSON_TEXT_MAX_BYTES, KVS_JSON_DEPTH_MAX levels and KVS_JSON_VALUES_MAX values;
 *  - one value and no trailing text; no byte order mark, no NUL, neither plain nor as an escape;
 *  - strings and keys are UTF-8 (no overlong form, no surrogate, at most U+10FFFF);
 *  - no key twice in an object;
 *  - a number is the one that was written: valuedouble holds every integer from -2^63 to 2^64-1
 *    exactly or the text was refused, but for two, which people write for "unlimited":
 *    18446744073709551615 is held as 2^64 and 9223372036854775807 as 2^63. Since 2^64 and 2^63
 *    themselves are refused, kvs_json_integer() can tell.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/error.h"

#define KVS_JSON_TEXT_MAX_BYTES (1024 * 1024)
#define KVS_JSON_DEPTH_MAX	64
#define KVS_JSON_VALUES_MAX	65536

/* One step of the way from the root to a value; a chain of them lives on the walker's stack. */
struct kvs_json_path {
	const struct kvs_json_path *parent; /* NULL: this is the root, which has no name */
	const char *key;		    /* name in the object above; NULL: an array's item */
	size_t index;			    /* of the array's item */
};

/*
 * kvs_json_parse - read one JSON value
 * @text: @size bytes, need not be NUL-terminated
 * @ret: the tree, to be freed with cJSON_Delete()
 *
 * Return: 0; -EBADMSG with SPEC_SYNTAX, whose `where` is "line L, column C" (counted in characters,
 *         from 1) or, for a duplicate key, its JSON pointer; -ENOMEM with HOST.
 */
int kvs_json_parse(const char *text, size_t size, struct kvs_error *err, cJSON **ret);

/*
 * kvs_json_integer - the integer a number of a tree from kvs_json_parse() stands for
 * @ret_negative, @ret_magnitude: sign and absolute value
 *
 * Return: 0, or -ERANGE when the number has a fraction or is beyond 64 bits.
 */
int kvs_json_integer(const cJSON *number, bool *ret_negative, uint64_t *ret_magnitude);

/*
 * kvs_json_format_pointer - write the RFC 6901 pointer of a path, cut off at @size
 *
 * The root is "/", not RFC 6901's empty string, since people read it.
 */
void kvs_json_format_pointer(const struct kvs_json_path *path, char *ret_text, size_t size);
