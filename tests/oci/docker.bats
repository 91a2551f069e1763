#!/usr/bin/env bats
# An unmodified Docker engine, with kvshim as a runtime beside its own.
bats_require_minimum_version 1.5.0

load common

docker_() {
	docker -H "unix://$BATS_FILE_TMPDIR/docker.sock" "$@"
}

run_() {
	docker_ run --runtime kvshim --network none "$@"
}

setup_file() {
	command -v dockerd docker >/dev/null && [ "$(id -u)" -eq 0 ] || return 0
	make_image
	dockerd --data-root "$BATS_FILE_TMPDIR/root" --exec-root "$BATS_FILE_TMPDIR/exec" \
		-H "unix://$BATS_FILE_TMPDIR/docker.sock" --pidfile "$BATS_FILE_TMPDIR/dockerd.pid" --bridge=none \
		--iptables=false --ip-forward=false --storage-driver vfs --add-runtime "kvshim=$KVSHIM" \
		>"$BATS_FILE_TMPDIR/dockerd.log" 2>&1 3>&- &
	until_true docker_ version
	docker_ import "$BATS_FILE_TMPDIR/image.tar" static >/dev/null
}

teardown_file() {
	stop_daemon "$BATS_FILE_TMPDIR/dockerd.pid"
	# The daemon may leave its data directory mounted on itself.
	umount --recursive --lazy "$BATS_FILE_TMPDIR/root" 2>/dev/null || :
}

setup() {
	need dockerd docker
}

@test "run: output, stdin and the exit code" {
	run run_ --rm static /bin/busybox echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
	run run_ --rm static /bin/busybox sh -c 'exit 4'
	[ "$status" -eq 4 ]
	[ "$(echo in | run_ -i --rm static /bin/busybox cat)" = in ]
}

@test "a missing program is 127" {
	run -127 run_ --rm static /bin/nope

}

@test "top, pause, stop, rm" {
	run_ -d --name one static /bin/busybox sleep 600
	docker_ top one | grep -q kvshim-vmm
	docker_ pause one
	[ "$(docker_ inspect -f '{{.State.Status}}' one)" = paused ]
	docker_ unpause one
	docker_ stop -t 5 one
	[ "$(docker_ inspect -f '{{.State.ExitCode}}' one)" -eq 143 ]
	docker_ rm one
}
