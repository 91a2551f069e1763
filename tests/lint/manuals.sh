#!/bin/sh
# Every manual page is scdoc's idea of one.

set -eu

cd "${1:?usage: manuals.sh SOURCE_DIR}"
command -v scdoc >/dev/null || {
	echo 'tools: there is no scdoc'
	exit 77
}
for page in packaging/man/*.scd; do
	scdoc <"$page" >/dev/null || {
		echo "$page"
		exit 1
	}
done
