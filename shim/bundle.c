/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

/* Open the spec file and the directory its paths are relative to. */
static int open_spec(
	const char *bundle, const char *spec, int *ret_bundle_fd, struct kvs_error *err)
{
	_cleanup_free_ char *copy = NULL;
	_cleanup_close_ int bundle_fd = -1;
	const char *name = "config.json";
	struct stat st;
	int fd;

	if (spec && stat(spec, &st) == 0 && S_ISDIR(st.st_mode)) {
		bundle = spec;
	} else if (spec) {
		copy = strdup(spec);
		if (!copy)
			return kvs_error_set(err, KVS_ERROR_HOST, ENOMEM, "cannot open the spec");
		bundle = dirname(copy);
		name = strrchr(spec, '/') ? strrchr(spec, '/') + 1 : spec;
	}
	bundle_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = bundle_fd < 0 ? -1 : openat(bundle_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return kvs_error_set(err,
			errno == EMFILE || errno == ENFILE || errno == ENOMEM
				? KVS_ERROR_HOST
				: KVS_ERROR_SPEC_MISSING,
			errno, "cannot open spec '%s/%s'", bundle, name);
	*ret_bundle_fd = TAKE_FD(bundle_fd);
	return fd;
}

int kvs_bundle_read(const char *bundle, const char *spec_path, bool strict,
	struct kvs_spec *ret_spec, int *ret_bundle_fd, struct kvs_error *err)
{
	const struct kvs_spec_options options = { .strict = strict };
	_cleanup_close_ int fd = open_spec(bundle, spec_path, ret_bundle_fd, err);
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (fd < 0)
		return fd;
	r = kvs_io_read_file(fd, KVS_SPEC_TEXT_MAX_BYTES, &text, &size);
	if (r == -EFBIG)
		return kvs_error_set(err, KVS_ERROR_SPEC_SYNTAX, EFBIG, "the spec is over 1 MiB");
	if (r < 0)
		return kvs_error_set(err, KVS_ERROR_SPEC_MISSING, -r, "cannot read the spec");
	return kvs_spec_parse(text, size, &options, ret_spec, err);
}
