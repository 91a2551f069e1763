#!/bin/sh
# Linux's names for its system calls as initializers of a table: syscall_names.sh CC > FILE
set -eu
echo '#include <asm/unistd_64.h>' | "$1" -E -dM - |
	sed -En 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$/[\2] = "\1",/p'
