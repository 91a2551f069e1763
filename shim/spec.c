/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/json.h"
#include "shim/spec_private.h"

#define OCI_MINOR_MAX 2 /* of runtime-spec 1.x */

#define NODE_NAME_MAX_BYTES 64 /* what uname() can return */

_Static_assert(KVS_SPEC_TEXT_MAX_BYTES == KVS_JSON_TEXT_MAX_BYTES, "one limit, told twice");

struct kvs_spec_block {
	struct kvs_spec_block *next;
	max_align_t data[];
};

void *kvs_spec_alloc(struct kvs_spec *spec, size_t count, size_t size, struct kvs_error *err)
{
	struct kvs_spec_block *block = NULL;
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes) &&
		!__builtin_add_overflow(bytes, sizeof(*block), &bytes))
		block = calloc(1, bytes);
	if (!block) {
		kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot keep the spec");
		return NULL;
	}
	block->next = spec->blocks;
	spec->blocks = block;
	return block->data;
}

int kvs_spec_add_absorbed(
	struct kvs_spec *spec, const char *pointer, const char *reason, struct kvs_error *err)
{
	size_t count = spec->absorbed_count;
	size_t size = strlen(pointer) + 1;
	char *copy;

	/* Double the array whenever its count reaches a power of two. */
	if ((count & (count - 1)) == 0) {
		size_t room = count ? 2 * count : 1;
		void *grown = reallocarray(spec->absorbed, room, sizeof(*spec->absorbed));

		if (!grown)
			return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot keep the spec");
		spec->absorbed = grown;
	}
	copy = kvs_spec_alloc(spec, size, 1, err);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, pointer, size);
	spec->absorbed[count] = (struct kvs_spec_absorbed){ .pointer = copy, .reason = reason };
	spec->absorbed_count++;
	return 0;
}

int kvs_spec_field_error(
	struct kvs_error *err, const char *pointer, const char *hint, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kvs_error_where(err, "%s", pointer);
	if (hint[0])
		kvs_error_hint(err, "%s", hint);
	return kvs_error_set(err, KVS_ERROR_SPEC_FIELD, 0, "%s", text);
}

/* Digits without a leading zero; NULL when there are none. */
static const char *skip_version_number(const char *p, unsigned *ret_number)
{
	const char *start = p;
	unsigned number = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (number < 1000)
			number = number * 10 + (unsigned)(*p - '0');
	if (p == start || (start[0] == '0' && p > start + 1))
		return NULL;
	*ret_number = number;
	return p;
}

/* A semantic version: three numbers, then nothing, -prerelease or +build. */
static bool parse_version(const char *text, unsigned *ret_major, unsigned *ret_minor)
{
	static const char suffix_bytes[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-+.";
	unsigned patch;
	const char *p;

	p = skip_version_number(text, ret_major);
	p = p && *p == '.' ? skip_version_number(p + 1, ret_minor) : NULL;
	p = p && *p == '.' ? skip_version_number(p + 1, &patch) : NULL;
	if (!p)
		return false;
	if (*p == '\0')
		return true;
	return (*p == '-' || *p == '+') && p[1] && p[strspn(p, suffix_bytes)] == '\0';
}

static int read_version(struct kvs_spec *spec, struct kvs_error *err)
{
	const char *text = kvs_spec_read_field(spec->json, "ociVersion")->valuestring;
	unsigned major;
	unsigned minor;

	spec->oci_version = text;
	if (!parse_version(text, &major, &minor))
		return kvs_spec_field_error(
			err, "/ociVersion", "write \"1.2.0\"", "'%.64s' is not a version", text);
	if (major == 1 && minor <= OCI_MINOR_MAX)
		return 0;
	kvs_error_where(err, "/ociVersion");
	kvs_error_hint(err, "write \"1.2.0\" if the spec needs nothing newer");
	return kvs_error_set(err, KVS_ERROR_SPEC_REFUSED, 0,
		"runtime-spec '%.64s' is not one of 1.0 to 1.%d", text, OCI_MINOR_MAX);
}

static int read_root_and_names(struct kvs_spec *spec, struct kvs_error *err)
{
	const cJSON *root = kvs_spec_read_field(spec->json, "root");

	spec->root_path = kvs_spec_read_string(root, "path");
	spec->root_readonly = kvs_spec_read_bool(root, "readonly");
	spec->hostname = kvs_spec_read_string(spec->json, "hostname");
	spec->domainname = kvs_spec_read_string(spec->json, "domainname");
	if (!spec->root_path)
		return kvs_spec_field_error(err, "/root/path",
			"name a directory; \".\" is that of the spec", "empty path");
	if (spec->hostname && strlen(spec->hostname) > NODE_NAME_MAX_BYTES)
		return kvs_spec_field_error(err, "/hostname", "choose a shorter one",
			"name of more than %d bytes", NODE_NAME_MAX_BYTES);
	if (spec->domainname && strlen(spec->domainname) > NODE_NAME_MAX_BYTES)
		return kvs_spec_field_error(err, "/domainname", "choose a shorter one",
			"name of more than %d bytes", NODE_NAME_MAX_BYTES);
	return 0;
}

static int read_spec(struct kvs_spec *spec, struct kvs_error *err)
{
	int r;

	r = read_version(spec, err);
	if (r < 0)
		return r;
	r = kvs_spec_process_read(spec, kvs_spec_read_field(spec->json, "process"), err);
	if (r < 0)
		return r;
	r = read_root_and_names(spec, err);
	if (r < 0)
		return r;
	r = kvs_spec_read_mounts(spec, kvs_spec_read_field(spec->json, "mounts"), err);
	if (r < 0)
		return r;
	r = kvs_spec_read_hooks(spec, kvs_spec_read_field(spec->json, "hooks"), err);
	if (r < 0)
		return r;
	r = kvs_spec_read_linux(spec, kvs_spec_read_field(spec->json, "linux"), err);
	if (r < 0)
		return r;
	r = kvs_spec_read_pairs(
		spec, kvs_spec_read_field(spec->json, "annotations"), &spec->annotations, err);
	if (r < 0)
		return r;
	return kvs_spec_own_read(spec, err);
}

int kvs_spec_parse(const char *text, size_t size, const struct kvs_spec_options *options,
	struct kvs_spec *ret_spec, struct kvs_error *err)
{
	struct kvs_spec spec = { 0 };
	int r;

	*ret_spec = spec;
	r = kvs_json_parse(text, size, err, &spec.json);
	if (r == 0)
		r = kvs_spec_check_tree(&spec, options && options->strict, err);
	if (r == 0)
		r = read_spec(&spec, err);
	if (r < 0) {
		kvs_spec_done(&spec);
		/* It quotes the text, which may hold anything a terminal should not see. */
		if (err)
			kvs_error_sanitize(err);
		return r;
	}
	*ret_spec = spec;
	return 0;
}

void kvs_spec_done(struct kvs_spec *spec)
{
	while (spec->blocks) {
		struct kvs_spec_block *next = spec->blocks->next;

		free(spec->blocks);
		spec->blocks = next;
	}
	free(spec->absorbed);
	cJSON_Delete(spec->json);
	*spec = (struct kvs_spec){ 0 };
}

const char *kvs_spec_find_annotation(const struct kvs_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->annotations.count; i++)
		if (strcmp(spec->annotations.items[i].name, name) == 0)
			return spec->annotations.items[i].value;
	return NULL;
}

const char *kvs_spec_abi_name(enum kvs_spec_abi abi)
{
	switch (abi) {
#define X(name, text)                                                                              \
	case KVS_SPEC_ABI_##name:                                                                  \
		return text;
		KVS_SPEC_ABIS(X)
#undef X
	default:
		return "invalid";
	}
}
