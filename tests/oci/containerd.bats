#!/usr/bin/env bats
# Unmodified containerd, driven by ctr, with kvshim in the place of runc.

load common

ctr_() {
	ctr -a "$BATS_FILE_TMPDIR/containerd.sock" "$@"
}

run_() {
	ctr_ run --runc-binary "$KVSHIM" "$@"
}

image=localhost/static:latest

setup_file() {
	command -v containerd podman >/dev/null && [ "$(id -u)" -eq 0 ] || return 0
	make_image
	podman --root "$BATS_FILE_TMPDIR/podman" --runroot "$BATS_FILE_TMPDIR/podman-run" --storage-driver vfs \
		import "$BATS_FILE_TMPDIR/image.tar" "$image" >/dev/null 2>&1
	podman --root "$BATS_FILE_TMPDIR/podman" --runroot "$BATS_FILE_TMPDIR/podman-run" --storage-driver vfs \
		save -q -o "$BATS_FILE_TMPDIR/saved.tar" "$image"
	containerd --root "$BATS_FILE_TMPDIR/root" --state "$BATS_FILE_TMPDIR/state" \
		--address "$BATS_FILE_TMPDIR/containerd.sock" >"$BATS_FILE_TMPDIR/containerd.log" 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/containerd.pid"
	until_true ctr_ version
	ctr_ image import "$BATS_FILE_TMPDIR/saved.tar" >/dev/null
}

teardown_file() {
	stop_daemon "$BATS_FILE_TMPDIR/containerd.pid"
}

setup() {
	need ctr containerd podman
}

@test "run: output and the exit code" {
	run run_ --rm "$image" one /bin/busybox echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
	run run_ --rm "$image" two /bin/busybox sh -c 'exit 5'
	[ "$status" -eq 5 ]
}

@test "a missing program is told as it was" {
	run run_ --rm "$image" three /bin/nope
	[ "$status" -ne 0 ]
	[[ $output == *"/process/args/0: cannot open payload '/bin/nope': no such file or directory"* ]]
}

@test "a task: ps, pause, resume, kill, rm" {
	run_ -d "$image" four /bin/busybox sleep 600
	[ "$(ctr_ task ps four | wc -l)" -eq 2 ]
	ctr_ task pause four
	ctr_ task ls | grep -q 'four .*PAUSED'
	ctr_ task resume four
	ctr_ task kill four
	until_true sh -c "ctr -a '$BATS_FILE_TMPDIR/containerd.sock' task ls | grep -q 'four .*STOPPED'"
	run ctr_ task rm four
	[[ $output == *"exit code 143"* ]]
	ctr_ container rm four
}
