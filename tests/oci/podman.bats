#!/usr/bin/env bats
# Unmodified podman, with kvshim as its runtime.

bats_require_minimum_version 1.5.0
load common

podman_() {
	podman --root "$BATS_FILE_TMPDIR/root" --runroot "$BATS_FILE_TMPDIR/run" --cgroup-manager cgroupfs \
		--storage-driver vfs --events-backend file --runtime "$KVSHIM" "$@"
}

# Limits podman may set without CAP_SYS_RESOURCE, and no network.
limits=(--network none --ulimit nofile=1024:1024 --ulimit nproc=1000:1000)

setup_file() {
	make_image
	command -v podman >/dev/null && [ "$(id -u)" -eq 0 ] || return 0
	podman_ import "$BATS_FILE_TMPDIR/image.tar" static >/dev/null 2>&1
}

teardown_file() {
	! command -v podman >/dev/null || podman_ rm -af >/dev/null 2>&1
}

setup() {
	need podman conmon
}

@test "run: stdout, stderr and the exit code" {
	run podman_ run --rm "${limits[@]}" static /bin/busybox echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
	run podman_ run --rm "${limits[@]}" static /bin/busybox sh -c 'echo oops >&2; exit 9'
	[ "$status" -eq 9 ]
	[ "$output" = oops ]
}

@test "run -i: stdin" {
	[ "$(printf 'a\nb\n' | podman_ run --rm -i "${limits[@]}" static /bin/busybox cat)" = "$(printf 'a\nb')" ]
}

@test "run -t: a terminal" {
	run env SHELL=/bin/bash script -qec "$(declare -p limits); $(declare -f podman_); podman_ run --rm -t \"\${limits[@]}\" static /bin/busybox sh -c 'test -t 0 && test -t 1 && echo yes'" /dev/null
	[ "$status" -eq 0 ]
	[[ $output == *yes* ]]
}

@test "a missing program is 127, a directory 126" {
	run -127 podman_ run --rm "${limits[@]}" static /bin/nope
	[[ $output == *"no such file or directory"* ]]
	run -127 podman_ run --rm "${limits[@]}" static nope
	run podman_ run --rm "${limits[@]}" static /bin
	[ "$status" -eq 126 ]
}

@test "stop, kill, pause, unpause, rm" {
	podman_ run -d --name one "${limits[@]}" static /bin/busybox sleep 600
	podman_ pause one
	[ "$(podman_ inspect -f '{{.State.Status}}' one)" = paused ]
	podman_ unpause one
	podman_ stop -t 5 one
	[ "$(podman_ inspect -f '{{.State.ExitCode}}' one)" -eq 143 ]
	podman_ start one
	podman_ kill one
	until_true test "$(podman_ wait one)" -eq 137
	podman_ rm one
	podman_ run -d --name two "${limits[@]}" static /bin/busybox sleep 600
	podman_ rm -f two
	run podman_ ps -aq
	[ -z "$output" ]
}
