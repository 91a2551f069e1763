#!/bin/sh
# clang-format 14 has nothing to change.

set -eu

cd "${1:?usage: format.sh SOURCE_DIR}"
format=$(command -v clang-format-14 || command -v clang-format) || {
	echo 'tools: there is no clang-format'
	exit 77
}
find vmm shim guest-init tests -name '*.[ch]' -exec "$format" --dry-run --Werror {} + 2>&1 |
	sed -n 's/: error: code should be clang-formatted.*//p' | sort -u >"${TMPDIR:-/tmp}/kvs-format.$$"
count=$(wc -l <"${TMPDIR:-/tmp}/kvs-format.$$")
cut -d: -f1 "${TMPDIR:-/tmp}/kvs-format.$$" | sort | uniq -c
rm -f "${TMPDIR:-/tmp}/kvs-format.$$"
[ "$count" -eq 0 ]
