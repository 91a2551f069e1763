#!/bin/sh
# The arrows between the directories: who may include whom. And vmm/ builds without shim/.

set -eu

build=$(cd "${2:?usage: layers.sh SOURCE_DIR BUILD_DIR}" && pwd)
cd "$1"
status=0

complain() {
	echo "$*"
	status=1
}

# includes DIR   "file: header" for every project header it includes, as a path from the top
includes() {
	find "$1" -name '*.[chS]' | while read -r file; do
		sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file" | while read -r header; do
			if [ -e "$header" ]; then
				echo "$file: $header"
			else
				# A name beside the file; what is nowhere is a generated or a system header.
				echo "$file: $(realpath -m --relative-to=. "${file%/*}/$header")"
			fi
		done
	done
}

# allow DIR PATTERN   everything DIR includes matches
allow() {
	bad=$(includes "$1" | grep -vE ": ($2)" || :)
	[ -z "$bad" ] || complain "$1 may not include:
$bad"
}

allow vmm 'vmm/|guest-init/abi\.h$'
allow guest-init 'guest-init/'
allow shim 'shim/|vmm/base/|vmm/(launch|stop)\.h$|guest-init/abi\.h$'
allow vmm/base 'vmm/base/'
bad=$(includes vmm guest-init shim | grep ': tests/' || :)
[ -z "$bad" ] || complain "tests are nobody's: $bad"

# The machine without the shim: every file compiles with shim/ out of sight.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r vmm guest-init "$copy"
for file in $(cd "$copy" && find vmm -name '*.c'); do
	(cd "$copy" && ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -DKVSHIM_VERSION='"0"' -fsyntax-only -I. -I"$build" "$file") ||
		complain "$file does not compile without shim/"
done
exit "$status"
