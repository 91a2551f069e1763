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

sources() { find vmm shim guest-init -name '*.[chS]'; }

report "files over $MAX_FILE lines" "$(sources | xargs wc -l | awk -v max=$MAX_FILE '$2 != "total" && $1 > max { print "  " $2 ": " $1 }')"

# A function begins with "{" in the first column and ends with "}" there.
report "functions over $MAX_FUNCTION lines" "$(find vmm shim tests -name '*.c' | xargs awk -v max=$MAX_FUNCTION '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ { if (start && FNR - start - 1 > max) print "  " FILENAME ":" start ": " FNR - start - 1; start = 0 }')"

report 'exit( outside of main' "$(grep -nE '(^|[^_a-z])(_exit|exit|abort)\(' $(find vmm shim -name '*.c' ! -name main.c) |
	grep -vE 'abort\(\);|^[^:]*:[0-9]*: *\*|//' || :)"

report 'paths of one machine' "$(grep -rnE '/home/|/root/|/work/|/Users/' vmm shim guest-init specs packaging dev meson.build \
	--include='*' 2>/dev/null | grep -v 'root/path\|/root/' || :)"

report 'space at the end of a line' "$(grep -rnE '[ 	]+$' vmm shim guest-init tests --include='*.[chS]' --include='*.sh' --include='*.build' || :)"

report 'no licence at the top' "$(for file in $(find vmm shim guest-init tests -name '*.[chS]'); do
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "  $file"
done)"
exit "$status"
