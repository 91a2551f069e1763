#!/bin/sh
# No script has anything shellcheck would complain of.

set -eu

cd "${1:?usage: scripts.sh SOURCE_DIR}"
command -v shellcheck >/dev/null || {
	echo 'tools: there is no shellcheck'
	exit 77
}
shellcheck dev .ci/run tests/lanes/*.sh tests/lint/*.sh tests/bench/*.sh
shellcheck -s busybox tests/lanes/init 2>/dev/null || shellcheck -s sh -e SC3043,SC3010 tests/lanes/init
