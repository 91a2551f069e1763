/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the spec share: texts, and ways to parse them. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shim/json.h"
#include "shim/spec.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#define CORPUS "tests/corpus/spec/"

#define SPEC(process, rest)                                                                        \
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"/a\"]" process                         \
	"},\"root\":{\"path\":\"r\"}" rest "}"

static inline char *read_file(const char *name, size_t *ret_size)
{
	char path[512];
	char *text = NULL;
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", KVSHIM_SOURCE_DIR, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("no file '%s'", path);
	assert_int_equal(kvs_io_read_file(fd, KVS_JSON_TEXT_MAX_BYTES, &text, ret_size), 0);
	return text;
}

/* Parse a copy that ends at the end of its memory, so that a sanitizer sees what reads beyond. */
static inline int parse(
	const char *text, size_t size, bool strict, struct kvs_spec *spec, struct kvs_error *err)
{
	const struct kvs_spec_options options = { .strict = strict };
	char *copy = malloc(size ? size : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, size);
	*err = (struct kvs_error){ 0 };
	r = kvs_spec_parse(copy, size, &options, spec, err);
	free(copy);
	return r;
}

static inline void parse_good(const char *text, struct kvs_spec *spec)
{
	struct kvs_error err;

	if (parse(text, strlen(text), false, spec, &err) < 0)
		fail_msg("%s: %s [%s] in %.200s", err.where, err.text, err.hint, text);
}
