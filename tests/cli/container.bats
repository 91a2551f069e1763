#!/usr/bin/env bats
# The life of a container, verb by verb.

load common

nothing_left() {
	[ -z "$(ls -A state)" ]
}

@test "create parks, start releases, the exit code is kept, delete removes" {
	need_kvm
	bundle sh -c 'echo ran; exit 7'
	create one >out
	[ ! -s out ]
	[ "$(status_of one)" = created ]
	[ "$(cat pid)" -eq "$(kvshim_ state one | jq .pid)" ]
	[ "$(kvshim_ ps --format json one)" = "[$(cat pid)]" ]
	kvshim_ start one
	until_status one stopped
	[ "$(cat out)" = ran ]
	[ "$(kvshim_ state one | jq .pid)" -eq 0 ]
	run kvshim_ wait one
	[ "$status" -eq 7 ]
	kvshim_ delete one
	nothing_left
}

@test "verbs refuse what the state does not allow, in words engines look for" {
	need_kvm
	bundle sleep 600
	fails 1 CONTAINER_MISSING "container does not exist" kvshim_ state nobody
	fails 1 CONTAINER_MISSING "does not exist" kvshim_ kill nobody
	kvshim_ delete --force nobody
	create one
	fails 1 CONTAINER_EXISTS "cannot create container 'one'" kvshim_ create --bundle bundle one
	fails 1 CONTAINER_STATE "it is created" kvshim_ pause one
	kvshim_ start one
	fails 1 CONTAINER_STATE "it is running" kvshim_ start one
	fails 1 CONTAINER_STATE "it is running" kvshim_ delete one
	kvshim_ kill one KILL
	until_status one stopped
	fails 1 CONTAINER_STATE "container not running" kvshim_ kill one
	kvshim_ kill --all one
	kvshim_ delete one
	run kvshim_ exec one true
	[ "$status" -eq 255 ]
	fails 125 USAGE "cannot be a container's id" kvshim_ create --bundle bundle ../x
	nothing_left
}

@test "kill takes names and numbers in any case; delete --force ends what runs" {
	need_kvm
	for signal in 15 TERM sigterm; do
		bundle sleep 600
		create one
		kvshim_ start one
		kvshim_ kill one $signal
		until_status one stopped
		kvshim_ delete one
	done
	create two
	kvshim_ start two
	kvshim_ delete --force two
	nothing_left
}

@test "pause and resume lose nothing" {
	need_kvm
	bundle cat
	mkfifo in
	create one <in >out &
	exec 5>in
	wait $!
	kvshim_ start one
	echo before >&5
	kvshim_ pause one
	[ "$(status_of one)" = paused ]
	echo while >&5
	kvshim_ resume one
	[ "$(status_of one)" = running ]
	echo after >&5
	exec 5>&-
	until_status one stopped
	[ "$(cat out)" = "$(printf 'before\nwhile\nafter')" ]
	kvshim_ delete one
}

@test "a failed create leaves nothing" {
	need_kvm
	bundle true
	sed -i 's|/bin/busybox|/bin/nope|' bundle/config.json
	fails 127 PAYLOAD_MISSING "no such file or directory" kvshim_ create --bundle bundle one
	nothing_left
	[ ! -e pid ]
}

@test "errors go to the log, as JSON" {
	kvshim_ --log log.json --log-format json state nobody 2>/dev/null || :
	jq -e '.level == "error" and (.msg | test("does not exist")) and .time' log.json
}

@test "hooks run in order with the state on stdin; a failing one fails create" {
	need_kvm
	bundle true
	cat >hook <<-END
		#!/bin/sh
		echo "\$1 \$(jq -r .status)" >>"$BATS_TEST_TMPDIR/hooks"
		exit \${2:-0}
	END
	chmod +x hook
	row() {
		printf '"%s": [{"path": "%s/hook", "args": ["hook", "%s", "%s"], "env": ["PATH=%s"]}]' \
			"$1" "$BATS_TEST_TMPDIR" "$1" "${2:-0}" "$PATH"
	}
	all="\"hooks\": {$(row prestart), $(row createRuntime), $(row createContainer), $(row startContainer), $(row poststart), $(row poststop)}"
	sed -i "s|\"ociVersion\"|$all, \"ociVersion\"|" bundle/config.json
	create one
	kvshim_ start one
	until_status one stopped
	kvshim_ delete one
	[ "$(cut -d' ' -f1 hooks | tr '\n' ' ')" = "prestart createRuntime createContainer startContainer poststart poststop " ]
	[ "$(head -1 hooks)" = "prestart creating" ]
	[ "$(tail -1 hooks)" = "poststop stopped" ]
	bundle true
	sed -i "s|\"ociVersion\"|\"hooks\": {$(row prestart 3)}, \"ociVersion\"|" bundle/config.json
	fails 125 HOOK "prestart hook" kvshim_ create --bundle bundle one
	nothing_left
}
