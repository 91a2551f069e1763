#!/bin/sh
# What can be counted in the source: length of files and functions, where the process may end, and paths of somebody's
# machine.

set -eu

cd "${1:?usage: source.sh SOURCE_DIR}"
status=0
MAX_FILE=450
MAX_FUNCTION=60

report() {
	[ -z "$2" ] || {
		echo "$1:"
		echo "$2"
		status=1
	}
}

report "files over $MAX_FILE lines" "$(find vmm shim guest-init -name '*.[chS]' -exec awk -v max=$MAX_FILE '
	END { if (FNR > max) print "  " FILENAME ": " FNR }' {} ';')"

# A function begins with "{" in the first column and ends with "}" there.
report "functions over $MAX_FUNCTION lines" "$(find vmm shim tests -name '*.c' -exec awk -v max=$MAX_FUNCTION '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ { if (start && FNR - start - 1 > max) print "  " FILENAME ":" start ": " FNR - start - 1; start = 0 }' {} +)"

report 'exit( outside of main' "$(find vmm shim -name '*.c' ! -name main.c -exec grep -nE '(^|[^_a-z])_?exit\(' {} + |
	grep -vE ':[0-9]*: *(/?\*|//)' || :)"

report 'paths of one machine' "$(grep -rnE '/home/|/Users/' vmm shim guest-init specs dev meson.build || :)"

report 'space at the end of a line' "$(grep -rnE '[ 	]+$' vmm shim guest-init tests \
	--include='*.[chS]' --include='*.sh' --include='*.build' --include='*.bats' || :)"

report 'no licence at the top' "$(find vmm shim guest-init tests -name '*.[chS]' -exec awk '
	FNR == 1 && !/SPDX-License-Identifier: Apache-2.0/ { print "  " FILENAME }' {} +)"
exit "$status"
