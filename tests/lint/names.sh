#!/bin/sh
# External symbols of the product begin with kvs_ and the name of their file: kvs_uart_write is in vmm/uart.c.
# A directory may stand for its files (vmm/linux/signals.c: kvs_signals_, or kvs_linux_).

set -eu

build=${1:?usage: names.sh BUILD_DIR}
status=0

check() {
	object=$1
	name=$(basename "$object")
	path=${name%.o}
	stem=$(echo "${path%.*}" | sed 's/.*_//')
	full=$(echo "${path%.*}" | sed 's/^\(.._\)*//; s/^\(vmm\|shim\|guest-init\)_//; s/^\(base\|linux\)_//')
	nm --defined-only --extern-only "$object" | awk '{ print $3 }' | while read -r symbol; do
		case $symbol in
		main | kvs_"$full"_* | kvs_"$stem"_* | kvs_"$full" | *_abi) ;;
		*)
			case "$full $symbol" in
			'launch '* | 'hostcall_entry kvs_hostcall'* | 'init kvs_'* | *' kvs_linux_'*) ;;
			*) echo "$name: $symbol" ;;
			esac
			;;
		esac
	done
}

bad=$(for object in "$build"/kvshim.p/*.o "$build"/kvshim-vmm.p/*.o; do check "$object"; done | sort -u)
# The verbs are named in one table, whatever file they are in.
bad=$(echo "$bad" | grep -vE ': kvs_[a-z]+_verb$' || :)
[ -z "$bad" ] || {
	echo "external symbols that do not follow kvs_<file>_:"
	echo "$bad"
	status=1
}
exit "$status"
